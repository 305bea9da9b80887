//! What was found in a picture, as data: for every client the same, and for the record.
//!
//! Pixels are x right, y down from the centre of the top-left pixel; metres are from the picture's middle, x right, **y up**.

use crate::{Beam, Point};
use serde::{Deserialize, Serialize};

/// Features found in one picture, and what became of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Detection {
    /// The picture in the session, where it is one of it.
    pub frame: Option<u64>,
    /// The file of the picture.
    pub image: Option<String>,
    pub beam: Option<Beam>,
    pub model: String,
    pub backend: String,
    /// SHA-256 of the model's file; empty where it needs none.
    pub model_sha256: String,
    /// m per pixel; `None` where the picture does not say.
    pub pixelsize_m: Option<f64>,
    /// Pixels, width x height.
    pub size: (usize, usize),
    pub features: Vec<Spotted>,
    pub classes: Vec<ClassShare>,
    pub mask: SmallMask,
    /// What has less confidence is doubtful.
    pub least_confidence: f64,
    /// The mask fell into so many pieces that instances are connected parts.
    pub noisy: bool,
    /// Somebody looked at it and said yes.
    pub confirmed: bool,
    /// The name under which it was recorded.
    pub record: Option<String>,
}

/// A feature that was looked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spotted {
    pub name: String,
    pub class_id: u8,
    /// A CSS colour name.
    pub color: String,
    /// `None`: not found, or rejected.
    pub px: Option<Point>,
    pub m: Option<Point>,
    /// 0 to 1; `None` where a person put it, or the model gives none.
    pub confidence: Option<f64>,
    /// Where it was found before anybody moved it, as openFIBSEM's files have it: with its stand-in for what was not found.
    pub first: Point,
    /// A person put or moved it.
    pub by_hand: bool,
}

/// A class that occurs in the mask.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassShare {
    pub id: u8,
    pub label: String,
    /// Of the picture, 0 to 1.
    pub share: f64,
}

/// A mask reduced to what a screen shows, in runs of (class, pixels), row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SmallMask {
    pub width: usize,
    pub height: usize,
    pub runs: Vec<(u8, u32)>,
}

/// Class ids, rows x columns.
pub type Labels = ndarray::Array2<u8>;

/// Columns of a reduced mask, and runs beyond which it is reduced further.
const COLUMNS: usize = 384;
const MOST_RUNS: usize = 6000;

impl Detection {
    /// From the first feature to the second (m, x right, **y down**), as openFIBSEM counts it; `None` unless both are there.
    pub fn distance(&self) -> Option<Point> {
        let [from, to, ..] = self.features.as_slice() else {
            return None;
        };
        let (from, to, size) = (from.px?, to.px?, self.pixelsize_m?);
        Some(Point {
            x: (to.x - from.x) * size,
            y: (to.y - from.y) * size,
        })
    }

    /// Every feature is there, and none of them is doubtful.
    pub fn is_sure(&self) -> bool {
        let sure = |f: &Spotted| f.px.is_some() && f.confidence.is_none_or(|c| c >= self.least_confidence);
        self.features.iter().all(sure)
    }

    /// The feature meant by a number from 1, or by a name: the first of that name.
    pub fn find(&self, word: &str) -> Option<usize> {
        let number = word.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
        let named = || self.features.iter().position(|f| f.name == word);
        number.filter(|n| *n < self.features.len()).or_else(named)
    }
}

impl SmallMask {
    /// Of class ids, rows x columns: every n-th row and column.
    pub fn of(labels: &Labels) -> SmallMask {
        let mut step = labels.ncols().div_ceil(COLUMNS).max(1);
        loop {
            let small = labels.slice(ndarray::s![step / 2..;step, step / 2..;step]);
            let mut runs: Vec<(u8, u32)> = Vec::new();
            for class in &small {
                match runs.last_mut() {
                    Some((last, n)) if last == class => *n += 1,
                    _ => runs.push((*class, 1)),
                }
            }
            let (height, width) = small.dim();
            if runs.len() <= MOST_RUNS || width < 32 {
                return SmallMask { width, height, runs };
            }
            step *= 2;
        }
    }

    /// The class ids, rows x columns; empty where the runs do not fill it.
    pub fn labels(&self) -> Labels {
        let runs = self.runs.iter().take(MOST_RUNS);
        let flat: Vec<u8> = runs
            .flat_map(|(class, n)| std::iter::repeat_n(*class, *n as usize))
            .take(self.width.saturating_mul(self.height).min(1 << 24))
            .collect();
        Labels::from_shape_vec((self.height, self.width), flat).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn a_mask_comes_back_smaller() {
        let labels = Array2::from_shape_fn((1024, 1536), |(y, x)| u8::from(x >= 768) * (1 + u8::from(y >= 512)));
        let small = SmallMask::of(&labels);
        assert_eq!((small.width, small.height), (384, 256));
        let back = small.labels();
        assert_eq!((back[[10, 10]], back[[10, 380]], back[[250, 380]]), (0, 1, 2));
        let noise = Array2::from_shape_fn((512, 768), |(y, x)| ((x * 7 + y * 13) % 5) as u8);
        assert!(SmallMask::of(&noise).runs.len() <= MOST_RUNS);
        let broken = SmallMask {
            width: 4,
            height: 4,
            runs: vec![(1, 3)],
        };
        assert!(broken.labels().is_empty());
    }

    #[test]
    fn a_distance_goes_down_and_needs_both() {
        let at = |x, y| Spotted {
            name: "a".to_owned(),
            px: Some(Point { x, y }),
            ..Spotted::default()
        };
        let mut detection = Detection {
            pixelsize_m: Some(1e-9),
            features: vec![at(10.0, 10.0), at(13.0, 14.0)],
            ..Detection::default()
        };
        let way = detection.distance().unwrap();
        assert!((way.x - 3e-9).abs() < 1e-20 && (way.y - 4e-9).abs() < 1e-20, "{way:?}");
        assert_eq!(
            (detection.find("2"), detection.find("a"), detection.find("3")),
            (Some(1), Some(0), None)
        );
        detection.features[1].px = None;
        assert_eq!((detection.distance(), detection.is_sure()), (None, false));
    }
}
