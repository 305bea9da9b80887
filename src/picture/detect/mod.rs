//! What the terminal can show: by the operator's word, else by its answers, else by the environment.
//!
//! [`Graphics::decide`] is pure and may be called twice: before the terminal was asked (for the first frame) and after.
//! `ask.rs` alone touches the terminal. `reply.rs` takes answers apart, `typed.rs` keeps what was typed meanwhile.

mod ask;
mod reply;
mod typed;

pub use ask::ask;
pub use reply::{Answer, Replies, ReplyParser, queries};
pub use typed::{StrayReply, keys};

use crate::encode::{ColourDepth, Protocol};
use std::str::FromStr;

/// `--graphics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    #[default]
    Auto,
    Kitty,
    Iterm2,
    Sixel,
    Half,
    Braille,
    None,
}

impl Choice {
    pub const ALL: [(&str, Choice); 7] = [
        ("auto", Choice::Auto),
        ("kitty", Choice::Kitty),
        ("iterm2", Choice::Iterm2),
        ("sixel", Choice::Sixel),
        ("half", Choice::Half),
        ("braille", Choice::Braille),
        ("none", Choice::None),
    ];
}

/// A word that is none of [`Choice::ALL`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown graphics `{0}`; choose auto, kitty, iterm2, sixel, half, braille or none")]
pub struct UnknownChoice(String);

impl FromStr for Choice {
    type Err = UnknownChoice;

    fn from_str(word: &str) -> Result<Choice, UnknownChoice> {
        let found = Choice::ALL
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word.trim()));
        found
            .map(|(_, choice)| *choice)
            .ok_or_else(|| UnknownChoice(model::text::printable(word)))
    }
}

/// The part of the environment that tells about the terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Env {
    pub term: String,
    pub term_program: String,
    pub colorterm: String,
    pub no_color: bool,
    pub tmux: bool,
    /// An answer of kitty's protocol comes from a terminal that has no placeholders (WezTerm, Konsole).
    pub without_placeholders: bool,
    pub windows_terminal: bool,
    pub utf8: bool,
}

impl Env {
    /// Read with `|name| std::env::var(name).ok()`.
    pub fn read(var: impl Fn(&str) -> Option<String>) -> Env {
        let get = |name: &str| var(name).unwrap_or_default();
        let set = |name: &str| !get(name).is_empty();
        let (term, term_program) = (get("TERM"), get("TERM_PROGRAM"));
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .map(get)
            .into_iter()
            .find(|v| !v.is_empty())
            .unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        Env {
            tmux: set("TMUX") || term.starts_with("tmux") || term_program == "tmux",
            no_color: set("NO_COLOR"),
            without_placeholders: set("WEZTERM_EXECUTABLE") || set("KONSOLE_VERSION") || term_program == "WezTerm",
            windows_terminal: set("WT_SESSION"),
            // A service without any locale still speaks to a modern terminal; only a plain C locale says it does not.
            utf8: !matches!(locale.as_str(), "c" | "posix") && (locale.is_empty() || locale.contains("utf")),
            colorterm: get("COLORTERM"),
            term,
            term_program,
        }
    }

    /// Depth of text colours.
    pub fn depth(&self) -> ColourDepth {
        let many = ["truecolor", "24bit"].contains(&self.colorterm.as_str())
            || self.term.contains("256color")
            || self.term.contains("direct")
            || ["kitty", "ghostty", "alacritty", "foot", "wezterm"]
                .iter()
                .any(|t| self.term.contains(t))
            || self.windows_terminal;
        match self.term.as_str() {
            _ if self.no_color => ColourDepth::Mono,
            "dumb" => ColourDepth::Mono,
            // The grey ramp costs a fifth of true colour's bytes and looks the same at this resolution.
            _ if many => ColourDepth::Grey256,
            "" if cfg!(windows) => ColourDepth::Grey256,
            _ => ColourDepth::Sixteen,
        }
    }
}

/// How pictures are shown in this terminal, and what else it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Graphics {
    pub protocol: Protocol,
    /// Size of a cell in pixels (10 x 20 where nobody knows).
    pub cell_px: (u16, u16),
    /// Graphics sequences must be wrapped for tmux.
    pub tmux: bool,
    /// Mouse positions in pixels (mode 1016) can be switched on.
    pub pixel_mouse: bool,
    /// Synchronised output (mode 2026) is understood.
    pub synchronised: bool,
}

const USUAL_CELL: (u16, u16) = (10, 20);

impl Graphics {
    /// The best protocol, from what is known. `window` is the terminal's size in cells and pixels where the system tells
    /// it (columns, rows, width, height): the cell's size when the terminal does not say.
    pub fn decide(choice: Choice, env: &Env, replies: &Replies, window: Option<(u16, u16, u16, u16)>) -> Graphics {
        let from_window = window.and_then(|(columns, rows, width, height)| {
            let cell = (width.checked_div(columns)?, height.checked_div(rows)?);
            (cell.0 > 0 && cell.1 > 0).then_some(cell)
        });
        Graphics {
            protocol: protocol(choice, env, replies),
            cell_px: replies.cell_px().or(from_window).unwrap_or(USUAL_CELL),
            tmux: env.tmux,
            pixel_mouse: replies.has(&Answer::PixelMouse),
            synchronised: replies.has(&Answer::Synchronised),
        }
    }
}

fn protocol(choice: Choice, env: &Env, replies: &Replies) -> Protocol {
    let text = match env.depth() {
        _ if env.term == "dumb" || !env.utf8 => Protocol::Half(ColourDepth::Mono),
        ColourDepth::Mono => Protocol::Braille,
        depth => Protocol::Half(depth),
    };
    match choice {
        Choice::Kitty => Protocol::Kitty {
            placeholders: placeholders(env, replies),
        },
        Choice::Iterm2 => Protocol::Iterm2,
        Choice::Sixel => Protocol::Sixel,
        Choice::Half => Protocol::Half(env.depth()),
        Choice::Braille => Protocol::Braille,
        Choice::None => Protocol::None,
        Choice::Auto if env.term == "dumb" => Protocol::None,
        Choice::Auto if replies.has(&Answer::Kitty) && works_here(env, replies) => Protocol::Kitty {
            placeholders: placeholders(env, replies),
        },
        // Konsole and WezTerm come here when kitty's protocol was not answered.
        Choice::Auto if !env.tmux && speaks_iterm2(env, replies) => Protocol::Iterm2,
        Choice::Auto if replies.has(&Answer::Attributes { sixel: true }) => Protocol::Sixel,
        Choice::Auto => text,
    }
}

/// Through tmux a picture can only live in placeholder cells.
fn works_here(env: &Env, replies: &Replies) -> bool {
    !env.tmux || placeholders(env, replies)
}

/// kitty has them since 0.28. The picture's id is a text colour, which NO_COLOR takes away.
fn placeholders(env: &Env, replies: &Replies) -> bool {
    let old = replies.version().is_some_and(|name| {
        let konsole_or_wezterm = ["Konsole", "WezTerm", "iTerm2"].iter().any(|n| name.starts_with(n));
        konsole_or_wezterm || kitty_version(name).is_some_and(|v| v < (0, 28))
    });
    !old && !env.no_color && !env.without_placeholders
}

/// (major, minor) of `kitty(0.26.5)`.
fn kitty_version(name: &str) -> Option<(u32, u32)> {
    let mut parts = name.strip_prefix("kitty(")?.trim_end_matches(')').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn speaks_iterm2(env: &Env, replies: &Replies) -> bool {
    const NAMES: [&str; 6] = ["iTerm", "WezTerm", "mintty", "vscode", "Tabby", "WarpTerminal"];
    let name = replies.version().unwrap_or_default();
    NAMES
        .iter()
        .any(|n| env.term_program.contains(n) || name.starts_with(n))
}
