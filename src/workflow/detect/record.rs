//! What openFIBSEM's data engine reads: pictures, masks and a table of points, in one folder.
//!
//! `NAME.tif` is the picture, `mask/NAME.tif` its class ids, `data.csv` a row for each feature. A detection is recorded when it is made; what a
//! person then corrects is a further row of the same picture, and a picture with a correction belongs to the training set.
//! `settings/NAME.json` says besides which model it was, by its hash, and how it was asked.

use super::Detect;
use crate::JobError;
use model::detection::{Detection, Spotted};
use model::file::{self, Durability, SaveError};
use model::{Beam, ErrorKind, Frame, Pixels, Point};
use ndarray::Array2;
use serde_json::json;
use std::path::Path;

/// Columns of the table, in openFIBSEM's order.
const COLUMNS: &str = "msg,fname,feature,is_correct,beam_type,pixelsize,checkpoint,px.x,px.y,dpx.x,dpx.y,dm.x,dm.y";

/// The name of a picture taken at this time (POSIX s).
pub(super) fn name(time: f64) -> String {
    let micros = (time.max(0.0) * 1e6).round() as u64;
    format!("ml-{}_{:06}", micros / 1_000_000, micros % 1_000_000)
}

fn failed(e: SaveError) -> JobError {
    JobError::new(
        ErrorKind::File,
        format!("what was found could not be recorded: {e}"),
        "name another folder (`paths: ml:` in detection.yaml), or free space",
    )
}

/// Records a detection as it was made; with the name it got.
pub(super) fn detection(
    ml: &Path,
    mut detection: Detection,
    frame: &Frame,
    labels: &Array2<u8>,
    params: &Detect,
) -> Result<Detection, JobError> {
    for folder in [ml.to_owned(), ml.join("mask"), ml.join("settings")] {
        file::ensure_folder(&folder).map_err(failed)?;
    }
    // never over a file: what a name is taken for, the picture's own says
    let image = frame.save(&ml.join(name(params.time) + ".tif")).map_err(failed)?;
    let stem = image.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mask = Frame {
        pixels: Pixels::U8(labels.clone()),
        metadata: None,
    };
    mask.save(&ml.join("mask").join(format!("{stem}.tif")))
        .map_err(failed)?;
    let settings = json!({
        "model": detection.model, "backend": detection.backend, "sha256": detection.model_sha256,
        "features": detection.features, "least_confidence": detection.least_confidence, "point": params.point, "all": params.all,
    });
    let text = serde_json::to_vec_pretty(&settings).unwrap_or_default();
    let path = ml.join("settings").join(format!("{stem}.json"));
    file::replace(&path, Durability::Cached, &text).map_err(failed)?;
    append(ml, &stem, &detection, detection.features.iter())?;
    detection.image.get_or_insert(image.display().to_string());
    detection.record = Some(stem);
    Ok(detection)
}

/// Records what a person made of a detection: a row for each feature that was put elsewhere. A rejected one is back where nothing was found.
pub fn confirm(eyes: &super::Eyes, detection: &mut Detection) -> Result<(), JobError> {
    if let Some(stem) = detection.record.clone().filter(|_| !detection.confirmed) {
        let library = eyes.library()?;
        let corrected = detection.features.iter().filter(|f| f.by_hand);
        append(&library.ml, &stem, detection, corrected)?;
    }
    detection.confirmed = true;
    Ok(())
}

/// Adds rows to the table, whole or not at all.
fn append<'a>(
    ml: &Path,
    stem: &str,
    detection: &Detection,
    features: impl Iterator<Item = &'a Spotted>,
) -> Result<(), JobError> {
    let path = ml.join("data.csv");
    let rows: String = features.map(|feature| row(stem, detection, feature)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let before = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => format!("{COLUMNS}\n").into_bytes(),
        Err(e) => return Err(failed(SaveError::new(&path, e))),
    };
    let whole = [before, rows.into_bytes()].concat();
    file::replace(&path, Durability::Synced, &whole).map_err(failed)
}

fn row(stem: &str, detection: &Detection, feature: &Spotted) -> String {
    let number = model::yaml::float;
    // what was not found is where openFIBSEM says so; what a person rejected, at its place for nothing
    let nowhere = if feature.by_hand {
        Point::default()
    } else {
        feature.first
    };
    let px = feature.px.unwrap_or(nowhere);
    let moved = Point {
        x: feature.first.x - px.x,
        y: feature.first.y - px.y,
    };
    let is_correct = if feature.by_hand && moved != Point::default() {
        "False"
    } else {
        "True"
    };
    let beam = match detection.beam {
        Some(Beam::Electron) => "ELECTRON",
        Some(Beam::Ion) => "ION",
        None => "NULL",
    };
    let size = detection.pixelsize_m;
    let metres = |v: f64| size.map_or_else(String::new, |size| number(v * size));
    let fields = [
        "feature_detection".to_owned(),
        field(stem),
        field(&feature.name),
        is_correct.to_owned(),
        beam.to_owned(),
        size.map_or_else(String::new, number),
        field(&detection.model),
        number(px.x),
        number(px.y),
        number(moved.x),
        number(moved.y),
        metres(moved.x),
        metres(moved.y),
    ];
    fields.join(",") + "\n"
}

/// Text in the table: in quotes where it holds what would end it.
fn field(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_rows_are_openfibsems() {
        assert_eq!(name(1732291200.25), "ml-1732291200_250000");
        let detection = Detection {
            beam: Some(Beam::Ion),
            pixelsize_m: Some(1e-8),
            model: "a,b.pt".to_owned(),
            ..Detection::default()
        };
        let mut feature = Spotted {
            name: "NeedleTip".to_owned(),
            px: Some(Point { x: 100.0, y: 50.5 }),
            first: Point { x: 100.0, y: 50.5 },
            ..Spotted::default()
        };
        assert_eq!(
            row("ml-1", &detection, &feature),
            "feature_detection,ml-1,NeedleTip,True,ION,1.0e-08,\"a,b.pt\",100.0,50.5,0.0,0.0,0.0,0.0\n"
                .replace("1.0e-08", &model::yaml::float(1e-8))
        );
        (feature.px, feature.by_hand) = (Some(Point { x: 90.0, y: 60.5 }), true);
        let moved = row("ml-1", &detection, &feature);
        let numbers: Vec<f64> = moved.trim().rsplit(',').take(4).map(|v| v.parse().unwrap()).collect();
        assert!(moved.contains(",False,"), "{moved}");
        assert_eq!(numbers[2..], [-10.0, 10.0]);
        assert!(
            (numbers[1] - 1e-7).abs() < 1e-15 && (numbers[0] + 1e-7).abs() < 1e-15,
            "{moved}"
        );
        let plain = moved.replace("\"a,b.pt\"", "a");
        assert_eq!(COLUMNS.split(',').count(), plain.trim().split(',').count());
    }
}
