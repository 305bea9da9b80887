//! Stop, when the terminal library takes its sequence apart.
//!
//! crossterm reads two ESC bytes in a row as one Esc key: Esc and F12 that arrive in one read (keys coalesce on a slow line) leave
//! `[24~` behind as letters. Whoever pressed F12 meant it.

use crossterm::event::{KeyCode, KeyEvent};

/// What F12 is after its ESC, in every terminal that has F12.
const REST: [char; 4] = ['[', '2', '4', '~'];

/// Looks for an F12 without its ESC right after an Esc.
#[derive(Debug, Default)]
pub(super) struct CutStop {
    /// How much of it was seen; `None` = no Esc before it.
    seen: Option<usize>,
}

impl CutStop {
    /// True when this key completes it. The letters were handled as letters before; that harm is small beside a lost stop.
    pub fn completes(&mut self, key: &KeyEvent) -> bool {
        self.seen = match (key.code, self.seen) {
            (KeyCode::Esc, _) => Some(0),
            (KeyCode::Char(c), Some(seen)) if c == REST[seen] => Some(seen + 1),
            _ => None,
        };
        if self.seen == Some(REST.len()) {
            self.seen = None;
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(keys: &[KeyCode]) -> bool {
        let mut cut = CutStop::default();
        keys.iter().any(|code| cut.completes(&KeyEvent::from(*code)))
    }

    #[test]
    fn esc_and_f12_in_one_read_are_still_stop() {
        let typed = |text: &str| text.chars().map(KeyCode::Char).collect::<Vec<_>>();
        let after_esc = |text: &str| [vec![KeyCode::Esc], typed(text)].concat();
        assert!(complete(&after_esc("[24~")));
        assert!(complete(&[after_esc("[2"), after_esc("[24~")].concat()));
        assert!(!complete(&typed("[24~")));
        assert!(!complete(&after_esc("x[24~")));
        assert!(!complete(&after_esc("[23~")));
    }
}
