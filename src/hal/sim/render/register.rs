//! Drift correction: how far a frame has moved against the first one, found by comparing them, as the instrument does.
//!
//! Coarse to fine: both frames are shrunk, the best overlap is searched, and each finer level only looks around the last answer.

/// A shrunk frame without its slow brightness.
struct Level {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

fn shrink(frame: &[f32], width: usize, factor: usize) -> Level {
    let height = frame.len() / width;
    let (w, h) = (width / factor, height / factor);
    let mut values = vec![0.0f32; w * h];
    for (j, line) in values.chunks_mut(w).enumerate() {
        for y in j * factor..(j + 1) * factor {
            let row = &frame[y * width..y * width + w * factor];
            for (slot, block) in line.iter_mut().zip(row.chunks(factor)) {
                *slot += block.iter().sum::<f32>();
            }
        }
    }
    let n = (factor * factor) as f32;
    let mean = values.iter().sum::<f32>() / values.len().max(1) as f32;
    values.iter_mut().for_each(|v| *v = (*v - mean) / n);
    Level {
        width: w,
        height: h,
        values,
    }
}

/// Mean squared difference where `b` is moved back by (dx, dy).
fn mismatch(a: &Level, b: &Level, dx: i64, dy: i64) -> f64 {
    let (w, h) = (a.width as i64, a.height as i64);
    let (x0, x1) = ((-dx).max(0), (w - dx).min(w));
    let (y0, y1) = ((-dy).max(0), (h - dy).min(h));
    if x1 - x0 < w / 4 || y1 - y0 < h / 4 {
        return f64::MAX;
    }
    let n = (x1 - x0) as usize;
    let mut sum = 0.0f64;
    for y in y0..y1 {
        let ra = &a.values[(y * w + x0) as usize..][..n];
        let rb = &b.values[((y + dy) * w + x0 + dx) as usize..][..n];
        sum += f64::from(ra.iter().zip(rb).map(|(p, q)| (p - q) * (p - q)).sum::<f32>());
    }
    sum / (n as i64 * (y1 - y0)) as f64
}

/// How far the content of `frame` lies right of and below that of `reference` (px).
pub(super) fn displacement(reference: &[f32], frame: &[f32], width: usize) -> [f32; 2] {
    let height = reference.len() / width;
    let mut factor = (width.min(height) / 96).next_power_of_two().clamp(1, 16);
    let mut best = (0i64, 0i64);
    let mut around = 12;
    loop {
        let (a, b) = (shrink(reference, width, factor), shrink(frame, width, factor));
        let centre = best;
        let mut least = f64::MAX;
        for dy in centre.1 - around..=centre.1 + around {
            for dx in centre.0 - around..=centre.0 + around {
                let m = mismatch(&a, &b, dx, dy);
                if m < least {
                    (least, best) = (m, (dx, dy));
                }
            }
        }
        if factor == 1 {
            // The vertex of the paraboloid through the nine mismatches round the least one; slanted textures couple x and y.
            let m = |dx: i64, dy: i64| mismatch(&a, &b, best.0 + dx, best.1 + dy);
            let (l, r, u, d) = (m(-1, 0), m(1, 0), m(0, -1), m(0, 1));
            let (gx, gy) = ((r - l) / 2.0, (d - u) / 2.0);
            let (xx, yy) = (l - 2.0 * least + r, u - 2.0 * least + d);
            let xy = (m(1, 1) - m(1, -1) - m(-1, 1) + m(-1, -1)) / 4.0;
            let det = xx * yy - xy * xy;
            let sane = det > 0.0 && det.is_finite();
            let (fx, fy) = if sane {
                ((xy * gy - yy * gx) / det, (xy * gx - xx * gy) / det)
            } else {
                (0.0, 0.0)
            };
            return [
                (best.0 as f64 + fx.clamp(-1.0, 1.0)) as f32,
                (best.1 as f64 + fy.clamp(-1.0, 1.0)) as f32,
            ];
        }
        factor /= 2;
        best = (best.0 * 2, best.1 * 2);
        around = 2;
    }
}

/// Adds `frame`, moved back by `moved` pixels (right, down), to `sum`, and one to `weight` wherever it reaches.
pub(super) fn add_back(sum: &mut [f32], weight: &mut [f32], frame: &[f32], width: usize, moved: [f32; 2]) {
    let height = frame.len() / width;
    let (x0, y0) = (moved[0].floor(), moved[1].floor());
    let (tx, ty) = (moved[0] - x0, moved[1] - y0);
    let fetch = |x: i64, y: i64| frame[y as usize * width + x as usize];
    for row in 0..height {
        let y = row as i64 + y0 as i64;
        if y < 0 || y + 1 >= height as i64 {
            continue;
        }
        for col in 0..width {
            let x = col as i64 + x0 as i64;
            if x < 0 || x + 1 >= width as i64 {
                continue;
            }
            let top = fetch(x, y) * (1.0 - tx) + fetch(x + 1, y) * tx;
            let below = fetch(x, y + 1) * (1.0 - tx) + fetch(x + 1, y + 1) * tx;
            sum[row * width + col] += top * (1.0 - ty) + below * ty;
            weight[row * width + col] += 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texture(x: f32, y: f32) -> f32 {
        (x * 0.11).sin() * (y * 0.07).cos() + 0.5 * (x * 0.031 + y * 0.043).sin() + 0.3 * (x * 0.29 - y * 0.17).sin()
    }

    fn frame(dx: f32, dy: f32) -> Vec<f32> {
        (0..384 * 256)
            .map(|k| texture((k % 384) as f32 - dx, (k / 384) as f32 - dy))
            .collect()
    }

    #[test]
    fn displacements_are_found_to_a_fraction_of_a_pixel() {
        for (dx, dy) in [(0.0, 0.0), (3.4, -2.2), (-11.0, 7.5), (17.3, 20.1)] {
            let [x, y] = displacement(&frame(0.0, 0.0), &frame(dx, dy), 384);
            assert!((x - dx).abs() < 0.25 && (y - dy).abs() < 0.25, "{dx} {dy}: {x} {y}");
        }
    }

    #[test]
    fn adding_back_undoes_the_displacement() {
        let (mut sum, mut weight) = (vec![0.0; 384 * 256], vec![0.0; 384 * 256]);
        add_back(&mut sum, &mut weight, &frame(5.3, -4.6), 384, [5.3, -4.6]);
        let k = 128 * 384 + 190;
        assert_eq!(weight[k], 1.0);
        assert!((sum[k] - frame(0.0, 0.0)[k]).abs() < 0.02);
    }
}
