//! A box with a title: the frame around everything in a tab.

use crate::canvas::Canvas;
use crate::theme::{Role, Theme};
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Widget};

/// Draws a frame with `title` at the left and `note` at the right of its upper edge (only the sign it ends with where there is no room) and returns what is inside. A pane with
/// the focus is framed in another colour and, for eyes and terminals without it, in thick lines.
pub fn pane(title: &str, note: &str, focus: bool, theme: &Theme, area: Rect, canvas: &mut Canvas) -> Rect {
    let border = theme.style(if focus { Role::Focus } else { Role::Border });
    let title_style = theme.style(if focus { Role::Focus } else { Role::Title });
    let mut block = Block::bordered()
        .border_type(if focus { BorderType::Thick } else { BorderType::Plain })
        .border_style(border)
        .title_top(Line::styled(padded(title), title_style));
    let room = usize::from(area.width).saturating_sub(unicode_width::UnicodeWidthStr::width(title) + 6);
    // too long, it keeps the sign it ends with
    let fits = |note: &&str| unicode_width::UnicodeWidthStr::width(*note) <= room;
    let is_sign = |word: &&str| word.chars().count() == 1 && !word.chars().all(char::is_alphanumeric);
    let sign = note.rsplit(' ').next().filter(is_sign).unwrap_or_default();
    let note = [note, sign].into_iter().find(fits).unwrap_or_default();
    if !note.is_empty() {
        block = block.title_top(Line::styled(padded(note), theme.style(Role::Dim)).right_aligned());
    }
    let inner = block.inner(area);
    let area = area.intersection(canvas.buffer.area);
    if !area.is_empty() {
        block.render(area, &mut canvas.buffer);
    }
    inner.intersection(canvas.buffer.area)
}

/// Frames a mode in which keys move something: the colour of danger, and double lines for eyes and terminals without it. Returns what
/// is inside.
pub fn mode_frame(title: &str, theme: &Theme, area: Rect, canvas: &mut Canvas) -> Rect {
    let style = theme.style(Role::Danger);
    let block = Block::bordered()
        .border_type(BorderType::Double)
        .border_style(style)
        .title_top(Line::styled(padded(title), style));
    let inner = block.inner(area);
    canvas.widget(block, area);
    inner
}

fn padded(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(" {text} ")
    }
}
