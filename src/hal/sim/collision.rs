//! What is in the way: of the stage the pole pieces and whatever is inserted beside the sample; of a needle or an injector the
//! pole pieces, the stage and each other. Found from the real geometry, so an interlock can be judged against it. Contact with
//! the sample itself is finer work, and `needle::touch`'s.

use super::geometry::TwinGeometry;
use super::stage::{Contact, Leg};
use model::{Beam, Pose, StageKind};
use nalgebra::{Point3, Vector3};

/// A pole piece: a blunt cone around the column's axis, its tip at the working distance of coincidence.
pub struct Pole {
    name: &'static str,
    /// m.
    pub tip_radius: f64,
    /// Tangent of half the angle of the cone.
    pub flare: f64,
}

/// Blunt enough to be real, slender enough that a sample flat to one beam passes the other.
pub fn pole(beam: Beam) -> Pole {
    match beam {
        Beam::Electron => Pole {
            name: "the electron pole piece",
            tip_radius: 4e-3,
            flare: 0.577,
        },
        Beam::Ion => Pole {
            name: "the ion pole piece",
            tip_radius: 2.5e-3,
            flare: 0.532,
        },
    }
}

/// Rim of the stage's top: radius, and depth below the sample (m, platform frame).
pub const TOP_RADIUS: f64 = 20e-3;
pub const TOP_DEPTH: f64 = 8e-3;
/// Half width and half length of the shuttle, and how far its clips stand out of the sample plane (m, sample frame).
pub const SHUTTLE: (f64, f64) = (6e-3, 7e-3);
pub const CLIPS: f64 = 0.3e-3;
/// Radius of a compustage's cartridge (m).
pub const CARTRIDGE: f64 = 1.8e-3;
/// Points round a rim, points of a way that are looked at, and halvings to find the place of contact.
const RIM: usize = 24;
const STEPS: u32 = 120;
const HALVINGS: u32 = 24;

/// Height above the sample plane from which on the sample's own relief, not the shuttle, is what is touched (m).
const RELIEF: f64 = 30e-6;
/// Thickness of the shuttle and of a cartridge (m).
const THICKNESS: f64 = 2e-3;

/// Something slender that is inserted from a side: a cone that widens from its tip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    pub name: &'static str,
    /// Chamber frame (m), and the unit vector from the tip along the shaft.
    pub tip: Vector3<f64>,
    pub shaft: Vector3<f64>,
    /// Radius at the tip, tangent of half its angle, and the radius at which it ends to widen (m).
    pub radius: f64,
    pub taper: f64,
    pub shank: f64,
}

/// How much of a probe matters (m).
pub const LENGTH: f64 = 60e-3;

impl Probe {
    fn radius(&self, along: f64) -> f64 {
        (self.radius + self.taper * along).min(self.shank)
    }

    /// Whether it touches something whose distance from a point of the chamber is `distance` (m; at most the real one).
    fn touches(&self, distance: impl Fn(&Vector3<f64>) -> f64) -> bool {
        let mut along = 0.0;
        while along < LENGTH {
            let room = distance(&(self.tip + self.shaft * along)) - self.radius(along);
            if room < 0.0 {
                return true;
            }
            // the radius may grow on the way
            along += (room / (1.0 + self.taper)).max(10e-6);
        }
        false
    }

    /// Distance of a point from its surface, at most the real one (m).
    fn distance(&self, point: &Vector3<f64>) -> f64 {
        let way = point - self.tip;
        let along = way.dot(&self.shaft).clamp(0.0, LENGTH);
        (way - self.shaft * along).norm() - self.radius(along)
    }
}

/// Distance from a pole piece, at most the real one (m).
fn from_pole(geometry: &TwinGeometry, beam: Beam, point: &Vector3<f64>) -> f64 {
    let (pole, axis) = (pole(beam), geometry.column(beam).toward);
    let along = point.dot(&axis);
    let above = along - geometry.eucentric(beam);
    let off_axis = (point - axis * along).norm();
    let beside = off_axis - pole.tip_radius;
    if above < 0.0 {
        return beside.max(0.0).hypot(above);
    }
    (beside - above * pole.flare) / (1.0 + pole.flare * pole.flare).sqrt()
}

/// Distance from the stage with its shuttle, at most the real one (m). What lies within its relief is not looked at.
fn from_stage(geometry: &TwinGeometry, pose: &Pose, point: &Vector3<f64>) -> f64 {
    let on_sample = geometry
        .sample_to_chamber(pose)
        .inverse_transform_point(&Point3::from(*point));
    let slab = |half: (f64, f64)| {
        let (x, y) = (on_sample.x.abs() - half.0, on_sample.y.abs() - half.1);
        let z = (on_sample.z + RELIEF).max(-THICKNESS - on_sample.z);
        Vector3::new(x.max(0.0), y.max(0.0), z.max(0.0)).norm() + x.max(y).max(z).min(0.0)
    };
    if geometry.nominal.stage == StageKind::Compustage {
        return slab((CARTRIDGE, CARTRIDGE));
    }
    let platform = geometry
        .platform_to_chamber(pose)
        .inverse_transform_point(&Point3::from(*point));
    let (rim, top) = (platform.x.hypot(platform.y) - TOP_RADIUS, platform.z + TOP_DEPTH);
    let table = rim.max(0.0).hypot(top.max(0.0)) + rim.max(top).min(0.0);
    table.min(slab(SHUTTLE))
}

/// Which pole piece the stage touches at `pose`, or which of the `beside`.
fn touches(geometry: &TwinGeometry, pose: &Pose, beside: &[Probe]) -> Option<&'static str> {
    let sample = geometry.sample_to_chamber(pose);
    let platform = geometry.platform_to_chamber(pose);
    let rim = |radius: f64, i: usize| {
        let (sin, cos) = (i as f64 / RIM as f64 * std::f64::consts::TAU).sin_cos();
        (radius * cos, radius * sin)
    };
    let body = (0..RIM).flat_map(|i| {
        if geometry.nominal.stage == StageKind::Compustage {
            let (x, y) = rim(CARTRIDGE, i);
            [sample * Point3::new(x, y, CLIPS), sample * Point3::new(x, y, -CLIPS)]
        } else {
            let (x, y) = rim(TOP_RADIUS, i);
            // the rim of a square: the same directions, stretched to its sides
            let (u, v) = rim(1.0, i);
            let stretch = 1.0 / u.abs().max(v.abs());
            let (w, h) = SHUTTLE;
            [
                platform * Point3::new(x, y, -TOP_DEPTH),
                sample * Point3::new(u * stretch * w, v * stretch * h, CLIPS),
            ]
        }
    });
    let middle = sample * Point3::new(0.0, 0.0, CLIPS);
    let pole = body.chain([middle]).find_map(|point| {
        let hit = Beam::ALL
            .into_iter()
            .find(|beam| from_pole(geometry, *beam, &point.coords) <= 0.0);
        hit.map(|beam| pole(beam).name)
    });
    let struck = |probe: &&Probe| probe.touches(|point| from_stage(geometry, pose, point));
    pole.or_else(|| beside.iter().find(struck).map(|probe| probe.name))
}

/// What a probe touches with the stage at `pose` and others `beside` it.
pub fn probe_touches(geometry: &TwinGeometry, pose: &Pose, probe: &Probe, beside: &[Probe]) -> Option<&'static str> {
    if probe.touches(|point| from_stage(geometry, pose, point)) {
        return Some("the stage");
    }
    let hit = Beam::ALL
        .into_iter()
        .find(|beam| probe.touches(|point| from_pole(geometry, *beam, point)));
    hit.map(|beam| pole(beam).name).or_else(|| {
        let other = beside.iter().find(|other| probe.touches(|point| other.distance(point)));
        other.map(|other| other.name)
    })
}

/// The last share of a way (0..1) that is clear, and what is touched after it; `None` where it is clear all along or
/// begins in contact. `touch` is asked at shares of the way.
pub fn first_on<T>(touch: impl Fn(f64) -> Option<T>) -> Option<(f64, T)> {
    if touch(0.0).is_some() {
        return None;
    }
    let at = |i: u32| f64::from(i) / f64::from(STEPS);
    let (hit, mut with) = (1..=STEPS).find_map(|i| Some((at(i), touch(at(i))?)))?;
    let (mut clear, mut touching) = (hit - at(1), hit);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (clear + touching);
        match touch(middle) {
            Some(what) => (touching, with) = (middle, what),
            None => clear = middle,
        }
    }
    Some((clear, with))
}

/// The first contact of the stage on a way that begins clear of everything.
pub fn first(geometry: &TwinGeometry, leg: &Leg, beside: &[Probe]) -> Option<Contact> {
    if leg.duration() == 0.0 {
        return None;
    }
    let (clear, with) = first_on(|share| touches(geometry, &leg.at(share), beside))?;
    Some(Contact {
        at: leg.when(clear),
        pose: leg.at(clear),
        with,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Geometry;

    fn geometry() -> TwinGeometry {
        TwinGeometry::new(Geometry::default(), [7e-3, 16.5e-3])
    }

    fn deg(r: f64, t: f64) -> Pose {
        Pose {
            r: r.to_radians(),
            t: t.to_radians(),
            ..geometry().home()
        }
    }

    #[test]
    fn the_orientations_of_the_work_are_clear() {
        let g = geometry();
        for (r, t) in [
            (0.0, 35.0),
            (180.0, 17.0),
            (0.0, 12.0),
            (0.0, 0.0),
            (90.0, 0.0),
            (0.0, -10.0),
            (180.0, 35.0),
        ] {
            assert_eq!(touches(&g, &deg(r, t), &[]), None, "r {r} t {t}");
        }
    }

    #[test]
    fn driving_up_ends_at_the_electron_pole_piece() {
        let g = geometry();
        let home = g.home();
        let leg = Leg::new(home, Pose { z: 20e-3, ..home }, 5.0);
        let contact = first(&g, &leg, &[]).unwrap();
        assert_eq!(contact.with, "the electron pole piece");
        // flat sample, tilted axis: the height gained is the way times the cosine of the tilt
        let gained = (contact.pose.z - home.z) * home.t.cos();
        assert!((4e-3..7e-3).contains(&gained), "{gained}");
        assert!(contact.at > 5.0 && contact.at < leg.end());
        assert!(
            (leg.pose(contact.at).z - contact.pose.z).abs() < 1e-9,
            "the time belongs to the place"
        );
        let away = Leg::new(contact.pose, home, 100.0);
        assert_eq!(first(&g, &away, &[]), None, "the way back is free");
    }

    #[test]
    fn steep_tilts_lift_the_rim_into_the_column() {
        let g = geometry();
        let home = g.home();
        assert!(
            first(
                &g,
                &Leg::new(
                    home,
                    Pose {
                        t: 90f64.to_radians(),
                        ..home
                    },
                    0.0
                ),
                &[]
            )
            .is_some()
        );
        assert!(
            first(
                &g,
                &Leg::new(
                    home,
                    Pose {
                        t: 52f64.to_radians(),
                        ..home
                    },
                    0.0
                ),
                &[]
            )
            .is_none()
        );
    }

    #[test]
    fn needle_and_injectors_stand_clear_of_everything_at_the_orientations_of_the_work() {
        let g = geometry();
        for (r, t) in [(0.0, 35.0), (180.0, 17.0), (0.0, 12.0), (0.0, 0.0)] {
            let pose = deg(r, t);
            let needle = crate::sim::needle::body::probe(Vector3::zeros());
            let ports = crate::sim::gas::ports::POSITIONS
                .iter()
                .map(|(name, _)| (0, Some(*name)));
            for (seat, position) in ports.chain((0..3).map(|seat| (seat, None))) {
                let far = crate::sim::gas::ports::distance(position);
                let injector = crate::sim::gas::ports::probe(seat, far, 1.0);
                let what = format!("seat {seat}, {far} m, r {r} t {t}");
                assert_eq!(
                    probe_touches(&g, &pose, &needle, &[injector]),
                    None,
                    "needle beside {what}"
                );
                assert_eq!(probe_touches(&g, &pose, &injector, &[needle]), None, "{what}");
                assert_eq!(touches(&g, &pose, &[needle, injector]), None, "{what}");
            }
        }
    }

    #[test]
    fn a_stage_that_rises_under_a_needle_meets_it() {
        let g = geometry();
        let home = g.home();
        let needle = crate::sim::needle::body::probe(Vector3::zeros());
        let leg = Leg::new(
            home,
            Pose {
                z: home.z + 1e-3,
                ..home
            },
            0.0,
        );
        let contact = first(&g, &leg, &[needle]).unwrap();
        assert_eq!(contact.with, "the needle");
        let risen = (contact.pose.z - home.z) * home.t.cos();
        assert!((risen - RELIEF).abs() < 2e-6, "{risen}");
        assert_eq!(first(&g, &leg, &[]), None);
    }
}
