//! What the console is started with, and the files it reads first.

use super::tab_named;
use crate::cx::{Frames, Pending};
use crate::keys::Keymap;
use crate::remembered::Remembered;
use crate::state::Desk;
use crate::tab::TabId;
use crate::theme::Themes;
use crate::toasts::Toasts;
use crate::{Console, theme};
use engine::{Link, Snapshot};
use model::config::Paths;
use model::{Notice, Severity};
use picture::{Budget, Choice, ColourDepth, Env, Graphics, Replies};
use std::io;
use std::path::PathBuf;

/// What the console is started with.
#[derive(Clone, Debug)]
pub struct UiOptions {
    /// `--graphics`; `None` = as console.yaml says.
    pub graphics: Option<Choice>,
    /// `--theme`; `None` = the last one, or as console.yaml says.
    pub theme: Option<String>,
    /// Name of the first tab; `None` = as console.yaml says.
    pub start_tab: Option<String>,
    /// Folders of the user's console.yaml, keys.yaml, theme.yaml and instruments, and of what is remembered.
    pub paths: Paths,
    /// The engine lives in this process and ends with the console.
    pub owns_engine: bool,
}

/// Why the console could not be shown, or ended.
#[derive(Debug, thiserror::Error)]
pub enum UiError {
    #[error("the terminal cannot be used ({0}); the console needs one, `fibdeck do` and `fibdeck script` do not")]
    Terminal(io::Error),
    #[error("the console could not be started ({0}); nothing was sent to the instrument")]
    Start(io::Error),
    #[error("the engine has ended; the instrument is as it was left, start fibdeck again")]
    EngineGone,
    #[error("the line to the engine was cut; what runs there goes on, `fibdeck attach` shows it again")]
    LineCut,
}

/// The part of the tracing subscriber that fills the Log tab; for the one who installs the subscriber.
pub fn log_layer() -> tui_logger::TuiTracingSubscriberLayer {
    tui_logger::set_default_level(tui_logger::LevelFilter::Debug);
    tui_logger::TuiTracingSubscriberLayer
}

impl UiOptions {
    /// Where settings are remembered.
    pub(super) fn state_file(&self) -> PathBuf {
        self.paths.data_dir.join("console-state.yaml")
    }

    /// Reads the user's files; what cannot be used is told on the screen, and the rest is.
    pub(super) fn desk(&self, env: &Env, link: &Link, snapshot: &Snapshot) -> (Desk, Choice, TabId) {
        let (options, keymap, themes, mut problems) = own_files(&self.paths);
        let remembered = Remembered::parse(&std::fs::read_to_string(self.state_file()).unwrap_or_default());
        let choice = self.graphics.unwrap_or_else(|| {
            options.graphics.parse().unwrap_or_else(|error| {
                problems.push(format!("console.yaml: {error}; auto is used"));
                Choice::Auto
            })
        });
        let tab = self.tab(&options, &remembered, &mut problems);
        let theme = self
            .theme
            .clone()
            .or_else(|| remembered.text("theme").map(str::to_owned))
            .unwrap_or(options.theme.clone());
        let theme = suited(theme, env.depth());
        let graphics = Graphics::decide(choice, env, &Replies::default(), super::look::window());
        let mut desk = Desk {
            pending: Pending::default(),
            frames: Frames::default(),
            toasts: Toasts::default(),
            remembered,
            keymap,
            themes,
            theme: theme::Theme::plain(),
            no_colour: env.depth() == ColourDepth::Mono,
            options,
            grid: graphics.grid(&Budget::default()),
            zone: jiff::tz::TimeZone::system(),
            me: link.name().to_owned(),
            instruments: self.paths.instruments(),
            owns_engine: self.owns_engine,
            now: snapshot.time,
            wall: 0.0,
        };
        desk.use_theme(&theme);
        for problem in problems {
            desk.toasts.tell(Notice::new(Severity::Warning, problem), snapshot.time);
        }
        (desk, choice, tab)
    }

    fn tab(&self, options: &Console, remembered: &Remembered, problems: &mut Vec<String>) -> TabId {
        let first = crate::tab::TABS.first().map_or(TabId::Connection, |row| row.id);
        let wanted = self.start_tab.as_deref().unwrap_or(&options.start_tab);
        let name = if wanted == "last" {
            remembered.text("tab").unwrap_or("imaging")
        } else {
            wanted
        };
        match tab_named(name) {
            Some(tab) => tab,
            None => {
                let names = crate::tab::TABS.iter().map(|row| row.name);
                let near = model::text::nearest(name, names)
                    .map(|n| format!(", did you mean `{n}`?"))
                    .unwrap_or_default();
                problems.push(format!(
                    "there is no tab `{}`{near}; the first is open",
                    model::text::printable(name)
                ));
                first
            }
        }
    }
}

/// The user's console.yaml, keys.yaml and theme.yaml over the shipped ones, and what in them cannot be used.
fn own_files(paths: &Paths) -> (Console, Keymap, Themes, Vec<String>) {
    let read = |name: &str| std::fs::read_to_string(paths.config_file(name)).ok();
    let (options, console_errors) = Console::load(read("console.yaml").as_deref());
    let (keymap, key_errors) = Keymap::load(read("keys.yaml").as_deref());
    let (themes, theme_errors) = Themes::load(read("theme.yaml").as_deref());
    let mut problems: Vec<String> = console_errors.iter().map(ToString::to_string).collect();
    problems.extend(key_errors.iter().map(ToString::to_string));
    problems.extend(theme_errors.iter().map(ToString::to_string));
    (options, keymap, themes, problems)
}

/// What in the user's files of the console cannot be used, one sentence each.
pub fn problems(paths: &Paths) -> Vec<String> {
    own_files(paths).3
}

/// A theme whose colours this terminal has.
fn suited(theme: String, depth: ColourDepth) -> String {
    match depth {
        ColourDepth::Sixteen if ["dark", "light"].contains(&theme.as_str()) => "ansi".to_owned(),
        _ => theme,
    }
}
