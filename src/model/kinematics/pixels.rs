//! Pixels (x right, y down, origin top left) against picture metres (x right, y up, origin in the centre).
//!
//! Source: openFIBSEM `conversions.py`.

use crate::Point;

/// The centre of a picture of `size` (w, h) pixels. Without `subpixel` the centre is a whole pixel, rounded down, as openFIBSEM
/// has it for clicks.
pub fn centre(size: (u32, u32), subpixel: bool) -> Point {
    if subpixel {
        Point {
            x: f64::from(size.0) / 2.0,
            y: f64::from(size.1) / 2.0,
        }
    } else {
        Point {
            x: f64::from(size.0 / 2),
            y: f64::from(size.1 / 2),
        }
    }
}

/// Picture metres of a pixel; `pixel_size` in m.
pub fn to_metres(pixel: Point, size: (u32, u32), pixel_size: f64, subpixel: bool) -> Point {
    let centre = centre(size, subpixel);
    Point {
        x: (pixel.x - centre.x) * pixel_size,
        y: (centre.y - pixel.y) * pixel_size,
    }
}

/// Pixel of a point in picture metres: the inverse of [`to_metres`] with the same `subpixel`.
pub fn from_metres(point: Point, size: (u32, u32), pixel_size: f64, subpixel: bool) -> Point {
    let centre = centre(size, subpixel);
    Point {
        x: centre.x + point.x / pixel_size,
        y: centre.y - point.y / pixel_size,
    }
}

/// A length in whole pixels, cut off towards 0.
pub fn length(metres: f64, pixel_size: f64) -> i64 {
    (metres / pixel_size) as i64
}

/// Strictly inside the picture, its edges excluded.
pub fn is_inside(pixel: Point, size: (u32, u32)) -> bool {
    pixel.x > 0.0 && pixel.y > 0.0 && pixel.x < f64::from(size.0) && pixel.y < f64::from(size.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_pictures_have_two_centres() {
        assert_eq!(centre((5, 4), false), Point { x: 2.0, y: 2.0 });
        assert_eq!(centre((5, 4), true), Point { x: 2.5, y: 2.0 });
        assert!(is_inside(Point { x: 0.5, y: 3.5 }, (5, 4)) && !is_inside(Point { x: 0.0, y: 1.0 }, (5, 4)));
        assert_eq!(length(-1.9e-6, 1e-6), -1);
    }
}
