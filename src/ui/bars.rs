//! The lines around the tab: tab bar, message, status, next keys. Plain functions of the snapshot.

use crate::action::{Action, ActionRow};
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::fit::cut;
use crate::keys::{Keymap, Layer};
use crate::popup::severity_sign;
use crate::steps;
use crate::tab::{TABS, TabId};
use crate::theme::{Role, Theme};
use crate::toasts::Toasts;
use crate::widget::value::Sign;
use engine::Snapshot;
use model::{Beam, StopOutcome, StopReport, text};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// Name, TWIN, and the tabs there are.
pub fn tabs(open: TabId, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    if area.is_empty() {
        return;
    }
    canvas.buffer.set_style(area, theme.style(Role::Bar));
    let mut spans = vec![Span::styled(" fibdeck ", theme.style(Role::Title))];
    spans.extend(instrument(cx, theme));
    spans.push(Span::raw("  "));
    let mut x = spans.iter().map(Span::width).sum::<usize>();
    // where the titles do not fit with room between them they stand close, and where they do not fit so the digits still do
    let titles = |between: usize| TABS.iter().map(|row| row.title.len() + 3 + between).sum::<usize>();
    let room = usize::from(area.width).saturating_sub(x);
    let (all, after) = (titles(0) <= room, if titles(1) <= room { " " } else { "" });
    for row in TABS {
        let style = theme.style(if row.id == open { Role::BarActive } else { Role::Bar });
        let title = match (all, row.id == open) {
            (true, _) => format!(" {} {}{after}", row.digit, row.title),
            (false, true) => format!(" {} {} ", row.digit, row.title),
            (false, false) => format!(" {} ", row.digit),
        };
        let title = Span::styled(title, style);
        let width = title.width();
        let hit = Rect {
            x: area.x.saturating_add(x as u16),
            width: width as u16,
            ..area
        };
        canvas.hit(hit, row.action.clone());
        x += width;
        spans.push(title);
    }
    canvas.line(Line::from(spans), area);
}

/// TWIN in plain sight, and the instrument's name.
pub fn instrument(cx: &Cx, theme: &Theme) -> Vec<Span<'static>> {
    let name = text::printable(&cx.snapshot.instrument);
    let mut spans = Vec::new();
    if cx
        .snapshot
        .connection
        .as_ref()
        .is_some_and(|c| c.capabilities.simulated)
    {
        spans.push(Span::styled("TWIN", theme.style(Role::Accent)));
        spans.push(Span::raw(" "));
    }
    spans.push(Span::raw(if name.is_empty() {
        "no instrument".to_owned()
    } else {
        name
    }));
    spans
}

/// The message line: a stop that is under way; else the front toast; else what Stop came to, a waiting question, trouble; else
/// the way to the first steps.
pub fn message(toasts: &Toasts, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    if area.is_empty() {
        return;
    }
    let (style, sign, words) = match toasts.front() {
        _ if toasts.is_stopping() => (
            theme.style(Role::Danger),
            Sign::Pending.symbol(),
            "STOP sent: waiting for the instrument's word that everything is at rest".to_owned(),
        ),
        Some((notice, waiting)) => {
            let mut words = text::printable(&notice.title);
            if !notice.hint.is_empty() {
                words = format!("{words}: {}", text::printable(&notice.hint));
            }
            let key = cx
                .keymap
                .key(&Action::Notices, &[])
                .map(|k| k.to_string())
                .unwrap_or_default();
            let more = if waiting > 0 {
                format!("  (+{waiting}, {key})")
            } else {
                String::new()
            };
            let sign = severity_sign(notice.severity);
            let room = usize::from(area.width).saturating_sub(more.len() + 4);
            (
                theme.severity(notice.severity),
                sign,
                format!("{}{more}", cut(&words, room)),
            )
        }
        None => match standing(cx) {
            Some((role, sign, words)) => (theme.style(role), sign, words),
            None => return,
        },
    };
    canvas.line(Line::from(Span::styled(format!(" {sign} {words} "), style)), area);
    canvas.hit(area, Action::Notices);
}

/// What stays in the message line while it is so.
fn standing(cx: &Cx) -> Option<(Role, &'static str, String)> {
    let snapshot = cx.snapshot;
    let key = |action: &Action| cx.keymap.key(action, &[]).map(|k| k.to_string()).unwrap_or_default();
    if let Some(report) = &snapshot.stopped {
        return Some(stopped(report, snapshot));
    }
    if let Some(question) = &snapshot.question {
        return Some((
            Role::Warn,
            "?",
            format!(
                "{} ({} answers)",
                text::printable(&question.text),
                key(&Action::Question)
            ),
        ));
    }
    if let Some(trouble) = &snapshot.trouble {
        return Some((Role::Warn, "!", text::printable(trouble)));
    }
    if snapshot.connecting {
        return Some((
            Role::Info,
            Sign::Pending.symbol(),
            "connecting; nothing on the instrument is changed".to_owned(),
        ));
    }
    if snapshot.connection.is_none() {
        let connect = cx
            .keymap
            .key(&Action::Connect, &[Layer::Connection])
            .map(|k| k.to_string())
            .unwrap_or_default();
        return Some((
            Role::Info,
            "i",
            format!("not connected: {} then {connect} connects", key(&Action::TabConnection)),
        ));
    }
    steps::next(cx).map(|words| (Role::Info, "i", words))
}

/// What Stop came to, until somebody acts again.
fn stopped(report: &StopReport, snapshot: &Snapshot) -> (Role, &'static str, String) {
    let unsure = report
        .acts
        .iter()
        .any(|(_, outcome)| *outcome == StopOutcome::Unconfirmed);
    if !report.sent || !report.at_rest || unsure {
        let why = match (report.sent, report.at_rest) {
            (false, _) => "it did not go out",
            (true, false) => "the stage is not known to be at rest",
            (true, true) => "not everything said that it ended",
        };
        let words = format!("STOP IS NOT CONFIRMED, {why}: look, and use the instrument's own stop");
        return (Role::Danger, severity_sign(model::Severity::Alarm), words);
    }
    let open = |beam: &Beam| snapshot.beam(*beam).is_some_and(|b| b.value.on && !b.value.blanked);
    let beams = match Beam::ALL.into_iter().filter(open).map(Beam::short).collect::<Vec<_>>()[..] {
        [] => "beams blanked".to_owned(),
        [one] => format!("but {one} is NOT blanked"),
        [..] => "but both beams are NOT blanked".to_owned(),
    };
    let words = match snapshot.owed.is_empty() {
        true => format!("STOPPED: the stage is at rest, {beams}; nothing moves until you act"),
        // an injector that is in, a heater that is on, a stage that is tilted
        false => format!(
            "STOPPED: the stage is at rest, {beams}; :job.restore puts back {}",
            text::printable(&snapshot.owed.join(", "))
        ),
    };
    (Role::Warn, Sign::Done.symbol(), words)
}

/// The short word of an action where it is pressed: in jog mode the page keys move the stage, in drive mode the needle, and must
/// say so; beside stages, left and right go from form to form.
fn hint(row: &'static ActionRow, layers: &[Layer]) -> &'static str {
    let forms = layers.contains(&Layer::Milling) && layers.contains(&Layer::Form);
    match (
        layers.contains(&Layer::Jog) || layers.contains(&Layer::Needle),
        &row.action,
    ) {
        (true, Action::PageUp) => "z up",
        (true, Action::PageDown) => "z down",
        (false, Action::Left) if forms => "prev form",
        (false, Action::Right) if forms => "next form",
        _ => row.hint,
    }
}

/// The next keys for this focus and state, Stop always last.
pub fn keys(next: &[Action], layers: &[Layer], cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    if area.is_empty() {
        return;
    }
    let key = cx.keymap.key(&Action::Stop, layers).map(|chord| chord.to_string());
    let stop = format!(" {} STOP ", key.unwrap_or_default());
    let stop_width = (stop.width() as u16).min(area.width);
    let stop_area = Rect {
        x: area.right() - stop_width,
        width: stop_width,
        ..area
    };
    let before = Rect {
        width: area.width - stop_width,
        ..area
    };
    let next = [next, &[Action::Palette, Action::Help]].concat();
    next_keys(&next, layers, cx.keymap, theme, before, canvas);
    canvas.line(Line::from(Span::styled(stop, theme.style(Role::Danger))), stop_area);
    canvas.hit(stop_area, Action::Stop);
}

/// Keys with what they do, as many as there is room for.
pub fn next_keys(next: &[Action], layers: &[Layer], keymap: &Keymap, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let mut room = usize::from(area.width);
    let mut x = area.x;
    let mut shown: Vec<&Action> = Vec::new();
    for action in next {
        let (Some(key), Some(row)) = (keymap.key(action, layers), action.row()) else {
            continue;
        };
        if shown.contains(&action) {
            continue;
        }
        let spans = [
            Span::styled(format!(" {key}"), theme.style(Role::Key)),
            Span::styled(format!(" {} ", hint(row, layers)), theme.style(Role::Dim)),
        ];
        let width = spans.iter().map(Span::width).sum::<usize>();
        if width > room {
            break;
        }
        let place = Rect {
            x,
            width: width as u16,
            ..area
        };
        canvas.line(Line::from(spans.to_vec()), place);
        // a yes is typed: a second click must not answer what the first one asked
        if *action != Action::Yes {
            canvas.hit(place, action.clone());
        }
        shown.push(action);
        room -= width;
        x += width as u16;
    }
}
