//! Which commands are asked about before they go out, and what the question says. One table; tabs, palette and popups all
//! pass through it, so nobody can forget it.
//!
//! Asked about is what cannot be taken back, what brings a beam to the sample, and every move whose way is not seen in a
//! picture. To have a command asked about: a row in [`ASKED`].

use crate::effect::{Ask, Effect};
use engine::command::rows;
use engine::{Command, Snapshot};
use model::kinematics::Orientation;
use model::{Axis, Beam, Danger, Unit, units};
use serde_json::Value;

/// The question in one line, and what there is to check.
type Words = (String, Vec<String>);

/// One row: a command and its question. `None` = this time there is nothing to ask.
pub struct AskRow {
    pub command: &'static str,
    ask: fn(&Command, &Snapshot) -> Option<Words>,
}

/// A relative move beyond these is asked about: it leaves the picture. Metres, radians.
const FAR: f64 = 1e-3;
const FAR_ANGLE: f64 = 0.0873;

/// Every command that is asked about.
pub const ASKED: &[AskRow] = &[
    AskRow {
        command: "beam.on",
        ask: |c, s| Some(beam(c, s, "Turn on")),
    },
    AskRow {
        command: "beam.unblank",
        ask: |c, s| mills(c).then(|| beam(c, s, "Unblank")),
    },
    AskRow {
        command: "beam.plasma",
        ask: |c, s| Some((format!("Change the plasma gas to {}?", word(c, "gas")), plasma(s))),
    },
    AskRow {
        command: "chamber.vent",
        ask: |_, s| Some(("Vent the chamber?".to_owned(), vacuum(s))),
    },
    AskRow {
        command: "chamber.pump",
        ask: |_, s| Some(("Pump the chamber?".to_owned(), vacuum(s))),
    },
    AskRow {
        command: "system.apply-configuration",
        ask: |_, s| Some(configuration(s)),
    },
    AskRow {
        command: "system.home",
        ask: |_, s| Some(("Reference the stage?".to_owned(), homing(s))),
    },
    AskRow {
        command: "system.link",
        ask: |c, s| {
            Some((
                format!("{}ink the stage?", if unlink(c) { "Unl" } else { "L" }),
                stage(s),
            ))
        },
    },
    AskRow {
        command: "system.set",
        ask: set,
    },
    AskRow {
        command: "system.restore",
        ask: |c, s| Some((format!("Restore the state in {}?", word(c, "path")), stage(s))),
    },
    AskRow {
        command: "stage.move-absolute",
        ask: |c, s| Some(("Move the stage?".to_owned(), target(c, s))),
    },
    AskRow {
        command: "stage.safe-move",
        ask: |c, s| Some(("Move the stage the safe way?".to_owned(), target(c, s))),
    },
    AskRow {
        command: "stage.move-relative",
        ask: |c, s| is_far(c).then(|| ("Move the stage this far?".to_owned(), steps(c, s))),
    },
    AskRow {
        command: "stage.stable-move",
        ask: |c, s| is_far(c).then(|| ("Move the stage this far?".to_owned(), steps(c, s))),
    },
    AskRow {
        command: "stage.project-stable-move",
        ask: |c, s| is_far(c).then(|| ("Move the stage this far?".to_owned(), steps(c, s))),
    },
    AskRow {
        command: "stage.vertical-move",
        ask: |c, s| is_far(c).then(|| ("Move the stage this far?".to_owned(), steps(c, s))),
    },
    AskRow {
        command: "stage.flat-to",
        ask: |c, s| {
            Some((
                format!("Tilt flat to the {} beam?", word(c, "beam")),
                turned(flat_to(c), s),
            ))
        },
    },
    AskRow {
        command: "stage.orientation",
        ask: |c, s| {
            Some((
                format!("Go to the {} orientation?", word(c, "name")),
                turned(named(c), s),
            ))
        },
    },
    AskRow {
        command: "stage.milling-angle",
        ask: |c, s| Some((milling_angle(c), stage(s))),
    },
    AskRow {
        command: "align.coincidence",
        // guided it asks at every step by itself
        ask: |c, s| (!is_guided(c)).then(|| ("Find coincidence by itself?".to_owned(), height(s))),
    },
    AskRow {
        command: "position.go",
        ask: |c, s| Some((format!("Go to `{}`?", word(c, "name")), position(c, s))),
    },
    AskRow {
        command: "position.remove",
        ask: |c, _| {
            Some((
                format!("Delete the position `{}`?", word(c, "name")),
                vec!["It cannot be brought back.".to_owned()],
            ))
        },
    },
];

/// The question before this command, if there is one. What changes the sample is always asked about, listed or not.
pub fn before(command: &Command, snapshot: &Snapshot) -> Option<Ask> {
    let danger = rows()
        .find(|row| row.name == command.name)
        .map_or(Danger::None, |row| row.danger);
    let then = vec![Effect::Send(command.clone())];
    match ASKED.iter().find(|row| row.command == command.name) {
        Some(row) => (row.ask)(command, snapshot).map(|(title, lines)| Ask {
            title,
            lines,
            danger,
            then,
        }),
        None if danger == Danger::Sample => Some(Ask {
            title: format!("{}?", command.name),
            lines: vec!["The sample cannot be changed back.".to_owned()],
            danger,
            then,
        }),
        None => None,
    }
}

fn word(command: &Command, name: &str) -> String {
    match command.args.get(name) {
        Some(Value::String(text)) => model::text::printable(text),
        Some(other) => other.to_string(),
        None => "?".to_owned(),
    }
}

fn number(command: &Command, name: &str) -> Option<f64> {
    command.args.get(name).and_then(Value::as_f64)
}

fn beams(command: &Command) -> Vec<Beam> {
    match command.args.get("beam").and_then(Value::as_str) {
        Some("both") | None => Beam::ALL.to_vec(),
        Some(word) => word.parse().map(|beam| vec![beam]).unwrap_or_default(),
    }
}

/// The ion beam takes the sample away while it is not blanked.
fn mills(command: &Command) -> bool {
    beams(command).contains(&Beam::Ion)
}

fn beam(command: &Command, snapshot: &Snapshot, verb: &str) -> Words {
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

fn vacuum(snapshot: &Snapshot) -> Vec<String> {
    let chamber = snapshot.chamber.as_ref().map(|c| c.value);
    let on: Vec<&str> = Beam::ALL
        .into_iter()
        .filter(|b| snapshot.beam(*b).is_some_and(|s| s.value.on))
        .map(Beam::short)
        .collect();
    let mut lines: Vec<String> = chamber
        .map(|c| {
            format!(
                "chamber {}, {}",
                c.phase.word().to_lowercase(),
                units::format(c.pressure, Unit::Pascal)
            )
        })
        .into_iter()
        .collect();
    if !on.is_empty() {
        lines.push(format!("on now: {}", on.join(", ")));
    }
    lines
}

fn plasma(snapshot: &Snapshot) -> Vec<String> {
    let gas = snapshot.ion.as_ref().and_then(|ion| ion.value.plasma_gas.clone());
    let mut lines: Vec<String> = gas
        .map(|gas| format!("now {}", model::text::printable(&gas)))
        .into_iter()
        .collect();
    lines.push("Takes about ten minutes; the ion beam cannot be used meanwhile. It can be cancelled.".to_owned());
    lines
}

fn configuration(snapshot: &Snapshot) -> Words {
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

fn stage(snapshot: &Snapshot) -> Vec<String> {
    snapshot
        .stage
        .iter()
        .map(|s| {
            let p = s.value.state.pose;
            format!(
                "now x {:.4} y {:.4} z {:.4} mm, r {:.1} t {:.1} deg, {}",
                p.x * 1e3,
                p.y * 1e3,
                p.z * 1e3,
                p.r.to_degrees(),
                p.t.to_degrees(),
                s.value.orientation
            )
        })
        .collect()
}

fn named(command: &Command) -> Option<Orientation> {
    command.args.get("name").and_then(Value::as_str)?.parse().ok()
}

fn flat_to(command: &Command) -> Option<Orientation> {
    let beam: Beam = command.args.get("beam").and_then(Value::as_str)?.parse().ok()?;
    Some(Orientation::flat_to(beam))
}

/// Where an orientation turns and tilts the stage to, and where it is.
fn turned(orientation: Option<Orientation>, snapshot: &Snapshot) -> Vec<String> {
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

fn is_guided(command: &Command) -> bool {
    command.args.get("guided").and_then(Value::as_bool) == Some(true)
}

fn height(snapshot: &Snapshot) -> Vec<String> {
    let mut lines =
        vec!["Both beams take pictures; the stage moves up or down until they see the same place.".to_owned()];
    lines.extend(stage(snapshot));
    lines
}

fn homing(snapshot: &Snapshot) -> Vec<String> {
    let mut lines = vec!["It moves through its whole range: retract needle, gas and detectors first.".to_owned()];
    lines.extend(stage(snapshot));
    lines
}

fn unlink(command: &Command) -> bool {
    command.args.get("on").and_then(Value::as_bool) == Some(false)
}

fn shown(axis: Axis, value: f64) -> String {
    let unit = if axis.is_angle() { Unit::Radian } else { Unit::Metre };
    format!("{axis} {}", units::format(value, unit))
}

/// From where to where, axis by axis.
fn target(command: &Command, snapshot: &Snapshot) -> Vec<String> {
    let pose = snapshot.stage.as_ref().map(|s| s.value.state.pose);
    Axis::ALL
        .into_iter()
        .filter_map(|axis| {
            let to = shown(axis, number(command, axis.name())?);
            Some(match pose {
                Some(pose) => format!("{to}   (now {})", shown(axis, pose.get(axis))),
                None => to,
            })
        })
        .collect()
}

fn steps(command: &Command, snapshot: &Snapshot) -> Vec<String> {
    let by = |name: &str| {
        let unit = if ["r", "t"].contains(&name) {
            Unit::Radian
        } else {
            Unit::Metre
        };
        number(command, name).map(|value| format!("{name} by {}", units::format(value, unit)))
    };
    let mut lines: Vec<String> = ["x", "y", "z", "r", "t", "dx", "dy"]
        .into_iter()
        .filter_map(by)
        .collect();
    lines.extend(stage(snapshot));
    lines
}

fn is_far(command: &Command) -> bool {
    let over = |names: &[&str], most: f64| names.iter().any(|n| number(command, n).is_some_and(|v| v.abs() > most));
    over(&["x", "y", "z", "dx", "dy"], FAR) || over(&["r", "t"], FAR_ANGLE)
}

fn milling_angle(command: &Command) -> String {
    match number(command, "angle") {
        Some(angle) => format!("Tilt to a milling angle of {}?", units::format(angle, Unit::Radian)),
        None => "Tilt to the configured milling angle?".to_owned(),
    }
}

fn position(command: &Command, snapshot: &Snapshot) -> Vec<String> {
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
fn set(command: &Command, snapshot: &Snapshot) -> Option<Words> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asked_command_exists() {
        for row in ASKED {
            assert!(rows().any(|r| r.name == row.command), "{}", row.command);
        }
    }

    #[test]
    fn what_brings_a_beam_or_a_long_way_is_asked_about() {
        let s = Snapshot::default();
        let asked = |command: Command| before(&command, &s).is_some();
        assert!(asked(Command::new("beam.on").with("beam", "electron")));
        assert!(asked(Command::new("beam.unblank").with("beam", "ion")));
        assert!(asked(Command::new("beam.unblank")), "both");
        assert!(!asked(Command::new("beam.unblank").with("beam", "electron")));
        assert!(!asked(Command::new("beam.off")) && !asked(Command::new("beam.blank")));
        assert!(asked(Command::new("stage.move-relative").with("x", 2e-3)));
        assert!(asked(Command::new("stage.move-relative").with("t", 0.2)));
        assert!(!asked(Command::new("stage.move-relative").with("x", 20e-6)));
        assert!(asked(
            Command::new("system.set")
                .with("key", "on")
                .with("value", true)
                .with("beam", "ion")
        ));
        assert!(asked(
            Command::new("system.set")
                .with("key", "vent_chamber")
                .with("value", true)
        ));
        assert!(!asked(
            Command::new("system.set").with("key", "hfw").with("value", 1e-4)
        ));
    }
}
