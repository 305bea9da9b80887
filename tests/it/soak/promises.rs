//! What must hold after every command: a table of promises.

use engine::Snapshot;
use engine::link::Ended;
use model::{Axis, Beam, Key};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is looked at after a command.
pub struct Seen<'a> {
    pub ended: &'a Ended,
    /// What the console believed when the command ended.
    pub snapshot: &'a Snapshot,
    /// The same, folded from the events.
    pub folded: &'a Snapshot,
    /// `None` while nothing is connected.
    pub truth: Option<&'a Value>,
    /// The same a while after a command that failed.
    pub later: Option<&'a Value>,
    /// What the patterning engine and the gas system say; `None` while nothing is connected.
    pub milling: Option<&'a Value>,
    pub gas: Option<&'a Value>,
    /// Gas flows because `gis.valve` was asked to open.
    pub flows: bool,
    /// What the instrument itself says of its beams.
    pub beams: &'a [(Beam, Key, Value)],
    /// How often each job was said to have started and ended.
    pub jobs: &'a BTreeMap<u64, (u32, u32)>,
}

pub type Promise = (&'static str, fn(&Seen) -> Result<(), String>);

pub const PROMISES: &[Promise] = &[
    ("a refusal says what happened and what to do", |seen| match seen.ended {
        Err(failure) if failure.title.is_empty() || failure.hint.is_empty() => Err(format!("{failure:?}")),
        _ => Ok(()),
    }),
    ("nothing collides", |seen| match seen.truth {
        Some(truth) if truth["collisions"] != 0 => Err(truth["contacts"].to_string()),
        _ => Ok(()),
    }),
    ("no pattern is left running", |seen| match seen.milling {
        Some(state)
            if ["Running", "Stopping", "Paused"]
                .iter()
                .any(|p| state["patterning"]["phase"] == *p) =>
        {
            Err(state.to_string())
        }
        _ => Ok(()),
    }),
    ("no valve is left open but by hand, and nothing sputters on", |seen| {
        let Some(gas) = seen.gas else { return Ok(()) };
        let open = gas["ports"]
            .as_array()
            .is_some_and(|ports| ports.iter().any(|p| p["open"] == true));
        match (open && !seen.flows) || !gas["sputtering"].is_null() {
            true => Err(gas.to_string()),
            false => Ok(()),
        }
    }),
    ("no beam and no gas is left on the sample after an error", |seen| {
        // a live view goes on, and says so; so does gas that was let in by hand
        let (Some(truth), Some(later)) = (seen.truth, seen.later) else {
            return Ok(());
        };
        if seen.snapshot.live.iter().any(|live| live.on) || seen.flows {
            return Ok(());
        }
        match ["dose_c", "milling", "deposits"]
            .iter()
            .find(|key| truth[**key] != later[**key])
        {
            Some(key) => Err(format!("{key}: {} became {}", truth[*key], later[*key])),
            None => Ok(()),
        }
    }),
    ("soft limits are kept", |seen| {
        let stage = seen
            .snapshot
            .connection
            .as_ref()
            .and_then(|c| c.capabilities.stage.as_ref());
        let (Some(truth), Some(stage)) = (seen.truth, stage) else {
            return Ok(());
        };
        for axis in Axis::ALL {
            let at = truth["pose"][axis.name()].as_f64().unwrap_or(f64::NAN);
            match stage.limits.get(axis) {
                Some((low, high)) if !(low - 1e-9..=high + 1e-9).contains(&at) => {
                    return Err(format!("{axis} is {at}, not in {low}..{high}"));
                }
                _ => {}
            }
        }
        Ok(())
    }),
    ("the stage is where the console shows it", |seen| {
        let (Some(truth), Some(stage)) = (seen.truth, &seen.snapshot.stage) else {
            return Ok(());
        };
        let pose = stage.value.state.pose;
        let astray = |axis: &Axis| {
            let so = truth["pose"][axis.name()].as_f64().unwrap_or(f64::NAN);
            let off = (pose.get(*axis) - so).abs();
            off.is_nan() || off > 1e-7
        };
        match Axis::ALL.iter().find(|axis| astray(axis)) {
            Some(axis) => Err(format!("{axis}: shown {pose}, is {}", truth["pose"])),
            None => Ok(()),
        }
    }),
    ("the beams are as the console believes", |seen| {
        // a live view changes its beam whenever time passes
        if seen.snapshot.live.iter().any(|live| live.on) {
            return Ok(());
        }
        for (beam, key, so) in seen.beams {
            let Some(state) = seen.snapshot.beam(*beam).map(|b| &b.value) else {
                return Err(format!("{beam} is not known"));
            };
            let settings = &state.settings;
            let believed = match key {
                Key::On => Value::from(state.on),
                Key::Blanked => Value::from(state.blanked),
                Key::Voltage => Value::from(settings.voltage),
                Key::Current => Value::from(settings.beam_current),
                Key::Hfw => Value::from(settings.hfw),
                Key::WorkingDistance => Value::from(settings.working_distance),
                Key::ScanRotation => Value::from(settings.scan_rotation),
                _ => serde_json::to_value(settings.shift).unwrap(),
            };
            if believed != *so {
                return Err(format!("{beam} {key}: believed {believed}, is {so}"));
            }
        }
        Ok(())
    }),
    ("every job ends exactly once", |seen| {
        let odd = seen.jobs.iter().find(|(_, told)| **told != (1, 1));
        odd.map_or(Ok(()), |(id, (started, ended))| {
            Err(format!("job {id} started {started} times and ended {ended} times"))
        })
    }),
    ("the snapshot is the fold of the events", |seen| {
        if seen.folded == seen.snapshot {
            return Ok(());
        }
        Err(format!("folded {:#?}\nis not {:#?}", seen.folded, seen.snapshot))
    }),
];

/// Keys of a beam that its promise compares.
pub const BELIEFS: [Key; 8] = [
    Key::On,
    Key::Blanked,
    Key::Voltage,
    Key::Current,
    Key::Hfw,
    Key::WorkingDistance,
    Key::ScanRotation,
    Key::Shift,
];
