//! What computes a network: the engine that is built in, and a native one where there is one.
//!
//! An [`Engine`] is one loaded network; the rest of the room sees no other type of the libraries behind it. A new engine is a file
//! here and a variant of [`Runtime`]; what a native one may compute on is a row in `device`.

mod device;
mod embedded;
mod native;

pub use native::Native;

use super::ModelError;
use super::graph::is_sound;
use ndarray::{Array4, ArrayD, Ix4};

/// The shape of an input (batch, channels, rows, columns); what is `None` may be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub channels: Option<usize>,
    pub rows: Option<usize>,
    pub columns: Option<usize>,
}

impl Shape {
    /// From four sides, unknown ones `None`.
    fn of(sides: &[Option<usize>]) -> Result<Self, ModelError> {
        match sides {
            [_, channels, rows, columns] => Ok(Shape {
                channels: *channels,
                rows: *rows,
                columns: *columns,
            }),
            other => Err(ModelError::Input(format!("an input of {} axes", other.len()))),
        }
    }
}

/// A network ready to run. May be used from several threads.
pub trait Engine: Send + Sync {
    /// The library, for people.
    fn name(&self) -> &'static str;

    /// Of the first input.
    fn input(&self) -> Shape;

    /// The first so many outputs for inputs in the network's order.
    fn compute(&self, inputs: Vec<ArrayD<f32>>, outputs: usize) -> Result<Vec<ArrayD<f32>>, ModelError>;

    /// A network with one input, its first output: (batch, channels, rows, columns) -> (batch, classes, rows, columns).
    fn run(&self, input: Array4<f32>) -> Result<Array4<f32>, ModelError> {
        let output = self.compute(vec![input.into_dyn()], 1)?.pop();
        let output = output.ok_or_else(|| ModelError::Output("nothing".to_owned()))?;
        let shape = output.shape().to_vec();
        output
            .into_dimensionality::<Ix4>()
            .map_err(|_| ModelError::Output(format!("a result of shape {shape:?}")))
    }
}

/// What loads networks.
#[derive(Clone, Debug, Default)]
pub enum Runtime {
    /// Part of the program; runs on every core of the processor.
    #[default]
    BuiltIn,
    /// A library of the computer's, several times faster.
    Native(Native),
}

impl Runtime {
    /// Errors: no ONNX file, a damaged one, operations that the engine does not know, an input that is no picture.
    pub fn open(&self, onnx: Vec<u8>) -> Result<Box<dyn Engine>, ModelError> {
        if !is_sound(&onnx) {
            return Err(ModelError::Damaged);
        }
        match self {
            Runtime::BuiltIn => Ok(Box::new(embedded::Embedded::open(onnx)?)),
            Runtime::Native(native) => native.open(&onnx),
        }
    }
}
