//! One key with its modifiers, spelled as people write it: `F12`, `Ctrl-x`, `Alt-Enter`, `Shift-Tab`, `Space`, `a`, `A`.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::fmt;
use std::str::FromStr;

/// A key press. Shift is part of the character for characters (`A`, `?`), a modifier for the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// The keys with names.
const NAMED: &[(&str, KeyCode)] = &[
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("Space", KeyCode::Char(' ')),
    ("Backspace", KeyCode::Backspace),
    ("Del", KeyCode::Delete),
    ("Ins", KeyCode::Insert),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("PgUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
];

/// The modifiers, in the order they are written.
const MODIFIERS: &[(&str, KeyModifiers)] = &[
    ("Ctrl-", KeyModifiers::CONTROL),
    ("Alt-", KeyModifiers::ALT),
    ("Shift-", KeyModifiers::SHIFT),
];

/// A word that is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no key: write F2, Ctrl-x, Alt-Enter, Shift-Tab, Space, PgUp or a character")]
pub struct NoChord(pub String);

impl Chord {
    fn new(code: KeyCode, modifiers: KeyModifiers) -> Chord {
        let mut modifiers = modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let code = match code {
            // terminals report these two in either way
            KeyCode::BackTab => {
                modifiers |= KeyModifiers::SHIFT;
                KeyCode::Tab
            }
            KeyCode::Char(c) => {
                let upper = modifiers.contains(KeyModifiers::SHIFT) && !modifiers.contains(KeyModifiers::CONTROL);
                modifiers -= KeyModifiers::SHIFT;
                let c = if upper { c.to_uppercase().next().unwrap_or(c) } else { c };
                KeyCode::Char(if modifiers.contains(KeyModifiers::CONTROL) {
                    c.to_ascii_lowercase()
                } else {
                    c
                })
            }
            code => code,
        };
        Chord { code, modifiers }
    }

    /// The character it types, if it types one.
    pub fn character(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if self.modifiers.is_empty() && !c.is_control() => Some(c),
            _ => None,
        }
    }
}

impl From<KeyEvent> for Chord {
    fn from(event: KeyEvent) -> Chord {
        Chord::new(event.code, event.modifiers)
    }
}

impl FromStr for Chord {
    type Err = NoChord;

    fn from_str(word: &str) -> Result<Chord, NoChord> {
        let mut rest = word;
        let mut modifiers = KeyModifiers::NONE;
        while let Some((name, modifier)) = MODIFIERS
            .iter()
            .find(|(name, _)| rest.len() > name.len() && starts_with(rest, name))
        {
            modifiers |= *modifier;
            rest = &rest[name.len()..];
        }
        let named = NAMED
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(rest))
            .map(|(_, code)| *code);
        let function = || {
            let number = rest.strip_prefix(['F', 'f'])?.parse::<u8>().ok()?;
            (1..=24).contains(&number).then_some(KeyCode::F(number))
        };
        let character = || {
            let mut chars = rest.chars();
            chars
                .next()
                .filter(|c| chars.next().is_none() && !c.is_control())
                .map(KeyCode::Char)
        };
        let code = named
            .or_else(function)
            .or_else(character)
            .ok_or_else(|| NoChord(model::text::printable(word)))?;
        Ok(Chord::new(code, modifiers))
    }
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, modifier) in MODIFIERS {
            if self.modifiers.contains(*modifier) {
                f.write_str(name)?;
            }
        }
        match self.code {
            KeyCode::F(n) => write!(f, "F{n}"),
            code => match (NAMED.iter().find(|(_, c)| *c == code), code) {
                (Some((name, _)), _) => f.write_str(name),
                (None, KeyCode::Char(c)) => write!(f, "{c}"),
                _ => f.write_str("?"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelled_keys_read_back() {
        for word in [
            "F12",
            "Ctrl-x",
            "Alt-Enter",
            "Shift-Tab",
            "Space",
            "a",
            "A",
            "?",
            "-",
            "Ctrl--",
            "PgUp",
            "Alt-Shift-Up",
        ] {
            assert_eq!(word.parse::<Chord>().map(|c| c.to_string()).as_deref(), Ok(word));
        }
        assert_eq!("ctrl-X".parse::<Chord>(), "Ctrl-x".parse());
        for word in ["", "F0", "F25", "Hyper-x", "ab", "Ctrl-", "\u{1b}"] {
            assert!(word.parse::<Chord>().is_err(), "{word}");
        }
    }

    #[test]
    fn terminals_that_report_a_key_differently_mean_the_same() {
        let event = |code, modifiers| Chord::from(KeyEvent::new(code, modifiers));
        assert_eq!(
            event(KeyCode::BackTab, KeyModifiers::NONE),
            event(KeyCode::Tab, KeyModifiers::SHIFT)
        );
        assert_eq!(
            event(KeyCode::Char('?'), KeyModifiers::SHIFT),
            event(KeyCode::Char('?'), KeyModifiers::NONE)
        );
        assert_eq!(
            event(KeyCode::Char('g'), KeyModifiers::SHIFT),
            event(KeyCode::Char('G'), KeyModifiers::SHIFT)
        );
        assert_eq!(
            event(KeyCode::Char('X'), KeyModifiers::CONTROL),
            event(KeyCode::Char('x'), KeyModifiers::CONTROL)
        );
    }
}
