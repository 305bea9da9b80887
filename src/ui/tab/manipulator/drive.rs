//! Drive mode: the needle follows the keys along the picture with the focus, one step at a time.
//!
//! It is entered and left by its own key, looks different, and ends by itself when the tab is left, a move fails, the needle is
//! out, or no key comes for a while. A step is sent only while none is under way, and keys that arrive in a burst count once:
//! what was pressed while the needle moved is not made up for later.

use super::{is_move, needle};
use crate::action::Action;
use crate::cx::Cx;
use crate::effect::Effect;
use engine::Command;
use model::Beam;
use model::capabilities::ManipulatorCapabilities;

/// Seconds without a key after which the mode ends.
const IDLE: f64 = 20.0;
/// Keys closer than this (s) came in one burst.
const BURST: f64 = 0.04;

#[derive(Clone, Copy, Debug)]
pub struct Drive {
    /// When the last key came.
    last: f64,
    moved: bool,
}

impl Drive {
    pub fn new(cx: &Cx) -> Drive {
        Drive {
            last: cx.now,
            moved: false,
        }
    }

    pub fn has_moved(&self) -> bool {
        self.moved
    }

    pub fn ends_in(&self, cx: &Cx) -> f64 {
        self.last + IDLE - cx.now
    }

    /// A key that is no step keeps the mode alive, too.
    pub fn touch(&mut self, cx: &Cx) {
        self.last = cx.now;
    }

    /// The step a key asks for; `None`: it asks for none.
    pub fn update(&mut self, action: &Action, beam: Beam, step: f64, cx: &Cx) -> Option<Vec<Effect>> {
        let command = command(action, beam, step)?;
        let burst = self.moved && cx.now - self.last < BURST;
        self.last = cx.now;
        let moving = needle(cx).is_none_or(|needle| needle.moving) || cx.pending.any(is_move);
        if burst || moving {
            return Some(Vec::new());
        }
        self.moved = true;
        Some(vec![Effect::Send(command)])
    }
}

fn command(action: &Action, beam: Beam, step: f64) -> Option<Command> {
    let along = |dx: f64, dy: f64| {
        let command = Command::new("manipulator.move-corrected");
        command.with("dx", dx).with("dy", dy).with("beam", beam.word())
    };
    let z = |by: f64| Command::new("manipulator.move-relative").with("z", by);
    Some(match action {
        Action::Left => along(-step, 0.0),
        Action::Right => along(step, 0.0),
        Action::Up => along(0.0, step),
        Action::Down => along(0.0, -step),
        Action::PageUp => z(step),
        Action::PageDown => z(-step),
        _ => return None,
    })
}

/// What the keys mean for the height, said beside them: up and down by this beam, whose scan is turned by `scan_rotation` (rad), and
/// along the needle's own z.
pub fn sense(beam: Beam, scan_rotation: f64, capabilities: Option<&ManipulatorCapabilities>) -> [&'static str; 3] {
    let [up, down] = match (capabilities.is_some_and(|caps| caps.stage_frame), beam) {
        (true, Beam::Ion) if scan_rotation.cos() > 0.5 => {
            ["up key = +z, AWAY from sample", "down key = TOWARDS sample"]
        }
        (true, Beam::Ion) if scan_rotation.cos() < -0.5 => {
            ["up key = TOWARDS sample", "down key = +z, AWAY from sample"]
        }
        (true, Beam::Ion) => ["up key = mostly sideways", "down key = mostly sideways"],
        (true, Beam::Electron) => ["up in SEM = along the stage's plane", "down in SEM = back along it"],
        (false, Beam::Ion) => ["up in FIB = +y, same height", "down in FIB = -y, same height"],
        (false, Beam::Electron) => ["up in SEM = +y, same height", "down in SEM = -y, same height"],
    };
    [up, down, "z up = +z, AWAY; z down = TOWARDS"]
}
