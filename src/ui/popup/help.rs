//! Every key that works here, from the keymap and the table of actions: Stop first, then the focus, then what works everywhere.

use super::Dialog;
use super::scroll::Scroll;
use crate::action::{Action, ActionRow};
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

fn key((action, keys): (&Action, String)) -> Row {
    Row::Key {
        keys,
        doc: action.row().map_or("", |row| row.doc),
    }
}

impl Help {
    /// The help of `layers`, innermost first, and of what works everywhere.
    pub fn new(layers: &[Layer], cx: &Cx) -> Help {
        let stop = |action: &Action| *action == Action::Stop;
        let everywhere = reaching(cx.keymap, Layer::Global, layers);
        let stops = everywhere.iter().filter(|(a, _)| stop(a)).cloned().map(key);
        let mut help = Help {
            rows: stops.collect(),
            scroll: Scroll::default(),
        };
        help.add(layers, layers, cx.keymap);
        help.add(&[Layer::Global], layers, cx.keymap);
        help
    }

    /// The help of a screen without an instrument: what means something there alone first.
    pub fn of(layers: &[Layer], keymap: &Keymap) -> Help {
        let mut rows = Vec::new();
        for layer in layers {
            let (own, shared): (Vec<_>, Vec<_>) =
                reaching(keymap, *layer, layers).into_iter().partition(|(action, _)| {
                    let own = |row: &ActionRow| row.layers.iter().all(|layer| layers.contains(layer));
                    action.row().is_some_and(own)
                });
            if !rows.is_empty() {
                rows.push(Row::Gap);
            }
            rows.push(Row::Title(layer.row().title));
            rows.extend(own.into_iter().chain(shared).map(key));
        }
        Help {
            rows,
            scroll: Scroll::default(),
        }
    }

    fn add(&mut self, shown: &[Layer], layers: &[Layer], keymap: &Keymap) {
        for layer in shown {
            let mut keys = reaching(keymap, *layer, layers);
            keys.retain(|(action, _)| **action != Action::Stop);
            if !keys.is_empty() {
                if !self.rows.is_empty() {
                    self.rows.push(Row::Gap);
                }
                self.rows.push(Row::Title(layer.row().title));
                self.rows.extend(keys.into_iter().map(key));
            }
        }
    }

    pub fn scroll(&mut self, action: &Action) {
        self.scroll.update(action);
    }

    pub fn show(&self, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        let width = WIDTH.min(area.width.saturating_sub(4));
        let lines = self.lines(usize::from(width), theme);
        self.scroll
            .draw("Keys that work here", lines, width, theme, area, canvas);
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
        self.scroll(action);
        Vec::new()
    }

    fn draw(&self, _cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        self.show(theme, area, canvas);
    }
}
