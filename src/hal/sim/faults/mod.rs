//! Faults of the twin: scenarios in YAML, played by the instrument's clock and by what is asked of it. No threads, no chance.
//!
//! A scenario is a list of entries. An entry says when (`at` seconds of the clock, again `every` so many, or `on` the
//! `nth` act of a sort, or so many seconds `after` it) and what. To add a kind: a variant of [`Kind`], its row in [`Entry::check`], its effect where
//! [`Schedule`] is asked for it. To add a named scenario: a file in `config/faults` and a row of [`NAMED`].

use crate::HalError;
use model::{Axis, Beam, ErrorKind};
use serde::Deserialize;

mod schedule;

pub use schedule::Schedule;

/// The scenarios that come with the program.
pub const NAMED: &[(&str, &str)] = &[
    ("beam-trip", include_str!("../../../../config/faults/beam-trip.yaml")),
    ("dead-link", include_str!("../../../../config/faults/dead-link.yaml")),
    (
        "dropped-frame",
        include_str!("../../../../config/faults/dropped-frame.yaml"),
    ),
    ("idle-lie", include_str!("../../../../config/faults/idle-lie.yaml")),
    (
        "milling-trip",
        include_str!("../../../../config/faults/milling-trip.yaml"),
    ),
    ("stop-lie", include_str!("../../../../config/faults/stop-lie.yaml")),
    ("storm", include_str!("../../../../config/faults/storm.yaml")),
    ("stuck-axis", include_str!("../../../../config/faults/stuck-axis.yaml")),
    (
        "stuck-needle",
        include_str!("../../../../config/faults/stuck-needle.yaml"),
    ),
    (
        "stuck-valve",
        include_str!("../../../../config/faults/stuck-valve.yaml"),
    ),
    ("timeout", include_str!("../../../../config/faults/timeout.yaml")),
    (
        "vacuum-loss",
        include_str!("../../../../config/faults/vacuum-loss.yaml"),
    ),
    (
        "wrong-preset",
        include_str!("../../../../config/faults/wrong-preset.yaml"),
    ),
];

/// What an `on` entry waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    Move,
    Home,
    Link,
    Set,
    Gas,
    Acquire,
    Pump,
    Vent,
    Stop,
    /// A pattern or a spot that is begun.
    Pattern,
    /// The needle, whatever it is told.
    Needle,
    /// An injector that is inserted or retracted.
    Injector,
    Valve,
    Coater,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `axis` does not follow for `for` seconds; the move then ends with an error.
    StuckAxis,
    /// What is begun next ends `for` seconds too late; without `for`, never.
    Timeout,
    /// Air gets in; the beams trip.
    VacuumLoss,
    /// `beam` goes off.
    BeamTrip,
    /// The next current or preset set on `beam` comes out one step off.
    WrongPreset,
    /// The next picture is lost.
    DroppedFrame,
    /// No call is answered for `for` seconds.
    DeadLink,
    /// The next stop is acknowledged and not obeyed.
    StopLie,
    /// The next move says idle `for` seconds too early.
    IdleLie,
    /// Somebody moves `axis` `by` m or rad at the hand panel.
    HandPanel,
    /// The needle does not follow for `for` seconds; its move then ends with an error.
    StuckNeedle,
    /// The next valve order is acknowledged and not obeyed.
    StuckValve,
    /// Another sample of the same scene is where the sample was: nothing that was done to that one is on it.
    NewSample,
}

/// One entry as the file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    at: Option<f64>,
    #[serde(default)]
    every: Option<f64>,
    #[serde(default)]
    on: Option<Sort>,
    #[serde(default)]
    nth: Option<u32>,
    #[serde(default)]
    after: Option<f64>,
    kind: Kind,
    #[serde(default)]
    axis: Option<Axis>,
    #[serde(default)]
    beam: Option<Beam>,
    #[serde(default, rename = "for")]
    lasts: Option<f64>,
    #[serde(default)]
    by: Option<f64>,
}

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    At { first: f64, every: Option<f64> },
    On { sort: Sort, nth: u32, after: f64 },
}

/// What strikes: times in seconds, lengths in m, angles in rad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    StuckAxis { axis: Axis, lasts: f64 },
    Timeout { lasts: f64 },
    VacuumLoss,
    BeamTrip { beam: Beam },
    WrongPreset { beam: Beam },
    DroppedFrame,
    DeadLink { lasts: f64 },
    StopLie,
    IdleLie { lasts: f64 },
    HandPanel { axis: Axis, by: f64 },
    StuckNeedle { lasts: f64 },
    StuckValve,
    NewSample,
}

/// A scenario that was read and found sound.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults(Vec<(When, Effect)>);

/// Seconds an axis sticks and a link is dead where the entry does not say.
const STUCK: f64 = 60.0;
const DEAD: f64 = 10.0;
const LIE: f64 = 1.0;

impl Faults {
    /// The scenario of that name, or the one in that file.
    pub fn find(name: &str) -> Result<Faults, HalError> {
        if let Some((_, text)) = NAMED.iter().find(|(n, _)| *n == name) {
            return Faults::parse(text);
        }
        let shown = model::text::printable(name);
        let known = || NAMED.iter().map(|(n, _)| *n).collect::<Vec<_>>().join(", ");
        match std::fs::read_to_string(name) {
            Ok(text) => Faults::parse(&text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(HalError::new(
                ErrorKind::Usage,
                format!("`{shown}` is no fault scenario and no file; no faults were set"),
                format!("one of {}, or the path of a file", known()),
            )),
            Err(e) => Err(HalError::new(
                ErrorKind::File,
                format!("the fault scenario `{shown}` cannot be read; no faults were set"),
                "give another file",
            )
            .caused_by(e)),
        }
    }

    /// A scenario from YAML.
    pub fn parse(yaml: &str) -> Result<Faults, HalError> {
        let broken = |why: String| {
            HalError::new(
                ErrorKind::Usage,
                format!("{why}; no faults were set"),
                "see config/faults for scenarios that work",
            )
        };
        let entries: Vec<Entry> = serde_yaml::from_str(yaml)
            .map_err(|e| broken("the fault scenario is not understood".to_owned()).caused_by(e))?;
        let check = |(i, entry): (usize, &Entry)| {
            entry
                .check()
                .map_err(|why| broken(format!("entry {} of the fault scenario: {why}", i + 1)))
        };
        entries
            .iter()
            .enumerate()
            .map(check)
            .collect::<Result<_, _>>()
            .map(Faults)
    }
}

impl Entry {
    fn check(&self) -> Result<(When, Effect), &'static str> {
        let positive = |v: Option<f64>| v.is_none_or(|v| v.is_finite() && v > 0.0);
        if ![self.every, self.lasts, self.after].into_iter().all(positive) {
            return Err("`every`, `for` and `after` are seconds greater than 0");
        }
        if self.by.is_some_and(|v| !v.is_finite()) {
            return Err("`by` is a finite length (m) or angle (rad)");
        }
        let when = match (self.at, self.on) {
            (Some(first), None) if first.is_finite() && first >= 0.0 && self.nth.is_none() && self.after.is_none() => {
                When::At {
                    first,
                    every: self.every,
                }
            }
            (None, Some(sort)) if self.every.is_none() && self.nth != Some(0) => When::On {
                sort,
                nth: self.nth.unwrap_or(1),
                after: self.after.unwrap_or(0.0),
            },
            _ => {
                return Err("it wants either `at` (seconds; with `every`, again) or `on` (with `nth`, counted from 1)");
            }
        };
        let axis = self.axis.ok_or("it wants an `axis`");
        let beam = self.beam.ok_or("it wants a `beam`");
        let effect = match self.kind {
            Kind::StuckAxis => Effect::StuckAxis {
                axis: axis?,
                lasts: self.lasts.unwrap_or(STUCK),
            },
            Kind::Timeout => Effect::Timeout {
                lasts: self.lasts.unwrap_or(f64::INFINITY),
            },
            Kind::VacuumLoss => Effect::VacuumLoss,
            Kind::BeamTrip => Effect::BeamTrip { beam: beam? },
            Kind::WrongPreset => Effect::WrongPreset { beam: beam? },
            Kind::DroppedFrame => Effect::DroppedFrame,
            Kind::DeadLink => Effect::DeadLink {
                lasts: self.lasts.unwrap_or(DEAD),
            },
            Kind::StopLie => Effect::StopLie,
            Kind::IdleLie => Effect::IdleLie {
                lasts: self.lasts.unwrap_or(LIE),
            },
            Kind::HandPanel => Effect::HandPanel {
                axis: axis?,
                by: self.by.ok_or("it wants `by`")?,
            },
            Kind::StuckNeedle => Effect::StuckNeedle {
                lasts: self.lasts.unwrap_or(STUCK),
            },
            Kind::StuckValve => Effect::StuckValve,
            Kind::NewSample => Effect::NewSample,
        };
        Ok((when, effect))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_scenario_is_sound() {
        for (name, _) in NAMED {
            let faults = Faults::find(name).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(!faults.0.is_empty(), "{name}");
        }
        assert!(Faults::find("strom").unwrap_err().to_string().contains("storm"));
    }

    #[test]
    fn a_broken_scenario_says_which_entry_and_why() {
        let error = |yaml: &str| Faults::parse(yaml).unwrap_err().to_string();
        assert!(error("- {at: 1, kind: stuck-axis}").contains("entry 1 of the fault scenario: it wants an `axis`"));
        assert!(error("- {at: 1, kind: dropped-frame}\n- {kind: dropped-frame}").contains("entry 2"));
        assert!(error("- {at: .nan, kind: dropped-frame}").contains("entry 1"));
        assert!(error("- {at: 1, every: 0, kind: dropped-frame}").contains("greater than 0"));
        assert!(error("- {on: move, nth: 0, kind: timeout}").contains("counted from 1"));
        assert!(error("- {at: 1, kind: earthquake}").contains("not understood"));
        assert!(error("- {at: 1, kind: timeout, fro: 3}").contains("fro"));
    }
}
