//! A dataset of pictures whose masks and points are known when they are made: openFIBSEM's layout, in a folder of its own.

use super::{SETTINGS, TABLES};
use crate::LearnError;
use crate::classes::Classes;
use crate::table::{self, Row};
use model::file::{self, Durability};
use model::{Frame, Pixels};
use ndarray::Array2;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A dataset that is being written, picture by picture.
#[derive(Debug)]
pub struct Made {
    folder: PathBuf,
    rows: Vec<Row>,
}

/// A picture with all that is known of it.
#[derive(Clone, Debug)]
pub struct Known {
    /// Without an ending.
    pub name: String,
    pub frame: Frame,
    /// Class ids, as large as the picture.
    pub mask: Array2<u8>,
    /// Its points; which picture they belong to is filled in.
    pub points: Vec<Row>,
    /// Where it came from.
    pub provenance: Value,
}

impl Made {
    /// Begins a dataset, with its classes in `segmentation_config.yaml`.
    ///
    /// Errors: a folder that holds anything already; nothing was written then.
    pub fn begin(folder: &Path, classes: &Classes) -> Result<Made, LearnError> {
        let unread = |e: std::io::Error| LearnError::file(folder, format!("cannot be read ({e})"));
        if folder.exists() && std::fs::read_dir(folder).map_err(unread)?.next().is_some() {
            return Err(LearnError::file(
                folder,
                "is not empty; nothing was made: choose a new folder",
            ));
        }
        for below in ["labels", SETTINGS] {
            file::ensure_folder(&folder.join(below))?;
        }
        let path = folder.join("segmentation_config.yaml");
        file::create_exact(&path, Durability::Cached, classes.to_yaml()?.as_bytes())?;
        Ok(Made {
            folder: folder.to_owned(),
            rows: Vec::new(),
        })
    }

    /// Writes a picture, its mask and its provenance; never over a file.
    pub fn add(&mut self, known: Known) -> Result<PathBuf, LearnError> {
        let (rows, columns) = known.mask.dim();
        let file = format!("{}.tif", known.name);
        let path = self.folder.join(&file);
        if known.frame.pixels.size() != (columns, rows) {
            return Err(LearnError::file(&path, "its mask has another size; it was not written"));
        }
        let mask = Frame {
            pixels: Pixels::U8(known.mask),
            metadata: None,
        };
        for (path, frame) in [(&path, &known.frame), (&self.folder.join("labels").join(&file), &mask)] {
            let bytes = frame.encode().map_err(|e| LearnError::file(path, e))?;
            file::create_exact(path, Durability::Cached, &bytes)?;
        }
        super::add::save_provenance(&self.folder, &known.name, &known.provenance)?;
        let none = Row::default();
        let points = if known.points.is_empty() {
            vec![none]
        } else {
            known.points
        };
        self.rows.extend(points.into_iter().map(|row| Row {
            picture: file.clone(),
            ..row
        }));
        Ok(path)
    }

    /// Writes the table of all points.
    pub fn finish(self) -> Result<(), LearnError> {
        table::save_new(&self.folder.join(TABLES[1]), &table::keypoints(&self.rows)?)
    }
}
