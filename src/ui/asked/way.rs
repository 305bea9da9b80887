//! How far a move by an amount goes, and where it ends.

use super::Words;
use super::words::{number, pose, stage};
use crate::cx::Cx;
use engine::{Command, Snapshot};
use model::kinematics::{Displacement, ScanRotation, Setup, stable, vertical};
use model::{Axis, Beam, Pose, Unit, units};

/// Rounding of what was typed must not make a step of just the limit one beyond it.
const ROUNDING: f64 = 1e-9;

/// The question before a move by an amount, where it goes beyond what the options let go unasked.
pub(super) fn far(command: &Command, cx: &Cx) -> Option<Words> {
    let now = cx.snapshot.stage.as_ref().map(|s| s.value.state.pose);
    let end = now.and_then(|now| end(command, now, cx.snapshot));
    let given = given(command);
    // a short way in a picture that is looked at flatly can be a long one of the stage
    let length = now
        .zip(end)
        .map_or(0.0, |(now, end)| now.distance(&end))
        .max(size(&given, false));
    let beyond = |way: f64, most: f64| way > most * (1.0 + ROUNDING);
    let is_far =
        beyond(length, cx.options.ask_beyond_length) || beyond(size(&given, true), cx.options.ask_beyond_angle);
    is_far.then(|| {
        let mut lines: Vec<String> = given
            .iter()
            .map(|(name, value, angle)| format!("{name} by {}", units::format(*value, unit(*angle))))
            .collect();
        lines.extend(end.map(|end| format!("to  {}", pose(&end))));
        lines.extend(end.and_then(|end| outside(&end, cx.snapshot)));
        lines.extend(stage(cx.snapshot));
        ("Move the stage this far?".to_owned(), lines)
    })
}

/// The amounts of a command: name, value, whether it is an angle.
fn given(command: &Command) -> Vec<(&str, f64, bool)> {
    let jogged = command.args.get("axis").and_then(|axis| axis.as_str());
    let names = ["x", "y", "z", "r", "t", "dx", "dy"].map(|name| (name, name));
    let step = jogged.map(|axis| (axis, "step"));
    let amount =
        |(shown, name): (&'static str, &str)| Some((shown, number(command, name)?, ["r", "t"].contains(&shown)));
    let mut all: Vec<_> = names.into_iter().filter_map(amount).collect();
    if let Some((axis, step)) = step
        && let (Some(axis), Some(by)) = (Axis::ALL.into_iter().find(|a| a.name() == axis), number(command, step))
    {
        all.push((axis.name(), by, axis.is_angle()));
    }
    all
}

/// The whole way of the lengths, or of the angles.
fn size(given: &[(&str, f64, bool)], angles: bool) -> f64 {
    let squares = given
        .iter()
        .filter(|(.., angle)| *angle == angles)
        .map(|(_, v, _)| v * v);
    squares.sum::<f64>().sqrt()
}

fn unit(angle: bool) -> Unit {
    if angle { Unit::Radian } else { Unit::Metre }
}

/// Where the move ends; `None` where that cannot be computed (it will then be refused, with the reason).
fn end(command: &Command, now: Pose, snapshot: &Snapshot) -> Option<Pose> {
    let along = |names: [&str; 2]| names.map(|name| number(command, name).unwrap_or(0.0));
    let beam: Beam = match command.args.get("beam").and_then(|beam| beam.as_str()) {
        Some(word) => word.parse().ok()?,
        None => Beam::Electron,
    };
    let geometry = &snapshot.connection.as_ref()?.geometry;
    let scan = |beam| snapshot.beam(beam).map_or(0.0, |b| b.value.settings.scan_rotation);
    let setup = Setup {
        scan_rotation: ScanRotation {
            electron: scan(Beam::Electron),
            ion: scan(Beam::Ion),
        },
        ..Setup::new(geometry, now)
    };
    let in_picture = |[dx, dy]: [f64; 2]| stable::checked(&setup, beam, dx, dy).ok();
    let step: Displacement = match command.name.as_str() {
        "stage.stable-move" => in_picture(along(["dx", "dy"]))?,
        "stage.jog" if !command.args.contains_key("axis") => in_picture(along(["dx", "dy"]))?,
        "stage.center-on" => in_picture(along(["x", "y"]))?,
        "stage.vertical-move" => {
            let [dx, dy] = along(["dx", "dy"]);
            match command.args.get("exact").and_then(|exact| exact.as_bool()) {
                Some(true) => vertical::checked(&setup, dx, dy).ok()?,
                _ => vertical::displacement(&setup, dx, dy),
            }
        }
        _ => {
            let mut end = now;
            for (name, by, _) in given(command) {
                let axis = Axis::ALL.into_iter().find(|axis| axis.name() == name)?;
                end.set(axis, end.get(axis) + by);
            }
            return Some(end);
        }
    };
    Some(step.from(now))
}

/// Why the instrument would refuse to end there.
fn outside(end: &Pose, snapshot: &Snapshot) -> Option<String> {
    let limits = snapshot.connection.as_ref()?.capabilities.stage.as_ref()?.limits;
    let error = limits.check(&(*end).into()).err()?;
    Some(format!("It will be refused: {error}."))
}

/// From where to where, axis by axis.
pub(super) fn target(command: &Command, snapshot: &Snapshot) -> Vec<String> {
    let pose = snapshot.stage.as_ref().map(|s| s.value.state.pose);
    let shown = |axis: Axis, value: f64| format!("{axis} {}", units::format(value, unit(axis.is_angle())));
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
