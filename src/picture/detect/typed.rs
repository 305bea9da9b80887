//! Keys around the asking: those typed while the terminal was asked, and late answers that must not count as keys.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The keys in bytes that were typed before an event reader ran: what a terminal sends in its plain mode. What cannot be
/// told is left out, never guessed.
pub fn keys(bytes: &[u8]) -> Vec<KeyEvent> {
    let mut keys = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (length, key) = first_key(rest);
        keys.extend(key);
        rest = &rest[length.clamp(1, rest.len())..];
    }
    keys
}

fn first_key(bytes: &[u8]) -> (usize, Option<KeyEvent>) {
    match bytes {
        [0x1b, b'[', ..] => sequence(bytes),
        [0x1b, b'O', last, ..] => (3, special(*last)),
        [0x1b] | [0x1b, 0x1b, ..] => (1, Some(KeyCode::Esc.into())),
        [0x1b, rest @ ..] => {
            let (length, key) = first_key(rest);
            let alt = key.map(|k| KeyEvent::new(k.code, k.modifiers | KeyModifiers::ALT));
            (length + 1, alt)
        }
        [byte, ..] => plain(*byte, bytes),
        [] => (0, None),
    }
}

fn plain(byte: u8, bytes: &[u8]) -> (usize, Option<KeyEvent>) {
    let control = |c: u8| KeyEvent::new(KeyCode::Char(char::from(c)), KeyModifiers::CONTROL);
    match byte {
        b'\r' => (1, Some(KeyCode::Enter.into())),
        b'\t' => (1, Some(KeyCode::Tab.into())),
        0x7f => (1, Some(KeyCode::Backspace.into())),
        0 => (1, Some(control(b' '))),
        0x01..=0x1a => (1, Some(control(byte - 1 + b'a'))),
        0x1c..=0x1f => (1, Some(control(byte - 0x1c + b'4'))),
        _ => {
            let length = bytes.utf8_chunks().next().and_then(|c| c.valid().chars().next());
            let shift = |c: char| {
                if c.is_uppercase() {
                    KeyModifiers::SHIFT
                } else {
                    KeyModifiers::NONE
                }
            };
            match length {
                Some(c) => (c.len_utf8(), Some(KeyEvent::new(KeyCode::Char(c), shift(c)))),
                None => (1, None),
            }
        }
    }
}

/// `ESC [ ... final`, without modifiers.
fn sequence(bytes: &[u8]) -> (usize, Option<KeyEvent>) {
    let Some(end) = bytes
        .iter()
        .skip(2)
        .position(|b| (0x40..0x7f).contains(b))
        .map(|i| i + 2)
    else {
        return (bytes.len(), None);
    };
    let parameters = &bytes[2..end];
    let key = match (parameters, bytes[end]) {
        ([], b'Z') => Some(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT)),
        ([], last) => special(last),
        (number, b'~') => std::str::from_utf8(number)
            .ok()
            .and_then(|n| n.parse().ok())
            .and_then(numbered),
        _ => None,
    };
    (end + 1, key)
}

fn special(last: u8) -> Option<KeyEvent> {
    let code = match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'P'..=b'S' => KeyCode::F(last - b'P' + 1),
        _ => return None,
    };
    Some(code.into())
}

fn numbered(number: u8) -> Option<KeyEvent> {
    let code = match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number - 10),
        17..=21 => KeyCode::F(number - 11),
        23..=24 => KeyCode::F(number - 12),
        _ => return None,
    };
    Some(code.into())
}

/// Drops an answer that comes after the asking was over: the event reader hands it out as Alt+_ (kitty) or Alt+P
/// (version), characters, and Alt+\. Only needed when [`super::Replies::complete`] is false.
#[derive(Clone, Debug, Default)]
pub struct StrayReply {
    /// Characters of an answer still accepted; 0 outside of one.
    left: usize,
    second: Option<char>,
}

/// Answers are shorter than this.
const LONGEST: usize = 64;

impl StrayReply {
    /// Whether `key` is part of an answer and must not be acted on.
    pub fn swallows(&mut self, key: &KeyEvent) -> bool {
        let KeyCode::Char(c) = key.code else {
            self.left = 0;
            return false;
        };
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        if self.left == 0 {
            let second = match c {
                '_' if alt => 'G',
                'P' if alt => '>',
                _ => return false,
            };
            (self.left, self.second) = (LONGEST, Some(second));
            return true;
        }
        if self.second.take().is_some_and(|second| second != c) || key.modifiers.contains(KeyModifiers::CONTROL) {
            self.left = 0;
            return false;
        }
        self.left = if alt && c == '\\' { 0 } else { self.left - 1 };
        true
    }
}
