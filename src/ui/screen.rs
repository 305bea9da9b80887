//! From frames to bytes: what differs from the last frame, and the pictures after the text. Nothing is written when nothing
//! differs.

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

    /// A picture that was encoded for a pane.
    pub fn picture(&mut self, slot: u8, pane: Rect, encoded: Encoded) {
        self.pictures.insert(
            slot,
            Shown {
                pane,
                encoded,
                there: false,
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
            out.extend_from_slice(b"\x1b[0m\x1b[2J");
            self.last = Buffer::empty(area);
            self.cursor = None;
            self.pictures.values_mut().for_each(|shown| shown.there = false);
            self.unknown = false;
        }
        let mut late = Vec::new();
        let popups = (!canvas.covers.is_empty()).then(|| canvas.buffer.clone());
        for (slot, shown) in &mut self.pictures {
            let placed = canvas
                .placements
                .iter()
                .any(|(pane, key)| key.slot == *slot && *pane == shown.pane);
            let covered = !shown.encoded.survives_text() && canvas.covers.iter().any(|c| c.intersects(shown.pane));
            if !placed || covered {
                // text lies there now, or will
                shown.there = false;
                continue;
            }
            shown.encoded.draw(&mut canvas.buffer);
            if !shown.there {
                late.extend_from_slice(&shown.encoded.bytes);
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
mod tests {
    use super::*;
    use ratatui::style::Style;

    fn canvas(text: &str) -> Canvas {
        let mut canvas = Canvas::new(Rect::new(0, 0, 20, 3));
        canvas.buffer.set_string(0, 1, text, Style::new());
        canvas
    }

    #[test]
    fn nothing_is_written_when_nothing_changed() {
        let mut screen = Screen::new(Rect::new(0, 0, 20, 3));
        let first = screen.render(canvas("hello"), true);
        assert!(first.starts_with(b"\x1b[?2026h") && first.ends_with(b"\x1b[?2026l"));
        assert!(screen.render(canvas("hello"), true).is_empty());
        let next = screen.render(canvas("hallo"), false);
        assert!(next.len() < 40, "one letter: {next:?}");
        screen.forget();
        assert!(screen.render(canvas("hallo"), false).len() > next.len());
    }

    #[test]
    fn the_cursor_is_moved_only_when_it_must() {
        let mut screen = Screen::new(Rect::new(0, 0, 20, 3));
        let at = |x| {
            let mut canvas = canvas("a");
            canvas.cursor = Some(Position::new(x, 1));
            canvas
        };
        assert!(screen.render(at(1), false).ends_with(b"\x1b[?25h"));
        assert!(screen.render(at(1), false).is_empty());
        assert!(!screen.render(at(2), false).is_empty());
        assert_eq!(screen.render(canvas("a"), false), b"\x1b[?25l");
    }

    #[test]
    fn a_storm_of_sizes_leaves_nothing_behind() {
        use crate::sample::{asking, state};
        let s = asking();
        let ui = state(crate::tab::TabId::Connection, &s);
        let emulator =
            |(columns, rows): (u16, u16)| vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0);
        let area = |(columns, rows): (u16, u16)| Rect::new(0, 0, columns, rows);
        let sizes = [
            (120, 40),
            (20, 5),
            (250, 80),
            (250, 5),
            (20, 80),
            (80, 24),
            (79, 24),
            (80, 23),
            (40, 10),
            (160, 50),
            (39, 9),
            (250, 80),
            (20, 5),
        ];
        let mut terminal = emulator(sizes[0]);
        let mut screen = Screen::new(area(sizes[0]));
        for (i, size) in sizes.iter().enumerate() {
            let drawn = screen.render(ui.draw(&s, area(*size)), true);
            // every other time the terminal has yet another size when the frame arrives
            if i % 2 == 1 {
                let next = sizes[(i + 1) % sizes.len()];
                terminal
                    .screen_mut()
                    .set_size(next.1.try_into().unwrap(), next.0.try_into().unwrap());
                terminal.process(&drawn);
                continue;
            }
            terminal
                .screen_mut()
                .set_size(size.1.try_into().unwrap(), size.0.try_into().unwrap());
            terminal.process(&drawn);
            let mut fresh = emulator(*size);
            fresh.process(&Screen::new(area(*size)).render(ui.draw(&s, area(*size)), true));
            assert_eq!(terminal.screen().contents(), fresh.screen().contents(), "{size:?}");
        }
    }
}
