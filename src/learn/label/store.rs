//! The pictures of a folder, one of them on the desk: opened with the mask it has, saved whole or not at all.

use super::{Edit, Sheet};
use crate::LearnError;
use crate::dataset::Dataset;
use crate::picture;
use model::file::{self, Durability};
use model::{Frame, Pixels};
use ndarray::Array2;
use std::path::{Path, PathBuf};

/// Where a mask on the desk came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Its file.
    Saved,
    /// A model, as a starting point; in no file until it is saved.
    Predicted,
    Empty,
}

/// A folder being labelled.
#[derive(Debug)]
pub struct Desk {
    images: Vec<PathBuf>,
    masks: PathBuf,
    at: usize,
    sheet: Sheet,
    origin: Origin,
}

impl Desk {
    /// The pictures of `folder`, the first of them opened; masks are in `labels` there unless named otherwise.
    ///
    /// Errors: no picture, one that cannot be read, a mask that does not fit. A mask that cannot be read is an error, too, so that it is never
    /// written over unseen.
    pub fn open(folder: &Path, masks: Option<&Path>) -> Result<Desk, LearnError> {
        let masks = masks.map_or_else(|| folder.join("labels"), Path::to_owned);
        if masks == folder {
            return Err(LearnError::file(
                folder,
                "masks would be written over the pictures; nothing was opened: name another folder",
            ));
        }
        let images: Vec<PathBuf> = Dataset::of(folder, &masks)?
            .samples
            .into_iter()
            .map(|sample| sample.image)
            .collect();
        let first = images
            .first()
            .ok_or_else(|| LearnError::file(folder, "holds no pictures"))?;
        let (sheet, origin) = sheet(first, &masks)?;
        Ok(Desk {
            images,
            masks,
            at: 0,
            sheet,
            origin,
        })
    }

    pub fn images(&self) -> &[PathBuf] {
        &self.images
    }

    /// Which of them is on the desk.
    pub fn at(&self) -> usize {
        self.at
    }

    pub fn origin(&self) -> Origin {
        self.origin
    }

    pub fn sheet(&self) -> &Sheet {
        &self.sheet
    }

    pub fn sheet_mut(&mut self) -> &mut Sheet {
        &mut self.sheet
    }

    /// Opens another picture; what is unsaved is saved first. Where either fails, the desk stays as it is.
    pub fn turn_to(&mut self, at: usize) -> Result<(), LearnError> {
        let Some(image) = self.images.get(at).cloned() else {
            return Err(LearnError::Refused(format!(
                "there are {} pictures; the one on the desk stays",
                self.images.len()
            )));
        };
        if at == self.at {
            // its file is older than what is drawn on the desk
            return self.save().map(drop);
        }
        let opened = sheet(&image, &self.masks)?;
        self.save()?;
        (self.sheet, self.origin) = opened;
        self.at = at;
        Ok(())
    }

    /// Lays a model's mask on a picture that has none of its own yet; false where it has one.
    pub fn suggest(&mut self, labels: Array2<u8>) -> Result<bool, LearnError> {
        if self.origin != Origin::Empty || self.sheet.is_unsaved() {
            return Ok(false);
        }
        self.sheet.edit(&Edit::Replace { labels })?;
        self.sheet.saved();
        self.origin = Origin::Predicted;
        Ok(true)
    }

    /// Takes the saved mask of the picture before, or behind (`step` -1 or 1), as this one's: one step to undo. How many pixels changed.
    pub fn copy_from_neighbour(&mut self, step: isize) -> Result<usize, LearnError> {
        let image = self.at.checked_add_signed(step).and_then(|at| self.images.get(at));
        let path = image.and_then(|image| crate::dataset::picture_of(&self.masks, &crate::dataset::name_of(image)));
        let none = || LearnError::Refused("that neighbour has no saved mask; nothing was changed".to_owned());
        let labels = picture::read_mask(&path.ok_or_else(none)?)?;
        self.sheet.edit(&Edit::Replace { labels })
    }

    /// The file of the mask on the desk.
    pub fn mask_file(&self) -> PathBuf {
        mask_file(&self.images[self.at], &self.masks)
    }

    /// Saves the mask where something is unsaved: a reader, or a crash, finds the old file or the new one. Whether it was saved.
    pub fn save(&mut self) -> Result<bool, LearnError> {
        match self.sheet.is_unsaved() {
            true => self.confirm().map(|()| true),
            false => Ok(false),
        }
    }

    /// Saves the mask as it is, also an untouched suggestion or an empty one.
    pub fn confirm(&mut self) -> Result<(), LearnError> {
        let path = self.mask_file();
        let frame = Frame {
            pixels: Pixels::U8(self.sheet.labels().clone()),
            metadata: None,
        };
        let bytes = frame.encode().map_err(|e| LearnError::file(&path, e))?;
        file::ensure_folder(&self.masks)?;
        file::replace(&path, Durability::Synced, &bytes)?;
        self.sheet.saved();
        self.origin = Origin::Saved;
        Ok(())
    }
}

/// The mask that is there, whatever its ending, where it can be written as it is; else one like the picture's name.
fn mask_file(image: &Path, masks: &Path) -> PathBuf {
    let name = crate::dataset::name_of(image);
    let tiff = |path: &PathBuf| path.extension().is_some_and(|e| e == "tif" || e == "tiff");
    let there = crate::dataset::picture_of(masks, &name).filter(tiff);
    there.unwrap_or_else(|| masks.join(format!("{name}.tif")))
}

fn sheet(image: &Path, masks: &Path) -> Result<(Sheet, Origin), LearnError> {
    let grey = picture::read(image)?.pixels.to_u8();
    let there = crate::dataset::picture_of(masks, &crate::dataset::name_of(image));
    let (labels, origin) = match &there {
        Some(path) => (picture::read_mask(path)?, Origin::Saved),
        None => (Array2::zeros(grey.dim()), Origin::Empty),
    };
    let name = there.as_deref().unwrap_or(image);
    let sheet = Sheet::new(grey, labels).map_err(|e| LearnError::file(name, e))?;
    Ok((sheet, origin))
}
