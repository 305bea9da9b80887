//! A dose raster: charge per area across the beam, cell by cell of its picture.
//!
//! Every shape, bitmap, field and defocused spot becomes one of these; nothing further on knows a shape. Cells are 12.5 nm,
//! coarser where a raster would be too large. Edges are averaged over their cells, so that the charge is that of the shape.

use crate::sim::optics::Spot;
use model::shape::Bounds;
use rayon::prelude::*;

/// Side of a cell (m), and the most cells.
const CELL: f64 = 12.5e-9;
const MOST_CELLS: f64 = 2e6;
/// Samples along a cell's side where an edge runs through it.
const EDGE: usize = 4;
/// A blurred dose is carried this many standard deviations beyond its shape.
const REACH: f64 = 3.2;
/// Standard deviations (cells) from which on three running means stand for a Gaussian.
const WIDE: f64 = 6.0;

/// Charge per area across the beam, on a grid of its picture (m, right and up).
#[derive(Clone, Debug, PartialEq)]
pub struct Raster {
    left: f64,
    bottom: f64,
    cell: [f64; 2],
    width: usize,
    height: usize,
    /// C/m2, row by row from the bottom.
    dose: Vec<f32>,
    /// Place in the order of scanning, 0..1, of (u, v): `a u + b v + c`; none where all of it is scanned again and again.
    pub(super) order: Option<[f64; 3]>,
    /// Area of the face that is scanned (m2).
    pub(super) face: f64,
    /// Standard deviation of the beam where it is narrowest (m): nothing it does is finer.
    pub(super) narrowest: f64,
    /// Where every dose is a product: the factor of each column of cells, and the dose of each row.
    sides: Option<[Vec<f32>; 2]>,
}

impl Raster {
    /// `charge` (C) spread evenly over a field (m x m) round the middle of the picture.
    pub fn field(width: f64, height: f64, charge: f64) -> Raster {
        let n = 64;
        Raster {
            left: -width / 2.0,
            bottom: -height / 2.0,
            cell: [width / n as f64, height / n as f64],
            width: n,
            height: n,
            dose: vec![(charge / (width * height)) as f32; n * n],
            order: None,
            face: width * height,
            narrowest: 0.0,
            sides: None,
        }
    }

    /// The cells for a shape and the blur round it, without a dose.
    fn blank(bounds: Bounds, spot: Spot) -> Raster {
        let (ru, rv) = (REACH * spot.xx.max(0.0).sqrt(), REACH * spot.yy.max(0.0).sqrt());
        let (full_w, full_h) = (bounds.width() + 2.0 * ru, bounds.height() + 2.0 * rv);
        let cell = CELL.max((full_w * full_h / MOST_CELLS).sqrt());
        let margin = [(ru / cell).ceil() + 2.0, (rv / cell).ceil() + 2.0];
        Raster {
            left: bounds.left - margin[0] * cell,
            bottom: bounds.bottom - margin[1] * cell,
            cell: [cell; 2],
            width: ((bounds.width() / cell).ceil() + 2.0 * margin[0]) as usize,
            height: ((bounds.height() / cell).ceil() + 2.0 * margin[1]) as usize,
            dose: Vec::new(),
            order: None,
            face: 0.0,
            narrowest: spot.narrowest(),
            sides: None,
        }
    }

    /// As [`Raster::draw`] for a whole box whose `share` and `whole` are products of one function of u and one of v, and a
    /// spot that is not aslant: each side is worked out once.
    pub(super) fn product(
        bounds: Bounds,
        spot: Spot,
        charge: f64,
        share: [&dyn Fn(f64) -> f64; 2],
        whole: [&dyn Fn(f64) -> f64; 2],
    ) -> Option<Raster> {
        let mut raster = Raster::blank(bounds, spot);
        let cell = raster.cell[0];
        let side = |axis: usize| {
            let (first, n, from, to, variance) = match axis {
                0 => (raster.left, raster.width, bounds.left, bounds.right, spot.xx),
                _ => (raster.bottom, raster.height, bounds.bottom, bounds.top, spot.yy),
            };
            let (mut face, mut full) = (0.0, 0.0);
            let mut doses: Vec<f32> = (0..n)
                .map(|k| {
                    let low = first + k as f64 * cell;
                    let covered = ((low + cell).min(to) - low.max(from)).max(0.0) / cell;
                    let middle = low + cell / 2.0;
                    (face, full) = (face + covered, full + covered * whole[axis](middle));
                    (covered * share[axis](middle)) as f32
                })
                .collect();
            blur_row(&mut doses, variance.max(0.0).sqrt() / cell);
            (doses, face, full)
        };
        let ((across, wide, full_across), (up, high, full_up)) = (side(0), side(1));
        if full_across * full_up <= 0.0 {
            return None;
        }
        let unit = (charge / (full_across * full_up * cell * cell)) as f32;
        let up: Vec<f32> = up.iter().map(|share| unit * share).collect();
        raster.dose = vec![0.0; raster.width * raster.height];
        let rows = raster.dose.par_chunks_mut(raster.width).zip(&up);
        rows.for_each(|(row, up)| {
            row.iter_mut()
                .zip(&across)
                .for_each(|(slot, across)| *slot = up * across);
        });
        raster.sides = Some([across, up]);
        raster.face = wide * high * cell * cell;
        Some(raster)
    }

    /// `charge` (C) spread by `weight`, a function of (u, v), and blurred by the spot. `None` where all weights are 0.
    /// `share` is the part of the charge that each weighted point gets now, a function of (u, v) too.
    pub(super) fn draw(
        bounds: Bounds,
        spot: Spot,
        charge: f64,
        weight: impl Fn(f64, f64) -> f64 + Sync,
        share: impl Fn(f64, f64) -> f64 + Sync,
        whole: impl Fn(f64, f64) -> f64 + Sync,
    ) -> Option<Raster> {
        let mut raster = Raster::blank(bounds, spot);
        let cell = raster.cell[0];
        let faces = raster.averaged(&weight);
        // What the full shape would get decides the dose; the share of it now is then taken cell by cell.
        let place = |k: usize| raster.place((k % raster.width) as f64, (k / raster.width) as f64);
        // Sums go row by row, so that they do not depend on how many threads there are.
        let rows: Vec<(f64, f64)> = faces
            .par_chunks(raster.width)
            .enumerate()
            .map(|(row, weights)| {
                weights
                    .iter()
                    .enumerate()
                    .filter(|(_, w)| **w > 0.0)
                    .fold((0.0, 0.0), |sum, (column, w)| {
                        let (u, v) = raster.place(column as f64, row as f64);
                        (sum.0 + f64::from(*w), sum.1 + f64::from(*w) * whole(u, v))
                    })
            })
            .collect();
        let (face, full) = rows.iter().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
        if full <= 0.0 {
            return None;
        }
        let unit = charge / (full * cell * cell);
        let dose: Vec<f32> = faces
            .par_iter()
            .enumerate()
            .map(|(k, w)| {
                if *w <= 0.0 {
                    return 0.0;
                }
                let (u, v) = place(k);
                (unit * f64::from(*w) * share(u, v)) as f32
            })
            .collect();
        raster.dose = dose;
        raster.face = face * cell * cell;
        raster.blur(spot);
        Some(raster)
    }

    /// The middle of the cell at (column, row), which may lie between cells.
    fn place(&self, column: f64, row: f64) -> (f64, f64) {
        (
            self.left + (column + 0.5) * self.cell[0],
            self.bottom + (row + 0.5) * self.cell[1],
        )
    }

    /// Weights averaged over cells: one sample inside and outside, many where neighbours differ.
    fn averaged(&self, weight: &(impl Fn(f64, f64) -> f64 + Sync)) -> Vec<f32> {
        let (w, h) = (self.width, self.height);
        let mut middle = vec![0.0f32; w * h];
        middle.par_chunks_mut(w).enumerate().for_each(|(row, out)| {
            for (column, slot) in out.iter_mut().enumerate() {
                let (u, v) = self.place(column as f64, row as f64);
                *slot = weight(u, v) as f32;
            }
        });
        let mut averaged = middle.clone();
        averaged.par_chunks_mut(w).enumerate().for_each(|(row, out)| {
            for column in 0..w {
                let here = middle[row * w + column];
                let differs = |c: usize, r: usize| middle[r * w + c] != here;
                let edge = (column > 0 && differs(column - 1, row))
                    || (column + 1 < w && differs(column + 1, row))
                    || (row > 0 && differs(column, row - 1))
                    || (row + 1 < h && differs(column, row + 1));
                if edge {
                    let n = EDGE as f64;
                    let sum: f64 = (0..EDGE * EDGE)
                        .map(|i| {
                            let (du, dv) = ((i % EDGE) as f64 + 0.5, (i / EDGE) as f64 + 0.5);
                            let (u, v) = self.place(column as f64 - 0.5 + du / n, row as f64 - 0.5 + dv / n);
                            weight(u, v)
                        })
                        .sum();
                    out[column] = (sum / (n * n)) as f32;
                }
            }
        });
        averaged
    }

    /// Total charge (C).
    pub fn charge(&self) -> f64 {
        let sum: f64 = self
            .dose
            .par_chunks(4096)
            .map(|c| c.iter().map(|d| f64::from(*d)).sum::<f64>())
            .collect::<Vec<_>>()
            .iter()
            .sum();
        sum * self.cell[0] * self.cell[1]
    }

    /// The highest dose (C/m2).
    pub(super) fn peak(&self) -> f32 {
        self.dose.iter().copied().fold(0.0, f32::max)
    }

    /// Side of a cell (m).
    pub(super) fn cell(&self) -> [f64; 2] {
        self.cell
    }

    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            left: self.left,
            bottom: self.bottom,
            right: self.left + self.width as f64 * self.cell[0],
            top: self.bottom + self.height as f64 * self.cell[1],
        }
    }

    /// C/m2 at (u, v), between the cells.
    #[inline]
    pub fn at(&self, u: f64, v: f64) -> f32 {
        let (x, y) = (
            (u - self.left) / self.cell[0] - 0.5,
            (v - self.bottom) / self.cell[1] - 0.5,
        );
        if x < -0.5 || y < -0.5 || x > self.width as f64 - 0.5 || y > self.height as f64 - 0.5 {
            return 0.0;
        }
        let (x, y) = (x.max(0.0), y.max(0.0));
        let (c, r) = ((x as usize).min(self.width - 1), (y as usize).min(self.height - 1));
        let (tx, ty) = ((x - c as f64) as f32, (y - r as f64) as f32);
        let (c1, r1) = ((c + 1).min(self.width - 1), (r + 1).min(self.height - 1));
        let at = |c: usize, r: usize| self.dose[r * self.width + c];
        let low = at(c, r) + (at(c1, r) - at(c, r)) * tx;
        let high = at(c, r1) + (at(c1, r1) - at(c, r1)) * tx;
        low + (high - low) * ty
    }

    /// Whether every dose is a product of what [`Raster::side`] says of u and of v.
    pub(super) fn is_product(&self) -> bool {
        self.sides.is_some()
    }

    /// The factor at u (axis 0) or at v (1), between the cells; 0 where doses are no products.
    pub(super) fn side(&self, axis: usize, at: f64) -> f32 {
        let Some(side) = self.sides.as_ref().map(|sides| &sides[axis]) else {
            return 0.0;
        };
        let x = (at - [self.left, self.bottom][axis]) / self.cell[axis] - 0.5;
        if x < -0.5 || x > side.len() as f64 - 0.5 {
            return 0.0;
        }
        let x = x.max(0.0);
        let k = (x as usize).min(side.len() - 1);
        let next = side[(k + 1).min(side.len() - 1)];
        side[k] + (next - side[k]) * (x - k as f64) as f32
    }

    /// Place in the order of scanning at (u, v), 0..1.
    pub(super) fn when(&self, u: f64, v: f64) -> Option<f64> {
        self.order.map(|[a, b, c]| (a * u + b * v + c).clamp(0.0, 1.0))
    }

    /// Replaces every dose by what `left` says of its place: what is left after something stood in the way.
    pub(super) fn replaced(&self, left: impl Fn(f64, f64) -> f32 + Sync) -> Raster {
        let mut raster = self.clone();
        raster.sides = None;
        let w = self.width;
        raster.dose.par_chunks_mut(w).enumerate().for_each(|(row, out)| {
            for (column, slot) in out.iter_mut().enumerate() {
                if *slot > 0.0 {
                    let (u, v) = self.place(column as f64, row as f64);
                    *slot = left(u, v).min(*slot);
                }
            }
        });
        raster
    }

    /// Blurs by a Gaussian of the spot's covariance: along u, and along v in a frame sheared so that the two are independent.
    fn blur(&mut self, spot: Spot) {
        let cell2 = self.cell[0] * self.cell[1];
        let (xx, xy, yy) = (spot.xx / cell2, spot.xy / cell2, spot.yy / cell2);
        if xx <= 0.0 || yy <= 0.0 {
            return;
        }
        // (u, v) = (u', v' + shear u'): v' is independent of u'.
        let shear = xy / xx;
        let rest = (yy - xy * shear).max(0.0);
        let (w, h) = (self.width, self.height);
        let skew = shear.abs() > 1e-3;
        if skew {
            self.shear(shear);
        }
        self.dose.par_chunks_mut(w).for_each(|row| blur_row(row, xx.sqrt()));
        let mut turned = transpose(&self.dose, w, h);
        turned.par_chunks_mut(h).for_each(|row| blur_row(row, rest.sqrt()));
        self.dose = transpose(&turned, h, w);
        if skew {
            self.shear(-shear);
        }
    }

    /// Moves each column of cells by `shear` cells per column from the middle, so that (u, v) holds what was at v + shear u.
    fn shear(&mut self, shear: f64) {
        let (w, h) = (self.width, self.height);
        let mut turned = transpose(&self.dose, w, h);
        turned.par_chunks_mut(h).enumerate().for_each(|(column, out)| {
            let shift = shear * (column as f64 - w as f64 / 2.0);
            let before = out.to_vec();
            let whole = shift.floor();
            let part = (shift - whole) as f32;
            // Round the ends: the margins are empty, and what is moved out comes back when the shear is undone.
            let at = |i: usize| before[(i as i64 + whole as i64).rem_euclid(h as i64) as usize];
            for (row, slot) in out.iter_mut().enumerate() {
                *slot = at(row) * (1.0 - part) + at(row + 1) * part;
            }
        });
        self.dose = transpose(&turned, h, w);
    }
}

fn transpose(from: &[f32], w: usize, h: usize) -> Vec<f32> {
    let mut to = vec![0.0; from.len()];
    to.par_chunks_mut(h).enumerate().for_each(|(column, out)| {
        for (row, slot) in out.iter_mut().enumerate() {
            *slot = from[row * w + column];
        }
    });
    to
}

/// Blurs a row by a Gaussian of `sigma` cells. What leaves the row is lost; rasters have margins.
fn blur_row(row: &mut [f32], sigma: f64) {
    if sigma < 0.05 || row.iter().all(|d| *d == 0.0) {
        return;
    }
    if sigma >= WIDE {
        // Three running means of this width have its variance.
        let half = ((((4.0 * sigma * sigma + 1.0).sqrt() - 1.0) / 2.0).round() as usize).max(1);
        (0..3).for_each(|_| running_mean(row, half));
        return;
    }
    let reach = (REACH * sigma).ceil() as usize;
    let mut kernel: Vec<f32> = (0..=reach)
        .map(|i| (-0.5 * (i as f64 / sigma).powi(2)).exp() as f32)
        .collect();
    let sum = kernel[0] + 2.0 * kernel[1..].iter().sum::<f32>();
    kernel.iter_mut().for_each(|k| *k /= sum);
    let n = row.len();
    let mut padded = vec![0.0; n + 2 * reach];
    padded[reach..reach + n].copy_from_slice(row);
    for (i, slot) in row.iter_mut().enumerate() {
        let window = &padded[i..i + 2 * reach + 1];
        let mut value = kernel[0] * window[reach];
        for (j, k) in kernel.iter().enumerate().skip(1) {
            value += k * (window[reach - j] + window[reach + j]);
        }
        *slot = value;
    }
}

fn running_mean(row: &mut [f32], half: usize) {
    let before = row.to_vec();
    let n = before.len();
    let scale = 1.0 / (2 * half + 1) as f64;
    let mut sum: f64 = before[..half.min(n)].iter().map(|d| f64::from(*d)).sum();
    for (i, slot) in row.iter_mut().enumerate() {
        if i + half < n {
            sum += f64::from(before[i + half]);
        }
        if i > half {
            sum -= f64::from(before[i - half - 1]);
        }
        *slot = (sum * scale) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disc(spot: Spot) -> Raster {
        let bounds = Bounds {
            left: -1e-6,
            bottom: -1e-6,
            right: 1e-6,
            top: 1e-6,
        };
        let inside = |u: f64, v: f64| f64::from(u.hypot(v) <= 1e-6);
        Raster::draw(bounds, spot, 1e-12, inside, |_, _| 1.0, |_, _| 1.0).unwrap()
    }

    #[test]
    fn a_raster_holds_its_charge_sharp_or_blurred() {
        for (xx, xy, yy) in [(0.0, 0.0, 0.0), (4e-16, 0.0, 4e-16), (4e-14, 2e-14, 3e-14)] {
            let raster = disc(Spot { xx, xy, yy });
            assert!(
                (raster.charge() / 1e-12 - 1.0).abs() < 0.01,
                "{xx:e}: {:e}",
                raster.charge()
            );
        }
    }

    #[test]
    fn a_product_of_two_sides_is_what_is_drawn_cell_by_cell() {
        let bounds = Bounds {
            left: -0.8e-6,
            bottom: 0.1e-6,
            right: 0.7e-6,
            top: 1.1e-6,
        };
        let spot = Spot {
            xx: 9e-16,
            xy: 0.0,
            yy: 4e-16,
        };
        let rising = |v: f64| 1.0 + v / 1e-6;
        let inside = |u: f64, v: f64| {
            f64::from((bounds.left..=bounds.right).contains(&u) && (bounds.bottom..=bounds.top).contains(&v))
        };
        let drawn = Raster::draw(bounds, spot, 1e-12, inside, |_, v| 0.5 * rising(v), |_, v| rising(v)).unwrap();
        let (one, half) = (|_: f64| 1.0, |v: f64| 0.5 * rising(v));
        let product = Raster::product(bounds, spot, 1e-12, [&one, &half], [&one, &rising]).unwrap();
        assert!(
            (product.charge() / 0.5e-12 - 1.0).abs() < 1e-3,
            "{:e}",
            product.charge()
        );
        let peak = drawn.peak();
        for (a, b) in drawn.dose.iter().zip(&product.dose) {
            assert!((a - b).abs() < 0.03 * peak, "{a} {b}");
        }
    }

    #[test]
    fn a_blurred_dose_has_the_variance_of_shape_and_spot() {
        let spot = Spot {
            xx: 9e-14,
            xy: 4e-14,
            yy: 6e-14,
        };
        let raster = disc(spot);
        let (mut sum, mut moments) = (0.0, [0.0; 3]);
        for (k, d) in raster.dose.iter().enumerate() {
            let (u, v) = raster.place((k % raster.width) as f64, (k / raster.width) as f64);
            let d = f64::from(*d);
            sum += d;
            moments = [moments[0] + d * u * u, moments[1] + d * u * v, moments[2] + d * v * v];
        }
        // A disc of radius r has r2 / 4 along each axis.
        for (got, want) in moments.iter().zip([2.5e-13 + 9e-14, 4e-14, 2.5e-13 + 6e-14]) {
            assert!((got / sum / want - 1.0).abs() < 0.06, "{:e} {want:e}", got / sum);
        }
    }
}
