//! From mouse events to actions, by what was drawn where.

use super::UiState;
use crate::action::{Action, Gesture, Pointer};
use crate::effect::Effect;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use engine::Snapshot;

/// Seconds within which a second press on the same cell is a double click.
const DOUBLE: f64 = 0.4;

/// What the mouse did before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mouse {
    /// Cell and time of the last press.
    pressed: Option<(u16, u16, f64)>,
    /// The picture pane a drag began in.
    dragged: Option<u8>,
    /// Size of a cell where the terminal reports pixels; 0 where it reports cells.
    pub pixels: (u16, u16),
}

impl UiState {
    /// Says whether mouse positions are pixels, and how large a cell then is.
    pub fn mouse_pixels(&mut self, cell: Option<(u16, u16)>) {
        self.mouse.pixels = cell.unwrap_or_default();
    }

    /// A mouse event and what must be done about it. `clock` is any clock in seconds.
    pub fn mouse(&mut self, event: MouseEvent, clock: f64, snapshot: &Snapshot) -> Vec<Effect> {
        let (w, h) = self.mouse.pixels;
        let in_pixels = w > 0 && h > 0;
        let (column, row) = if in_pixels {
            (event.column / w, event.row / h)
        } else {
            (event.column, event.row)
        };
        let pixel = in_pixels.then_some((u32::from(event.column), u32::from(event.row)));
        let gesture = match event.kind {
            MouseEventKind::Down(MouseButton::Left) => self.press(column, row, clock, event.modifiers),
            MouseEventKind::Drag(MouseButton::Left) => Gesture::Drag,
            MouseEventKind::Up(MouseButton::Left) => Gesture::Drop,
            MouseEventKind::ScrollUp => Gesture::ScrollUp,
            MouseEventKind::ScrollDown => Gesture::ScrollDown,
            _ => return Vec::new(),
        };
        let pointer = Pointer {
            column,
            row,
            pixel,
            gesture,
        };
        match self.meaning(pointer, snapshot) {
            Some(action) => self.act(&action, snapshot),
            None => Vec::new(),
        }
    }

    /// Text is being typed.
    fn types(&self, snapshot: &Snapshot) -> bool {
        self.layers(&self.desk.cx(snapshot))
            .first()
            .is_some_and(|layer| layer.row().text)
    }

    fn press(&mut self, column: u16, row: u16, clock: f64, modifiers: KeyModifiers) -> Gesture {
        let again = self
            .mouse
            .pressed
            .is_some_and(|(c, r, at)| (c, r) == (column, row) && (0.0..=DOUBLE).contains(&(clock - at)));
        // a third press begins anew, so that a burst is not a row of double clicks
        self.mouse.pressed = (!again).then_some((column, row, clock));
        let (shift, ctrl) = (
            modifiers.contains(KeyModifiers::SHIFT),
            modifiers.contains(KeyModifiers::CONTROL),
        );
        match (again, modifiers.contains(KeyModifiers::ALT)) {
            (false, _) if shift && ctrl => Gesture::CtrlShiftClick,
            (false, _) if shift => Gesture::ShiftClick,
            (false, _) => Gesture::Click,
            (true, false) => Gesture::DoubleClick,
            (true, true) => Gesture::AltDoubleClick,
        }
    }

    fn meaning(&mut self, pointer: Pointer, snapshot: &Snapshot) -> Option<Action> {
        let cell = ratatui::layout::Position::new(pointer.column, pointer.row);
        let hit = self
            .hits
            .iter()
            .rev()
            .find(|(area, _)| area.contains(cell))
            .map(|(_, action)| action.clone());
        let pane = match &hit {
            Some(Action::Point { slot, .. }) => Some(*slot),
            _ => None,
        };
        match pointer.gesture {
            Gesture::Click
            | Gesture::ShiftClick
            | Gesture::CtrlShiftClick
            | Gesture::DoubleClick
            | Gesture::AltDoubleClick => {
                self.mouse.dragged = pane;
                match (pane, hit) {
                    (Some(slot), _) => Some(Action::Point { slot, pointer }),
                    // a double click on a row is its second click, which the row itself understands
                    (None, hit) => hit,
                }
            }
            // a drag belongs to the pane it began in, wherever it goes
            Gesture::Drag => self.mouse.dragged.map(|slot| Action::Point { slot, pointer }),
            Gesture::Drop => self.mouse.dragged.take().map(|slot| Action::Point { slot, pointer }),
            Gesture::ScrollUp | Gesture::ScrollDown => match pane {
                Some(slot) => Some(Action::Point { slot, pointer }),
                // a wheel must not step a value that is being typed, nor choose an answer
                None if self.dialogs.is_empty() && (self.question.focus || self.types(snapshot)) => None,
                None if pointer.gesture == Gesture::ScrollUp => Some(Action::Up),
                None => Some(Action::Down),
            },
        }
    }
}
