//! Connection: which instrument, how it differs from its configuration, vacuum, beams, plasma gas, the session, and the form
//! for a new instrument. Connecting only reads; whatever changes the instrument is asked about first.

mod camera;
mod details;
mod instruments;
mod new_form;
mod session;
mod subsystems;
#[cfg(test)]
mod tests;

use super::{Tab, TabId};
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::{Effect, Popup};
use crate::keys::Layer;
use crate::theme::Theme;
use crate::widget::form::{Form, Outcome};
use crate::widget::list::Selection;
use engine::Command;
use model::Beam;
use ratatui::layout::{Constraint, Layout, Rect};

/// What has the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pane {
    Instruments,
    /// Address and port for this session.
    Address,
    Details,
    Session,
    Camera,
}

const PANES: [Pane; 5] = [
    Pane::Instruments,
    Pane::Address,
    Pane::Details,
    Pane::Session,
    Pane::Camera,
];

/// Narrower than this the camera shares its place with the details.
const WIDE: u16 = 110;

pub struct Connection {
    pane: Pane,
    list: Selection,
    details: Selection,
    address: Form,
    session: Form,
    /// The form of a new instrument, while it is open.
    new: Option<Form>,
}

impl Connection {
    pub fn new(cx: &Cx) -> Connection {
        let at = cx
            .instruments
            .iter()
            .position(|entry| entry.name == cx.snapshot.instrument);
        Connection {
            pane: Pane::Instruments,
            list: Selection { row: at.unwrap_or(0) },
            details: Selection::default(),
            address: instruments::address_form(),
            session: session::form(cx),
            new: None,
        }
    }

    /// The form that has the focus.
    fn form(&self) -> Option<&Form> {
        match (&self.new, self.pane) {
            (Some(form), _) => Some(form),
            (None, Pane::Address) => Some(&self.address),
            (None, Pane::Session) => Some(&self.session),
            _ => None,
        }
    }

    fn step(&mut self, by: usize) {
        let at = PANES.iter().position(|pane| *pane == self.pane).unwrap_or(0);
        self.pane = PANES[(at + by) % PANES.len()];
    }

    /// Keys of the focused pane; `None` where the key is not the pane's.
    fn in_pane(&mut self, action: &Action, cx: &Cx) -> Option<Vec<Effect>> {
        if let Some(form) = &mut self.new {
            return match form.update(action) {
                Outcome::Set {
                    key: new_form::CREATE, ..
                } => {
                    let answers = new_form::answers(form);
                    self.new = None;
                    Some(vec![Effect::CreateInstrument(answers)])
                }
                Outcome::Set { key, value } => {
                    form.set(key, value);
                    Some(Vec::new())
                }
                Outcome::Handled => Some(Vec::new()),
                Outcome::Ignored => {
                    if *action == Action::Close {
                        self.new = None;
                    }
                    // nothing else while the form is open: its letters are not commands
                    Some(Vec::new())
                }
            };
        }
        self.clicked(action);
        let handled = match self.pane {
            Pane::Instruments if *action == Action::Accept => {
                return Some(instruments::connect(self.list.row, &self.address, cx));
            }
            Pane::Instruments => self.list.update(action, instruments::ZONE, cx.instruments.len(), 5),
            Pane::Details => self.details.update(action, details::ZONE, details::rows(cx), 8),
            Pane::Camera => false,
            Pane::Address => match self.address.update(action) {
                Outcome::Set { key, value } => {
                    self.address.set(key, value);
                    true
                }
                outcome => outcome == Outcome::Handled,
            },
            Pane::Session => match self.session.update(action) {
                Outcome::Set { key, value } => return Some(session::send(key, &value)),
                outcome => outcome == Outcome::Handled,
            },
        };
        handled.then(Vec::new)
    }

    /// A click on a row brings its pane the focus.
    fn clicked(&mut self, action: &Action) {
        let Action::Pick { zone, .. } = action else { return };
        let pane = match *zone {
            instruments::ZONE => Pane::Instruments,
            instruments::ADDRESS => Pane::Address,
            details::ZONE => Pane::Details,
            session::ZONE => Pane::Session,
            _ => return,
        };
        // typed text is not lost to a click elsewhere: the form keeps the focus until it is closed
        if !self.form().is_some_and(Form::editing) {
            self.pane = pane;
        }
    }
}

impl Tab for Connection {
    fn id(&self) -> TabId {
        TabId::Connection
    }

    fn layers(&self, _cx: &Cx) -> Vec<Layer> {
        match self.form() {
            Some(form) => vec![form.layer(), Layer::Connection],
            None => vec![Layer::Connection],
        }
    }

    fn next(&self, cx: &Cx) -> Vec<Action> {
        if let Some(form) = self.form()
            && (form.editing() || self.new.is_some())
        {
            let mut next = form.next();
            if !form.editing() {
                next.push(Action::Close);
            }
            return next;
        }
        let mut next = self.form().map(Form::next).unwrap_or_default();
        match cx.snapshot.connection {
            None => next.extend([Action::Connect, Action::NewInstrument]),
            Some(_) => next.extend(subsystems::actions(cx)),
        }
        next.push(Action::NextPane);
        next
    }

    fn update(&mut self, action: &Action, cx: &Cx) -> Vec<Effect> {
        if let Some(effects) = self.in_pane(action, cx) {
            return effects;
        }
        let send = |name: &str| vec![Effect::Send(Command::new(name))];
        match action {
            Action::NextPane => self.step(1),
            Action::PreviousPane => self.step(PANES.len() - 1),
            Action::NewInstrument => self.new = Some(new_form::form()),
            Action::Connect => return instruments::connect(self.list.row, &self.address, cx),
            // what the instrument does not have, its keys do not ask for
            other if cx.snapshot.connection.is_none() || !subsystems::has(other, cx) => {}
            Action::Disconnect => return send("system.disconnect"),
            Action::Pump => return send("chamber.pump"),
            Action::Vent => return send("chamber.vent"),
            Action::ApplyConfiguration => return send("system.apply-configuration"),
            Action::ElectronPower => return subsystems::power(Beam::Electron, cx),
            Action::IonPower => return subsystems::power(Beam::Ion, cx),
            Action::ElectronBlank => return subsystems::blank(Beam::Electron, cx),
            Action::IonBlank => return subsystems::blank(Beam::Ion, cx),
            Action::Plasma => return vec![Effect::Open(Popup::Palette("beam.plasma gas=".to_owned()))],
            Action::ChamberPicture => {
                self.pane = Pane::Camera;
                return send("chamber.picture");
            }
            _ => {}
        }
        Vec::new()
    }

    fn refresh(&mut self, cx: &Cx) {
        session::refresh(&mut self.session, cx);
        self.list.row = self.list.row.min(cx.instruments.len().saturating_sub(1));
    }

    fn draw(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        let left_width = if area.width >= WIDE { 38 } else { 32 };
        let [left, right] = Layout::horizontal([Constraint::Length(left_width), Constraint::Min(0)]).areas(area);
        let focus = |pane: Pane| self.new.is_none() && self.pane == pane;
        let rows = (cx.instruments.len() as u16 + 2).clamp(4, (left.height / 3).max(4));
        let [list, address, session_area] =
            Layout::vertical([Constraint::Length(rows), Constraint::Length(5), Constraint::Min(0)]).areas(left);
        instruments::draw(&self.list, focus(Pane::Instruments), cx, theme, list, canvas);
        instruments::draw_address(&self.address, focus(Pane::Address), theme, address, canvas);
        session::draw(&self.session, focus(Pane::Session), cx, theme, session_area, canvas);

        let below = subsystems::height(cx).min(right.height);
        let [above, subsystems_area] = Layout::vertical([Constraint::Min(0), Constraint::Length(below)]).areas(right);
        let (details_area, camera_area) = match (area.width >= WIDE, self.pane == Pane::Camera) {
            (true, _) => {
                let [a, b] = Layout::horizontal([Constraint::Fill(3), Constraint::Fill(2)]).areas(above);
                (a, b)
            }
            (false, true) => (Rect::ZERO, above),
            (false, false) => (above, Rect::ZERO),
        };
        match &self.new {
            Some(form) => new_form::draw(
                form,
                theme,
                if details_area.is_empty() { above } else { details_area },
                canvas,
            ),
            None => details::draw(&self.details, focus(Pane::Details), cx, theme, details_area, canvas),
        }
        if self.new.is_none() || !details_area.is_empty() {
            camera::draw(focus(Pane::Camera), cx, theme, camera_area, canvas);
        }
        subsystems::draw(cx, theme, subsystems_area, canvas);
    }
}
