//! Models held against what people say is there: key points by their distances, masks by IoU and dice.
//!
//! [`Config`] is openFIBSEM's file. [`cases`] finds the pictures with what is expected in them, [`score`] lets one model look at all of them, and
//! [`Report`] is what comes of it: as JSON, as the original's two tables (`tables`), and as the word of the gate (`gate`): better or worse than before.
//!
//! A feature that was not found is a miss at every threshold. The original takes its stand-in for that, the top-left pixel, for a place; in its
//! table it still has it, so that the columns mean the same.

mod config;
mod gate;
mod tables;
#[cfg(test)]
mod tests;

pub use config::{CheckpointRef, Config};
pub use gate::{Worse, worse};
pub use tables::{accuracy, points};

use crate::LearnError;
use crate::classes::Classes;
use crate::picture;
use crate::table::{Row, Table, stem};
use model::{Frame, Pixels, Point};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vision::features::{Feature, Which, detect, named};
use vision::model::{Model, Watch};

/// A picture, and what is expected in it.
#[derive(Clone, Debug)]
pub struct Case {
    pub image: PathBuf,
    /// As the table names it.
    pub listed: String,
    pub points: Vec<Row>,
    pub mask: Option<PathBuf>,
}

/// A model's result for a key point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointScore {
    pub image: String,
    pub listed: String,
    pub feature: String,
    /// Where it should be, pixels.
    pub expected: Point,
    pub found: Option<Point>,
    /// As openFIBSEM would have it where nothing was found.
    pub written: Point,
    /// From `expected` to `written`, pixels.
    pub distance_px: f64,
    pub pixelsize_m: Option<f64>,
    pub corrected: bool,
}

/// Distances of a feature over all pictures; those that were not found have none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureScore {
    pub feature: String,
    pub expected: usize,
    pub found: usize,
    /// Share that was found within each threshold, 0 to 1, of all that were expected.
    pub hit_rate: Vec<f64>,
    pub median_px: Option<f64>,
    pub p95_px: Option<f64>,
    pub worst_px: Option<f64>,
    /// Of those whose pixel size is known.
    pub median_um: Option<f64>,
    pub p95_um: Option<f64>,
}

/// A class over all masks: pixels of all pictures together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    pub class_id: u8,
    pub label: String,
    /// Pixels expected, given, and both.
    pub expected: u64,
    pub given: u64,
    pub common: u64,
    pub iou: f64,
    pub dice: f64,
}

/// A model and how it did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    pub checkpoint: String,
    pub sha256: String,
    pub pictures: usize,
    pub masks: usize,
    pub features: Vec<FeatureScore>,
    pub classes: Vec<ClassScore>,
    /// Mean over classes but the background; `None` without masks.
    pub mean_iou: Option<f64>,
    pub mean_dice: Option<f64>,
    pub points: Vec<PointScore>,
    /// Pictures that were left out, and why.
    pub skipped: Vec<String>,
}

/// An evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Pixels; a point is a hit when it is nearer than that.
    pub thresholds: Vec<f64>,
    pub checkpoints: Vec<Scored>,
}

/// The pictures of a configuration: for each name of the table the picture of that name, or, where there is none, all whose names begin so, as the
/// original looks for them. Pictures with a mask and no row are cases, too.
///
/// The second are remarks: lines that make no sense, names without a picture.
pub fn cases(config: &Config) -> Result<(Vec<Case>, Vec<String>), LearnError> {
    let mut remarks = Vec::new();
    let table = match &config.data_path {
        Some(path) => Table::load(path)?,
        None => Table::default(),
    };
    remarks.extend(
        table
            .odd
            .iter()
            .map(|(line, what)| format!("line {line} of the table: {what}; it was left out")),
    );
    let mut rows: BTreeMap<&str, Vec<Row>> = BTreeMap::new();
    for row in &table.rows {
        rows.entry(&row.picture).or_default().push(row.clone());
    }
    let pictures = crate::dataset::pictures(&config.images_path)?;
    let labels = config.labels();
    let mask = |image: &Path| crate::dataset::picture_of(&labels, &crate::dataset::name_of(image));
    let mut cases: Vec<Case> = Vec::new();
    for (listed, points) in rows {
        let name = stem(listed);
        let named = |path: &&PathBuf| crate::dataset::name_of(path);
        let exact: Vec<&PathBuf> = pictures.iter().filter(|p| named(p) == name).collect();
        let found = match exact.is_empty() {
            false => exact,
            true => pictures.iter().filter(|p| named(p).starts_with(name)).collect(),
        };
        if found.is_empty() {
            remarks.push(format!(
                "{listed}: there is no such picture in {}",
                config.images_path.display()
            ));
        }
        cases.extend(found.into_iter().map(|image| Case {
            image: image.clone(),
            listed: listed.to_owned(),
            points: points.iter().filter(|row| is_expected(row)).cloned().collect(),
            mask: mask(image),
        }));
    }
    for image in &pictures {
        if let (false, Some(mask)) = (cases.iter().any(|case| case.image == *image), mask(image)) {
            cases.push(Case {
                image: image.clone(),
                listed: crate::dataset::name_of(image),
                points: Vec::new(),
                mask: Some(mask),
            });
        }
    }
    cases.retain(|case| !case.points.is_empty() || case.mask.is_some());
    match cases.is_empty() {
        true => Err(LearnError::Refused(
            "there is nothing to hold a model against; nothing was evaluated: name a table of key points (data_path) whose pictures are in \
             images_path, or put masks into its folder labels"
                .to_owned(),
        )),
        false => Ok((cases, remarks)),
    }
}

/// The middle of the picture is no finding.
fn is_expected(row: &Row) -> bool {
    row.px.is_some() && !row.feature.is_empty() && row.feature != "ImageCentre"
}

/// What [`score`] needs besides pictures and a model.
pub struct Rules<'a> {
    pub thresholds: &'a [f64],
    pub own: &'a [Feature],
    pub classes: &'a Classes,
    /// Leave out pictures that cannot be read, instead of ending there.
    pub skip: bool,
}

/// What a model made of a case, for figures.
pub struct Look<'a> {
    pub case: &'a Case,
    pub frame: &'a Frame,
    pub labels: &'a Array2<u8>,
    pub points: &'a [PointScore],
}

/// Lets a model look at every case; `seen` is given each as it comes.
///
/// Errors: a feature that does not exist, a picture or mask that cannot be read or does not fit (unless skipped), a model that fails.
pub fn score(
    model: &Model,
    cases: &[Case],
    rules: &Rules,
    watch: Watch,
    mut seen: impl FnMut(&Look),
) -> Result<Scored, LearnError> {
    let mut scored = Scored {
        checkpoint: model.name.clone(),
        sha256: model.hash.clone(),
        ..Scored::default()
    };
    let mut confusion: BTreeMap<u8, [u64; 3]> = BTreeMap::new();
    for case in cases {
        let names: Vec<&str> = case.points.iter().map(|row| row.feature.as_str()).collect();
        let features = named(&names, rules.own).map_err(|e| LearnError::file(&case.image, e))?;
        let (frame, mask) = match load(case) {
            Ok(loaded) => loaded,
            Err(error) if rules.skip => {
                scored.skipped.push(error.to_string());
                continue;
            }
            Err(error) => {
                let text = format!("{error}; nothing was evaluated: --skip leaves such pictures out");
                return Err(LearnError::Refused(text));
            }
        };
        let segmented = match &frame.pixels {
            Pixels::U8(grey) => model.segment(grey.view(), watch),
            Pixels::U16(grey) => model.segment(grey.view(), watch),
        };
        let segmented = segmented.map_err(|e| LearnError::file(&case.image, e))?;
        let own_size = frame
            .metadata
            .as_ref()
            .map(|m| m.pixel_size.x)
            .filter(|size| *size > 0.0);
        let first = scored.points.len();
        for (row, feature) in case.points.iter().zip(features) {
            let size = row.pixel_size.or(own_size);
            let found = detect(&segmented, &[feature], size, Which::Nearest);
            let Some((found, expected)) = found.features.first().zip(row.px) else {
                continue;
            };
            let written = found.as_original();
            scored.points.push(PointScore {
                image: case
                    .image
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                listed: case.listed.clone(),
                feature: row.feature.clone(),
                expected,
                found: found.place.map(|place| place.px),
                written,
                distance_px: (written.x - expected.x).hypot(written.y - expected.y),
                pixelsize_m: size,
                corrected: row.corrected,
            });
        }
        if let Some(mask) = &mask {
            scored.masks += 1;
            compare(mask, &segmented.labels, &mut confusion);
        }
        scored.pictures += 1;
        seen(&Look {
            case,
            frame: &frame,
            labels: &segmented.labels,
            points: &scored.points[first..],
        });
    }
    scored.features = features(&scored.points, rules.thresholds);
    scored.classes = classes(&confusion, rules.classes);
    let foreground: Vec<&ClassScore> = scored.classes.iter().filter(|c| c.class_id > 0).collect();
    let mean = |of: fn(&ClassScore) -> f64| {
        let n = foreground.len();
        (n > 0).then(|| foreground.iter().map(|c| of(c)).sum::<f64>() / n as f64)
    };
    (scored.mean_iou, scored.mean_dice) = (mean(|c| c.iou), mean(|c| c.dice));
    Ok(scored)
}

fn load(case: &Case) -> Result<(Frame, Option<Array2<u8>>), LearnError> {
    let frame = picture::read(&case.image)?;
    let Some(path) = &case.mask else {
        return Ok((frame, None));
    };
    let mask = picture::read_mask(path)?;
    let (rows, columns) = mask.dim();
    let (w, h) = frame.pixels.size();
    match (columns, rows) == (w, h) {
        true => Ok((frame, Some(mask))),
        false => Err(LearnError::file(
            path,
            format!("the mask has {columns}x{rows} pixels, its picture {w}x{h}"),
        )),
    }
}

/// Adds to each class what was expected, given, and common.
fn compare(expected: &Array2<u8>, given: &Array2<u8>, confusion: &mut BTreeMap<u8, [u64; 3]>) {
    let mut counts = vec![[0u64; 3]; 256];
    for (expected, given) in expected.iter().zip(given) {
        counts[usize::from(*expected)][0] += 1;
        counts[usize::from(*given)][1] += 1;
        counts[usize::from(*given)][2] += u64::from(expected == given);
    }
    for (class, count) in (0u8..=255).zip(counts).filter(|(_, count)| *count != [0; 3]) {
        let sum = confusion.entry(class).or_default();
        (0..3).for_each(|i| sum[i] += count[i]);
    }
}

fn classes(confusion: &BTreeMap<u8, [u64; 3]>, names: &Classes) -> Vec<ClassScore> {
    let one = |(class, [expected, given, common]): (&u8, &[u64; 3])| ClassScore {
        class_id: *class,
        label: names.label(*class),
        expected: *expected,
        given: *given,
        common: *common,
        iou: *common as f64 / (expected + given - common) as f64,
        dice: 2.0 * *common as f64 / (expected + given) as f64,
    };
    confusion.iter().map(one).collect()
}

fn features(points: &[PointScore], thresholds: &[f64]) -> Vec<FeatureScore> {
    let mut by_name: BTreeMap<&str, Vec<&PointScore>> = BTreeMap::new();
    for point in points {
        by_name.entry(&point.feature).or_default().push(point);
    }
    let one = |(feature, points): (&str, Vec<&PointScore>)| {
        let found: Vec<&PointScore> = points.iter().copied().filter(|p| p.found.is_some()).collect();
        let mut px: Vec<f64> = found.iter().map(|p| p.distance_px).collect();
        let mut um: Vec<f64> = found
            .iter()
            .filter_map(|p| Some(p.distance_px * p.pixelsize_m? * 1e6))
            .collect();
        px.sort_by(f64::total_cmp);
        um.sort_by(f64::total_cmp);
        FeatureScore {
            feature: feature.to_owned(),
            expected: points.len(),
            found: found.len(),
            hit_rate: thresholds
                .iter()
                .map(|t| px.iter().filter(|d| *d < t).count() as f64 / points.len() as f64)
                .collect(),
            median_px: quantile(&px, 0.5),
            p95_px: quantile(&px, 0.95),
            worst_px: px.last().copied(),
            median_um: quantile(&um, 0.5),
            p95_um: quantile(&um, 0.95),
        }
    };
    by_name.into_iter().map(one).collect()
}

/// Of sorted values, between neighbours in proportion, as numpy does it.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = share * last as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(low + (high - low) * at.fract())
}
