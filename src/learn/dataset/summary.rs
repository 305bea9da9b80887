//! A dataset in numbers: what there is of what, and how much of it was corrected.

use super::{Dataset, Part, Sample};
use crate::classes::Classes;
use crate::picture;
use ndarray::Array2;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Default, Serialize)]
pub struct Summary {
    pub pictures: usize,
    pub train: usize,
    pub test: usize,
    pub with_mask: usize,
    pub corrected: usize,
    pub with_points: usize,
    /// Files that could not be read; `check` names them.
    pub unread: usize,
    /// Pictures by `WIDTHxHEIGHT`, beam (`NULL` where nobody knows), instrument and model.
    pub sizes: BTreeMap<String, usize>,
    pub beams: BTreeMap<&'static str, usize>,
    pub instruments: BTreeMap<String, usize>,
    pub models: BTreeMap<String, usize>,
    /// Smallest and largest, m.
    pub pixelsize_m: Option<(f64, f64)>,
    pub classes: Vec<ClassCount>,
    pub features: Vec<FeatureCount>,
}

/// A class of the masks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassCount {
    pub class_id: u8,
    pub label: String,
    pub pictures: usize,
    pub pixels: u64,
    /// Of all pixels that have a class, 0 to 1.
    pub share: f64,
}

/// A feature of the tables.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureCount {
    pub feature: String,
    pub pictures: usize,
    pub corrected: usize,
    /// Mean distance that corrections moved it, pixels.
    pub moved_px: Option<f64>,
}

/// What one sample adds.
struct Seen {
    header: Option<model::frame::Header>,
    classes: Option<[u64; 256]>,
}

/// Reads the heads of all pictures and all masks.
pub fn summary(dataset: &Dataset, classes: &Classes) -> Summary {
    let seen: Vec<Seen> = dataset.samples.par_iter().map(look).collect();
    let samples = &dataset.samples;
    let count = |test: &dyn Fn(&Sample) -> bool| samples.iter().filter(|s| test(s)).count();
    let mut told = Summary {
        pictures: samples.len(),
        train: count(&|s| s.part == Part::Train),
        test: count(&|s| s.part == Part::Test),
        with_mask: count(&|s| s.mask.is_some()),
        corrected: count(&Sample::corrected),
        with_points: count(&|s| !s.points().is_empty()),
        ..Summary::default()
    };
    let mut pixels = [0u64; 256];
    let mut pictures = [0usize; 256];
    for (sample, seen) in samples.iter().zip(&seen) {
        let metadata = seen.header.as_ref().and_then(|h| h.metadata.as_ref());
        match &seen.header {
            Some(header) => {
                *told
                    .sizes
                    .entry(format!("{}x{}", header.size.0, header.size.1))
                    .or_default() += 1
            }
            None => told.unread += 1,
        }
        told.unread += usize::from(sample.mask.is_some() && seen.classes.is_none());
        let beam = sample.rows.iter().find_map(|row| row.beam);
        let beam = beam.or_else(|| Some(metadata?.image.beam_type));
        *told
            .beams
            .entry(beam.map_or("NULL", model::Beam::wire_name))
            .or_default() += 1;
        if let Some(name) = metadata.and_then(|m| m.system_info.get("name")?.as_str()) {
            *told.instruments.entry(name.to_owned()).or_default() += 1;
        }
        if let Some(row) = sample.rows.iter().find(|row| !row.checkpoint.is_empty()) {
            *told.models.entry(row.checkpoint.clone()).or_default() += 1;
        }
        let size = metadata.map(|m| m.pixel_size.x).filter(|size| *size > 0.0);
        if let Some(size) = size.or_else(|| sample.rows.iter().find_map(|row| row.pixel_size)) {
            let (least, most) = told.pixelsize_m.unwrap_or((size, size));
            told.pixelsize_m = Some((least.min(size), most.max(size)));
        }
        for (id, n) in seen.classes.iter().flatten().enumerate() {
            pixels[id] += n;
            pictures[id] += usize::from(*n > 0);
        }
    }
    let all: u64 = pixels.iter().sum();
    told.classes = (0u8..=255)
        .filter(|id| pixels[usize::from(*id)] > 0)
        .map(|id| ClassCount {
            class_id: id,
            label: classes.label(id),
            pictures: pictures[usize::from(id)],
            pixels: pixels[usize::from(id)],
            share: pixels[usize::from(id)] as f64 / all as f64,
        })
        .collect();
    told.features = features(samples);
    told
}

fn look(sample: &Sample) -> Seen {
    let mask = sample.mask.as_ref().and_then(|path| picture::read_mask(path).ok());
    Seen {
        header: picture::header(&sample.image).ok(),
        classes: mask.as_ref().map(counts),
    }
}

fn features(samples: &[Sample]) -> Vec<FeatureCount> {
    let mut told: BTreeMap<&str, (usize, Vec<f64>)> = BTreeMap::new();
    for row in samples.iter().flat_map(Sample::points) {
        let (pictures, moved) = told.entry(&row.feature).or_default();
        *pictures += 1;
        if row.corrected {
            moved.push(distance(row).unwrap_or(f64::NAN));
        }
    }
    let one = |(feature, (pictures, moved)): (&str, (usize, Vec<f64>))| {
        let known: Vec<f64> = moved.iter().copied().filter(|d| d.is_finite()).collect();
        FeatureCount {
            feature: feature.to_owned(),
            pictures,
            corrected: moved.len(),
            moved_px: (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64),
        }
    };
    told.into_iter().map(one).collect()
}

/// How far a correction moved what was found; `None` where nothing had been found, which the tables say by (0, 0).
fn distance(row: &crate::table::Row) -> Option<f64> {
    let (px, by) = row.px.zip(row.moved)?;
    let found = (px.x + by.x, px.y + by.y) != (0.0, 0.0);
    found.then(|| by.x.hypot(by.y))
}

/// Pixels of each class.
pub(crate) fn counts(mask: &Array2<u8>) -> [u64; 256] {
    // four tables: runs of one class would wait for one counter
    let mut parts = [[0u64; 256]; 4];
    let mut add = |row: &[u8]| {
        let quads = row.chunks_exact(4);
        for id in quads.remainder() {
            parts[0][usize::from(*id)] += 1;
        }
        for quad in quads {
            for (part, id) in parts.iter_mut().zip(quad) {
                part[usize::from(*id)] += 1;
            }
        }
    };
    match mask.as_slice() {
        Some(slice) => add(slice),
        None => mask.iter().for_each(|id| add(&[*id])),
    }
    std::array::from_fn(|id| parts.iter().map(|part| part[id]).sum())
}
