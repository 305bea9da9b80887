//! Every key that works here, from the keymap and the table of actions: Stop first, then the focus, then what works everywhere.

use super::Dialog;
use super::scroll::Scroll;
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::fit::wrap;
use crate::keys::{Keymap, Layer};
use crate::theme::{Role, Theme};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Columns of the box, and of the keys in it.
const WIDTH: u16 = 96;
const KEYS: usize = 15;

/// One entry of the help.
enum Row {
    Title(&'static str),
    Key { keys: String, doc: &'static str },
    Gap,
}

pub struct Help {
    rows: Vec<Row>,
    scroll: Scroll,
}

/// The actions of one layer with those of their keys that reach them from here.
fn reaching<'a>(keymap: &'a Keymap, layer: Layer, layers: &[Layer]) -> Vec<(&'a Action, String)> {
    let mut all = Vec::new();
    for (action, chords) in keymap.of(layer) {
        let reaches = chords
            .iter()
            .filter(|chord| keymap.action(**chord, layers).as_ref() == Some(action));
        let keys: Vec<String> = reaches.map(ToString::to_string).collect();
        if !keys.is_empty() {
            all.push((action, keys.join(" ")));
        }
    }
    all
}

impl Help {
    /// The help of `layers`, innermost first.
    pub fn new(layers: &[Layer], cx: &Cx) -> Help {
        let mut rows = Vec::new();
        let stop = |action: &Action| *action == Action::Stop;
        let everywhere = reaching(cx.keymap, Layer::Global, layers);
        let key = |(action, keys): (&Action, String)| Row::Key {
            keys,
            doc: action.row().map_or("", |row| row.doc),
        };
        rows.extend(everywhere.iter().filter(|(a, _)| stop(a)).cloned().map(key));
        for layer in layers.iter().chain([&Layer::Global]) {
            let mut keys = reaching(cx.keymap, *layer, layers);
            keys.retain(|(action, _)| !stop(action));
            if !keys.is_empty() {
                rows.extend([Row::Gap, Row::Title(layer.row().title)]);
                rows.extend(keys.into_iter().map(key));
            }
        }
        Help {
            rows,
            scroll: Scroll::default(),
        }
    }

    fn lines(&self, width: usize, theme: &Theme) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        for row in &self.rows {
            match row {
                Row::Gap => lines.push(Line::default()),
                Row::Title(title) => lines.push(Line::styled(format!(" {title}"), theme.style(Role::Title))),
                Row::Key { keys, doc } => {
                    // more keys than their column holds have a line of their own
                    let alone = keys.chars().count() > KEYS;
                    if alone {
                        lines.push(Line::styled(format!(" {keys}"), theme.style(Role::Key)));
                    }
                    for (i, words) in wrap(doc, width.saturating_sub(KEYS + 3)).into_iter().enumerate() {
                        let keys = if i == 0 && !alone { keys.as_str() } else { "" };
                        lines.push(Line::from(vec![
                            Span::styled(format!(" {keys:<KEYS$} "), theme.style(Role::Key)),
                            Span::raw(words),
                        ]));
                    }
                }
            }
        }
        lines
    }
}

impl Dialog for Help {
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
        let width = WIDTH.min(area.width.saturating_sub(4));
        let lines = self.lines(usize::from(width), theme);
        self.scroll
            .draw("Keys that work here", lines, width, theme, area, canvas);
    }
}
