//! Jog mode: the stage follows the keys, one step at a time.
//!
//! It is entered and left by its own key, looks different, and ends by itself when the tab is left, when a step fails, or when
//! no key comes for a while. Every key asks for a step. While one is under way the engine keeps the newest and drops it when it
//! has waited too long, so that a key which was let go moves nothing more; keys that arrive in a burst count once, since a line
//! that stalled must not become a long way.

use super::target::Steps;
use crate::action::Action;
use crate::cx::Cx;
use crate::effect::Effect;
use engine::Command;
use model::{Axis, Beam};

pub const COMMAND: &str = "stage.jog";
/// Seconds without a key after which the mode ends.
const IDLE: f64 = 20.0;
/// Keys closer than this (s) came in one burst.
const BURST: f64 = 0.04;

/// What the arrows mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Along the picture with the focus: what lies there comes to the centre.
    Picture,
    /// x and y of the stage.
    Axes,
}

#[derive(Clone, Copy, Debug)]
pub struct Jog {
    pub frame: Frame,
    moved: bool,
    /// When the last key came.
    last: f64,
    /// Kind of the last step, for the key that changes its length.
    axis: Option<Axis>,
}

impl Jog {
    pub fn new(cx: &Cx) -> Jog {
        Jog {
            frame: Frame::Picture,
            moved: false,
            last: cx.now,
            axis: None,
        }
    }

    pub fn has_moved(&self) -> bool {
        self.moved
    }

    /// The axis whose steps are made longer or shorter; `None` = all.
    pub fn axis(&self) -> Option<Axis> {
        self.axis
    }

    pub fn ends_in(&self, cx: &Cx) -> f64 {
        self.last + IDLE - cx.now
    }

    pub fn update(&mut self, action: &Action, beam: Beam, steps: Steps, cx: &Cx) -> Vec<Effect> {
        if *action == Action::JogFrame {
            self.frame = if self.frame == Frame::Picture {
                Frame::Axes
            } else {
                Frame::Picture
            };
            self.last = cx.now;
            return Vec::new();
        }
        let Some(command) = self.command(action, beam, steps) else {
            return Vec::new();
        };
        let burst = self.moved && cx.now - self.last < BURST;
        self.last = cx.now;
        let moving = cx.snapshot.stage.as_ref().is_none_or(|s| s.value.state.moving);
        // what moves by another hand is not jogged
        if burst || moving && !cx.pending.has(COMMAND) {
            return Vec::new();
        }
        self.moved = true;
        vec![Effect::Send(command)]
    }

    fn command(&mut self, action: &Action, beam: Beam, steps: Steps) -> Option<Command> {
        let (axis, sign) = match (action, self.frame) {
            (Action::Left | Action::Right | Action::Up | Action::Down, Frame::Picture) => {
                let (dx, dy) = match action {
                    Action::Left => (-steps.length, 0.0),
                    Action::Right => (steps.length, 0.0),
                    Action::Up => (0.0, steps.length),
                    _ => (0.0, -steps.length),
                };
                self.axis = Some(Axis::X);
                return Some(
                    Command::new(COMMAND)
                        .with("dx", dx)
                        .with("dy", dy)
                        .with("beam", beam.word()),
                );
            }
            (Action::Left, Frame::Axes) => (Axis::X, -1.0),
            (Action::Right, Frame::Axes) => (Axis::X, 1.0),
            (Action::Up, Frame::Axes) => (Axis::Y, 1.0),
            (Action::Down, Frame::Axes) => (Axis::Y, -1.0),
            (Action::PageUp, _) => (Axis::Z, 1.0),
            (Action::PageDown, _) => (Axis::Z, -1.0),
            (Action::TurnMore, _) => (Axis::R, 1.0),
            (Action::TurnLess, _) => (Axis::R, -1.0),
            (Action::TiltMore, _) => (Axis::T, 1.0),
            (Action::TiltLess, _) => (Axis::T, -1.0),
            _ => return None,
        };
        self.axis = Some(axis);
        Some(
            Command::new(COMMAND)
                .with("axis", axis.name())
                .with("step", sign * steps.of(axis)),
        )
    }
}
