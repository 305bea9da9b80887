//! How a line of the log reads: time, level, who says it, what.

use crate::fit::wrap;
use crate::theme::{Role, Theme};
use model::text;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use tui_logger::{ExtLogRecord, LevelFilter, LogFormatter};

/// Who speaks, by the beginning of the target; the first row that fits counts.
const SOURCES: &[(&str, &str)] = &[
    ("event", "engine"),
    ("notice", "notice"),
    ("stop", "STOP"),
    ("console", "console"),
    ("panic", "fault"),
    ("hal", "instrument"),
    ("workflow", "job"),
    ("engine", "engine"),
    ("ui", "console"),
];
/// Columns of a source.
const SOURCE: usize = 10;
/// Narrower than this, only the time stands before the words.
const NARROW: usize = 50;

fn source(target: &str) -> &str {
    let row = SOURCES.iter().find(|(prefix, _)| target.starts_with(prefix));
    row.map_or_else(|| target.split("::").next().unwrap_or_default(), |(_, name)| name)
}

/// Lines in the colours of a theme.
pub struct Phrases {
    /// Error, warning, information, the rest.
    levels: [Style; 4],
    dim: Style,
}

impl Phrases {
    pub fn new(theme: &Theme) -> Phrases {
        Phrases {
            levels: [Role::Danger, Role::Warn, Role::Text, Role::Dim].map(|role| theme.style(role)),
            dim: theme.style(Role::Dim),
        }
    }

    /// The lines of a record, at most `width` columns wide.
    fn lines(&self, width: usize, time: &str, level: LevelFilter, target: &str, words: &str) -> Vec<Line<'static>> {
        let (word, at) = match level {
            LevelFilter::Error => ("error", 0),
            LevelFilter::Warn => ("warning", 1),
            LevelFilter::Info => ("info", 2),
            LevelFilter::Debug | LevelFilter::Trace | LevelFilter::Off => ("detail", 3),
        };
        let head = match width < NARROW {
            true => format!("{time} "),
            false => format!("{time} {word:<7} {:<SOURCE$.SOURCE$} ", source(target)),
        };
        let indent = head.chars().count();
        let words = wrap(text::printable(words).trim(), width.saturating_sub(indent));
        let line = |(i, words): (usize, String)| {
            let head = if i == 0 { head.clone() } else { " ".repeat(indent) };
            Line::from(vec![Span::styled(head, self.dim), Span::styled(words, self.levels[at])])
        };
        words.into_iter().enumerate().map(line).collect()
    }
}

impl LogFormatter for Phrases {
    fn min_width(&self) -> u16 {
        12
    }

    fn format(&self, width: usize, record: &ExtLogRecord) -> Vec<Line<'_>> {
        let time = record.timestamp.strftime("%H:%M:%S").to_string();
        self.lines(
            width,
            &time,
            record.level.to_level_filter(),
            record.target(),
            record.msg(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(width: usize, target: &str, words: &str) -> Vec<String> {
        let theme = crate::theme::Themes::load(None).0.get("mono").0;
        let lines = Phrases::new(&theme).lines(width, "14:02:11", LevelFilter::Warn, target, words);
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_line_says_when_how_bad_who_and_what() {
        assert_eq!(
            said(60, "event", "job 3 done"),
            ["14:02:11 warning engine     job 3 done"]
        );
        assert_eq!(
            said(52, "hal::scope::hand", "a poll was not answered by the instrument"),
            [
                "14:02:11 warning instrument a poll was not answered",
                "                            by the instrument"
            ]
        );
        assert_eq!(said(30, "stop", "pressed"), ["14:02:11 pressed"]);
        assert_eq!(
            said(60, "other::part", "x\u{1b}[2J")[0],
            "14:02:11 warning other      x[2J"
        );
    }
}
