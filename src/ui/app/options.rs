//! What the console is started with, and the files it reads first.

use super::tab_named;
use crate::cx::{Frames, Pending};
use crate::remembered::Remembered;
use crate::state::Desk;
use crate::tab::TabId;
use crate::toasts::Toasts;
use crate::{Console, Setup};
use engine::{Link, Snapshot};
use model::{Notice, Severity};
use picture::{Budget, Choice, Env, Graphics, Replies};
use std::io;

/// What the console is started with.
#[derive(Clone, Debug)]
pub struct UiOptions {
    pub setup: Setup,
    /// Name of the first tab; `None` = as console.yaml says.
    pub start_tab: Option<String>,
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
    #[error("something that was drawn could not be saved; what was saved before is as it was")]
    Unsaved,
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
    /// Reads the user's files; what cannot be used is told on the screen, and the rest is.
    pub(super) fn desk(&self, env: &Env, link: &Link, snapshot: &Snapshot) -> (Desk, Choice, TabId) {
        let mut files = self.setup.files(env);
        let tab = self.tab(&files.options, &files.remembered, &mut files.problems);
        let graphics = Graphics::decide(files.choice, env, &Replies::default(), crate::display::window());
        let mut desk = Desk {
            pending: Pending::default(),
            frames: Frames::default(),
            toasts: Toasts::default(),
            remembered: files.remembered,
            keymap: files.keymap,
            themes: files.themes,
            theme: files.theme,
            no_colour: files.no_colour,
            options: files.options,
            grid: graphics.grid(&Budget::default()),
            zone: jiff::tz::TimeZone::system(),
            me: link.name().to_owned(),
            instruments: self.setup.paths.instruments(),
            owns_engine: self.owns_engine,
            now: snapshot.time,
            wall: 0.0,
        };
        for problem in files.problems {
            desk.toasts.tell(Notice::new(Severity::Warning, problem), snapshot.time);
        }
        (desk, files.choice, tab)
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
