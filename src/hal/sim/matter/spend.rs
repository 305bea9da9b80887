//! One slice of rays through columns: each ray spends its dose in the matter it meets, and only there.
//!
//! A ray's dose buys depth along the beam: dose x the rate of the stuff that is really there x the factor of the angle under
//! which the ray first met a surface. It takes whole pieces (one ray in one column) while it can pay and a part of the last,
//! so the volume that goes is the volume that was paid for.

use super::columns::Columns;
use super::march::{Changed, Cut, Schedule};
use super::materials::Rates;
use super::purse::{Purse, WORD};
use super::redeposit::{self, End};
use super::sweep::{Lattice, Walker, mirrored};
use super::tile::{Run, push};
use crate::sim::specimen::material::COUNT;

/// One slice that is being cut.
pub(super) struct Slice<'a> {
    lattice: &'a Lattice,
    index: usize,
    walker: Walker<'a>,
    layers: (i64, i64),
    purse: Purse<'a>,
    /// The angle's factor of each ray.
    gain: &'a [f32],
    /// What each ray had at first.
    had: Vec<f32>,
    redeposition: [f64; COUNT],
    /// Charge per area for one ray through one column of each stuff.
    cost: [f32; COUNT],
    out: Changed,
    /// What is left of the column at hand, run by run from the top, each from its bottom.
    left: Vec<Run>,
    /// Volume that went, as height of columns, and the same times its share that lands again.
    gone: f64,
    loose: f64,
    ends: Vec<End>,
}

/// What is left of a run so far: from, to, and whether all of it is remainders that may be moved.
struct Chain {
    from: f64,
    to: f64,
    loose: bool,
}

/// A run that is being cut, the rays it spans and its layer.
#[derive(Clone, Copy)]
struct Piece {
    run: Run,
    from: f64,
    to: f64,
    layer: i64,
}

impl<'a> Slice<'a> {
    pub fn new(
        sheet: &'a Columns,
        lattice: &'a Lattice,
        index: usize,
        (dose, gain): (&'a mut [f32], &'a [f32]),
        rates: &Rates,
        layers: (i64, i64),
    ) -> Self {
        let path = lattice.sweep.path();
        Slice {
            lattice,
            index,
            walker: Walker::new(sheet, lattice.sweep, lattice.first_slice + index as i64),
            layers,
            had: dose.iter().zip(gain).map(|(dose, gain)| dose * gain).collect(),
            purse: Purse::new(dose, gain),
            gain,
            redeposition: rates.redeposition,
            cost: std::array::from_fn(|m| (path / rates.rate[m].max(1e-15)) as f32),
            out: Changed::default(),
            left: Vec::new(),
            gone: 0.0,
            loose: 0.0,
            ends: Vec::new(),
        }
    }

    /// Spends what there is, layer by layer.
    pub fn walk(mut self, when: &Schedule) -> (Changed, Cut) {
        let (mirror, cells) = (self.lattice.sweep.mirror, self.purse.len() as f64);
        let (mut turned, mut ends): (Vec<Run>, Vec<usize>) = Default::default();
        let mut layer = self.layers.0;
        while layer < self.layers.1 {
            let Some(runs) = self.walker.column(layer) else {
                layer = self.walker.next_tile(layer);
                continue;
            };
            let runs = if mirror {
                turned.clear();
                turned.extend(runs.iter().rev().map(mirrored));
                &turned
            } else {
                runs
            };
            if self.purse.is_spent() {
                break;
            }
            let passed = runs.last().is_none_or(|top| self.lattice.ray(top.hi, layer) <= 0.0)
                || runs.first().is_some_and(|run| self.lattice.ray(run.lo, layer) >= cells);
            if passed {
                layer += 1;
                continue;
            }
            let mut changed = false;
            self.left.clear();
            ends.clear();
            // A steep ray meets the upper run of a column first.
            for run in runs.iter().rev() {
                let (from, to) = (self.lattice.ray(run.lo, layer), self.lattice.ray(run.hi, layer));
                if to <= 0.0 || from >= cells {
                    self.left.push(*run);
                } else {
                    let piece = Piece {
                        run: *run,
                        from,
                        to,
                        layer,
                    };
                    changed |= self.spend(&piece);
                }
                ends.push(self.left.len());
            }
            if changed {
                let first = self.out.runs.len();
                for n in (0..ends.len()).rev() {
                    let start = n.checked_sub(1).map_or(0, |before| ends[before]);
                    let part = &self.left[start..ends[n]];
                    part.iter().for_each(|run| push(&mut self.out.runs, first, *run));
                }
                self.out.close(layer, first, mirror);
            }
            layer += 1;
        }
        self.finish(when)
    }

    /// Redeposits what was caught, and gives back what was not spent in the units it came in.
    fn finish(mut self, when: &Schedule) -> (Changed, Cut) {
        let area = self.lattice.sweep.pitch.powi(2);
        let met = self.purse.close(self.gain, &self.had);
        let mut cut = Cut {
            removed: self.gone * area,
            redeposited: 0.0,
        };
        if met > 0 && !self.ends.is_empty() {
            // Rays that came through carry what they sputtered out behind; the others dug a hole, each as deep as it could pay.
            let all: f64 = self.had.iter().map(|d| f64::from(*d)).sum();
            let dug: f64 = self.ends.iter().map(|end| f64::from(end.dug)).sum();
            let depth = cut.removed / (met as f64 * self.lattice.sweep.section());
            let aspect = depth / when.width.max(1e-9);
            let landing = self.loose * (dug / all).min(1.0) * aspect / (1.0 + aspect);
            let weight = |end: &End| {
                let [u, v] = self.lattice.picture(self.index as f64, f64::from(end.ray));
                f64::from(end.dug) * (when.when)(u, v).map_or(1.0, |t| 2.0 * (1.0 - t))
            };
            let landed = redeposit::settle(&mut self.out, &self.ends, landing, self.lattice.sweep.mirror, weight);
            cut.redeposited = landed * area;
        }
        (self.out, cut)
    }

    /// Takes from one run what its rays can pay, and puts the rest on the list. Whether anything went.
    fn spend(&mut self, piece: &Piece) -> bool {
        let cost = self.cost[piece.run.material as usize];
        let before = self.gone;
        let end = self.purse.len() as f64;
        let mut chain = None;
        if piece.from < 0.0 {
            self.keep(piece, &mut chain, piece.from, piece.to.min(0.0));
        }
        let (from, last) = (piece.from.max(0.0), piece.to.min(end) as usize);
        let first = from as usize + usize::from(from > from as usize as f64);
        // the ray whose piece the run's lower end cuts, those it holds whole, and the one at its upper end
        if piece.from > 0.0 && (first as f64) > piece.from {
            self.pay(
                piece,
                &mut chain,
                first - 1,
                piece.from,
                piece.to.min(first as f64),
                cost,
            );
        }
        if first < last {
            for word in first / WORD..=(last - 1) / WORD {
                self.word(
                    piece,
                    &mut chain,
                    word,
                    first.max(word * WORD)..last.min((word + 1) * WORD),
                    cost,
                );
            }
        }
        if first <= last && piece.to < end && (last as f64) < piece.to {
            self.pay(piece, &mut chain, last, last as f64, piece.to, cost);
        }
        if piece.to > end {
            self.keep(piece, &mut chain, end.max(piece.from), piece.to);
        }
        self.flush(piece, &mut chain);
        self.gone > before
    }

    /// Some rays of a word, each of whose pieces lies in the run whole.
    #[inline]
    fn word(&mut self, piece: &Piece, chain: &mut Option<Chain>, word: usize, some: std::ops::Range<usize>, cost: f32) {
        let living = self.purse.living(word);
        if (living >> (some.start % WORD)).trailing_zeros() as usize >= some.len() {
            self.keep(piece, chain, some.start as f64, some.end as f64);
            return;
        }
        let poor = self.purse.charge(some.clone(), cost);
        let mut k = some.start;
        while k < some.end {
            if poor >> (k % WORD) & 1 == 1 {
                let share = self.purse.give(k) / cost;
                self.part(piece, chain, k, (k as f64, (k + 1) as f64), share);
                k += 1;
                continue;
            }
            // as many as are alike
            let (alive, dying) = (living >> (k % WORD), poor >> (k % WORD));
            let sound = (dying.trailing_zeros() as usize).min(some.end - k);
            if alive & 1 == 1 {
                let n = (alive.trailing_ones() as usize).min(sound);
                self.take(piece, chain, n as f64);
                k += n;
            } else {
                let n = (alive.trailing_zeros() as usize).min(sound);
                self.keep(piece, chain, k as f64, (k + n) as f64);
                k += n;
            }
        }
    }

    /// One ray's piece of a run.
    #[inline]
    fn pay(&mut self, piece: &Piece, chain: &mut Option<Chain>, k: usize, from: f64, to: f64, cost: f32) {
        if self.purse.living(k / WORD) >> (k % WORD) & 1 == 0 {
            self.keep(piece, chain, from, to);
            return;
        }
        let share = self.purse.pay(k, cost * (to - from) as f32);
        if share >= 1.0 {
            self.take(piece, chain, to - from);
        } else {
            self.part(piece, chain, k, (from, to), share);
        }
    }

    /// The last piece of a ray, of which it could pay a share.
    fn part(&mut self, piece: &Piece, chain: &mut Option<Chain>, k: usize, (from, to): (f64, f64), share: f32) {
        let kept = (to - from) * f64::from(1.0 - share);
        self.took(piece, to - from - kept);
        match chain {
            Some(chain) => chain.to += kept,
            None => {
                *chain = Some(Chain {
                    from,
                    to: from + kept,
                    loose: true,
                });
            }
        }
        self.ends.push(End {
            column: self.out.columns.len() as u32,
            ray: k as u32,
            dug: self.had[k],
            height: self.lattice.height(from + kept, piece.layer),
        });
    }

    fn keep(&mut self, piece: &Piece, chain: &mut Option<Chain>, from: f64, to: f64) {
        match chain {
            // Remainders of the rays below are packed against what stays above them.
            Some(chain) if chain.loose => {
                (chain.from, chain.to, chain.loose) = (from - (chain.to - chain.from), to, false);
            }
            Some(chain) if chain.to >= from - 1e-9 => chain.to = to,
            _ => {
                self.flush(piece, chain);
                *chain = Some(Chain { from, to, loose: false });
            }
        }
    }

    fn take(&mut self, piece: &Piece, chain: &mut Option<Chain>, rays: f64) {
        self.took(piece, rays);
        self.flush(piece, chain);
    }

    fn took(&mut self, piece: &Piece, rays: f64) {
        let height = rays * self.lattice.sweep.drop * self.lattice.sweep.merge as f64;
        self.gone += height;
        self.loose += height * self.redeposition[piece.run.material as usize];
    }

    fn flush(&mut self, piece: &Piece, chain: &mut Option<Chain>) {
        if let Some(chain) = chain.take() {
            // Ends that nothing touched stay as they were, to the last bit.
            let lo = if chain.from <= piece.from {
                piece.run.lo
            } else {
                self.lattice.height(chain.from, piece.layer)
            };
            let hi = if chain.to >= piece.to {
                piece.run.hi
            } else {
                self.lattice.height(chain.to, piece.layer)
            };
            self.left.push(Run { lo, hi, ..piece.run });
        }
    }
}
