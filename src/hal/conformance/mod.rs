//! One suite for every driver: what the contract of [`crate::microscope`] promises, found out by trying.
//!
//! It moves the stage by micrometres, takes small pictures, draws a dot, drives needle and injector in and out, sets keys to
//! values near those it finds and presses stop; it never homes, pumps, vents, heats or lets gas flow, and it leaves the
//! instrument as it found it. Run it on a driver's twin or
//! fake server in tests, and on a real instrument by hand. To add a rule: a method of [`Suite`], called from [`check`].

mod doing;
mod hands;
mod keys;

use crate::{HalError, Microscope, Progress, Ticket};
use model::key::{KEYS, Kind};
use model::{Beam, BeamState, Key, StageState, Value};
use std::fmt;

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub rule: &'static str,
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.detail)
    }
}

/// Longest time (instrument seconds) that anything here may take, and how often it is looked at.
const PATIENCE: f64 = 600.0;
const STEP: f64 = 0.05;

/// Tries everything. `pass` lets that many instrument seconds go by. An empty list is a pass.
pub fn check(microscope: &mut dyn Microscope, pass: &dyn Fn(f64)) -> Vec<Finding> {
    let mut suite = Suite {
        m: microscope,
        pass,
        findings: Vec::new(),
    };
    suite.identity();
    suite.reading_changes_nothing();
    suite.system_keys();
    for beam in Beam::ALL {
        suite.units_are_sane(beam);
        suite.readable_keys(beam);
        suite.setters_return_what_is(beam);
        suite.available_values_are_taken(beam);
        suite.nonsense_changes_nothing(beam);
        suite.pictures(beam);
        suite.a_picture_can_be_cancelled(beam);
    }
    suite.unknown_tickets();
    suite.moves();
    suite.chamber();
    suite.milling();
    suite.needle();
    suite.gas();
    suite.stop();
    suite.stop_while_milling();
    suite.findings
}

struct Suite<'a> {
    m: &'a mut dyn Microscope,
    pass: &'a dyn Fn(f64),
    findings: Vec<Finding>,
}

/// All that can be read of an instrument.
#[derive(Debug, PartialEq)]
struct Everything {
    stage: Option<StageState>,
    beams: Vec<Option<BeamState>>,
    values: Vec<(Option<Beam>, Key, Value)>,
}

/// Numbers that a read-back may round.
fn near(a: &Value, b: &Value) -> bool {
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 + 1e-6 * a.abs().max(b.abs());
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => close(*a, *b),
        (Value::Point(a), Value::Point(b)) => close(a.x, b.x) && close(a.y, b.y),
        _ => a == b,
    }
}

fn fits(kind: Kind, value: &Value) -> bool {
    matches!(
        (kind, value),
        (_, Value::Null)
            | (Kind::Bool, Value::Bool(_))
            | (Kind::Number(_), Value::Number(_))
            | (Kind::Text, Value::Text(_))
            | (Kind::Size, Value::Size(..))
            | (Kind::Point(_), Value::Point(_))
            | (Kind::Rect, Value::Rect(_))
            | (Kind::Position, Value::Position(_))
            | (Kind::List, Value::List(_))
    )
}

impl Suite<'_> {
    fn expect(&mut self, rule: &'static str, kept: bool, detail: impl FnOnce() -> String) {
        if !kept {
            self.findings.push(Finding { rule, detail: detail() });
        }
    }

    fn must<T>(&mut self, rule: &'static str, result: Result<T, HalError>) -> Option<T> {
        result
            .map_err(|e| {
                self.findings.push(Finding {
                    rule,
                    detail: e.to_string(),
                })
            })
            .ok()
    }

    fn get(&mut self, beam: Beam, key: Key) -> Result<Value, HalError> {
        self.m.beam(beam).ok_or_else(|| HalError::unsupported("beam"))?.get(key)
    }

    fn set(&mut self, beam: Beam, key: Key, value: &Value) -> Result<Value, HalError> {
        self.m
            .beam(beam)
            .ok_or_else(|| HalError::unsupported("beam"))?
            .set(key, value)
    }

    fn beam_state(&mut self, beam: Beam) -> Option<BeamState> {
        self.m.beam(beam).and_then(|b| b.read().ok()).map(|r| r.value)
    }

    fn stage_state(&mut self) -> Option<StageState> {
        self.m.stage().and_then(|s| s.read().ok()).map(|r| r.value)
    }

    fn everything(&mut self) -> Everything {
        let mut values = Vec::new();
        for row in KEYS {
            let beams: &[Option<Beam>] = if row.per_beam {
                &[Some(Beam::Electron), Some(Beam::Ion)]
            } else {
                &[None]
            };
            for beam in beams {
                let value = match beam {
                    Some(beam) => self.get(*beam, row.key),
                    None => self.m.get(row.key),
                };
                if let Ok(value) = value {
                    values.push((*beam, row.key, value));
                }
            }
        }
        Everything {
            stage: self.stage_state(),
            beams: Beam::ALL.map(|b| self.beam_state(b)).to_vec(),
            values,
        }
    }

    /// Follows a ticket to its end.
    fn follow(&mut self, rule: &'static str, ticket: Ticket) -> Option<Progress> {
        let mut waited = 0.0;
        let mut last = 0.0;
        loop {
            let polled = self.m.poll(ticket);
            match self.must(rule, polled)? {
                Progress::Pending { fraction, remaining } => {
                    if let Some(fraction) = fraction {
                        self.expect(rule, (0.0..=1.0).contains(&fraction) && fraction >= last - 1e-9, || {
                            format!("the fraction done went from {last} to {fraction}")
                        });
                        last = fraction;
                    }
                    self.expect(rule, remaining.is_none_or(|r| r >= 0.0), || {
                        format!("{remaining:?} s remain")
                    });
                }
                end => return Some(end),
            }
            if waited > PATIENCE {
                self.expect(rule, false, || format!("not finished in {PATIENCE} s"));
                return None;
            }
            (self.pass)(STEP);
            waited += STEP;
        }
    }

    fn identity(&mut self) {
        let identity = self.m.identity();
        for (what, text) in [
            ("name", &identity.name),
            ("driver", &identity.driver),
            ("manufacturer", &identity.manufacturer),
        ] {
            self.expect(
                "identity",
                !text.is_empty() && *text == model::text::printable(text),
                || format!("{what} is `{text:?}`"),
            );
        }
        let driver = identity.driver;
        self.expect("identity", crate::drivers::find(&driver).is_some(), || {
            format!("no driver is called `{driver}`")
        });
    }

    fn reading_changes_nothing(&mut self) {
        let before = self.everything();
        let _ = self.m.capabilities();
        let _ = self.m.geometry();
        for beam in Beam::ALL {
            let _ = self.m.imaging().map(|i| i.last(beam));
        }
        let _ = self.m.chamber().map(|c| (c.read(), c.picture()));
        let after = self.everything();
        self.expect("reading changes nothing", before == after, || {
            format!("{before:?} became {after:?}")
        });
        let capabilities = self.m.capabilities();
        for (part, said, is) in [
            ("stage", capabilities.stage.is_some(), self.m.stage().is_some()),
            ("chamber", capabilities.chamber.is_some(), self.m.chamber().is_some()),
            ("milling", capabilities.milling.is_some(), self.m.milling().is_some()),
            (
                "manipulator",
                capabilities.manipulator.is_some(),
                self.m.manipulator().is_some(),
            ),
            ("gas", capabilities.gas.is_some(), self.m.gas().is_some()),
        ] {
            self.expect("parts are what capabilities say", said == is, || part.to_owned());
        }
        for beam in Beam::ALL {
            let (said, is) = (capabilities.beam(beam).is_some(), self.m.beam(beam).is_some());
            self.expect("parts are what capabilities say", said == is, || format!("{beam} beam"));
        }
        if let (Some(stage), Some(state)) = (&capabilities.stage, self.stage_state()) {
            let inside = stage.limits.contains(&state.pose);
            self.expect("the stage stands inside its limits", inside, || state.pose.to_string());
            let axes: Vec<_> = model::Axis::ALL
                .into_iter()
                .filter(|a| stage.limits.get(*a).is_some())
                .collect();
            self.expect("axes are those that have limits", axes == stage.axes, || {
                format!("{:?}", stage.axes)
            });
        }
    }
}

#[cfg(test)]
mod tests;
