//! Pictures from elsewhere, taken into a dataset: grey, 8 bits, sides that are multiples of 32, metadata kept.

use super::check::digest;
use super::{Dataset, SETTINGS, check};
use crate::LearnError;
use crate::classes::Classes;
use crate::picture::{self, Fit};
use model::file::{self, Durability};
use model::library::sha256;
use model::{Frame, Pixels};
use ndarray::Array2;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// How pictures are taken in.
#[derive(Clone, Debug, Default)]
pub struct Add {
    pub fit: Fit,
    /// Where their masks are, by the pictures' names.
    pub masks: Option<PathBuf>,
    pub classes: Classes,
}

/// What became of a picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Added {
    /// As this file, with these remarks.
    As(PathBuf, Vec<String>),
    /// The dataset has those pixels already.
    Known,
}

/// Takes each picture in, with its mask where there is one. A picture that fails is told by its own error, the others are taken in.
///
/// Errors: a folder that cannot be made or read.
pub fn add(folder: &Path, pictures: &[PathBuf], options: &Add) -> Result<Vec<Result<Added, LearnError>>, LearnError> {
    file::ensure_folder(folder)?;
    let mut known: HashSet<String> = match super::pictures(folder)?.is_empty() {
        true => HashSet::new(),
        false => {
            let dataset = Dataset::open(folder)?;
            let checked = check(&dataset, &options.classes, &HashSet::new());
            checked.digests().cloned().collect()
        }
    };
    Ok(pictures
        .iter()
        .map(|path| one(folder, path, options, &mut known))
        .collect())
}

fn one(folder: &Path, path: &Path, options: &Add, known: &mut HashSet<String>) -> Result<Added, LearnError> {
    let bytes = std::fs::read(path).map_err(|e| LearnError::file(path, format!("cannot be read ({e})")))?;
    let frame = picture::decode(path, &bytes)?;
    let size = frame.pixels.size();
    let grey = frame.pixels.to_u8();
    let mask = match &options.masks {
        None => None,
        Some(masks) => mask_of(masks, path, size, &options.classes)?,
    };
    let small = || {
        let what = format!(
            "{}x{} pixels are too few for a network; it was left out: pad it (--fit pad)",
            size.0, size.1
        );
        LearnError::file(path, what)
    };
    let pixels = Pixels::U8(picture::fitted(&grey, options.fit).ok_or_else(small)?);
    let mut remarks = Vec::new();
    if frame.pixels.bits() == 16 {
        remarks.push("16 bits became 8: the high byte".to_owned());
    }
    let to = pixels.size();
    if to != size {
        let verb = if options.fit == Fit::Crop { "cropped" } else { "padded" };
        remarks.push(format!("{verb} from {}x{} to {}x{}", size.0, size.1, to.0, to.1));
    }
    if !known.insert(digest(&pixels)) {
        return Ok(Added::Known);
    }
    let metadata = frame.metadata.map(|mut metadata| {
        metadata.image.resolution = (to.0 as u32, to.1 as u32);
        metadata.image.hfw = metadata.pixel_size.x * to.0 as f64;
        metadata
    });
    let told = provenance(path, &bytes, metadata.as_ref(), &remarks);
    // only the ending goes: openFIBSEM's names hold dots
    let name = super::name_of(path);
    let saved = file::create(&folder.join(format!("{name}.tif")), Durability::Synced, |file| {
        let bytes = Frame { pixels, metadata }.encode()?;
        std::io::Write::write_all(file, &bytes)
    })?;
    let name = super::name_of(&saved);
    if let Some(mask) = mask.and_then(|mask| picture::fitted(&mask, options.fit)) {
        save_mask(&folder.join("labels"), &name, mask)?;
    }
    save_provenance(folder, &name, &told)?;
    Ok(Added::As(saved, remarks))
}

/// Writes down where a picture of that name came from.
pub(super) fn save_provenance(folder: &Path, name: &str, told: &Value) -> Result<(), LearnError> {
    let settings = folder.join(SETTINGS);
    let path = settings.join(format!("{name}.json"));
    let told = serde_json::to_vec_pretty(told).map_err(|e| LearnError::file(&path, e))?;
    file::ensure_folder(&settings)?;
    Ok(file::create_exact(&path, Durability::Cached, &told)?)
}

/// The mask of a picture: `None` where there is none. Errors: one that cannot be its mask; the picture is left out then, too.
fn mask_of(
    masks: &Path,
    path: &Path,
    size: (usize, usize),
    classes: &Classes,
) -> Result<Option<Array2<u8>>, LearnError> {
    let Some(file) = super::picture_of(masks, &super::name_of(path)) else {
        return Ok(None);
    };
    let mask = picture::read_mask(&file)?;
    let (rows, columns) = mask.dim();
    if (columns, rows) != size {
        let what = format!(
            "the mask has {columns}x{rows} pixels, its picture {}x{}; the picture was left out",
            size.0, size.1
        );
        return Err(LearnError::file(&file, what));
    }
    let counts = super::summary::counts(&mask);
    match (0u8..=255).find(|id| counts[usize::from(*id)] > 0 && !classes.knows(*id)) {
        Some(id) => Err(LearnError::file(
            &file,
            format!(
                "the mask has the class {id}, which nobody named; the picture was left out: give a list of classes (--classes)"
            ),
        )),
        None => Ok(Some(mask)),
    }
}

/// A new mask under the name of its picture.
fn save_mask(folder: &Path, name: &str, mask: Array2<u8>) -> Result<(), LearnError> {
    file::ensure_folder(folder)?;
    let path = folder.join(format!("{name}.tif"));
    let frame = Frame {
        pixels: Pixels::U8(mask),
        metadata: None,
    };
    let bytes = frame.encode().map_err(|e| LearnError::file(&path, e))?;
    Ok(file::create_exact(&path, Durability::Synced, &bytes)?)
}

/// Where a picture came from.
fn provenance(path: &Path, bytes: &[u8], metadata: Option<&model::frame::Metadata>, remarks: &[String]) -> Value {
    let text = |key: &str| {
        metadata
            .and_then(|m| m.system_info.get(key).cloned())
            .unwrap_or_default()
    };
    json!({
        "source": path, "sha256": sha256(bytes), "changes": remarks,
        "instrument": text("name"), "manufacturer": text("manufacturer"),
        "beam": metadata.map(|m| m.image.beam_type.wire_name()), "pixelsize_m": metadata.map(|m| m.pixel_size.x),
        "hfw_m": metadata.map(|m| m.image.hfw), "dwell_time_s": metadata.map(|m| m.image.dwell_time),
    })
}
