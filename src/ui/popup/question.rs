//! The question of a waiting job: a panel under the tab, so that the pictures it asks about stay in sight and, while the
//! instrument is lent, the tab stays usable. Nothing is chosen to begin with: one key chooses, another answers.

use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::fit::wrap;
use crate::theme::{Role, Theme};
use crate::widget::list::marker;
use crate::widget::pane::pane;
use crate::widget::value::duration;
use engine::Command;
use engine::event::Question;
use model::text;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// Which answer is chosen, for which question, and whether the panel has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Panel {
    pub focus: bool,
    question: Option<u64>,
    choice: Option<usize>,
}

/// On a screen of fewer rows than this, more choices than these stand side by side, so that the picture they are about keeps its room.
const TALL: u16 = 32;
const FEW: usize = 4;
/// Rows of that panel beside what it is about: its frame, the choices, and what the chosen one does.
const FLAT: u16 = 4;
/// Most rows that tell what it is about.
const TELLS: usize = 3;

/// Rows the panel wants on this screen.
pub fn rows(question: Option<&Question>, screen: Rect) -> u16 {
    match question {
        None => 0,
        Some(q) => {
            let width = screen.width.saturating_sub(2);
            let flat = screen.height < TALL && q.choices.len() > FEW && words(q) <= usize::from(width);
            let rest = if flat { FLAT } else { q.choices.len().min(20) as u16 + 3 };
            about(q, width).len() as u16 + rest
        }
    }
}

/// What it is about, in the rows it takes in so many columns.
fn about(question: &Question, width: u16) -> Vec<String> {
    let mut lines = wrap(&text::printable(&question.detail), usize::from(width).saturating_sub(2));
    lines.truncate(TELLS);
    lines.resize(lines.len().max(1), String::new());
    lines
}

/// Columns that the choices take side by side.
fn words(question: &Question) -> usize {
    let wide = |word: &str| text::printable(word).width() + 4;
    question.choices.iter().map(|(word, _)| wide(word)).sum()
}

impl Panel {
    /// The question may have gone, or be another one: then nothing is chosen.
    pub fn refresh(&mut self, cx: &Cx) {
        let id = cx.snapshot.question.as_ref().map(|q| q.id);
        if self.question != id {
            *self = Panel {
                question: id,
                ..Panel::default()
            };
        }
    }

    pub fn next(&self) -> Vec<Action> {
        match self.choice {
            Some(_) => vec![Action::Accept, Action::Up, Action::Down, Action::Close],
            None => vec![Action::Down, Action::Up, Action::Close],
        }
    }

    /// `None`: not the panel's business, the tab may have it.
    pub fn update(&mut self, action: &Action, cx: &Cx) -> Option<Vec<Effect>> {
        let question = cx.snapshot.question.as_ref()?;
        let last = question.choices.len().checked_sub(1)?;
        match action {
            Action::Close => self.focus = false,
            Action::Down => self.choice = Some(self.choice.map_or(0, |c| (c + 1).min(last))),
            Action::Up => self.choice = Some(self.choice.map_or(last, |c| c.saturating_sub(1))),
            Action::Pick { zone: "question", row } => {
                self.focus = true;
                self.choice = Some((*row).min(last));
            }
            Action::Accept => {
                let Some((word, _)) = self.choice.and_then(|c| question.choices.get(c)) else {
                    return Some(Vec::new());
                };
                let answer = Command::new("answer")
                    .with("id", question.id)
                    .with("choice", word.as_str());
                return Some(vec![Effect::Send(answer)]);
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    pub fn draw(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        let Some(question) = &cx.snapshot.question else { return };
        if area.is_empty() {
            return;
        }
        let asker = cx
            .snapshot
            .jobs
            .iter()
            .find(|j| j.id == question.job)
            .map(|j| text::printable(&j.title))
            .unwrap_or_default();
        let note = format!("{asker}, asked {} ago", duration(cx.now - question.since));
        let sent = if cx.pending.has("answer") { " …" } else { "" };
        let inside = pane(
            &format!("? {}{sent}", text::printable(&question.text)),
            &note,
            self.focus,
            theme,
            area,
            canvas,
        );
        let flat = usize::from(inside.height) <= question.choices.len() && words(question) <= usize::from(inside.width);
        let mut about = about(question, inside.width);
        // what can be answered goes before all of what is asked
        let answers = if flat { 1 } else { question.choices.len() };
        about.truncate(usize::from(inside.height).saturating_sub(answers).max(1));
        for (row, words) in about.iter().enumerate() {
            let line = Line::styled(format!(" {words}"), theme.style(Role::Dim));
            canvas.row(line, inside, row as u16);
        }
        let first = about.len() as u16;
        if flat {
            return self.flat(question, theme, inside, first, canvas);
        }
        for (i, (word, what)) in question.choices.iter().enumerate() {
            let chosen = self.choice == Some(i);
            let style = theme.style(if chosen { Role::Selected } else { Role::Text });
            let line = Line::from(vec![
                Span::styled(format!(" {} {:<12} ", marker(chosen), text::printable(word)), style),
                Span::styled(text::printable(what), theme.style(Role::Dim)),
            ]);
            let row = i as u16 + first;
            canvas.row(line, inside, row);
            if row < inside.height {
                canvas.hit(
                    Rect {
                        y: inside.y + row,
                        height: 1,
                        ..inside
                    },
                    Action::Pick {
                        zone: "question",
                        row: i,
                    },
                );
            }
        }
    }

    /// The choices in row `row`, and below them what the chosen one does.
    fn flat(&self, question: &Question, theme: &Theme, inside: Rect, row: u16, canvas: &mut Canvas) {
        let mut spans = Vec::new();
        let mut x = inside.x;
        for (i, (word, _)) in question.choices.iter().enumerate() {
            let chosen = self.choice == Some(i);
            let style = theme.style(if chosen { Role::Selected } else { Role::Text });
            let words = format!(" {} {} ", marker(chosen), text::printable(word));
            let width = words.width() as u16;
            if inside.height > row {
                let place = Rect {
                    x,
                    y: inside.y + row,
                    width,
                    height: 1,
                };
                canvas.hit(
                    place,
                    Action::Pick {
                        zone: "question",
                        row: i,
                    },
                );
            }
            x += width;
            spans.push(Span::styled(words, style));
        }
        canvas.row(Line::from(spans), inside, row);
        let does = match self.choice.and_then(|c| question.choices.get(c)) {
            Some((_, does)) => text::printable(does),
            None => "Up and Down choose, Enter answers".to_owned(),
        };
        canvas.row(
            Line::styled(format!(" {does}"), theme.style(Role::Dim)),
            inside,
            row + 1,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_small_screen_the_choices_stand_side_by_side() {
        let choice = |word: &str| (word.to_owned(), "does it".to_owned());
        let words = ["centred", "again", "up", "down", "left", "right", "cancel"];
        let question = Question {
            id: 1,
            job: 1,
            text: "is the tip in the centre?".to_owned(),
            detail: String::new(),
            choices: words.map(choice).to_vec(),
            since: 0.0,
        };
        let at = |w, h| rows(Some(&question), Rect::new(0, 0, w, h));
        assert_eq!((at(80, 24), at(120, 40), at(50, 24)), (5, 11, 11));
        assert_eq!(rows(None, Rect::new(0, 0, 80, 24)), 0);
        let detail =
            "field 400 um; left, right, up and down move the needle, or move it yourself in the Manipulator tab"
                .to_owned();
        let told = Question { detail, ..question };
        assert_eq!(
            rows(Some(&told), Rect::new(0, 0, 80, 24)),
            6,
            "what it is about is told whole"
        );
    }
}
