//! What can go wrong with a model.

use super::checkpoint::CheckpointError;

/// Why a model cannot be used, or gave no result. No picture and no file was changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("the network of this checkpoint is not known here: {0}; export it to ONNX and use that file")]
    UnknownNetwork(String),
    #[error("the model cannot be loaded by {engine}: {what}; check that the file is whole and an ONNX network")]
    Load { engine: &'static str, what: String },
    #[error("the model's file is damaged: a part of it claims to be longer than what holds it; fetch it again")]
    Damaged,
    #[error("the model failed in {engine}: {what}; the picture was not segmented")]
    Run { engine: &'static str, what: String },
    #[error(
        "the model takes {0}, and pictures are one or three channels of rows and columns; it is for something else"
    )]
    Input(String),
    #[error("the model gave {0}, which is no map of classes; it is for something else")]
    Output(String),
    #[error("the model is {is}, and cannot be run as {wanted}; leave the backend to be chosen by the file")]
    Backend { is: &'static str, wanted: &'static str },
    #[error(
        "this is Segment Anything: it makes masks of points that a person gives, and no classes of a picture; no model was loaded (`model convert` makes its encoder and decoder)"
    )]
    Prompted,
    #[error("the picture is {}x{} pixels; there is nothing to segment", .0.1, .0.0)]
    Empty((usize, usize)),
    #[error("the picture holds values that are not finite numbers; acquire it again")]
    NotFinite,
    #[error("no {model} detector looks for {feature}: name a model that does")]
    Unseen { model: String, feature: String },
    #[error("segmenting was cancelled; there is no result")]
    Cancelled,
    #[error(
        "`{0}` is no device: auto, cpu, cuda, migraphx, directml, coreml or openvino; mend `device` in detection.yaml"
    )]
    Device(String),
    #[error(
        "networks cannot be computed by {device}: {what}; nothing was; `device: auto` or `cpu` in detection.yaml works without it"
    )]
    Unfit { device: &'static str, what: String },
    #[error("the native runtime cannot be used: {0}; the built-in engine works without it")]
    Runtime(String),
}
