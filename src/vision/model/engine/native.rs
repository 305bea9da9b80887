//! ONNX Runtime, where a library of it was installed: loaded when asked for, never fetched.

use super::{Engine, Shape};
use crate::model::ModelError;
use ndarray::ArrayD;
use ort::environment::Environment;
use ort::session::{Session, SessionInputValue};
use ort::value::Tensor;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

const NAME: &str = "ONNX Runtime";

/// A loaded library. There can be only one in a process: the first that was loaded stays.
#[derive(Clone, Debug)]
pub struct Native {
    path: PathBuf,
}

struct Loaded {
    path: PathBuf,
    environment: Environment,
}

static LOADED: OnceLock<Loaded> = OnceLock::new();

impl Native {
    /// Loads `onnxruntime.dll`, `libonnxruntime.so` or `.dylib`, version 1.17 or later.
    ///
    /// Errors: no such library, too old a one, or another was loaded before.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        let failed = |what: String| ModelError::Runtime(what);
        let loaded = match LOADED.get() {
            Some(loaded) => loaded,
            None => {
                let builder = ort::init_from(path).map_err(|e| failed(e.to_string()))?;
                let environment = builder
                    .with_telemetry(false)
                    .build()
                    .map_err(|e| failed(e.to_string()))?;
                LOADED.get_or_init(|| Loaded {
                    path: path.to_owned(),
                    environment,
                })
            }
        };
        if loaded.path != path {
            return Err(failed(format!(
                "{} is in use already; start the program anew to change it",
                loaded.path.display()
            )));
        }
        Ok(Native { path: path.to_owned() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn open(&self, onnx: &[u8]) -> Result<Box<dyn Engine>, ModelError> {
        let failed = |what: String| ModelError::Load { engine: NAME, what };
        let loaded = LOADED
            .get()
            .ok_or_else(|| ModelError::Runtime("it was not loaded".to_owned()))?;
        let builder = Session::builder(&loaded.environment);
        let session = builder.and_then(|mut builder| builder.commit_from_memory(onnx));
        let session = session.map_err(|e| failed(e.to_string()))?;
        let input = session.inputs().first().and_then(|input| input.dtype().tensor_shape());
        let sides = input.ok_or_else(|| ModelError::Input("nothing".to_owned()))?;
        let sides: Vec<Option<usize>> = sides.iter().map(|side| usize::try_from(*side).ok()).collect();
        Ok(Box::new(Opened {
            input: Shape::of(&sides)?,
            session: Mutex::new(session),
        }))
    }
}

struct Opened {
    session: Mutex<Session>,
    input: Shape,
}

impl Engine for Opened {
    fn name(&self) -> &'static str {
        NAME
    }

    fn input(&self) -> Shape {
        self.input
    }

    fn compute(&self, inputs: Vec<ArrayD<f32>>, outputs: usize) -> Result<Vec<ArrayD<f32>>, ModelError> {
        let failed = |what: String| ModelError::Run { engine: NAME, what };
        let tensor = |input: ArrayD<f32>| {
            let shape = input.shape().to_vec();
            let data: Vec<f32> = match input.is_standard_layout() {
                true => input.into_raw_vec_and_offset().0,
                false => input.iter().copied().collect(),
            };
            let tensor = Tensor::from_array((shape, data)).map_err(|e| failed(e.to_string()))?;
            Ok(SessionInputValue::from(tensor))
        };
        let inputs = inputs.into_iter().map(tensor).collect::<Result<Vec<_>, ModelError>>()?;
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if inputs.len() != session.inputs().len() || outputs > session.outputs().len() {
            let (takes, gives) = (session.inputs().len(), session.outputs().len());
            return Err(failed(format!("it has {takes} inputs and {gives} outputs")));
        }
        let made = session.run(inputs.as_slice()).map_err(|e| failed(e.to_string()))?;
        let array = |i: usize| {
            let (shape, data) = made[i].try_extract_tensor::<f32>().map_err(|e| failed(e.to_string()))?;
            let sides: Vec<usize> = shape.iter().filter_map(|side| usize::try_from(*side).ok()).collect();
            ArrayD::from_shape_vec(sides, data.to_vec()).map_err(|e| ModelError::Output(e.to_string()))
        };
        (0..outputs).map(array).collect()
    }
}
