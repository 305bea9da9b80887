//! The engine that is always there: `rten`, in pure Rust.

use super::{Engine, Shape};
use crate::model::ModelError;
use ndarray::Array4;
use rten::{Dimension, Model, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};

const NAME: &str = "the built-in engine";

pub(super) struct Embedded {
    model: Model,
    input: Shape,
}

impl Embedded {
    pub fn open(onnx: Vec<u8>) -> Result<Self, ModelError> {
        let load = |what: String| ModelError::Load { engine: NAME, what };
        let model = guarded(|| Model::load(onnx))
            .map_err(load)?
            .map_err(|e| load(e.to_string()))?;
        if model.output_ids().is_empty() {
            return Err(load("it has no output".to_owned()));
        }
        let sides = model
            .input_shape(0)
            .ok_or_else(|| ModelError::Input("nothing".to_owned()))?;
        let sides: Vec<Option<usize>> = sides
            .iter()
            .map(|side| match side {
                Dimension::Fixed(n) => Some(*n),
                Dimension::Symbolic(_) => None,
            })
            .collect();
        Ok(Embedded {
            input: Shape::of(&sides)?,
            model,
        })
    }
}

impl Engine for Embedded {
    fn name(&self) -> &'static str {
        NAME
    }

    fn input(&self) -> Shape {
        self.input
    }

    fn run(&self, input: Array4<f32>) -> Result<Array4<f32>, ModelError> {
        let run = |what: String| ModelError::Run { engine: NAME, what };
        let (batch, channels, rows, columns) = input.dim();
        let data = input.into_raw_vec_and_offset().0;
        let value = Value::from_shape([batch, channels, rows, columns], data).map_err(|e| run(e.to_string()))?;
        let output = guarded(|| self.model.run_one(value.into(), None)).map_err(run)?;
        let output = output.map_err(|e| run(e.to_string()))?;
        let (shape, data) = output
            .into_shape_vec::<f32, 4>()
            .map_err(|e| ModelError::Output(e.to_string()))?;
        Array4::from_shape_vec(shape, data).map_err(|e| ModelError::Output(e.to_string()))
    }
}

/// Networks come from anywhere; one that trips a check of the library must not end the program.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let said = payload.downcast_ref::<String>().cloned();
        let said = said.or_else(|| payload.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        said.unwrap_or_else(|| "a check inside it failed".to_owned())
    })
}
