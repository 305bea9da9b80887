//! Pictures, live view, contrast, focus and field of one beam: the same keys in every tab with pictures.

use crate::action::Action;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::tab::{Reason, after_move, running};
use crate::widget::picture::tell;
use engine::snapshot::at;
use engine::{Command, Failure};
use model::{Beam, Capabilities};
use serde_json::Value;

/// Steps of the field width within a decade, as operators know them.
const FIELDS: &[f64] = &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];

/// The actions that make sense at a picture, most useful first.
pub const NEXT: &[Action] = &[
    Action::Acquire,
    Action::Live,
    Action::Autocontrast,
    Action::Autofocus,
    Action::AcquireBoth,
];

/// A tab that takes pictures needs a beam.
pub fn available(capabilities: Option<&Capabilities>) -> Result<(), Reason> {
    match capabilities {
        Some(capabilities) if capabilities.beams().is_empty() => {
            Err("this instrument has no beam to take pictures with")
        }
        _ => Ok(()),
    }
}

/// Handles these actions for `beam`; `None`: another's business.
pub fn update(action: &Action, beam: Beam, cx: &Cx) -> Option<Vec<Effect>> {
    let of_beam = |name: &str| Command::new(name).with("beam", beam.word());
    let starts = *action == Action::Live && !cx.snapshot.live[at(beam)].on;
    if starts && running::drawing(cx) == Some(beam) {
        let title = format!(
            "{} mills and cannot look meanwhile; no live view was started",
            beam.short()
        );
        return Some(vec![tell(
            &title,
            "the other beam can, where the instrument allows it; pictures between stages are a switch of the task",
        )]);
    }
    let command = match action {
        Action::Acquire => of_beam("image.acquire"),
        Action::AcquireBoth => Command::new("image.acquire").with("beam", "both"),
        Action::References => Command::new("image.reference"),
        Action::Live => of_beam("image.live").with("on", !cx.snapshot.live[at(beam)].on),
        Action::Autocontrast => of_beam("image.autocontrast"),
        Action::Autofocus => of_beam("image.autofocus"),
        Action::FieldLess => return Some(field(beam, -1, cx)),
        Action::FieldMore => return Some(field(beam, 1, cx)),
        Action::AfterMove => return Some(vec![after_move::switch(cx)]),
        _ => return None,
    };
    // a key that repeats is one wish
    let sent = cx.pending.any(|pending| *pending == command);
    Some(if sent { Vec::new() } else { vec![Effect::Send(command)] })
}

/// The picture that follows a command of this console: the one the switch of after_move asks for, or, since contrast and focus leave a
/// small quick probe in the pane, one as set.
pub fn ended(command: &Command, end: &Result<Value, Failure>, cx: &Cx) -> Vec<Effect> {
    let probed = ["image.autocontrast", "image.autofocus"].contains(&command.name.as_str());
    let beam = command
        .args
        .get("beam")
        .and_then(Value::as_str)
        .and_then(|word| word.parse::<Beam>().ok());
    match beam {
        Some(beam) if probed && end.is_ok() => {
            let acquire = Command::new("image.acquire").with("beam", beam.word());
            let comes = cx.snapshot.live[at(beam)].on || cx.pending.any(|pending| *pending == acquire);
            if comes { Vec::new() } else { vec![Effect::Send(acquire)] }
        }
        _ => after_move::ended(command, end, cx),
    }
}

/// The next field width of the ladder that the instrument has.
fn field(beam: Beam, by: i32, cx: &Cx) -> Vec<Effect> {
    let now = cx.snapshot.settings[at(beam)].hfw;
    let range = cx
        .snapshot
        .connection
        .as_ref()
        .and_then(|c| c.capabilities.beam(beam))
        .map(|b| b.hfw);
    let (low, high) = range.unwrap_or((1e-9, 1.0));
    match next_field(now, by).map(|next| next.clamp(low, high)) {
        Some(next) if next != now => {
            vec![Effect::Send(
                Command::new("image.settings")
                    .with("beam", beam.word())
                    .with("hfw", next),
            )]
        }
        _ => vec![tell(
            "that is the end of this beam's field widths",
            "the settings show the range",
        )],
    }
}

fn next_field(now: f64, by: i32) -> Option<f64> {
    if !now.is_finite() || now <= 0.0 {
        return None;
    }
    let decade = now.log10().floor() as i32;
    // micrometres times whole numbers, so that 150 um is the same number however it is reached
    let ladder = (decade - 1..=decade + 1)
        .flat_map(|d| FIELDS.iter().map(move |f| (f * 10f64.powi(d + 6) * 1e3).round() * 1e-9));
    let (up, near) = (by > 0, 1e-6 * now);
    let further = ladder.filter(|f| if up { *f > now + near } else { *f < now - near });
    further.min_by(|a, b| (a - now).abs().total_cmp(&(b - now).abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_climbs_and_descends_the_same_ladder() {
        let mut field = 150e-6;
        let mut climbed = Vec::new();
        for _ in 0..10 {
            field = next_field(field, 1).unwrap();
            climbed.push((field * 1e6 * 100.0).round() / 100.0);
        }
        assert_eq!(
            climbed,
            [200.0, 300.0, 400.0, 500.0, 600.0, 800.0, 1000.0, 1500.0, 2000.0, 3000.0]
        );
        for _ in 0..10 {
            field = next_field(field, -1).unwrap();
        }
        assert!((field - 150e-6).abs() < 1e-15);
        assert!(
            (next_field(137e-6, -1).unwrap() - 100e-6).abs() < 1e-15,
            "a typed width steps to the ladder"
        );
        assert_eq!(next_field(0.0, 1), None);
        assert_eq!(next_field(f64::NAN, 1), None);
    }
}
