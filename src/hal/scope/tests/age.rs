//! A driver that tells what it read a while ago: asked again before anything is decided.

use super::*;
use crate::{Chamber, Column, Imaging, Microscope, Progress, Reading, Stage, Stopper, Ticket};
use model::{Geometry, Identity, Key, StageState, Value};
use std::collections::VecDeque;

/// The twin, whose stage is told as old as these ages, one a read; afterwards as the last of them.
struct Slow {
    twin: Box<dyn Microscope>,
    ages: Arc<Mutex<VecDeque<f64>>>,
}

impl Microscope for Slow {
    fn identity(&self) -> Identity {
        self.twin.identity()
    }
    fn capabilities(&self) -> Capabilities {
        self.twin.capabilities()
    }
    fn geometry(&self) -> Geometry {
        self.twin.geometry()
    }
    fn stopper(&self) -> Arc<dyn Stopper> {
        self.twin.stopper()
    }
    fn poll(&mut self, ticket: Ticket) -> Result<Progress, HalError> {
        self.twin.poll(ticket)
    }
    fn cancel(&mut self, ticket: Ticket) -> Result<(), HalError> {
        self.twin.cancel(ticket)
    }
    fn get(&mut self, key: Key) -> Result<Value, HalError> {
        self.twin.get(key)
    }
    fn set(&mut self, key: Key, value: &Value) -> Result<Value, HalError> {
        self.twin.set(key, value)
    }
    fn stage(&mut self) -> Option<&mut dyn Stage> {
        Some(self)
    }
    fn beam(&mut self, beam: Beam) -> Option<&mut dyn Column> {
        self.twin.beam(beam)
    }
    fn imaging(&mut self) -> Option<&mut dyn Imaging> {
        self.twin.imaging()
    }
    fn chamber(&mut self) -> Option<&mut dyn Chamber> {
        self.twin.chamber()
    }
}

impl Slow {
    fn its(&mut self) -> &mut dyn Stage {
        self.twin.stage().unwrap()
    }
}

impl Stage for Slow {
    fn read(&mut self) -> Result<Reading<StageState>, HalError> {
        let mut ages = lock(&self.ages);
        let age = if ages.len() > 1 {
            ages.pop_front()
        } else {
            ages.front().copied()
        };
        drop(ages);
        let value = self.its().read()?.value;
        Ok(Reading {
            value,
            age: age.unwrap(),
        })
    }
    fn begin_move(&mut self, target: Pose) -> Result<Ticket, HalError> {
        self.its().begin_move(target)
    }
    fn begin_home(&mut self) -> Result<Ticket, HalError> {
        self.its().begin_home()
    }
    fn link(&mut self, on: bool) -> Result<bool, HalError> {
        self.its().link(on)
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_old_is_asked_for_again_and_nothing_is_decided_on_what_stays_old() {
    let clock = Arc::new(TokioClock::new(0.0, 1.0));
    let (ages, log) = (Arc::new(Mutex::default()), Arc::new(Log::default()));
    let opening = Opening {
        instrument: Instrument::default(),
        clock: clock.clone(),
        world: None,
    };
    let slow = Slow {
        twin: sim::open(&opening).unwrap(),
        ages: Arc::clone(&ages),
    };
    let scope = Scope::new(Box::new(slow), None, clock, log.clone());
    let hand = scope.hand("test").0;
    let tell = |told: &[f64]| *lock(&ages) = told.iter().copied().collect();
    // a second old is still good; older is asked for again
    for told in [&[1.0, 0.0][..], &[30.0, 4.0, 0.5, 0.0]] {
        tell(told);
        hand.act(to(Axis::X, 1e-6 * told.len() as f64)).await.unwrap();
    }
    let before = lock(&log.lines).len();
    for told in [&[2.0][..], &[f64::NAN], &[1.1]] {
        tell(told);
        let error = hand.act(to(Axis::X, 0.0)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Interlock, "{error}");
        assert!(error.what.contains("nothing was sent"), "{error}");
    }
    assert_eq!(lock(&log.lines).len(), before, "nothing was about to go out");
}
