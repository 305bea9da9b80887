//! What the rays of a slice can still pay. Rays are charged by words of 64, in one sweep over their doses.

use std::ops::Range;

/// Rays of a word.
pub(super) const WORD: usize = 64;

/// Doses of rays (C/m2). Those that have nothing left are marked by infinity while the slice is worked on.
pub(super) struct Purse<'a> {
    rays: &'a mut [f32],
    /// Which rays have something, as bits.
    living: Vec<u64>,
    count: u32,
}

impl<'a> Purse<'a> {
    /// Rays that meet nothing (`gain` 0) are never charged.
    pub fn new(rays: &'a mut [f32], gain: &[f32]) -> Self {
        let mut living = vec![0u64; rays.len().div_ceil(WORD)];
        for (k, (dose, gain)) in rays.iter_mut().zip(gain).enumerate() {
            if *dose <= 0.0 {
                *dose = f32::INFINITY;
            } else if *gain > 0.0 {
                *dose *= gain;
                living[k / WORD] |= 1 << (k % WORD);
            }
        }
        let count = living.iter().map(|word| word.count_ones()).sum();
        Purse { rays, living, count }
    }

    pub fn len(&self) -> usize {
        self.rays.len()
    }

    /// Whether no ray has anything left.
    pub fn is_spent(&self) -> bool {
        self.count == 0
    }

    /// The rays of a word that have something.
    #[inline]
    pub fn living(&self, word: usize) -> u64 {
        self.living[word]
    }

    /// Charges all rays of a part of a word. Those that cannot pay all of it are not charged, and told: they are to
    /// [`Purse::give`] what they have.
    #[inline]
    pub fn charge(&mut self, some: Range<usize>, cost: f32) -> u64 {
        if charge_all(&mut self.rays[some.clone()], cost) >= 0.0 {
            return 0;
        }
        let mut poor = 0;
        for k in some {
            if self.rays[k] < 0.0 {
                self.rays[k] += cost;
                poor |= 1 << (k % WORD);
            }
        }
        poor
    }

    /// All that a ray has; it has nothing any more.
    pub fn give(&mut self, k: usize) -> f32 {
        self.living[k / WORD] &= !(1 << (k % WORD));
        self.count -= 1;
        std::mem::replace(&mut self.rays[k], f32::INFINITY)
    }

    /// Charges one living ray: what share of `cost` it could pay.
    #[inline]
    pub fn pay(&mut self, k: usize, cost: f32) -> f32 {
        let can = self.rays[k];
        if can >= cost {
            self.rays[k] = can - cost;
            return 1.0;
        }
        self.give(k) / cost
    }

    /// Writes what is left of every ray, divided by its gain.
    pub fn close(&mut self, gain: &[f32]) {
        for (dose, gain) in self.rays.iter_mut().zip(gain) {
            *dose = match *dose {
                d if d == f32::INFINITY => 0.0,
                d if *gain > 0.0 => d / gain,
                d => d,
            };
        }
    }
}

/// Takes `cost` from every dose; the least of what is left. Eight at a time, which the compiler can do at once.
#[inline]
fn charge_all(doses: &mut [f32], cost: f32) -> f32 {
    const N: usize = 8;
    let mut least = [f32::INFINITY; N];
    let lower = |a: f32, b: f32| if a < b { a } else { b };
    let mut eights = doses.chunks_exact_mut(N);
    for eight in &mut eights {
        for (dose, least) in eight.iter_mut().zip(&mut least) {
            *dose -= cost;
            *least = lower(*dose, *least);
        }
    }
    for (dose, least) in eights.into_remainder().iter_mut().zip(&mut least) {
        *dose -= cost;
        *least = lower(*dose, *least);
    }
    least.into_iter().fold(f32::INFINITY, lower)
}
