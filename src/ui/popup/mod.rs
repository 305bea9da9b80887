//! What lies over the tab for a while: help, notices, jobs, a confirmation, the palette; and the question of a job, which is a
//! panel beside the picture and not over it.
//!
//! To add one: a file with a type that implements [`Dialog`], a variant of [`crate::effect::Popup`], a line in [`open`], a
//! layer for its keys.

mod answer;
mod confirm;
mod frame;
mod help;
mod jobs;
mod notices;
mod palette;
mod question;
mod scroll;

pub use answer::plain;
pub use help::Help;
pub use notices::sign as severity_sign;
pub use question::{Panel, rows as question_rows};

use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::{Effect, Popup};
use crate::keys::Layer;
use crate::theme::Theme;
use crate::toasts::Toasts;
use ratatui::layout::Rect;

/// A popup that is open. It has all keys but Stop.
pub trait Dialog {
    fn layer(&self) -> Layer;

    /// The next keys for its state.
    fn next(&self, cx: &Cx) -> Vec<Action>;

    /// False once what it is about is gone: it is then closed.
    fn stands(&self, _cx: &Cx) -> bool {
        true
    }

    /// Handles an action; [`Effect::Close`] among the effects closes it.
    fn update(&mut self, action: &Action, cx: &Cx) -> Vec<Effect>;

    /// Draws itself into the body of the screen, over what is there.
    fn draw(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas);
}

/// Opens a popup. `layers` are those of the tab below, for help and palette. The question is no dialog: it has its own place.
pub fn open(popup: Popup, layers: &[Layer], toasts: &Toasts, cx: &Cx) -> Option<Box<dyn Dialog>> {
    Some(match popup {
        Popup::Help => Box::new(help::Help::new(layers, cx)),
        Popup::Notices => Box::new(notices::Notices::new(toasts, cx)),
        Popup::Jobs => Box::new(jobs::Jobs::default()),
        Popup::Palette(text) => Box::new(palette::Palette::new(&text, layers, cx)),
        Popup::Answer { command, answer } => Box::new(answer::Answer::new(&command, &answer)),
        Popup::Confirm(ask) => Box::new(confirm::Confirm::Ask(ask)),
        Popup::Leave => Box::new(confirm::Confirm::Leave),
        Popup::Question => return None,
    })
}
