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
mod display;
pub mod effect;
mod fit;
mod hands;
pub mod keys;
pub mod label;
mod layout;
mod popup;
pub mod remembered;
#[cfg(test)]
pub(crate) mod sample;
mod setup;
mod state;
mod status;
mod steps;
pub mod tab;
pub mod theme;
mod toasts;
pub mod widget;

pub use action::Action;
pub use app::{UiError, UiOptions, log_layer, run, words};
pub use canvas::{Canvas, PictureKey};
pub use console::Console;
pub use cx::Cx;
pub use effect::{Ask, Effect, Popup};
pub use popup::plain;
pub use setup::{Setup, problems};
pub use theme::{Role, Theme};
