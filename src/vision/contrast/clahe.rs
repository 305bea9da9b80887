//! Contrast-limited adaptive histogram equalisation of 8-bit pictures, for the eye.
//!
//! Source: Zuiderveld (1994) as OpenCV computes it, to the bit: tiles of a grid, each tile's histogram clipped and its excess spread
//! over all greys, and between tiles' middles the curves interpolated. openFIBSEM's limit there is 15, on 8 x 8 tiles. (Its default,
//! scikit-image's, is the same idea with other rounding; it scales by the maximum first, which wraps full white to black.)

use crate::filter::Border;
use ndarray::{Array2, ArrayView2};

/// openFIBSEM's grid and limit.
pub const CLAHE: (usize, f64) = (8, 15.0);

/// Equalised by `tiles` x `tiles` parts. No bin counts more than `limit` times the mean bin; 0 or less: no limit. An empty
/// picture, or none to cut, stays as it is.
pub fn clahe(picture: ArrayView2<u8>, tiles: usize, limit: f64) -> Array2<u8> {
    let (h, w) = picture.dim();
    let tiles = tiles.max(1);
    if h == 0 || w == 0 {
        return picture.to_owned();
    }
    // where the tiles do not fill the picture OpenCV lengthens both sides, one that they fill by a whole pixel a tile
    let filled = h.is_multiple_of(tiles) && w.is_multiple_of(tiles);
    let tile = |size: usize| if filled { size / tiles } else { size / tiles + 1 };
    let (th, tw) = (tile(h), tile(w));
    let area = th * tw;
    let limit = (limit > 0.0).then(|| ((limit * area as f64 / 256.0) as u32).max(1));
    let curve = |row: usize, column: usize| {
        let mut bins = [0u32; 256];
        for y in row * th..(row + 1) * th {
            for x in column * tw..(column + 1) * tw {
                // a picture that the tiles do not fill goes on as in a mirror
                bins[usize::from(picture[[Border::Mirror.fold(y as isize, h), Border::Mirror.fold(x as isize, w)]])] +=
                    1;
            }
        }
        if let Some(limit) = limit {
            clip(&mut bins, limit);
        }
        equalised(&bins, area)
    };
    let curves: Vec<[u8; 256]> = (0..tiles * tiles).map(|n| curve(n / tiles, n % tiles)).collect();
    // between which two tiles a pixel lies, and how far along
    let between = |at: usize, size: usize| {
        // not a division: that rounds otherwise, by a grey here and there
        let along = at as f32 * (1.0 / size as f32) - 0.5;
        let first = along.floor();
        let share = along - first;
        let tile = |n: f32| n.clamp(0.0, (tiles - 1) as f32) as usize;
        (tile(first), tile(first + 1.0), share)
    };
    Array2::from_shape_fn((h, w), |(y, x)| {
        let ((y0, y1, ya), (x0, x1, xa)) = (between(y, th), between(x, tw));
        let grey = usize::from(picture[[y, x]]);
        let at = |row: usize, column: usize| f32::from(curves[row * tiles + column][grey]);
        let upper = at(y0, x0) * (1.0 - xa) + at(y0, x1) * xa;
        let lower = at(y1, x0) * (1.0 - xa) + at(y1, x1) * xa;
        (upper * (1.0 - ya) + lower * ya).round_ties_even() as u8
    })
}

/// What bins have above the limit, spread evenly; what is left over goes to bins at even distances.
fn clip(bins: &mut [u32; 256], limit: u32) {
    let mut excess = 0;
    for bin in bins.iter_mut() {
        excess += bin.saturating_sub(limit);
        *bin = (*bin).min(limit);
    }
    let (each, left) = (excess / 256, (excess % 256) as usize);
    bins.iter_mut().for_each(|bin| *bin += each);
    if let Some(step) = 256usize.checked_div(left) {
        bins.iter_mut().step_by(step).take(left).for_each(|bin| *bin += 1);
    }
}

fn equalised(bins: &[u32; 256], area: usize) -> [u8; 256] {
    let scale = 255.0 / area as f32;
    let mut sum = 0;
    bins.map(|bin| {
        sum += bin;
        (sum as f32 * scale).round_ties_even() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Size, tiles and limit, and the sum that OpenCV 5.0 comes to.
    type Row = ((usize, usize), (usize, f64), u64);
    const WANTED: &[Row] = &[
        ((96, 128), (8, 15.0), 77264263),
        ((96, 128), (8, 0.0), 77264263),
        ((101, 75), (8, 15.0), 47630410),
        ((64, 64), (4, 2.0), 24808403),
        ((200, 300), (8, 40.0), 377721971),
        ((96, 75), (8, 15.0), 45252075),
    ];

    fn sum(picture: &Array2<u8>) -> u64 {
        picture
            .indexed_iter()
            .map(|((y, x), v)| u64::from(*v) * (1 + (y * 31 + x * 17) as u64 % 97))
            .sum()
    }

    #[test]
    fn it_is_what_opencv_makes_of_it() {
        let made = |h: usize, w: usize| {
            Array2::from_shape_fn((h, w), |(y, x)| {
                ((x * x * 7 + y * 13 + x * y) % 251 / (1 + y / 40)) as u8
            })
        };
        // cv2.createCLAHE(limit, (tiles, tiles)).apply, summed with the weights above
        for ((h, w), (tiles, limit), wanted) in WANTED {
            let found = clahe(made(*h, *w).view(), *tiles, *limit);
            assert_eq!(sum(&found), *wanted, "{h} x {w}, {tiles} tiles, limit {limit}");
        }
    }

    #[test]
    fn a_dark_corner_gets_contrast_and_an_empty_picture_stays() {
        let dim = Array2::from_shape_fn(
            (64, 64),
            |(y, x)| if y < 32 && x < 32 { ((x + y) % 8) as u8 } else { 200 },
        );
        let found = clahe(dim.view(), CLAHE.0, 40.0);
        let corner = found.slice(ndarray::s![..16, ..16]);
        let (low, high) = corner.iter().fold((255, 0), |(l, h), v| (*v.min(&l), *v.max(&h)));
        assert!(high - low > 60, "{low} {high}");
        assert_eq!(clahe(Array2::zeros((0, 5)).view(), 8, 15.0).dim(), (0, 5));
    }
}
