//! Values with their unit, their age and their sign.

use crate::cx::{Cx, STALE};
use crate::theme::{Role, Theme};
use engine::snapshot::Aged;
use ratatui::style::Style;
use ratatui::text::Span;

/// How far something is; the sign works in monochrome too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Pending,
    Running,
    Done,
    Failed,
    Stale,
}

impl Sign {
    pub fn symbol(self) -> &'static str {
        match self {
            Sign::Pending => "…",
            Sign::Running => "▶",
            Sign::Done => "✓",
            Sign::Failed => "✗",
            Sign::Stale => "~",
        }
    }

    pub fn role(self) -> Role {
        match self {
            Sign::Pending => Role::Warn,
            Sign::Running => Role::Accent,
            Sign::Done => Role::Good,
            Sign::Failed => Role::Danger,
            Sign::Stale => Role::Stale,
        }
    }

    pub fn span(self, theme: &Theme) -> Span<'static> {
        Span::styled(self.symbol(), theme.style(self.role()))
    }
}

/// Text of a read value in `style`; once it is older than two seconds it is grey, with its age behind a `~`.
pub fn aged<T>(text: String, read: &Aged<T>, style: Style, cx: &Cx, theme: &Theme) -> Span<'static> {
    let age = cx.age(read);
    if age > STALE {
        Span::styled(format!("{text} ~{}", duration(age)), theme.style(Role::Stale))
    } else {
        Span::styled(text, style)
    }
}

/// Seconds as people say them: `4 s`, `2 min`, `1 h 05`, `3 d`.
pub fn duration(seconds: f64) -> String {
    let s = if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
    match s {
        s if s < 99.5 => format!("{s:.0} s"),
        s if s < 5970.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => {
            let minutes = (s / 60.0).round() as u64;
            format!("{} h {:02}", minutes / 60, minutes % 60)
        }
        s => format!("{:.0} d", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_two_units_at_most() {
        let said = [0.4, 4.0, 99.0, 120.0, 3600.0 + 300.0, 7200.0, 86_400.0 * 3.0].map(duration);
        assert_eq!(said, ["0 s", "4 s", "99 s", "2 min", "65 min", "2 h 00", "3 d"]);
        assert_eq!(duration(f64::NAN), "0 s");
    }
}
