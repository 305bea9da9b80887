//! How pictures look on this terminal: what was ordered, and how much the line carries.

use super::painting::Manner;
use crate::canvas::PictureKey;
use picture::{Budget, Graphics, Grid, InkTable};
use ratatui::layout::Rect;
use std::time::Duration;

/// Pieces smaller than this say nothing about the line.
const TELLING: usize = 4096;
/// Measurements in a row that must agree before pictures are made in another resolution.
const AGREE: u8 = 3;

/// How pictures look, and what of them is under way.
pub struct Look {
    pub graphics: Graphics,
    budget: Budget,
    inks: InkTable,
    /// What pictures were last ordered with, and which.
    pub manner: Manner,
    pub ordered: Vec<(Rect, PictureKey)>,
    /// Bytes to write before the next frame.
    pub before: Vec<u8>,
    /// A better budget for the line as measured, and how often in a row.
    measured: Option<(Budget, u8)>,
}

impl Look {
    pub fn new(inks: InkTable, graphics: Graphics) -> Look {
        let budget = Budget::default();
        let manner = Manner { graphics, budget, inks };
        Look {
            graphics,
            budget,
            inks,
            manner,
            ordered: Vec::new(),
            before: Vec::new(),
            measured: None,
        }
    }

    pub fn manner(&self) -> Manner {
        Manner {
            graphics: self.graphics,
            budget: self.budget,
            inks: self.inks,
        }
    }

    pub fn grid(&self) -> Grid {
        self.graphics.grid(&self.budget)
    }

    pub fn inks(&mut self, inks: InkTable) {
        self.inks = inks;
    }

    /// Learns from a piece that was written; says whether pictures should be made anew.
    pub fn written(&mut self, bytes: usize, took: Duration) -> bool {
        if bytes < TELLING {
            return false;
        }
        let budget = Budget::for_rate(bytes as f64 / took.as_secs_f64().max(1e-6));
        if budget == self.budget {
            self.measured = None;
            return false;
        }
        let times = self.measured.filter(|(b, _)| *b == budget).map_or(1, |(_, n)| n + 1);
        self.measured = Some((budget, times));
        if times < AGREE {
            return false;
        }
        (self.budget, self.measured) = (budget, None);
        true
    }

    /// The picture that was ordered for a pane.
    pub fn placed(&self, slot: u8) -> Option<&PictureKey> {
        self.ordered.iter().map(|(_, key)| key).find(|key| key.slot == slot)
    }
}

/// The screen in cells; 80 x 24 where nobody knows.
pub fn size() -> Rect {
    let (width, height) = crossterm::terminal::size().unwrap_or((80, 24));
    Rect::new(0, 0, width.max(1), height.max(1))
}

/// Columns, rows, width and height in pixels, where the system tells.
pub fn window() -> Option<(u16, u16, u16, u16)> {
    let window = crossterm::terminal::window_size().ok()?;
    Some((window.columns, window.rows, window.width, window.height))
}
