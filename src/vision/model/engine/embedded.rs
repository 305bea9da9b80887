//! The engine that is always there: `rten`, in pure Rust.

use super::{Engine, Shape};
use crate::model::ModelError;
use ndarray::ArrayD;
use rten::{Dimension, Model, Value, ValueOrView};
use rten_tensor::Layout;
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

    fn compute(&self, inputs: Vec<ArrayD<f32>>, outputs: usize) -> Result<Vec<ArrayD<f32>>, ModelError> {
        let run = |what: String| ModelError::Run { engine: NAME, what };
        let (ids, wanted) = (self.model.input_ids(), self.model.output_ids());
        if inputs.len() != ids.len() || outputs > wanted.len() {
            return Err(run(format!("it has {} inputs and {} outputs", ids.len(), wanted.len())));
        }
        let value = |(id, input): (_, ArrayD<f32>)| {
            let shape = input.shape().to_vec();
            let data = match input.is_standard_layout() {
                true => input.into_raw_vec_and_offset().0,
                false => input.iter().copied().collect(),
            };
            let value = Value::from_shape(shape, data).map_err(|e| run(e.to_string()))?;
            Ok((id, ValueOrView::from(value)))
        };
        let inputs = ids
            .iter()
            .copied()
            .zip(inputs)
            .map(value)
            .collect::<Result<_, ModelError>>()?;
        let made = guarded(|| self.model.run(inputs, &wanted[..outputs], None)).map_err(run)?;
        let array = |value: Value| {
            let tensor = value.into_tensor::<f32>();
            let tensor = tensor.ok_or_else(|| ModelError::Output("something else than numbers".to_owned()))?;
            let shape = tensor.shape().to_vec();
            ArrayD::from_shape_vec(shape, tensor.into_data()).map_err(|e| ModelError::Output(e.to_string()))
        };
        made.map_err(|e| run(e.to_string()))?.into_iter().map(array).collect()
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
