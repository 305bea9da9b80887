//! Iso-contours of a class by marching squares, and the instances that openFIBSEM makes of their boxes.
//!
//! The original does not number connected parts: it draws the bounding box of every contour, adds the numbers up where boxes overlap, and
//! calls each sum an instance. So a hole, an overlap or an object cut by the border make instances of their own; its features
//! can only be found again by doing the same.

use super::{Region, region};
use ndarray::{Array2, ArrayView2, s};
use std::collections::HashMap;

/// A box of pixels, ends **included**.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Box2 {
    pub y0: usize,
    pub y1: usize,
    pub x0: usize,
    pub x1: usize,
}

impl Box2 {
    /// The smallest box about both.
    pub fn with(self, other: Self) -> Self {
        Box2 {
            y0: self.y0.min(other.y0),
            y1: self.y1.max(other.y1),
            x0: self.x0.min(other.x0),
            x1: self.x1.max(other.x1),
        }
    }
}

/// More contours of one class than the original's numbering (8 bits) can hold: the mask is noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the mask is too noisy: class {class} falls into {contours} pieces, of which at most 255 can be told apart")]
pub struct TooManyContours {
    pub class: u8,
    pub contours: usize,
}

/// The instances of a class: a map of sums of contour numbers, 0 = none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layers {
    map: Array2<u8>,
    boxes: Vec<(u8, Box2)>,
}

impl Layers {
    pub fn map(&self) -> ArrayView2<'_, u8> {
        self.map.view()
    }

    /// One region per instance, by ascending number. They are made of boxes: pixels of other classes are in them too.
    pub fn instances(&self) -> impl Iterator<Item = Region<'_>> {
        let region = |(value, within): &(u8, Box2)| Region::new(self.map.view(), *value, Some(*within));
        self.boxes.iter().map(region)
    }
}

/// The boxes of the contours of a class, in the original's order. Coordinates lie half-way between pixels and are rounded to even.
/// A class that fills the picture has no contour.
pub fn contour_boxes(labels: ArrayView2<u8>, class: u8) -> Vec<Box2> {
    contours(labels, class).iter().map(|c| bounds(c)).collect()
}

/// Errors: more than 255 contours.
pub fn layers(labels: ArrayView2<u8>, class: u8) -> Result<Layers, TooManyContours> {
    let contours = contours(labels, class);
    if contours.len() > usize::from(u8::MAX) {
        return Err(TooManyContours {
            class,
            contours: contours.len(),
        });
    }
    let mut map = Array2::<u8>::zeros(labels.dim());
    for (number, points) in (1u8..=u8::MAX).zip(&contours) {
        let b = bounds(points);
        // The box without its last row and column, and of those the contour's own points, each once.
        let mut inside = map.slice_mut(s![b.y0..b.y1, b.x0..b.x1]);
        inside.mapv_inplace(|v| v.wrapping_add(number));
        let mut edge: Vec<_> = points
            .iter()
            .map(|p| p.rounded())
            .filter(|(y, x)| *y == b.y1 || *x == b.x1)
            .collect();
        edge.sort_unstable();
        edge.dedup();
        for at in edge {
            map[at] = map[at].wrapping_add(number);
        }
    }
    let boxes = region::boxes(map.view()).into_iter().enumerate().skip(1);
    let boxes = boxes
        .filter_map(|(value, within)| Some((u8::try_from(value).ok()?, within?)))
        .collect();
    Ok(Layers { map, boxes })
}

fn bounds(points: &[Crossing]) -> Box2 {
    let boxes = points.iter().map(|p| {
        let (y, x) = p.rounded();
        Box2 {
            y0: y,
            y1: y,
            x0: x,
            x1: x,
        }
    });
    boxes.reduce(Box2::with).unwrap_or_default()
}

/// A point half-way between two neighbours, in half pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Crossing {
    y2: u32,
    x2: u32,
}

impl Crossing {
    /// (y, x), halves to even.
    fn rounded(self) -> (usize, usize) {
        let round = |twice: u32| {
            let low = twice / 2;
            (low + (twice % 2) * (low % 2)) as usize
        };
        (round(self.y2), round(self.x2))
    }
}

/// A contour that grows: its ends, and its points in no order.
struct Growing {
    first: Crossing,
    last: Crossing,
    points: Vec<Crossing>,
}

/// Points of the contours of `labels == class` at one half, foreground 4-connected. The order is that in which scikit-image's
/// `find_contours` numbers them: by the first segment, a merged contour keeping the smaller number.
fn contours(labels: ArrayView2<u8>, class: u8) -> Vec<Vec<Crossing>> {
    let mut grown: Vec<Option<Growing>> = Vec::new();
    let (mut starts, mut ends) = (HashMap::new(), HashMap::new());
    let mut add = |from: Crossing, to: Crossing| {
        match (ends.remove(&from), starts.remove(&to)) {
            (None, None) => {
                starts.insert(from, grown.len());
                ends.insert(to, grown.len());
                grown.push(Some(Growing {
                    first: from,
                    last: to,
                    points: vec![from, to],
                }));
            }
            (Some(head), None) => {
                if let Some(contour) = &mut grown[head] {
                    contour.points.push(to);
                    contour.last = to;
                }
                ends.insert(to, head);
            }
            (None, Some(tail)) => {
                if let Some(contour) = &mut grown[tail] {
                    contour.points.push(from);
                    contour.first = from;
                }
                starts.insert(from, tail);
            }
            // Closed: both ends are on it already.
            (Some(head), Some(tail)) if head == tail => {}
            (Some(head), Some(tail)) => {
                let (kept, gone) = (head.min(tail), head.max(tail));
                let Some((a, b)) = grown[head].take().zip(grown[tail].take()) else {
                    return;
                };
                let (first, last) = (a.first, b.last);
                let (mut points, mut fewer) = (a.points, b.points);
                if points.len() < fewer.len() {
                    std::mem::swap(&mut points, &mut fewer);
                }
                points.append(&mut fewer);
                grown[gone] = None;
                grown[kept] = Some(Growing { first, last, points });
                starts.insert(first, kept);
                ends.insert(last, kept);
            }
        }
    };
    let (h, w) = labels.dim();
    for y in 0..h.saturating_sub(1) {
        let (upper, lower) = (labels.row(y), labels.row(y + 1));
        for x in 0..w.saturating_sub(1) {
            let bit = |v: u8, bit: u8| if v == class { bit } else { 0 };
            let case = bit(upper[x], 1) + bit(upper[x + 1], 2) + bit(lower[x], 4) + bit(lower[x + 1], 8);
            if case == 0 || case == 15 {
                continue;
            }
            let (y2, x2) = (2 * y as u32, 2 * x as u32);
            let top = Crossing { y2, x2: x2 + 1 };
            let bottom = Crossing { y2: y2 + 2, x2: x2 + 1 };
            let left = Crossing { y2: y2 + 1, x2 };
            let right = Crossing { y2: y2 + 1, x2: x2 + 2 };
            match case {
                1 => add(top, left),
                2 => add(right, top),
                3 => add(right, left),
                4 => add(left, bottom),
                5 => add(top, bottom),
                6 => {
                    add(right, top);
                    add(left, bottom);
                }
                7 => add(right, bottom),
                8 => add(bottom, right),
                9 => {
                    add(top, left);
                    add(bottom, right);
                }
                10 => add(bottom, top),
                11 => add(bottom, left),
                12 => add(left, right),
                13 => add(top, right),
                _ => add(left, top),
            }
        }
    }
    grown.into_iter().flatten().map(|c| c.points).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(h: usize, w: usize, inside: impl Fn(usize, usize) -> bool) -> Array2<u8> {
        Array2::from_shape_fn((h, w), |(y, x)| u8::from(inside(y, x)))
    }

    #[test]
    fn a_plain_object_has_one_box_rounded_to_even() {
        let labels = square(20, 30, |y, x| (5..10).contains(&y) && (8..15).contains(&x));
        // Edges at 4.5 and 9.5, at 7.5 and 14.5.
        let whole = Box2 {
            y0: 4,
            y1: 10,
            x0: 8,
            x1: 14,
        };
        assert_eq!(contour_boxes(labels.view(), 1), [whole]);
        assert_eq!(layers(labels.view(), 1).unwrap().instances().count(), 1);
    }

    #[test]
    fn as_many_contours_as_a_byte_counts_are_numbered_and_one_more_is_an_error() {
        let dots = |n: usize| square(64, 64, |y, x| y % 4 == 1 && x % 4 == 1 && y / 4 * 16 + x / 4 < n);
        assert_eq!(layers(dots(255).view(), 1).unwrap().map.iter().max(), Some(&255));
        assert!(layers(dots(256).view(), 1).is_err());
    }

    #[test]
    fn a_hole_is_a_second_instance() {
        let ring = square(40, 40, |y, x| {
            let inside = |a: usize, b: usize| (a..b).contains(&y) && (a..b).contains(&x);
            inside(4, 36) && !inside(12, 28)
        });
        assert_eq!(contour_boxes(ring.view(), 1).len(), 2);
        assert_eq!(layers(ring.view(), 1).unwrap().instances().count(), 2);
    }

    #[test]
    fn what_fills_the_picture_has_no_contour() {
        assert!(contour_boxes(square(9, 9, |_, _| true).view(), 1).is_empty());
    }

    #[test]
    fn noise_is_refused() {
        let dots = square(64, 64, |y, x| y % 3 == 1 && x % 3 == 1);
        let error = layers(dots.view(), 1).unwrap_err();
        assert_eq!(
            error,
            TooManyContours {
                class: 1,
                contours: 441
            }
        );
    }
}
