//! How a beam works through a shape: which share of its dose each place has had when a part of the beam time has passed.
//!
//! - `Rectangle`: the whole face, pass after pass: every place has the same share.
//! - `RegularCrossSection`: passes that begin further and further along the scan direction: a staircase.
//! - `CleaningCrossSection`: line by line, each to its full dose before the next.

use super::raster::Raster;
use crate::sim::optics::Spot;
use model::shape::{Bounds, Circle, CrossSection, DoseMap, ScanDirection, Shape};

/// Steps of a staircase whose shape does not say how many.
const STAIRS: u32 = 5;
/// Distance of the lines of a cleaning cross section (m).
const LINE: f64 = 20e-9;
/// Width at which a line is drawn; the spot widens it (m).
const THIN: f64 = 30e-9;

/// A shape to be milled or deposited, and how much of it.
#[derive(Clone, Debug)]
pub struct Drawing<'a> {
    pub shape: &'a Shape,
    /// Charge that the whole shape gets (C): beam current times its whole beam time.
    pub charge: f64,
    /// Part of the beam time that passes now, `(from, to)` of 0..1.
    pub part: (f64, f64),
    /// The beam where it lands, defocus included.
    pub spot: Spot,
    /// Shapes kept clear of the beam; their charge goes to the rest of the shape.
    pub exclusions: &'a [Shape],
}

impl Drawing<'_> {
    /// The dose of this part. `None` where it is nothing: an exclusion, a shape without a face, an empty part.
    pub fn raster(&self) -> Option<Raster> {
        let (from, to) = (self.part.0.clamp(0.0, 1.0), self.part.1.clamp(0.0, 1.0));
        if self.shape.is_exclusion() || from >= to || self.charge <= 0.0 {
            return None;
        }
        let shape = self.shape;
        let mut bounds = shape.bounds();
        if matches!(shape, Shape::Line(_)) {
            bounds = Bounds {
                left: bounds.left - THIN,
                bottom: bounds.bottom - THIN,
                right: bounds.right + THIN,
                top: bounds.top + THIN,
            };
        }
        let weight = |u: f64, v: f64| {
            self.exclusions
                .iter()
                .fold(shape.weight(u, v, THIN), |w, e| w * (1.0 - e.weight(u, v, THIN)))
        };
        let order = Order::of(shape);
        let section = Section::of(shape);
        let share = |u: f64, v: f64| section.given(order.at(u, v), to) - section.given(order.at(u, v), from);
        let whole = |u: f64, v: f64| section.given(order.at(u, v), 1.0);
        let mut raster = match order.axis().filter(|_| self.is_upright_box()) {
            Some(axis) => {
                let at = |x: f64| if axis == 0 { order.at(x, 0.0) } else { order.at(0.0, x) };
                let (one, share) = (
                    |_: f64| 1.0,
                    |x: f64| section.given(at(x), to) - section.given(at(x), from),
                );
                let whole = |x: f64| section.given(at(x), 1.0);
                let mut sides: [[&dyn Fn(f64) -> f64; 2]; 2] = [[&one; 2]; 2];
                (sides[0][axis], sides[1][axis]) = (&share, &whole);
                Raster::product(bounds, self.spot, self.charge, sides[0], sides[1])?
            }
            None => Raster::draw(bounds, self.spot, self.charge, weight, share, whole)?,
        };
        raster.order = match section {
            Section::Even => None,
            Section::Stairs(_) | Section::Lines(_) => order.linear(),
        };
        Some(raster)
    }
}

impl Drawing<'_> {
    /// A rectangle along the axes of the picture, all of it, by a spot that is not aslant.
    fn is_upright_box(&self) -> bool {
        let Shape::Rectangle(r) = self.shape else { return false };
        let s = &self.spot;
        r.rotation == 0.0 && self.exclusions.is_empty() && s.xy.abs() <= 1e-3 * s.xx.min(s.yy).max(0.0)
    }
}

/// How the dose of a place grows with the beam time that has passed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Section {
    Even,
    Stairs(u32),
    Lines(f64),
}

impl Section {
    fn of(shape: &Shape) -> Section {
        let Shape::Rectangle(r) = shape else {
            return Section::Even;
        };
        match r.cross_section {
            CrossSection::Rectangle => Section::Even,
            CrossSection::RegularCrossSection => Section::Stairs(if r.passes > 1 { r.passes.min(100) } else { STAIRS }),
            CrossSection::CleaningCrossSection => {
                let length = match r.scan_direction {
                    ScanDirection::LeftToRight | ScanDirection::RightToLeft | ScanDirection::DynamicLeftToRight => {
                        r.width
                    }
                    _ => r.height,
                };
                Section::Lines((length / LINE).ceil().max(1.0))
            }
        }
    }

    /// Dose that the place `t` (0..1 in scanning order) has had at beam time `f` (0..1), in units of one pass.
    fn given(self, t: f64, f: f64) -> f64 {
        match self {
            Section::Even => f,
            Section::Lines(lines) => (f * lines - (t * lines).floor().min(lines - 1.0)).clamp(0.0, 1.0),
            Section::Stairs(steps) => {
                // Pass p covers what lies beyond p / steps, so it lasts in proportion to (steps - p).
                let n = f64::from(steps);
                let total = n * (n + 1.0) / 2.0;
                let last = (t * n).floor().min(n - 1.0) as u32;
                (0..=last)
                    .map(|p| {
                        let p = f64::from(p);
                        let begins = p * n - p * (p - 1.0) / 2.0;
                        ((f * total - begins) / (n - p)).clamp(0.0, 1.0)
                    })
                    .sum()
            }
        }
    }
}

/// Where a place stands in the order of scanning.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// `a u + b v + c`.
    Linear([f64; 3]),
    /// From the middle outwards, or back: middle, unit vectors over half sides.
    Rings {
        middle: [f64; 2],
        axes: [[f64; 2]; 2],
        inwards: bool,
    },
}

impl Order {
    fn of(shape: &Shape) -> Order {
        let (middle, half, rotation) = match shape {
            Shape::Rectangle(s) => ([s.centre_x, s.centre_y], [s.width / 2.0, s.height / 2.0], s.rotation),
            Shape::Bitmap(s) => ([s.centre_x, s.centre_y], [s.width / 2.0, s.height / 2.0], s.rotation),
            other => {
                let b = other.bounds();
                let middle = [(b.left + b.right) / 2.0, (b.bottom + b.top) / 2.0];
                (middle, [b.width() / 2.0, b.height() / 2.0], 0.0)
            }
        };
        let half = half.map(|h: f64| h.max(1e-12));
        let (sin, cos) = rotation.sin_cos();
        let axes = [[cos / half[0], sin / half[0]], [-sin / half[1], cos / half[1]]];
        // -1..1 along an axis of the shape becomes 0..1.
        let along = |axis: [f64; 2], sign: f64| {
            let [a, b] = axis.map(|c| sign * c / 2.0);
            Order::Linear([a, b, 0.5 - a * middle[0] - b * middle[1]])
        };
        match shape.scan_direction() {
            ScanDirection::BottomToTop => along(axes[1], 1.0),
            ScanDirection::LeftToRight | ScanDirection::DynamicLeftToRight => along(axes[0], 1.0),
            ScanDirection::RightToLeft => along(axes[0], -1.0),
            ScanDirection::InnerToOuter | ScanDirection::DynamicInnerToOuter => Order::Rings {
                middle,
                axes,
                inwards: false,
            },
            ScanDirection::OuterToInner => Order::Rings {
                middle,
                axes,
                inwards: true,
            },
            ScanDirection::TopToBottom | ScanDirection::DynamicTopToBottom | ScanDirection::DynamicAllDirections => {
                along(axes[1], -1.0)
            }
        }
    }

    fn at(&self, u: f64, v: f64) -> f64 {
        match self {
            Order::Linear([a, b, c]) => (a * u + b * v + c).clamp(0.0, 1.0),
            Order::Rings { middle, axes, inwards } => {
                let [x, y] = axes.map(|[a, b]| (a * (u - middle[0]) + b * (v - middle[1])).abs());
                let out = x.max(y).clamp(0.0, 1.0);
                if *inwards { 1.0 - out } else { out }
            }
        }
    }

    /// The axis of the picture along which it is scanned, u 0 and v 1; `None` where it is neither.
    fn axis(&self) -> Option<usize> {
        match self {
            Order::Linear([_, b, _]) if *b == 0.0 => Some(0),
            Order::Linear([a, _, _]) if *a == 0.0 => Some(1),
            _ => None,
        }
    }

    fn linear(&self) -> Option<[f64; 3]> {
        match self {
            Order::Linear(order) => Some(*order),
            Order::Rings { .. } => None,
        }
    }
}

/// Whether a shape is one a beam can draw: finite, with a size.
pub(super) fn is_sound(shape: &Shape) -> bool {
    let b = shape.bounds();
    let finite = [b.left, b.bottom, b.right, b.top]
        .iter()
        .all(|v| v.is_finite() && v.abs() < 0.01);
    finite
        && match shape {
            Shape::Rectangle(s) => s.width > 0.0 && s.height > 0.0 && s.rotation.is_finite(),
            Shape::Bitmap(s) => {
                let sound = |m: &DoseMap| m.dwell.iter().all(|d| (0.0..=1.0).contains(d));
                s.width > 0.0 && s.height > 0.0 && s.rotation.is_finite() && s.bitmap.as_ref().is_none_or(sound)
            }
            Shape::Circle(Circle { radius, thickness, .. }) => *radius > 0.0 && *thickness >= 0.0,
            Shape::Line(_) => b.width() + b.height() > 0.0,
            Shape::Polygon(s) => s.vertices.len() > 2,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_the_beam_time_add_up_in_every_section() {
        for section in [Section::Even, Section::Stairs(5), Section::Lines(40.0)] {
            // The mean over all places grows with the beam time.
            let mean = |f: f64| {
                (0..2000)
                    .map(|i| section.given((f64::from(i) + 0.5) / 2000.0, f))
                    .sum::<f64>()
                    / 2000.0
            };
            for f in [0.1, 0.35, 0.8] {
                assert!(
                    (mean(f) / mean(1.0) - f).abs() < 2e-3,
                    "{section:?} {f}: {}",
                    mean(f) / mean(1.0)
                );
            }
        }
        assert_eq!(Section::Stairs(4).given(0.99, 1.0), 4.0);
        assert_eq!(Section::Stairs(4).given(0.1, 1.0), 1.0);
        assert_eq!(Section::Lines(10.0).given(0.95, 0.85), 0.0);
        assert_eq!(Section::Lines(10.0).given(0.05, 0.85), 1.0);
    }
}
