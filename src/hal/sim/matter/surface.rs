//! How the surface that the rays of a slice meet first faces the beam, and what that does to their rate.
//!
//! A ray keeps the factor of the place where it first met matter. Slopes are taken along the slice over about 100 nm, the size
//! of a collision cascade and more than the steps of columns; beside an edge the side that faces the beam more counts.

use super::materials::Rates;
use super::sweep::{Lattice, Walker, mirrored};

/// Slopes are taken over this far either side, across the beam (m).
const EVEN: f64 = 100e-9;

/// The factor of each ray of slice `i`; 0 where a ray meets nothing in these layers, or has no dose.
pub(super) fn gains(
    lattice: &Lattice,
    mut walker: Walker,
    dose: &[f32],
    layers: (i64, i64),
    rates: &Rates,
) -> Vec<f32> {
    let met = contacts(lattice, &mut walker, dose, layers);
    let sweep = &lattice.sweep;
    let [lean, _, down] = sweep.direction();
    let across = sweep.merge as f64 * sweep.pitch * sweep.sine();
    let far = ((EVEN / across).round() as usize).max(1);
    // Cosine of the angle between the beam and the normal of the line between two contacts.
    let cosine = |a: Option<(f64, f64)>, b: Option<(f64, f64)>| {
        let ((ha, za), (hb, zb)) = (a?, b?);
        let (h, z) = (hb - ha, zb - za);
        Some((lean * z + down * h) / h.hypot(z).max(1e-12))
    };
    let level = down;
    (0..met.len())
        .map(|k| {
            if met[k].is_none() {
                return 0.0;
            }
            let before = k.checked_sub(far).and_then(|b| cosine(met[b], met[k]));
            let after = met.get(k + far).and_then(|a| cosine(met[k], *a));
            let facing = match (before, after) {
                (Some(a), Some(b)) => a.max(b),
                (Some(c), None) | (None, Some(c)) => c,
                (None, None) => level,
            };
            rates.incidence(facing.clamp(0.02, 1.0)) as f32
        })
        .collect()
}

/// Where each ray first meets matter: how far forward, and how high as the beam walks it (m).
fn contacts(lattice: &Lattice, walker: &mut Walker, dose: &[f32], layers: (i64, i64)) -> Vec<Option<(f64, f64)>> {
    let mut met = vec![None; dose.len()];
    let mut open: Vec<u64> = dose
        .chunks(64)
        .map(|c| c.iter().enumerate().fold(0, |w, (i, d)| w | u64::from(*d > 0.0) << i))
        .collect();
    let (mirror, pitch) = (lattice.sweep.mirror, lattice.sweep.pitch);
    let mut left: u32 = open.iter().map(|w| w.count_ones()).sum();
    let mut layer = layers.0;
    while layer < layers.1 && left > 0 {
        let Some(runs) = walker.column(layer) else {
            layer = walker.next_tile(layer);
            continue;
        };
        for n in 0..runs.len() {
            let run = if mirror {
                mirrored(&runs[n])
            } else {
                runs[runs.len() - 1 - n]
            };
            let from = lattice.ray(run.lo, layer).max(0.0).floor() as usize;
            let to = (lattice.ray(run.hi, layer).ceil().max(0.0) as usize).min(dose.len());
            if from >= to {
                continue;
            }
            for (w, word) in open.iter_mut().enumerate().take((to - 1) / 64 + 1).skip(from / 64) {
                let mut hit = *word & (u64::MAX << from.saturating_sub(64 * w).min(63));
                if to < 64 * (w + 1) {
                    hit &= (1 << (to - 64 * w)) - 1;
                }
                *word &= !hit;
                left -= hit.count_ones();
                while hit != 0 {
                    let k = 64 * w + hit.trailing_zeros() as usize;
                    hit &= hit - 1;
                    let top = lattice.height((k + 1) as f64, layer).min(run.hi);
                    met[k] = Some((layer as f64 * pitch, f64::from(top)));
                }
            }
        }
        layer += 1;
    }
    met
}
