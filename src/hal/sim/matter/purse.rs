//! What the rays of a slice can still pay. Rays are charged by words of 16; a word that is charged whole only remembers its
//! debt until one of its rays may be unable to pay.

use std::ops::Range;

/// Rays of a word.
pub(super) const WORD: usize = 16;

/// Doses of rays (C/m2). Those that have nothing left are marked by infinity while the slice is worked on.
pub(super) struct Purse<'a> {
    rays: &'a mut [f32],
    words: Vec<Word>,
    count: u32,
}

#[derive(Clone, Copy, Debug)]
struct Word {
    /// Which rays have something, as bits.
    living: u32,
    /// What each of its rays owes.
    debt: f32,
    /// No ray has less than this, debts aside.
    least: f32,
}

impl<'a> Purse<'a> {
    pub fn new(rays: &'a mut [f32], gain: &[f32]) -> Self {
        let mut count = 0;
        let pairs = rays.chunks_mut(WORD).zip(gain.chunks(WORD));
        let words = pairs.map(|(rays, gain)| {
            let mut word = Word {
                living: 0,
                debt: 0.0,
                least: f32::INFINITY,
            };
            for (k, (dose, gain)) in rays.iter_mut().zip(gain).enumerate() {
                *dose *= gain;
                if *dose > 0.0 {
                    word.living |= 1 << k;
                    word.least = word.least.min(*dose);
                } else {
                    *dose = f32::INFINITY;
                }
            }
            count += word.living.count_ones();
            word
        });
        let words = words.collect();
        Purse { rays, words, count }
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
    pub fn living(&self, word: usize) -> u32 {
        self.words[word].living
    }

    /// Charges all rays of a part of a word. Those that cannot pay all of it are not charged, and told: they are to
    /// [`Purse::give`] what they have.
    #[inline]
    pub fn charge(&mut self, some: Range<usize>, cost: f32) -> u32 {
        let w = some.start / WORD;
        let word = &mut self.words[w];
        if some.len() == WORD && word.debt + cost <= word.least {
            word.debt += cost;
            return 0;
        }
        self.settle(w);
        let mut poor = 0;
        for k in some {
            let left = self.rays[k] - cost;
            if left >= 0.0 {
                self.rays[k] = left;
            } else {
                poor |= 1 << (k % WORD);
            }
        }
        let rays = self.rays[w * WORD..].iter().take(WORD).enumerate();
        let rich = rays.filter(|(k, _)| poor >> k & 1 == 0);
        self.words[w].least = rich.fold(f32::INFINITY, |least, (_, ray)| if *ray < least { *ray } else { least });
        poor
    }

    /// Takes a word's debt from its rays.
    #[inline]
    fn settle(&mut self, w: usize) {
        let debt = std::mem::take(&mut self.words[w].debt);
        if debt > 0.0 {
            self.rays[w * WORD..].iter_mut().take(WORD).for_each(|ray| *ray -= debt);
        }
    }

    /// All that a ray has whose word was charged just now; it has nothing any more.
    pub fn give(&mut self, k: usize) -> f32 {
        self.words[k / WORD].living &= !(1 << (k % WORD));
        self.count -= 1;
        std::mem::replace(&mut self.rays[k], f32::INFINITY)
    }

    /// Charges one living ray: what share of `cost` it could pay.
    #[inline]
    pub fn pay(&mut self, k: usize, cost: f32) -> f32 {
        let w = k / WORD;
        self.settle(w);
        let can = self.rays[k];
        if can >= cost {
            self.rays[k] = can - cost;
            self.words[w].least = self.words[w].least.min(can - cost);
            return 1.0;
        }
        self.give(k) / cost
    }

    /// Writes what is left of every ray, divided by its gain. How many have spent something of what they `had`.
    pub fn close(&mut self, gain: &[f32], had: &[f32]) -> usize {
        (0..self.words.len()).for_each(|w| self.settle(w));
        let mut spent = 0;
        for ((dose, gain), had) in self.rays.iter_mut().zip(gain).zip(had) {
            spent += usize::from(*had > 0.0 && *dose != *had);
            *dose = if *dose == f32::INFINITY { 0.0 } else { *dose / gain };
        }
        spent
    }
}
