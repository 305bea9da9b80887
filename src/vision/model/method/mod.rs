//! From a picture to logits, by what each family of models expects: scaling, windows, padding, flips.
//!
//! A new family is a file here and a variant of [`Method`]. What is common to all, windows that overlap and are blended, is `tiles`.

mod nnunet;
mod resized;
mod tiles;
mod whole;
mod window;

pub(super) use nnunet::Folds;
pub(super) use resized::Resized;
pub(super) use whole::Whole;
pub(super) use window::Window;

use super::ModelError;
use ndarray::{Array2, Array3};
use std::ops::ControlFlow;

/// How far segmenting has come: runs of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub done: usize,
    pub of: usize,
}

/// Told before each run of the network, and whether to go on is answered.
pub type Watch<'a> = &'a mut dyn FnMut(Step) -> ControlFlow<()>;

/// A family of models.
pub(super) enum Method {
    Whole(Whole),
    Window(Window),
    Folds(Folds),
    Resized(Resized),
}

impl Method {
    /// Logits, or their like, (classes, rows, columns) of grey values in the file's own range.
    pub fn logits(&self, picture: Array2<f32>, watch: Watch) -> Result<Array3<f32>, ModelError> {
        match self {
            Method::Whole(method) => method.logits(picture, watch),
            Method::Window(method) => method.logits(picture, watch),
            Method::Folds(method) => method.logits(picture, watch),
            Method::Resized(method) => method.logits(picture, watch),
        }
    }
}
