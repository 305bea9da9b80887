//! The command palette: one line of text, completed from the tables of commands and actions, with hints for the argument at
//! hand.

mod complete;

use super::{Dialog, answer};
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::fit::cut;
use crate::keys::Layer;
use crate::theme::{Role, Theme};
use crate::widget::list::{Selection, marker};
use crate::widget::pane::pane;
use crate::widget::value::Sign;
use complete::{Known, Offer, action, offers, usage};
use engine::command::parse;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use serde_json::Value;
use tui_input::{Input, InputRequest};

/// Lines kept for the next time.
const MOST_HISTORY: usize = 50;
/// Longest line, characters.
const LONGEST: usize = 4000;
/// Offers shown at once.
const MOST_SHOWN: usize = 10;
const HISTORY: &str = "palette.history";

pub struct Palette {
    /// Where it was opened: whose actions it offers.
    layers: Vec<Layer>,
    input: Input,
    offers: Vec<Offer>,
    /// Which offer is chosen; `None` until an arrow chooses one.
    chosen: Option<usize>,
    history: Vec<String>,
    /// Which line of the history is shown, counted from the newest.
    recalled: Option<usize>,
    error: Option<String>,
}

impl Palette {
    pub fn new(text: &str, layers: &[Layer], cx: &Cx) -> Palette {
        let kept = cx.remembered.get(HISTORY).and_then(Value::as_array);
        let history = kept
            .into_iter()
            .flatten()
            .filter_map(|v| v.as_str().map(str::to_owned))
            .collect();
        let mut palette = Palette {
            layers: layers.to_vec(),
            input: Input::new(text.to_owned()),
            offers: Vec::new(),
            chosen: None,
            history,
            recalled: None,
            error: None,
        };
        palette.typed(cx);
        palette
    }

    fn set(&mut self, text: String, cx: &Cx) {
        self.input = Input::new(text);
        self.typed(cx);
    }

    fn typed(&mut self, cx: &Cx) {
        let known = Known {
            layers: &self.layers,
            history: &self.history,
        };
        self.offers = offers(self.input.value(), known, cx);
        self.chosen = None;
        self.error = None;
    }

    /// Lines of the history while nothing else is typed, else the offers.
    fn vertical(&mut self, down: bool, cx: &Cx) {
        if self.input.value().is_empty() || self.recalled.is_some() {
            let next = match (self.recalled, down) {
                (None, true) => return self.choose(down),
                (None, false) => Some(0),
                (Some(at), false) => Some((at + 1).min(self.history.len().saturating_sub(1))),
                (Some(at), true) => at.checked_sub(1),
            };
            let text = next
                .and_then(|at| self.history.iter().rev().nth(at).cloned())
                .unwrap_or_default();
            self.set(text, cx);
            self.recalled = next.filter(|_| !self.history.is_empty());
            return;
        }
        self.choose(down);
    }

    fn choose(&mut self, down: bool) {
        let Some(last) = self.offers.len().checked_sub(1) else {
            return;
        };
        self.chosen = match (self.chosen, down) {
            (None, true) => Some(0),
            (None, false) => Some(last),
            (Some(at), true) => Some((at + 1).min(last)),
            (Some(at), false) => at.checked_sub(1),
        };
    }

    /// Puts the chosen offer (or the first) in the place of the word at hand.
    fn complete(&mut self, cx: &Cx) {
        let Some(offer) = self.offers.get(self.chosen.unwrap_or(0)) else {
            return;
        };
        let text = self.input.value();
        let start = text.rfind(' ').map_or(0, |at| at + 1);
        let text = format!("{}{}", &text[..start], offer.insert);
        self.recalled = None;
        self.set(text, cx);
    }

    fn accept(&mut self, cx: &Cx) -> Vec<Effect> {
        if self.chosen.is_some() {
            self.complete(cx);
            return Vec::new();
        }
        let line = self.input.value().trim().to_owned();
        if line.is_empty() {
            return vec![Effect::Close];
        }
        if let Some(action) = action(&line, &self.layers) {
            return self.run(line, Effect::Do(action));
        }
        match parse::line(&line) {
            Ok(command) if command.name == "stop" => self.run(line, Effect::Do(Action::Stop)),
            Ok(command) if answer::ANSWERED.contains(&command.name.as_str()) => self.run(line, Effect::Query(command)),
            Ok(command) => self.run(line, Effect::Send(command)),
            // part of a name: Enter takes the first offer, as Tab does
            Err(_) if !line.contains(' ') && !self.offers.is_empty() && parse::find(&line).is_err() => {
                self.complete(cx);
                Vec::new()
            }
            Err(failure) => {
                self.error = Some(failure.to_string());
                Vec::new()
            }
        }
    }

    /// Closes, does it, and keeps the line for the next time.
    fn run(&mut self, line: String, effect: Effect) -> Vec<Effect> {
        self.history.retain(|old| *old != line);
        self.history.push(line);
        let skip = self.history.len().saturating_sub(MOST_HISTORY);
        let kept: Vec<Value> = self.history.iter().skip(skip).map(|l| l.as_str().into()).collect();
        let remember = Effect::Remember {
            key: HISTORY.to_owned(),
            value: kept.into(),
        };
        vec![Effect::Close, effect, remember]
    }
}

impl Dialog for Palette {
    fn layer(&self) -> Layer {
        Layer::Palette
    }

    fn next(&self, _cx: &Cx) -> Vec<Action> {
        vec![Action::Accept, Action::NextField, Action::Down, Action::Close]
    }

    fn update(&mut self, action: &Action, cx: &Cx) -> Vec<Effect> {
        let length = self.input.value().chars().count();
        let request = match action {
            Action::Close => return vec![Effect::Close],
            Action::Accept => return self.accept(cx),
            Action::Up => {
                self.vertical(false, cx);
                return Vec::new();
            }
            Action::Down => {
                self.vertical(true, cx);
                return Vec::new();
            }
            Action::NextField => {
                self.complete(cx);
                return Vec::new();
            }
            Action::Pick { zone: "palette", row } => {
                self.chosen = Some(*row);
                self.complete(cx);
                return Vec::new();
            }
            Action::Paste(text) => {
                for c in text.chars().take(LONGEST.saturating_sub(length)) {
                    self.input.handle(InputRequest::InsertChar(c));
                }
                self.typed(cx);
                return Vec::new();
            }
            Action::Type(c) if length < LONGEST => InputRequest::InsertChar(*c),
            Action::Backspace if self.input.value().is_empty() => return vec![Effect::Close],
            Action::Backspace => InputRequest::DeletePrevChar,
            Action::Delete => InputRequest::DeleteNextChar,
            Action::EraseLine => InputRequest::DeleteLine,
            Action::Left => InputRequest::GoToPrevChar,
            Action::Right => InputRequest::GoToNextChar,
            Action::Home => InputRequest::GoToStart,
            Action::End => InputRequest::GoToEnd,
            _ => return Vec::new(),
        };
        self.input.handle(request);
        self.recalled = None;
        self.typed(cx);
        Vec::new()
    }

    fn draw(&self, _cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        canvas.take_mouse();
        let rows = self.offers.len().clamp(1, MOST_SHOWN) as u16;
        let height = (rows + 4).min(area.height);
        // at the bottom, where the eye is when the colon was typed
        let place = Rect {
            y: area.bottom() - height,
            height,
            ..area
        };
        canvas.clear(place, theme.style(Role::Text));
        let inside = pane("Command", "", true, theme, place, canvas);
        if inside.is_empty() {
            return;
        }
        let list = inside.height.saturating_sub(2);
        let mut selection = Selection {
            row: self.chosen.unwrap_or(0),
        };
        selection.row = selection.row.min(self.offers.len().saturating_sub(1));
        let first = selection.first(self.offers.len(), usize::from(list));
        for (i, offer) in self.offers.iter().enumerate().skip(first).take(usize::from(list)) {
            let chosen = self.chosen == Some(i);
            let style = theme.style(if chosen { Role::Selected } else { Role::Text });
            let line = Line::from(vec![
                Span::styled(format!("{}{:<28} ", marker(chosen), cut(&offer.label, 28)), style),
                Span::styled(
                    cut(&offer.doc, usize::from(inside.width).saturating_sub(30)),
                    theme.style(Role::Dim),
                ),
            ]);
            let row = (i - first) as u16;
            canvas.row(line, inside, row);
            canvas.hit(
                Rect {
                    y: inside.y + row,
                    height: 1,
                    ..inside
                },
                Action::Pick {
                    zone: "palette",
                    row: i,
                },
            );
        }
        let hint = match &self.error {
            Some(error) => Line::from(vec![
                Span::raw(" "),
                Sign::Failed.span(theme),
                Span::styled(format!(" {error}"), theme.style(Role::Warn)),
            ]),
            None => Line::styled(
                format!(" {}", usage(self.input.value(), &self.layers)),
                theme.style(Role::Info),
            ),
        };
        canvas.row(hint, inside, list);
        let room = usize::from(inside.width).saturating_sub(3);
        let scroll = self.input.visual_scroll(room);
        let shown: String = self.input.value().chars().skip(scroll).take(room).collect();
        canvas.row(
            Line::from(vec![Span::styled(" :", theme.style(Role::Key)), Span::raw(shown)]),
            inside,
            list + 1,
        );
        let column = inside.x + 2 + (self.input.visual_cursor().saturating_sub(scroll)).min(room) as u16;
        if inside.height > list + 1 && column < inside.right() {
            canvas.cursor = Some(Position::new(column, inside.y + list + 1));
        }
    }
}
