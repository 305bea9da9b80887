//! GIS: injectors as they are, deposition by a form, at patterns, and sputter coating.
//!
//! `form` holds what is chosen, `draw` shows it with what each key would do, step by step. Everything here that reaches the
//! sample is asked about before it goes out (`asked`).

mod draw;
mod form;
#[cfg(test)]
mod tests;

use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::keys::Layer;
use crate::tab::{Reason, Tab, TabId, running};
use crate::theme::Theme;
use crate::widget::form::{Form, Outcome};
use crate::widget::picture::tell;
use engine::Command;
use form::Chosen;
use model::Capabilities;
use ratatui::layout::Rect;

pub struct Gis {
    chosen: Chosen,
    form: Form,
}

/// The instrument has what this action is for.
fn has(action: &Action, cx: &Cx) -> bool {
    let Some(caps) = form::capabilities(cx) else {
        return false;
    };
    let milling = cx
        .snapshot
        .connection
        .as_ref()
        .is_some_and(|c| c.capabilities.milling.is_some());
    match action {
        Action::GasDeposit => !caps.ports.is_empty(),
        Action::GasPattern => !caps.ports.is_empty() && milling,
        Action::GasSputter => caps.sputter_coater,
        Action::GasRetract => !caps.ports.is_empty(),
        _ => false,
    }
}

/// The keys of this tab that make sense on this instrument.
fn actions(cx: &Cx) -> Vec<Action> {
    let all = [Action::GasDeposit, Action::GasPattern, Action::GasSputter];
    all.into_iter().filter(|action| has(action, cx)).collect()
}

/// The key that takes out what stands in the chamber, or is open or warm, with no job that would.
fn left_in(cx: &Cx) -> Vec<Action> {
    let gas = cx.snapshot.gas.as_ref().map(|gas| &gas.value);
    let left = gas.is_some_and(|gas| gas.ports.iter().any(|port| port.inserted || port.open || port.heater));
    left.then_some(Action::GasRetract).into_iter().collect()
}

impl Gis {
    pub fn new(_cx: &Cx) -> Gis {
        Gis {
            chosen: Chosen::default(),
            form: Form::new("gas", Vec::new()),
        }
    }

    /// What a key of this tab would send.
    fn command(&self, action: &Action, cx: &Cx) -> Option<Command> {
        Some(match action {
            _ if !has(action, cx) => return None,
            Action::GasDeposit => self.chosen.deposit(cx),
            Action::GasPattern => self.chosen.pattern(cx),
            Action::GasSputter => self.chosen.sputter(),
            Action::GasRetract => Command::new("gis.retract"),
            _ => return None,
        })
    }
}

impl Tab for Gis {
    fn id(&self) -> TabId {
        TabId::Gis
    }

    fn available(&self, capabilities: Option<&Capabilities>) -> Result<(), Reason> {
        match capabilities {
            Some(capabilities) if capabilities.gas.is_none() => {
                Err("this instrument has no gas injection; enable `gis` in its file if it should")
            }
            _ => Ok(()),
        }
    }

    fn layers(&self, _cx: &Cx) -> Vec<Layer> {
        vec![self.form.layer(), Layer::Gis]
    }

    fn next(&self, cx: &Cx) -> Vec<Action> {
        if form::capabilities(cx).is_none() {
            return Vec::new();
        }
        match self.form.editing() {
            true => self.form.next(),
            // while a job runs the others would be refused
            false if cx.snapshot.running().is_some() => [running::next(cx), self.form.next()].concat(),
            false => [left_in(cx), self.form.next(), actions(cx)].concat(),
        }
    }

    fn update(&mut self, action: &Action, cx: &Cx) -> Vec<Effect> {
        match self.form.update(action) {
            Outcome::Set { key, value } => self.chosen.set(key, value),
            Outcome::Handled => {}
            Outcome::Ignored if *action == Action::JobStop => return running::stop(cx),
            Outcome::Ignored => {
                return match self.command(action, cx) {
                    Some(command) if command.name == "gis.pattern" && cx.snapshot.plan.is_none() => {
                        vec![tell(
                            "no milling task is loaded; nothing is deposited",
                            "load or make one in the Milling tab",
                        )]
                    }
                    Some(command) => vec![Effect::Send(command)],
                    None => Vec::new(),
                };
            }
        }
        self.refresh(cx);
        Vec::new()
    }

    fn refresh(&mut self, cx: &Cx) {
        self.chosen.refresh(cx);
        self.form.replace(form::fields(&self.chosen, cx));
    }

    fn shown(&mut self, _open: bool, cx: &Cx) -> Vec<Effect> {
        self.form.abandon();
        self.refresh(cx);
        Vec::new()
    }

    fn draw(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        draw::draw(self, cx, theme, area, canvas);
    }
}
