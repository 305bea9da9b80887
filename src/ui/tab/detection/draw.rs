//! Where everything stands: the picture, and beside or below it features, distances, classes and the form.

use super::{Detection, asked, found, overlay, shown};
use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::fit::cut;
use crate::layout::above;
use crate::theme::{Role, Theme};
use crate::widget::list::marker;
use crate::widget::pane::pane;
use crate::widget::value::Sign;
use model::detection::{Detection as Found, Spotted};
use model::{Point, Unit, units};
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Names the rows of the list.
pub const ZONE: &str = "features";
/// From this width on the list stands beside the picture.
const WIDE: u16 = 100;
/// Columns of the list there.
const BESIDE: u16 = 50;
/// Rows of the list below the picture.
const BELOW: u16 = 8;

pub fn draw(tab: &Detection, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    if area.is_empty() {
        return;
    }
    let (picture, list) = if area.width >= WIDE {
        let beside = BESIDE.min(area.width / 2);
        let left = Rect {
            width: area.width - beside,
            ..area
        };
        let right = Rect {
            x: left.right(),
            width: beside,
            ..area
        };
        (left, right)
    } else {
        above(area, BELOW.min(area.height / 2))
    };
    // beside the list there is room for one picture
    if picture.width >= WIDE {
        tab.pair.draw(!tab.editing, cx, theme, picture, canvas);
    } else {
        tab.pair
            .focused()
            .draw(!tab.editing, tab.pair.look, cx, theme, picture, canvas);
    }
    if tab.editing {
        let inner = pane("Looked for", "Enter takes, Esc closes", true, theme, list, canvas);
        return tab.form.draw(true, theme, inner, canvas);
    }
    features(tab, cx, theme, list, canvas);
}

fn features(tab: &Detection, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let note = match found(cx) {
        _ if cx.pending.has("detect.features") => format!("{} looking", Sign::Pending.symbol()),
        Some(found) if found.confirmed => format!("{} confirmed", Sign::Done.symbol()),
        Some(found) if !found.is_sure() => "look at it".to_owned(),
        Some(_) => "not confirmed".to_owned(),
        None => String::new(),
    };
    let title = if tab.live { "Features LIVE" } else { "Features" };
    let inner = pane(title, &note, false, theme, area, canvas);
    let Some(found) = found(cx) else {
        for (row, line) in empty(cx, theme).into_iter().enumerate() {
            canvas.row(line, inner, row as u16);
        }
        return;
    };
    let lines = said(found, cx, theme);
    let rows = usize::from(inner.height).saturating_sub(lines.len()).max(1);
    let list = Listed::of(found, inner.width, rows);
    let first = tab.selected.first(found.features.len(), list.rows);
    for (row, (i, feature)) in found
        .features
        .iter()
        .enumerate()
        .skip(first)
        .take(list.rows)
        .enumerate()
    {
        let at = row * list.each;
        for (below, line) in list
            .lines(i, feature, i == tab.selected.row, found, theme)
            .into_iter()
            .enumerate()
        {
            canvas.row(line, inner, (at + below) as u16);
        }
        let place = Rect {
            y: inner.y + at as u16,
            height: list.each as u16,
            ..inner
        };
        canvas.hits.push((place, Action::Pick { zone: ZONE, row: i }));
    }
    let below = found.features.len().min(list.rows) * list.each;
    for (row, line) in lines.into_iter().enumerate() {
        canvas.row(line, inner, (below + row) as u16);
    }
}

fn empty(cx: &Cx, theme: &Theme) -> Vec<Line<'static>> {
    let dim = theme.style(Role::Dim);
    let mut lines = vec![
        Line::styled(" d takes a picture and looks for features,", dim),
        Line::styled(" D looks in the picture that is there.", dim),
    ];
    for (name, text) in asked::chosen(cx) {
        let text = if text.is_empty() { "as usual" } else { &text };
        lines.push(Line::styled(format!(" {name}: {text}  (e changes)"), dim));
    }
    lines
}

/// Columns of a feature's line beside its name.
const BESIDE_NAME: usize = 38;

/// How features are listed: the place beside the name, or, where names are too long for that and rows are left, below it.
struct Listed {
    /// Features, and lines of each.
    rows: usize,
    each: usize,
    /// Columns of the names.
    name: usize,
}

impl Listed {
    fn of(found: &Found, width: u16, rows: usize) -> Listed {
        let width = usize::from(width);
        let longest = found.features.iter().map(|f| f.name.len()).max().unwrap_or(0).max(8);
        let beside = width.saturating_sub(BESIDE_NAME).max(8);
        let fold = longest > beside && 2 * found.features.len() <= rows;
        match fold {
            true => Listed {
                rows: rows / 2,
                each: 2,
                name: longest.min(width.saturating_sub(14)),
            },
            false => Listed {
                rows,
                each: 1,
                name: longest.min(beside),
            },
        }
    }

    /// ` > 1 NeedleTip   87 %   x +12.3 um  y -4.5 um`
    fn lines(&self, i: usize, f: &Spotted, selected: bool, found: &Found, theme: &Theme) -> Vec<Line<'static>> {
        let doubtful = f.confidence.is_some_and(|c| c < found.least_confidence);
        let (sure, role) = match (f.px, f.confidence) {
            (None, _) if f.by_hand => ("rejected".to_owned(), Role::Dim),
            (None, _) => ("not found".to_owned(), Role::Warn),
            (Some(_), Some(c)) if doubtful => (format!("{:3.0} % ?", c * 100.0), Role::Warn),
            (Some(_), Some(c)) => (format!("{:3.0} %", c * 100.0), Role::Good),
            (Some(_), None) if f.by_hand => ("by hand".to_owned(), Role::Info),
            (Some(_), None) => ("found".to_owned(), Role::Text),
        };
        let place =
            f.m.map_or_else(String::new, |m| format!("x {} y {}", signed(m.x), signed(m.y)));
        let name = self.name;
        let style = if selected {
            theme.style(Role::Selected)
        } else {
            Style::default()
        };
        let mut spans = vec![
            Span::styled(
                format!("{}{} {:<name$} ", marker(selected), i + 1, cut(&f.name, name)),
                style,
            ),
            Span::styled(format!("{sure:<9} "), theme.style(role)),
        ];
        let place = Span::styled(place, style);
        match self.each {
            1 => {
                spans.push(place);
                vec![Line::from(spans)]
            }
            _ => vec![Line::from(spans), Line::from(vec![Span::raw("   "), place])],
        }
    }
}

/// Metres in a width of their own.
fn signed(m: f64) -> String {
    let text = units::format(m.abs(), Unit::Metre);
    format!("{}{text:<8}", if m < 0.0 { '-' } else { '+' })
}

/// Below the features: the way from the first to the second, classes of the mask, and where this is from.
fn said(found: &Found, cx: &Cx, theme: &Theme) -> Vec<Line<'static>> {
    let dim = theme.style(Role::Dim);
    let mut lines = Vec::new();
    if let Some(way) = found.distance() {
        let text = format!(" 1 to 2: {} right, {} down", signed(way.x).trim(), signed(way.y).trim());
        lines.push(Line::styled(text, theme.style(Role::Accent)));
    }
    if !found.classes.is_empty() {
        let mut spans = vec![Span::styled(" mask:", dim)];
        let looked_for = overlay::looked_for(found);
        for class in &found.classes {
            // only what is drawn over the picture has a colour there
            let shown = looked_for.contains(&class.id);
            let colour = theme.style(Role::of_stage(usize::from(class.id).saturating_sub(1)));
            spans.push(Span::styled(if shown { " \u{25a0}" } else { " " }, colour));
            spans.push(Span::styled(
                format!("{} {:.1} %", class.label, class.share * 100.0),
                dim,
            ));
        }
        lines.push(Line::from(spans));
    }
    let place = match (shown(cx), &found.image) {
        (Some(frame), _) => format!("picture {}", frame.id),
        (None, Some(file)) => cut(&model::text::printable(file), 30).to_owned(),
        (None, None) => "a picture that is gone".to_owned(),
    };
    lines.push(Line::styled(
        format!(" {} in {place}", model::text::printable(&found.model)),
        dim,
    ));
    lines
}

/// What a move to the selected feature would be, said below the picture before the key is pressed.
pub fn target(found: &Found, selected: usize) -> String {
    let Some(Spotted {
        name,
        m: Some(Point { x, y }),
        ..
    }) = found.features.get(selected)
    else {
        return String::new();
    };
    format!(
        "{name}: Enter moves the stage {} {}",
        signed(*x).trim(),
        signed(*y).trim()
    )
}
