//! Seeded texture: value noise on a lattice, summed in octaves, each faded out before it is finer than the pixels.

/// Lattice cells per side; the pattern repeats after this many wavelengths.
const SIDE: usize = 256;

/// A lattice of random values and the ways to read it. Same seed, same texture.
#[derive(Clone, Debug)]
pub struct Noise {
    lattice: Vec<f32>,
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

/// 0 below `a`, 1 above `b`, smooth between.
pub fn smoothstep(a: f32, b: f32, x: f32) -> f32 {
    let t = ((x - a) / (b - a)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

impl Noise {
    pub fn new(seed: u64) -> Self {
        let lattice = (0..SIDE * SIDE)
            .map(|i| unit(hash(seed, i as i64, 0x5eed), 0) * 2.0 - 1.0)
            .collect();
        Noise { lattice }
    }

    /// One octave at (x, y) counted in wavelengths: smooth, in -1..1.
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let (fx, fy) = (x.floor(), y.floor());
        let (ix, iy) = (fx as i32 as usize, fy as i32 as usize);
        let (tx, ty) = (x - fx, y - fy);
        let (sx, sy) = (tx * tx * (3.0 - 2.0 * tx), ty * ty * (3.0 - 2.0 * ty));
        let mask = SIDE - 1;
        let (x0, x1) = (ix & mask, (ix.wrapping_add(1)) & mask);
        let (y0, y1) = ((iy & mask) * SIDE, ((iy.wrapping_add(1)) & mask) * SIDE);
        let l = &self.lattice;
        let top = l[y0 + x0] + (l[y0 + x1] - l[y0 + x0]) * sx;
        let bottom = l[y1 + x0] + (l[y1 + x1] - l[y1 + x0]) * sx;
        top + (bottom - top) * sy
    }

    /// Octaves from `wavelength` (m) downwards, halving in size and strength, each turned so that no lattice shows; finer
    /// than two pixels of `px` (m) they are left out, fading over one octave. About -1..1.
    pub fn octaves(&self, x: f32, y: f32, wavelength: f32, count: u32, px: f32) -> f32 {
        let (mut u, mut v) = (x / wavelength, y / wavelength);
        let mut sum = 0.0;
        let mut strength = 0.6;
        let mut size = wavelength;
        for _ in 0..count {
            let fade = (size / (2.0 * px) - 1.0).min(1.0);
            if fade <= 0.0 {
                break;
            }
            sum += strength * fade * self.at(u, v);
            (u, v) = (1.52 * u - 1.16 * v + 17.3, 1.16 * u + 1.52 * v - 41.9);
            strength *= 0.55;
            size *= 0.523;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octaves_finer_than_the_pixels_vanish() {
        let noise = Noise::new(4);
        assert_eq!(noise.octaves(3.3e-6, 1e-6, 1e-6, 5, 1e-6), 0.0);
        assert!(noise.octaves(3.3e-6, 1e-6, 1e-6, 5, 1e-8) != 0.0);
    }

    #[test]
    fn seeds_decide() {
        let (a, b, c) = (Noise::new(1), Noise::new(1), Noise::new(2));
        assert_eq!(a.at(3.7, 9.1), b.at(3.7, 9.1));
        assert!(a.at(3.7, 9.1) != c.at(3.7, 9.1));
    }
}
