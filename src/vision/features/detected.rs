//! What was found, in pixels and metres, and the forms in which it leaves.

use super::Feature;
use model::Point;
use serde::{Deserialize, Serialize};

/// Where a feature is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// x right, y down, from the centre of the top-left pixel.
    pub px: Point,
    /// Metres from the picture's middle, x right, **y up**; `None` where the size of a pixel is not known.
    pub m: Option<Point>,
}

/// A feature that was looked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detected {
    pub name: String,
    /// The class id it was looked for in.
    pub class: u8,
    pub colour: String,
    /// `None`: not found.
    pub place: Option<Place>,
    /// 0 to 1: the mean probability that the model gave to the class there, times how plausible what it saw is. `None`: the model gives
    /// none, nothing was found, or a person put it there.
    pub confidence: Option<f64>,
    /// What the original reports when it finds nothing.
    #[serde(skip)]
    absent: Point,
}

impl Detected {
    /// Pixels as openFIBSEM writes them into its files, with its stand-in for what was not found: the top-left pixel, or the
    /// picture's middle for a feature that may occur several times.
    pub fn as_original(&self) -> Point {
        self.place.map_or(self.absent, |p| p.px)
    }
}

/// The features of one picture, in the order they were asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectedFeatures {
    pub features: Vec<Detected>,
    /// Metres; `None` where nobody knows.
    pub pixel_size: Option<f64>,
    /// (rows, columns) of the picture.
    pub size: (usize, usize),
    /// Added to [`DetectedFeatures::distance`], metres, y down.
    pub offset: Point,
    /// The mask fell into so many pieces that instances are connected parts and not those of the original.
    pub noisy: bool,
}

impl DetectedFeatures {
    pub(super) fn new(size: (usize, usize), pixel_size: Option<f64>) -> Self {
        DetectedFeatures {
            features: Vec::new(),
            pixel_size,
            size,
            offset: Point::default(),
            noisy: false,
        }
    }

    pub(super) fn push(&mut self, feature: &Feature, px: Option<Point>, absent: Point, confidence: Option<f64>) {
        let place = |px| Place {
            px,
            m: self.pixel_size.map(|pixel_size| to_metres(px, self.size, pixel_size)),
        };
        self.features.push(Detected {
            name: feature.name.to_string(),
            class: feature.class,
            colour: feature.colour.to_string(),
            place: px.map(place),
            confidence,
            absent,
        });
    }

    /// The first of that name.
    pub fn get(&self, name: &str) -> Option<&Detected> {
        self.features.iter().find(|f| f.name == name)
    }

    /// From the first feature to the second, metres, x right, **y down**, with the offset; `None` unless both were found and the size of a
    /// pixel is known.
    pub fn distance(&self) -> Option<Point> {
        let [from, to, ..] = self.features.as_slice() else {
            return None;
        };
        let (from, to, pixel_size) = (from.place?.px, to.place?.px, self.pixel_size?);
        Some(Point {
            x: (to.x - from.x) * pixel_size + self.offset.x,
            y: (to.y - from.y) * pixel_size + self.offset.y,
        })
    }

    /// Puts a feature somewhere else, as a person does who corrects it. False when there is none of that number.
    pub fn correct(&mut self, index: usize, px: Point) -> bool {
        let m = self.pixel_size.map(|pixel_size| to_metres(px, self.size, pixel_size));
        let Some(feature) = self.features.get_mut(index) else {
            return false;
        };
        feature.place = Some(Place { px, m });
        feature.confidence = None;
        true
    }
}

/// Metres from the middle (w/2, h/2, rounded down) of a picture of (rows, columns), y up. `pixel_size` in metres.
pub fn to_metres(px: Point, (h, w): (usize, usize), pixel_size: f64) -> Point {
    Point {
        x: (px.x - (w / 2) as f64) * pixel_size,
        y: ((h / 2) as f64 - px.y) * pixel_size,
    }
}

/// The inverse of [`to_metres`].
pub fn to_pixels(m: Point, (h, w): (usize, usize), pixel_size: f64) -> Point {
    Point {
        x: (w / 2) as f64 + m.x / pixel_size,
        y: (h / 2) as f64 - m.y / pixel_size,
    }
}
