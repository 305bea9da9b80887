//! What was sputtered in a blind hole and lands in it again.
//!
//! Rays that came to an end in matter left a floor; a share of what their slice lost lands on it, as a loose mixture. The
//! share is that of the stuff, more the deeper and narrower the hole; where rays came through, what they sputtered leaves with
//! them. Where more was dug more lands. A cut that is scanned line by line fills behind itself: most where scanning began, nothing on its last line. What
//! lands was removed before; the rest is pumped away.

use super::march::Changed;
use super::tile::{GLUE, Run, push};
use crate::sim::specimen::Material;

/// Where a ray ran out of dose.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// Which of the slice's changed columns.
    pub column: u32,
    pub ray: u32,
    /// The dose it had, and dug with.
    pub dug: f32,
    /// As the beam walks heights (m).
    pub height: f32,
}

/// Lays `volume` (as height of columns, m) on the floors, by weight. What found room, in the same unit.
pub(super) fn settle(out: &mut Changed, ends: &[End], volume: f64, mirror: bool, weight: impl Fn(&End) -> f64) -> f64 {
    let total: f64 = ends.iter().map(&weight).sum();
    if total <= 0.0 || volume <= f64::from(GLUE) {
        return 0.0;
    }
    // Ends come in the order of their columns.
    let mut floors = ends.chunk_by(|a, b| a.column == b.column).peekable();
    let (mut landed, mut laid) = (0.0, Changed::default());
    laid.runs.reserve(out.runs.len() + ends.len());
    for (n, (layer, _)) in out.columns.iter().enumerate() {
        let runs = &out.runs[out.range(n)];
        let first = laid.runs.len();
        match floors.next_if(|f| f[0].column as usize == n) {
            None => laid.runs.extend_from_slice(runs),
            Some(floors) => {
                let share = |end: &End| (end.height, (volume * weight(end) / total) as f32);
                landed += lay(&mut laid.runs, first, runs, floors.iter().map(share), mirror);
            }
        }
        laid.columns.push((*layer, laid.runs.len() as u32));
    }
    *out = laid;
    landed
}

/// One column with what lands in it: on the run that ends nearest to each floor, as far as there is room.
fn lay(to: &mut Vec<Run>, first: usize, runs: &[Run], floors: impl Iterator<Item = (f32, f32)>, mirror: bool) -> f64 {
    let mut add = vec![0.0f32; runs.len()];
    for (height, share) in floors {
        let floor = |r: &Run| if mirror { -r.lo } else { r.hi };
        let far = |n: &usize| (floor(&runs[*n]) - height).abs();
        if let Some(n) = (0..runs.len()).min_by(|a, b| far(a).total_cmp(&far(b))) {
            add[n] += share;
        }
    }
    // What is too thin to be a run does not land.
    let fits = |add: f32, room: f32| Some(add.min(room)).filter(|a| *a > 2.0 * GLUE).unwrap_or(0.0);
    let mut landed = 0.0;
    for (n, run) in runs.iter().enumerate() {
        let film = |lo: f32, hi: f32| Run {
            lo,
            hi,
            material: Material::Redeposit,
        };
        if mirror {
            let room = n.checked_sub(1).map_or(f32::INFINITY, |b| run.lo - runs[b].hi - GLUE);
            let add = fits(add[n], room);
            push(to, first, film(run.lo - add, run.lo));
            push(to, first, *run);
            landed += f64::from(add);
        } else {
            let room = runs.get(n + 1).map_or(f32::INFINITY, |a| a.lo - run.hi - GLUE);
            let add = fits(add[n], room);
            push(to, first, *run);
            push(to, first, film(run.hi, run.hi + add));
            landed += f64::from(add);
        }
    }
    landed
}
