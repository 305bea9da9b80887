//! From a raster to what a terminal shows: text cells, or a graphics sequence and the cells it owns.
//!
//! One file per protocol, each a pure function of the raster; what they share is the palette (`palette.rs`), the PNG
//! (`png.rs`) and the colours (`colour.rs`). Text protocols end in ratatui cells, so that ratatui's own diff makes an
//! unchanged picture free; graphics protocols end in bytes for the application to write after the text of the frame.

mod braille;
mod budget;
pub(crate) mod colour;
mod half;
mod iterm2;
mod kitty;
mod labels;
mod palette;
mod patch;
pub(crate) mod png;
mod sixel;

pub use budget::Budget;
pub use colour::ColourDepth;

use crate::detect::Graphics;
use crate::raster::{Grid, InkTable, Raster};
use ratatui::buffer::{Buffer, Cell, CellDiffOption};
use ratatui::layout::Rect;
use std::collections::HashMap;
use std::num::NonZeroU16;

/// How pictures reach the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// kitty graphics. With placeholders the picture belongs to text cells and moves, scrolls and is covered with them
    /// (kitty 0.28 or later, Ghostty; the only way through tmux); without, it is placed at the cursor.
    Kitty {
        placeholders: bool,
    },
    Iterm2,
    Sixel,
    /// Two pixels per cell, as half blocks.
    Half(ColourDepth),
    /// Eight dots per cell, black or white.
    Braille,
    /// No pictures.
    None,
}

/// What a picture needs on the screen. `Send`, so that it can be made on a worker thread.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The picture's id, from 1 to 2^24 - 1 (kitty keeps it in a 24-bit colour).
    pub id: u32,
    pub area: Rect,
    /// To be written to the terminal after the text of the frame, as it is; empty for text protocols.
    pub bytes: Vec<u8>,
    /// From here on they are enough where the terminal shows the one that was encoded before this one.
    pub fresh: usize,
    /// To be written before text that takes the picture's place; empty where text does that by itself.
    pub away: Vec<u8>,
    cells: Cells,
}

#[derive(Clone, Debug)]
enum Cells {
    /// Cells of the area row by row.
    Text(Vec<Cell>),
    /// kitty finds the picture by these, and what lies over it by its id and its place in the area.
    Placeholders(Vec<(u32, Rect)>),
    /// The picture lies over them; ratatui leaves them alone.
    Owned,
}

impl Encoded {
    /// Puts the picture's cells into the frame's buffer; cells outside of it are left out.
    pub fn draw(&self, buffer: &mut Buffer) {
        let columns = usize::from(self.area.width);
        for (i, position) in self.area.positions().enumerate() {
            let Some(cell) = buffer.cell_mut(position) else {
                continue;
            };
            match &self.cells {
                Cells::Text(cells) => {
                    if let Some(drawn) = cells.get(i) {
                        cell.clone_from(drawn);
                    }
                }
                Cells::Placeholders(patches) => {
                    cell.reset();
                    let (column, row) = (i % columns, i / columns);
                    let over = patches.iter().rev().find_map(|(id, at)| {
                        let inside = at.contains((column as u16, row as u16).into());
                        inside.then(|| (*id, row - usize::from(at.y), column - usize::from(at.x)))
                    });
                    let (id, row, column) = over.unwrap_or((self.id, row, column));
                    kitty::placeholder(cell, id, row, column);
                }
                Cells::Owned => {
                    cell.reset();
                    cell.set_diff_option(CellDiffOption::Skip);
                }
            }
        }
    }

    /// Whether text drawn over the picture (a popup) and taken away again leaves it whole. If not, `away` must be written
    /// before that text, since a placed picture lies above it, and `bytes` again after it.
    pub fn survives_text(&self) -> bool {
        !matches!(self.cells, Cells::Owned)
    }
}

impl Graphics {
    /// How many pixels a raster should have per cell, for [`crate::Viewport::new`].
    pub fn grid(&self, budget: &Budget) -> Grid {
        let cell_px = self.cell_px;
        let scale = f64::from(budget.scale.max(1));
        let (per_cell, max_cells) = match self.protocol {
            Protocol::Kitty { .. } | Protocol::Iterm2 | Protocol::Sixel => {
                let pixels = (f64::from(cell_px.0.max(1)) / scale, f64::from(cell_px.1.max(1)) / scale);
                (pixels, kitty::MAX_CELLS)
            }
            Protocol::Half(_) => ((1.0, 2.0), TEXT_MAX_CELLS),
            Protocol::Braille => ((2.0, 4.0), TEXT_MAX_CELLS),
            Protocol::None => ((1.0, 2.0), 0),
        };
        Grid {
            per_cell,
            cell_px,
            max_cells,
        }
    }
}

/// Encodes pictures, remembering by id what the terminal already shows.
#[derive(Debug)]
pub struct Encoder {
    graphics: Graphics,
    budget: Budget,
    inks: InkTable,
    sent: HashMap<u32, Sent>,
}

/// What the terminal shows of a pane.
#[derive(Debug)]
struct Sent {
    raster: Raster,
    area: Rect,
    /// All that was sent for it, and how much of that was the whole picture.
    bytes: Vec<u8>,
    whole: usize,
    /// What lies over it since: ids (kitty's), and places in the area.
    patches: Vec<(u32, Rect)>,
}

impl Encoder {
    pub fn new(graphics: Graphics, budget: Budget, inks: InkTable) -> Encoder {
        Encoder {
            graphics,
            budget,
            inks,
            sent: HashMap::new(),
        }
    }

    pub fn graphics(&self) -> &Graphics {
        &self.graphics
    }

    /// Takes another protocol, budget or theme; everything is encoded anew.
    pub fn configure(&mut self, graphics: Graphics, budget: Budget, inks: InkTable) {
        *self = Encoder::new(graphics, budget, inks);
    }

    /// How many pixels a raster should have per cell.
    pub fn grid(&self) -> Grid {
        self.graphics.grid(&self.budget)
    }

    /// Encodes `raster` for the cells of `area` (a [`crate::Viewport`]'s canvas and area, made with [`Encoder::grid`]).
    /// `None` when the terminal shows just that already, or there is nothing to show (or `id` is out of range).
    pub fn encode(&mut self, id: u32, raster: &Raster, area: Rect) -> Option<Encoded> {
        let known_id = (1..1 << 24).contains(&id);
        if !known_id || area.is_empty() || raster.grey.data.is_empty() || self.graphics.protocol == Protocol::None {
            return None;
        }
        if let Some(sent) = self.sent.get(&id)
            && sent.area == area
        {
            if sent.raster == *raster {
                return None;
            }
            if let Some(patch) = patch::of(id, sent, raster, self.grid(), self.budget.scale) {
                return Some(self.patched(id, raster, patch));
            }
        }
        let over = self.sent.remove(&id).map_or_else(Vec::new, |sent| sent.patches);
        let (cells, bytes) = match self.graphics.protocol {
            Protocol::Half(depth) => (
                Cells::Text(half::cells(raster, area, depth, self.budget.text_bytes, &self.inks)),
                Vec::new(),
            ),
            Protocol::Braille => (Cells::Text(braille::cells(raster, area)), Vec::new()),
            Protocol::None => return None,
            Protocol::Kitty { placeholders } => {
                let mut bytes: Vec<u8> = self.deletes(over.iter().map(|(id, _)| *id));
                bytes.extend(self.sequence(id, raster, area));
                match placeholders {
                    true => (Cells::Placeholders(Vec::new()), bytes),
                    false => (Cells::Owned, bytes),
                }
            }
            Protocol::Iterm2 | Protocol::Sixel => (Cells::Owned, self.sequence(id, raster, area)),
        };
        self.sent.insert(
            id,
            Sent {
                raster: raster.clone(),
                area,
                bytes: bytes.clone(),
                whole: bytes.len(),
                patches: Vec::new(),
            },
        );
        Some(Encoded {
            id,
            area,
            bytes,
            fresh: 0,
            away: self.away(id, &[]),
            cells,
        })
    }

    /// The picture as it was, with a part of it drawn anew over it.
    fn patched(&mut self, id: u32, raster: &Raster, patch: patch::Patch) -> Encoded {
        let part = self.sequence(patch.id, &raster.cut(patch.pixels), patch.area);
        let Some(sent) = self.sent.get_mut(&id) else {
            // there is one where there is a patch of it
            return Encoded {
                id,
                area: patch.area,
                bytes: part,
                fresh: 0,
                away: Vec::new(),
                cells: Cells::Owned,
            };
        };
        let fresh = sent.bytes.len();
        sent.bytes.extend(part);
        sent.raster.clone_from(raster);
        sent.patches.push((patch.id, patch.place));
        let (bytes, area, patches) = (sent.bytes.clone(), sent.area, sent.patches.clone());
        Encoded {
            id,
            area,
            bytes,
            fresh,
            away: self.away(id, &patches),
            cells: match self.graphics.protocol {
                Protocol::Kitty { placeholders: true } => Cells::Placeholders(patches),
                _ => Cells::Owned,
            },
        }
    }

    /// What draws a raster over an area: of the graphics protocols.
    fn sequence(&self, id: u32, raster: &Raster, area: Rect) -> Vec<u8> {
        let (bits, tmux) = (self.budget.bits, self.graphics.tmux);
        match self.graphics.protocol {
            Protocol::Kitty { placeholders } => {
                kitty::transmit(&png::encode(raster, bits, &self.inks), id, area, placeholders, tmux)
            }
            Protocol::Iterm2 => iterm2::place(&png::encode(raster, bits, &self.inks), area, tmux),
            Protocol::Sixel => at_cell(area, &sixel::encode(raster, bits, self.budget.scale, &self.inks)),
            Protocol::Half(_) | Protocol::Braille | Protocol::None => Vec::new(),
        }
    }

    /// See [`Encoded::away`].
    fn away(&self, id: u32, patches: &[(u32, Rect)]) -> Vec<u8> {
        match self.graphics.protocol {
            Protocol::Kitty { placeholders: false } => {
                self.deletes([id].into_iter().chain(patches.iter().map(|(id, _)| *id)))
            }
            _ => Vec::new(),
        }
    }

    fn deletes(&self, ids: impl Iterator<Item = u32>) -> Vec<u8> {
        ids.flat_map(|id| kitty::delete(id, self.graphics.tmux)).collect()
    }

    /// The picture is gone from the screen (tab switch, resize): returns what takes it away, and the next `encode` sends
    /// it again. Text protocols, sixel and iTerm2 pictures vanish with the text that is drawn over their cells.
    pub fn erase(&mut self, id: u32) -> Vec<u8> {
        match (self.sent.remove(&id), self.graphics.protocol) {
            (Some(sent), Protocol::Kitty { .. }) => {
                self.deletes([id].into_iter().chain(sent.patches.into_iter().map(|(id, _)| id)))
            }
            _ => Vec::new(),
        }
    }

    /// Takes all pictures away; to be written on quit, before the terminal is given back.
    pub fn clear_all(&mut self) -> Vec<u8> {
        let mut ids: Vec<u32> = self.sent.keys().copied().collect();
        ids.sort_unstable();
        ids.into_iter().flat_map(|id| self.erase(id)).collect()
    }
}

/// No terminal is larger than this in cells; a bound for memory, not a format's.
const TEXT_MAX_CELLS: u16 = 1000;

/// One cell wide, whatever the symbol's bytes look like.
const ONE_CELL: CellDiffOption = CellDiffOption::ForcedWidth(NonZeroU16::MIN);

/// A sequence drawn at a cell, the cursor left where it was.
fn at_cell(area: Rect, sequence: &[u8]) -> Vec<u8> {
    let mut out = format!("\x1b7\x1b[{};{}H", u32::from(area.y) + 1, u32::from(area.x) + 1).into_bytes();
    out.extend_from_slice(sequence);
    out.extend_from_slice(b"\x1b8");
    out
}

/// A sequence as tmux hands it through to the terminal: every ESC doubled inside a DCS of tmux's own.
pub(crate) fn through_tmux(sequence: &[u8]) -> Vec<u8> {
    let mut out = b"\x1bPtmux;".to_vec();
    for &byte in sequence {
        if byte == 0x1b {
            out.push(0x1b);
        }
        out.push(byte);
    }
    out.extend_from_slice(b"\x1b\\");
    out
}
