//! Temporal smoothing: an unchanged noisy scene settles and then costs nothing to show.
//!
//! Frames are averaged tile by tile until a tile really changes. What is *shown* follows the average only in steps (a
//! change; the 2nd, 4th, 8th and 16th frame of an unchanged scene; a drift one can see), so that between them not a byte
//! has to be sent. The pixels that are saved are never touched: this is display only.

use super::Grey;

/// Side of a tile in canvas pixels.
const TILE: usize = 8;
/// Frames averaged at most; later ones weigh 1/16, so that the average follows slow drift.
const DEPTH: u16 = 16;
/// A tile has changed when its mean differs by this many standard errors ...
const SURE: f32 = 5.0;
/// ... and by this many grey levels.
const SEEN: f32 = 2.5;
/// ... or when its residual is this many times as spread as that of the frames before (something small moved inside it).
const SPREAD: f32 = 3.0;
/// A mean grey difference between average and shown that is worth sending while refining.
const REFINE: f32 = 0.75;
/// A tile's drift in grey levels that is worth sending at any time.
const DRIFT: f32 = 4.0;

/// What a new frame did to what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The scene changed, at least in part, or is the first.
    New,
    /// The same scene with less noise.
    Refined,
    /// Nothing to send.
    Same,
}

/// Keeps what is shown of one picture pane.
#[derive(Clone, Debug, Default)]
pub struct Smoother {
    shown: Grey,
    mean: Vec<f32>,
    /// Frames in each tile's average.
    count: Vec<u16>,
    /// Each tile's usual residual variance, from its third frame on.
    spread: Vec<f32>,
}

impl Smoother {
    /// What to show now.
    pub fn shown(&self) -> &Grey {
        &self.shown
    }

    /// Forget everything: another view, another picture.
    pub fn reset(&mut self) {
        *self = Smoother::default();
    }

    /// Takes the next frame of the scene in. A different size starts anew.
    pub fn push(&mut self, frame: &Grey) -> Change {
        let across = frame.width.div_ceil(TILE);
        let tiles = across * frame.height.div_ceil(TILE);
        if (frame.width, frame.height) != (self.shown.width, self.shown.height) || self.count.is_empty() {
            self.shown = frame.clone();
            self.mean = frame.data.iter().map(|&v| f32::from(v)).collect();
            self.count = vec![1; tiles];
            self.spread = vec![0.0; tiles];
            return Change::New;
        }
        let (mut changed, mut drifted, mut milestone) = (false, false, false);
        for tile in 0..tiles {
            let pixels = Tile::new(tile % across, tile / across, frame);
            let (off, variance) = self.residual(&pixels, frame);
            if self.differs(tile, pixels.len(), off, variance) {
                pixels.each(|i| self.mean[i] = f32::from(frame.data[i]));
                self.count[tile] = 1;
                changed = true;
                continue;
            }
            // The first residual is against a single noisy frame: as if half of it were this one's.
            let spread = if self.count[tile] == 1 {
                variance / 2.0
            } else {
                variance
            };
            let weight = 1.0 / f32::from(self.count[tile]);
            self.spread[tile] += weight.max(1.0 / f32::from(DEPTH)) * (spread - self.spread[tile]);
            let weight = 1.0 / f32::from((self.count[tile] + 1).min(DEPTH));
            pixels.each(|i| self.mean[i] += weight * (f32::from(frame.data[i]) - self.mean[i]));
            if self.count[tile] < DEPTH {
                self.count[tile] += 1;
                milestone |= self.count[tile].is_power_of_two();
            }
            let mut off = 0.0;
            pixels.each(|i| off += self.mean[i] - f32::from(self.shown.data[i]));
            drifted |= off.abs() > DRIFT * pixels.len() as f32;
        }
        let refined = milestone && self.distance() > REFINE;
        if !(changed || drifted || refined) {
            return Change::Same;
        }
        for (shown, mean) in self.shown.data.iter_mut().zip(&self.mean) {
            *shown = (mean + 0.5) as u8;
        }
        if changed { Change::New } else { Change::Refined }
    }

    /// Mean and variance of the frame's difference from the average, over a tile.
    fn residual(&self, tile: &Tile, frame: &Grey) -> (f32, f32) {
        let (mut sum, mut squares) = (0.0f32, 0.0f32);
        tile.each(|i| {
            let d = f32::from(frame.data[i]) - self.mean[i];
            sum += d;
            squares += d * d;
        });
        let n = tile.len() as f32;
        let off = sum / n;
        (off, (squares / n - off * off).max(0.0))
    }

    /// Whether a residual is more than the tile's own noise explains.
    fn differs(&self, tile: usize, pixels: usize, off: f32, variance: f32) -> bool {
        let averaged = self.count[tile];
        let error = (variance / pixels as f32 * (1.0 + 1.0 / f32::from(averaged))).sqrt();
        let moved_inside =
            averaged >= 3 && pixels >= TILE * TILE / 2 && variance > SPREAD * self.spread[tile] + SEEN * SEEN;
        off.abs() > SEEN.max(SURE * error) || moved_inside
    }

    /// Mean absolute grey difference between average and shown.
    fn distance(&self) -> f32 {
        let sum: f32 = self
            .mean
            .iter()
            .zip(&self.shown.data)
            .map(|(m, s)| (m - f32::from(*s)).abs())
            .sum();
        sum / self.mean.len().max(1) as f32
    }
}

/// The pixels of one tile.
struct Tile {
    x: std::ops::Range<usize>,
    y: std::ops::Range<usize>,
    width: usize,
}

impl Tile {
    fn new(column: usize, row: usize, grey: &Grey) -> Tile {
        let span = |i: usize, end: usize| i * TILE..((i + 1) * TILE).min(end);
        Tile {
            x: span(column, grey.width),
            y: span(row, grey.height),
            width: grey.width,
        }
    }

    fn len(&self) -> usize {
        self.x.len() * self.y.len()
    }

    fn each(&self, mut visit: impl FnMut(usize)) {
        for y in self.y.clone() {
            for x in self.x.clone() {
                visit(y * self.width + x);
            }
        }
    }
}
