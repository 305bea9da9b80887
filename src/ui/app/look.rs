//! Pictures on their way to the screen: which pixels are missing, what is being made, how much the line carries.

use super::{App, Input};
use crate::canvas::PictureKey;
use crate::cx::Picture;
use crate::painting::{Manner, Order};
use engine::event::FrameId;
use engine::{Query, Reply};
use picture::plot::Histogram;
use picture::{Budget, Graphics, Grid, InkTable};
use ratatui::layout::Rect;
use std::collections::BTreeSet;
use std::sync::Arc;
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
    manner: Manner,
    ordered: Vec<(Rect, PictureKey)>,
    /// Pixels on their way.
    pub asked: BTreeSet<FrameId>,
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
            asked: BTreeSet::new(),
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

impl App {
    /// Asks the engine for pixels that a placement needs and that are not here.
    pub(super) fn fetch(&mut self, placements: &[(Rect, PictureKey)]) {
        for (_, key) in placements {
            let id = key.frame;
            self.state.desk.frames.touch(id);
            let here = self.state.desk.frames.get(id).is_some() || self.state.desk.frames.is_gone(id);
            if here || !self.look.asked.insert(id) {
                continue;
            }
            let (link, inputs) = (self.link.clone(), self.inputs.clone());
            tokio::spawn(async move {
                let reply = link.ask(Query::Frame { id, most: 0 }).await;
                let picture = match reply {
                    Ok(Reply::Frame(frame)) => tokio::task::spawn_blocking(move || {
                        let histogram = Histogram::of(&frame.pixels);
                        Box::new(Picture {
                            pixels: Arc::new(frame.pixels.clone()),
                            histogram,
                        })
                    })
                    .await
                    .ok(),
                    _ => None,
                };
                // the loop has ended when nobody takes it
                let _ = inputs.send(Input::Frame { id, picture });
            });
        }
    }

    /// Orders what the screen should show, when it is not what was ordered last and nothing is under way: at most one
    /// picture waits, and it is the newest.
    pub(super) fn order(&mut self, placements: &[(Rect, PictureKey)]) {
        let frames = &self.state.desk.frames;
        let ready: Vec<(Rect, PictureKey)> = placements
            .iter()
            .filter_map(|(pane, key)| {
                if frames.get(key.frame).is_some() {
                    return Some((*pane, key.clone()));
                }
                // until the pixels are here the pane keeps what it shows, if it is the same pane
                self.look
                    .ordered
                    .iter()
                    .find(|(was, old)| was == pane && old.slot == key.slot)
                    .cloned()
            })
            .collect();
        let manner = self.look.manner();
        let same = manner == self.look.manner && ready == self.look.ordered;
        if same || !self.painting.is_idle() || !self.writer.is_idle() {
            return;
        }
        let gone = self
            .look
            .ordered
            .iter()
            .map(|(_, key)| key.slot)
            .filter(|slot| ready.iter().all(|(_, k)| k.slot != *slot));
        let pictures = ready
            .iter()
            .filter_map(|(pane, key)| Some((*pane, key.clone(), frames.get(key.frame)?.pixels.clone())));
        let order = Order {
            manner: (manner != self.look.manner).then_some(manner),
            pictures: pictures.collect(),
            gone: gone.collect(),
        };
        self.painting.send(order);
        self.look.manner = manner;
        self.look.ordered = ready;
        self.state.desk.grid = self.look.grid();
    }
}
