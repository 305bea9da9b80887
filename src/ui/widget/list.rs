//! Which row of a list is selected and which rows are seen.

use crate::action::Action;

/// The sign before the selected row of a list, for eyes and terminals that do not see its ground.
pub fn marker(selected: bool) -> &'static str {
    if selected { ">" } else { " " }
}

/// The selection of a list whose rows live elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    pub row: usize,
}

impl Selection {
    /// Moves by up, down, page, home, end or a click in `zone`; says whether the action was one of these.
    pub fn update(&mut self, action: &Action, zone: &str, rows: usize, page: usize) -> bool {
        let last = rows.saturating_sub(1);
        self.row = match action {
            Action::Up => self.row.saturating_sub(1),
            Action::Down => self.row + 1,
            Action::PageUp => self.row.saturating_sub(page.max(1)),
            Action::PageDown => self.row + page.max(1),
            Action::Home => 0,
            Action::End => last,
            Action::Pick { zone: at, row } if *at == zone => *row,
            _ => return false,
        }
        .min(last);
        true
    }

    /// The first row to draw so that the selected one is seen in `height` rows.
    pub fn first(&self, rows: usize, height: usize) -> usize {
        let row = self.row.min(rows.saturating_sub(1));
        row.saturating_sub(height.saturating_sub(1) / 2)
            .min(rows.saturating_sub(height))
    }
}
