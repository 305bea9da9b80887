//! Milling step by step, for clients that plan it themselves: set up, load, draw, finish. Nothing is owed: what such a client sets
//! it means to stay set, and it puts back what it wants back.

use crate::state::set_if_different;
use crate::{Job, JobCx, JobError};
use hal::{Act, Outcome};
use model::capabilities::MillingControl;
use model::{Beam, ErrorKind, Key, MillingSettings, PatterningState, Shape, Value};
use serde::{Deserialize, Serialize};

/// Current (A) and voltage (V) of a beam; what is left out stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Column {
    #[serde(default)]
    pub current: Option<f64>,
    #[serde(default)]
    pub voltage: Option<f64>,
}

impl Column {
    fn values(self) -> impl Iterator<Item = (Key, Value)> {
        // as openFIBSEM sets them: a step of voltage changes the currents there are
        let pairs = [(Key::Voltage, self.voltage), (Key::Current, self.current)];
        pairs
            .into_iter()
            .filter_map(|(key, value)| Some((key, Value::Number(value?))))
    }

    /// Refuses what this beam cannot be set to, before anything is.
    fn check(self, cx: &JobCx, beam: Beam) -> Result<(), JobError> {
        for (key, value) in self.values() {
            hal::interlock::beam_value(beam, key, &value, cx.scope().capabilities())?;
        }
        Ok(())
    }

    async fn set(self, cx: &JobCx, beam: Beam) -> Result<(), JobError> {
        for (key, value) in self.values() {
            set_if_different(cx, beam, key, value).await?;
        }
        Ok(())
    }
}

/// Clears the patterns and prepares patterning engine and column; what was really set.
pub fn set_up(cx: JobCx, settings: MillingSettings) -> Job<MillingSettings> {
    Box::pin(async move {
        let beam = settings.milling_channel;
        let by_preset = cx.scope().capabilities().milling.clone().unwrap_or_default().control == MillingControl::Preset;
        let column = match by_preset {
            true => Column::default(),
            false => Column {
                current: Some(settings.milling_current),
                voltage: Some(settings.milling_voltage),
            },
        };
        column.check(&cx, beam)?;
        let set = match cx
            .act(Act::MillingSetup {
                settings: settings.clone(),
            })
            .await?
        {
            Outcome::Milling(set) => *set,
            _ => settings.clone(),
        };
        if by_preset {
            set_if_different(&cx, beam, Key::Preset, Value::Text(settings.preset)).await?;
        }
        column.set(&cx, beam).await?;
        let now = cx.scope().beam(beam).await?.value.settings;
        Ok(MillingSettings {
            milling_current: now.beam_current,
            milling_voltage: now.voltage,
            ..set
        })
    })
}

/// Shapes that are loaded, and how long they will take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Loaded {
    pub shapes: usize,
    /// The instrument's estimate for all that is loaded, s.
    pub seconds: f64,
}

/// Adds shapes to those that are loaded; those that were drawn are taken off first.
pub fn load(cx: JobCx, shapes: Vec<Shape>) -> Job<Loaded> {
    Box::pin(async move {
        if is_drawn(&cx.scope().patterning().await?.value) {
            cx.act(Act::PatternsClear).await?;
        }
        let seconds = match cx.act(Act::PatternsLoad { shapes }).await? {
            Outcome::Estimate(seconds) => seconds,
            _ => 0.0,
        };
        let now = cx.scope().patterning().await?.value;
        Ok(Loaded {
            shapes: now.done.len(),
            seconds,
        })
    })
}

/// Draws what is loaded to its end with `beam`; what stays loaded afterwards is the instrument's evidence of it. What was drawn
/// before, or a part of it, is not drawn again.
pub fn draw(cx: JobCx, beam: Beam, column: Column) -> Job<PatterningState> {
    Box::pin(async move {
        column.check(&cx, beam)?;
        let now = cx.scope().patterning().await?.value;
        if now.done.is_empty() || is_drawn(&now) {
            let what = match now.done.is_empty() {
                true => "no pattern is loaded",
                false => "what is loaded was drawn already",
            };
            return Err(JobError::new(
                ErrorKind::Interlock,
                format!("{what}; nothing was milled"),
                "load patterns first",
            ));
        }
        column.set(&cx, beam).await?;
        let act = Act::PatternStart {
            channel: beam,
            current: column.current,
        };
        cx.act(act).await?;
        Ok(cx.scope().patterning().await?.value)
    })
}

/// A run of what is loaded has come to its end, or was ended.
pub fn is_drawn(state: &PatterningState) -> bool {
    !state.phase.is_active() && state.done.iter().any(|done| *done > 0.0)
}

/// Takes the patterns off and sets the column for pictures.
pub fn finish(cx: JobCx, beam: Beam, column: Column) -> Job<()> {
    Box::pin(async move {
        column.check(&cx, beam)?;
        cx.act(Act::PatternsClear).await?;
        column.set(&cx, beam).await
    })
}
