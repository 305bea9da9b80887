//! iTerm2's inline images (also WezTerm, mintty, VS Code, Konsole): the PNG stretched over a given number of cells.

use super::{at_cell, through_tmux};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ratatui::layout::Rect;

/// A PNG placed over `area`.
pub(super) fn place(png: &[u8], area: Rect, tmux: bool) -> Vec<u8> {
    let mut sequence = format!(
        "\x1b]1337;File=inline=1;size={};width={};height={};preserveAspectRatio=0;doNotMoveCursor=1:",
        png.len(),
        area.width,
        area.height
    )
    .into_bytes();
    sequence.extend(STANDARD.encode(png).into_bytes());
    sequence.push(0x07);
    at_cell(area, &if tmux { through_tmux(&sequence) } else { sequence })
}
