//! Colour by meaning, never by itself: every state also has a sign (`…`, `▶`, `✓`, `✗`, `~`) or a word.
//!
//! A [`Role`] is what something means; a theme file (`config/theme.yaml`, overlaid by the user's) says how each role looks in
//! each theme. To add a role: a variant, a name in [`Role::name`], a line per theme in the file.

use picture::{Ink, InkTable};
use ratatui::style::{Color, Modifier, Style};
use std::collections::BTreeMap;

mod load;
pub use load::{ThemeError, Themes};

/// What something on the screen means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Plain text on the plain background.
    Text,
    /// Labels and what matters less.
    Dim,
    /// Titles of panes.
    Title,
    /// Lines around panes; those around the pane with the focus.
    Border,
    Focus,
    /// What the eye should find first.
    Accent,
    Good,
    Info,
    Warn,
    Danger,
    /// Old values.
    Stale,
    /// The selected row.
    Selected,
    /// A field while it is edited.
    Edited,
    /// Keys in hints and help.
    Key,
    /// The status and tab bars.
    Bar,
    /// The open tab.
    BarActive,
    /// Stages of a milling task, in turn: in the list and in the picture alike.
    Stage1,
    Stage2,
    Stage3,
    Stage4,
}

impl Role {
    pub const ALL: [Role; 20] = [
        Role::Text,
        Role::Dim,
        Role::Title,
        Role::Border,
        Role::Focus,
        Role::Accent,
        Role::Good,
        Role::Info,
        Role::Warn,
        Role::Danger,
        Role::Stale,
        Role::Selected,
        Role::Edited,
        Role::Key,
        Role::Bar,
        Role::BarActive,
        Role::Stage1,
        Role::Stage2,
        Role::Stage3,
        Role::Stage4,
    ];

    /// The role of the `n`th stage, counted from 0; they come round.
    pub fn of_stage(n: usize) -> Role {
        const STAGES: [Role; 4] = [Role::Stage1, Role::Stage2, Role::Stage3, Role::Stage4];
        STAGES[n % STAGES.len()]
    }

    /// The word of theme files.
    pub fn name(self) -> &'static str {
        match self {
            Role::Text => "text",
            Role::Dim => "dim",
            Role::Title => "title",
            Role::Border => "border",
            Role::Focus => "focus",
            Role::Accent => "accent",
            Role::Good => "good",
            Role::Info => "info",
            Role::Warn => "warn",
            Role::Danger => "danger",
            Role::Stale => "stale",
            Role::Selected => "selected",
            Role::Edited => "edited",
            Role::Key => "key",
            Role::Bar => "bar",
            Role::BarActive => "bar-active",
            Role::Stage1 => "stage-1",
            Role::Stage2 => "stage-2",
            Role::Stage3 => "stage-3",
            Role::Stage4 => "stage-4",
        }
    }
}

/// One theme, ready to use.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    pub name: String,
    /// No colours at all (NO_COLOR, or the theme `mono`): bold, underline and reverse only.
    pub mono: bool,
    pub(crate) styles: BTreeMap<Role, Style>,
}

impl Theme {
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }

    /// The style of a severity.
    pub fn severity(&self, severity: model::Severity) -> Style {
        self.style(match severity {
            model::Severity::Info => Role::Info,
            model::Severity::Warning => Role::Warn,
            model::Severity::Error | model::Severity::Alarm => Role::Danger,
        })
    }

    /// The style of a danger.
    pub fn danger(&self, danger: model::Danger) -> Style {
        self.style(match danger {
            model::Danger::None => Role::Text,
            model::Danger::Motion => Role::Warn,
            model::Danger::Beam | model::Danger::Sample => Role::Danger,
        })
    }

    /// Colours of overlays, from the same roles.
    pub fn inks(&self) -> InkTable {
        let mut table = InkTable::default();
        for (ink, rgb) in Ink::ALL.into_iter().zip(&mut table.0) {
            let role = match ink {
                Ink::Accent => Role::Accent,
                Ink::Good => Role::Good,
                Ink::Info => Role::Info,
                Ink::Warn => Role::Warn,
                Ink::Danger => Role::Danger,
                Ink::First => Role::Stage1,
                Ink::Second => Role::Stage2,
                Ink::Third => Role::Stage3,
                Ink::Fourth => Role::Stage4,
                Ink::Neutral => continue,
            };
            match self.style(role).fg {
                Some(Color::Rgb(r, g, b)) => *rgb = [r, g, b],
                _ if self.mono => *rgb = [255, 255, 255],
                _ => {}
            }
        }
        table
    }

    /// This theme without colours, as NO_COLOR asks for.
    pub fn without_colour(&self) -> Theme {
        let strip = |role: Role, style: Style| {
            let plain = Style {
                fg: None,
                bg: None,
                underline_color: None,
                ..style
            };
            match role {
                Role::Selected | Role::BarActive => plain.add_modifier(Modifier::REVERSED),
                Role::Danger => plain.add_modifier(Modifier::BOLD | Modifier::REVERSED),
                Role::Edited => plain.add_modifier(Modifier::UNDERLINED),
                Role::Title | Role::Accent | Role::Key | Role::Warn | Role::Focus => plain.add_modifier(Modifier::BOLD),
                _ => plain,
            }
        };
        let styles = Role::ALL
            .into_iter()
            .map(|role| (role, strip(role, self.style(role))))
            .collect();
        Theme {
            name: self.name.clone(),
            mono: true,
            styles,
        }
    }
}
