//! openFIBSEM's MicroscopeState: captured exactly, restored exactly.
//!
//! Restoring goes beams, detectors, stage (by a safe move), as openFIBSEM does. Only what differs is set; afterwards everything is
//! read back and each difference told.

use crate::Job;
use crate::movement::{SafeMove, safe_move};
use crate::{JobCx, JobError};
use hal::Scope;
use hal::act::show;
use model::{Axis, Beam, BeamSettings, DetectorSettings, ErrorKind, Key, MicroscopeState, Pose, StagePosition, Value};
use serde::Serialize;

/// Reads stage, beams and detectors; parts the instrument lacks are `None`. Changes nothing.
pub async fn capture(scope: &Scope) -> Result<MicroscopeState, JobError> {
    let stage_position = match scope.capabilities().stage {
        Some(_) => scope.stage().await?.value.pose.into(),
        None => StagePosition::default(),
    };
    let clock = scope.clock();
    let mut state = MicroscopeState::bare(clock.epoch() + clock.now(), stage_position);
    for beam in scope.capabilities().beams() {
        let now = scope.beam(beam).await?.value;
        let (settings, detector) = (Some(now.settings), Some(now.detector));
        match beam {
            Beam::Electron => (state.electron_beam, state.electron_detector) = (settings, detector),
            Beam::Ion => (state.ion_beam, state.ion_detector) = (settings, detector),
        }
    }
    Ok(state)
}

/// What [`restore`] came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Restored {
    /// What had to be set or moved.
    pub changed: Vec<String>,
    /// What reads differently from the state asked for; empty = exactly restored.
    pub differences: Vec<Difference>,
}

/// A value that could not be brought back.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// `electron.voltage`, `stage.x`, ...
    pub key: String,
    pub wanted: String,
    pub actual: String,
}

/// Brings the instrument to `state`. Values of a beam or axis that the instrument lacks become differences, not errors; a value
/// it refuses ends the restoring there.
pub fn restore(cx: JobCx, state: MicroscopeState) -> Job<Restored> {
    Box::pin(async move {
        state.stage_position.check_finite()?;
        let mut changed = Vec::new();
        let beams: Vec<Beam> = cx.scope().capabilities().beams();
        check(&cx, &beams, &state)?;
        let part = |beam: Beam| format!("{} beam and detector", beam.short());
        for (i, beam) in beams.iter().enumerate() {
            cx.progress(i as f64 / (2 * beams.len() + 1) as f64, &part(*beam));
            if let Some(settings) = state.beam(*beam) {
                set_all(&cx, *beam, beam_values(settings), &mut changed).await?;
            }
        }
        for (i, beam) in beams.iter().enumerate() {
            cx.progress((beams.len() + i) as f64 / (2 * beams.len() + 1) as f64, &part(*beam));
            if let Some(detector) = state.detector(*beam) {
                set_all(&cx, *beam, detector_values(detector), &mut changed).await?;
            }
        }
        if cx.scope().capabilities().stage.is_some() {
            let here = cx.pose().await?;
            if Axis::ALL
                .into_iter()
                .any(|axis| state.stage_position.get(axis).is_some_and(|v| v != here.get(axis)))
            {
                let target = StagePosition {
                    name: None,
                    ..state.stage_position.clone()
                };
                safe_move(cx.clone(), SafeMove { target }).await?;
                changed.push("stage".to_owned());
            }
        }
        let differences = differences(&state, &capture(cx.scope()).await?);
        Ok(Restored { changed, differences })
    })
}

/// What would be refused on the way is refused before the first value is set.
fn check(cx: &JobCx, beams: &[Beam], state: &MicroscopeState) -> Result<(), JobError> {
    let capabilities = cx.scope().capabilities();
    for beam in beams {
        let settings = state.beam(*beam).map(beam_values).unwrap_or_default();
        let detector = state.detector(*beam).map(detector_values).unwrap_or_default();
        for (key, value) in settings.into_iter().chain(detector) {
            if capabilities.beam(*beam).is_some_and(|b| b.writable.contains(&key)) {
                hal::interlock::beam_value(*beam, key, &value, capabilities)?;
            }
        }
    }
    match capabilities
        .stage
        .as_ref()
        .map(|s| s.limits.check(&state.stage_position))
    {
        Some(Err(limit)) => Err(JobError::new(
            ErrorKind::OutOfRange,
            limit.to_string(),
            "nothing was changed; the Movement tab shows the limits",
        )),
        _ => Ok(()),
    }
}

async fn set_all(cx: &JobCx, beam: Beam, values: Vec<(Key, Value)>, changed: &mut Vec<String>) -> Result<(), JobError> {
    for (key, value) in values {
        if set_if_different(cx, beam, key, value).await?.is_some() {
            changed.push(format!("{beam}.{key}"));
        }
    }
    Ok(())
}

/// Sets `key` where the instrument lets it be set and has another value: (before, really set).
pub(crate) async fn set_if_different(
    cx: &JobCx,
    beam: Beam,
    key: Key,
    value: Value,
) -> Result<Option<(Value, Value)>, JobError> {
    if !cx
        .scope()
        .capabilities()
        .beam(beam)
        .is_some_and(|b| b.writable.contains(&key))
    {
        return Ok(None);
    }
    let before = cx.scope().get(key, Some(beam)).await?;
    if before == value {
        return Ok(None);
    }
    let set = cx.set(beam, key, value).await?;
    Ok(Some((before, set)))
}

/// A beam's settings as keys, in the order openFIBSEM sets them.
pub(crate) fn beam_values(settings: &BeamSettings) -> Vec<(Key, Value)> {
    let mut values = vec![
        (Key::WorkingDistance, Value::Number(settings.working_distance)),
        (Key::Current, Value::Number(settings.beam_current)),
        (Key::Voltage, Value::Number(settings.voltage)),
        (Key::Hfw, Value::Number(settings.hfw)),
        (
            Key::Resolution,
            Value::Size(settings.resolution.0, settings.resolution.1),
        ),
        (Key::DwellTime, Value::Number(settings.dwell_time)),
        (Key::Stigmation, Value::Point(settings.stigmation)),
        (Key::Shift, Value::Point(settings.shift)),
        (Key::ScanRotation, Value::Number(settings.scan_rotation)),
    ];
    values.extend(settings.preset.clone().map(|preset| (Key::Preset, Value::Text(preset))));
    values
}

fn detector_values(detector: &DetectorSettings) -> Vec<(Key, Value)> {
    vec![
        (Key::DetectorType, Value::Text(detector.kind.clone())),
        (Key::DetectorMode, Value::Text(detector.mode.clone())),
        (Key::DetectorBrightness, Value::Number(detector.brightness)),
        (Key::DetectorContrast, Value::Number(detector.contrast)),
    ]
}

fn differences(wanted: &MicroscopeState, actual: &MicroscopeState) -> Vec<Difference> {
    let mut found = Vec::new();
    let missing = || "not there".to_owned();
    let here = Pose::try_from(&actual.stage_position).ok();
    for axis in Axis::ALL {
        let Some(value) = wanted.stage_position.get(axis) else {
            continue;
        };
        let now = here.map(|pose| pose.get(axis));
        if now != Some(value) {
            let actual = now.map_or_else(missing, |v| v.to_string());
            found.push(Difference {
                key: format!("stage.{axis}"),
                wanted: value.to_string(),
                actual,
            });
        }
    }
    for beam in Beam::ALL {
        let all = |state: &MicroscopeState| -> Vec<(Key, Value)> {
            let settings = state.beam(beam).map(beam_values).unwrap_or_default();
            settings
                .into_iter()
                .chain(state.detector(beam).map(detector_values).unwrap_or_default())
                .collect()
        };
        let now = all(actual);
        for (key, value) in all(wanted) {
            let read = now.iter().find(|(k, _)| *k == key).map(|(_, v)| v);
            if read != Some(&value) {
                let actual = read.map_or_else(missing, |v| show(key, v));
                found.push(Difference {
                    key: format!("{beam}.{key}"),
                    wanted: show(key, &value),
                    actual,
                });
            }
        }
    }
    found
}
