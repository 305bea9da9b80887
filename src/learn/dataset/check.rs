//! Everything that can be wrong with a dataset, by name.

use super::{Dataset, Sample};
use crate::LearnError;
use crate::classes::Classes;
use crate::picture::{self, SIDE};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// What is wrong with something of a dataset.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    #[error("{0}")]
    Damaged(String),
    #[error("has no mask; `fibdeck label` draws one")]
    NoMask,
    #[error("is a mask of no picture")]
    MaskAlone,
    #[error("another picture has the name {0}; masks and points could belong to either")]
    SameName(String),
    #[error("names the picture {0}, which is not there")]
    RowAlone(String),
    #[error("line {0}: {1}; it was left out")]
    Line(u64, String),
    #[error("the mask has {}x{} pixels, its picture {}x{}", .mask.0, .mask.1, .picture.0, .picture.1)]
    MaskSize {
        mask: (usize, usize),
        picture: (usize, usize),
    },
    #[error("the mask has classes nobody named: {}", .0.iter().map(u8::to_string).collect::<Vec<_>>().join(", "))]
    Classes(Vec<u8>),
    #[error("{}x{} pixels: both sides must be multiples of 32; `fibdeck dataset add` crops a copy", .0.0, .0.1)]
    Sides((usize, usize)),
    #[error("has 16 bits; `fibdeck dataset add` takes it in with 8")]
    Bits,
    #[error("has the same pixels as {0}")]
    Twin(String),
    #[error("{0} lies outside the picture")]
    Outside(String),
    #[error("there is no feature `{0}`")]
    Feature(String),
}

impl Fault {
    /// Whether the sample cannot be learnt from; the others are worth knowing.
    pub fn spoils(&self) -> bool {
        use Fault::*;
        match self {
            Damaged(_) | NoMask | SameName(_) | MaskSize { .. } | Classes(_) | Sides(_) | Bits => true,
            MaskAlone | RowAlone(_) | Line(..) | Twin(_) | Outside(_) | Feature(_) => false,
        }
    }
}

/// A fault, and the file that has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub path: PathBuf,
    pub fault: Fault,
}

impl Problem {
    pub(super) fn new(path: &Path, fault: Fault) -> Problem {
        Problem {
            path: path.to_owned(),
            fault,
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = model::text::printable(&self.path.display().to_string());
        write!(f, "{path}: {}", model::text::printable(&self.fault.to_string()))
    }
}

/// What a check found.
#[derive(Debug, Default)]
pub struct Check {
    pub problems: Vec<Problem>,
    /// By sample: unfit for training.
    spoiled: Vec<bool>,
    /// By sample: has the pixels of one before it.
    twins: Vec<bool>,
    /// By sample: the digest of its pixels.
    digests: Vec<Option<String>>,
}

/// One sample, read whole.
struct Read {
    faults: Vec<Problem>,
    digest: Option<String>,
}

/// Reads every picture and every mask. `features` are the names that points may have.
pub fn check(dataset: &Dataset, classes: &Classes, features: &HashSet<String>) -> Check {
    let read: Vec<Read> = dataset.samples.par_iter().map(|s| one(s, classes, features)).collect();
    let mut found = Check {
        problems: dataset.odd.clone(),
        spoiled: read.iter().map(|r| r.faults.iter().any(|p| p.fault.spoils())).collect(),
        twins: vec![false; read.len()],
        digests: read.iter().map(|r| r.digest.clone()).collect(),
    };
    let doubled: HashSet<&Path> = dataset
        .odd
        .iter()
        .filter(|p| p.fault.spoils())
        .map(|p| p.path.as_path())
        .collect();
    let mut seen: HashMap<String, &Sample> = HashMap::new();
    for (i, (sample, read)) in dataset.samples.iter().zip(read).enumerate() {
        found.spoiled[i] |= doubled.contains(sample.image.as_path());
        found.problems.extend(read.faults);
        let Some(digest) = read.digest else { continue };
        if let Some(first) = seen.get(&digest) {
            found.twins[i] = true;
            let first = first.image.display().to_string();
            found.problems.push(Problem::new(&sample.image, Fault::Twin(first)));
        } else {
            seen.insert(digest, sample);
        }
    }
    found
}

impl Check {
    pub fn is_spoiled(&self, sample: usize) -> bool {
        self.spoiled.get(sample).copied().unwrap_or_default()
    }

    pub fn is_twin(&self, sample: usize) -> bool {
        self.twins.get(sample).copied().unwrap_or_default()
    }

    pub(super) fn digests(&self) -> impl Iterator<Item = &String> {
        self.digests.iter().flatten()
    }
}

/// Samples by number that can be learnt from, those that have the pixels of another left out. Where one is spoiled: an error that names it, or,
/// with `skip`, it is left out.
pub fn usable(dataset: &Dataset, check: &Check, skip: bool) -> Result<Vec<usize>, LearnError> {
    let bad: Vec<&Problem> = check.problems.iter().filter(|p| p.fault.spoils()).collect();
    if let (false, Some(first)) = (skip, bad.first()) {
        let others = match bad.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        return Err(LearnError::Refused(format!(
            "{first}{others}; nothing was done: `fibdeck dataset check` names all, --skip leaves such pictures out"
        )));
    }
    let fit = |i: &usize| !check.is_spoiled(*i) && !check.is_twin(*i);
    Ok((0..dataset.samples.len()).filter(fit).collect())
}

fn one(sample: &Sample, classes: &Classes, features: &HashSet<String>) -> Read {
    let mut faults = Vec::new();
    let frame = match picture::read(&sample.image) {
        Ok(frame) => frame,
        Err(error) => {
            let faults = vec![Problem::new(&sample.image, Fault::Damaged(without_path(error)))];
            return Read { faults, digest: None };
        }
    };
    let size = frame.pixels.size();
    let mut tell = |path: &Path, fault| faults.push(Problem::new(path, fault));
    if size.0 % SIDE != 0 || size.1 % SIDE != 0 {
        tell(&sample.image, Fault::Sides(size));
    }
    if frame.pixels.bits() != 8 {
        tell(&sample.image, Fault::Bits);
    }
    match &sample.mask {
        None => tell(&sample.image, Fault::NoMask),
        Some(path) => match picture::read_mask(path) {
            Err(error) => tell(path, Fault::Damaged(without_path(error))),
            Ok(mask) => {
                let (rows, columns) = mask.dim();
                if (columns, rows) != size {
                    let mask = (columns, rows);
                    tell(path, Fault::MaskSize { mask, picture: size });
                }
                let counts = super::summary::counts(&mask);
                let unknown = |id: &u8| counts[usize::from(*id)] > 0 && !classes.knows(*id);
                let unknown: Vec<u8> = (0..=255).filter(unknown).collect();
                if !unknown.is_empty() {
                    tell(path, Fault::Classes(unknown));
                }
            }
        },
    }
    let mut unknown = BTreeSet::new();
    for row in sample.points() {
        let inside = |px: &model::Point| px.x >= 0.0 && px.y >= 0.0 && px.x < size.0 as f64 && px.y < size.1 as f64;
        if row.px.as_ref().is_some_and(|px| !inside(px)) {
            tell(&sample.image, Fault::Outside(row.feature.clone()));
        }
        if !features.contains(&row.feature) && unknown.insert(row.feature.clone()) {
            tell(&sample.image, Fault::Feature(row.feature.clone()));
        }
    }
    let digest = Some(digest(&frame.pixels));
    Read { faults, digest }
}

/// Of pixels as they are learnt from: of 8 bits.
pub(super) fn digest(pixels: &model::Pixels) -> String {
    let (w, h) = pixels.size();
    let mut bytes = format!("{w}x{h}\n").into_bytes();
    bytes.extend(pixels.to_u8().iter());
    model::library::sha256(&bytes)
}

/// The file is named beside it.
fn without_path(error: LearnError) -> String {
    match error {
        LearnError::File { what, .. } => what,
        error => error.to_string(),
    }
}
