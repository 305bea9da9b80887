//! How the surface that the rays of a slice meet first faces the beam, and what that does to their rate.
//!
//! A ray keeps the factor of the place where it first met matter. Slopes are taken along the slice; beside an edge the side that
//! faces the beam more counts. While it is milled a rough face evens out: factors are means over its neighbourhood.

use super::materials::Rates;
use super::sweep::{Lattice, Sweep, Walker, mirrored};
use rayon::prelude::*;

/// Slopes are taken over this far either side, and factors evened out, across the beam (m).
const EVEN: f64 = 250e-9;

/// Cosine of the flattest angle that counts: a face that a beam grazes is soon cut to a front, and the front finds the angle at
/// which it goes fastest.
const GRAZING: f64 = 0.17;

/// Of how many slices one is looked at.
pub(super) fn spacing(sweep: &Sweep) -> usize {
    ((EVEN / sweep.pitch / 3.0) as usize).max(1)
}

/// Writes the factor of each ray of a walker's slice; 0 where a ray meets nothing in these layers, or has no dose.
pub(super) fn gains(
    lattice: &Lattice,
    mut walker: Walker,
    dose: &[f32],
    layers: (i64, i64),
    rates: &Rates,
    out: &mut [f32],
) {
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
    for (k, gain) in out.iter_mut().enumerate().filter(|(k, _)| met[*k].is_some()) {
        let before = k.checked_sub(far).and_then(|b| cosine(met[b], met[k]));
        let after = met.get(k + far).and_then(|a| cosine(met[k], *a));
        let facing = match (before, after) {
            (Some(a), Some(b)) => a.max(b),
            (Some(c), None) | (None, Some(c)) => c,
            (None, None) => level,
        };
        *gain = rates.incidence(facing.clamp(GRAZING, 1.0)) as f32;
    }
}

/// Evens out the factors of all rays that meet something, along the slices that were looked at and across them; the others
/// get the mean of those around, or that of level ground.
pub(super) fn even(gains: &mut [f32], sweep: &Sweep, cells: usize, rates: &Rates) {
    let rays = ((EVEN / (sweep.merge as f64 * sweep.pitch * sweep.sine())).round() as usize).max(1);
    let slices = ((EVEN / (sweep.pitch * spacing(sweep) as f64)).round() as usize).max(1);
    let level = rates.incidence(sweep.sine().max(GRAZING)) as f32;
    // sums and counts over the neighbours in the same slice
    let mut counts = vec![0.0f32; gains.len()];
    gains
        .par_chunks_mut(cells)
        .zip(counts.par_chunks_mut(cells))
        .for_each(|(gains, counts)| {
            let before = gains.to_vec();
            let add = |sums: &mut (f64, f32), k: usize, sign: f32| {
                *sums = (
                    sums.0 + f64::from(sign * before[k]),
                    sums.1 + sign * f32::from(before[k] > 0.0),
                );
            };
            let mut sums = (0.0, 0.0);
            (0..rays.min(cells)).for_each(|k| add(&mut sums, k, 1.0));
            for k in 0..cells {
                if k + rays < cells {
                    add(&mut sums, k + rays, 1.0);
                }
                if k > rays {
                    add(&mut sums, k - rays - 1, -1.0);
                }
                (gains[k], counts[k]) = (sums.0 as f32, sums.1);
            }
        });
    // the same across the slices: a window of them moves along
    let before = gains.to_vec();
    let all = before.len() / cells;
    let (mut sum, mut count) = (vec![0.0f64; cells], vec![0.0f32; cells]);
    let add = |sum: &mut [f64], count: &mut [f32], i: usize, sign: f32| {
        let part = i * cells..(i + 1) * cells;
        let values = before[part.clone()].iter().zip(&counts[part]);
        for ((sum, count), (gain, met)) in sum.iter_mut().zip(count).zip(values) {
            (*sum, *count) = (*sum + f64::from(sign * gain), *count + sign * met);
        }
    };
    (0..slices.min(all)).for_each(|i| add(&mut sum, &mut count, i, 1.0));
    for i in 0..all {
        if i + slices < all {
            add(&mut sum, &mut count, i + slices, 1.0);
        }
        if i > slices {
            add(&mut sum, &mut count, i - slices - 1, -1.0);
        }
        let here = gains[i * cells..(i + 1) * cells].iter_mut();
        for (gain, (sum, count)) in here.zip(sum.iter().zip(&count)) {
            *gain = if *count > 0.5 { *sum as f32 / count } else { level };
        }
    }
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
    // words before this one hold no open ray
    let mut lowest = 0;
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
            while open.get(lowest) == Some(&0) {
                lowest += 1;
            }
            for (w, word) in open
                .iter_mut()
                .enumerate()
                .take((to - 1) / 64 + 1)
                .skip(lowest.max(from / 64))
            {
                if *word == 0 {
                    continue;
                }
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
