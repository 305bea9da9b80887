//! A column over the server: one route a key.

use super::bridge::{Offers, State};
use super::refused;
use super::system::System;
use super::wire::{Wait, Wire, nonsense};
use super::work::Watched;
use crate::act::show;
use crate::{Clock, Column, HalError, Reading, Ticket};
use model::capabilities::BeamCapabilities;
use model::config::instrument::BeamConfig;
use model::{Beam, BeamSettings, BeamState, DetectorSettings, Key, Point, Value};
use serde_json::json;
use std::sync::Arc;

/// The keys that have a route of their own: read at `/ROUTE/get`, set at `/ROUTE/set`.
pub(super) const ROUTES: &[(Key, &str)] = &[
    (Key::Current, "beam_current"),
    (Key::Voltage, "beam_voltage"),
    (Key::Hfw, "field_of_view"),
    (Key::WorkingDistance, "working_distance"),
    (Key::DwellTime, "dwell_time"),
    (Key::ScanRotation, "scan_rotation"),
    (Key::Resolution, "resolution"),
    (Key::Stigmation, "stigmation"),
    (Key::Shift, "beam_shift"),
    (Key::DetectorType, "detector_type"),
    (Key::DetectorMode, "detector_mode"),
    (Key::DetectorContrast, "detector_contrast"),
    (Key::DetectorBrightness, "detector_brightness"),
];

/// Keys that the configuration answers.
pub(super) const CONFIGURED: &[Key] = &[Key::BeamEnabled, Key::EucentricHeight, Key::ColumnTilt, Key::Plasma];

pub(super) struct RestColumn {
    beam: Beam,
    wire: Arc<Wire>,
    clock: Arc<dyn Clock>,
    capabilities: BeamCapabilities,
    configured: BeamConfig,
    offers: Offers,
    state: Watched<BeamState>,
}

impl RestColumn {
    pub fn new(beam: Beam, wire: &Arc<Wire>, clock: &Arc<dyn Clock>, system: &System) -> RestColumn {
        RestColumn {
            beam,
            wire: wire.clone(),
            clock: clock.clone(),
            capabilities: system.capabilities.beam(beam).cloned().unwrap_or_default(),
            configured: system.instrument.beam(beam).clone(),
            offers: system.offers.clone(),
            state: Watched::default(),
        }
    }

    pub fn changed(&mut self) {
        self.state.forget();
    }

    /// As read now.
    pub fn now(&mut self) -> Result<BeamState, HalError> {
        self.changed();
        Ok(Column::read(self)?.value)
    }

    fn route(&self, key: Key, reading: bool) -> Result<&'static str, HalError> {
        let row = ROUTES.iter().find(|(k, _)| *k == key);
        row.map(|(_, route)| *route).ok_or_else(|| {
            let how = if reading { "readable" } else { "settable" };
            HalError::unsupported(&format!("{how} `{key}` on the {} beam", self.beam))
        })
    }

    /// The route of a switch of the bridge.
    fn switch(&self, key: Key) -> Option<&'static str> {
        match key {
            Key::On if self.offers.has("power") => Some("/bridge/power"),
            Key::Blanked if self.offers.has("blank") => Some("/bridge/blank"),
            _ => None,
        }
    }

    fn value(&self, path: &str, key: Key, answer: &serde_json::Value) -> Result<Value, HalError> {
        let value = answer.get("value").cloned().unwrap_or_default();
        let value: Value = serde_json::from_value(value).map_err(|e| nonsense(path).caused_by(e))?;
        // a number that is none arrives as null
        if value == Value::Null {
            return Err(nonsense(path).caused_by(format!("{key} has no value")));
        }
        Ok(value)
    }

    /// What may be sent for `key`: numbers are clipped to the range, as instruments do; what is no such value is refused.
    fn fit(&self, key: Key, value: &Value) -> Result<Value, HalError> {
        let caps = &self.capabilities;
        let clip = |v: f64, (low, high): (f64, f64)| Value::Number(v.clamp(low, high));
        let known = caps.available(key);
        Ok(match (key, value) {
            (Key::Current, Value::Number(v)) if *v > 0.0 && v.is_finite() => clip(*v, caps.current),
            (Key::Voltage, Value::Number(v)) if *v > 0.0 && v.is_finite() => clip(*v, caps.voltage),
            (Key::Hfw, Value::Number(v)) if v.is_finite() => clip(*v, caps.hfw),
            (Key::DwellTime, Value::Number(v)) if v.is_finite() => clip(*v, caps.dwell_time),
            (Key::WorkingDistance, Value::Number(v)) if v.is_finite() => clip(*v, caps.working_distance),
            (Key::DetectorContrast | Key::DetectorBrightness, Value::Number(v)) if v.is_finite() => {
                clip(*v, (0.0, 1.0))
            }
            (Key::ScanRotation, Value::Number(v)) if v.is_finite() => value.clone(),
            (Key::Resolution, Value::Size(w, h)) if *w > 0 && *h > 0 => value.clone(),
            (Key::Stigmation, Value::Point(p)) if p.x.is_finite() && p.y.is_finite() => value.clone(),
            (Key::Shift, Value::Point(p)) if p.x.is_finite() && p.y.is_finite() => Value::Point(Point {
                x: p.x.clamp(-caps.shift, caps.shift),
                y: p.y.clamp(-caps.shift, caps.shift),
            }),
            (Key::DetectorType | Key::DetectorMode, Value::Text(word))
                if known.contains(value) || (known.is_empty() && *word == model::text::printable(word)) =>
            {
                value.clone()
            }
            _ => {
                return Err(refused(
                    format!(
                        "the {} beam does not take {} for `{key}`; it was left as it is",
                        self.beam,
                        show(key, value)
                    ),
                    key.row().doc,
                ));
            }
        })
    }
}

fn read(wire: &Wire, beam: Beam, plasma_gas: Option<String>, more: bool) -> Result<BeamState, HalError> {
    let body = json!({ "beam_type": beam.wire_name() });
    let part = |path: &'static str, name: &str| {
        let answer = wire.ask(path, &body)?;
        answer.get(name).cloned().ok_or_else(|| nonsense(path))
    };
    let settings: BeamSettings = serde_json::from_value(part("/beam_settings/get", "beam_settings")?)
        .map_err(|e| nonsense("/beam_settings/get").caused_by(e))?;
    let detector: DetectorSettings = serde_json::from_value(part("/detector_settings/get", "detector_settings")?)
        .map_err(|e| nonsense("/detector_settings/get").caused_by(e))?;
    // the plain server offers no way to ask
    let (on, blanked) = match more.then(|| State::read(wire)?.beam(beam)).transpose()? {
        Some(switches) => (switches.on, switches.blanked),
        None => (true, false),
    };
    Ok(BeamState {
        on,
        blanked,
        settings,
        detector,
        plasma_gas,
    })
}

impl Column for RestColumn {
    fn read(&mut self) -> Result<Reading<BeamState>, HalError> {
        let (wire, beam) = (self.wire.clone(), self.beam);
        let gas = self.configured.plasma_gas.clone().filter(|_| self.configured.plasma);
        let more = self.offers.has("power");
        self.state.read(&self.clock, move || read(&wire, beam, gas, more))
    }

    fn get(&mut self, key: Key) -> Result<Value, HalError> {
        match key {
            Key::BeamEnabled => return Ok(Value::Bool(self.configured.enabled)),
            Key::EucentricHeight => return Ok(Value::Number(self.configured.eucentric_height)),
            Key::ColumnTilt => return Ok(Value::Number(self.configured.column_tilt)),
            Key::Plasma => return Ok(Value::Bool(self.configured.plasma)),
            _ => {}
        }
        if self.switch(key).is_some() {
            let switches = State::read(&self.wire)?.beam(self.beam)?;
            return Ok(Value::Bool(if key == Key::On { switches.on } else { switches.blanked }));
        }
        let path = format!("/{}/get", self.route(key, true)?);
        let answer = self.wire.ask(&path, &json!({ "beam_type": self.beam.wire_name() }))?;
        self.value(&path, key, &answer)
    }

    fn set(&mut self, key: Key, value: &Value) -> Result<Value, HalError> {
        let beam = self.beam.wire_name();
        let (path, body) = match (self.switch(key), value) {
            (Some(route), Value::Bool(on)) => (route.to_owned(), json!({ "beam_type": beam, "on": on })),
            (Some(_), _) => {
                return Err(refused(
                    format!("`{key}` is true or false; it was left as it is"),
                    key.row().doc,
                ));
            }
            (None, _) => {
                let route = self.route(key, false)?;
                (
                    format!("/{route}/set"),
                    json!({ "value": self.fit(key, value)?, "beam_type": beam }),
                )
            }
        };
        self.changed();
        let answer = self.wire.tell(&path, &body, Wait::Slow);
        self.changed();
        self.value(&path, key, &answer?)
    }

    fn begin_plasma_gas(&mut self, _gas: &str) -> Result<Ticket, HalError> {
        Err(HalError::unsupported("change of the plasma gas"))
    }
}
