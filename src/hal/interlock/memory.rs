//! What the rules remember from one act to the next: from where a small step beside a hand is counted.

use super::{Readings, needle};
use crate::Act;
use model::{Capabilities, Pose};

/// Kept by the scope, which tells it every act that was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Memory {
    /// Where the stage stood when a hand was inserted beside it, or a person last confirmed how it stands; `None` while nothing
    /// is known of that.
    pub stage: Option<Pose>,
    /// How far the needle has come towards the sample since a person last confirmed its way, m.
    pub approached: f64,
}

impl Memory {
    /// `act` was sent in the state `now`.
    pub fn sent(&mut self, act: &Act, now: &Readings, capabilities: &Capabilities) {
        let pose = now.stage.map(|stage| stage.pose);
        match act {
            Act::NeedleInsert { .. } => {
                self.approached = 0.0;
                self.inserted(pose, now);
            }
            Act::GasInsert { .. } => self.inserted(pose, now),
            Act::NeedleTo { confirmed: true, .. } => {
                *self = Memory {
                    stage: pose,
                    approached: 0.0,
                }
            }
            Act::NeedleTo { target, .. } => self.approached = needle::approached(target, now, capabilities),
            _ => {}
        }
    }

    /// A second hand beside one that is in changes nothing of what is known of the first.
    fn inserted(&mut self, pose: Option<Pose>, now: &Readings) {
        if !now.hands_in() {
            self.stage = pose;
        }
    }
}
