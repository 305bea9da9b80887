//! Every key that works here, from the keymap and the table of actions: the focus first, then the rest.

use super::Dialog;
use super::frame::frame;
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::keys::{LAYERS, Layer};
use crate::theme::{Role, Theme};
use crate::widget::list::Selection;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// One line of the help.
enum Row {
    Title(&'static str),
    Key { keys: String, doc: &'static str },
    Gap,
}

pub struct Help {
    rows: Vec<Row>,
    /// First row shown.
    top: Selection,
}

impl Help {
    pub fn new(layers: &[Layer], cx: &Cx) -> Help {
        let mut order: Vec<Layer> = layers.to_vec();
        order.push(Layer::Global);
        order.extend(
            LAYERS
                .iter()
                .map(|row| row.layer)
                .filter(|layer| !layers.contains(layer) && *layer != Layer::Global),
        );
        let mut rows = Vec::new();
        for layer in order {
            let bindings = cx.keymap.of(layer);
            if bindings.is_empty() {
                continue;
            }
            if !rows.is_empty() {
                rows.push(Row::Gap);
            }
            rows.push(Row::Title(layer.row().title));
            for (action, chords) in bindings {
                let keys: Vec<String> = chords.iter().map(ToString::to_string).collect();
                let doc = action.row().map_or("", |row| row.doc);
                rows.push(Row::Key {
                    keys: keys.join(" "),
                    doc,
                });
            }
        }
        Help {
            rows,
            top: Selection::default(),
        }
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
        self.top.update(action, "help", self.rows.len(), 10);
        Vec::new()
    }

    fn draw(&self, _cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        let wanted = (96, self.rows.len().min(200) as u16);
        let inside = frame("Keys", "", wanted, theme, area, canvas);
        let height = usize::from(inside.height);
        let first = self.top.row.min(self.rows.len().saturating_sub(height));
        for (i, row) in self.rows.iter().skip(first).take(height).enumerate() {
            let line = match row {
                Row::Gap => continue,
                Row::Title(title) => Line::styled(format!(" {title}"), theme.style(Role::Title)),
                Row::Key { keys, doc } => Line::from(vec![
                    Span::styled(format!(" {keys:<15} "), theme.style(Role::Key)),
                    Span::raw(*doc),
                ]),
            };
            canvas.row(line, inside, i as u16);
        }
    }
}
