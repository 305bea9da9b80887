//! Named points of a mask: the tip of the needle, the edges of a lamella, the middle of a post.
//!
//! [`detect`] looks for rows of [`FEATURES`] (or the user's own [`Feature`]s) in a segmented picture, by the rules of openFIBSEM:
//! one file per kind of rule, each a function of a mask. What is not found is `None`; the original's stand-ins for that, (0, 0)
//! or the picture's middle, come from [`Detected::as_original`] and belong into its file formats only. A new feature is a row
//! in `table.rs`; a new kind of rule is a file here and a variant of [`Rule`].

mod centre;
mod closest;
mod confidence;
mod corner;
mod detected;
mod extreme;
mod grid;
mod median;
mod rule;
mod table;

pub use detected::{Detected, DetectedFeatures, Place, to_metres, to_pixels};
pub use rule::{Corner, Hand, Rule, Side};
pub use table::{FEATURES, Feature, FeatureError, feature, known, named, own};

use crate::mask::{Component, Scene};
use crate::segment::Segmented;
use model::Point;

/// What of a feature that occurs several times is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Which {
    /// The one nearest to a point (pixels), the first of equally near ones.
    NearestTo(Point),
    /// The one nearest to the picture's middle.
    #[default]
    Nearest,
    /// Every one, those that are too small to be located included, as the original lists them.
    All,
}

/// Looks for features in the order given. With [`Which::All`] there may be more results than features.
///
/// `pixel_size` in metres, where it is known. Instances are those of the boxes of contours (see `mask::layers`). A mask too noisy for that is taken by connected
/// parts instead, and [`DetectedFeatures::noisy`] says so.
///
/// Unlike the original, an instance that is too small to be located never hides one that was found.
pub fn detect(picture: &Segmented, features: &[Feature], pixel_size: Option<f64>, which: Which) -> DetectedFeatures {
    let scene = Scene::new(picture.labels.view());
    let mut found = DetectedFeatures::new(scene.size(), pixel_size);
    for feature in features {
        let mut add = |px: Option<Point>, absent| {
            let confidence = px.and_then(|px| confidence::of(feature, px, picture, &scene, pixel_size));
            found.push(feature, px, absent, confidence);
        };
        if !feature.many {
            let absent = Point::default();
            add(feature.rule.find(&scene, feature.class), absent);
            continue;
        }
        let (instances, noisy) = instances(&scene, feature);
        let places = match which {
            Which::All => instances,
            Which::NearestTo(point) => nearest(instances, point),
            Which::Nearest => {
                let (h, w) = scene.size();
                let middle = Point {
                    x: w as f64 / 2.0,
                    y: h as f64 / 2.0,
                };
                nearest(instances, middle)
            }
        };
        if places.is_empty() {
            add(None, centre::of_picture(scene.size()));
        }
        for px in places {
            add(px, Point::default());
        }
        found.noisy |= noisy;
    }
    found
}

/// Where each instance has the feature, and whether the mask was too noisy for the original's instances.
fn instances(scene: &Scene, feature: &Feature) -> (Vec<Option<Point>>, bool) {
    if let Ok(layers) = scene.layers(feature.class) {
        return (
            layers.instances().map(|region| feature.rule.find_in(&region)).collect(),
            false,
        );
    }
    let parts = scene.components().iter().filter(|c| c.class == feature.class);
    let find = |part: &Component| {
        let (corner, alone) = (part.bounds(), part.alone());
        let px = feature.rule.find_in(&Scene::new(alone.view()).class(1))?;
        Some(Point {
            x: px.x + corner.x0 as f64,
            y: px.y + corner.y0 as f64,
        })
    };
    // What is smaller has none of the features, and of specks there may be a hundred thousand.
    (parts.filter(|c| c.area > 250).map(find).collect(), true)
}

/// The one nearest to a point, alone; one that was not located only if none was.
fn nearest(places: Vec<Option<Point>>, to: Point) -> Vec<Option<Point>> {
    let distance = |p: &Point| (p.x - to.x).hypot(p.y - to.y);
    let nearer = |best: Point, next: Point| if distance(&next) < distance(&best) { next } else { best };
    let best = places.iter().flatten().copied().reduce(nearer);
    match (best, places.is_empty()) {
        (Some(best), _) => vec![Some(best)],
        (None, false) => vec![None],
        (None, true) => vec![],
    }
}
