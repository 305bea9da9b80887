//! Pictures on a text screen: from the grey values of a frame to what a terminal can show, and back from a click to the pixel.
//!
//! The way of a frame: [`Viewport`] says which part is seen where, [`raster::show`] averages it down to the canvas,
//! [`Smoother`] calms the noise, [`raster::burn`] draws the [`Overlay`]s, [`Encoder`] makes text cells or a graphics
//! sequence of it. [`Painter`] walks that way for a screen with several pictures and is what a client normally uses.
//!
//! Pure: no async, no clock; nothing is written to the terminal here except by [`detect::ask`], which asks it what it can
//! show. To add a protocol: one file in `encode/`, one variant of [`Protocol`]. To add an overlay: one variant of [`Overlay`].

pub mod chart;
pub mod detect;
pub mod encode;
pub mod export;
pub mod figure;
pub mod painter;
pub mod plot;
pub mod raster;

#[cfg(test)]
#[path = "benches/scene.rs"]
mod scene;
#[cfg(test)]
mod tests;

pub use detect::{Choice, Env, Graphics, Replies};
pub use encode::{Budget, ColourDepth, Encoded, Encoder, Protocol};
pub use painter::{Painter, Scene};
pub use raster::{Grey, Grid, Ink, InkTable, Overlay, Position, Raster, Smoother, Stroke, Tone, View, Viewport};
