//! The instruments there are, and the address of this session.

use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::fit::cut;
use crate::theme::{Role, Theme};
use crate::widget::form::{Field, Form, Kind};
use crate::widget::list::{Selection, marker};
use crate::widget::pane::pane;
use crate::widget::value::Sign;
use engine::Command;
use model::{Value, text};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

pub const ZONE: &str = "instruments";
pub const ADDRESS: &str = "address";

/// Address and port instead of the configured ones, until fibdeck ends.
pub fn address_form() -> Form {
    Form::new(
        ADDRESS,
        vec![
            Field::new("address", "address", Kind::Text).doc("empty: as configured"),
            Field::new("port", "port", Kind::Text).doc("1 to 65535; empty: as configured"),
        ],
    )
}

/// Connects to the selected instrument, where the form says.
pub fn connect(row: usize, address: &Form, cx: &Cx) -> Vec<Effect> {
    let Some(entry) = cx.instruments.get(row) else {
        return Vec::new();
    };
    let mut command = Command::new("system.connect").with("instrument", entry.name.as_str());
    let typed = |key: &str| {
        address
            .field(key)
            .and_then(|f| f.value.as_text())
            .map(str::trim)
            .filter(|t| !t.is_empty())
    };
    if let Some(address) = typed("address") {
        command = command.with("address", address);
    }
    if let Some(port) = typed("port") {
        match port.parse::<u16>() {
            Ok(port) if port > 0 => command = command.with("port", port),
            _ => {
                let title = format!("`{}` is no port; nothing was connected", text::printable(port));
                return vec![Effect::Tell(
                    model::Notice::new(model::Severity::Warning, title)
                        .hint("a whole number from 1 to 65535, or nothing"),
                )];
            }
        }
    }
    vec![Effect::Send(command)]
}

pub fn draw(list: &Selection, focus: bool, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let inside = pane("Instruments", "", focus, theme, area, canvas);
    let height = usize::from(inside.height);
    let first = list.first(cx.instruments.len(), height);
    let connecting = cx.snapshot.connecting || cx.pending.has("system.connect");
    for (i, entry) in cx.instruments.iter().enumerate().skip(first).take(height) {
        let here = cx.snapshot.instrument == entry.name;
        let sign = match (here && cx.snapshot.connection.is_some(), here && connecting) {
            (_, true) => Sign::Pending.span(theme),
            (true, _) => Sign::Done.span(theme),
            _ => Span::raw(" "),
        };
        let selected = i == list.row;
        let role = if selected { Role::Selected } else { Role::Text };
        let origin = if entry.file.is_some() { "" } else { " shipped" };
        let room = usize::from(inside.width).saturating_sub(3 + origin.len());
        let line = Line::from(vec![
            Span::raw(marker(selected)),
            sign,
            Span::styled(
                format!(" {}", cut(&text::printable(&entry.name), room)),
                theme.style(role),
            ),
            Span::styled(origin, theme.style(Role::Dim)),
        ]);
        let row = (i - first) as u16;
        canvas.row(line, inside, row);
        canvas.hit(
            Rect {
                y: inside.y + row,
                height: 1,
                ..inside
            },
            Action::Pick { zone: ZONE, row: i },
        );
    }
}

pub fn draw_address(form: &Form, focus: bool, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let used = form
        .fields()
        .iter()
        .any(|f| f.value.as_text().is_some_and(|t| !t.is_empty()));
    let inside = pane(
        "This session only",
        if used { "in use" } else { "" },
        focus,
        theme,
        area,
        canvas,
    );
    form.draw(focus, theme, inside, canvas);
}

/// A text as a form's value: empty is nothing.
pub fn text_value(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        Value::Text(text.to_owned())
    }
}
