//! Where a needle command goes, how near to the sample that brings it, and what is asked before.
//!
//! Raw +z of the needle is away from the sample; where the stage is tilted, so is the normal of its plane. What comes nearer by
//! either counts as a way towards the sample, since how the sample lies on the stage is not known here.

use super::Words;
use super::words::{number, stage, word};
use crate::cx::Cx;
use engine::{Command, Snapshot};
use model::capabilities::ManipulatorCapabilities;
use model::kinematics::manipulator::NeedleView;
use model::manipulator::with_offset;
use model::{Beam, ManipulatorPosition, Point, Unit, units};

/// Rounding of what was typed must not make a step of just the limit one beyond it.
const ROUNDING: f64 = 1e-9;

/// A way of the needle along its own axes, m.
type Way = (f64, f64, f64);

/// What the instrument says of its needle.
fn capabilities(snapshot: &Snapshot) -> Option<&ManipulatorCapabilities> {
    snapshot.connection.as_ref()?.capabilities.manipulator.as_ref()
}

/// A needle position of that name whose place is known: one the console saved.
fn saved<'a>(name: &str, snapshot: &'a Snapshot) -> Option<&'a ManipulatorPosition> {
    let found = snapshot.needle_positions.iter().find(|(known, _)| known == name);
    found.map(|(_, at)| at)
}

fn tilt(snapshot: &Snapshot) -> f64 {
    snapshot.stage.as_ref().map_or(0.0, |s| s.value.state.pose.t)
}

fn between(from: &ManipulatorPosition, to: &ManipulatorPosition) -> Way {
    (to.x - from.x, to.y - from.y, to.z - from.z)
}

/// The way a needle command goes; `None` where it depends on a place that only the instrument knows.
pub(super) fn way(command: &Command, snapshot: &Snapshot) -> Option<Way> {
    let follows = capabilities(snapshot)?.stage_frame;
    let given = |name: &str| number(command, name).unwrap_or(0.0);
    let now = || snapshot.needle.as_ref().map(|needle| &needle.value.position);
    match command.name.as_str() {
        "manipulator.move-relative" => Some((given("x"), given("y"), given("z"))),
        "manipulator.move-corrected" => {
            let beam = beam(command)?;
            let by = Point {
                x: given("dx"),
                y: given("dy"),
            };
            let view = NeedleView {
                beam,
                stage_tilt: tilt(snapshot),
                column_tilt: snapshot.connection.as_ref()?.geometry.column_tilt(beam),
                scan_rotation: snapshot.beam(beam).map_or(0.0, |b| b.value.settings.scan_rotation),
                stage_frame: follows,
            };
            view.corrected(by).map(Way::from)
        }
        "manipulator.move-absolute" => {
            let now = now()?;
            let to = |name: &str, now: f64| number(command, name).unwrap_or(now);
            Some((to("x", now.x) - now.x, to("y", now.y) - now.y, to("z", now.z) - now.z))
        }
        "manipulator.go" => {
            let offset = (given("dx"), given("dy"), given("dz"));
            let at = saved(command.args.get("name")?.as_str()?, snapshot)?;
            let to = if follows {
                with_offset(at, offset, tilt(snapshot))
            } else {
                at.moved(offset)
            };
            Some(between(now()?, &to))
        }
        _ => None,
    }
}

fn beam(command: &Command) -> Option<Beam> {
    match command.args.get("beam").and_then(|beam| beam.as_str()) {
        Some(word) => word.parse().ok(),
        None => Some(Beam::Electron),
    }
}

/// How much nearer to the sample a way comes, m; 0 where it leads away or along it.
fn towards(way: Way, tilt: f64) -> f64 {
    model::manipulator::towards(way, tilt).max(0.0)
}

fn length(way: Way) -> f64 {
    (way.0.powi(2) + way.1.powi(2) + way.2.powi(2)).sqrt()
}

/// The question before a move by an amount: where it comes nearer to the sample than the options let go unasked, and where it is
/// long.
pub(super) fn step(command: &Command, cx: &Cx) -> Option<Words> {
    let way = way(command, cx.snapshot).unwrap_or_default();
    let beyond = |value: f64, most: f64| value > most * (1.0 + ROUNDING);
    let near = towards(way, tilt(cx.snapshot));
    let before = cx.snapshot.needle.as_ref().map_or(0.0, |n| n.value.approached);
    let asked = near > 0.0 && beyond(before + near, cx.options.ask_needle_towards)
        || beyond(length(way), cx.options.ask_beyond_length);
    let title = if near > 0.0 {
        "Move the needle towards the sample?"
    } else {
        "Move the needle this far?"
    };
    asked.then(|| (title.to_owned(), lines(command, cx.snapshot)))
}

/// The question before a move to a place: always asked.
pub(super) fn place(command: &Command, snapshot: &Snapshot) -> Words {
    let title = match command.args.contains_key("name") {
        true => format!("Move the needle to `{}`?", word(command, "name")),
        false => "Move the needle to this place?".to_owned(),
    };
    (title, lines(command, snapshot))
}

pub(super) fn insert(command: &Command, snapshot: &Snapshot) -> Words {
    let name = match command.args.contains_key("name") {
        true => word(command, "name"),
        false => "its first position".to_owned(),
    };
    let mut lines = vec![
        "It comes near the sample. While it is in, the stage makes no long moves or turns.".to_owned(),
        "Look at both pictures, or at the chamber camera, before you say yes.".to_owned(),
    ];
    lines.extend(stage(snapshot));
    (format!("Insert the needle to {name}?"), lines)
}

pub(super) fn calibrate(snapshot: &Snapshot) -> Words {
    let guided = capabilities(snapshot).is_none_or(|caps| caps.stage_frame);
    let what = if guided {
        "Pictures from the widest field to the narrowest, both beams; you say when the tip is in their centre."
    } else {
        "The needle is driven to every position of the instrument; the stage must be clear of it."
    };
    let lines = [
        what,
        "It asks at every step; the position found takes the place of the one before.",
    ];
    ("Calibrate the needle?".to_owned(), lines.map(str::to_owned).to_vec())
}

/// The question before a guided procedure that takes the stage out of the way.
pub(super) fn procedure(command: &Command, snapshot: &Snapshot) -> Words {
    let (title, level, mills) = match command.name.as_str() {
        "manipulator.sharpen" => ("Sharpen the needle's tip?", false, true),
        "manipulator.prepare" => ("Cut the needle's end flat?", true, true),
        _ => ("Find the needle's tip again?", false, false),
    };
    let lowered = if level {
        "lowered 0.5 mm and levelled"
    } else {
        "lowered 0.5 mm"
    };
    let mut lines = vec![
        format!("The stage is {lowered}, the needle comes in, and its tip is centred in both pictures."),
        "It asks at every step. At any end but Stop the needle goes out and the stage comes back.".to_owned(),
    ];
    if mills {
        lines.push("The ion beam mills at the tip, and what lies behind it in the picture as well.".to_owned());
    }
    lines.extend(stage(snapshot));
    (title.to_owned(), lines)
}

pub(super) fn exchange(snapshot: &Snapshot) -> Vec<String> {
    let mut lines = vec![
        "The needle goes out, the beams off, and the chamber is VENTED: a cold sample must be out of it.".to_owned(),
        "It asks before that, and again before it pumps. The beams stay off at the end.".to_owned(),
    ];
    lines.extend(super::words::chamber(snapshot));
    lines
}

fn lines(command: &Command, snapshot: &Snapshot) -> Vec<String> {
    let show = |value: f64| units::format(value, Unit::Metre);
    let at = |p: &ManipulatorPosition| format!("x {} y {} z {}", show(p.x), show(p.y), show(p.z));
    let now = snapshot.needle.as_ref().map(|needle| &needle.value.position);
    let mut lines = Vec::new();
    match way(command, snapshot) {
        Some(way) => {
            lines.extend(now.map(|now| format!("to  {}", at(&now.moved(way)))));
            let near = towards(way, tilt(snapshot));
            let sense = match near > 0.0 {
                true => format!("; {} of it TOWARDS THE SAMPLE", show(near)),
                false => "; not towards the sample".to_owned(),
            };
            lines.push(format!("by  {} in all{sense}", show(length(way))));
        }
        None => lines.push("Where that is, the instrument alone knows: look at both pictures.".to_owned()),
    }
    lines.extend(now.map(|now| format!("now {}", at(now))));
    lines
}

#[cfg(test)]
mod tests {
    use crate::asked::before;
    use crate::effect::Ask;
    use crate::sample::{handy, state};
    use crate::tab::TabId;
    use engine::Snapshot;

    fn ask(line: &str, s: &Snapshot) -> Option<Ask> {
        let command = engine::command::parse::line(line).unwrap();
        before(&command, &state(TabId::Log, s).desk.cx(s))
    }

    #[test]
    fn what_comes_nearer_to_the_sample_than_the_limit_is_asked_about() {
        let s = handy();
        let asked = |line: &str| ask(line, &s).is_some();
        for line in [
            "manipulator.move-relative z=-11um",
            "manipulator.move-corrected dy=-11um beam=ion",
            "manipulator.move-relative y=20um",
            "manipulator.move-corrected dx=2mm",
            "manipulator.move-absolute x=1um",
            "manipulator.go name=PARK",
            "manipulator.go name=above-lamella",
            "manipulator.insert name=PARK",
            "manipulator.calibrate",
            "manipulator.reset",
            "manipulator.sharpen",
            "manipulator.prepare",
            "manipulator.exchange",
            "manipulator.remove name=above-lamella",
        ] {
            assert!(asked(line), "{line}");
        }
        for line in [
            "manipulator.move-relative z=-10um",
            "manipulator.move-relative z=500um",
            "manipulator.move-corrected dy=-10um beam=ion",
            "manipulator.move-corrected dy=500um beam=ion",
            "manipulator.move-corrected dx=500um",
            "manipulator.retract",
            "manipulator.save name=here",
        ] {
            assert!(!asked(line), "{line}");
        }
    }

    #[test]
    fn steps_that_go_unasked_are_counted_until_one_is_asked_about() {
        let mut s = handy();
        s.needle.as_mut().unwrap().value.approached = 6e-6;
        assert!(ask("manipulator.move-relative z=-4um", &s).is_none());
        let ask_at = ask("manipulator.move-relative z=-5um", &s).unwrap();
        assert!(matches!(&ask_at.then[..], [crate::effect::Effect::Send(c)] if c.args["confirmed"] == true));
        assert!(ask("manipulator.move-relative z=5um", &s).is_none(), "away is free");
    }

    #[test]
    fn on_a_turned_scan_the_other_direction_leads_to_the_sample() {
        let mut s = handy();
        s.ion.as_mut().unwrap().value.settings.scan_rotation = std::f64::consts::PI;
        assert!(ask("manipulator.move-corrected dy=11um beam=ion", &s).is_some());
        assert!(ask("manipulator.move-corrected dy=-11um beam=ion", &s).is_none());
        assert!(ask("manipulator.move-corrected dy=11um beam=electron", &s).is_none());
    }

    #[test]
    fn the_question_says_where_it_ends_and_how_near_that_is() {
        let s = handy();
        let ask = ask("manipulator.move-relative z=-50um", &s).unwrap();
        assert_eq!(ask.title, "Move the needle towards the sample?");
        assert_eq!(
            ask.lines,
            [
                "to  x 12.3 um y -4.00 um z 130 um",
                "by  50.0 um in all; 50.0 um of it TOWARDS THE SAMPLE",
                "now x 12.3 um y -4.00 um z 180 um",
            ]
        );
    }
}
