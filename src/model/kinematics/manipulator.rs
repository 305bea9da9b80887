//! Moves of the manipulator needle.
//!
//! Source: openFIBSEM `move_manipulator_corrected`, `_y_corrected_needle_movement`, `move_manipulator_to_position_offset`. The
//! needle moves in the stage's frame, which tilts with the stage.

use super::{Displacement, scan};
use crate::{Beam, Point};

/// Relative needle move in the stage frame for a move (dx, dy) (m) seen by `beam` at stage tilt `tilt` (rad): x is right in
/// both pictures, dy > 0 is up in both.
pub fn corrected(beam: Beam, tilt: f64, dx: f64, dy: f64) -> Displacement {
    let (sin, cos) = tilt.sin_cos();
    match beam {
        Beam::Electron => Displacement {
            x: dx,
            y: cos * dy,
            z: sin * dy,
        },
        Beam::Ion => Displacement {
            x: dx,
            y: -sin * dy,
            z: cos * dy,
        },
    }
}

/// As [`corrected`] for a needle that does not know of the stage's tilt: x and y as seen.
pub fn uncorrected(dx: f64, dy: f64) -> Displacement {
    Displacement { x: dx, y: dy, z: 0.0 }
}

/// How a beam's picture shows the needle: what makes of a way in the picture a way of the needle.
///
/// The electron beam looks down: what moves along its picture is what shows. The ion beam looks from the side and its corrected
/// dy is the height, which a picture that is not turned shows the other way round: a needle that rises goes down in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeedleView {
    pub beam: Beam,
    /// rad; counts only in the stage's frame.
    pub stage_tilt: f64,
    /// Of the beam's column, rad.
    pub column_tilt: f64,
    /// rad.
    pub scan_rotation: f64,
    /// The needle's axes turn with the stage; else they are the chamber's.
    pub stage_frame: bool,
}

impl NeedleView {
    /// How far up a corrected dy of 1 m shows in a picture that is not turned.
    fn rise(&self) -> f64 {
        match (self.stage_frame, self.beam) {
            (true, Beam::Ion) => -self.column_tilt.sin(),
            _ => self.column_tilt.cos(),
        }
    }

    fn unturned(&self, dx: f64, dy: f64) -> Displacement {
        match self.stage_frame {
            true => corrected(self.beam, self.stage_tilt, dx, dy),
            false => uncorrected(dx, dy),
        }
    }

    /// The corrected move, made to show in a turned picture what it shows in one that is not turned: there it is [`corrected`],
    /// at half a turn what openFIBSEM's callers make of it. `None` where this beam sees only one direction of the needle.
    pub fn corrected(&self, by: Point) -> Option<Displacement> {
        let (sin, cos) = self.scan_rotation.sin_cos();
        let rise = self.rise();
        if sin.abs() < 1e-9 {
            return Some(self.unturned(cos * by.x, cos * by.y));
        }
        (rise.abs() > 1e-3).then(|| self.unturned(cos * by.x - sin * rise * by.y, sin * by.x / rise + cos * by.y))
    }

    /// The move after which the needle shows `by` (m) further right and up in this picture, as it is scanned. `None` as above.
    pub fn shown(&self, by: Point) -> Option<Displacement> {
        let rise = self.rise();
        (rise.abs() > 1e-3).then(|| {
            let by = scan::to_axes(by, self.scan_rotation);
            self.unturned(by.x, by.y / rise)
        })
    }
}

/// The (dx, dy) that openFIBSEM hands to the corrected move so that the needle follows a picture offset (x right, y up, m):
/// both flipped at a scan rotation of pi, dy reversed for the electron beam.
pub fn from_picture(beam: Beam, scan_rotation: f64, dx: f64, dy: f64) -> (f64, f64) {
    let (dx, dy) = scan::compatible(dx, dy, scan_rotation);
    (dx, if beam == Beam::Electron { -dy } else { dy })
}

/// A saved needle position moved by `offset`, whose z is chamber-vertical, at stage tilt `tilt` (rad); all in the stage frame.
pub fn offset_position(saved: Displacement, offset: Displacement, tilt: f64) -> Displacement {
    let (sin, cos) = tilt.sin_cos();
    saved
        + Displacement {
            x: offset.x,
            y: offset.y - sin * offset.z,
            z: cos * offset.z,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    const BY: Point = Point { x: 3e-6, y: -20e-6 };

    fn view(beam: Beam, scan_rotation: f64, stage_frame: bool) -> NeedleView {
        NeedleView {
            beam,
            stage_tilt: 0.3,
            column_tilt: if beam == Beam::Ion { 52f64.to_radians() } else { 0.0 },
            scan_rotation,
            stage_frame,
        }
    }

    /// Where a move of the needle shows, right and up, by the picture's axes in the chamber.
    fn seen(view: &NeedleView, way: Displacement) -> Point {
        let tilt = if view.stage_frame { view.stage_tilt } else { 0.0 };
        let (s, c) = tilt.sin_cos();
        let (h, u) = (way.y * c + way.z * s, way.z * c - way.y * s);
        let (s, c) = view.column_tilt.sin_cos();
        let unturned = Point {
            x: way.x,
            y: h * c - u * s,
        };
        scan::to_picture(unturned, view.scan_rotation)
    }

    fn near(a: Point, b: Point) -> bool {
        (a.x - b.x).hypot(a.y - b.y) < 1e-15
    }

    #[test]
    fn a_move_shows_the_same_however_the_scan_is_turned() {
        for (beam, frame) in [
            (Beam::Electron, true),
            (Beam::Ion, true),
            (Beam::Electron, false),
            (Beam::Ion, false),
        ] {
            let unturned = view(beam, 0.0, frame);
            let wanted = seen(&unturned, unturned.corrected(BY).unwrap());
            for turn in [0.0, 0.4, PI / 2.0, 2.0, PI, -1.0, 2.0 * PI] {
                let view = view(beam, turn, frame);
                let found = seen(&view, view.corrected(BY).unwrap());
                assert!(near(found, wanted), "{beam} at {turn}: {found:?} {wanted:?}");
                let shown = seen(&view, view.shown(BY).unwrap());
                assert!(near(shown, BY), "{beam} at {turn}: {shown:?}");
            }
        }
    }

    #[test]
    fn at_none_and_half_a_turn_it_is_what_the_original_sends() {
        for beam in Beam::ALL {
            assert_eq!(
                view(beam, 0.0, true).corrected(BY),
                Some(corrected(beam, 0.3, BY.x, BY.y))
            );
            let turned = view(beam, PI, true).corrected(BY).unwrap();
            assert_eq!(turned, corrected(beam, 0.3, -BY.x, -BY.y));
        }
        let lifted = view(Beam::Ion, 0.0, true);
        let lifted = seen(&lifted, lifted.corrected(Point { x: 0.0, y: 1e-6 }).unwrap());
        assert!(
            (lifted.y + 52f64.to_radians().sin() * 1e-6).abs() < 1e-15,
            "what rises goes down in it"
        );
    }

    #[test]
    fn a_beam_along_the_needles_way_sees_none_of_it() {
        let blind = NeedleView {
            column_tilt: 0.0,
            ..view(Beam::Ion, 1.0, true)
        };
        assert_eq!((blind.corrected(BY), blind.shown(BY)), (None, None));
    }
}
