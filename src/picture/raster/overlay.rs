//! Overlays as data, and how they are burned into a raster.
//!
//! To add one: a variant of [`Overlay`] and its arm in [`draw`], made of the strokes of `pen`.

use super::mask;
use super::pen::Pen;
use super::{Grey, Ink, Position, Raster, Viewport};
use ndarray::Array2;
use std::sync::Arc;

/// Something drawn over a picture, in picture pixels.
#[derive(Clone, Debug, PartialEq)]
pub enum Overlay {
    /// The middle of the picture, arms 5 % of its width.
    Crosshair {
        ink: Ink,
    },
    /// Where the keyboard cursor is: a cross with an open middle.
    Cursor {
        at: Position,
        ink: Ink,
    },
    Line {
        from: Position,
        to: Position,
        ink: Ink,
    },
    /// A distance being measured: a line with end marks and `text` beside its middle.
    Ruler {
        from: Position,
        to: Position,
        text: String,
        ink: Ink,
    },
    Rect {
        left: f64,
        top: f64,
        width: f64,
        height: f64,
        ink: Ink,
    },
    /// A closed outline (a pattern, a mask's edge).
    Outline {
        points: Vec<Position>,
        ink: Ink,
    },
    /// A shape of a milling pattern: closed, or a line where it has two points.
    Pattern {
        points: Vec<Position>,
        stroke: Stroke,
        /// Filled with slanting lines: kept clear instead of milled.
        hatched: bool,
        ink: Ink,
    },
    /// A small square to take something by.
    Handle {
        at: Position,
        ink: Ink,
    },
    /// A feature or a site, with its name beside it.
    Marker {
        at: Position,
        text: String,
        ink: Ink,
    },
    /// Class ids over a picture of `size` (width, height), rows x columns of as many as there are; 0 is left clear. Their edges are
    /// drawn in full, whatever the opacity (0 to 1) is.
    Mask {
        labels: Arc<Array2<u8>>,
        size: (f64, f64),
        /// By class from 0 on; beyond, those from 1 on come again.
        colours: Arc<[[u8; 3]]>,
        opacity: f64,
    },
    /// Text whose left end is at `at`.
    Text {
        at: Position,
        text: String,
        ink: Ink,
    },
    /// A bar of a round length near a fifth of the visible width, lower left, on a darkened ground. `pixel_size` in m.
    ScaleBar {
        pixel_size: f64,
        ink: Ink,
    },
}

/// How a line is drawn; told apart without colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stroke {
    #[default]
    Solid,
    Dashed,
    Dotted,
}

impl Stroke {
    /// Whether the pixel `n` steps along the line is drawn.
    pub(super) fn draws(self, n: usize) -> bool {
        match self {
            Stroke::Solid => true,
            Stroke::Dashed => n % 6 < 4,
            Stroke::Dotted => n.is_multiple_of(3),
        }
    }
}

impl Overlay {
    /// The same in another ink.
    pub fn in_ink(mut self, new: Ink) -> Overlay {
        match &mut self {
            Overlay::Crosshair { ink }
            | Overlay::Cursor { ink, .. }
            | Overlay::Line { ink, .. }
            | Overlay::Ruler { ink, .. }
            | Overlay::Rect { ink, .. }
            | Overlay::Outline { ink, .. }
            | Overlay::Pattern { ink, .. }
            | Overlay::Handle { ink, .. }
            | Overlay::Marker { ink, .. }
            | Overlay::Text { ink, .. }
            | Overlay::ScaleBar { ink, .. } => *ink = new,
            // its colours tell classes apart
            Overlay::Mask { .. } => {}
        }
        self
    }

    /// The reduced area (or any rectangle in fractions) of a picture of `size` pixels.
    pub fn fraction(area: &model::Rect, size: (usize, usize), ink: Ink) -> Overlay {
        let (w, h) = (size.0 as f64, size.1 as f64);
        Overlay::Rect {
            left: area.left * w,
            top: area.top * h,
            width: area.width * w,
            height: area.height * h,
            ink,
        }
    }
}

/// The picture with its overlays. Without overlays the raster stays plain grey.
pub fn burn(grey: Grey, overlays: &[Overlay], viewport: &Viewport) -> Raster {
    let mut raster = Raster::from(grey);
    if overlays.is_empty() || raster.grey.data.is_empty() {
        return raster;
    }
    let mut pen = Pen::new(&mut raster, viewport);
    for overlay in overlays {
        draw(overlay, &mut pen);
    }
    let ink = pen.ink();
    if ink.iter().any(Option::is_some) {
        raster.ink = ink;
    }
    raster
}

/// Length in metres and text of the scale bar for a visible width of `field` metres; `None` when that is no length.
/// The length is the one of {1, 2, 5} x 10^k, k of a fifth of the field, nearest to that fifth.
pub fn scale_bar(field: f64) -> Option<(f64, String)> {
    let target = 0.2 * field;
    if !target.is_finite() || target <= 0.0 {
        return None;
    }
    let decade = 10f64.powf(target.log10().floor());
    let length = [1.0, 2.0, 5.0]
        .map(|m| m * decade)
        .into_iter()
        .min_by(|a, b| (a - target).abs().total_cmp(&(b - target).abs()))?;
    let (factor, unit) = match length * (1.0 + 1e-9) {
        l if l < 1e-9 => (1e12, "pm"),
        l if l < 1e-6 => (1e9, "nm"),
        l if l < 1e-3 => (1e6, "um"),
        l if l < 1.0 => (1e3, "mm"),
        _ => (1.0, "m"),
    };
    Some((length, format!("{:.0} {unit}", length * factor)))
}

/// One overlay, with what it is made of.
fn draw(overlay: &Overlay, pen: &mut Pen) {
    let (width, height) = pen.picture();
    match overlay {
        Overlay::Crosshair { ink } => {
            let centre = pen.at(Position::new(width as f64 / 2.0, height as f64 / 2.0));
            let arm = (0.05 * width as f64 / pen.step()).max(2.0);
            pen.cross(centre, 0.0, arm, *ink);
        }
        Overlay::Cursor { at, ink } => {
            let size = pen.cell_height();
            pen.cross(pen.at(*at), (0.15 * size).floor(), (0.8 * size).max(2.0), *ink);
        }
        Overlay::Line { from, to, ink } => pen.line(pen.at(*from), pen.at(*to), *ink),
        Overlay::Ruler { from, to, text, ink } => {
            let (a, b) = (pen.at(*from), pen.at(*to));
            pen.line(a, b, *ink);
            let length = (b.x - a.x).hypot(b.y - a.y);
            if length > 0.0 {
                let mark = 0.25 * pen.cell_height() / length;
                let (dx, dy) = (-(b.y - a.y) * mark, (b.x - a.x) * mark);
                for end in [a, b] {
                    pen.line(
                        Position::new(end.x - dx, end.y - dy),
                        Position::new(end.x + dx, end.y + dy),
                        *ink,
                    );
                }
            }
            let beside = 0.5 * pen.cell_width();
            pen.text(Position::new((a.x + b.x) / 2.0 + beside, (a.y + b.y) / 2.0), text, *ink);
        }
        Overlay::Rect {
            left,
            top,
            width,
            height,
            ink,
        } => {
            let corner = |x: f64, y: f64| Position::new(left + x * width, top + y * height);
            pen.outline(
                &[corner(0.0, 0.0), corner(1.0, 0.0), corner(1.0, 1.0), corner(0.0, 1.0)],
                *ink,
            );
        }
        Overlay::Outline { points, ink } => pen.outline(points, *ink),
        Overlay::Pattern {
            points,
            stroke,
            hatched,
            ink,
        } => {
            let points: Vec<Position> = points.iter().map(|p| pen.at(*p)).collect();
            let sides = if points.len() == 2 { 1 } else { points.len() };
            for (i, from) in points.iter().enumerate().take(sides) {
                pen.stroke(*from, points[(i + 1) % points.len()], *stroke, *ink);
            }
            if *hatched {
                pen.hatch(&points, *ink);
            }
        }
        Overlay::Handle { at, ink } => {
            let (centre, r) = (pen.at(*at), (0.1 * pen.cell_height()).max(0.5));
            let corners =
                [(-r, -r), (r, -r), (r, r), (-r, r)].map(|(dx, dy)| Position::new(centre.x + dx, centre.y + dy));
            pen.closed(&corners, *ink);
        }
        Overlay::Marker { at, text, ink } => {
            let (centre, r) = (pen.at(*at), (0.3 * pen.cell_height()).max(1.0));
            let diamond =
                [(0.0, -r), (r, 0.0), (0.0, r), (-r, 0.0)].map(|(dx, dy)| Position::new(centre.x + dx, centre.y + dy));
            pen.closed(&diamond, *ink);
            pen.text(
                Position::new(centre.x + r + 0.5 * pen.cell_width(), centre.y),
                text,
                *ink,
            );
        }
        Overlay::Mask {
            labels,
            size,
            colours,
            opacity,
        } => mask::tint(pen, labels, *size, colours, *opacity),
        Overlay::Text { at, text, ink } => pen.text(pen.at(*at), text, *ink),
        Overlay::ScaleBar { pixel_size, ink } => pen.scale_bar(*pixel_size, *ink),
    }
}
