//! Numbers out of pictures: filters, image registration, focus measures and sweeps, contrast.
//!
//! What lives here is pure: arrays in, numbers or arrays out; no microscope, no clock, no async, and no files but those of models. A picture is
//! an `ArrayView2` of rows x columns with row 0 at the top, x to the right and y down; `f32` views carry grey values in the file's own
//! range, integer views are [`Grey`], and what takes either takes a [`View`].
//!
//! To add a measure of focus, write a function in `focus/measure.rs` and a row in `Measure`; to add a way to register, a
//! file in `register/` and a row in `Method`. Loops that talk to an instrument belong in `workflow`, which feeds the planners here.

pub mod classes;
pub mod classical;
pub mod contrast;
pub mod features;
pub mod filter;
pub mod focus;
mod grey;
pub mod lamella;
pub mod mask;
pub mod model;
pub mod mosaic;
pub mod objects;
pub mod register;
pub mod segment;
pub mod sites;
pub mod stack;
mod view;

pub use grey::Grey;
pub use view::View;
