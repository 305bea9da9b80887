//! Matter laid down where a beam arrives: cutting the other way round.
//!
//! Each ray stops at the first matter it meets, and what its dose yields grows from there towards the beam, piece by piece:
//! layers on faces, fins on edges, bridges over gaps. A ray that meets nothing leaves nothing.

use super::columns::Columns;
use super::march::{Changed, apply};
use super::sweep::{Lattice, Walker, mirrored};
use super::tile::{Run, push};
use crate::sim::specimen::Material;
use rayon::prelude::*;

/// Grows `material`, `yields` m3 per C, where the rays end, and leaves in the lattice the dose that met nothing. Volume (m3).
pub(super) fn grow(columns: &mut Columns, lattice: &mut Lattice, yields: f64, material: Material) -> f64 {
    let (lo, hi) = columns.heights();
    if lo > hi {
        return 0.0;
    }
    let (lo, hi) = if lattice.sweep.mirror { (-hi, -lo) } else { (lo, hi) };
    let layers = lattice.layers(lo, hi);
    let cells = lattice.cells.max(1);
    let mut dose = std::mem::take(&mut lattice.dose);
    let sheet: &Columns = columns;
    let slices: Vec<(Changed, f64)> = dose
        .par_chunks_mut(cells)
        .enumerate()
        .map(|(i, dose)| {
            let walker = Walker::new(sheet, lattice.sweep, lattice.first_slice + i as i64);
            slice(lattice, dose, walker, layers, yields, material)
        })
        .collect();
    lattice.dose = dose;
    let (changed, grown): (Vec<Changed>, Vec<f64>) = slices.into_iter().unzip();
    apply(columns, lattice, &changed);
    grown.iter().sum()
}

fn slice(
    lattice: &Lattice,
    dose: &mut [f32],
    mut walker: Walker,
    layers: (i64, i64),
    yields: f64,
    material: Material,
) -> (Changed, f64) {
    let mirror = lattice.sweep.mirror;
    let cells = dose.len() as f64;
    // Where each ray meets something first: the layer, and how much of its piece there is still free on the beam's side.
    let mut met: Vec<(i64, usize, f64)> = Vec::new();
    let mut open: Vec<bool> = dose.iter().map(|d| *d > 0.0).collect();
    let mut column: Vec<Run> = Vec::new();
    let mut layer = layers.0;
    while layer < layers.1 {
        let Some(runs) = walker.column(layer) else {
            layer = walker.next_tile(layer);
            continue;
        };
        turn(runs, mirror, &mut column);
        for run in column.iter().rev() {
            let (from, to) = (lattice.ray(run.lo, layer), lattice.ray(run.hi, layer));
            if to <= 0.0 || from >= cells {
                continue;
            }
            let (first, last) = (from.max(0.0).floor() as usize, to.min(cells).ceil() as usize);
            for (k, open) in open.iter_mut().enumerate().take(last).skip(first) {
                if std::mem::take(open) {
                    met.push((layer, k, to.min((k + 1) as f64)));
                }
            }
        }
        layer += 1;
    }
    // Backwards, each ray fills the rest of the piece it ended in and then those before.
    let pieces = yields / lattice.sweep.path();
    let mut fills: Vec<(i64, Vec<(f64, f64)>)> = Vec::new();
    let mut growing: Vec<(usize, f64)> = Vec::new();
    let mut grown = 0.0;
    let mut layer = met.last().map_or(0, |m| m.0);
    while !(met.is_empty() && growing.is_empty()) {
        if walker.column(layer).is_none() {
            // Nothing can stand where no tile is: what was to grow on from here is lost.
            growing.clear();
        }
        let mut here: Vec<(f64, f64)> = growing
            .iter_mut()
            .map(|(k, left)| {
                let part = left.min(1.0);
                *left -= part;
                (*k as f64, *k as f64 + part)
            })
            .collect();
        while let Some((_, k, from)) = met.pop_if(|m| m.0 == layer) {
            let all = f64::from(dose[k]) * pieces;
            dose[k] = 0.0;
            let part = all.min((k + 1) as f64 - from).max(0.0);
            here.push((from, from + part));
            growing.push((k, all - part));
        }
        growing.retain(|g| g.1 > 1e-9);
        grown += here.iter().map(|(a, b)| b - a).sum::<f64>();
        here.sort_by(|a, b| a.0.total_cmp(&b.0));
        fills.push((layer, here));
        layer -= 1;
    }
    let mut out = Changed::default();
    for (layer, fill) in fills.iter().rev() {
        if let Some(runs) = walker.column(*layer) {
            turn(runs, mirror, &mut column);
            let first = out.runs.len();
            merge(
                &mut out.runs,
                first,
                &column,
                fill.iter().map(|(a, b)| Run {
                    lo: lattice.height(*a, *layer),
                    hi: lattice.height(*b, *layer),
                    material,
                }),
            );
            out.close(*layer, first, mirror);
        }
    }
    let volume = grown * lattice.sweep.drop * lattice.sweep.merge as f64 * lattice.sweep.pitch.powi(2);
    (out, volume)
}

fn turn(runs: &[Run], mirror: bool, to: &mut Vec<Run>) {
    to.clear();
    if mirror {
        to.extend(runs.iter().rev().map(mirrored));
    } else {
        to.extend_from_slice(runs);
    }
}

/// A column with new matter in its gaps, both in order of height.
fn merge(to: &mut Vec<Run>, first: usize, old: &[Run], new: impl Iterator<Item = Run>) {
    let mut old = old.iter().peekable();
    for mut run in new {
        while let Some(before) = old.next_if(|r| r.lo <= run.lo) {
            push(to, first, *before);
        }
        if let Some(last) = to.get(first..).and_then(<[Run]>::last) {
            run.lo = run.lo.max(last.hi);
        }
        if let Some(after) = old.peek() {
            run.hi = run.hi.min(after.lo);
        }
        push(to, first, run);
    }
    old.for_each(|run| push(to, first, *run));
}
