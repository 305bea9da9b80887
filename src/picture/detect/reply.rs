//! The questions a terminal is asked, and its answers taken out of what it sends.

use crate::encode::through_tmux;

/// One thing the terminal told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It understands kitty's graphics protocol.
    Kitty,
    /// It understood the question of kitty's protocol and said no.
    NoKitty,
    /// Width and height of a cell in pixels.
    CellSize(u16, u16),
    /// Its name and version, as `kitty(0.35.2)` or `XTerm(379)`.
    Version(String),
    PixelMouse,
    Synchronised,
    /// The primary device attributes: every terminal answers them, and last. They tell whether it shows sixels.
    Attributes {
        sixel: bool,
    },
    /// The outer terminal's status came through tmux.
    Status,
    /// An answer that says a mode is not known.
    Unknown,
}

/// What to write to the terminal to have it tell. Every part is ignored by terminals that do not know it.
pub fn queries(tmux: bool) -> Vec<u8> {
    const KITTY: &[u8] = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\";
    const STATUS: &[u8] = b"\x1b[5n";
    let mut out = Vec::new();
    if tmux {
        // The outer terminal is asked for kitty and, as tmux answers attributes itself, for its status as the last word.
        out.extend(through_tmux(KITTY));
        out.extend(through_tmux(STATUS));
    } else {
        out.extend_from_slice(KITTY);
    }
    // Name and version; cell size; pixel mouse; synchronised output; attributes.
    out.extend_from_slice(b"\x1b[>0q\x1b[16t\x1b[?1016$p\x1b[?2026$p\x1b[c");
    out
}

/// All answers, and what was typed between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replies {
    pub answers: Vec<Answer>,
    /// Bytes that were no answer, in order: keys typed meanwhile, see [`super::keys`].
    pub typed: Vec<u8>,
    /// The terminal has said its last word. If not, answers may still come, see [`super::StrayReply`].
    pub complete: bool,
}

impl Replies {
    pub fn has(&self, answer: &Answer) -> bool {
        self.answers.contains(answer)
    }

    pub(super) fn cell_px(&self) -> Option<(u16, u16)> {
        self.answers.iter().find_map(|a| match a {
            Answer::CellSize(w, h) => Some((*w, *h)),
            _ => None,
        })
    }

    pub(super) fn version(&self) -> Option<&str> {
        self.answers.iter().find_map(|a| match a {
            Answer::Version(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

/// Takes raw bytes as they come, in any pieces.
#[derive(Clone, Debug)]
pub struct ReplyParser {
    pending: Vec<u8>,
    replies: Replies,
    tmux: bool,
}

/// Longer than any answer: what does not end by then is none.
const LONGEST: usize = 256;

enum Step {
    /// The bytes begin something whose end has not come.
    More,
    Answer(usize, Answer),
    /// So many bytes were typed.
    Typed(usize),
}

impl ReplyParser {
    pub fn new(tmux: bool) -> ReplyParser {
        ReplyParser {
            pending: Vec::new(),
            replies: Replies::default(),
            tmux,
        }
    }

    /// Takes bytes in; true when the last word was said.
    pub fn push(&mut self, bytes: &[u8]) -> bool {
        self.pending.extend_from_slice(bytes);
        loop {
            match step(&self.pending) {
                Step::More => break,
                Step::Answer(length, answer) => {
                    self.pending.drain(..length);
                    self.replies.answers.push(answer);
                }
                Step::Typed(length) => self.replies.typed.extend(self.pending.drain(..length)),
            }
        }
        let has = |answer| self.replies.has(&answer);
        let outer = has(Answer::Status) || has(Answer::Kitty) || has(Answer::NoKitty);
        let attributes = self
            .replies
            .answers
            .iter()
            .any(|a| matches!(a, Answer::Attributes { .. }));
        self.replies.complete = attributes && (outer || !self.tmux);
        self.replies.complete
    }

    /// The end: what is still pending was typed.
    pub fn finish(mut self) -> Replies {
        self.replies.typed.append(&mut self.pending);
        self.replies
    }
}

fn step(bytes: &[u8]) -> Step {
    match bytes {
        [] | [0x1b] => Step::More,
        [0x1b, b'[', ..] => csi(bytes),
        // Without the second byte it may as well be Alt+Shift+P or Alt+_.
        [0x1b, b'P'] | [0x1b, b'_'] => Step::More,
        [0x1b, b'P', b'>', ..] => string(bytes, |body| {
            let name = body.strip_prefix(b">|")?;
            Some(Answer::Version(model::text::printable(&String::from_utf8_lossy(name))))
        }),
        [0x1b, b'_', b'G', ..] => string(bytes, |body| {
            let answer = body.strip_prefix(b"Gi=31")?;
            Some(if answer.ends_with(b";OK") {
                Answer::Kitty
            } else {
                Answer::NoKitty
            })
        }),
        [0x1b, ..] => Step::Typed(1),
        _ => Step::Typed(bytes.iter().position(|&b| b == 0x1b).unwrap_or(bytes.len())),
    }
}

/// `ESC x body ESC \`.
fn string(bytes: &[u8], answer: impl Fn(&[u8]) -> Option<Answer>) -> Step {
    match bytes.windows(2).skip(2).position(|w| w == b"\x1b\\") {
        Some(at) => match answer(&bytes[2..at + 2]) {
            Some(answer) => Step::Answer(at + 4, answer),
            None => Step::Typed(at + 4),
        },
        None if bytes.len() > LONGEST => Step::Typed(1),
        None => Step::More,
    }
}

/// `ESC [ parameters final`.
fn csi(bytes: &[u8]) -> Step {
    let Some(end) = bytes
        .iter()
        .skip(2)
        .position(|b| !(0x20..0x40).contains(b))
        .map(|i| i + 2)
    else {
        return if bytes.len() > LONGEST {
            Step::Typed(1)
        } else {
            Step::More
        };
    };
    let length = end + 1;
    let text = String::from_utf8_lossy(&bytes[2..length]);
    let numbers = |text: &str| -> Vec<u16> { text.split(';').map(|n| n.parse().unwrap_or(0)).collect() };
    let answer = if let Some(attributes) = text.strip_prefix('?').and_then(|t| t.strip_suffix('c')) {
        Some(Answer::Attributes {
            sixel: numbers(attributes).iter().skip(1).any(|&n| n == 4),
        })
    } else if let Some(mode) = text.strip_prefix('?').and_then(|t| t.strip_suffix("$y")) {
        Some(match numbers(mode)[..] {
            [1016, 1..=3] => Answer::PixelMouse,
            [2026, 1..=3] => Answer::Synchronised,
            _ => Answer::Unknown,
        })
    } else if let Some(size) = text.strip_prefix("6;").and_then(|t| t.strip_suffix('t')) {
        match numbers(size)[..] {
            [height, width] if height > 0 && width > 0 => Some(Answer::CellSize(width, height)),
            _ => Some(Answer::Unknown),
        }
    } else if text == "0n" {
        Some(Answer::Status)
    } else {
        None
    };
    answer.map_or(Step::Typed(length), |answer| Step::Answer(length, answer))
}
