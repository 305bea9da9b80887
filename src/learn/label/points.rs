//! Key points by hand: one table for a folder, its rows for one picture replaced at a time, all others kept as they were written.

use crate::LearnError;
use crate::dataset::{self, Dataset, Part};
use crate::table::{Row, Table};
use model::file::{self, Durability};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// Where key points are, unless named otherwise.
const FILE: &str = "keypoints.csv";
/// How rows made here were made.
const METHOD: &str = "hand";

/// The key points of a folder.
#[derive(Debug)]
pub struct Points {
    path: PathBuf,
    table: Table,
    /// Points that detections recorded, by the picture's name: a start where the table has none.
    recorded: HashMap<String, Vec<Row>>,
    /// Rows of pictures as they are now, by name.
    changed: BTreeMap<String, Vec<Row>>,
}

/// A table on its way into its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavePoints {
    pub path: PathBuf,
    bytes: Vec<u8>,
}

impl Points {
    /// The table of `folder`: `keypoints.csv` there unless named otherwise; it need not be there yet.
    ///
    /// Errors: one that cannot be read, has lines that make no sense (they would be lost), or is one of recorded detections.
    pub fn open(folder: &Path, path: Option<&Path>) -> Result<Points, LearnError> {
        let path = path.map_or_else(|| folder.join(FILE), Path::to_owned);
        let table = match path.is_file() {
            true => Table::load(&path)?,
            false => Table::keypoints(),
        };
        if let Some((line, what)) = table.odd.first() {
            let what = format!("line {line}: {what}; key points are not opened, since it would be lost: mend the line");
            return Err(LearnError::file(&path, what));
        }
        if table.is_recorded() {
            let what = "is a table of recorded detections, which labelling does not change; name another file";
            return Err(LearnError::file(&path, what));
        }
        let mut recorded = HashMap::new();
        if folder.join("data.csv").is_file() {
            for sample in Dataset::open(folder)?.samples {
                let points = sample.points();
                if sample.part == Part::Whole && !points.is_empty() {
                    let points = points.into_iter().cloned().collect();
                    recorded.insert(sample.name, points);
                }
            }
        }
        Ok(Points {
            path,
            table,
            recorded,
            changed: BTreeMap::new(),
        })
    }

    /// The points of a picture: as changed here, else of the table, else as recorded.
    pub fn of(&self, image: &Path) -> Vec<Row> {
        let name = dataset::name_of(image);
        if let Some(rows) = self.changed.get(&name) {
            return rows.clone();
        }
        let own = || {
            self.table
                .rows
                .iter()
                .filter(|row| crate::table::stem(&row.picture) == name)
        };
        match own().next() {
            Some(_) => own()
                .filter(|row| row.px.is_some() && !row.feature.is_empty())
                .cloned()
                .collect(),
            None => self.recorded.get(&name).cloned().unwrap_or_default(),
        }
    }

    /// The points of a picture from now on. `pixel_size` in m, where it is known.
    pub fn set(&mut self, image: &Path, pixel_size: Option<f64>, rows: &[Row]) {
        let picture = image.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let own = |row: &Row| Row {
            picture: picture.clone(),
            pixel_size: row.pixel_size.or(pixel_size),
            method: match row.method.is_empty() || row.corrected {
                true => METHOD.to_owned(),
                false => row.method.clone(),
            },
            ..row.clone()
        };
        self.changed
            .insert(dataset::name_of(image), rows.iter().map(own).collect());
    }

    /// The table as it is now.
    pub fn hand_over(&self) -> Result<SavePoints, LearnError> {
        Ok(SavePoints {
            path: self.path.clone(),
            bytes: self.table.with(&self.changed)?,
        })
    }
}

impl SavePoints {
    /// Writes it: a reader, or a crash, finds the old file or the new one.
    pub fn write(&self) -> Result<(), LearnError> {
        Ok(file::replace(&self.path, Durability::Synced, &self.bytes)?)
    }
}
