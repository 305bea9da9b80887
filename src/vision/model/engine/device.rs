//! What a native runtime computes on: a row each in [`DEVICES`], tried with a small network before it is relied on.

use crate::model::ModelError;
use crate::model::checkpoint::Tensor;
use crate::model::graph::{Graph, Laid};
use ort::ep::{self, ExecutionProvider, ExecutionProviderDispatch};
use ort::session::builder::SessionBuilder;

/// A graphics processor, or a maker's own way to compute, that a build of ONNX Runtime may know.
pub struct Device {
    /// In detection.yaml.
    pub word: &'static str,
    /// For people.
    pub name: &'static str,
    /// Whether the loaded library was built with it; that does not say that the computer has one.
    there: fn() -> ort::Result<bool>,
    provider: fn() -> ExecutionProviderDispatch,
    /// Whether it bears that memory is laid out in advance.
    planned_memory: bool,
}

/// In the order in which `auto` tries them.
pub static DEVICES: [Device; 5] = [
    Device {
        word: "cuda",
        name: "ONNX Runtime on CUDA",
        there: ep::CUDA::is_available,
        provider: || ep::CUDA::default().build(),
        planned_memory: true,
    },
    Device {
        word: "migraphx",
        name: "ONNX Runtime on MIGraphX",
        there: ep::MIGraphX::is_available,
        provider: || ep::MIGraphX::default().build(),
        planned_memory: true,
    },
    Device {
        word: "directml",
        name: "ONNX Runtime on DirectML",
        there: ep::DirectML::is_available,
        provider: || ep::DirectML::default().build(),
        planned_memory: false,
    },
    Device {
        word: "coreml",
        name: "ONNX Runtime on Core ML",
        there: ep::CoreML::is_available,
        provider: || ep::CoreML::default().build(),
        planned_memory: true,
    },
    Device {
        word: "openvino",
        name: "ONNX Runtime on OpenVINO",
        there: ep::OpenVINO::is_available,
        // the best of the computer's, which may be its processor
        provider: || ep::OpenVINO::default().with_device_type("AUTO").build(),
        planned_memory: true,
    },
];

impl Device {
    /// Whether the library that was loaded may know it.
    pub fn is_there(&self) -> bool {
        (self.there)().unwrap_or(false)
    }

    /// The device that a setting names; `Ok(None)` is the processor.
    pub fn named(word: &str) -> Result<Option<&'static Device>, ModelError> {
        if word == PROCESSOR {
            return Ok(None);
        }
        let found = DEVICES.iter().find(|device| device.word == word);
        found.map(Some).ok_or_else(|| ModelError::Device(word.to_owned()))
    }

    /// For sessions that compute on it and, what it cannot, on the processor.
    pub fn prepare(&self, builder: SessionBuilder) -> Result<SessionBuilder, String> {
        let provider = (self.provider)().error_on_failure();
        let builder = builder
            .with_execution_providers([provider])
            .map_err(|e| e.to_string())?;
        let builder = builder.with_memory_pattern(self.planned_memory);
        builder.map_err(|e| e.to_string())
    }
}

/// The setting for the first device that computes, else the processor.
pub const FIRST: &str = "auto";
/// The setting for no device but the processor.
pub const PROCESSOR: &str = "cpu";

/// Side of the picture that a device is tried with.
pub const TRIED: usize = 32;

/// A network that sums the nine pixels around each.
pub fn trial() -> Vec<u8> {
    let (mut graph, input) = Graph::new("trial", 1);
    let ones = Tensor {
        shape: vec![1, 1, 3, 3],
        data: vec![1.0; 9],
    };
    let sums = graph.conv(&input, &ones, None, Laid::same(&ones, 1));
    graph.finish(&sums, &[])
}
