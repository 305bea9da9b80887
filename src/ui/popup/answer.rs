//! The answer to a question that was typed in the palette: `truth`, `milling.estimate`, `system.get`.

use super::Dialog;
use super::scroll::Scroll;
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::fit::cut;
use crate::keys::Layer;
use crate::theme::Theme;
use model::text;
use ratatui::layout::Rect;
use ratatui::text::Line;
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

/// Commands that are typed for their answer.
pub const ANSWERED: &[&str] = &[
    "gis.state",
    "image.settings",
    "job.list",
    "manipulator.list",
    "milling.estimate",
    "milling.state",
    "position.list",
    "stage.position",
    "stage.project-stable-move",
    "system.available",
    "system.get",
    "system.state",
    "truth",
];

pub struct Answer {
    title: String,
    lines: Vec<String>,
    scroll: Scroll,
}

impl Answer {
    pub fn new(command: &str, answer: &Value) -> Answer {
        Answer {
            title: command.to_owned(),
            lines: plain(answer).lines().map(str::to_owned).collect(),
            scroll: Scroll::default(),
        }
    }
}

impl Dialog for Answer {
    fn layer(&self) -> Layer {
        Layer::Help
    }

    fn next(&self, _cx: &Cx) -> Vec<Action> {
        vec![Action::Down, Action::PageDown, Action::Close]
    }

    fn update(&mut self, action: &Action, _cx: &Cx) -> Vec<Effect> {
        if *action == Action::Close {
            return vec![Effect::Close];
        }
        self.scroll.update(action);
        Vec::new()
    }

    fn draw(&self, _cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        let most = usize::from(area.width.saturating_sub(4));
        let longest = self.lines.iter().map(|line| line.width() + 2).max().unwrap_or(0);
        let width = longest.max(self.title.width() + 30).min(most);
        let line = |line: &String| Line::from(format!(" {}", cut(line, width.saturating_sub(1))));
        let lines = self.lines.iter().map(line).collect();
        self.scroll.draw(&self.title, lines, width as u16, theme, area, canvas);
    }
}

/// A value for people: `key  value` lines, nested ones with dots; numbers as they are (SI).
pub fn plain(value: &Value) -> String {
    let mut lines = Vec::new();
    flatten("", value, &mut lines);
    let width = lines.iter().map(|(k, _)| k.chars().count()).max().unwrap_or(0);
    lines
        .into_iter()
        .map(|(key, value)| {
            if key.is_empty() {
                value
            } else {
                format!("{key:width$}  {value}")
            }
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn flatten(prefix: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    let name = |key: &str| {
        if prefix.is_empty() {
            key.to_owned()
        } else {
            format!("{prefix}.{key}")
        }
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| flatten(&name(key), value, lines)),
        Value::Array(items) if items.iter().any(|i| i.is_object()) => {
            items
                .iter()
                .enumerate()
                .for_each(|(n, item)| flatten(&name(&n.to_string()), item, lines));
        }
        Value::String(text) => lines.push((prefix.to_owned(), text::printable(text))),
        Value::Null => lines.push((prefix.to_owned(), "-".to_owned())),
        other => lines.push((prefix.to_owned(), text::printable(&other.to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_asked_for_its_answer_exists_and_changes_nothing_of_the_sample() {
        for name in ANSWERED {
            let row = engine::command::rows().find(|row| row.name == *name);
            assert!(row.is_some_and(|row| row.danger == model::Danger::None), "{name}");
        }
    }

    #[test]
    fn values_for_people_are_aligned_and_cannot_drive_the_terminal() {
        let text = plain(&json!({ "a": { "long": 1.5 }, "name": "x\u{1b}[2J" }));
        assert_eq!(text, "a.long  1.5\nname    x[2J");
    }
}
