//! The state of the screen, and the two pure functions on it: a key (a click, a paste, news) and the snapshot make effects;
//! the state and the snapshot make a frame.

mod draw;
mod mouse;
#[cfg(test)]
mod soup;
#[cfg(test)]
mod tests;

pub use mouse::Mouse;

use crate::action::Action;
use crate::cx::{Cx, Frames, Pending};
use crate::effect::{Effect, Popup};
use crate::keys::{Chord, Keymap, Layer};
use crate::popup::{self, Dialog, Panel};
use crate::remembered::Remembered;
use crate::tab::{TABS, Tab, TabId};
use crate::theme::{Theme, Themes};
use crate::toasts::Toasts;
use crate::{Console, asked, steps};
use engine::{Command, Failure, Snapshot};
use model::config::paths::Entry;
use model::{Notice, text};
use picture::Grid;
use serde_json::Value;

/// Everything the screen knows besides the snapshot.
pub struct UiState {
    pub(crate) desk: Desk,
    tabs: Vec<Box<dyn Tab>>,
    open: usize,
    dialogs: Vec<Box<dyn Dialog>>,
    question: Panel,
    mouse: Mouse,
    /// What a click meant in the last frame.
    hits: Vec<(ratatui::layout::Rect, Action)>,
    /// Commands that were typed for their answer, and under way.
    queries: Vec<Command>,
}

/// The part of the state that tabs and popups may look at.
pub struct Desk {
    pub pending: Pending,
    pub frames: Frames,
    pub toasts: Toasts,
    pub remembered: Remembered,
    pub keymap: Keymap,
    pub themes: Themes,
    pub theme: Theme,
    /// NO_COLOR: every theme is used without its colours.
    pub no_colour: bool,
    pub options: Console,
    pub grid: Grid,
    pub zone: jiff::tz::TimeZone,
    pub me: String,
    pub instruments: Vec<Entry>,
    /// The engine lives in this process: leaving ends its jobs.
    pub owns_engine: bool,
    /// The engine's clock as it must be now.
    pub now: f64,
    /// The reader's own clock, s since the console began: a twin's clock may run thirty times as fast as eyes do.
    pub wall: f64,
}

impl Desk {
    pub fn cx<'a>(&'a self, snapshot: &'a Snapshot) -> Cx<'a> {
        Cx {
            snapshot,
            now: self.now,
            pending: &self.pending,
            frames: &self.frames,
            grid: self.grid,
            keymap: &self.keymap,
            remembered: &self.remembered,
            options: &self.options,
            zone: &self.zone,
            me: &self.me,
            instruments: &self.instruments,
        }
    }

    /// Uses the theme of that name.
    pub fn use_theme(&mut self, name: &str) {
        let (theme, error) = self.themes.get(name);
        self.theme = if self.no_colour { theme.without_colour() } else { theme };
        if let Some(error) = error {
            self.toasts
                .tell(Notice::new(model::Severity::Warning, error.to_string()), self.now);
        }
    }
}

impl UiState {
    /// A screen with `tab` open.
    pub fn new(desk: Desk, tab: TabId, snapshot: &Snapshot) -> UiState {
        let tabs: Vec<Box<dyn Tab>> = TABS.iter().map(|row| (row.make)(&desk.cx(snapshot))).collect();
        let open = tabs.iter().position(|t| t.id() == tab).unwrap_or(0);
        let (dialogs, question, mouse) = (Vec::new(), Panel::default(), Mouse::default());
        let mut state = UiState {
            desk,
            tabs,
            open,
            dialogs,
            question,
            mouse,
            hits: Vec::new(),
            queries: Vec::new(),
        };
        state.refresh(snapshot);
        state
    }

    /// The layers of the innermost focus.
    pub(crate) fn layers(&self, cx: &Cx) -> Vec<Layer> {
        match self.dialogs.last() {
            Some(dialog) => vec![dialog.layer()],
            None => {
                let mut layers = self.tabs.get(self.open).map(|tab| tab.layers(cx)).unwrap_or_default();
                if self.question.focus {
                    layers.insert(0, Layer::Question);
                }
                layers
            }
        }
    }

    /// The snapshot changed: every tab brings what it kept up to date, news becomes toasts.
    pub fn refresh(&mut self, snapshot: &Snapshot) {
        self.desk.toasts.notice(snapshot);
        let cx = self.desk.cx(snapshot);
        self.question.refresh(&cx);
        self.tabs.iter_mut().for_each(|tab| tab.refresh(&cx));
        self.close_settled(snapshot);
    }

    /// Popups about something that is gone are closed.
    fn close_settled(&mut self, snapshot: &Snapshot) {
        let cx = self.desk.cx(snapshot);
        self.dialogs.retain(|dialog| dialog.stands(&cx));
    }

    /// The red button. What was being asked is no longer: a yes to a question from before must not move anything after.
    fn stop(&mut self, snapshot: &Snapshot) -> Vec<Effect> {
        self.dialogs.retain(|dialog| dialog.layer() != Layer::Confirm);
        self.desk.toasts.stop_pressed(snapshot);
        vec![Effect::Stop]
    }

    /// A key press and what must be done about it.
    pub fn key(&mut self, chord: Chord, snapshot: &Snapshot) -> Vec<Effect> {
        // before everything: nothing that is open, focused or broken may be in the way of Stop
        if self.desk.keymap.is_stop(chord) {
            return self.stop(snapshot);
        }
        let layers = self.layers(&self.desk.cx(snapshot));
        match self.desk.keymap.action(chord, &layers) {
            Some(action) => self.act(&action, snapshot),
            None => Vec::new(),
        }
    }

    /// Pasted text goes into text that is being typed, and is nothing anywhere else: not keys, and never Stop.
    pub fn paste(&mut self, pasted: &str, snapshot: &Snapshot) -> Vec<Effect> {
        let takes_text = self
            .layers(&self.desk.cx(snapshot))
            .first()
            .is_some_and(|layer| layer.row().text);
        if takes_text {
            self.act(&Action::Paste(text::printable(pasted)), snapshot)
        } else {
            Vec::new()
        }
    }

    /// An action from wherever.
    pub fn act(&mut self, action: &Action, snapshot: &Snapshot) -> Vec<Effect> {
        if *action == Action::Stop {
            return self.stop(snapshot);
        }
        let cx = self.desk.cx(snapshot);
        if let Some(dialog) = self.dialogs.last_mut() {
            let effects = dialog.update(action, &cx);
            return self.settle(effects, snapshot);
        }
        let for_panel = self.question.focus || matches!(action, Action::Pick { zone: "question", .. });
        if for_panel && let Some(effects) = self.question.update(action, &cx) {
            return self.settle(effects, snapshot);
        }
        let effects = match self.global(action, snapshot) {
            Some(effects) => effects,
            None => {
                let cx = self.desk.cx(snapshot);
                match self.tabs.get_mut(self.open) {
                    Some(tab)
                        if tab
                            .available(cx.snapshot.connection.as_ref().map(|c| &c.capabilities))
                            .is_ok() =>
                    {
                        tab.update(action, &cx)
                    }
                    _ => Vec::new(),
                }
            }
        };
        self.settle(effects, snapshot)
    }

    /// What means the same in every tab. `None`: it is the tab's.
    fn global(&mut self, action: &Action, snapshot: &Snapshot) -> Option<Vec<Effect>> {
        if let Some(at) = TABS.iter().position(|row| row.action == *action) {
            return Some(self.go(at, snapshot));
        }
        let count = self.tabs.len().max(1);
        Some(match action {
            Action::Help => vec![Effect::Open(Popup::Help)],
            Action::Palette => vec![Effect::Open(Popup::Palette(String::new()))],
            Action::Notices => vec![Effect::Open(Popup::Notices)],
            Action::Jobs => vec![Effect::Open(Popup::Jobs)],
            Action::Question => {
                self.question.focus = snapshot.question.is_some();
                Vec::new()
            }
            Action::TakeControl => {
                let mine = snapshot.control.as_deref() == Some(self.desk.me.as_str());
                vec![Effect::Send(Command::new(if mine {
                    "control.release"
                } else {
                    "control.take"
                }))]
            }
            Action::NextTheme => vec![Effect::NextTheme],
            Action::NextTab => self.go((self.open + 1) % count, snapshot),
            Action::PreviousTab => self.go((self.open + count - 1) % count, snapshot),
            Action::Redraw => vec![Effect::Redraw],
            Action::Quit => vec![self.quit(snapshot)],
            _ => return None,
        })
    }

    fn go(&mut self, to: usize, snapshot: &Snapshot) -> Vec<Effect> {
        if to == self.open {
            return Vec::new();
        }
        let cx = self.desk.cx(snapshot);
        let mut effects = self
            .tabs
            .get_mut(self.open)
            .map(|tab| tab.shown(false, &cx))
            .unwrap_or_default();
        self.open = to;
        effects.extend(
            self.tabs
                .get_mut(to)
                .map(|tab| tab.shown(true, &cx))
                .unwrap_or_default(),
        );
        if let Some(row) = TABS.get(to) {
            effects.push(Effect::Remember {
                key: "tab".to_owned(),
                value: row.name.into(),
            });
        }
        effects
    }

    /// Leaving ends the engine where it lives here, and with it a job: that is asked about.
    fn quit(&self, snapshot: &Snapshot) -> Effect {
        let ends = self.desk.owns_engine && asked::leave::ask(&self.desk.cx(snapshot)).is_some();
        if ends { Effect::Open(Popup::Leave) } else { Effect::Quit }
    }

    /// Does what concerns the screen alone; returns what the app must do. Every command is asked about here, or nowhere.
    fn settle(&mut self, effects: Vec<Effect>, snapshot: &Snapshot) -> Vec<Effect> {
        let mut outward = Vec::new();
        for effect in effects {
            match effect {
                Effect::Send(command) => match asked::before(&command, &self.desk.cx(snapshot)) {
                    Some(ask) => self.open(Popup::Confirm(ask), snapshot),
                    None => outward.push(Effect::Send(command)),
                },
                Effect::Query(command) => {
                    self.queries.push(command.clone());
                    outward.extend(self.settle(vec![Effect::Send(command)], snapshot));
                }
                Effect::Confirmed(effect) => match *effect {
                    Effect::Send(command) => outward.push(Effect::Send(command)),
                    other => outward.extend(self.settle(vec![other], snapshot)),
                },
                Effect::Do(action) => outward.extend(self.act(&action, snapshot)),
                Effect::Open(popup) => self.open(popup, snapshot),
                Effect::Close => {
                    self.dialogs.pop();
                }
                Effect::Tell(notice) => self.desk.toasts.tell(notice, self.desk.now),
                Effect::NextTheme => {
                    let name = self.desk.themes.after(&self.desk.theme.name);
                    self.desk.use_theme(&name);
                    self.desk.remembered.set("theme", name.as_str().into());
                    outward.push(Effect::Remember {
                        key: "theme".to_owned(),
                        value: name.into(),
                    });
                    outward.push(Effect::NextTheme);
                }
                Effect::Remember { key, value } => {
                    if self.desk.remembered.set(&key, value.clone()) {
                        outward.push(Effect::Remember { key, value });
                    }
                }
                outer => outward.push(outer),
            }
        }
        outward
    }

    fn open(&mut self, popup: Popup, snapshot: &Snapshot) {
        if popup == Popup::Question {
            self.question.focus = snapshot.question.is_some();
            return;
        }
        if popup == Popup::Notices {
            self.desk.toasts.clear();
        }
        let layers = self.layers(&self.desk.cx(snapshot));
        self.dialogs
            .extend(popup::open(popup, &layers, &self.desk.toasts, &self.desk.cx(snapshot)));
    }

    /// A command of this console has ended: a failure is told, and the tab it came from hears it.
    pub fn ended(&mut self, id: u64, end: &Result<Value, Failure>, snapshot: &Snapshot) -> Vec<Effect> {
        let Some((command, tab)) = self.desk.pending.end(id) else {
            return Vec::new();
        };
        if let Err(failure) = end {
            self.desk.toasts.tell_failure(failure, self.desk.now);
        }
        let learnt = end
            .as_ref()
            .ok()
            .and_then(|_| steps::learnt(&command, self.desk.remembered.get(steps::KEPT)));
        self.close_settled(snapshot);
        self.show_answer(&command, end, snapshot);
        let cx = self.desk.cx(snapshot);
        let mut effects = self
            .tabs
            .get_mut(tab)
            .map(|tab| tab.ended(&command, end, &cx))
            .unwrap_or_default();
        if let Some(value) = learnt {
            let key = steps::KEPT.to_owned();
            effects.push(Effect::Remember { key, value });
        }
        self.settle(effects, snapshot)
    }

    /// Shows what a typed question was answered, unless something else is being asked or typed by now.
    fn show_answer(&mut self, command: &Command, end: &Result<Value, Failure>, snapshot: &Snapshot) {
        let Some(at) = self.queries.iter().position(|query| query == command) else {
            return;
        };
        self.queries.remove(at);
        let layers = self.layers(&self.desk.cx(snapshot));
        let free = self.dialogs.is_empty() && !layers.first().is_some_and(|layer| layer.row().text);
        if let (Ok(answer), true) = (end, free) {
            let (command, answer) = (command.name.clone(), answer.clone());
            self.open(Popup::Answer { command, answer }, snapshot);
        }
    }

    /// Notes that a command goes out now; the id is for [`UiState::ended`].
    pub fn sent(&mut self, command: &Command) -> u64 {
        self.desk.pending.push(command.clone(), self.open)
    }

    /// Lets time pass; returns effects and when to come again, seconds from now.
    pub fn tick(&mut self, snapshot: &Snapshot) -> (Vec<Effect>, Option<f64>) {
        let toast = self.desk.toasts.pass(self.desk.wall, self.desk.options.toast_seconds);
        let cx = self.desk.cx(snapshot);
        let due = self.tabs.get(self.open).and_then(|tab| tab.wake(&cx));
        let mut effects = Vec::new();
        let mut again = due;
        if due.is_some_and(|seconds| seconds <= 0.0)
            && let Some(tab) = self.tabs.get_mut(self.open)
        {
            effects = tab.tick(&cx);
            again = tab.wake(&cx).map(|seconds| seconds.max(0.02));
        }
        let effects = self.settle(effects, snapshot);
        let next = [toast, again].into_iter().flatten().min_by(f64::total_cmp);
        (effects, next)
    }
}
