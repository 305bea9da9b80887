//! The box of a popup.

use crate::canvas::Canvas;
use crate::layout::middle;
use crate::theme::{Role, Theme};
use crate::widget::pane::pane;
use ratatui::layout::Rect;

/// Clears a box in the middle of `area` and frames it; the mouse belongs to it from here on. Returns the inside.
pub fn frame(title: &str, note: &str, size: (u16, u16), theme: &Theme, area: Rect, canvas: &mut Canvas) -> Rect {
    canvas.take_mouse();
    let place = middle(area, size.0.saturating_add(2), size.1.saturating_add(2));
    canvas.clear(place, theme.style(Role::Text));
    pane(title, note, true, theme, place, canvas)
}
