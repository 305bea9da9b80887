//! A folder of pictures, their masks, and tables of their points, in openFIBSEM's layouts.
//!
//! Recorded detections have masks in `mask/`, training data in `labels/`; `train/` and `test/` in a folder are parts of it. Masks belong to pictures
//! by name. Tables are `data.csv` and `keypoints.csv`; `settings/NAME.json` tells where a picture came from. `check` reads all of it and names what is
//! wrong, `summary` counts, `filter` chooses, `split` makes train and test, `add` takes in pictures from elsewhere,
//! `made` writes those whose masks are known when they are made.

mod add;
mod check;
mod filter;
mod made;
mod split;
mod summary;
#[cfg(test)]
mod tests;

pub use add::{Add, Added, add};
pub use check::{Check, Fault, Problem, check, usable};
pub use filter::Filter;
pub use made::{Known, Made};
pub use split::{By, Keep, Split, split};
pub(crate) use summary::counts;
pub use summary::{ClassCount, FeatureCount, Summary, summary};

use crate::LearnError;
use crate::picture::is_picture;
use crate::table::{Row, Table, stem};
use serde::Serialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Folders of masks, the one that counts first.
const MASKS: [&str; 2] = ["labels", "mask"];
const TABLES: [&str; 2] = ["data.csv", "keypoints.csv"];
const SETTINGS: &str = "settings";

/// Which part of a dataset a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Of one that is not split.
    Whole,
    Train,
    Test,
}

impl Part {
    pub const ALL: [Part; 3] = [Part::Whole, Part::Train, Part::Test];

    /// Its folder below the dataset's; empty for the whole.
    pub fn folder(self) -> &'static str {
        match self {
            Part::Whole => "",
            Part::Train => "train",
            Part::Test => "test",
        }
    }
}

/// A picture with what belongs to it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Without an ending.
    pub name: String,
    pub part: Part,
    pub image: PathBuf,
    pub mask: Option<PathBuf>,
    /// Where it came from, as JSON.
    pub settings: Option<PathBuf>,
    /// Its rows of `data.csv`, in their order.
    pub rows: Vec<Row>,
    /// Its rows of `keypoints.csv`, which count before what was recorded.
    keypoints: Vec<Row>,
}

impl Sample {
    /// Whether a person put a point of it elsewhere.
    pub fn corrected(&self) -> bool {
        self.rows.iter().any(|row| row.corrected)
    }

    /// Its points as they are now: of several rows of a feature that was found once the last counts. What was not found has none.
    pub fn points(&self) -> Vec<&Row> {
        if !self.keypoints.is_empty() {
            return self
                .keypoints
                .iter()
                .filter(|row| row.px.is_some() && !row.feature.is_empty())
                .collect();
        }
        let mut points: Vec<&Row> = Vec::new();
        for row in self.rows.iter().filter(|row| !row.feature.is_empty()) {
            // a correction is a further row that says by how much it moved the one before
            let first = |r: &Row| match (r.px, r.moved) {
                (Some(px), moved) => {
                    let moved = moved.unwrap_or_default();
                    Some((px.x + moved.x, px.y + moved.y))
                }
                _ => None,
            };
            let same = |old: &&mut &Row| {
                let (a, b) = (first(old), first(row));
                let near = a.zip(b).is_some_and(|(a, b)| (a.0 - b.0).hypot(a.1 - b.1) < 1e-6);
                old.feature == row.feature && near
            };
            match points.iter_mut().find(same).filter(|_| row.corrected) {
                Some(old) => *old = row,
                None => points.push(row),
            }
        }
        // (0, 0) is how the tables say that nothing was found
        points.retain(|row| row.px.is_some_and(|px| (px.x, px.y) != (0.0, 0.0)));
        points
    }
}

/// What is in a folder.
#[derive(Debug, Default)]
pub struct Dataset {
    pub folder: PathBuf,
    /// By part and name.
    pub samples: Vec<Sample>,
    /// What belongs to no picture, and lines that make no sense.
    pub odd: Vec<Problem>,
    /// The tables by part.
    tables: Vec<(Part, Table)>,
}

impl Dataset {
    /// Lists a folder; nothing but the tables is read.
    ///
    /// Errors: a folder that cannot be read or holds no picture; a table that cannot be read.
    pub fn open(folder: &Path) -> Result<Dataset, LearnError> {
        let mut dataset = Dataset {
            folder: folder.to_owned(),
            ..Dataset::default()
        };
        for part in Part::ALL {
            let at = folder.join(part.folder());
            if part == Part::Whole || at.is_dir() {
                dataset.list(part, &at)?;
            }
        }
        if dataset.samples.is_empty() {
            let what = "holds no pictures, neither itself nor in train or test; `fibdeck dataset add` takes some in";
            return Err(LearnError::file(folder, what));
        }
        Ok(dataset)
    }

    /// Pictures of one folder with masks of another, by name; no tables.
    pub fn of(images: &Path, masks: &Path) -> Result<Dataset, LearnError> {
        let sample = |image: PathBuf| {
            let name = name_of(&image);
            Sample {
                mask: picture_of(masks, &name),
                settings: None,
                rows: Vec::new(),
                keypoints: Vec::new(),
                part: Part::Whole,
                name,
                image,
            }
        };
        let samples: Vec<Sample> = pictures(images)?.into_iter().map(sample).collect();
        match samples.is_empty() {
            true => Err(LearnError::file(images, "holds no pictures; is it the right folder?")),
            false => Ok(Dataset {
                folder: images.to_owned(),
                samples,
                ..Dataset::default()
            }),
        }
    }

    fn list(&mut self, part: Part, folder: &Path) -> Result<(), LearnError> {
        let first = self.samples.len();
        for image in pictures(folder)? {
            let name = name_of(&image);
            let mask = MASKS.iter().find_map(|masks| picture_of(&folder.join(masks), &name));
            let settings = folder.join(SETTINGS).join(format!("{name}.json"));
            self.samples.push(Sample {
                settings: settings.is_file().then_some(settings),
                rows: Vec::new(),
                keypoints: Vec::new(),
                name,
                part,
                image,
                mask,
            });
        }
        let mut at: HashMap<String, usize> = HashMap::new();
        for (i, sample) in self.samples.iter().enumerate().skip(first) {
            if at.insert(sample.name.clone(), i).is_some() {
                let what = Fault::SameName(sample.name.clone());
                self.odd.push(Problem::new(&sample.image, what));
            }
        }
        for masks in MASKS.map(|masks| folder.join(masks)).iter().filter(|m| m.is_dir()) {
            for mask in pictures(masks)?.iter().filter(|mask| !at.contains_key(&name_of(mask))) {
                self.odd.push(Problem::new(mask, Fault::MaskAlone));
            }
        }
        for path in TABLES.map(|table| folder.join(table)).iter().filter(|t| t.is_file()) {
            let table = Table::load(path)?;
            for (line, what) in &table.odd {
                let fault = Fault::Line(*line, what.clone());
                self.odd.push(Problem::new(path, fault));
            }
            let recorded = path.ends_with(TABLES[0]);
            let mut lost: Vec<&str> = Vec::new();
            for row in &table.rows {
                match at.get(stem(&row.picture)) {
                    Some(i) if recorded => self.samples[*i].rows.push(row.clone()),
                    Some(i) => self.samples[*i].keypoints.push(row.clone()),
                    None if !lost.contains(&row.picture.as_str()) => lost.push(&row.picture),
                    None => {}
                }
            }
            for picture in lost {
                let fault = Fault::RowAlone(picture.to_owned());
                self.odd.push(Problem::new(path, fault));
            }
            if recorded {
                self.tables.push((part, table));
            }
        }
        Ok(())
    }

    pub fn has_part(&self, part: Part) -> bool {
        self.samples.iter().any(|sample| sample.part == part)
    }
}

/// Pictures of a folder by name; none where there is no such folder.
pub(crate) fn pictures(folder: &Path) -> Result<Vec<PathBuf>, LearnError> {
    let unread =
        |e: std::io::Error| LearnError::file(folder, format!("cannot be read ({e}): check the name and the rights"));
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).map_err(unread)? {
        let path = item.map_err(unread)?.path();
        if is_picture(&path) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

pub(crate) fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    stem(&name).to_owned()
}

/// The picture of that name in a folder, whatever its ending.
pub(crate) fn picture_of(folder: &Path, name: &str) -> Option<PathBuf> {
    let endings = crate::picture::ENDINGS.iter();
    endings
        .map(|e| folder.join(format!("{name}.{e}")))
        .find(|path| path.is_file())
}
