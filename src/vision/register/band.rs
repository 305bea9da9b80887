//! The correlation surface of one frequency band: its peak, how far it stands above chance, and its rivals.

use super::picture::{lanes, largest};
use ndarray::Array2;
use std::f64::consts::PI;

/// The phase correlation of one band, in standard deviations of its own background.
pub(super) struct Band {
    pub centre: f64,
    map: Array2<f32>,
    /// From the map's own unit to standard deviations; 0 where nothing correlates.
    scale: f64,
    limit: f64,
    /// (dy, dx) of the highest point within the limit, reduced pixels.
    pub peak: (isize, isize),
    pub z: f64,
}

impl Band {
    pub fn new(map: Array2<f32>, centre: f64, limit: Option<f64>) -> Self {
        let mut band = Band {
            centre,
            map,
            scale: 0.0,
            limit: limit.unwrap_or(f64::INFINITY),
            peak: (0, 0),
            z: 0.0,
        };
        let (peak, height) = band.highest(|_| true);
        let sigma = band.background(peak);
        if sigma > 0.0 {
            band.scale = 1.0 / sigma;
            band.z = height / sigma;
        }
        band.peak = peak;
        band
    }

    /// Root mean square of everything but the peak with its first rings.
    fn background(&self, peak: (isize, isize)) -> f64 {
        let (h, w) = self.map.dim();
        let clear = 1.5 / self.centre;
        let reach = |n: usize| (clear as isize).min((n as isize - 1) / 2);
        let values = self.map.as_slice().unwrap_or_default();
        let mut sum = lanes(values, |sum, v| sum + v * v);
        let mut n = values.len();
        for dy in -reach(h)..=reach(h) {
            for dx in -reach(w)..=reach(w) {
                if (dy as f64).hypot(dx as f64) <= clear {
                    sum -= f64::from(self.map[wrap((peak.0 + dy, peak.1 + dx), (h, w))]).powi(2);
                    n -= 1;
                }
            }
        }
        (sum.max(0.0) / n.max(1) as f64).sqrt()
    }

    /// The highest point within the limit among the shifts (dy, dx) that are wanted, in the map's own unit.
    fn highest(&self, wanted: impl Fn((isize, isize)) -> bool) -> ((isize, isize), f64) {
        let (h, w) = self.map.dim();
        let mut best = ((0, 0), f32::NEG_INFINITY);
        for (y, row) in self.map.outer_iter().enumerate() {
            // Most rows hold nothing higher.
            if row.as_slice().is_some_and(|values| largest(values) <= best.1) {
                continue;
            }
            for (x, v) in row.iter().enumerate() {
                let at = (signed(y, h), signed(x, w));
                if *v > best.1 && (at.0 as f64).hypot(at.1 as f64) <= self.limit && wanted(at) {
                    best = (at, *v);
                }
            }
        }
        (best.0, f64::from(best.1))
    }

    /// The height that chance is expected to reach: the maximum of as many normal numbers as the band has independent shifts.
    pub fn chance(&self) -> f64 {
        let whole = self.map.len() as f64;
        let searched = (PI * self.limit * self.limit).min(whole);
        let independent = searched * 4.0 * self.centre * self.centre * 4.0;
        (2.0 * independent.max(4.0).ln()).sqrt()
    }

    pub fn excess(&self) -> f64 {
        self.z / self.chance()
    }

    /// The highest point within `radius` of a shift, and its height.
    pub fn highest_near(&self, at: (isize, isize), radius: f64) -> ((isize, isize), f64) {
        let reach = radius.ceil().max(1.0) as isize;
        let around = (-reach..=reach).flat_map(|y| (-reach..=reach).map(move |x| (y, x)));
        around
            .filter(|(y, x)| (*y as f64).hypot(*x as f64) <= radius.max(1.0))
            .map(|(y, x)| ((at.0 + y, at.1 + x), self.at(at.0 + y, at.1 + x)))
            .fold(
                (at, f64::NEG_INFINITY),
                |best, next| if next.1 > best.1 { next } else { best },
            )
    }

    /// The height of the second peak, outside the first one's rings, relative to the first; 0 where no allowed shift outside the
    /// rings correlates at all.
    pub fn runner_up(&self) -> f64 {
        let clear = 1.2 / self.centre;
        let (_, second) = self.highest(|at| distance(at, self.peak, self.map.dim()) > clear);
        match (second > 0.0, self.z > 0.0) {
            (false, _) => 0.0,
            (true, false) => 1.0,
            (true, true) => second * self.scale / self.z,
        }
    }

    /// The highest top (dy, dx) that is more than `clear` away from `shift`; slopes are none, however high.
    pub fn rival_of(&self, shift: (isize, isize), clear: f64) -> Option<(isize, isize)> {
        let size = self.map.dim();
        let value = |y: isize, x: isize| self.map[wrap((y, x), size)];
        let is_top = |(y, x): (isize, isize)| {
            let around = (-1..=1).flat_map(|v| (-1..=1).map(move |u| (v, u)));
            around.map(|(v, u)| value(y + v, x + u)).all(|near| near <= value(y, x))
        };
        let (at, height) = self.highest(|at| distance(at, shift, size) > clear && is_top(at));
        (height > 0.0).then_some(at)
    }

    fn at(&self, dy: isize, dx: isize) -> f64 {
        f64::from(self.map[wrap((dy, dx), self.map.dim())]) * self.scale
    }

    pub fn parabola(&self, (dy, dx): (isize, isize)) -> (f64, f64) {
        let vertex = |before: f64, at: f64, after: f64| {
            let curvature = 2.0 * at - before - after;
            if curvature > 0.0 {
                (0.5 * (after - before) / curvature).clamp(-0.5, 0.5)
            } else {
                0.0
            }
        };
        let top = self.at(dy, dx);
        (
            dy as f64 + vertex(self.at(dy - 1, dx), top, self.at(dy + 1, dx)),
            dx as f64 + vertex(self.at(dy, dx - 1), top, self.at(dy, dx + 1)),
        )
    }
}

/// The index that a shift (dy, dx) stands at.
fn wrap((dy, dx): (isize, isize), (h, w): (usize, usize)) -> [usize; 2] {
    [dy.rem_euclid(h as isize) as usize, dx.rem_euclid(w as isize) as usize]
}

/// The shift that index `i` of `n` stands for: the second half is negative.
fn signed(i: usize, n: usize) -> isize {
    if i <= n / 2 {
        i as isize
    } else {
        i as isize - n as isize
    }
}

/// Distance of two shifts on the cyclic surface.
fn distance(a: (isize, isize), b: (isize, isize), (h, w): (usize, usize)) -> f64 {
    let around = |d: isize, n: usize| {
        let d = d.rem_euclid(n as isize);
        d.min(n as isize - d) as f64
    };
    around(a.0 - b.0, h).hypot(around(a.1 - b.1, w))
}
