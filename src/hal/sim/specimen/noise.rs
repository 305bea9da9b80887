//! Seeded texture: value noise on a lattice, summed in octaves, each faded out before it is finer than the pixels.

use super::Line;

/// Lattice cells per side; the pattern repeats after this many wavelengths.
const SIDE: usize = 256;

/// Places of a row that are worked out together, and at once.
const STRETCH: usize = 64;
const LANES: usize = 4;

/// A lattice of random values and the ways to read it. Same seed, same texture.
#[derive(Clone, Debug)]
pub struct Noise {
    lattice: Box<[f32; SIDE * SIDE]>,
}

/// 64 well-mixed bits from a seed and two integers (SplitMix64's finaliser).
pub fn hash(seed: u64, a: i64, b: i64) -> u64 {
    let mut z = seed ^ (a as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (b as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The `n`-th number in 0..1 that belongs to a hash.
pub fn unit(hash: u64, n: u32) -> f32 {
    let mut z = hash.wrapping_add(u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((z ^ (z >> 29)) >> 40) as f32 / (1u64 << 24) as f32
}

/// `share` (0..1) of `b`, the rest of `a`.
#[inline]
pub fn mix(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}

/// 1.5 x 2^23: added to a float of up to four million, it leaves the whole part in the lowest bits.
const ROUNDER: f32 = 12_582_912.0;

/// Whole part and fraction of anything up to four million, by an addition instead of a library call. A whole number may come
/// back as the one below with a fraction of 1.
#[inline]
pub fn split(x: f32) -> (i32, f32) {
    let rounded = (x - 0.5) + ROUNDER;
    (
        rounded.to_bits().wrapping_sub(ROUNDER.to_bits()) as i32,
        x - (rounded - ROUNDER),
    )
}

/// Length of (x, y): `hypot` guards against overflow that lengths in metres never reach.
#[inline]
pub fn length(x: f32, y: f32) -> f32 {
    (x * x + y * y).sqrt()
}

/// 0 below 0, 1 above 1, smooth between.
#[inline]
pub fn ease(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// 0 below `a`, 1 above `b`, smooth between.
#[inline]
pub fn smoothstep(a: f32, b: f32, x: f32) -> f32 {
    if x <= a {
        return 0.0;
    }
    if x >= b {
        return 1.0;
    }
    let t = (x - a) / (b - a);
    t * t * (3.0 - 2.0 * t)
}

/// A texture: octaves from `wavelength` (m) downwards, its origin moved by `shift` (m). Its own coordinates are the products
/// of `axes` with a place: what is not a square pair stretches it.
#[derive(Clone, Copy, Debug)]
pub struct Texture {
    wavelength: f32,
    count: u32,
    shift: [f32; 2],
    axes: [[f32; 2]; 2],
}

impl Texture {
    pub const fn new(wavelength: f32, count: u32) -> Self {
        Texture {
            wavelength,
            count,
            shift: [0.0; 2],
            axes: [[1.0, 0.0], [0.0, 1.0]],
        }
    }

    pub const fn shifted(self, x: f32, y: f32) -> Self {
        Texture { shift: [x, y], ..self }
    }

    pub const fn along(self, axes: [[f32; 2]; 2]) -> Self {
        Texture { axes, ..self }
    }
}

/// From one octave to the next: half the size, a little more than half the strength, turned so that no lattice shows.
const FINER: f32 = 1.0 / 1.912;
const WEAKER: f32 = 0.55;
const FIRST: f32 = 0.6;

fn next_octave(u: f32, v: f32) -> (f32, f32) {
    (1.52 * u - 1.16 * v + 17.3, 1.16 * u + 1.52 * v - 41.9)
}

impl Noise {
    pub fn new(seed: u64) -> Self {
        let mut lattice = Box::new([0.0; SIDE * SIDE]);
        for (i, value) in lattice.iter_mut().enumerate() {
            *value = unit(hash(seed, i as i64, 0x5eed), 0) * 2.0 - 1.0;
        }
        Noise { lattice }
    }

    /// One octave at (x, y) counted in wavelengths: smooth, in -1..1.
    #[inline]
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let ((ix, tx), (iy, ty)) = (split(x), split(y));
        let (sx, sy) = (tx * tx * (3.0 - 2.0 * tx), ty * ty * (3.0 - 2.0 * ty));
        let [a, b, c, d] = self.corners(ix, iy);
        let (top, bottom) = (a + (b - a) * sx, c + (d - c) * sx);
        top + (bottom - top) * sy
    }

    /// Octaves from `wavelength` (m) downwards, halving in size and strength; finer than two pixels of `px` (m) they are
    /// left out, fading over one octave. About -1..1.
    pub fn octaves(&self, x: f32, y: f32, wavelength: f32, count: u32, px: f32) -> f32 {
        let per_metre = wavelength.recip();
        let (mut u, mut v) = (x * per_metre, y * per_metre);
        let mut sum = 0.0;
        let mut strength = FIRST;
        let mut pixels = wavelength / (2.0 * px);
        for _ in 0..count {
            let fade = (pixels - 1.0).min(1.0);
            if fade <= 0.0 {
                break;
            }
            sum += strength * fade * self.at(u, v);
            (u, v) = next_octave(u, v);
            strength *= WEAKER;
            pixels *= FINER;
        }
        sum
    }

    /// The same along a row of places.
    pub fn octaves_row(&self, texture: &Texture, line: &Line, first: usize, out: &mut [f32]) {
        out.fill(0.0);
        let per_metre = f64::from(texture.wavelength).recip();
        let [across, down] = texture
            .axes
            .map(|[x, y]| [f64::from(x) * per_metre, f64::from(y) * per_metre]);
        let start = first as f64;
        let (x, y) = (line.x0 + start * line.dx, line.y0 + start * line.dy);
        let [mut u, mut v] = [(across, texture.shift[0]), (down, texture.shift[1])]
            .map(|(axis, shift)| (x * axis[0] + y * axis[1] + f64::from(shift) * per_metre) as f32);
        let [mut du, mut dv] = [across, down].map(|axis| (line.dx * axis[0] + line.dy * axis[1]) as f32);
        let mut strength = FIRST;
        let mut pixels = texture.wavelength / (2.0 * line.px);
        for _ in 0..texture.count {
            let fade = (pixels - 1.0).min(1.0);
            if fade <= 0.0 {
                break;
            }
            self.add_octave([u, v], [du, dv], strength * fade, out);
            (u, v) = next_octave(u, v);
            (du, dv) = (1.52 * du - 1.16 * dv, 1.16 * du + 1.52 * dv);
            strength *= WEAKER;
            pixels *= FINER;
        }
    }

    /// Adds `weight` of the octave at `start` + i `step` (wavelengths) to `out[i]`. The row is cut where it passes from one
    /// cell of the lattice to the next: inside a cell the corners stay, and several places are worked out at once.
    fn add_octave(&self, [u, v]: [f32; 2], [du, dv]: [f32; 2], weight: f32, out: &mut [f32]) {
        let (per_du, per_dv) = (per(du), per(dv));
        // Steps until an edge of the cell is crossed.
        let left = |t: f32, per: f32| ((1.0 - t) * per).max(-t * per);
        // The last lanes of a cell may lie beyond it; the next cell writes them anew.
        let mut values = [0.0; STRETCH + LANES];
        for (n, part) in out.chunks_mut(STRETCH).enumerate() {
            let before = (n * STRETCH) as f32;
            let (u, v) = (u + before * du, v + before * dv);
            let mut i = 0;
            while i < part.len() {
                let place = i as i32 as f32;
                let ((ix, tx), (iy, ty)) = (split(u + place * du), split(v + place * dv));
                let stay = left(tx, per_du).min(left(ty, per_dv)) as i32 as usize + 1;
                let [a, b, c, d] = self.corners(ix, iy).map(|corner| corner * weight);
                let (b, c, d) = (b - a, c - a, d - c - b + a);
                let end = (i + stay).min(part.len());
                let (mut x, mut y) = (tx, ty);
                while i < end {
                    let lanes = &mut values[i..i + LANES];
                    for (lane, value) in lanes.iter_mut().enumerate() {
                        let (x, y) = (x + lane as i32 as f32 * du, y + lane as i32 as f32 * dv);
                        let (sx, sy) = (x * x * (3.0 - 2.0 * x), y * y * (3.0 - 2.0 * y));
                        *value = a + b * sx + (c + d * sx) * sy;
                    }
                    (x, y) = (x + LANES as f32 * du, y + LANES as f32 * dv);
                    i += LANES;
                }
                i = end;
            }
            for (slot, value) in part.iter_mut().zip(&values) {
                *slot += value;
            }
        }
    }

    /// The values at the corners of a lattice cell: (x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1).
    #[inline]
    fn corners(&self, ix: i32, iy: i32) -> [f32; 4] {
        let mask = SIDE as i32 - 1;
        let (x0, x1) = ((ix & mask) as usize, (ix.wrapping_add(1) & mask) as usize);
        let (y0, y1) = ((iy & mask) as usize * SIDE, (iy.wrapping_add(1) & mask) as usize * SIDE);
        let l = &self.lattice;
        [l[y0 + x0], l[y0 + x1], l[y1 + x0], l[y1 + x1]]
    }
}

/// Steps per unit; of a row that stands still, more than any row has.
fn per(step: f32) -> f32 {
    if step.abs() < 1e-9 { 1e9 } else { step.recip() }
}

#[cfg(test)]
mod tests {
    use super::super::{Channel, Face};
    use super::*;

    #[test]
    fn octaves_finer_than_the_pixels_vanish() {
        let noise = Noise::new(4);
        assert_eq!(noise.octaves(3.3e-6, 1e-6, 1e-6, 5, 1e-6), 0.0);
        assert!(noise.octaves(3.3e-6, 1e-6, 1e-6, 5, 1e-8) != 0.0);
    }

    #[test]
    fn a_row_is_the_same_texture() {
        let noise = Noise::new(9);
        let texture = Texture::new(5e-6, 4).shifted(31e-6, 0.0);
        for (dx, dy) in [(0.1e-6, 0.0), (0.02e-6, -0.05e-6), (1.4e-6, 0.3e-6), (0.0, 0.0)] {
            let line = Line {
                x0: -40e-6,
                y0: 13e-6,
                dx,
                dy,
                px: 0.1e-6,
                face: Face::Top,
                channel: Channel::Electron,
            };
            let mut row = [0.0; 77];
            noise.octaves_row(&texture, &line, 5, &mut row);
            for (i, value) in row.iter().enumerate() {
                let i = (i + 5) as f64;
                let (x, y) = ((line.x0 + i * dx + 31e-6) as f32, (line.y0 + i * dy) as f32);
                let one = noise.octaves(x, y, 5e-6, 4, 0.1e-6);
                assert!((one - value).abs() < 2e-3, "{dx} {dy} {i}: {one} {value}");
            }
        }
    }

    #[test]
    fn seeds_decide() {
        let (a, b, c) = (Noise::new(1), Noise::new(1), Noise::new(2));
        assert_eq!(a.at(3.7, 9.1), b.at(3.7, 9.1));
        assert!(a.at(3.7, 9.1) != c.at(3.7, 9.1));
    }
}
