//! What there is to check before a yes: beams, vacuum, where the stage is.

use super::Words;
use engine::{Command, Snapshot};
use model::kinematics::Orientation;
use model::{Beam, Pose, Unit, units};
use serde_json::Value;

pub(super) fn word(command: &Command, name: &str) -> String {
    match command.args.get(name) {
        Some(Value::String(text)) => model::text::printable(text),
        Some(other) => other.to_string(),
        None => "?".to_owned(),
    }
}

pub(super) fn number(command: &Command, name: &str) -> Option<f64> {
    command.args.get(name).and_then(Value::as_f64)
}

fn beams(command: &Command) -> Vec<Beam> {
    match command.args.get("beam").and_then(Value::as_str) {
        Some("both") | None => Beam::ALL.to_vec(),
        Some(word) => word.parse().map(|beam| vec![beam]).unwrap_or_default(),
    }
}

/// The ion beam takes the sample away while it is not blanked.
pub(super) fn mills(command: &Command) -> bool {
    beams(command).contains(&Beam::Ion)
}

pub(super) fn beam(command: &Command, snapshot: &Snapshot, verb: &str) -> Words {
    let beams = beams(command);
    let names: Vec<&str> = beams.iter().map(|beam| beam.word()).collect();
    let plural = if beams.len() > 1 { "s" } else { "" };
    let mut lines: Vec<String> = beams
        .iter()
        .filter_map(|beam| {
            let settings = &snapshot.beam(*beam)?.value.settings;
            let (voltage, current) = (settings.voltage, settings.beam_current);
            Some(format!(
                "{} {}, {}",
                beam.short(),
                units::format(voltage, Unit::Volt),
                units::format(current, Unit::Ampere)
            ))
        })
        .collect();
    if beams.contains(&Beam::Ion) && verb == "Unblank" {
        lines.push("It mills whatever it is scanned over.".to_owned());
    }
    lines.extend(vacuum(snapshot));
    (format!("{verb} the {} beam{plural}?", names.join(" and ")), lines)
}

fn beams_on(snapshot: &Snapshot) -> Vec<&'static str> {
    let is_on = |beam: &Beam| snapshot.beam(*beam).is_some_and(|s| s.value.on);
    Beam::ALL.into_iter().filter(is_on).map(Beam::short).collect()
}

pub(super) fn chamber(snapshot: &Snapshot) -> Option<String> {
    let state = snapshot.chamber.as_ref()?.value;
    let pressure = units::format(state.pressure, Unit::Pascal);
    Some(format!("chamber {}, {pressure}", state.phase.word().to_lowercase()))
}

pub(super) fn vacuum(snapshot: &Snapshot) -> Vec<String> {
    let on = beams_on(snapshot);
    let beams = (!on.is_empty()).then(|| format!("on now: {}", on.join(", ")));
    chamber(snapshot).into_iter().chain(beams).collect()
}

/// The instrument refuses to vent onto a beam: better said before the yes than after.
pub(super) fn vent(snapshot: &Snapshot) -> Vec<String> {
    let beams = match beams_on(snapshot)[..] {
        [] => "No beam is on. The sample comes to air; pumping again takes minutes.".to_owned(),
        [one] => format!("It will be refused: {one} is on. Turn it off first."),
        [..] => "It will be refused: both beams are on. Turn them off first.".to_owned(),
    };
    chamber(snapshot).into_iter().chain([beams]).collect()
}

pub(super) fn plasma(snapshot: &Snapshot) -> Vec<String> {
    let gas = snapshot.ion.as_ref().and_then(|ion| ion.value.plasma_gas.clone());
    let mut lines: Vec<String> = gas
        .map(|gas| format!("now {}", model::text::printable(&gas)))
        .into_iter()
        .collect();
    lines.push("Takes about ten minutes; the ion beam cannot be used meanwhile. It can be cancelled.".to_owned());
    lines
}

pub(super) fn configuration(snapshot: &Snapshot) -> Words {
    let differ = snapshot
        .connection
        .iter()
        .flat_map(|c| &c.comparison)
        .filter(|row| !row.same);
    let mut lines: Vec<String> = differ
        .clone()
        .take(6)
        .map(|row| format!("{}: {} -> {}", row.key, row.actual, row.configured))
        .collect();
    let more = differ.count().saturating_sub(lines.len());
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    if lines.is_empty() {
        lines.push("Nothing differs; everything is set again.".to_owned());
    }
    ("Set the instrument to its configuration?".to_owned(), lines)
}

/// A pose as questions show it.
pub(super) fn pose(p: &Pose) -> String {
    format!(
        "x {:.4} y {:.4} z {:.4} mm, r {:.1} t {:.1} deg",
        p.x * 1e3,
        p.y * 1e3,
        p.z * 1e3,
        p.r.to_degrees(),
        p.t.to_degrees()
    )
}

pub(super) fn stage(snapshot: &Snapshot) -> Vec<String> {
    let now = |s: &engine::event::StageView| format!("now {}, {}", pose(&s.state.pose), s.orientation);
    snapshot.stage.iter().map(|s| now(&s.value)).collect()
}

pub(super) fn named(command: &Command) -> Option<Orientation> {
    command.args.get("name").and_then(Value::as_str)?.parse().ok()
}

pub(super) fn flat_to(command: &Command) -> Option<Orientation> {
    let beam: Beam = command.args.get("beam").and_then(Value::as_str)?.parse().ok()?;
    Some(Orientation::flat_to(beam))
}

/// Where an orientation turns and tilts the stage to, and where it is.
pub(super) fn turned(orientation: Option<Orientation>, snapshot: &Snapshot) -> Vec<String> {
    let target = orientation
        .zip(snapshot.connection.as_ref())
        .map(|(orientation, connection)| {
            let (r, t) = orientation.rotation_tilt(&connection.geometry);
            format!(
                "to r {:.1} deg, t {:.1} deg; a large turn is made with the stage tilted flat",
                r.to_degrees(),
                t.to_degrees()
            )
        });
    target.into_iter().chain(stage(snapshot)).collect()
}

pub(super) fn is_guided(command: &Command) -> bool {
    command.args.get("guided").and_then(Value::as_bool) == Some(true)
}

pub(super) fn height(snapshot: &Snapshot) -> Vec<String> {
    let mut lines =
        vec!["Both beams take pictures; the stage moves up or down until they see the same place.".to_owned()];
    lines.extend(stage(snapshot));
    lines
}

pub(super) fn back(snapshot: &Snapshot) -> Vec<String> {
    let mut lines =
        vec!["A picture is taken; the stage moves along the sample by what it is off the reference.".to_owned()];
    lines.extend(stage(snapshot));
    lines
}

pub(super) fn tilting(snapshot: &Snapshot) -> Vec<String> {
    let mut lines =
        vec!["In small steps; after each, pictures are taken and the stage brings the sample back.".to_owned()];
    lines.extend(stage(snapshot));
    lines
}

pub(super) fn tilt(command: &Command) -> String {
    match number(command, "tilt") {
        Some(tilt) => format!("Tilt the stage to {}?", units::format(tilt, Unit::Radian)),
        None => milling_angle(command, "milling_angle"),
    }
}

pub(super) fn homing(snapshot: &Snapshot) -> Vec<String> {
    let mut lines = vec!["It moves through its whole range: retract needle, gas and detectors first.".to_owned()];
    lines.extend(stage(snapshot));
    lines
}

pub(super) fn unlink(command: &Command) -> bool {
    command.args.get("on").and_then(Value::as_bool) == Some(false)
}

pub(super) fn milling_angle(command: &Command, arg: &str) -> String {
    match number(command, arg) {
        Some(angle) => format!("Tilt to a milling angle of {}?", units::format(angle, Unit::Radian)),
        None => "Tilt to the configured milling angle?".to_owned(),
    }
}

pub(super) fn position(command: &Command, snapshot: &Snapshot) -> Vec<String> {
    let name = command.args.get("name").and_then(Value::as_str);
    let saved = snapshot
        .positions
        .iter()
        .find(|p| p.name.as_deref() == name && name.is_some());
    let mut lines: Vec<String> = saved.map(|p| format!("there {p}")).into_iter().collect();
    lines.extend(stage(snapshot));
    lines
}

/// `system.set` can do what other commands are asked about.
pub(super) fn set(command: &Command, snapshot: &Snapshot) -> Option<Words> {
    let (key, value) = (word(command, "key"), word(command, "value"));
    let on = command
        .args
        .get("value")
        .and_then(Value::as_bool)
        .unwrap_or(value == "true");
    let ion = command
        .args
        .get("beam")
        .and_then(Value::as_str)
        .is_none_or(|b| b.parse() == Ok(Beam::Ion));
    let asked = match key.as_str() {
        "on" => on,
        "blanked" => !on && ion,
        "stage_home" | "stage_link" | "pump_chamber" | "vent_chamber" | "plasma_gas" => true,
        "spot_mode" => ion,
        _ => false,
    };
    asked.then(|| (format!("Set {key} to {value}?"), vacuum(snapshot)))
}
