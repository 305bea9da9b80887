//! How much a found feature is to be believed: what the model says of the class, times how plausible the piece it lies on is.
//!
//! A model that has never seen such a picture still names classes, with specks and slabs where no object is. So the mean probability is
//! brought down by what the mask looks like: too small or too large a piece, for the picture or for what it is taken for, one of many, or a
//! point on the picture's rim, where the object goes on and its edge is not seen.

use super::{Feature, Rule};
use crate::mask::{Component, Scene};
use crate::segment::Segmented;
use model::Point;

/// Shares of a picture below which a piece is nothing, and from which it is as good as any.
const LEAST: (f64, f64) = (4e-5, 4e-4);
/// Shares of a picture up to which a piece is as good as any, and from which it is the whole picture.
const MOST: (f64, f64) = (0.6, 0.95);
/// Pixels from the rim within which an edge is not one that was seen.
const RIM: f64 = 2.0;

/// 0 to 1; `None` where the model gives no probabilities. The middle of the picture is certain.
pub(super) fn of(
    feature: &Feature,
    px: Point,
    picture: &Segmented,
    scene: &Scene,
    pixel_size: Option<f64>,
) -> Option<f64> {
    if feature.rule == Rule::ImageCentre {
        return Some(1.0);
    }
    let parts: Vec<&Component> = scene.components().iter().filter(|c| c.class == feature.class).collect();
    let piece = parts.iter().min_by(|a, b| away(a, px).total_cmp(&away(b, px)))?;
    let certainty = certainty(piece, picture)?;
    let (h, w) = scene.size();
    let share = piece.area as f64 / (h * w) as f64;
    let size = ramp(share, LEAST) * (1.0 - ramp(share, MOST)) * fitting(piece, feature, pixel_size);
    Some(certainty * size * alone(piece, &parts, feature) * inside(feature.rule, px, (h, w)))
}

/// Mean probability of the class over a piece.
fn certainty(piece: &Component, picture: &Segmented) -> Option<f64> {
    let map = picture.certainty.as_ref()?;
    let row = |run: &crate::mask::Run| {
        map.row(run.y)
            .iter()
            .skip(run.x0)
            .take(run.x1 - run.x0)
            .map(|p| f64::from(*p))
            .sum::<f64>()
    };
    let sum: f64 = piece.runs.iter().map(row).sum();
    (piece.area > 0).then(|| sum / piece.area as f64)
}

/// 1 up to the longest side that the feature's object has, 0 from half as long again.
fn fitting(piece: &Component, feature: &Feature, pixel_size: Option<f64>) -> f64 {
    let b = piece.bounds();
    let side = (b.x1 - b.x0).max(b.y1 - b.y0) as f64 + 1.0;
    let parts = feature
        .longest
        .zip(pixel_size)
        .map(|(longest, size)| side * size / longest);
    parts.map_or(1.0, |parts| 1.0 - ramp(parts, (1.0, 1.5)))
}

/// Where one is looked for, the share of the class that its piece is.
fn alone(piece: &Component, parts: &[&Component], feature: &Feature) -> f64 {
    if feature.many {
        return 1.0;
    }
    let all: usize = parts.iter().map(|part| part.area).sum();
    ramp(piece.area as f64 / all as f64, (0.2, 0.6))
}

/// An edge or a tip on the rim is where the picture ends, not the object.
fn inside(rule: Rule, px: Point, (h, w): (usize, usize)) -> f64 {
    if matches!(rule, Rule::Centre | Rule::Closest) {
        return 1.0;
    }
    let rim = [px.x, px.y, w as f64 - 1.0 - px.x, h as f64 - 1.0 - px.y];
    if rim.iter().any(|distance| *distance < RIM) {
        0.0
    } else {
        1.0
    }
}

/// Distance from a point to the box about a piece, pixels.
fn away(piece: &Component, px: Point) -> f64 {
    let b = piece.bounds();
    let beyond = |v: f64, from: usize, to: usize| (from as f64 - v).max(v - to as f64).max(0.0);
    beyond(px.x, b.x0, b.x1).hypot(beyond(px.y, b.y0, b.y1))
}

/// 0 at the first, 1 at the second, straight between.
fn ramp(value: f64, (from, to): (f64, f64)) -> f64 {
    ((value - from) / (to - from)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::{Which, detect, feature};
    use super::*;
    use ndarray::Array2;

    fn told(labels: Array2<u8>, p: f32, name: &str) -> f64 {
        let certainty = Some(labels.mapv(|_| p));
        let picture = Segmented { labels, certainty };
        let found = detect(&picture, &[feature(name).unwrap().clone()], None, Which::Nearest);
        found.features[0].confidence.unwrap_or(-1.0)
    }

    fn disc(x: f64, y: f64, r: f64) -> impl Fn((usize, usize)) -> u8 {
        move |at| 2 * u8::from((at.1 as f64 - x).hypot(at.0 as f64 - y) <= r)
    }

    #[test]
    fn a_good_piece_is_as_sure_as_the_model_and_odd_ones_are_less() {
        let size = (200, 300);
        let good = told(Array2::from_shape_fn(size, disc(100.0, 100.0, 30.0)), 0.9, "NeedleTip");
        assert!((good - 0.9).abs() < 1e-6, "{good}");
        let speck = told(Array2::from_shape_fn(size, disc(100.0, 100.0, 1.0)), 0.9, "NeedleTip");
        let slab = told(Array2::from_elem(size, 2), 0.9, "NeedleTip");
        let cut = told(Array2::from_shape_fn(size, disc(290.0, 100.0, 30.0)), 0.9, "NeedleTip");
        let noise = told(
            Array2::from_shape_fn(size, |(y, x)| 2 * u8::from((x / 8 + y / 8) % 3 == 0)),
            0.9,
            "NeedleTip",
        );
        for (what, told) in [("speck", speck), ("slab", slab), ("cut", cut), ("noise", noise)] {
            assert!((0.0..0.4).contains(&told), "{what}: {told}");
        }
    }

    #[test]
    fn a_lamella_as_long_as_a_grid_square_is_none() {
        let labels = Array2::from_shape_fn((200, 300), |(y, x)| {
            u8::from(y.abs_diff(100) < 9 && x.abs_diff(150) < 50)
        });
        let certainty = Some(labels.mapv(|_| 0.9));
        let picture = Segmented { labels, certainty };
        let centre = [feature("LamellaCentre").unwrap().clone()];
        let told = |pixel_size| {
            detect(&picture, &centre, pixel_size, Which::Nearest).features[0]
                .confidence
                .unwrap()
        };
        for (pixel_size, expected) in [(None, 0.9), (Some(200e-9), 0.9), (Some(900e-9), 0.0)] {
            assert!(
                (told(pixel_size) - expected).abs() < 1e-6,
                "{pixel_size:?}: {}",
                told(pixel_size)
            );
        }
    }

    #[test]
    fn a_mask_without_probabilities_has_no_confidence() {
        let labels = Array2::from_shape_fn((200, 300), disc(100.0, 100.0, 30.0));
        let found = detect(
            &Segmented::from(labels),
            &[feature("NeedleTip").unwrap().clone()],
            None,
            Which::Nearest,
        );
        assert!(found.features[0].place.is_some() && found.features[0].confidence.is_none());
    }
}
