//! The original's two tables of an evaluation.

use super::Report;
use crate::LearnError;
use csv::Writer;
use model::yaml::float;

const POINTS: [&str; 16] = [
    "checkpoint",
    "fname",
    "feature",
    "px.x",
    "px.y",
    "pixelsize",
    "gt.p.x",
    "gt.p.y",
    "gt.pixelsize",
    "distance",
    "_is_corrected",
    "gt_fname",
    "p.x",
    "p.y",
    "d.p.x",
    "d.p.y",
];
const ACCURACY: [&str; 5] = ["checkpoint", "feature", "threshold", "under_threshold", "accuracy"];

fn bytes(rows: impl Iterator<Item = Vec<String>>, head: &[&str]) -> Result<Vec<u8>, LearnError> {
    let failed = |e: String| LearnError::Refused(format!("the table cannot be written ({e})"));
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(head).map_err(|e| failed(e.to_string()))?;
    for row in rows {
        writer.write_record(row).map_err(|e| failed(e.to_string()))?;
    }
    writer.into_inner().map_err(|e| failed(e.to_string()))
}

/// Without `.pt`, as the original names it.
fn name(checkpoint: &str) -> String {
    checkpoint.replace(".pt", "")
}

/// `eval.csv`: a row for each point and checkpoint.
pub fn points(report: &Report) -> Result<Vec<u8>, LearnError> {
    let rows = report.checkpoints.iter().flat_map(|scored| {
        scored.points.iter().map(|p| {
            let size = p.pixelsize_m.map_or_else(String::new, float);
            vec![
                name(&scored.checkpoint),
                p.image.clone(),
                p.feature.clone(),
                String::new(),
                String::new(),
                size.clone(),
                float(p.expected.x),
                float(p.expected.y),
                size,
                float(p.distance_px),
                if p.corrected { "True" } else { "False" }.to_owned(),
                p.listed.clone(),
                float(p.written.x),
                float(p.written.y),
                float(p.written.x - p.expected.x),
                float(p.written.y - p.expected.y),
            ]
        })
    });
    bytes(rows, &POINTS)
}

/// `eval_accuracy.csv`: hit rates.
pub fn accuracy(report: &Report) -> Result<Vec<u8>, LearnError> {
    let mut rows = Vec::new();
    for scored in &report.checkpoints {
        for feature in &scored.features {
            for (threshold, rate) in report.thresholds.iter().zip(&feature.hit_rate) {
                let numbers = [*threshold, *rate, rate * 100.0].map(float);
                rows.push(
                    [
                        vec![name(&scored.checkpoint), feature.feature.clone()],
                        numbers.to_vec(),
                    ]
                    .concat(),
                );
            }
        }
    }
    bytes(rows.into_iter(), &ACCURACY)
}
