//! The objects of a mask: connected parts with boxes and keypoints, as openFIBSEM's data sets describe them.
//!
//! Unlike the original's, instance numbers do not wrap at 256. Its naming of two keypoints is kept, since files hold it: `bottom_edge` is the
//! upper one in the picture and `top_edge` the lower one.

use crate::mask::{Box2, Component, Run, components};
use model::Point;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// The fewest pixels that make an object, unless told otherwise.
pub const MIN_PIXELS: usize = 100;

/// Classes that are not objects, unless told otherwise: background, and the landing post, which is part of the grid.
pub const IGNORED: &[u8] = &[0, 3];

/// A connected part of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub class: u8,
    /// From 1 within the class, counted before small ones are left out.
    pub instance: usize,
    /// Number of pixels.
    pub area: usize,
    /// Its pixels, in row-major order.
    pub runs: Vec<Run>,
    /// Ends included.
    pub bounds: Box2,
    pub keypoints: Keypoints,
}

/// Points of an object (x, y), pixels, by the names in openFIBSEM's files.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Keypoints {
    pub centre: Point,
    /// The **smaller** y: up in the picture.
    pub bottom_edge: Point,
    /// The **larger** y: down in the picture.
    pub top_edge: Point,
    pub left_edge: Point,
    pub right_edge: Point,
    pub top_left: Point,
    pub top_right: Point,
    pub bottom_left: Point,
    pub bottom_right: Point,
}

impl Object {
    fn of(part: Component) -> Self {
        let b = part.bounds();
        let (mut sum_x2, mut sum_y) = (0, 0);
        for run in &part.runs {
            let n = run.x1 - run.x0;
            sum_x2 += n * (run.x0 + run.x1 - 1);
            sum_y += n * run.y;
        }
        let n = part.area as f64;
        let (cx, cy) = (sum_x2 as f64 / 2.0 / n, sum_y as f64 / n);
        let [x0, x1, y0, y1] = [b.x0, b.x1, b.y0, b.y1].map(|v| v as f64);
        let point = |x, y| Point { x, y };
        Object {
            class: part.class,
            instance: part.number,
            area: part.area,
            bounds: b,
            keypoints: Keypoints {
                centre: point(cx, cy),
                bottom_edge: point(cx, y0),
                top_edge: point(cx, y1),
                left_edge: point(x0, cy),
                right_edge: point(x1, cy),
                top_left: point(x0, y0),
                top_right: point(x1, y0),
                bottom_left: point(x0, y1),
                bottom_right: point(x1, y1),
            },
            runs: part.runs,
        }
    }

    /// (row, column) of its pixels in row-major order: the original's `mask`.
    pub fn pixels(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.runs.iter().flat_map(|run| (run.x0..run.x1).map(|x| (run.y, x)))
    }

    /// ((y0, x0), (y1, x1)), the end excluded: the original's `bbox`.
    pub fn bbox(&self) -> [(usize, usize); 2] {
        let b = self.bounds;
        [(b.y0, b.x0), (b.y1 + 1, b.x1 + 1)]
    }
}

/// The objects of a mask, by class, then by the row-major order of their first pixels.
pub fn objects(labels: ArrayView2<u8>, ignored: &[u8], min_pixels: usize) -> Vec<Object> {
    let size = labels.dim();
    let parts = components(labels).into_iter();
    let wanted = parts.filter(|c| counts(c, size, min_pixels) && !ignored.contains(&c.class));
    let mut found: Vec<Object> = wanted.map(Object::of).collect();
    if !ignored.contains(&0) {
        let background = components(labels.mapv(|v| u8::from(v == 0)).view()).into_iter();
        let background = background.filter(|c| counts(c, size, min_pixels));
        let background = background.map(|c| Object::of(Component { class: 0, ..c }));
        found.splice(0..0, background);
    }
    found
}

/// Whether a part is an object: large enough, and not the whole picture of (rows, columns), which has no outline.
pub(crate) fn counts(part: &Component, (h, w): (usize, usize), min_pixels: usize) -> bool {
    part.area >= min_pixels && part.area < h * w
}
