//! What an ion beam does to the needle itself: its silhouette in the beam's picture is cut where the dose went through it, and what
//! is no longer joined to the shank falls off. The needle then ends further back, as wide as what is left there.

use super::body::{SHAFT, TAPER, TIP};
use crate::sim::matter::Beamline;
use model::Shape;
use nalgebra::Vector3;
use std::ops::Range;

/// Volume of tungsten removed per charge, gallium at 30 kV (m3/C): vendors' sputter tables.
const RATE: f64 = 0.12e-9;
/// A cell of the silhouette, and how far along the shaft it is kept (m).
const CELL: f64 = 50e-9;
const LENGTH: f64 = 40e-6;

/// The needle's end as it is now.
#[derive(Clone, Debug)]
pub struct End {
    /// How far back along the shaft it ends from where a new needle does (m).
    pub lost: f64,
    /// m.
    pub radius: f64,
    /// Depth removed of each cell, row by row along the shaft (m); empty while nothing was.
    removed: Vec<f64>,
}

impl Default for End {
    fn default() -> Self {
        End {
            lost: 0.0,
            radius: TIP,
            removed: Vec::new(),
        }
    }
}

fn rows() -> usize {
    (LENGTH / CELL) as usize
}

/// Cells across, from one side to the other.
fn columns() -> usize {
    2 * (width(LENGTH) / CELL) as usize + 1
}

/// Half of a new needle's width at `s` along the shaft (m).
fn width(s: f64) -> f64 {
    TIP + TAPER * s
}

/// Where a cell lies: along the shaft and across it (m).
fn place(row: usize, column: usize) -> (f64, f64) {
    let half = (columns() / 2) as f64;
    (row as f64 * CELL, (column as f64 - half) * CELL)
}

/// Of cells that are left side by side (m): the needle ends somewhere in the next cell on both sides.
fn half_width(cells: &Range<usize>) -> f64 {
    (cells.len() + 1) as f64 * CELL / 2.0
}

impl End {
    /// Draws a shape with so much charge (C) while a new needle's tip would be at `tip` (chamber, m). `line`: the beam there; `spot`:
    /// its radius (m).
    pub fn mill(&mut self, tip: &Vector3<f64>, line: &Beamline, shape: &Shape, charge: f64, spot: f64) {
        let area = shape.area();
        let Some(across) = SHAFT.cross(&line.along).try_normalize(1e-6) else {
            // the beam runs along the shaft and sees no silhouette
            return;
        };
        if area <= 0.0 || shape.is_exclusion() {
            return;
        }
        let depth = charge * RATE / area;
        let columns = columns();
        if self.removed.is_empty() {
            self.removed = vec![0.0; rows() * columns];
        }
        for (i, removed) in self.removed.iter_mut().enumerate() {
            let (s, t) = place(i / columns, i % columns);
            if t.abs() <= width(s) {
                let [u, v, _] = line.picture(&(tip + SHAFT * s + across * t).into());
                *removed += depth * shape.weight(u, v, spot);
            }
        }
        // what a beam passes through of a round shaft that it does not meet at a right angle
        let slant = SHAFT.cross(&line.along).norm();
        self.find(slant);
    }

    /// Follows what is left from the shank to the end.
    fn find(&mut self, slant: f64) {
        let columns = columns();
        let left = |row: usize, column: usize| {
            let (s, t) = place(row, column);
            let chord = 2.0 * (width(s).powi(2) - t * t).max(0.0).sqrt() / slant;
            chord > 0.0 && self.removed[row * columns + column] < chord
        };
        let mut joined: Range<usize> = 0..columns;
        for row in (0..rows()).rev() {
            let here = (0..columns).filter(|c| left(row, *c) && joined.contains(c));
            let (Some(first), Some(last)) = (here.clone().min(), here.max()) else {
                self.lost = (row + 1) as f64 * CELL;
                self.radius = half_width(&joined).max(CELL);
                return;
            };
            joined = first..last + 1;
        }
        (self.lost, self.radius) = (0.0, half_width(&joined).clamp(CELL, TIP));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::geometry::TwinGeometry;
    use model::shape::Rectangle;
    use model::{Beam, Geometry};

    /// The ion beam's picture with the needle's tip in its middle.
    fn line() -> Beamline {
        let view = TwinGeometry::new(Geometry::default(), [7e-3, 16.5e-3]).column(Beam::Ion);
        Beamline {
            origin: nalgebra::Point3::origin(),
            right: view.right,
            up: view.up,
            along: -view.toward,
        }
    }

    fn drawn(shapes: &[Rectangle], charge: f64) -> End {
        let mut end = End::default();
        for shape in shapes {
            end.mill(&Vector3::zeros(), &line(), &shape.clone().into(), charge, 20e-9);
        }
        end
    }

    #[test]
    fn a_cut_through_takes_off_what_is_before_it_and_a_weak_one_nothing() {
        // the needle comes from the lower left: ten micrometres back is to the left
        let cut = Rectangle::new(-8e-6, -5e-6, 2e-6, 20e-6, 1e-6);
        let end = drawn(std::slice::from_ref(&cut), 2e-6);
        assert!(
            (8e-6..13e-6).contains(&end.lost),
            "{end:?}",
            end = (end.lost, end.radius)
        );
        // cut at a slant, it ends in a wedge
        assert!(end.radius <= width(end.lost) + CELL, "{}", end.radius);
        assert_eq!(drawn(&[cut], 0.1e-6).lost, 0.0);
    }

    #[test]
    fn cuts_beside_the_end_make_it_thinner_and_hardly_shorter() {
        let (right, up) = (-SHAFT.dot(&line().right), -SHAFT.dot(&line().up));
        let along = up.atan2(right);
        let beside = |off: f64| Rectangle {
            rotation: along,
            ..Rectangle::new(-off * along.sin(), off * along.cos(), 20e-6, 2e-6, 1e-6)
        };
        let end = drawn(&[beside(1.2e-6), beside(-1.2e-6)], 2e-6);
        assert!(end.lost < 1e-6 && end.radius < 0.6 * TIP, "{} {}", end.lost, end.radius);
        let far = drawn(&[beside(8e-6)], 2e-6);
        assert_eq!((far.lost, far.radius), (0.0, TIP));
    }
}
