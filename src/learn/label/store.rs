//! The pictures of a folder, one of them on the desk: opened with the mask it has, saved whole or not at all.

use super::{Edit, Sheet};
use crate::LearnError;
use crate::classes::Classes;
use crate::dataset::{self, Dataset};
use crate::picture;
use image::{ImageFormat, RgbImage};
use model::file::{self, Durability};
use model::{Frame, Pixels};
use ndarray::Array2;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a mask on the desk came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Its file.
    Saved,
    /// What a detection recorded, as a starting point; in no file of labels until it is saved.
    Recorded,
    /// A model, as a starting point; in no file until it is saved.
    Predicted,
    Empty,
}

/// What is known of a picture without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    Labelled,
    Unlabelled,
    /// It, or its mask, could not be opened.
    Broken(String),
}

/// A folder being labelled.
#[derive(Debug)]
pub struct Desk {
    images: Vec<(PathBuf, Known)>,
    masks: PathBuf,
    /// Masks in colour beside the others, too.
    rgb: Option<Classes>,
    at: usize,
    sheet: Sheet,
    origin: Origin,
    /// m; of the picture on the desk.
    pixel_size: Option<f64>,
}

/// A mask on its way into its file: to be written by whoever has the time.
#[derive(Clone, Debug)]
pub struct Save {
    /// Which picture it is of.
    pub at: usize,
    pub path: PathBuf,
    labels: Arc<Array2<u8>>,
    rgb: Option<Classes>,
}

/// Folder of recorded detections' masks.
const RECORDED: &str = "mask";
/// Folder of masks in colour, among the masks.
const RGB: &str = "rgb";

impl Desk {
    /// The pictures of `folder`, the first that can be opened on the desk; masks are in `labels` there unless named otherwise.
    ///
    /// Errors: no picture; the first cannot be opened, unless `skip` passes over it. A mask that cannot be read is an error, too, so that it is
    /// never written over unseen.
    pub fn open(folder: &Path, masks: Option<&Path>, skip: bool) -> Result<Desk, LearnError> {
        let masks = masks.map_or_else(|| folder.join("labels"), Path::to_owned);
        if masks == folder {
            return Err(LearnError::file(
                folder,
                "masks would be written over the pictures; nothing was opened: name another folder",
            ));
        }
        let known = |sample: dataset::Sample| match sample.mask {
            Some(_) => (sample.image, Known::Labelled),
            None => (sample.image, Known::Unlabelled),
        };
        let mut images: Vec<_> = Dataset::of(folder, &masks)?.samples.into_iter().map(known).collect();
        for at in 0..images.len() {
            match sheet(&images[at].0, &masks) {
                Ok((sheet, origin, pixel_size)) => {
                    return Ok(Desk {
                        images,
                        masks,
                        rgb: None,
                        at,
                        sheet,
                        origin,
                        pixel_size,
                    });
                }
                Err(error) if skip => images[at].1 = Known::Broken(error.to_string()),
                Err(error) => {
                    let text = format!("{error}; nothing was opened: mend it, or --skip passes over such pictures");
                    return Err(LearnError::Refused(text));
                }
            }
        }
        Err(LearnError::file(folder, "holds no picture that can be opened"))
    }

    /// Saves each mask in the colours of its classes, too: `rgb/NAME.png` among the masks.
    pub fn with_rgb(mut self, classes: Classes) -> Desk {
        self.rgb = Some(classes);
        self
    }

    /// The pictures, and what is known of each.
    pub fn images(&self) -> &[(PathBuf, Known)] {
        &self.images
    }

    /// Which of them is on the desk.
    pub fn at(&self) -> usize {
        self.at
    }

    pub fn image(&self) -> &Path {
        &self.images[self.at].0
    }

    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// m per pixel, where the picture says.
    pub fn pixel_size(&self) -> Option<f64> {
        self.pixel_size
    }

    pub fn sheet(&self) -> &Sheet {
        &self.sheet
    }

    pub fn sheet_mut(&mut self) -> &mut Sheet {
        &mut self.sheet
    }

    /// Opens another picture. Where that fails the desk stays as it is, and the picture counts as broken.
    ///
    /// Errors: that, or something on the desk that was not handed over to be saved.
    pub fn turn_to(&mut self, at: usize) -> Result<(), LearnError> {
        let Some((image, _)) = self.images.get(at) else {
            return Err(LearnError::Refused(format!(
                "there are {} pictures; the one on the desk stays",
                self.images.len()
            )));
        };
        if at == self.at {
            return Ok(());
        }
        if self.sheet.is_unsaved() {
            return Err(LearnError::Refused(
                "the mask on the desk is not saved yet; it stays".to_owned(),
            ));
        }
        match sheet(image, &self.masks) {
            Ok(opened) => {
                (self.sheet, self.origin, self.pixel_size) = opened;
                self.at = at;
                self.images[at].1 = match self.origin {
                    Origin::Saved => Known::Labelled,
                    _ => Known::Unlabelled,
                };
                Ok(())
            }
            Err(error) => {
                self.images[at].1 = Known::Broken(error.to_string());
                Err(error)
            }
        }
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
        let path = image.and_then(|(image, _)| dataset::picture_of(&self.masks, &dataset::name_of(image)));
        let none = || LearnError::Refused("that neighbour has no saved mask; nothing was changed".to_owned());
        let labels = picture::read_mask(&path.ok_or_else(none)?)?;
        self.sheet.edit(&Edit::Replace { labels })
    }

    /// Classes in the mask on the desk that the list does not name.
    pub fn unknown(&self, classes: &Classes) -> Vec<u8> {
        let counts = dataset::counts(self.sheet.labels());
        (0..=255)
            .filter(|id| counts[usize::from(*id)] > 0 && !classes.knows(*id))
            .collect()
    }

    /// The mask on the desk, where something is unsaved: from here on it counts as saved, unless [`Desk::not_saved`] says otherwise.
    pub fn hand_over(&mut self) -> Option<Save> {
        self.sheet.is_unsaved().then(|| self.confirm())
    }

    /// As [`Desk::hand_over`], also an untouched suggestion or an empty mask.
    pub fn confirm(&mut self) -> Save {
        self.sheet.saved();
        self.origin = Origin::Saved;
        self.images[self.at].1 = Known::Labelled;
        Save {
            at: self.at,
            path: mask_file(self.image(), &self.masks),
            labels: self.sheet.labels().clone(),
            rgb: self.rgb.clone(),
        }
    }

    /// What was handed over could not be written: it is tried again with the next edit, or before another picture.
    pub fn not_saved(&mut self) {
        self.sheet.unsaved = self.sheet.unsaved.max(1);
    }
}

impl Save {
    /// Writes it: a reader, or a crash, finds the old file or the new one.
    pub fn write(&self) -> Result<(), LearnError> {
        let pixels = Pixels::U8(self.labels.as_ref().clone());
        let frame = Frame { pixels, metadata: None };
        let bytes = frame.encode().map_err(|e| LearnError::file(&self.path, e))?;
        let folder = self.path.parent().unwrap_or(Path::new(""));
        file::ensure_folder(folder)?;
        file::replace(&self.path, Durability::Synced, &bytes)?;
        let Some(classes) = &self.rgb else { return Ok(()) };
        let folder = folder.join(RGB);
        let path = folder.join(format!("{}.png", dataset::name_of(&self.path)));
        file::ensure_folder(&folder)?;
        Ok(file::replace(
            &path,
            Durability::Cached,
            &coloured(&self.labels, classes, &path)?,
        )?)
    }
}

/// A mask in the colours of its classes, as PNG.
fn coloured(labels: &Array2<u8>, classes: &Classes, path: &Path) -> Result<Vec<u8>, LearnError> {
    let table: Vec<[u8; 3]> = (0..=255).map(|id| classes.colour(id)).collect();
    let (h, w) = labels.dim();
    let rgb: Vec<u8> = labels.iter().flat_map(|id| table[usize::from(*id)]).collect();
    let image = RgbImage::from_raw(w as u32, h as u32, rgb).unwrap_or_default();
    let mut bytes = Cursor::new(Vec::new());
    let written = image.write_to(&mut bytes, ImageFormat::Png);
    written.map_err(|e| LearnError::file(path, format!("cannot be packed as PNG ({e})")))?;
    Ok(bytes.into_inner())
}

/// The mask that is there, whatever its ending, where it can be written as it is; else one like the picture's name.
fn mask_file(image: &Path, masks: &Path) -> PathBuf {
    let name = dataset::name_of(image);
    let tiff = |path: &PathBuf| path.extension().is_some_and(|e| e == "tif" || e == "tiff");
    let there = dataset::picture_of(masks, &name).filter(tiff);
    there.unwrap_or_else(|| masks.join(format!("{name}.tif")))
}

type Opened = (Sheet, Origin, Option<f64>);

fn sheet(image: &Path, masks: &Path) -> Result<Opened, LearnError> {
    let frame = picture::read(image)?;
    let grey = frame.pixels.to_u8();
    let pixel_size = frame.metadata.map(|m| m.pixel_size.x).filter(|size| *size > 0.0);
    let name = dataset::name_of(image);
    let saved = dataset::picture_of(masks, &name).map(|path| (path, Origin::Saved));
    let recorded = || {
        let beside = image.parent().unwrap_or(Path::new("")).join(RECORDED);
        dataset::picture_of(&beside, &name).map(|path| (path, Origin::Recorded))
    };
    let there = saved.or_else(recorded);
    let (labels, origin) = match &there {
        Some((path, origin)) => (picture::read_mask(path)?, *origin),
        None => (Array2::zeros(grey.dim()), Origin::Empty),
    };
    let named = there.as_ref().map_or(image, |(path, _)| path);
    let sheet = Sheet::new(grey, labels).map_err(|e| LearnError::file(named, e))?;
    Ok((sheet, origin, pixel_size))
}
