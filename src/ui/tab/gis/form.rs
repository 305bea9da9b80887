//! What is deposited, as a form: only what this instrument lets one choose. Nothing is sent by filling it in.

use crate::asked::gas::{LOWER, TIME};
use crate::cx::Cx;
use crate::widget::form::{Field, Kind};
use engine::Command;
use model::capabilities::GasCapabilities;
use model::{Unit, Value};

const PORT: &str = "port";
const GAS: &str = "gas";
const POSITION: &str = "position";
const AT: &str = "at";
const SECONDS: &str = "time";
const DOWN: &str = "lower";
const SPUTTER: &str = "sputter";
/// Deposits where the stage stands.
const HERE: &str = "here";

/// Longest deposition and coating (s) and furthest way down (m) that the engine takes.
const LONGEST: f64 = 1000.0;
const LOWEST: f64 = 2e-3;

/// What was chosen; what was not is the instrument's first.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    port: Option<String>,
    gas: Option<String>,
    position: Option<String>,
    /// A saved stage position; `None` = here.
    at: Option<String>,
    time: f64,
    lower: f64,
    sputter: f64,
}

impl Default for Chosen {
    fn default() -> Chosen {
        Chosen {
            port: None,
            gas: None,
            position: None,
            at: None,
            time: TIME,
            lower: LOWER,
            sputter: 60.0,
        }
    }
}

impl Chosen {
    pub fn set(&mut self, key: &str, value: Value) {
        match (key, value) {
            (PORT, Value::Text(text)) => self.port = Some(text),
            (GAS, Value::Text(text)) => self.gas = Some(text),
            (POSITION, Value::Text(text)) => self.position = Some(text),
            (AT, Value::Text(text)) => self.at = (text != HERE).then_some(text),
            (SECONDS, Value::Number(number)) => self.time = number,
            (DOWN, Value::Number(number)) => self.lower = number,
            (SPUTTER, Value::Number(number)) => self.sputter = number,
            _ => {}
        }
    }

    /// Forgets what this instrument, or the list of positions, does not have.
    pub fn refresh(&mut self, cx: &Cx) {
        let known = cx.snapshot.positions.iter().filter_map(|p| p.name.as_ref());
        keep(&mut self.at, known);
        if let Some(caps) = capabilities(cx) {
            keep(&mut self.port, caps.ports.iter().map(|p| &p.port));
            keep(&mut self.gas, caps.ports.iter().flat_map(|p| &p.gases));
            keep(&mut self.position, caps.ports.iter().flat_map(|p| &p.positions));
        }
    }

    /// Where the gas comes from, as this instrument names it.
    fn source(&self, name: &str, cx: &Cx) -> Command {
        let multichem = capabilities(cx).is_some_and(|caps| caps.multichem);
        let given = match multichem {
            true => [(GAS, &self.gas), (POSITION, &self.position)],
            false => [(PORT, &self.port), (GAS, &None)],
        };
        let given = given
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.as_deref()?)));
        given.fold(Command::new(name), |command, (key, value)| command.with(key, value))
    }

    pub fn deposit(&self, cx: &Cx) -> Command {
        let command = self.source("gis.deposit", cx);
        let command = command.with("time", self.time).with("lower", self.lower);
        match &self.at {
            Some(name) => command.with("name", name.as_str()),
            None => command,
        }
    }

    pub fn pattern(&self, cx: &Cx) -> Command {
        self.source("gis.pattern", cx)
    }

    pub fn sputter(&self) -> Command {
        Command::new("gis.sputter").with("seconds", self.sputter)
    }
}

fn keep<'a>(chosen: &mut Option<String>, mut known: impl Iterator<Item = &'a String>) {
    if chosen.as_ref().is_some_and(|chosen| !known.any(|name| name == chosen)) {
        *chosen = None;
    }
}

pub fn capabilities<'a>(cx: &Cx<'a>) -> Option<&'a GasCapabilities> {
    cx.snapshot.connection.as_ref()?.capabilities.gas.as_ref()
}

/// The rows for this instrument.
pub fn fields(chosen: &Chosen, cx: &Cx) -> Vec<Field> {
    let Some(caps) = capabilities(cx) else {
        return Vec::new();
    };
    let choice = |key, label, words: Vec<String>, now: &Option<String>| {
        let value = now.clone().or_else(|| words.first().cloned());
        Field::new(key, label, Kind::Choice(words)).value(value.map_or(Value::Null, Value::Text))
    };
    let mut rows = Vec::new();
    if caps.multichem {
        let gases = caps.ports.iter().flat_map(|p| p.gases.clone()).collect();
        rows.push(choice(GAS, "gas", gases, &chosen.gas));
        let positions: Vec<String> = caps.ports.iter().flat_map(|p| p.positions.clone()).collect();
        if !positions.is_empty() {
            rows.push(choice(POSITION, "inserted to", positions, &chosen.position));
        }
    } else if !caps.ports.is_empty() {
        let ports = caps.ports.iter().map(|p| p.port.clone()).collect();
        rows.push(choice(PORT, "port", ports, &chosen.port));
    }
    let seconds = |key, label, value: f64, doc| {
        let kind = Kind::number(Unit::Second, 0.1, LONGEST);
        Field::new(key, label, kind).value(Value::Number(value)).doc(doc)
    };
    if !caps.ports.is_empty() {
        rows.push(seconds(SECONDS, "gas flows", chosen.time, "of a deposition"));
        let down = Field::new(DOWN, "stage down", Kind::length(0.0, LOWEST)).value(Value::Number(chosen.lower));
        rows.push(down.doc("before the injector comes in"));
        let saved = cx.snapshot.positions.iter().filter_map(|p| p.name.clone());
        let places = [HERE.to_owned()].into_iter().chain(saved).collect();
        rows.push(choice(AT, "deposit at", places, &chosen.at));
    }
    if caps.sputter_coater {
        rows.push(seconds(SPUTTER, "sputter", chosen.sputter, "of a coating"));
    }
    rows
}
