//! Which commands are asked about before they go out, and what the question says. One table; tabs, palette and popups all
//! pass through it, so nobody can forget it.
//!
//! Asked about is what cannot be taken back, what brings a beam to the sample, and every move whose way is not seen in a
//! picture: to a place by name or number always, by an amount (a step, a jog, a click) from the length and angle of
//! `console.yaml` on. To have a command asked about: a row in [`ASKED`]. `words` says what there is to check, `way` how far a
//! move goes and where it ends, `needle` the same of the needle, `gas` what a deposition does, `mill` what milling does, `leave` what ends with the console.

pub mod gas;
pub mod leave;
pub mod mill;
mod needle;
mod queue;
#[cfg(test)]
mod tests;
mod way;
mod words;

use crate::cx::Cx;
use crate::effect::{Ask, Effect};
use engine::Command;
use engine::command::{CONFIRMED, rows};
use model::Danger;
use words::{beam, configuration, flat_to, named, turned, word};

/// The question in one line, and what there is to check.
type Words = (String, Vec<String>);

/// One row: a command and its question. `None` = this time there is nothing to ask.
pub struct AskRow {
    pub command: &'static str,
    ask: fn(&Command, &Cx) -> Option<Words>,
}

const fn row(command: &'static str, ask: fn(&Command, &Cx) -> Option<Words>) -> AskRow {
    AskRow { command, ask }
}

/// Every command that is asked about.
pub const ASKED: &[AskRow] = &[
    row("beam.on", |c, cx| Some(beam(c, cx.snapshot, "Turn on"))),
    row("beam.unblank", |c, cx| {
        words::mills(c).then(|| beam(c, cx.snapshot, "Unblank"))
    }),
    row("beam.plasma", |c, cx| {
        Some((
            format!("Change the plasma gas to {}?", word(c, "gas")),
            words::plasma(cx.snapshot),
        ))
    }),
    row("chamber.vent", |_, cx| {
        Some(("Vent the chamber?".to_owned(), words::vent(cx.snapshot)))
    }),
    row("chamber.pump", |_, cx| {
        Some(("Pump the chamber?".to_owned(), words::vacuum(cx.snapshot)))
    }),
    row("system.apply-configuration", |_, cx| Some(configuration(cx.snapshot))),
    row("system.home", |_, cx| {
        Some(("Reference the stage?".to_owned(), words::homing(cx.snapshot)))
    }),
    row("system.link", |c, cx| {
        let un = if words::unlink(c) { "Unl" } else { "L" };
        Some((format!("{un}ink the stage?"), words::stage(cx.snapshot)))
    }),
    row("system.set", |c, cx| words::set(c, cx.snapshot)),
    row("system.restore", |c, cx| {
        Some((
            format!("Restore the state in {}?", word(c, "path")),
            words::stage(cx.snapshot),
        ))
    }),
    row("stage.move-absolute", |c, cx| {
        Some(("Move the stage?".to_owned(), way::target(c, cx.snapshot)))
    }),
    row("stage.safe-move", |c, cx| {
        Some(("Move the stage the safe way?".to_owned(), way::target(c, cx.snapshot)))
    }),
    row("stage.move-relative", way::far),
    row("stage.stable-move", way::far),
    row("stage.vertical-move", way::far),
    row("stage.center-on", way::far),
    row("stage.jog", way::far),
    row("stage.flat-to", |c, cx| {
        Some((
            format!("Tilt flat to the {} beam?", word(c, "beam")),
            turned(flat_to(c), cx.snapshot),
        ))
    }),
    row("stage.orientation", |c, cx| {
        Some((
            format!("Go to the {} orientation?", word(c, "name")),
            turned(named(c), cx.snapshot),
        ))
    }),
    row("stage.milling-angle", |c, cx| {
        Some((words::milling_angle(c, "angle"), words::stage(cx.snapshot)))
    }),
    // guided it asks at every step by itself
    row("align.coincidence", |c, cx| {
        (!words::is_guided(c)).then(|| ("Find coincidence by itself?".to_owned(), words::height(cx.snapshot)))
    }),
    row("align.stage", |_, cx| {
        Some((
            "Bring the sample back to its reference?".to_owned(),
            words::back(cx.snapshot),
        ))
    }),
    row("align.eucentric", |c, cx| {
        Some((words::tilt(c), words::tilting(cx.snapshot)))
    }),
    row("position.go", |c, cx| {
        Some((format!("Go to `{}`?", word(c, "name")), words::position(c, cx.snapshot)))
    }),
    row("position.remove", |c, _| {
        Some((
            format!("Delete the position `{}`?", word(c, "name")),
            vec!["It cannot be brought back.".to_owned()],
        ))
    }),
    row("milling.run", |c, cx| Some(mill::run(c, cx))),
    row("milling.continue", |_, cx| Some(mill::go_on(cx))),
    row("milling.resume", |_, cx| Some(mill::resume(cx.snapshot))),
    row("milling.spot-burn", |c, cx| Some(mill::spots(c, cx))),
    row("manipulator.insert", |c, cx| Some(needle::insert(c, cx.snapshot))),
    row("manipulator.move-relative", needle::step),
    row("manipulator.move-corrected", needle::step),
    row("manipulator.move-absolute", |c, cx| Some(needle::place(c, cx.snapshot))),
    row("manipulator.go", |c, cx| Some(needle::place(c, cx.snapshot))),
    row("manipulator.calibrate", |_, cx| Some(needle::calibrate(cx.snapshot))),
    row("manipulator.reset", |c, cx| Some(needle::procedure(c, cx.snapshot))),
    row("manipulator.sharpen", |c, cx| Some(needle::procedure(c, cx.snapshot))),
    row("manipulator.prepare", |c, cx| Some(needle::procedure(c, cx.snapshot))),
    row("manipulator.exchange", |_, cx| {
        Some(("Exchange the needle?".to_owned(), needle::exchange(cx.snapshot)))
    }),
    row("manipulator.remove", |c, _| {
        Some((
            format!("Forget the needle position `{}`?", word(c, "name")),
            vec!["It cannot be brought back.".to_owned()],
        ))
    }),
    row("gis.deposit", |c, cx| Some(gas::question(c, cx.snapshot))),
    row("gis.sputter", |c, cx| Some(gas::question(c, cx.snapshot))),
    row("gis.pattern", |c, cx| Some(gas::question(c, cx.snapshot))),
    row("queue.run", |c, cx| Some(queue::run(c, cx))),
];

/// The question before this command, if there is one. What changes the sample is always asked about, listed or not.
pub fn before(command: &Command, cx: &Cx) -> Option<Ask> {
    let row = rows().find(|row| row.name == command.name);
    let danger = row.map_or(Danger::None, |row| row.danger);
    let (title, lines) = match ASKED.iter().find(|row| row.command == command.name) {
        Some(row) => (row.ask)(command, cx)?,
        None if danger == Danger::Sample => (
            format!("{}?", command.name),
            vec!["The sample cannot be changed back.".to_owned()],
        ),
        None => return None,
    };
    Some(Ask {
        title,
        lines,
        danger,
        then: vec![Effect::Send(match row {
            // the engine counts what comes near to the sample unless it hears of the yes
            Some(row) if row.args.iter().any(|arg| arg.name == CONFIRMED) => command.clone().with(CONFIRMED, true),
            _ => command.clone(),
        })],
    })
}
