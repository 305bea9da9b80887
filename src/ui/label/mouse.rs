//! From mouse events to strokes, by what was drawn where. Left draws, right erases, the middle button (or left with Alt) drags the view, the wheel
//! zooms.

use super::hand::Grip;
use super::state::PICTURES;
use super::{Effect, Labelling};
use crate::action::Action;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use picture::Position;

impl Labelling {
    /// Says whether mouse positions are pixels, and how large a cell then is.
    pub fn mouse_pixels(&mut self, cell: Option<(u16, u16)>) {
        self.cell = cell.unwrap_or_default();
    }

    /// A mouse event, and what must be done about it. `again`: a second press on the same cell at once.
    pub fn mouse(&mut self, event: MouseEvent, again: bool) -> Vec<Effect> {
        let (w, h) = self.cell;
        let in_pixels = w > 0 && h > 0;
        let (column, row) = match in_pixels {
            true => (event.column / w, event.row / h),
            false => (event.column, event.row),
        };
        let viewport = self.viewport();
        let under = match in_pixels {
            true => viewport.at_screen_pixel(u32::from(event.column), u32::from(event.row)),
            false => viewport.at_cell(column, row),
        };
        let cell = ratatui::layout::Position::new(column, row);
        let hit = self.hits.iter().rev().find(|(area, _)| area.contains(cell));
        let hit = hit.map(|(_, action)| action.clone());
        let on_picture = matches!(hit, Some(Action::Point { .. })) && self.help.is_none();
        match (event.kind, under) {
            (MouseEventKind::Down(button), Some(at)) if on_picture => {
                self.says = None;
                self.listing = None;
                let pans = button == MouseButton::Middle || event.modifiers.contains(KeyModifiers::ALT);
                match button {
                    _ if pans => self.grip = Grip::Pan(at),
                    MouseButton::Left if self.marks.on && again => {
                        self.put_cursor(at);
                        return self.act(&Action::SetPoint);
                    }
                    _ if self.marks.on => self.press_mark(at),
                    button => return self.press(at, button == MouseButton::Right),
                }
                Vec::new()
            }
            (MouseEventKind::Down(MouseButton::Left), _) => match hit {
                Some(Action::Point { .. }) | None => Vec::new(),
                Some(action) => {
                    self.says = None;
                    self.act(&action)
                }
            },
            (MouseEventKind::Drag(_), Some(at)) => {
                match self.grip {
                    Grip::Pan(held) => self.pan(held, at),
                    Grip::Point(index) => self.drag_mark(index, at),
                    Grip::None => {}
                    Grip::Stroke(..) | Grip::Line(_) => self.drag(at),
                }
                Vec::new()
            }
            (MouseEventKind::Up(_), _) => self.release(),
            (MouseEventKind::ScrollUp, Some(at)) if on_picture => self.wheel(true, at),
            (MouseEventKind::ScrollDown, Some(at)) if on_picture => self.wheel(false, at),
            (MouseEventKind::ScrollUp, _) => self.scroll(&Action::Up, hit.as_ref()),
            (MouseEventKind::ScrollDown, _) => self.scroll(&Action::Down, hit.as_ref()),
            _ => Vec::new(),
        }
    }

    fn wheel(&mut self, more: bool, at: Position) -> Vec<Effect> {
        self.zoom(more, at);
        Vec::new()
    }

    /// The wheel over a list, or over the help.
    fn scroll(&mut self, action: &Action, hit: Option<&Action>) -> Vec<Effect> {
        let step = match (action, hit) {
            _ if self.help.is_some() => return self.act(action),
            (_, Some(Action::Pick { zone: PICTURES, .. })) => {
                let row = self.desk.at();
                self.listing.get_or_insert(crate::widget::list::Selection { row });
                return self.act(action);
            }
            (Action::Up, Some(Action::Pick { .. })) => Action::PreviousClass,
            (_, Some(Action::Pick { .. })) => Action::NextClass,
            _ => return Vec::new(),
        };
        self.act(&step)
    }

    /// The picture goes with the hand.
    fn pan(&mut self, held: Position, at: Position) {
        if self.level.is_none() {
            return;
        }
        let centre = self.viewport().centre();
        self.centre = Some(Position::new(centre.x + held.x - at.x, centre.y + held.y - at.y));
    }
}
