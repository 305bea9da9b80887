//! Imaging: SEM and FIB pictures, how they are taken, and what this session has taken.
//!
//! The pictures are `widget::picture`, the keys that take them `tab::taking`. Here live the two forms (`settings`: how the next
//! picture is taken, `column`: beam and detector), the filmstrip's focus, and where everything stands (`draw`). To add a
//! setting: a row in one of the two forms.

mod column;
mod draw;
mod settings;
#[cfg(test)]
mod tests;

pub use settings::{first_look, looks_first, remembered};

use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::keys::Layer;
use crate::tab::{Reason, Tab, TabId, taking};
use crate::theme::Theme;
use crate::widget::filmstrip::Filmstrip;
use crate::widget::form::{Form, Outcome};
use crate::widget::picture::Pair;
use engine::{Command, Failure};
use model::Capabilities;
use ratatui::layout::Rect;
use serde_json::Value;

/// What the keys go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Focus {
    Picture,
    Settings,
    Column,
    Film,
}

pub struct Imaging {
    pair: Pair,
    focus: Focus,
    settings: Form,
    column: Form,
    film: Filmstrip,
}

impl Imaging {
    pub fn new(cx: &Cx) -> Imaging {
        Imaging {
            pair: Pair::new(cx),
            focus: Focus::Picture,
            settings: Form::new("settings", Vec::new()),
            column: Form::new("column", Vec::new()),
            film: Filmstrip::default(),
        }
    }

    /// The form with the focus.
    fn form(&self) -> Option<&Form> {
        match self.focus {
            Focus::Settings => Some(&self.settings),
            Focus::Column => Some(&self.column),
            Focus::Picture | Focus::Film => None,
        }
    }

    /// Lets the pane with the focus handle an action, or the one that was clicked.
    fn pane(&mut self, action: &Action, cx: &Cx) -> Option<Vec<Effect>> {
        if let Action::Pick { zone, .. } = action {
            self.focus = match *zone {
                "settings" => Focus::Settings,
                "column" => Focus::Column,
                "film" => Focus::Film,
                _ => return None,
            };
        }
        if let Action::Point { .. } = action {
            self.abandon();
            self.focus = Focus::Picture;
        }
        let beam = self.pair.beam();
        match self.focus {
            Focus::Picture => self.pair.update(action, cx),
            Focus::Settings => match self.settings.update(action) {
                Outcome::Set {
                    key: settings::AUTOGAMMA,
                    ..
                } => self.pair.update(&Action::Autogamma, cx),
                Outcome::Set { key, value } => Some(settings::set(beam, key, &value, cx)),
                Outcome::Handled => Some(Vec::new()),
                Outcome::Ignored => None,
            },
            Focus::Column => match self.column.update(action) {
                Outcome::Set { key, value } => Some(column::set(beam, key, &value, cx)),
                Outcome::Handled => Some(Vec::new()),
                Outcome::Ignored => None,
            },
            Focus::Film => {
                let chosen = self.film.update(action, cx)?;
                if chosen.is_some() {
                    self.pair.choose(chosen, cx);
                }
                Some(Vec::new())
            }
        }
    }

    fn abandon(&mut self) {
        self.settings.abandon();
        self.column.abandon();
    }

    fn swap(&mut self, cx: &Cx) {
        self.abandon();
        self.pair.swap(cx);
        self.refresh(cx);
    }
}

impl Tab for Imaging {
    fn id(&self) -> TabId {
        TabId::Imaging
    }

    fn available(&self, capabilities: Option<&Capabilities>) -> Result<(), Reason> {
        taking::available(capabilities)
    }

    fn layers(&self, _cx: &Cx) -> Vec<Layer> {
        let mut layers = match self.focus {
            Focus::Picture => self.pair.layers(),
            Focus::Film => vec![Layer::Form],
            Focus::Settings => vec![self.settings.layer()],
            Focus::Column => vec![self.column.layer()],
        };
        layers.push(Layer::Imaging);
        layers
    }

    fn next(&self, _cx: &Cx) -> Vec<Action> {
        let mut next = match self.focus {
            Focus::Picture if self.pair.focused().is_marking() => return vec![Action::Accept, Action::Close],
            Focus::Picture => Vec::new(),
            Focus::Film => vec![Action::Accept, Action::Up, Action::Down, Action::Close],
            Focus::Settings | Focus::Column => {
                let mut next = self.form().map(Form::next).unwrap_or_default();
                next.push(Action::Close);
                if self.form().is_some_and(Form::editing) {
                    return next;
                }
                next
            }
        };
        next.extend_from_slice(taking::NEXT);
        next.extend([Action::NextPane, Action::EditSettings]);
        if self.focus == Focus::Picture {
            next.extend([
                Action::MoveHere,
                Action::ZoomIn,
                Action::Ruler,
                Action::DrawArea,
                Action::Vertical,
            ]);
        }
        next.extend([
            Action::EditBeam,
            Action::Film,
            Action::FieldLess,
            Action::FieldMore,
            Action::Coincidence,
        ]);
        next
    }

    fn update(&mut self, action: &Action, cx: &Cx) -> Vec<Effect> {
        if let Some(effects) = self.pane(action, cx) {
            self.refresh(cx);
            return effects;
        }
        let beam = self.pair.beam();
        match action {
            Action::NextPane | Action::PreviousPane => self.swap(cx),
            Action::EditSettings => self.focus = Focus::Settings,
            Action::EditBeam => self.focus = Focus::Column,
            Action::Film => self.focus = Focus::Film,
            Action::Close => {
                self.abandon();
                self.focus = Focus::Picture;
            }
            Action::Coincidence => return vec![Effect::Send(Command::new("align.coincidence"))],
            Action::GuidedCoincidence => {
                return vec![Effect::Send(Command::new("align.coincidence").with("guided", true))];
            }
            Action::AlignBeam => return vec![Effect::Send(Command::new("align.beam-shift").with("beam", beam.word()))],
            other => return taking::update(other, beam, cx).unwrap_or_default(),
        }
        Vec::new()
    }

    fn refresh(&mut self, cx: &Cx) {
        self.pair.refresh(cx);
        let beam = self.pair.beam();
        self.settings.replace(settings::fields(beam, self.pair.look.gamma, cx));
        self.column.replace(column::fields(beam, cx));
    }

    fn ended(&mut self, command: &Command, end: &Result<Value, Failure>, cx: &Cx) -> Vec<Effect> {
        self.pair.ended(command, end, cx);
        let mut effects = settings::remember(command, end);
        effects.extend(taking::ended(command, end, cx));
        effects
    }

    fn draw(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        draw::draw(self, cx, theme, area, canvas);
    }
}
