//! What a picture shows, pixel by pixel: the same walk as the picture's own, asked what was met instead of how bright it is.
//!
//! No noise, no focus, no drift within the picture: the label of a pixel is what lies on the ray through its middle when the scan
//! begins. A beam that is off would have seen the same.

use super::camera::Camera;
use super::cones::Cones;
use super::overlay::Apart;
use super::relief;
use super::scan::Anchor;
use super::{Shot, ShotError, check};
use crate::sim::matter::BodyId;
use crate::sim::optics::Detector;
use ndarray::Array2;
use rayon::prelude::*;

/// What a pixel shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen {
    /// The dark below everything.
    Nothing,
    /// The sample, at this point of it (m).
    Sample([f64; 3]),
    /// A piece that came free.
    Body(BodyId),
    /// An instrument that is inserted before the sample, and its name.
    Probe(&'static str),
}

/// What every pixel of a shot shows: rows of the scanned area, top first. Errors: a picture that cannot be taken.
pub fn label(shot: &Shot) -> Result<Array2<Seen>, ShotError> {
    let window = check(shot)?;
    let anchor = Anchor::of(shot);
    let camera = Camera::of(shot, anchor.offset);
    let cones = Cones::of(shot, &anchor, window);
    let detector = Detector::of(&shot.beam);
    let (width, height) = (window.width, window.height);
    let seen = relief::walk(&camera, window, &shot.matter, &cones, &detector, |lattice, overlay| {
        let at = |k: usize| {
            let (col, row) = (k % width, k / width);
            let frame = [f64::from(window.col) + col as f64, f64::from(window.row) + row as f64];
            match overlay.before(lattice, [col, row]) {
                Some(Apart::Body(id)) => Seen::Body(id),
                Some(Apart::Probe) => cones.name(frame[0], frame[1]).map_or(Seen::Nothing, Seen::Probe),
                None => lattice.nearest(col, row).map_or(Seen::Nothing, |(_, height)| {
                    Seen::Sample(camera.point(frame[0], frame[1], f64::from(height)))
                }),
            }
        };
        (0..width * height).into_par_iter().map(at).collect()
    });
    Array2::from_shape_vec((height, width), seen).map_err(|_| ShotError::Size(width as u32, height as u32))
}
