//! Strokes, text and the scale bar, in canvas pixels. Everything is clipped; a position that is not a number draws nothing.

use super::overlay::{Stroke, scale_bar};
use super::{Ink, Label, Position, Raster, Viewport, font};

/// Draws in canvas pixels.
pub(super) struct Pen<'a> {
    raster: &'a mut Raster,
    ink: Vec<Option<Ink>>,
    viewport: &'a Viewport,
}

impl<'a> Pen<'a> {
    pub(super) fn new(raster: &'a mut Raster, viewport: &'a Viewport) -> Pen<'a> {
        Pen {
            ink: vec![None; raster.grey.data.len()],
            raster,
            viewport,
        }
    }

    /// What was drawn, pixel by pixel.
    pub(super) fn ink(self) -> Vec<Option<Ink>> {
        self.ink
    }

    /// The picture's width and height, picture pixels.
    pub(super) fn picture(&self) -> (usize, usize) {
        self.viewport.picture()
    }

    /// Picture pixels per canvas pixel along x.
    pub(super) fn step(&self) -> f64 {
        self.viewport.step().0
    }

    pub(super) fn at(&self, picture: Position) -> Position {
        self.viewport.to_canvas(picture)
    }

    pub(super) fn cell_width(&self) -> f64 {
        self.viewport.grid.per_cell.0
    }

    pub(super) fn cell_height(&self) -> f64 {
        self.viewport.grid.per_cell.1
    }

    pub(super) fn outline(&mut self, points: &[Position], ink: Ink) {
        let points: Vec<Position> = points.iter().map(|p| self.at(*p)).collect();
        self.closed(&points, ink);
    }

    pub(super) fn closed(&mut self, points: &[Position], ink: Ink) {
        for (i, from) in points.iter().enumerate() {
            self.line(*from, points[(i + 1) % points.len()], ink);
        }
    }

    /// Four arms from `gap` to `arm` pixels around the centre.
    pub(super) fn cross(&mut self, centre: Position, gap: f64, arm: f64, ink: Ink) {
        for (dx, dy) in [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)] {
            let on_arm = |r: f64| Position::new(centre.x + r * dx, centre.y + r * dy);
            self.line(on_arm(gap), on_arm(arm), ink);
        }
    }

    pub(super) fn line(&mut self, from: Position, to: Position, ink: Ink) {
        self.stroke(from, to, Stroke::Solid, ink);
    }

    /// A line one pixel wide, clipped to the canvas first so that a far end costs nothing.
    pub(super) fn stroke(&mut self, from: Position, to: Position, stroke: Stroke, ink: Ink) {
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
    pub(super) fn hatch(&mut self, points: &[Position], ink: Ink) {
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

    /// The picture and the canvas it is drawn on.
    pub(super) fn raster(&mut self) -> (&mut Raster, &Viewport) {
        (self.raster, self.viewport)
    }

    /// Text with its left edge and middle at `at`: burned in where the canvas is fine enough, else left as a label.
    pub(super) fn text(&mut self, at: Position, text: &str, ink: Ink) {
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

    pub(super) fn scale_bar(&mut self, pixel_size: f64, ink: Ink) {
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
