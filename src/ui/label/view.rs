//! How large the picture is shown: whole, or in powers of two of its own pixels.

use super::Labelling;
use picture::{Position, View, Viewport};

/// Pixels of the canvas for one of the picture, as powers of two; those that show less than the whole picture.
const LEVELS: std::ops::RangeInclusive<i8> = -4..=5;
/// Share of the pane that is kept between the cursor and its edge.
const MARGIN: f64 = 0.1;

/// `whole`, `1:4`, `2:1`.
pub fn words(level: Option<i8>) -> String {
    match level {
        None => "whole".to_owned(),
        Some(k) if k < 0 => format!("1:{}", 1u32 << -k),
        Some(k) => format!("{}:1", 1u32 << k),
    }
}

impl Labelling {
    /// Width and height of the picture.
    pub(super) fn size(&self) -> (usize, usize) {
        let (h, w) = self.desk.sheet().labels().dim();
        (w, h)
    }

    fn whole(&self) -> Viewport {
        Viewport::new(self.size(), self.place.get(), self.grid, &View::default())
    }

    /// What a level magnifies against the whole picture.
    fn zoom_of(&self, level: i8) -> f64 {
        self.whole().step().0 * f64::from(level).exp2()
    }

    pub(super) fn view(&self) -> View {
        let Some(level) = self.level else {
            return View::default();
        };
        let view = View {
            zoom: self.zoom_of(level),
            centre: self.centre,
        };
        if level < 0 {
            return view;
        }
        // its pixels lie on whole ones of the canvas: nothing is blurred
        let viewport = Viewport::new(self.size(), self.place.get(), self.grid, &view);
        let (origin, centre) = (viewport.origin(), viewport.centre());
        View {
            centre: Some(Position::new(
                centre.x - origin.x + origin.x.round(),
                centre.y - origin.y + origin.y.round(),
            )),
            ..view
        }
    }

    pub(super) fn viewport(&self) -> Viewport {
        Viewport::new(self.size(), self.place.get(), self.grid, &self.view())
    }

    /// The next level up or down, around a place of the picture.
    pub(super) fn zoom(&mut self, more: bool, around: Position) {
        let before = self.viewport();
        if before.area.is_empty() {
            return;
        }
        let now = self.view().zoom;
        let levels = || LEVELS.filter(|level| (1.001..=View::MAX_ZOOM).contains(&self.zoom_of(*level)));
        let level = match more {
            true => levels().find(|level| self.zoom_of(*level) > now * 1.001).or(self.level),
            false => levels().rev().find(|level| self.zoom_of(*level) < now * 0.999),
        };
        let zoom = level.map_or(1.0, |level| self.zoom_of(level));
        self.centre = View {
            zoom: now,
            centre: Some(before.centre()),
        }
        .zoomed(zoom / now, around, &before)
        .centre;
        self.level = level;
    }

    /// Moves the view as little as it takes to keep the cursor in sight.
    pub(super) fn follow(&mut self) {
        let viewport = self.viewport();
        if viewport.area.is_empty() || self.level.is_none() {
            return;
        }
        let (origin, (w, h)) = (viewport.origin(), viewport.extent());
        let along = |origin: f64, extent: f64, at: f64| {
            let margin = MARGIN * extent;
            origin.max(at - extent + margin).min(at - margin) + extent / 2.0
        };
        self.centre = Some(Position::new(
            along(origin.x, w, self.cursor.x),
            along(origin.y, h, self.cursor.y),
        ));
    }

    /// How far an arrow goes: a pixel of the picture, or of the canvas where that is more.
    pub(super) fn step(&self) -> f64 {
        self.viewport().step().0.round().max(1.0)
    }

    /// Sets the cursor, on the picture.
    pub(super) fn put_cursor(&mut self, at: Position) {
        let (w, h) = self.size();
        let inside = |at: f64, n: usize| (at.floor() + 0.5).clamp(0.5, (n.max(1) as f64) - 0.5);
        self.cursor = Position::new(inside(at.x, w), inside(at.y, h));
    }
}
