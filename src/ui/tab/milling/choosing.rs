//! Which pattern a new stage gets: chosen in a list, by keys, by mouse, or by typing its name.

use super::edits::PATTERN_ZONE;
use crate::action::Action;
use crate::widget::list::Selection;
use pattern::PATTERNS;

/// Rows that a page of the list moves by.
const PAGE: usize = 10;

#[derive(Debug, Default)]
pub struct Choosing {
    selection: Selection,
    typed: String,
}

impl Choosing {
    /// Row of the table of patterns.
    pub fn row(&self) -> usize {
        self.selection.row
    }

    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// Handles what leads to another row; `false`: not of the list, or a choice.
    pub fn update(&mut self, action: &Action) -> bool {
        match action {
            Action::Type(letter) => self.find(format!("{}{letter}", self.typed)),
            Action::Backspace => {
                self.typed.pop();
            }
            Action::EraseLine => self.typed.clear(),
            _ => {
                let moved = self.selection.update(action, PATTERN_ZONE, PATTERNS.len(), PAGE);
                if moved {
                    self.typed.clear();
                }
                return moved && !matches!(action, Action::Pick { .. });
            }
        }
        true
    }

    /// Goes to the first pattern whose name begins so, or else has it; letters that no name has are not taken.
    fn find(&mut self, typed: String) {
        let wanted = typed.to_lowercase();
        let row = |fits: &dyn Fn(&str) -> bool| PATTERNS.iter().position(|row| fits(&row.name.to_lowercase()));
        if let Some(row) = row(&|name| name.starts_with(&wanted)).or_else(|| row(&|name| name.contains(&wanted))) {
            self.selection.row = row;
            self.typed = typed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_typed_and_letters_that_no_name_has_are_not_taken() {
        let mut choosing = Choosing::default();
        let name = |c: &Choosing| PATTERNS[c.row()].name;
        for letter in "Trqench".chars() {
            assert!(choosing.update(&Action::Type(letter)));
        }
        assert_eq!((name(&choosing), choosing.typed()), ("Trench", "Trench"));
        assert!(choosing.update(&Action::Up) && choosing.typed().is_empty());
        choosing.update(&Action::Type('t'));
        choosing.update(&Action::Type('r'));
        assert_eq!(name(&choosing), "Trench");
        assert!(
            !choosing.update(&Action::Accept) && !choosing.update(&Action::Close),
            "left to the tab"
        );
    }
}
