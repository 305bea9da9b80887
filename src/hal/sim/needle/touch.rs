//! Does the needle's tip meet the sample on its way? In the sample's frame, against the matter that is really there.
//!
//! To touch is what a needle is for; to be driven further in than [`PUSH`] is a collision.

use crate::sim::matter::{Held, Matter};
use nalgebra::Point3;

/// How far the tip may be pushed into something solid (m).
const PUSH: f64 = 100e-9;
/// Smallest step of the search, and the largest beside bodies that stand alone (m).
const STEP: f64 = 25e-9;
const BESIDE_BODIES: f64 = 200e-9;
/// Deposits stand out of the scene by no more than this (m).
const DEPOSITED: f64 = 20e-6;

/// Share of the straight way (0..1) at which a tip is as far in as it can be pushed; `None` where it never is.
pub fn stopped_at(matter: &Matter, from: &Point3<f64>, to: &Point3<f64>) -> Option<f64> {
    let way = (to - from).norm();
    let highest = f64::from(matter.specimen().bounds().1) + DEPOSITED;
    let held: Vec<_> = matter
        .bodies()
        .iter()
        .filter(|b| b.held == Held::Needle)
        .map(|b| b.id)
        .collect();
    let others = matter.bodies().len() > held.len();
    let (mut gone, mut inside) = (0.0, 0.0);
    // out of what it stands in it may go, upwards
    let mut leaving = to.z > from.z;
    while gone < way {
        let p = from + (to - from) * (gone / way);
        let solid = matter
            .is_solid(&p)
            .is_some_and(|(_, body)| !body.is_some_and(|id| held.contains(&id)));
        leaving &= solid;
        if leaving {
            gone += STEP;
            continue;
        }
        if solid {
            inside += STEP;
            if inside > PUSH {
                return Some(gone / way);
            }
            gone += STEP;
            continue;
        }
        let room = if p.z > highest {
            p.z - highest
        } else {
            let top = matter
                .column(p.x, p.y, 25e-9)
                .last()
                .map_or(f64::NEG_INFINITY, |run| f64::from(run.hi));
            // a slope of one in two is met at half of the height above it
            0.5 * (p.z - top).min(DEPOSITED)
        };
        let most = if others { BESIDE_BODIES } else { f64::INFINITY };
        gone += room.clamp(STEP, most.max(STEP));
    }
    None
}
