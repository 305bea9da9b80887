//! Labelling pictures by hand: `fibdeck label`. A screen without an engine: theme, keymap, picture painting and key hints are the console's, what it
//! shows is a desk of `learn`.
//!
//! [`Labelling`] is the state, a key or the mouse makes [`Effect`]s of it, and a frame; `app` alone does effects. `hand` is what the tools do, `view`
//! how large the picture is shown, `points` key points instead of masks. To add a tool: a row of `hand::TOOLS`, its arms there, an action and a key.

mod app;
mod draw;
mod hand;
mod mouse;
mod points;
mod save;
mod state;
#[cfg(test)]
mod tests;
mod view;

pub use app::run;
pub use state::{Effect, Labelling};

use learn::classes::Classes;
use learn::label::{Desk, Points};
use ndarray::Array2;
use std::sync::Arc;

/// Makes a mask of a picture, or says why not. Called on a thread of its own.
pub type Assist = Arc<dyn Fn(&Array2<u8>) -> Result<Array2<u8>, String> + Send + Sync>;

/// What there is to label.
pub struct Task {
    /// The folder, as it is called on the screen.
    pub name: String,
    pub desk: Desk,
    pub points: Points,
    /// Names of key points there are to choose from.
    pub features: Vec<String>,
    pub classes: Classes,
    pub assist: Option<Assist>,
    /// Pictures that cannot be opened are passed over instead of stopped at.
    pub skip: bool,
    /// Told when the screen opens.
    pub remarks: Vec<String>,
}
