//! Overlays as data, and how they are burned into a raster.
//!
//! To add one: a variant of [`Overlay`] and its arm in [`burn`], made of the strokes below. Everything is clipped; a
//! position that is not a number draws nothing.

use super::{Grey, Ink, Label, Position, Raster, Viewport, font};

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
    fn draws(self, n: usize) -> bool {
        match self {
            Stroke::Solid => true,
            Stroke::Dashed => n % 6 < 4,
            Stroke::Dotted => n.is_multiple_of(3),
        }
    }
}

impl Overlay {
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
    let mut pen = Pen {
        ink: vec![None; raster.grey.data.len()],
        raster: &mut raster,
        viewport,
    };
    for overlay in overlays {
        pen.draw(overlay);
    }
    let Pen { ink, .. } = pen;
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

/// Draws in canvas pixels.
struct Pen<'a> {
    raster: &'a mut Raster,
    ink: Vec<Option<Ink>>,
    viewport: &'a Viewport,
}

impl Pen<'_> {
    fn draw(&mut self, overlay: &Overlay) {
        let (width, height) = self.viewport.picture();
        match overlay {
            Overlay::Crosshair { ink } => {
                let centre = self.at(Position::new(width as f64 / 2.0, height as f64 / 2.0));
                let arm = (0.05 * width as f64 / self.viewport.step().0).max(2.0);
                self.cross(centre, 0.0, arm, *ink);
            }
            Overlay::Cursor { at, ink } => {
                let size = self.cell_height();
                self.cross(self.at(*at), (0.15 * size).floor(), (0.8 * size).max(2.0), *ink);
            }
            Overlay::Line { from, to, ink } => self.line(self.at(*from), self.at(*to), *ink),
            Overlay::Ruler { from, to, text, ink } => {
                let (a, b) = (self.at(*from), self.at(*to));
                self.line(a, b, *ink);
                let length = (b.x - a.x).hypot(b.y - a.y);
                if length > 0.0 {
                    let mark = 0.25 * self.cell_height() / length;
                    let (dx, dy) = (-(b.y - a.y) * mark, (b.x - a.x) * mark);
                    for end in [a, b] {
                        self.line(
                            Position::new(end.x - dx, end.y - dy),
                            Position::new(end.x + dx, end.y + dy),
                            *ink,
                        );
                    }
                }
                let beside = 0.5 * self.cell_width();
                self.text(Position::new((a.x + b.x) / 2.0 + beside, (a.y + b.y) / 2.0), text, *ink);
            }
            Overlay::Rect {
                left,
                top,
                width,
                height,
                ink,
            } => {
                let corner = |x: f64, y: f64| Position::new(left + x * width, top + y * height);
                self.outline(
                    &[corner(0.0, 0.0), corner(1.0, 0.0), corner(1.0, 1.0), corner(0.0, 1.0)],
                    *ink,
                );
            }
            Overlay::Outline { points, ink } => self.outline(points, *ink),
            Overlay::Pattern {
                points,
                stroke,
                hatched,
                ink,
            } => {
                let points: Vec<Position> = points.iter().map(|p| self.at(*p)).collect();
                let sides = if points.len() == 2 { 1 } else { points.len() };
                for (i, from) in points.iter().enumerate().take(sides) {
                    self.stroke(*from, points[(i + 1) % points.len()], *stroke, *ink);
                }
                if *hatched {
                    self.hatch(&points, *ink);
                }
            }
            Overlay::Handle { at, ink } => {
                let (centre, r) = (self.at(*at), (0.1 * self.cell_height()).max(0.5));
                let corners =
                    [(-r, -r), (r, -r), (r, r), (-r, r)].map(|(dx, dy)| Position::new(centre.x + dx, centre.y + dy));
                self.closed(&corners, *ink);
            }
            Overlay::Marker { at, text, ink } => {
                let (centre, r) = (self.at(*at), (0.3 * self.cell_height()).max(1.0));
                let diamond = [(0.0, -r), (r, 0.0), (0.0, r), (-r, 0.0)]
                    .map(|(dx, dy)| Position::new(centre.x + dx, centre.y + dy));
                self.closed(&diamond, *ink);
                self.text(
                    Position::new(centre.x + r + 0.5 * self.cell_width(), centre.y),
                    text,
                    *ink,
                );
            }
            Overlay::Text { at, text, ink } => self.text(self.at(*at), text, *ink),
            Overlay::ScaleBar { pixel_size, ink } => self.scale_bar(*pixel_size, *ink),
        }
    }

    fn at(&self, picture: Position) -> Position {
        self.viewport.to_canvas(picture)
    }

    fn cell_width(&self) -> f64 {
        self.viewport.grid.per_cell.0
    }

    fn cell_height(&self) -> f64 {
        self.viewport.grid.per_cell.1
    }

    fn outline(&mut self, points: &[Position], ink: Ink) {
        let points: Vec<Position> = points.iter().map(|p| self.at(*p)).collect();
        self.closed(&points, ink);
    }

    fn closed(&mut self, points: &[Position], ink: Ink) {
        for (i, from) in points.iter().enumerate() {
            self.line(*from, points[(i + 1) % points.len()], ink);
        }
    }

    /// Four arms from `gap` to `arm` pixels around the centre.
    fn cross(&mut self, centre: Position, gap: f64, arm: f64, ink: Ink) {
        for (dx, dy) in [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)] {
            let on_arm = |r: f64| Position::new(centre.x + r * dx, centre.y + r * dy);
            self.line(on_arm(gap), on_arm(arm), ink);
        }
    }

    fn line(&mut self, from: Position, to: Position, ink: Ink) {
        self.stroke(from, to, Stroke::Solid, ink);
    }

    /// A line one pixel wide, clipped to the canvas first so that a far end costs nothing.
    fn stroke(&mut self, from: Position, to: Position, stroke: Stroke, ink: Ink) {
        let Some((from, to)) = clip(from, to, self.viewport.canvas) else {
            return;
        };
        let steps = (to.x - from.x).abs().max((to.y - from.y).abs()).ceil().max(1.0);
        for i in (0..=steps as usize).filter(|i| stroke.draws(*i)) {
            let t = i as f64 / steps;
            let (x, y) = (from.x + t * (to.x - from.x), from.y + t * (to.y - from.y));
            self.set(x.floor() as i64, y.floor() as i64, ink);
        }
    }

    /// Slanting lines inside an outline, half a cell apart: every slant x + y = c is cut where the outline crosses it.
    fn hatch(&mut self, points: &[Position], ink: Ink) {
        if points.iter().any(|p| !drawable(*p)) {
            return;
        }
        let (width, height) = (self.viewport.canvas.0 as f64, self.viewport.canvas.1 as f64);
        let gap = (0.5 * self.cell_height()).max(3.0);
        let slants = ((width + height) / gap) as usize;
        for c in (0..=slants).map(|n| n as f64 * gap) {
            let next = points.iter().cycle().skip(1);
            let mut cuts: Vec<f64> = points
                .iter()
                .zip(next)
                .filter_map(|(a, b)| {
                    let (sa, sb) = (a.x + a.y - c, b.x + b.y - c);
                    ((sa > 0.0) != (sb > 0.0)).then(|| a.x + (b.x - a.x) * sa / (sa - sb))
                })
                .collect();
            cuts.sort_by(f64::total_cmp);
            for pair in cuts.chunks_exact(2) {
                self.line(
                    Position::new(pair[0], c - pair[0]),
                    Position::new(pair[1], c - pair[1]),
                    ink,
                );
            }
        }
    }

    /// Text with its left edge and middle at `at`: burned in where the canvas is fine enough, else left as a label.
    fn text(&mut self, at: Position, text: &str, ink: Ink) {
        if !drawable(at) || text.is_empty() {
            return;
        }
        let text = model::text::printable(text);
        let (x, y) = (at.x.floor() as i64, at.y.floor() as i64);
        match self.font_scale() {
            None => self.raster.labels.push(Label { x, y, text, ink }),
            Some(scale) => {
                let top = y - font::GLYPH.1 * scale / 2;
                self.shade(
                    x - scale,
                    top - scale,
                    font::width(&text) * scale + 2 * scale,
                    (font::GLYPH.1 + 2) * scale,
                );
                font::pixels(&text, |gx, gy| {
                    for (dx, dy) in (0..scale).flat_map(|dx| (0..scale).map(move |dy| (dx, dy))) {
                        self.set(x + gx * scale + dx, top + gy * scale + dy, ink);
                    }
                });
            }
        }
    }

    /// Canvas pixels per font pixel so that a glyph is not taller than a cell; `None` on a coarse canvas.
    fn font_scale(&self) -> Option<i64> {
        let scale = (self.cell_height() / (font::GLYPH.1 + 1) as f64).floor() as i64;
        (scale >= 1).then_some(scale)
    }

    fn scale_bar(&mut self, pixel_size: f64, ink: Ink) {
        let (width, height) = (self.viewport.canvas.0 as f64, self.viewport.canvas.1 as f64);
        let per_pixel = pixel_size * self.viewport.step().0;
        let Some((length, text)) = scale_bar(per_pixel * width) else {
            return;
        };
        // Sizes of openFIBSEM's bar (height 6, padding 6, margin 10 at full resolution), by the cell's height.
        let unit = self.cell_height() / 20.0;
        let (bar, padding, margin) = ((6.0 * unit).max(1.0), 6.0 * unit, (10.0 * unit).max(1.0));
        let label = self
            .font_scale()
            .map_or(self.cell_height(), |s| ((font::GLYPH.1 + 2) * s) as f64);
        let long = (length / per_pixel).floor().min(width - 2.0 * margin).max(1.0);
        let (left, bottom) = (margin + padding, height - margin - padding);
        let top = bottom - label - padding.max(1.0) - bar;
        if top < 0.0 {
            return;
        }
        let text_width = self.font_scale().map_or(0, |s| font::width(&text) * s) as f64;
        self.shade(
            (left - padding) as i64,
            (top - padding) as i64,
            (long.max(text_width) + 2.0 * padding) as i64,
            (bottom - top + 2.0 * padding) as i64,
        );
        for y in top as i64..(top + bar) as i64 {
            for x in left as i64..(left + long) as i64 {
                self.set(x, y, ink);
            }
        }
        self.text(Position::new(left, bottom - label / 2.0), &text, ink);
    }

    /// Darkens by half, so that what is written there can be read; stays grey.
    fn shade(&mut self, left: i64, top: i64, width: i64, height: i64) {
        let grey = &mut self.raster.grey;
        let clip = |from: i64, len: i64, end: usize| from.max(0) as usize..(from + len).clamp(0, end as i64) as usize;
        for y in clip(top, height, grey.height) {
            for x in clip(left, width, grey.width) {
                grey.data[y * grey.width + x] /= 2;
            }
        }
    }

    fn set(&mut self, x: i64, y: i64, ink: Ink) {
        let (width, height) = (self.raster.grey.width as i64, self.raster.grey.height as i64);
        if (0..width).contains(&x) && (0..height).contains(&y) {
            self.ink[(y * width + x) as usize] = Some(ink);
        }
    }
}

/// A number, and near enough for the arithmetic of pixels.
fn drawable(at: Position) -> bool {
    at.x.abs() < 1e9 && at.y.abs() < 1e9
}

/// Liang-Barsky: the part of a line on the canvas.
fn clip(from: Position, to: Position, canvas: (usize, usize)) -> Option<(Position, Position)> {
    if !drawable(from) || !drawable(to) {
        return None;
    }
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    for (p, q) in [
        (-dx, from.x),
        (dx, canvas.0 as f64 - from.x),
        (-dy, from.y),
        (dy, canvas.1 as f64 - from.y),
    ] {
        if p == 0.0 {
            if q < 0.0 {
                return None;
            }
        } else if p < 0.0 {
            enter = enter.max(q / p);
        } else {
            leave = leave.min(q / p);
        }
    }
    let on = |t: f64| Position::new(from.x + t * dx, from.y + t * dy);
    (enter <= leave).then(|| (on(enter), on(leave)))
}
