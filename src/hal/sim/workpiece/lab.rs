//! What a beam really aims at: the instrument with its errors, and a column as it stands over the sample.

use super::Workpiece;
use crate::sim::geometry::TwinGeometry;
use crate::sim::matter::{Beamline, Ions};
use crate::sim::optics::{self, ColumnFlaws};
use model::config::instrument::TwinErrors;
use model::{Beam, BeamState, Point, Pose};
use nalgebra::Vector3;
use std::sync::Arc;

/// Direction in the picture in which another aperture moves it.
const APERTURE_OFFSET: Point = Point { x: 0.8, y: 0.6 };

/// What does not change while the world goes on.
#[derive(Debug)]
pub struct Lab {
    pub geometry: Arc<TwinGeometry>,
    pub errors: TwinErrors,
    /// Clock time at which nothing had drifted yet.
    pub born: f64,
    pub piece: Arc<Workpiece>,
}

impl Lab {
    /// How far the sample has drifted by clock time `t`, in the chamber (m).
    pub fn drift(&self, pose: &Pose, t: f64) -> Vector3<f64> {
        let (x, y, height) = self.errors.drift;
        self.geometry.sample_to_chamber(pose).rotation * (Vector3::new(x, y, height) * (t - self.born))
    }

    /// What a column has that its settings do not show, `decades` of current above the configured one.
    pub fn flaws(&self, decades: f64) -> ColumnFlaws {
        ColumnFlaws {
            stigmation: Point::default(),
            shift_gain: 1.0 + self.errors.beam_shift_gain,
            offset: Point {
                x: APERTURE_OFFSET.x * self.errors.current_offset * decades,
                y: APERTURE_OFFSET.y * self.errors.current_offset * decades,
            },
        }
    }

    /// How far above the coincidence point, towards the lens of `beam`, its axis meets the sample plane (m); `None` edge on.
    pub fn surface(&self, beam: Beam, pose: &Pose, drift: Vector3<f64>) -> Option<f64> {
        let sample = self.geometry.sample_to_chamber(pose);
        let normal = sample.rotation * Vector3::z();
        let slope = normal.dot(&self.geometry.column(beam).toward);
        (slope.abs() > 1e-6).then(|| normal.dot(&(sample.translation.vector + drift)) / slope)
    }
}

/// A column as it really aims at the sample.
#[derive(Clone, Debug)]
pub struct Aim {
    pub beam: BeamState,
    pub flaws: ColumnFlaws,
    /// Where the stage really is.
    pub pose: Pose,
}

impl Aim {
    pub(super) fn channel(&self) -> Beam {
        self.beam.settings.beam_type
    }

    /// The axes of its picture in the chamber, scan rotation and shift included, for what has drifted by so much (m).
    pub fn in_chamber(&self, lab: &Lab, drift: Vector3<f64>) -> Beamline {
        let view = lab.geometry.column(self.channel());
        let (sin, cos) = self.beam.settings.scan_rotation.sin_cos();
        let (right, up) = (view.right * cos + view.up * sin, view.up * cos - view.right * sin);
        let shift = self.beam.settings.shift;
        let landing = right * (shift.x * self.flaws.shift_gain + self.flaws.offset.x)
            + up * (shift.y * self.flaws.shift_gain + self.flaws.offset.y);
        Beamline {
            origin: (-landing - drift).into(),
            right,
            up,
            along: -view.toward,
        }
    }

    /// The same in the sample's frame at clock time `t`.
    pub(super) fn line(&self, lab: &Lab, t: f64) -> Beamline {
        let chamber = self.in_chamber(lab, lab.drift(&self.pose, t));
        chamber.seen_from(&lab.geometry.sample_to_chamber(&self.pose))
    }

    /// The spot on the sample plane at clock time `t`, vibration included.
    pub(super) fn spot(&self, lab: &Lab, t: f64) -> optics::Spot {
        let beam = self.channel();
        let above = lab.surface(beam, &self.pose, lab.drift(&self.pose, t)).unwrap_or(0.0);
        let defocus = self.beam.settings.working_distance - (lab.geometry.eucentric(beam) - above);
        let mut spot = optics::spot(&self.beam, &self.flaws, defocus);
        // a sine of that amplitude has half its square as variance
        let shaken = lab.errors.vibration.powi(2) / 2.0;
        (spot.xx, spot.yy) = (spot.xx + shaken, spot.yy + shaken);
        spot
    }

    pub(super) fn ions(&self) -> Ions {
        let species = match self.beam.plasma_gas.as_deref() {
            Some("Xenon") => "Xe",
            Some("Argon") => "Ar",
            Some("Oxygen") => "O",
            Some("Nitrogen") => "N",
            _ => "Ga",
        };
        Ions {
            species: species.to_owned(),
            voltage: self.beam.settings.voltage,
        }
    }
}
