//! The kitty graphics protocol: a PNG in base64 chunks, shown through placeholder cells or at the cursor.
//!
//! Facts: <https://sw.kovidgoyal.net/kitty/graphics-protocol/>. The same id is used for every frame of a pane, so the
//! terminal keeps one picture per pane and placeholder cells never change while only the picture does.

use super::{ONE_CELL, at_cell, through_tmux};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ratatui::buffer::Cell;
use ratatui::layout::Rect;
use ratatui::style::Color;

/// Base64 characters per chunk, as the protocol allows at most.
const CHUNK: usize = 4096;
const PLACEHOLDER: char = '\u{10EEEE}';

/// Rows and columns that a placeholder can name.
pub(super) const MAX_CELLS: u16 = 297;

/// Transmits and shows a PNG over `area`. Quiet (`q=2`): an answer would look like key presses.
pub(super) fn transmit(png: &[u8], id: u32, area: Rect, placeholders: bool, tmux: bool) -> Vec<u8> {
    let payload = STANDARD.encode(png);
    let chunks: Vec<&[u8]> = payload.as_bytes().chunks(CHUNK).collect();
    // Placed at the cursor, the picture must not move it (C=1), and one placement (p=1) replaces the last.
    let place = if placeholders { "U=1" } else { "C=1,p=1" };
    let mut out = Vec::with_capacity(payload.len() + 64 * chunks.len());
    for (n, chunk) in chunks.iter().enumerate() {
        let more = u8::from(n + 1 < chunks.len());
        let keys = if n == 0 {
            format!(
                "a=T,{place},q=2,f=100,i={id},c={},r={},m={more}",
                area.width, area.height
            )
        } else {
            format!("m={more},q=2")
        };
        let mut command = format!("\x1b_G{keys};").into_bytes();
        command.extend_from_slice(chunk);
        command.extend_from_slice(b"\x1b\\");
        if tmux {
            out.extend(through_tmux(&command));
        } else {
            out.extend(command);
        }
    }
    if placeholders { out } else { at_cell(area, &out) }
}

/// Removes the picture, its placements and its data.
pub(super) fn delete(id: u32, tmux: bool) -> Vec<u8> {
    let command = format!("\x1b_Ga=d,d=I,i={id},q=2\x1b\\").into_bytes();
    if tmux { through_tmux(&command) } else { command }
}

/// Makes `cell` show that part of the picture. Every cell names its row and column, so that it stays right when text
/// covers its neighbours.
pub(super) fn placeholder(cell: &mut Cell, id: u32, row: usize, column: usize) {
    let (Some(row), Some(column)) = (diacritic(row), diacritic(column)) else {
        return;
    };
    let mut symbol = String::with_capacity(12);
    symbol.extend([PLACEHOLDER, row, column]);
    let [_, r, g, b] = id.to_be_bytes();
    cell.set_symbol(&symbol)
        .set_fg(Color::Rgb(r, g, b))
        .set_diff_option(ONE_CELL);
}

/// The combining mark that stands for a number.
fn diacritic(number: usize) -> Option<char> {
    let mut left = number as u32;
    for &(first, count) in RUNS {
        if left < count {
            return char::from_u32(first + left);
        }
        left -= count;
    }
    None
}

/// The protocol's 297 marks (combining class 230, as of Unicode 6), as runs: first, how many.
#[rustfmt::skip]
const RUNS: &[(u32, u32)] = &[
    (0x305, 1), (0x30D, 2), (0x310, 1), (0x312, 1), (0x33D, 3), (0x346, 1), (0x34A, 3), (0x350, 3), (0x357, 1),
    (0x35B, 1), (0x363, 13), (0x483, 5), (0x592, 4), (0x597, 3), (0x59C, 6), (0x5A8, 2), (0x5AB, 2), (0x5AF, 1),
    (0x5C4, 1), (0x610, 8), (0x657, 5), (0x65D, 2), (0x6D6, 7), (0x6DF, 4), (0x6E4, 1), (0x6E7, 2), (0x6EB, 2),
    (0x730, 1), (0x732, 2), (0x735, 2), (0x73A, 1), (0x73D, 1), (0x73F, 3), (0x743, 1), (0x745, 1), (0x747, 1),
    (0x749, 2), (0x7EB, 7), (0x7F3, 1), (0x816, 4), (0x81B, 9), (0x825, 3), (0x829, 5), (0x951, 1), (0x953, 2),
    (0xF82, 2), (0xF86, 2), (0x135D, 3), (0x17DD, 1), (0x193A, 1), (0x1A17, 1), (0x1A75, 8), (0x1B6B, 1),
    (0x1B6D, 7), (0x1CD0, 3), (0x1CDA, 2), (0x1CE0, 1), (0x1DC0, 2), (0x1DC3, 7), (0x1DCB, 2), (0x1DD1, 22),
    (0x1DFE, 1), (0x20D0, 2), (0x20D4, 4), (0x20DB, 2), (0x20E1, 1), (0x20E7, 1), (0x20E9, 1), (0x20F0, 1),
    (0x2CEF, 3), (0x2DE0, 32), (0xA66F, 1), (0xA67C, 2), (0xA6F0, 2), (0xA8E0, 18), (0xAAB0, 1), (0xAAB2, 2),
    (0xAAB7, 2), (0xAABE, 2), (0xAAC1, 1), (0xFE20, 7), (0x10A0F, 1), (0x10A38, 1), (0x1D185, 5), (0x1D1AA, 4),
    (0x1D242, 3),
];
