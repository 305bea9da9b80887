//! The forms of the sections under each other: as many open as there is room for, the one with the keys always.

use super::sections::{self, SECTIONS, Section};
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::keys::Layer;
use crate::theme::{Role, Theme};
use crate::widget::form::{Form, Outcome};
use crate::widget::list::marker;
use model::Value;
use pattern::{MillingStage, MillingTask};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Titles of sections in clicks.
pub const ZONE: &str = "milling-sections";

#[derive(Debug)]
pub struct Forms {
    open: usize,
    forms: Vec<Form>,
    /// What is seldom needed is shown, too.
    all: bool,
}

/// What an action came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    Ignored,
    Handled,
    /// This value, of this section.
    Set(Section, &'static str, Value),
    /// The alignment area is to be drawn.
    Area,
}

impl Forms {
    pub fn new() -> Forms {
        Forms {
            open: 0,
            forms: SECTIONS.iter().map(|row| Form::new(row.zone, Vec::new())).collect(),
            all: false,
        }
    }

    fn form(&self) -> Option<&Form> {
        self.forms.get(self.open)
    }

    pub fn editing(&self) -> bool {
        self.form().is_some_and(Form::editing)
    }

    pub fn layer(&self) -> Layer {
        self.form().map_or(Layer::Form, Form::layer)
    }

    pub fn next(&self) -> Vec<Action> {
        self.form().map(Form::next).unwrap_or_default()
    }

    pub fn abandon(&mut self) {
        self.forms.iter_mut().for_each(Form::abandon);
    }

    /// Brings every form up to date.
    pub fn refresh(&mut self, task: &MillingTask, stage: Option<&MillingStage>, cx: &Cx) {
        for (row, form) in SECTIONS.iter().zip(&mut self.forms) {
            form.replace(sections::fields(row.section, task, stage, self.all, cx));
        }
        if self.form().is_some_and(|form| form.fields().is_empty()) {
            self.turn(1);
        }
    }

    /// Opens the first section: another stage is there now.
    pub fn restart(&mut self) {
        self.abandon();
        self.open = 0;
    }

    /// The next section in that direction that has fields.
    fn turn(&mut self, by: isize) {
        self.abandon();
        let mut to = self.open;
        while let Some(next) = to.checked_add_signed(by).filter(|next| *next < self.forms.len()) {
            to = next;
            if self.forms.get(to).is_some_and(|form| !form.fields().is_empty()) {
                self.open = to;
                return;
            }
        }
    }

    pub fn update(&mut self, action: &Action) -> Wanted {
        match action {
            Action::Pick { zone: ZONE, row } => {
                self.abandon();
                self.open = (*row).min(SECTIONS.len() - 1);
                return Wanted::Handled;
            }
            Action::Pick { zone, .. } => {
                let Some(clicked) = SECTIONS.iter().position(|row| row.zone == *zone) else {
                    return Wanted::Ignored;
                };
                if clicked != self.open {
                    self.abandon();
                    self.open = clicked;
                }
            }
            Action::Left if !self.editing() => {
                self.turn(-1);
                return Wanted::Handled;
            }
            Action::Right if !self.editing() => {
                self.turn(1);
                return Wanted::Handled;
            }
            _ => {}
        }
        let (Some(form), Some(row)) = (self.forms.get_mut(self.open), SECTIONS.get(self.open)) else {
            return Wanted::Ignored;
        };
        match form.update(action) {
            Outcome::Ignored => Wanted::Ignored,
            Outcome::Handled => Wanted::Handled,
            Outcome::Set {
                key: sections::MORE, ..
            } => {
                self.all = !self.all;
                Wanted::Handled
            }
            Outcome::Set {
                key: sections::AREA, ..
            } => Wanted::Area,
            Outcome::Set { key, value } => Wanted::Set(row.section, key, value),
        }
    }

    /// Rows each form gets below its title: the open one first, then the others in their order as long as they fit whole.
    fn heights(&self, area: Rect) -> Vec<u16> {
        let titles = self.forms.iter().filter(|form| !form.fields().is_empty()).count();
        let mut room = area.height.saturating_sub(titles as u16);
        let mut heights = vec![0; self.forms.len()];
        let order = std::iter::once(self.open).chain((0..self.forms.len()).filter(|i| *i != self.open));
        for i in order {
            let fields = self.forms.get(i).map_or(0, |form| form.fields().len() as u16);
            // few fields stay under each other, also while one of them is edited
            let wanted = match fields {
                0 => 0,
                few => self.forms[i].height(area.width).max(few.min(3) + 1),
            };
            if i == self.open || wanted <= room {
                heights[i] = wanted.min(room);
                room -= heights[i];
            }
        }
        heights
    }

    #[allow(clippy::too_many_arguments)] // one pane, drawn in one place
    pub fn draw(
        &self,
        focus: bool,
        task: &MillingTask,
        stage: Option<&MillingStage>,
        cx: &Cx,
        theme: &Theme,
        area: Rect,
        canvas: &mut Canvas,
    ) {
        let heights = self.heights(area);
        // titles of the sections before the open one go first where there is room for few lines only
        let has_fields = |i: &usize| self.forms.get(*i).is_some_and(|form| !form.fields().is_empty());
        let before: u16 = (0..self.open).filter(has_fields).map(|i| heights[i] + 1).sum();
        let scrolled = (before + 1 + heights.get(self.open).copied().unwrap_or(0)).saturating_sub(area.height);
        let mut y = -i32::from(scrolled.min(before));
        let all = SECTIONS.iter().zip(&self.forms).enumerate();
        for (i, (row, form)) in all.filter(|(i, _)| has_fields(i)) {
            let open = focus && i == self.open;
            let title = Rect {
                y: area.y.saturating_add(y.max(0) as u16),
                height: 1,
                ..area
            };
            if y >= 0 && title.y < area.bottom() {
                let style = theme.style(if open { Role::Focus } else { Role::Title });
                let mut spans = vec![Span::styled(format!("{}{}", marker(open), row.title), style)];
                if heights[i] == 0 {
                    let words = sections::summary(row.section, task, stage, cx);
                    spans.push(Span::styled(format!("  {words}"), theme.style(Role::Dim)));
                }
                canvas.line(Line::from(spans), title);
                canvas.hit(title, Action::Pick { zone: ZONE, row: i });
            }
            y += 1;
            if y >= 0 && heights[i] > 0 {
                let top = area.y.saturating_add(y as u16);
                let place = Rect {
                    y: top,
                    height: heights[i].min(area.bottom().saturating_sub(top)),
                    ..area
                };
                form.draw(open, theme, place, canvas);
            }
            y += i32::from(heights[i]);
        }
    }
}
