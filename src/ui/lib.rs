//! The console on the screen: `(Snapshot, UiState, Theme) -> frame` and `(key, Snapshot, UiState) -> effects`.
//!
//! Keys become [`Action`]s by the keymap, tabs and popups turn these into [`Effect`]s, and the app alone does effects:
//! commands go out over the engine's link, and the screen changes because an event came back. Nothing here knows an
//! instrument, and nothing here but `app` and `screen` does anything: tabs, popups and widgets are plain functions of what
//! [`Cx`] shows them.
//!
//! To add a tab see [`tab`], a popup `popup`, an action [`action`], a layer of keys [`keys`], a colour [`theme`].

pub mod action;
mod app;
pub mod asked;
mod bars;
pub mod canvas;
pub mod console;
pub mod cx;
pub mod effect;
mod fit;
mod hands;
pub mod keys;
mod layout;
mod painting;
mod popup;
pub mod remembered;
#[cfg(test)]
pub(crate) mod sample;
mod screen;
mod state;
mod status;
mod steps;
pub mod tab;
mod terminal;
pub mod theme;
mod toasts;
pub mod widget;
mod writer;

pub use action::Action;
pub use app::{UiError, UiOptions, log_layer, problems, run, words};
pub use canvas::{Canvas, PictureKey};
pub use console::Console;
pub use cx::Cx;
pub use effect::{Ask, Effect, Popup};
pub use popup::plain;
pub use theme::{Role, Theme};
