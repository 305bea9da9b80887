//! Correcting coincidence from the electron picture.
//!
//! Source: openFIBSEM `move_coincident_from_sem`.

use super::{Displacement, Orientation, Setup, angles, chamber_fixed, milling_angle, stable, vertical};
use crate::{Beam, StageKind};

/// openFIBSEM's empirical counter-factor to the 0.9 of its vertical move.
const COUNTER_PERSPECTIVE: f64 = 1.11;

/// The relative moves of a coincidence correction, to be made in this order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correction {
    /// Centres the feature in the electron picture.
    pub slide: Displacement,
    /// Corrects the height; `None` where one move does both.
    pub rise: Option<Displacement>,
}

impl Correction {
    pub fn total(&self) -> Displacement {
        self.slide + self.rise.unwrap_or_default()
    }
}

/// Moves that centre what is at (dx, dy) in the electron picture (m) and keep it coincident.
///
/// A tilting stage or compustage: a stable move, then a vertical one by what the stage moved in y, scaled by the sine of the
/// milling angle in SEM and MILLING orientation. Meant for small moves. A chamber-fixed stage: one exact move.
pub fn from_sem(setup: &Setup, dx: f64, dy: f64) -> Correction {
    if setup.geometry.stage == StageKind::ChamberFixed {
        return Correction {
            slide: chamber_fixed::coincident_from_sem(setup, dx, dy),
            rise: None,
        };
    }
    let slide = stable::displacement(setup, Beam::Electron, dx, dy);
    let pose = slide.from(setup.pose);
    let mut rise = slide.y;
    if let Some(Orientation::Sem | Orientation::Milling) = Orientation::of(setup.geometry, &pose) {
        rise *= milling_angle::of(setup.geometry, &pose).sin();
    }
    if angles::is_close(setup.scan_rotation.ion, 0.0, 1e-8) {
        rise = -rise;
    }
    let rise = vertical::displacement(&Setup { pose, ..*setup }, 0.0, rise * COUNTER_PERSPECTIVE);
    Correction {
        slide,
        rise: Some(rise),
    }
}
