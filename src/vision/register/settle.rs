//! The last pixel of a shift that is believed: least squares over what the pictures share, smoothed.
//!
//! The peak of a correlation is placed by the finest structure it holds. Where noise drowns that, the peak is pixels off although the shift
//! as such is beyond doubt. Differences of smoothed pictures along their gradients (Lucas and Kanade 1981) place it by all
//! that rises above the noise; where the fine structure is seen, the peak is the better of the two.

use super::Shift;
use super::evidence::{REDUCED_SIDE, reduced};
use super::picture::Picture;
use crate::filter::{Border, gaussian};
use ndarray::{Array2, ArrayView2, s};

/// Smoothing, reduced pixels.
const SMOOTH: f64 = 3.0;
/// Pixels at the rim of the overlap that the smoothing has spoiled.
const RIM: isize = 10;
/// Side of an overlap that is worth it, reduced pixels.
const LEAST: isize = 24;
const STEPS: usize = 8;
/// Reduced pixels from the peak beyond which it is another peak's place.
const REACH: f64 = 6.0;
/// Reduced pixels up to which the peak is kept.
const AGREED: f64 = 0.5;

/// The peak's shift, or where the pictures as a whole lie if that is elsewhere.
pub(super) fn settled(pictures: &[Picture; 2], peak: Shift) -> Shift {
    let (factor, pictures) = reduced(pictures, REDUCED_SIDE);
    let f = factor as f64;
    let [a, b] = pictures.map(|picture| gaussian(picture.view(), SMOOTH, Border::Reflect));
    let start = (peak.dx_px / f, peak.dy_px / f);
    let away = |at: (f64, f64)| (at.0 - start.0).hypot(at.1 - start.1);
    let mut at = start;
    for _ in 0..STEPS {
        let Some(next) = step(&a, &b, at).filter(|next| away(*next) <= REACH) else {
            return peak;
        };
        let moved = (next.0 - at.0).hypot(next.1 - at.1);
        at = next;
        if moved < 0.01 {
            break;
        }
    }
    if away(at) <= AGREED {
        return peak;
    }
    Shift {
        dx_px: at.0 * f,
        dy_px: at.1 * f,
        ..peak
    }
}

/// From the whole pixels next to (dx, dy) to where the differences that are left say; `None` without an overlap or gradients.
fn step(a: &Array2<f32>, b: &Array2<f32>, (dx, dy): (f64, f64)) -> Option<(f64, f64)> {
    let (h, w) = (a.nrows() as isize, a.ncols() as isize);
    let (x, y) = (dx.round() as isize, dy.round() as isize);
    let (y0, y1) = ((-y).max(0) + RIM, (h - y).min(h) - RIM);
    let (x0, x1) = ((-x).max(0) + RIM, (w - x).min(w) - RIM);
    if y1 - y0 < LEAST || x1 - x0 < LEAST {
        return None;
    }
    // contrast and brightness may have been set anew between the two
    let a = levelled(a.slice(s![y0..y1, x0..x1]))?;
    let b = levelled(b.slice(s![y0 + y..y1 + y, x0 + x..x1 + x]))?;
    let (mut xx, mut xy, mut yy, mut xe, mut ye) = (0.0f64, 0.0f64, 0.0f64, 0.0f64, 0.0f64);
    let (h, w) = a.dim();
    for i in 1..h - 1 {
        for j in 1..w - 1 {
            let slope = |m: &Array2<f32>| (m[[i, j + 1]] - m[[i, j - 1]], m[[i + 1, j]] - m[[i - 1, j]]);
            let (one, other) = (slope(&a), slope(&b));
            let gx = f64::from(0.25 * (one.0 + other.0));
            let gy = f64::from(0.25 * (one.1 + other.1));
            let e = f64::from(a[[i, j]] - b[[i, j]]);
            (xx, xy, yy) = (xx + gx * gx, xy + gx * gy, yy + gy * gy);
            (xe, ye) = (xe + gx * e, ye + gy * e);
        }
    }
    let area = xx * yy - xy * xy;
    // gradients of one direction alone place nothing along the other
    (area > 1e-3 * xx * yy).then(|| {
        let along = |v: f64| (v / area).clamp(-2.0 * SMOOTH, 2.0 * SMOOTH);
        (x as f64 + along(yy * xe - xy * ye), y as f64 + along(xx * ye - xy * xe))
    })
}

/// To mean 0 and variance 1; `None` for what is all the same.
fn levelled(part: ArrayView2<f32>) -> Option<Array2<f32>> {
    let (mean, std) = (part.mean()?, part.std(0.0));
    (std > 0.0 && std.is_finite()).then(|| part.mapv(|v| (v - mean) / std))
}
