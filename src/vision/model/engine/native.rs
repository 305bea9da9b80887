//! ONNX Runtime, where a library of it was installed: loaded when asked for, never fetched.

use super::device::{self, DEVICES, Device};
use super::{Engine, Shape};
use crate::model::ModelError;
use ndarray::{Array4, ArrayD};
use ort::environment::Environment;
use ort::session::{Session, SessionInputValue};
use ort::value::Tensor;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

const NAME: &str = "ONNX Runtime";

/// A loaded library. There can be only one in a process: the first that was loaded stays.
#[derive(Clone)]
pub struct Native {
    path: PathBuf,
    /// `None` is the processor.
    device: Option<&'static Device>,
}

impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.name(), self.path.display())
    }
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
        Ok(Native {
            path: path.to_owned(),
            device: None,
        })
    }

    /// As `device` of detection.yaml says: the named one, or (`auto`) the first that computes rightly, else the processor, and then why not
    /// on a device that the library was made for.
    ///
    /// Errors: no such device, or the named one does not compute here.
    pub fn on(self, word: &str) -> Result<(Self, Option<String>), ModelError> {
        if !matches!(word, device::FIRST | "") {
            let native = Native {
                device: Device::named(word)?,
                ..self
            };
            return match native.tried() {
                Ok(()) => Ok((native, None)),
                Err(what) => Err(ModelError::Unfit {
                    device: native.name(),
                    what,
                }),
            };
        }
        let mut doubts = Vec::new();
        for device in DEVICES.iter().filter(|device| device.is_there()) {
            let native = Native {
                device: Some(device),
                ..self.clone()
            };
            match native.tried() {
                Ok(()) => return Ok((native, None)),
                Err(what) => doubts.push(format!("{}: {what}", device.name)),
            }
        }
        let doubt =
            (!doubts.is_empty()).then(|| format!("networks are computed on the processor; {}", doubts.join("; ")));
        Ok((self, doubt))
    }

    /// Whether sums of nine ones are nine.
    fn tried(&self) -> Result<(), String> {
        if self.device.is_none() {
            return Ok(());
        }
        let short = |e: ModelError| match e {
            ModelError::Load { what, .. } | ModelError::Run { what, .. } => what.lines().collect::<Vec<_>>().join(" "),
            other => other.to_string(),
        };
        let engine = self.open(&device::trial()).map_err(short)?;
        let ones = Array4::ones((1, 1, device::TRIED, device::TRIED));
        let sums = engine.run(ones).map_err(short)?;
        let middle = sums.get([0, 0, device::TRIED / 2, device::TRIED / 2]).copied();
        match middle {
            Some(sum) if (sum - 9.0).abs() < 1e-2 => Ok(()),
            other => Err(format!("nine ones came to {other:?}")),
        }
    }

    /// The library and what it computes on, for people.
    pub fn name(&self) -> &'static str {
        self.device.map_or(NAME, |device| device.name)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn open(&self, onnx: &[u8]) -> Result<Box<dyn Engine>, ModelError> {
        let name = self.name();
        let session = self
            .session(onnx)
            .map_err(|what| ModelError::Load { engine: name, what })?;
        let input = session.inputs().first().and_then(|input| input.dtype().tensor_shape());
        let sides = input.ok_or_else(|| ModelError::Input("nothing".to_owned()))?;
        let sides: Vec<Option<usize>> = sides.iter().map(|side| usize::try_from(*side).ok()).collect();
        Ok(Box::new(Opened {
            name,
            input: Shape::of(&sides)?,
            session: Mutex::new(session),
        }))
    }

    fn session(&self, onnx: &[u8]) -> Result<Session, String> {
        let loaded = LOADED.get().ok_or("it was not loaded")?;
        let builder = Session::builder(&loaded.environment).map_err(|e| e.to_string())?;
        let mut builder = match self.device {
            Some(device) => device.prepare(builder)?,
            None => builder,
        };
        builder.commit_from_memory(onnx).map_err(|e| e.to_string())
    }
}

struct Opened {
    name: &'static str,
    session: Mutex<Session>,
    input: Shape,
}

impl Engine for Opened {
    fn name(&self) -> &'static str {
        self.name
    }

    fn input(&self) -> Shape {
        self.input
    }

    fn compute(&self, inputs: Vec<ArrayD<f32>>, outputs: usize) -> Result<Vec<ArrayD<f32>>, ModelError> {
        let failed = |what: String| ModelError::Run {
            engine: self.name,
            what,
        };
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
