//! What the rays of a slice can still pay, with accounts for many of them at once: where all of a block can pay, only the
//! block is charged.

/// Rays of a block.
pub(super) const BLOCK: usize = 16;

/// Doses of rays (C/m2), and what their blocks owe.
pub(super) struct Purse<'a> {
    rays: &'a mut [f32],
    blocks: Vec<Account>,
    /// The first block that may have something.
    first: usize,
}

#[derive(Clone, Copy)]
struct Account {
    /// To be taken from each ray of the block.
    owed: f32,
    /// The poorest and the richest ray, less what is owed.
    least: f32,
    most: f32,
    /// Whether these two are so.
    known: bool,
}

impl<'a> Purse<'a> {
    pub fn new(rays: &'a mut [f32]) -> Self {
        let blocks = vec![
            Account {
                owed: 0.0,
                least: 0.0,
                most: 0.0,
                known: false,
            };
            rays.len().div_ceil(BLOCK)
        ];
        Purse { rays, blocks, first: 0 }
    }

    pub fn len(&self) -> usize {
        self.rays.len()
    }

    /// The rays of a block one by one, to be charged each for itself.
    #[inline]
    pub fn open(&mut self, block: usize) {
        self.pay_up(block);
        self.blocks[block].known = false;
    }

    /// One ray of a block that was opened.
    #[inline]
    pub fn ray(&mut self, k: usize) -> &mut f32 {
        &mut self.rays[k]
    }

    /// The same as [`Purse::charge`] for some rays of a block that was opened.
    #[inline]
    pub fn charge_some(&mut self, some: std::ops::Range<usize>, cost: f32) -> Option<bool> {
        let rays = &mut self.rays[some];
        let (least, most) = extremes(rays);
        if most <= 0.0 {
            Some(false)
        } else if least >= cost {
            rays.iter_mut().for_each(|d| *d -= cost);
            Some(true)
        } else {
            None
        }
    }

    /// Rays from the first on, in whole blocks, that have nothing any more; all of them at the end of the last block.
    pub fn spent(&mut self) -> usize {
        while self.first < self.blocks.len() {
            if !self.blocks[self.first].known {
                self.count(self.first);
            }
            if self.blocks[self.first].most > 0.0 {
                break;
            }
            self.first += 1;
        }
        (self.first * BLOCK).min(self.rays.len())
    }

    /// Charges every ray of a whole block: `Some(true)` where all paid, `Some(false)` where none has anything; `None` where
    /// they differ and nothing was taken.
    #[inline]
    pub fn charge(&mut self, block: usize, cost: f32) -> Option<bool> {
        if !self.blocks[block].known {
            self.count(block);
        }
        let account = &mut self.blocks[block];
        if account.most <= 0.0 {
            return Some(false);
        }
        if account.least < cost {
            return None;
        }
        account.owed += cost;
        account.least -= cost;
        account.most -= cost;
        Some(true)
    }

    fn count(&mut self, block: usize) {
        self.pay_up(block);
        let rays = &self.rays[block * BLOCK..((block + 1) * BLOCK).min(self.rays.len())];
        let (least, most) = extremes(rays);
        let account = &mut self.blocks[block];
        (account.least, account.most, account.known) = (least, most, true);
    }

    fn pay_up(&mut self, block: usize) {
        let owed = std::mem::take(&mut self.blocks[block].owed);
        if owed > 0.0 {
            let end = ((block + 1) * BLOCK).min(self.rays.len());
            self.rays[block * BLOCK..end].iter_mut().for_each(|d| *d -= owed);
        }
    }

    /// Writes what is left of every ray, divided by its gain.
    pub fn close(&mut self, gain: &[f32]) {
        (0..self.blocks.len()).for_each(|b| self.pay_up(b));
        for (dose, gain) in self.rays.iter_mut().zip(gain).filter(|(_, g)| **g > 0.0) {
            *dose = (*dose / gain).max(0.0);
        }
    }
}

/// The poorest and the richest.
#[inline]
fn extremes(rays: &[f32]) -> (f32, f32) {
    let least = |m: f32, d: &f32| if *d < m { *d } else { m };
    let most = |m: f32, d: &f32| if *d > m { *d } else { m };
    (rays.iter().fold(f32::INFINITY, least), rays.iter().fold(0.0, most))
}
