//! The box of a popup: in the middle, or where it hides least of the pictures.

use crate::canvas::Canvas;
use crate::layout::middle;
use crate::theme::{Role, Theme};
use crate::widget::pane::pane;
use ratatui::layout::Rect;

/// Clears a box in the middle of `area` and frames it; the mouse belongs to it from here on. Returns the inside.
pub fn frame(title: &str, note: &str, size: (u16, u16), theme: &Theme, area: Rect, canvas: &mut Canvas) -> Rect {
    let place = middle(area, size.0.saturating_add(2), size.1.saturating_add(2));
    framed(title, note, place, theme, canvas)
}

/// As [`frame`], but beside the pictures where there is room: what is asked about is often to be seen there.
pub fn frame_beside(title: &str, size: (u16, u16), theme: &Theme, area: Rect, canvas: &mut Canvas) -> Rect {
    let centre = middle(area, size.0.saturating_add(2), size.1.saturating_add(2));
    // in quarters of the box: a column more or less is not worth another place
    let hidden = |place: &Rect| {
        let over = canvas.placements.iter().map(|(pane, _)| pane.intersection(*place));
        let (over, all) = (over.map(Rect::area).sum::<u32>(), place.area().max(1));
        (4 * over + all / 2) / all
    };
    let columns = [centre.x, area.x, area.right() - centre.width];
    let rows = area.y..=area.bottom() - centre.height;
    let all = rows.flat_map(|y| columns.map(|x| Rect { x, y, ..centre }));
    let far = |place: &Rect| u32::from(place.x.abs_diff(centre.x)) + u32::from(place.y.abs_diff(centre.y));
    let place = all.min_by_key(|place| (hidden(place), far(place))).unwrap_or(centre);
    framed(title, "", place, theme, canvas)
}

/// Columns for a box that is to lie beside the pictures; all there are where those leave fewer than `least`.
pub fn room_beside(least: u16, area: Rect, canvas: &Canvas) -> u16 {
    let panes = || canvas.placements.iter().map(|(pane, _)| pane);
    let before = panes().map(|pane| pane.x).min().unwrap_or(area.right()) - area.x;
    let behind = area.right() - panes().map(|pane| pane.right()).max().unwrap_or(area.x);
    match before.max(behind) {
        free if free >= least => free,
        _ => area.width,
    }
}

fn framed(title: &str, note: &str, place: Rect, theme: &Theme, canvas: &mut Canvas) -> Rect {
    canvas.take_mouse();
    canvas.clear(place, theme.style(Role::Text));
    pane(title, note, true, theme, place, canvas)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::picture_key;
    use crate::theme::Themes;

    #[test]
    fn a_question_lies_beside_the_picture_where_there_is_room() {
        let theme = Themes::load(None).0.get("dark").0;
        let body = Rect::new(0, 1, 120, 34);
        let shown = |picture: Rect| {
            let mut canvas = Canvas::new(Rect::new(0, 0, 120, 40));
            canvas.place(picture, picture_key());
            canvas
        };
        let asked = |picture, size| frame_beside("Mill?", size, &theme, body, &mut shown(picture));
        let above = Rect::new(1, 2, 118, 20);
        assert!(!asked(above, (70, 8)).intersects(above));
        let left = Rect::new(1, 2, 60, 30);
        let room = room_beside(56, body, &shown(left));
        assert_eq!(room, 59);
        assert!(!asked(left, (room - 2, 8)).intersects(left));
        assert_eq!(room_beside(60, body, &shown(left)), 120, "too few columns");
        let all = Rect::new(1, 2, 118, 32);
        let inside = asked(all, (70, 8));
        assert_eq!((inside.x, inside.y), (25, 14), "in the middle where nothing is free");
    }
}
