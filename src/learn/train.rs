//! Training as openFIBSEM configures it: the file, the pictures it means, and what is told while it runs.
//!
//! What computes is an engine of its own; it is given a [`Run`] and answers with an [`Event`] a line.

use crate::LearnError;
use crate::classes::Classes;
use crate::dataset::{self, Check, Dataset};
use crate::picture::SIDE;
use model::yaml;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// openFIBSEM's configuration of a training. Its other keys (`model_type`, `note`, `apply_transforms`, `validate_dataset`, `train_log_freq`, `val_log_freq`) are
/// accepted: pictures to learn from are always augmented, as there, and always checked.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TrainConfig {
    pub data_paths: Vec<PathBuf>,
    /// A folder of masks for each folder of pictures.
    pub label_paths: Vec<PathBuf>,
    pub save_path: PathBuf,
    /// Begin with the weights of this one.
    #[serde(default)]
    pub checkpoint: Option<PathBuf>,
    /// Not in the original: which network.
    #[serde(default)]
    pub network: Network,
    /// Of [`Network::Unet`].
    #[serde(default = "resnet34")]
    pub encoder: String,
    pub epochs: usize,
    pub batch_size: usize,
    pub num_classes: usize,
    pub lr: f64,
    /// Share of the pictures that is validated with: the first ones.
    #[serde(default = "split")]
    pub split: f64,
    #[serde(default)]
    pub wandb: bool,
    #[serde(default)]
    pub wandb_project: String,
    #[serde(default)]
    pub wandb_entity: String,
    /// Not in the original: the same seed gives the same training.
    #[serde(default)]
    pub seed: u64,
    /// Not in the original: stop when nothing became better for so many epochs.
    #[serde(default)]
    pub early_stop: Option<usize>,
    /// Not in the original: `imagenet`, as there, or none.
    #[serde(default = "imagenet")]
    pub encoder_weights: Option<String>,
    /// Not in the original: what is made small, their sum; all three, as there, unless given.
    #[serde(default = "losses")]
    pub loss: Vec<Loss>,
    /// Not in the original: how `lr` goes on over the epochs.
    #[serde(default)]
    pub schedule: Schedule,
    /// Not in the original: pictures are learnt from at the so-manieth part of their width and height.
    #[serde(default = "one")]
    pub shrink: usize,
    /// Not in the original: how pictures are varied each time they are learnt from.
    #[serde(default)]
    pub augment: Augment,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// segmentation-models-pytorch's, with an encoder.
    #[default]
    Unet,
    /// A plain one of half a million parameters. It sees pictures at the size it learnt from, and grey values divided by 255.
    Small,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    CrossEntropy,
    Dice,
    Focal,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    #[default]
    Constant,
    /// Down to a fiftieth, as half a wave.
    Cosine,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Augment {
    /// As openFIBSEM does it: turned, mirrored, blurred, brighter, darker.
    #[default]
    All,
    /// Every second one mirrored left to right.
    Mirror,
    None,
}

/// Sides of what [`Network::Small`] learns from are multiples of this: its levels halve it away.
const SMALL_MULTIPLE: usize = 64;

fn split() -> f64 {
    0.15
}

fn one() -> usize {
    1
}

fn resnet34() -> String {
    "resnet34".to_owned()
}

fn losses() -> Vec<Loss> {
    vec![Loss::CrossEntropy, Loss::Dice, Loss::Focal]
}

fn imagenet() -> Option<String> {
    Some("imagenet".to_owned())
}

/// A picture and its mask.
pub type Pair = (PathBuf, PathBuf);

/// What an engine is given.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    #[serde(flatten)]
    pub config: TrainConfig,
    /// All of them read and checked.
    pub pairs: Vec<Pair>,
    /// Where a run that was cut off left its state.
    pub resume: Option<PathBuf>,
}

/// What an engine tells, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    Start {
        epoch: usize,
        epochs: usize,
        train: usize,
        validation: usize,
        device: String,
        parameters: u64,
    },
    Step {
        epoch: usize,
        step: usize,
        steps: usize,
        loss: f64,
    },
    Epoch(Epoch),
    Remark {
        text: String,
    },
    End,
}

/// An epoch that ended.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Epoch {
    pub epoch: usize,
    pub epochs: usize,
    pub train_loss: f64,
    pub val_loss: Option<f64>,
    /// Over classes but the background.
    pub mean_iou: Option<f64>,
    /// The best so far.
    pub best: bool,
    pub checkpoint: PathBuf,
    pub seconds: f64,
}

impl TrainConfig {
    /// Errors: a file that cannot be read, lacks what is needed, or asks for what makes no sense.
    pub fn load(path: &Path) -> Result<TrainConfig, LearnError> {
        let text =
            std::fs::read_to_string(path).map_err(|e| LearnError::file(path, format!("cannot be read ({e})")))?;
        let config: TrainConfig =
            yaml::read(&text).map_err(|e| LearnError::file(path, format!("{e}; nothing was trained")))?;
        match config.wrong() {
            Some(wrong) => Err(LearnError::file(path, format!("{wrong}; nothing was trained"))),
            None => Ok(config),
        }
    }

    fn wrong(&self) -> Option<String> {
        let counts = [
            ("epochs", self.epochs),
            ("batch_size", self.batch_size),
            ("num_classes", self.num_classes),
            ("shrink", self.shrink),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, n)| *n == 0) {
            return Some(format!("`{name}` is 0; give a whole number above it"));
        }
        if self.num_classes > 256 {
            return Some("`num_classes` is above 256, and masks have 8 bits".to_owned());
        }
        if !(self.lr.is_finite() && self.lr > 0.0) {
            return Some(format!("`lr` is {}; give a number above 0", self.lr));
        }
        if !(0.0..1.0).contains(&self.split) {
            return Some(format!("`split` is {}; give 0 to below 1", self.split));
        }
        if self.data_paths.is_empty() || self.data_paths.len() != self.label_paths.len() {
            let (pictures, masks) = (self.data_paths.len(), self.label_paths.len());
            return Some(format!(
                "names {pictures} folders of pictures and {masks} of masks; each needs its own"
            ));
        }
        if self.loss.is_empty() {
            return Some("`loss` is empty; give cross-entropy, dice, focal or several of them".to_owned());
        }
        let encoder = &self.encoder;
        let plain = !encoder.is_empty() && encoder.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        (!plain).then(|| format!("`{}` is no encoder", model::text::printable(encoder)))
    }

    /// Where a run leaves its state after each epoch.
    pub fn state(&self) -> PathBuf {
        self.save_path.join("resume.pt")
    }

    /// The pictures with their masks, folder by folder, each by name; all are read and checked first. Class ids beyond `num_classes` are learnt as
    /// background, as in the original.
    ///
    /// The second are remarks: what was left out with `skip`, and pictures of one size only can share a batch. Errors: a picture that
    /// cannot be learnt from, unless skipped; none that can.
    pub fn pairs(&self, skip: bool) -> Result<(Vec<Pair>, Vec<String>), LearnError> {
        let mut pairs = Vec::new();
        let mut remarks = Vec::new();
        for (images, masks) in self.data_paths.iter().zip(&self.label_paths) {
            let data = Dataset::of(images, masks)?;
            // no table, so no features to know; any class: those beyond the number are background
            let check: Check = dataset::check(&data, &Classes::first(256), &HashSet::new());
            let usable = dataset::usable(&data, &check, skip)?;
            remarks.extend(check.problems.iter().map(|p| format!("{p}; left out")));
            for sample in usable.into_iter().filter_map(|i| data.samples.get(i)) {
                if let Some(mask) = &sample.mask {
                    pairs.push((absolute(&sample.image)?, absolute(mask)?));
                }
            }
        }
        let mut sizes = HashSet::new();
        for (image, _) in &pairs {
            let (columns, rows) = crate::picture::header(image)?.size;
            let multiple = self.shrink
                * if self.network == Network::Small {
                    SMALL_MULTIPLE
                } else {
                    SIDE
                };
            if [columns, rows].iter().any(|side| !side.is_multiple_of(multiple)) {
                let needs = format!(
                    "is {columns}x{rows}; this network and `shrink` need sides that are multiples of {multiple}, nothing was trained"
                );
                return Err(LearnError::file(image, needs));
            }
            sizes.insert((columns, rows));
        }
        if sizes.len() > 1 && self.network == Network::Small {
            return Err(LearnError::Refused(
                "the pictures have different sizes, and the small network learns from one; nothing was trained: bring them to one"
                    .to_owned(),
            ));
        }
        if sizes.len() > 1 && self.batch_size > 1 {
            return Err(LearnError::Refused(format!(
                "the pictures have {} different sizes, which cannot share a batch; nothing was trained: use batch_size 1, or bring them to one",
                sizes.len()
            )));
        }
        match pairs.is_empty() {
            true => Err(LearnError::Refused(
                "no picture can be learnt from; nothing was trained".to_owned(),
            )),
            false => Ok((pairs, remarks)),
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf, LearnError> {
    std::path::absolute(path).map_err(|e| LearnError::file(path, e))
}

impl Event {
    /// `None`: something else that a program wrote.
    pub fn read(line: &str) -> Option<Event> {
        serde_json::from_str(line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Frame, Pixels};
    use ndarray::Array2;
    use std::fs;

    fn config(dir: &Path, more: &str) -> Result<TrainConfig, LearnError> {
        let text = format!(
            "data_paths: [{0}/a]\nlabel_paths: [{0}/a/labels]\nsave_path: {0}/out\ncheckpoint: null\nencoder: resnet34\nepochs: 8\nbatch_size: 2\n\
             num_classes: 6\nlr: 3.0e-4\napply_transforms: True\nwandb: False\nwandb_project: p\nwandb_entity: e\nmodel_type: mega\n{more}",
            dir.display()
        );
        let path = dir.join("config.yml");
        fs::write(&path, text).unwrap();
        TrainConfig::load(&path)
    }

    #[test]
    fn the_originals_configuration_is_read_and_its_pictures_checked() {
        let dir = tempfile::tempdir().unwrap();
        let save = |name: &str, size: (usize, usize), seed: usize| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let pixels = Pixels::U8(Array2::from_shape_fn(size, |(y, x)| (x + y * seed) as u8));
            Frame { pixels, metadata: None }.save(&path).unwrap();
        };
        for (i, name) in ["p.tif", "q.tif"].into_iter().enumerate() {
            save(&format!("a/{name}"), (32, 64), i + 1);
            save(&format!("a/labels/{name}"), (32, 64), 0);
        }
        let read = config(dir.path(), "").unwrap();
        assert_eq!((read.split, read.lr, read.seed), (0.15, 3e-4, 0));
        let (pairs, remarks) = read.pairs(false).unwrap();
        assert_eq!((pairs.len(), remarks.len()), (2, 0));
        assert!(pairs[1].0.ends_with("a/q.tif") && pairs[1].1.ends_with("a/labels/q.tif"));
        save("a/r.tif", (32, 64), 9);
        assert!(read.pairs(false).unwrap_err().to_string().contains("has no mask"));
        assert_eq!(read.pairs(true).unwrap().0.len(), 2);
        save("a/labels/r.tif", (32, 64), 9);
        save("a/s.tif", (64, 64), 9);
        save("a/labels/s.tif", (64, 64), 9);
        assert!(read.pairs(false).unwrap_err().to_string().contains("different sizes"));
        assert!(
            config(dir.path(), "split: 1.5\n")
                .unwrap_err()
                .to_string()
                .contains("split")
        );
        assert!(config(dir.path(), "early_stop: x\n").is_err());
        assert!(
            config(dir.path(), "loss: []\n")
                .unwrap_err()
                .to_string()
                .contains("`loss`")
        );
        assert!(config(dir.path(), "network: large\n").is_err());
        assert_eq!(
            (read.network, read.loss.len(), read.augment),
            (Network::Unet, 3, Augment::All)
        );
        for name in ["r.tif", "s.tif"] {
            fs::remove_file(dir.path().join("a").join(name)).unwrap();
            fs::remove_file(dir.path().join("a/labels").join(name)).unwrap();
        }
        let small = config(
            dir.path(),
            "network: small\nloss: [cross-entropy]\nschedule: cosine\naugment: mirror\n",
        )
        .unwrap();
        let error = small.pairs(false).unwrap_err().to_string();
        assert!(error.contains("64x32") && error.contains("multiples of 64"), "{error}");
    }

    #[test]
    fn what_an_engine_tells_is_understood_and_the_rest_passed_over() {
        let line = r#"{"event": "epoch", "epoch": 1, "epochs": 3, "train_loss": 0.5, "val_loss": null, "iou": [0.9, null], "mean_iou": null, "best": true,
            "checkpoint": "a.pt", "seconds": 2.0}"#;
        let Some(Event::Epoch(epoch)) = Event::read(line) else {
            panic!("{line}")
        };
        assert_eq!((epoch.epoch, epoch.val_loss, epoch.best), (1, None, true));
        assert_eq!(Event::read(r#"{"event": "end"}"#), Some(Event::End));
        assert_eq!(Event::read("Downloading ..."), None);
    }
}
