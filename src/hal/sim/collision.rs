//! Does the stage touch a pole piece on its way? Found from the real geometry, so an interlock can be judged against it.

use super::geometry::TwinGeometry;
use super::stage::{Contact, Leg};
use model::{Beam, Pose, StageKind};
use nalgebra::Point3;

/// A pole piece: a blunt cone around the column's axis, its tip at the working distance of coincidence.
struct Pole {
    name: &'static str,
    /// m.
    tip_radius: f64,
    /// Tangent of half the angle of the cone.
    flare: f64,
}

/// Blunt enough to be real, slender enough that a sample flat to one beam passes the other.
fn pole(beam: Beam) -> Pole {
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
const TOP_RADIUS: f64 = 20e-3;
const TOP_DEPTH: f64 = 8e-3;
/// Half width and half length of the shuttle, and how far its clips stand out of the sample plane (m, sample frame).
const SHUTTLE: (f64, f64) = (6e-3, 7e-3);
const CLIPS: f64 = 0.3e-3;
/// Radius of a compustage's cartridge (m).
const CARTRIDGE: f64 = 1.8e-3;
/// Points round a rim, points of a way that are looked at, and halvings to find the place of contact.
const RIM: usize = 24;
const STEPS: u32 = 120;
const HALVINGS: u32 = 24;

/// Which pole piece the stage touches at `pose`.
fn touches(geometry: &TwinGeometry, pose: &Pose) -> Option<&'static str> {
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
    body.chain([middle]).find_map(|point| {
        Beam::ALL.into_iter().find_map(|beam| {
            let (pole, axis) = (pole(beam), geometry.column(beam).toward);
            let along = point.coords.dot(&axis);
            let above = along - geometry.eucentric(beam);
            let off_axis = (point.coords - axis * along).norm();
            (above >= 0.0 && off_axis <= pole.tip_radius + above * pole.flare).then_some(pole.name)
        })
    })
}

/// The first contact on a way that begins clear of everything.
pub fn first(geometry: &TwinGeometry, leg: &Leg) -> Option<Contact> {
    if leg.duration() == 0.0 || touches(geometry, &leg.from).is_some() {
        return None;
    }
    let at = |i: u32| f64::from(i) / f64::from(STEPS);
    let (hit, with) = (1..=STEPS).find_map(|i| Some((at(i), touches(geometry, &leg.at(at(i)))?)))?;
    let (mut clear, mut touching) = (hit - at(1), hit);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (clear + touching);
        match touches(geometry, &leg.at(middle)) {
            Some(_) => touching = middle,
            None => clear = middle,
        }
    }
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
            assert_eq!(touches(&g, &deg(r, t)), None, "r {r} t {t}");
        }
    }

    #[test]
    fn driving_up_ends_at_the_electron_pole_piece() {
        let g = geometry();
        let home = g.home();
        let leg = Leg::new(home, Pose { z: 20e-3, ..home }, 5.0);
        let contact = first(&g, &leg).unwrap();
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
        assert_eq!(first(&g, &away), None, "the way back is free");
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
                )
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
                )
            )
            .is_none()
        );
    }
}
