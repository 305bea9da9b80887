//! What a deposition will do, step by step: the question before it, and what the GIS tab shows while nothing is asked.

use super::Words;
use super::words::{chamber, number, word};
use crate::widget::value::duration;
use engine::event::Plan;
use engine::{Command, Snapshot};
use model::capabilities::{GasPortCapabilities, MillingControl};
use model::gas::WARM;
use model::{Unit, text, units};

/// The injector a command means: by name, else by its gas, else the first.
fn port<'a>(command: &Command, snapshot: &'a Snapshot) -> Option<&'a GasPortCapabilities> {
    let caps = snapshot.connection.as_ref()?.capabilities.gas.as_ref()?;
    let given = |name: &str| command.args.get(name).and_then(|value| value.as_str());
    let (wanted, gas) = (given("port"), given("gas"));
    caps.ports.iter().find(|port| {
        wanted.is_none_or(|name| name == port.port) && gas.is_none_or(|gas| port.gases.iter().any(|g| g == gas))
    })
}

/// What is done in turn, one line each.
pub fn steps(command: &Command, snapshot: &Snapshot) -> Vec<String> {
    match command.name.as_str() {
        "gis.deposit" => deposit(command, snapshot),
        "gis.sputter" => sputter(command),
        "gis.pattern" => pattern(command, snapshot),
        _ => Vec::new(),
    }
}

/// The question before any of them.
pub(super) fn question(command: &Command, snapshot: &Snapshot) -> Words {
    let title = match command.name.as_str() {
        "gis.deposit" => format!("Deposit for {}?", seconds(number(command, "time").unwrap_or(TIME))),
        "gis.sputter" => format!(
            "Sputter for {}?",
            number(command, "seconds").map_or("?".to_owned(), seconds)
        ),
        _ => match &snapshot.plan {
            Some(plan) => format!("Deposit at the patterns of `{}`?", text::printable(&plan.task.name)),
            None => "Deposit at the loaded patterns?".to_owned(),
        },
    };
    let numbered = steps(command, snapshot).into_iter().enumerate();
    let mut lines: Vec<String> = numbered.map(|(i, step)| format!("{} {step}", i + 1)).collect();
    lines.extend(chamber(snapshot));
    (title, lines)
}

/// What the engine takes where nothing is given: open time in s, way down in m.
pub const TIME: f64 = 30.0;
pub const LOWER: f64 = 1e-3;

fn seconds(value: f64) -> String {
    units::format(value, Unit::Second)
}

/// Insert, warm up; the port is named as the instrument names it.
fn open(command: &Command, snapshot: &Snapshot) -> Vec<String> {
    let Some(port) = port(command, snapshot) else {
        return vec!["It will be refused: no injector has that gas at that port.".to_owned()];
    };
    let name = text::printable(&port.port);
    let given = |key: &str| command.args.get(key).and_then(|value| value.as_str());
    let position = given("position").or(port.positions.first().map(String::as_str));
    let gas = given("gas").or(port.gases.first().map(String::as_str));
    let to = position
        .map(|p| format!(" to {}", text::printable(p)))
        .unwrap_or_default();
    let mut steps = vec![format!("insert {name}{to}")];
    if port.heater {
        let state = snapshot.gas.as_ref().and_then(|gas| gas.value.port(&port.port));
        let now = state
            .map(|p| format!(", now {:.0} K", p.temperature))
            .unwrap_or_default();
        let gas = gas.map_or("its crucible".to_owned(), text::printable);
        steps.push(format!("heat {gas} to {WARM:.0} K{now}"));
    }
    steps
}

const CLOSE: &str = "close the valve, heater off, retract; after an error or a stop, too";

fn deposit(command: &Command, snapshot: &Snapshot) -> Vec<String> {
    let mut steps = Vec::new();
    if command.args.contains_key("name") {
        steps.push(format!("stage to `{}`, the safe way", word(command, "name")));
    }
    let lower = number(command, "lower").unwrap_or(LOWER);
    if lower > 0.0 {
        steps.push(format!("stage down by {}", units::format(lower, Unit::Metre)));
    }
    steps.extend(open(command, snapshot));
    let time = number(command, "time").unwrap_or(TIME);
    steps.push(format!("gas flows over the sample for {}", seconds(time)));
    steps.push(CLOSE.to_owned());
    steps.push("stage back to where it is now, if all went well".to_owned());
    steps
}

fn sputter(command: &Command) -> Vec<String> {
    let time = number(command, "seconds").map_or("?".to_owned(), seconds);
    vec![
        "prepare the coater".to_owned(),
        format!("coat for {time}"),
        "recover; after an error or a stop, too".to_owned(),
    ]
}

fn pattern(command: &Command, snapshot: &Snapshot) -> Vec<String> {
    let mut steps = open(command, snapshot);
    steps.push("open the valve".to_owned());
    match &snapshot.plan {
        Some(plan) => {
            steps.extend(stages(plan, snapshot));
            steps.push(format!("after about {} {CLOSE}", duration(plan.estimate)));
        }
        None => steps.push("It will be refused: no milling task is loaded.".to_owned()),
    }
    steps
}

/// The stages that are on, each with what it is drawn with.
fn stages(plan: &Plan, snapshot: &Snapshot) -> Vec<String> {
    let milling = snapshot
        .connection
        .as_ref()
        .and_then(|c| c.capabilities.milling.as_ref());
    let control = milling.map(|milling| milling.control).unwrap_or_default();
    plan.task
        .enabled()
        .map(|(_, stage)| {
            let drawn = match control {
                MillingControl::Preset => text::printable(&stage.milling.preset),
                MillingControl::Current => units::format(stage.milling.milling_current, Unit::Ampere),
            };
            let name = text::printable(&stage.name);
            format!("draw {name} with {drawn}, {} beam", plan.task.channel)
        })
        .collect()
}
