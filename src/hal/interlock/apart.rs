//! How far apart two bodies are at least: a plane that lies between them proves it.
//!
//! For every direction, what one body reaches along it and where the other begins leave a gap between; the widest gap is their
//! distance, and any gap found is room that is really there. So a poor search refuses too much, never too little. The twin finds
//! its collisions another way (points of one body against distances from another), and so can judge this one.

use model::room::{HandBody, Plate, PlateName, Pole, Room};
use model::{Pose, StageKind};
use nalgebra::{Rotation3, Vector3};

pub(super) type V = Vector3<f64>;

/// Directions that are tried first, and how finely the best is searched on (rad).
const DIRECTIONS: usize = 80;
const COARSE: f64 = 0.3;
const FINE: f64 = 1e-4;
const NARROWER: f64 = 0.6;
const ROUND: usize = 6;
/// Golden angle (rad): turns the pattern of a search, so that it does not stick to its own axes.
const GOLDEN: f64 = 2.399_963;
/// Smallest share of a way that is looked at.
const STEP: f64 = 2e-3;

/// Something convex in the chamber.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    Pole {
        axis: V,
        pole: &'a Pole,
    },
    Plate {
        middle: V,
        right: V,
        up: V,
        plate: &'a Plate,
    },
    /// Everything it takes up on a straight way from one place of its tip to the other; its ends are round.
    Hand {
        tips: [V; 2],
        body: &'a HandBody,
    },
}

fn shaft(body: &HandBody) -> V {
    V::from(body.shaft)
}

impl Body<'_> {
    /// How far it reaches along `d`: the largest product of `d` with one of its points.
    fn reach(&self, d: &V) -> f64 {
        match self {
            Body::Pole { axis, pole } => {
                let along = d.dot(axis);
                let across = (d - axis * along).norm();
                // a cone without end reaches without end where its side does not fall back
                if along + pole.flare * across > 1e-12 {
                    return f64::INFINITY;
                }
                pole.distance * along + pole.radius * across
            }
            Body::Plate {
                middle,
                right,
                up,
                plate,
            } => {
                let (u, v) = (d.dot(right), d.dot(up));
                let rim = match plate.round {
                    true => plate.half.0 * u.hypot(v),
                    false => plate.half.0 * u.abs() + plate.half.1 * v.abs(),
                };
                middle.dot(d) + rim
            }
            Body::Hand { tips, body } => {
                let along = d.dot(&shaft(body));
                let knee = (body.shank - body.radius) / body.taper;
                let thickest = [(0.0, body.radius), (knee, body.shank), (body.length, body.shank)]
                    .map(|(at, radius)| at * along + radius * d.norm())
                    .into_iter()
                    .fold(f64::NEG_INFINITY, f64::max);
                thickest + tips[0].dot(d).max(tips[1].dot(d))
            }
        }
    }

    /// Directions along which its neighbours are likely to be.
    fn hints(&self) -> Vec<V> {
        match self {
            Body::Pole { axis, .. } => vec![*axis],
            Body::Plate { right, up, .. } => vec![right.cross(up)],
            Body::Hand { body, .. } => vec![shaft(body)],
        }
    }
}

/// Distance between two bodies, at most the real one (m); below 0 where no plane between them was found.
pub(super) fn gap(a: &Body, b: &Body) -> f64 {
    let between = |d: &V| -a.reach(&-d) - b.reach(d);
    let spread = (0..DIRECTIONS).map(|i| {
        let z = 1.0 - 2.0 * (i as f64 + 0.5) / DIRECTIONS as f64;
        let (sin, cos) = (i as f64 * GOLDEN).sin_cos();
        let r = (1.0 - z * z).sqrt();
        V::new(r * cos, r * sin, z)
    });
    let hints = a.hints().into_iter().chain(b.hints()).flat_map(|d| [d, -d]);
    let (mut best, mut way) = (f64::NEG_INFINITY, V::z());
    for d in hints.chain(spread) {
        let found = between(&d);
        if found > best {
            (best, way) = (found, d);
        }
    }
    let (mut step, mut turn) = (COARSE, 0.0);
    while step > FINE {
        let side = way.cross(&if way.x.abs() < 0.7 { V::x() } else { V::y() }).normalize();
        let other = way.cross(&side);
        let mut better = None;
        for i in 0..ROUND {
            let (sin, cos) = (turn + i as f64 * std::f64::consts::TAU / ROUND as f64).sin_cos();
            let d = (way + (side * cos + other * sin) * step).normalize();
            let found = between(&d);
            if found > best + 1e-12 {
                (best, better) = (found, Some(d));
            }
        }
        turn += GOLDEN;
        match better {
            Some(d) => way = d,
            None => step *= NARROWER,
        }
    }
    best
}

/// The poles of a room.
pub(super) fn poles(room: &Room) -> impl Iterator<Item = (&Pole, Body<'_>)> {
    room.poles.iter().map(|pole| {
        let (sin, cos) = room.geometry.column_tilt(pole.beam).sin_cos();
        let axis = V::new(0.0, sin, cos);
        (pole, Body::Pole { axis, pole })
    })
}

/// The plates of the stage at a pose; `near` those that a needle meets, else those that a pole piece does.
pub(super) fn plates<'a>(room: &'a Room, pose: &Pose, near: bool) -> impl Iterator<Item = Body<'a>> {
    let geometry = &room.geometry;
    let tilt = tilted(pose);
    let lift = pose.z - room.home_z;
    let middle = match geometry.stage {
        StageKind::Tilting => tilt * V::new(-pose.x, -pose.y, lift),
        // upside down, y and z are counted the other way round
        StageKind::Compustage => {
            let side = if pose.t < -std::f64::consts::FRAC_PI_2 {
                -1.0
            } else {
                1.0
            };
            tilt * V::new(-pose.x, -side * pose.y, side * lift)
        }
        StageKind::ChamberFixed => tilt * V::new(pose.x, pose.y, 0.0) - V::new(0.0, 0.0, lift),
    };
    let turn = match geometry.stage {
        StageKind::Compustage => 0.0,
        StageKind::Tilting | StageKind::ChamberFixed => pose.r - geometry.rotation_reference,
    };
    let platform = tilt * Rotation3::from_axis_angle(&V::z_axis(), turn);
    let holder = platform * Rotation3::from_axis_angle(&V::x_axis(), geometry.pre_tilt);
    let met = if near { PlateName::Sample } else { PlateName::Holder };
    room.plates
        .iter()
        .filter(move |plate| plate.name == PlateName::Platform || plate.name == met)
        .map(move |plate| {
            let frame = if plate.name == PlateName::Platform {
                platform
            } else {
                holder
            };
            Body::Plate {
                middle: middle + frame * V::new(0.0, 0.0, plate.height),
                right: frame * V::x(),
                up: frame * V::y(),
                plate,
            }
        })
}

/// What the stage's tilt does to a direction of the chamber.
pub(super) fn tilted(pose: &Pose) -> Rotation3<f64> {
    Rotation3::from_axis_angle(&V::x_axis(), -pose.t)
}

/// The first pose of a straight way at which `clear` (m, of a pose) is less than `need`, and what it is there. It looks as often as
/// the room left allows nothing to be missed.
pub(super) fn first_below(
    room: &Room,
    (from, to): (&Pose, &Pose),
    need: f64,
    clear: impl Fn(&Pose) -> f64,
) -> Option<(Pose, f64)> {
    // the sample's plane is not asked for while it turns: nothing turns beside a hand
    let size = room
        .plates
        .iter()
        .filter(|p| p.name != PlateName::Sample)
        .map(|p| p.half.0.hypot(p.half.1) + p.height.abs())
        .fold(0.0, f64::max);
    let off = |p: &Pose| V::new(p.x, p.y, p.z - room.home_z).norm();
    // no point of the stage goes farther than this on the whole way
    let way =
        from.distance(to) + (to.t - from.t).abs() * (off(from).max(off(to)) + size) + (to.r - from.r).abs() * size;
    let mut share = 0.0;
    loop {
        let pose = between(from, to, share);
        let left = clear(&pose);
        if left < need {
            return Some((pose, left));
        }
        if share >= 1.0 || way == 0.0 {
            return None;
        }
        share = (share + ((left - need) / way).max(STEP)).min(1.0);
    }
}

fn between(from: &Pose, to: &Pose, share: f64) -> Pose {
    let mut pose = *from;
    for axis in model::Axis::ALL {
        pose.set(axis, from.get(axis) + share * (to.get(axis) - from.get(axis)));
    }
    pose
}
