//! One stage: the beam as it wants it, aligned, and its shapes drawn by its strategy.

use super::draw::Turn;
use super::report::Report;
use super::{Run, draw, overtilt};
use crate::align::{self, AlignBeamShift};
use crate::contrast::{self, AutoContrast};
use crate::{JobError, autofocus};
use hal::Act;
use model::capabilities::MillingControl;
use model::{ErrorKind, Frame, ImageSettings, Key, MillingSettings, Rect, Shape, Unit, Value, units};
use pattern::MillingStage;
use pattern::task::Strategy;

/// Mills what is left of one stage by its strategy.
pub(super) async fn mill(
    run: &Run<'_>,
    stage: &MillingStage,
    left: &[Option<Shape>],
    report: &mut Report<'_>,
) -> Result<(), JobError> {
    match &stage.strategy {
        Strategy::Standard => {
            prepare(run, stage, report).await?;
            if let Some((frame, settings)) = &run.reference {
                report.doing("aligning at the milling current");
                align(run, frame, settings, true).await?;
            }
            let shapes: Vec<Shape> = left.iter().flatten().cloned().collect();
            let turn = Turn {
                before: 0,
                shapes: &shapes,
                later: &[],
            };
            draw::draw(run, stage, turn, run.reference.as_ref(), report).await
        }
        Strategy::Overtilt(config) => overtilt::mill(run, stage, left, config, report).await,
        Strategy::Foreign { name, .. } => Err(JobError::new(
            ErrorKind::Unsupported,
            format!(
                "the strategy `{}` cannot be run here; nothing was milled",
                model::text::printable(name)
            ),
            "choose another strategy for this stage",
        )),
    }
}

/// The stage's beam, with field and channel of the task.
pub(super) fn settings(run: &Run<'_>, stage: &MillingStage) -> MillingSettings {
    MillingSettings {
        hfw: run.task.field_of_view,
        milling_channel: run.task.channel,
        acquire_images: run.task.acquisition.beams() > 0,
        ..stage.milling.clone()
    }
}

/// Patterning engine and column as the stage wants them, read back.
pub(super) async fn prepare(run: &Run<'_>, stage: &MillingStage, report: &mut Report<'_>) -> Result<(), JobError> {
    let (cx, beam) = (run.cx, run.task.channel);
    report.doing("setting up the beam");
    let settings = settings(run, stage);
    cx.act(Act::MillingSetup { settings }).await?;
    let wanted = &stage.milling;
    let now = cx.scope().beam(beam).await?.value.settings;
    if run.control == MillingControl::Preset {
        return run.set(Key::Preset, Value::Text(wanted.preset.clone())).await;
    }
    if now.beam_current != wanted.milling_current {
        run.set(Key::Current, Value::Number(wanted.milling_current)).await?;
    }
    if now.voltage != wanted.milling_voltage {
        run.set(Key::Voltage, Value::Number(wanted.milling_voltage)).await?;
    }
    Ok(())
}

/// What the beam must read for this stage's shapes to be drawn; the instrument's own choice where it goes by presets.
pub(super) fn planned_current(run: &Run<'_>, stage: &MillingStage) -> Option<f64> {
    match run.control {
        MillingControl::Current => Some(stage.milling.milling_current),
        MillingControl::Preset => pattern::estimate::preset_current(&stage.milling.preset),
    }
}

/// Share of an alignment area by which drift, another current or a tilt may have moved what is in it.
const FURTHEST: f64 = 0.3;

/// Near enough, pixels: a lamella's two sides are as far apart as their alignments were off, and a pixel is a quarter of its thickness.
const NEAR: f64 = 0.1;

/// The furthest that a picture of these settings is shifted by an alignment while milling, pixels.
fn furthest(settings: &ImageSettings) -> f64 {
    let area = settings.reduced_area.unwrap_or(Rect::FULL);
    let (w, h) = settings.resolution;
    FURTHEST * (area.width * f64::from(w)).min(area.height * f64::from(h))
}

/// Brings the picture at the milling current back onto the reference by beam shift. `first`: contrast and focus are set before.
/// An alignment that is not sure, or would go further than drift goes, ends the stage: milling beside the mark costs the lamella.
pub(super) async fn align(
    run: &Run<'_>,
    reference: &Frame,
    settings: &ImageSettings,
    first: bool,
) -> Result<(), JobError> {
    let (cx, alignment) = (run.cx, &run.task.alignment);
    if first && alignment.use_autocontrast {
        let around = AutoContrast {
            hfw: Some(settings.hfw),
            reduced_area: settings.reduced_area,
            ..AutoContrast::of(settings.beam_type)
        };
        contrast::autocontrast(cx.clone(), around).await?;
    }
    if first && alignment.use_autofocus {
        autofocus::autofocus(cx.clone(), autofocus::AutoFocus::of(settings.beam_type)).await?;
    }
    let params = AlignBeamShift {
        beam: settings.beam_type,
        steps: alignment.steps as usize,
        limit_px: Some(furthest(settings)),
        enough_px: NEAR,
        ..AlignBeamShift::default()
    };
    align::onto(cx, reference, settings, &params)
        .await
        .map(drop)
        .map_err(|error| match error.kind {
            ErrorKind::Stopped => error,
            _ => JobError {
                what: format!(
                    "the picture at {} could not be aligned: {}; nothing further was milled",
                    units::format(settings.hfw, Unit::Metre),
                    error.what
                ),
                hint: "align by hand (align.beam-shift), choose another alignment area, or turn alignment off"
                    .to_owned(),
                ..error
            },
        })
}
