//! From frames to bytes: what differs from the last frame, and the pictures after the text. Nothing is written when nothing
//! differs.
//!
//! A picture that is no text (kitty without placeholders, iTerm2, sixel) never shares cells with a popup: where one lies over
//! it, the picture is taken off the terminal before the text is written, and sent again when the popup is gone.

use crate::canvas::Canvas;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use picture::Encoded;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::collections::BTreeMap;
use std::io::Write;

/// A picture as it was last encoded for its pane.
struct Shown {
    /// The pane it was encoded for.
    pane: Rect,
    encoded: Encoded,
    /// Its bytes are on the terminal and nothing was written over them.
    there: bool,
    /// The bytes before these are there already.
    from: usize,
    /// The cells that a picture of this pane hides on the terminal, this one or the one before it. Placeholders and half blocks
    /// are text and hide nothing.
    hides: Option<Rect>,
}

impl Shown {
    /// What makes room for text, where a picture hides any.
    fn leave(&mut self) -> &[u8] {
        self.there = false;
        self.from = 0;
        match self.hides.take() {
            Some(_) => &self.encoded.away,
            None => &[],
        }
    }
}

/// What the terminal shows.
pub struct Screen {
    last: Buffer,
    cursor: Option<Position>,
    pictures: BTreeMap<u8, Shown>,
    /// To be written before anything else: pictures taken away.
    erase: Vec<u8>,
    /// The terminal's content is not known.
    unknown: bool,
}

impl Screen {
    pub fn new(area: Rect) -> Screen {
        let (pictures, erase) = (BTreeMap::new(), Vec::new());
        Screen {
            last: Buffer::empty(area),
            cursor: None,
            pictures,
            erase,
            unknown: true,
        }
    }

    /// Draws everything the next time.
    pub fn forget(&mut self) {
        self.unknown = true;
    }

    /// A picture that was encoded for a pane. Without one, the pane shows what it showed last: another pane may put a picture
    /// on the very same cells.
    pub fn picture(&mut self, slot: u8, pane: Rect, encoded: Option<Encoded>) {
        let Some(encoded) = encoded else {
            if let Some(shown) = self.pictures.get_mut(&slot)
                && pane.intersection(shown.encoded.area) == shown.encoded.area
            {
                shown.pane = pane;
            }
            return;
        };
        let before = self.pictures.get(&slot);
        let hides = before.and_then(|before| before.hides);
        let from = match before {
            Some(before) if before.there && before.pane == pane => encoded.fresh,
            _ => 0,
        };
        self.pictures.insert(
            slot,
            Shown {
                pane,
                encoded,
                there: false,
                from,
                hides,
            },
        );
    }

    /// A pane is gone; these bytes take its picture away.
    pub fn gone(&mut self, slot: u8, bytes: Vec<u8>) {
        self.pictures.remove(&slot);
        self.erase.extend(bytes);
    }

    /// Puts the pictures into the frame and returns the bytes that make the terminal show it; empty when it does already.
    pub fn render(&mut self, mut canvas: Canvas, synchronised: bool) -> Vec<u8> {
        let area = canvas.buffer.area;
        let resized = self.last.area != area;
        let mut out = std::mem::take(&mut self.erase);
        if resized || self.unknown {
            self.pictures
                .values_mut()
                .for_each(|shown| out.extend_from_slice(shown.leave()));
            out.extend_from_slice(b"\x1b[0m\x1b[2J");
            self.last = Buffer::empty(area);
            self.cursor = None;
            self.unknown = false;
        }
        let (mut late, mut arriving) = (Vec::new(), Vec::new());
        let popups = (!canvas.covers.is_empty()).then(|| canvas.buffer.clone());
        for (slot, shown) in &mut self.pictures {
            let placed = canvas
                .placements
                .iter()
                .any(|(pane, key)| key.slot == *slot && *pane == shown.pane);
            let area = shown.encoded.area;
            let lies = !shown.encoded.survives_text();
            let covered = lies && canvas.covers.iter().any(|c| c.intersects(area));
            if !placed || covered || shown.hides.is_some_and(|hidden| hidden != area) {
                out.extend_from_slice(shown.leave());
            }
            if !placed || covered {
                continue;
            }
            if lies && shown.hides.is_none() {
                // the cells below it are blanked first, so that nothing of them looks out at its edge
                arriving.push(*slot);
                shown.hides = Some(area);
            } else {
                shown.encoded.draw(&mut canvas.buffer);
            }
            if !shown.there {
                late.extend_from_slice(&shown.encoded.bytes[shown.from..]);
                shown.there = true;
            }
        }
        for cover in &canvas.covers {
            for at in cover.positions() {
                if let (Some(cell), Some(drawn)) =
                    (canvas.buffer.cell_mut(at), popups.as_ref().and_then(|p| p.cell(at)))
                {
                    cell.clone_from(drawn);
                }
            }
        }
        let text = differing(&self.last, &canvas.buffer);
        for slot in arriving {
            if let Some(shown) = self.pictures.get(&slot) {
                shown.encoded.draw(&mut canvas.buffer);
            }
        }
        let cursor = cursor(self.cursor, canvas.cursor, text.is_empty() && late.is_empty());
        self.last = canvas.buffer;
        self.cursor = canvas.cursor;
        out.extend(text);
        out.extend(late);
        out.extend(cursor);
        if out.is_empty() || !synchronised {
            return out;
        }
        [b"\x1b[?2026h".as_slice(), &out, b"\x1b[?2026l"].concat()
    }
}

/// The cells that differ, as the terminal wants them.
fn differing(last: &Buffer, next: &Buffer) -> Vec<u8> {
    let cells = last.diff(next);
    if cells.is_empty() {
        return Vec::new();
    }
    let mut out = Vec::new();
    let mut backend = CrosstermBackend::new(&mut out);
    // writing into memory cannot fail
    let _ = backend.draw(cells.into_iter());
    let _ = Write::flush(&mut backend);
    out
}

/// Where the cursor goes after a frame; nothing while it stays.
fn cursor(last: Option<Position>, next: Option<Position>, unmoved: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let done = match (last, next) {
        (None, None) => Ok(()),
        (Some(_), None) => queue!(out, Hide),
        (before, Some(at)) if before == Some(at) && unmoved => Ok(()),
        (_, Some(at)) => queue!(out, MoveTo(at.x, at.y), Show),
    };
    // as above
    let _ = done;
    out
}

#[cfg(test)]
mod tests;
