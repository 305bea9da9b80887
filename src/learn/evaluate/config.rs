//! openFIBSEM's configuration of an evaluation.

use crate::LearnError;
use model::yaml;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What is held against what. Relative paths are those of whoever runs it, as in the original.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// The table of key points; without one, masks alone.
    #[serde(default)]
    pub data_path: Option<PathBuf>,
    pub images_path: PathBuf,
    /// Masks; `labels` in `images_path` without it. Not in the original.
    #[serde(default)]
    pub labels_path: Option<PathBuf>,
    /// Where results are written; nothing is written without it.
    #[serde(default)]
    pub save_path: Option<PathBuf>,
    pub checkpoints: Vec<CheckpointRef>,
    /// Pixels.
    #[serde(default = "thresholds")]
    pub thresholds: Vec<f64>,
    #[serde(default = "yes")]
    pub run_eval: bool,
    #[serde(default = "yes")]
    pub plot_eval: bool,
    #[serde(default)]
    pub show_det_plot: bool,
    #[serde(default)]
    pub save_det_plot: bool,
    #[serde(default)]
    pub show_eval_plot: bool,
    #[serde(default = "yes")]
    pub save_eval_plot: bool,
}

/// A model: a file or a name of the folder of models. `encoder` and `nc` of older files are not needed: the checkpoint says both.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct CheckpointRef {
    pub checkpoint: String,
}

fn thresholds() -> Vec<f64> {
    vec![250.0, 100.0, 50.0, 25.0, 10.0]
}

fn yes() -> bool {
    true
}

impl Config {
    /// Errors: a file that cannot be read, lacks what is needed, or asks for what makes no sense.
    pub fn load(path: &Path) -> Result<Config, LearnError> {
        let text =
            std::fs::read_to_string(path).map_err(|e| LearnError::file(path, format!("cannot be read ({e})")))?;
        let config: Config =
            yaml::read(&text).map_err(|e| LearnError::file(path, format!("{e}; nothing was evaluated")))?;
        let wrong = if config.checkpoints.is_empty() {
            Some("names no checkpoint; add `checkpoints: [{checkpoint: NAME}]`")
        } else if config.thresholds.is_empty() || !config.thresholds.iter().all(|t| t.is_finite() && *t > 0.0) {
            Some("has a threshold that is no number of pixels above 0")
        } else {
            None
        };
        match wrong {
            Some(wrong) => Err(LearnError::file(path, format!("{wrong}; nothing was evaluated"))),
            None => Ok(config),
        }
    }

    pub(super) fn labels(&self) -> PathBuf {
        self.labels_path
            .clone()
            .unwrap_or_else(|| self.images_path.join("labels"))
    }
}
