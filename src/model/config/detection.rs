//! `detection.yaml`: which model finds features, what computes it, and where models and detections are kept.

use super::{Layered, Layers, Paths};
use crate::yaml::YamlError;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const EMBEDDED: &str = include_str!("../../../config/detection.yaml");

/// The file's values; what each means is said in the embedded one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Detection {
    pub model: String,
    pub runtime: String,
    pub device: String,
    /// 0 to 1.
    pub least_confidence: f64,
    pub paths: Places,
    /// As `vision::features::Feature` reads them.
    pub features: Vec<serde_json::Value>,
}

/// Folders; an empty one is that of the data folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Places {
    pub models: String,
    pub ml: String,
}

impl Detection {
    pub fn load(paths: &Paths) -> Result<Layered<Detection>, YamlError> {
        let layered: Layered<Detection> = Layers::load(EMBEDDED, &paths.config_file("detection.yaml"))?;
        if !(0.0..=1.0).contains(&layered.value.least_confidence) {
            return Err(YamlError::file(
                "detection.yaml",
                "least-confidence is a number from 0 to 1",
            ));
        }
        Ok(layered)
    }

    /// The folder of models.
    pub fn models(&self, paths: &Paths) -> PathBuf {
        placed(&self.paths.models, &paths.data_dir, "models")
    }

    /// The folder that detections are recorded in.
    pub fn ml(&self, paths: &Paths) -> PathBuf {
        placed(&self.paths.ml, &paths.data_dir, "log/data/ml")
    }
}

fn placed(own: &str, data: &Path, usual: &str) -> PathBuf {
    match own.trim() {
        "" => usual.split('/').fold(data.to_owned(), |path, part| path.join(part)),
        own => data.join(own),
    }
}
