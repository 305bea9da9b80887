//! The rules one by one, on the capabilities of the twin.

mod beam;
mod hands;
mod oracle;
mod patterning;
mod stage;

use super::*;
use crate::clock::ManualClock;
use crate::drivers::Opening;
use crate::sim;
use model::config::Instrument;
use model::{
    Axis, GasPortState, ImageSettings, ManipulatorPosition, MillingSettings, Point, Pose, Rect, Shape, SputterStep,
    StagePosition,
};
use std::sync::Arc;

/// An instrument at rest and what it can do.
struct Case {
    now: Readings,
    caps: Capabilities,
}

fn case() -> Case {
    let mut instrument = Instrument::default();
    (instrument.ion.plasma, instrument.ion.plasma_gas) = (true, Some("Xenon".into()));
    instrument.gis.sputter_coater = true;
    let opening = Opening {
        instrument,
        clock: Arc::new(ManualClock::default()),
        world: None,
    };
    let mut twin = sim::open(&opening).unwrap();
    let now = Readings {
        stage: Some(twin.stage().unwrap().read().unwrap().value),
        electron: Some(twin.beam(Beam::Electron).unwrap().read().unwrap().value),
        ion: Some(twin.beam(Beam::Ion).unwrap().read().unwrap().value),
        chamber: Some(twin.chamber().unwrap().read().unwrap().value),
        patterning: Some(twin.milling().unwrap().read().unwrap().value),
        needle: Some(twin.manipulator().unwrap().read().unwrap().value),
        gas: Some(twin.gas().unwrap().read().unwrap().value),
        saved: None,
        memory: Memory::default(),
    };
    Case {
        now,
        caps: twin.capabilities(),
    }
}

impl Case {
    fn check(&self, act: &Act) -> Result<Vec<String>, HalError> {
        check(act, &self.now, &self.caps)
    }

    fn refused(&self, act: &Act) -> ErrorKind {
        let error = self.check(act).expect_err(&act.describe());
        assert!(
            !error.hint.is_empty() && error.what.contains("nothing")
                || error.what.contains("not ")
                || error.what.contains("stay"),
            "{error}"
        );
        error.kind
    }

    fn stage(mut self, change: impl FnOnce(&mut StageState)) -> Case {
        change(self.now.stage.as_mut().unwrap());
        self
    }

    /// The needle parked over the sample, inserted with the stage as it is.
    fn needle_in(mut self) -> Case {
        let needle = self.now.needle.as_mut().unwrap();
        (needle.inserted, needle.position) = (true, ManipulatorPosition::new(0.0, 0.0, 180e-6));
        self.now.memory.stage = self.now.stage.map(|s| s.pose);
        self
    }

    fn port(mut self, change: impl FnOnce(&mut GasPortState)) -> Case {
        change(&mut self.now.gas.as_mut().unwrap().ports[0]);
        self.now.memory.stage = self.now.stage.map(|s| s.pose);
        self
    }

    fn drawing(mut self, phase: PatterningPhase) -> Case {
        let state = self.now.patterning.as_mut().unwrap();
        (state.phase, state.done) = (phase, vec![0.5]);
        self
    }

    fn vacuum(mut self, phase: ChamberPhase) -> Case {
        self.now.chamber.as_mut().unwrap().phase = phase;
        self
    }
}

fn to(axis: Axis, value: f64) -> Act {
    Act::StageTo {
        target: StagePosition::default().with(axis, value),
    }
}

fn set(key: Key, value: Value) -> Act {
    Act::BeamSet {
        beam: Beam::Electron,
        key,
        value,
    }
}

fn grab(change: impl FnOnce(&mut ImageSettings)) -> Act {
    let mut settings = ImageSettings::default();
    change(&mut settings);
    Act::Acquire { settings }
}
