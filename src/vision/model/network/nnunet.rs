//! nnU-Net's networks, from the single file that openFIBSEM's export writes: plans, data set and folds in one.
//! The network itself is in `conv_unet`.

use super::greys::Greys;
use super::{Network, conv_unet};
use crate::model::ModelError;
use crate::model::checkpoint::{Checkpoint, CheckpointError, Id, Node, Pickle};
use std::collections::BTreeSet;

/// Pixels of a window's side; nnU-Net's own are fitted to a graphics card and stay far below.
const LARGEST_PATCH: usize = 8192;

/// How pictures go into the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// (rows, columns) of a window.
    pub patch: (usize, usize),
    /// What is done to grey values before anything else.
    pub greys: Greys,
    /// Axes (0 = rows, 1 = columns) along which the picture is flipped, the results of all flips averaged.
    pub mirror: Vec<usize>,
}

pub(super) fn build(checkpoint: &Checkpoint, pickle: &Pickle) -> Result<Network, ModelError> {
    let at = |path: &[&str]| {
        let found = path.iter().try_fold(pickle.root, |id, key| pickle.get(id, key));
        found.ok_or_else(|| CheckpointError::Missing(path.join("/")))
    };
    let mut folds: Vec<(&str, Id)> = pickle.items(at(&["folds"])?).collect();
    folds.sort_by_key(|(name, _)| *name);
    let final_of = |fold: Id| {
        pickle
            .get(fold, "final")
            .ok_or_else(|| CheckpointError::Missing("folds/final".to_owned()))
    };
    let (_, first) = folds
        .first()
        .ok_or_else(|| CheckpointError::Missing("folds/fold_0".to_owned()))?;
    let first = final_of(*first)?;
    let configuration = pickle
        .get(first, "init_args")
        .and_then(|args| pickle.get(args, "configuration"));
    let configuration = configuration.and_then(|id| pickle.text(id)).unwrap_or("2d");
    let configured = at(&["plans", "configurations", configuration])?;
    let mut plan = plan(pickle, at(&["plans"])?, configured)?;
    let axes = pickle
        .get(first, "inference_allowed_mirroring_axes")
        .and_then(|id| pickle.list(id));
    let axes = axes
        .unwrap_or_default()
        .iter()
        .filter_map(|id| usize::try_from(pickle.int(*id)?).ok());
    let axes: BTreeSet<usize> = axes.filter(|axis| *axis < 2).collect();
    plan.mirror = axes.into_iter().collect();
    let strides = strides(pickle, configured)?;
    let mut onnx = Vec::new();
    let mut classes = 0;
    for (_, fold) in &folds {
        let last = final_of(*fold)?;
        let state = pickle.get(last, "network_weights");
        let state = state.ok_or_else(|| CheckpointError::Missing("network_weights".to_owned()))?;
        let (file, n) = conv_unet::build(&checkpoint.weights(Some(state))?, &strides)?;
        onnx.push(file);
        classes = n;
    }
    Ok(Network {
        name: "nnunet".to_owned(),
        classes,
        onnx,
        parts: &[],
        plan: Some(plan),
    })
}

fn numbers(pickle: &Pickle, id: Id) -> Vec<usize> {
    let items = pickle.list(id).unwrap_or_default().iter();
    items.filter_map(|id| usize::try_from(pickle.int(*id)?).ok()).collect()
}

fn plan(pickle: &Pickle, plans: Id, configured: Id) -> Result<Plan, ModelError> {
    let get = |key: &str| {
        pickle
            .get(configured, key)
            .ok_or_else(|| CheckpointError::Missing(format!("plans/{key}")))
    };
    let patch = numbers(pickle, get("patch_size")?);
    let [rows, columns] = patch[..] else {
        return Err(ModelError::UnknownNetwork(
            "windows that are not flat (only 2d configurations)".to_owned(),
        ));
    };
    if !patch.iter().all(|side| (1..=LARGEST_PATCH).contains(side)) {
        return Err(ModelError::UnknownNetwork(format!(
            "windows of {columns}x{rows} pixels"
        )));
    }
    let greys = Greys::of(pickle, plans, configured)?;
    let unit = |id: &Id| matches!(pickle.node(*id), Node::Float(v) if *v == 1.0) || pickle.int(*id) == Some(1);
    let spacing = pickle.list(get("spacing")?).unwrap_or_default();
    if !spacing.iter().all(unit) {
        return Err(ModelError::UnknownNetwork("a pixel spacing other than 1".to_owned()));
    }
    Ok(Plan {
        patch: (rows, columns),
        greys,
        mirror: Vec::new(),
    })
}

/// Of each stage of the encoder.
fn strides(pickle: &Pickle, configured: Id) -> Result<Vec<[usize; 2]>, ModelError> {
    let newer = pickle
        .get(configured, "architecture")
        .and_then(|id| pickle.get(id, "arch_kwargs"));
    let list = match newer {
        Some(arguments) => pickle.get(arguments, "strides"),
        None => pickle.get(configured, "pool_op_kernel_sizes"),
    };
    let list = list
        .and_then(|id| pickle.list(id))
        .ok_or_else(|| CheckpointError::Missing("plans/strides".to_owned()))?;
    let stride = |id: &Id| match numbers(pickle, *id)[..] {
        [y, x] if y > 0 && x > 0 && y <= 8 && x <= 8 => Ok([y, x]),
        _ => Err(CheckpointError::Broken(
            "a stride of its plans is not of two axes".to_owned(),
        )),
    };
    Ok(list.iter().map(stride).collect::<Result<_, _>>()?)
}
