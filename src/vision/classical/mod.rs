//! Finding things without a network: by edges, thresholds and what they are shaped like.
//!
//! Every detector looks for one class of object and says, if it finds one, which pixels it is made of and how well it fits (0 to 1). Together
//! they make a mask as a network would, so that features, objects and everything after them work on both. One file per
//! detector; a new one is a file and a row of [`DETECTORS`]. They are made for the plain pictures of a fallback: a needle, posts, a block, bars, a
//! lamella between its trenches, a milled cross; where nothing fits, nothing is found.

mod block;
mod cross;
mod grid;
mod lamella;
mod level;
mod needle;
mod post;

use crate::classes::{FIDUCIAL, GRID_BAR, LAMELLA, LANDING_POST, MANIPULATOR, VOLUME_BLOCK};
use crate::filter::{self, Border};
use crate::segment::Segmented;
use ndarray::{Array2, ArrayView2, Zip};

/// Columns that are looked at; larger pictures are averaged down to no fewer.
const COLUMNS: usize = 768;
/// What fits worse than this is not what it was taken for.
const LEAST_FIT: f64 = 0.5;
/// A picture whose smoothed greys spread less than this many times its noise shows nothing.
const LEAST_SIGNAL: f32 = 1.5;

/// A picture as the detectors see it.
struct Look {
    /// Averaged down and smoothed, grey values.
    grey: Array2<f32>,
    /// Standard deviation of it.
    spread: f32,
    /// Pixels that belong to what was found before.
    taken: Array2<bool>,
}

/// What a detector found: its pixels, and how well they fit what is looked for.
struct Found {
    pixels: Array2<bool>,
    fit: f64,
}

/// A detector.
struct Detector {
    class: u8,
    /// What the class is called.
    label: &'static str,
    find: fn(&Look) -> Option<Found>,
}

/// In this order; what one has found is not another's.
const DETECTORS: &[Detector] = &[
    Detector {
        class: MANIPULATOR,
        label: "manipulator",
        find: needle::find,
    },
    Detector {
        class: FIDUCIAL,
        label: "fiducial",
        find: cross::find,
    },
    Detector {
        class: LAMELLA,
        label: "lamella",
        find: lamella::find,
    },
    Detector {
        class: VOLUME_BLOCK,
        label: "volume_block",
        find: block::find,
    },
    Detector {
        class: LANDING_POST,
        label: "landing_post",
        find: post::find,
    },
    Detector {
        class: GRID_BAR,
        label: "grid_bar",
        find: grid::find,
    },
];

/// What the classes of its masks are called, from 0 on; those that none looks for as usual.
pub fn labels() -> Vec<String> {
    let last = DETECTORS.iter().map(|detector| detector.class).max().unwrap_or(0);
    let own = |class: u8| DETECTORS.iter().find(|detector| detector.class == class);
    let label = |class: u8| own(class).map_or_else(|| crate::classes::label(class), |d| d.label.to_owned());
    (0..=last).map(label).collect()
}

/// Whether a detector looks for that class; the background (0) is everywhere.
pub fn looks_for(class: u8) -> bool {
    class == 0 || DETECTORS.iter().any(|detector| detector.class == class)
}

/// A class for each pixel, with how well the object fits as its certainty. What is no object has the certainty of an even chance: nothing was
/// asked there.
pub fn segment(picture: ArrayView2<f32>) -> Segmented {
    let factor = (picture.ncols() / COLUMNS).max(1);
    let mut labels = Array2::<u8>::zeros(picture.dim());
    let mut certainty = Array2::from_elem(picture.dim(), 0.5f32);
    if let Some(mut look) = Look::at(picture, factor) {
        let (h, w) = look.grey.dim();
        for detector in DETECTORS {
            let Some(found) = (detector.find)(&look).filter(|found| found.fit >= LEAST_FIT) else {
                continue;
            };
            let each = Zip::indexed(&mut labels).and(&mut certainty);
            each.for_each(|(y, x), label, p| {
                let at = ((y / factor).min(h - 1), (x / factor).min(w - 1));
                if *label == 0 && found.pixels[at] {
                    (*label, *p) = (detector.class, found.fit as f32);
                }
            });
            Zip::from(&mut look.taken)
                .and(&found.pixels)
                .for_each(|taken, pixel| *taken |= *pixel);
        }
    }
    Segmented {
        labels,
        certainty: Some(certainty),
    }
}

impl Look {
    /// `None` for a picture that is too small, or shows nothing but noise.
    fn at(picture: ArrayView2<f32>, factor: usize) -> Option<Look> {
        let small = filter::downsample_area(picture, factor);
        if small.nrows() < 64 || small.ncols() < 64 {
            return None;
        }
        let grey = filter::gaussian(small.view(), 1.0, Border::Reflect);
        let noise = (&small - &grey).mapv(|v| v * v).mean()?.sqrt();
        // what is left of white noise after a Gaussian of this width
        let smoothed = noise * 0.3;
        let spread = grey.std(0.0);
        (spread > LEAST_SIGNAL * smoothed && spread > 0.0).then(|| Look {
            taken: Array2::from_elem(grey.dim(), false),
            grey,
            spread,
        })
    }
}
