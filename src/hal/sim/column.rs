//! One column of the twin with its detector: what it is set to, and what a setter makes of a value.

use super::values;
use crate::HalError;
use model::capabilities::BeamCapabilities;
use model::config::Instrument;
use model::{Beam, BeamSettings, BeamState, DetectorSettings, ErrorKind, Key, Point, Rect, StageKind, Value};

/// What the scan generator does between pictures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ScanMode {
    FullFrame,
    ReducedArea(Rect),
    /// Parked at a point (fractions of the picture).
    Spot(Point),
}

/// A change of the plasma gas under way (clock seconds).
#[derive(Clone, Debug, PartialEq)]
pub struct GasChange {
    pub ticket: u64,
    pub to: String,
    pub start: f64,
    pub end: f64,
}

/// Seconds to purge the source, fill it and light it again.
const GAS_CHANGE: f64 = 600.0;

#[derive(Clone, Debug)]
pub struct ColumnSim {
    pub state: BeamState,
    pub mode: ScanMode,
    pub gas_change: Option<GasChange>,
    /// The next current or preset that is set comes out one step off (a fault).
    pub slips: bool,
    capabilities: BeamCapabilities,
    kind: StageKind,
    eucentric_height: f64,
    column_tilt_deg: f64,
    plasma: bool,
    /// The configured current, which is a step besides those of the table; where the beam offset is none.
    configured_current: f64,
}

impl ColumnSim {
    /// As the instrument is found: on and not blanked (a beam that does not scan is parked off the sample), at the
    /// configured values, focused on the coincidence point.
    pub fn new(instrument: &Instrument, beam: Beam, capabilities: BeamCapabilities) -> ColumnSim {
        let config = instrument.beam(beam);
        let default = DetectorSettings::default();
        let has_gas = !values::gases(instrument, beam).is_empty();
        ColumnSim {
            state: BeamState {
                on: true,
                blanked: false,
                settings: BeamSettings {
                    beam_type: beam,
                    working_distance: config.eucentric_height,
                    beam_current: config.current,
                    voltage: config.voltage,
                    hfw: config.hfw,
                    resolution: config.resolution,
                    dwell_time: config.dwell_time,
                    stigmation: Point::default(),
                    shift: Point::default(),
                    scan_rotation: 0.0,
                    preset: None,
                },
                detector: DetectorSettings {
                    kind: config.detector_type.clone().unwrap_or_else(|| default.kind.clone()),
                    mode: config.detector_mode.clone().unwrap_or_else(|| default.mode.clone()),
                    ..default
                },
                plasma_gas: config.plasma_gas.clone().filter(|_| has_gas),
            },
            mode: ScanMode::FullFrame,
            gas_change: None,
            slips: false,
            capabilities,
            kind: instrument.geometry().stage,
            eucentric_height: config.eucentric_height,
            column_tilt_deg: config.column_tilt,
            plasma: has_gas,
            configured_current: config.current,
        }
    }

    pub fn beam(&self) -> Beam {
        self.state.settings.beam_type
    }

    /// Decades of current above the configured one: the picture of another aperture sits elsewhere.
    pub fn decades(&self) -> f64 {
        (self.state.settings.beam_current / self.configured_current).log10()
    }

    pub fn get(&self, key: Key) -> Result<Value, HalError> {
        let settings = &self.state.settings;
        let detector = &self.state.detector;
        let text = |t: &Option<String>| t.clone().map_or(Value::Null, Value::Text);
        Ok(match key {
            Key::On => Value::Bool(self.state.on),
            Key::Blanked => Value::Bool(self.state.blanked),
            Key::WorkingDistance => Value::Number(settings.working_distance),
            Key::Current => Value::Number(settings.beam_current),
            Key::Voltage => Value::Number(settings.voltage),
            Key::Hfw => Value::Number(settings.hfw),
            Key::Resolution => Value::Size(settings.resolution.0, settings.resolution.1),
            Key::DwellTime => Value::Number(settings.dwell_time),
            Key::Stigmation => Value::Point(settings.stigmation),
            Key::Shift => Value::Point(settings.shift),
            Key::ScanRotation => Value::Number(settings.scan_rotation),
            Key::DetectorType => Value::Text(detector.kind.clone()),
            Key::DetectorMode => Value::Text(detector.mode.clone()),
            Key::DetectorBrightness => Value::Number(detector.brightness),
            Key::DetectorContrast => Value::Number(detector.contrast),
            Key::Preset => text(&settings.preset),
            Key::Presets => Value::List(self.capabilities.available(Key::Preset).to_vec()),
            Key::BeamEnabled | Key::VoltageControllable => Value::Bool(true),
            Key::EucentricHeight => Value::Number(self.eucentric_height),
            Key::ColumnTilt => Value::Number(self.column_tilt_deg),
            Key::Plasma => Value::Bool(self.plasma),
            Key::PlasmaGas => text(&self.state.plasma_gas),
            Key::VoltageLimits => {
                let (low, high) = self.capabilities.voltage;
                Value::List(vec![Value::Number(low), Value::Number(high)])
            }
            Key::ScanningMode => Value::Text(
                match self.mode {
                    ScanMode::FullFrame => "full_frame",
                    ScanMode::ReducedArea(_) => "reduced_area",
                    ScanMode::Spot(_) => "spot",
                }
                .to_owned(),
            ),
            _ => {
                return Err(HalError::unsupported(&format!(
                    "readable `{key}` on the {} beam",
                    self.beam()
                )));
            }
        })
    }

    /// Sets `key` and returns what it then is: steps are snapped to, ranges clipped to, as instruments do.
    pub fn set(&mut self, key: Key, value: &Value) -> Result<Value, HalError> {
        if !self.capabilities.writable.contains(&key) {
            return Err(HalError::unsupported(&format!(
                "settable `{key}` on the {} beam",
                self.beam()
            )));
        }
        let clip = |v: f64, range: (f64, f64)| v.clamp(range.0, range.1);
        let caps = &self.capabilities;
        let settings = &mut self.state.settings;
        let detector = &mut self.state.detector;
        match (key, value) {
            (Key::On, Value::Bool(on)) => self.state.on = *on,
            (Key::Blanked, Value::Bool(on)) => self.state.blanked = *on,
            (Key::WorkingDistance, Value::Number(v)) if v.is_finite() => {
                settings.working_distance = clip(*v, caps.working_distance);
            }
            (Key::Current, Value::Number(v)) if v.is_finite() && *v > 0.0 => {
                let current = self.step(*v);
                let settings = &mut self.state.settings;
                (settings.beam_current, settings.preset) = (current, None);
            }
            (Key::Voltage, Value::Number(v)) if v.is_finite() && *v > 0.0 => {
                settings.voltage = values::nearest(values::voltages(settings.beam_type).iter().copied(), *v);
                settings.preset = None;
            }
            (Key::Hfw, Value::Number(v)) if v.is_finite() => settings.hfw = clip(*v, caps.hfw),
            (Key::Resolution, Value::Size(w, h)) if *w > 0 && *h > 0 => settings.resolution = (*w, *h),
            (Key::DwellTime, Value::Number(v)) if v.is_finite() => settings.dwell_time = clip(*v, caps.dwell_time),
            (Key::Stigmation, Value::Point(p)) if p.x.is_finite() && p.y.is_finite() => settings.stigmation = *p,
            (Key::Shift, Value::Point(p)) if p.x.is_finite() && p.y.is_finite() => {
                let range = (-caps.shift, caps.shift);
                settings.shift = Point {
                    x: clip(p.x, range),
                    y: clip(p.y, range),
                };
            }
            (Key::ScanRotation, Value::Number(v)) if v.is_finite() => settings.scan_rotation = *v,
            (Key::DetectorType, Value::Text(word)) if caps.available(key).contains(value) => {
                detector.kind = word.clone()
            }
            (Key::DetectorMode, Value::Text(word)) if caps.available(key).contains(value) => {
                detector.mode = word.clone()
            }
            (Key::DetectorBrightness, Value::Number(v)) if v.is_finite() => detector.brightness = clip(*v, (0.0, 1.0)),
            (Key::DetectorContrast, Value::Number(v)) if v.is_finite() => detector.contrast = clip(*v, (0.0, 1.0)),
            (Key::EucentricHeight, Value::Number(v)) if v.is_finite() => {
                self.eucentric_height = clip(*v, caps.working_distance);
            }
            (Key::Preset, Value::Text(name)) if caps.available(key).contains(value) => self.choose(name),
            (Key::SpotMode, Value::Point(p)) if (0.0..=1.0).contains(&p.x) && (0.0..=1.0).contains(&p.y) => {
                self.mode = ScanMode::Spot(*p);
                return Ok(value.clone());
            }
            (Key::ReducedArea, Value::Rect(area)) if area.is_valid() => {
                self.mode = ScanMode::ReducedArea(*area);
                return Ok(value.clone());
            }
            (Key::FullFrame, Value::Bool(true)) => {
                self.scan_all();
                return Ok(value.clone());
            }
            _ => {
                return Err(HalError::new(
                    ErrorKind::OutOfRange,
                    format!(
                        "the {} beam does not take {} for `{key}`; it was left as it is",
                        self.beam(),
                        crate::act::show(key, value)
                    ),
                    key.row().doc,
                ));
            }
        }
        self.get(key)
    }

    /// After a spot or a part of it, the beam scans its whole field again.
    pub fn scan_all(&mut self) {
        self.mode = ScanMode::FullFrame;
    }

    /// The probe current that is set when `wanted` is asked for.
    fn step(&mut self, wanted: f64) -> f64 {
        let table = values::currents(self.beam(), self.state.plasma_gas.as_deref());
        let presets = values::presets(self.kind, self.beam()).iter().map(|p| p.current);
        let mut steps: Vec<f64> = table
            .iter()
            .copied()
            .chain(presets)
            .chain([self.configured_current])
            .collect();
        steps.sort_by(f64::total_cmp);
        steps.dedup();
        let nearest = values::nearest(steps.iter().copied(), wanted);
        if !std::mem::take(&mut self.slips) {
            return nearest;
        }
        let at = steps.iter().position(|s| *s == nearest).unwrap_or(0);
        steps
            .get(at + 1)
            .or(at.checked_sub(1).and_then(|below| steps.get(below)))
            .copied()
            .unwrap_or(nearest)
    }

    /// Voltage and current of a preset; scan rotation, field and shift stay.
    fn choose(&mut self, name: &str) {
        let presets = values::presets(self.kind, self.beam());
        let Some(at) = presets.iter().position(|p| p.name == name) else {
            return;
        };
        let at = if std::mem::take(&mut self.slips) {
            (at + 1) % presets.len()
        } else {
            at
        };
        let settings = &mut self.state.settings;
        settings.preset = Some(presets[at].name.to_owned());
        (settings.voltage, settings.beam_current) = (presets[at].voltage, presets[at].current);
    }

    /// Begins a change of the plasma gas at clock time `t`; its end comes `late` seconds later than usual.
    pub fn change_gas(&mut self, ticket: u64, gas: &str, t: f64, late: f64) -> Result<(), HalError> {
        let known = self.capabilities.available(Key::PlasmaGas);
        if known.is_empty() {
            return Err(HalError::unsupported(&format!(
                "plasma source on the {} beam",
                self.beam()
            )));
        }
        if !known.iter().any(|v| v.as_text() == Some(gas)) {
            return Err(HalError::new(
                ErrorKind::OutOfRange,
                format!(
                    "`{}` is no gas of this source; the gas was not changed",
                    model::text::printable(gas)
                ),
                "see system.available key=plasma_gas beam=ion",
            ));
        }
        if self.gas_change.is_some() {
            return Err(HalError::new(
                ErrorKind::Busy,
                "the plasma gas is being changed already; nothing was sent",
                "wait for its end, or stop it",
            ));
        }
        let same = self.state.plasma_gas.as_deref() == Some(gas);
        let end = late + if same { t } else { t + GAS_CHANGE };
        self.gas_change = Some(GasChange {
            ticket,
            to: gas.to_owned(),
            start: t,
            end,
        });
        Ok(())
    }

    /// Ends a change of gas whose time has come; returns its ticket.
    pub fn settle(&mut self, t: f64) -> Option<u64> {
        let change = self.gas_change.take_if(|change| t >= change.end)?;
        self.state.plasma_gas = Some(change.to);
        // another gas has other apertures
        let table = values::currents(self.beam(), self.state.plasma_gas.as_deref());
        let current = &mut self.state.settings.beam_current;
        *current = values::nearest(table.iter().copied(), *current);
        Some(change.ticket)
    }

    /// Breaks a change of gas off: the old gas stays.
    pub fn halt_gas(&mut self) -> Option<u64> {
        self.gas_change.take().map(|change| change.ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(instrument: &Instrument, beam: Beam) -> ColumnSim {
        let capabilities = values::capabilities(instrument).beam(beam).cloned().unwrap();
        ColumnSim::new(instrument, beam, capabilities)
    }

    #[test]
    fn currents_snap_to_steps_and_the_configured_one_is_a_step() {
        let mut electron = column(&Instrument::default(), Beam::Electron);
        let mut set = |v| electron.set(Key::Current, &Value::Number(v)).unwrap();
        assert_eq!(set(120e-12), Value::Number(1e-10));
        assert_eq!(set(50e-12), Value::Number(50e-12), "what was captured can be restored");
        assert_eq!(set(1.0), Value::Number(6e-8));
        assert_eq!(
            electron.set(Key::Voltage, &Value::Number(2.4e3)),
            Ok(Value::Number(2e3))
        );
    }

    #[test]
    fn nonsense_is_refused_and_leaves_everything_alone() {
        let mut ion = column(&Instrument::default(), Beam::Ion);
        let before = ion.state.clone();
        for (key, value) in [
            (Key::Hfw, Value::Number(f64::NAN)),
            (Key::Current, Value::Number(-1.0)),
            (Key::Current, Value::Text("much".into())),
            (Key::DetectorType, Value::Text("Geiger".into())),
            (
                Key::ReducedArea,
                Value::Rect(Rect {
                    left: 0.9,
                    top: 0.0,
                    width: 0.5,
                    height: 1.0,
                }),
            ),
            (Key::SpotMode, Value::Point(Point { x: 2.0, y: 0.0 })),
            (Key::Resolution, Value::Size(0, 10)),
        ] {
            assert_eq!(ion.set(key, &value).unwrap_err().kind, ErrorKind::OutOfRange, "{key}");
        }
        assert_eq!(
            ion.set(Key::Preset, &Value::Text("x".into())).unwrap_err().kind,
            ErrorKind::Unsupported
        );
        assert_eq!(ion.state, before);
    }

    #[test]
    fn a_plasma_source_changes_gas_in_ten_minutes_and_its_currents_with_it() {
        let mut instrument = Instrument::default();
        (instrument.ion.plasma, instrument.ion.plasma_gas) = (true, Some("Xenon".into()));
        let mut ion = column(&instrument, Beam::Ion);
        ion.set(Key::Current, &Value::Number(4e-9)).unwrap();
        assert_eq!(
            ion.change_gas(1, "Helium", 0.0, 0.0).unwrap_err().kind,
            ErrorKind::OutOfRange
        );
        ion.change_gas(2, "Argon", 0.0, 0.0).unwrap();
        assert_eq!(ion.change_gas(3, "Oxygen", 1.0, 0.0).unwrap_err().kind, ErrorKind::Busy);
        assert_eq!(ion.settle(599.0), None);
        assert_eq!(ion.settle(600.0), Some(2));
        assert_eq!(ion.get(Key::PlasmaGas), Ok(Value::Text("Argon".into())));
        assert_eq!(ion.get(Key::Current), Ok(Value::Number(7.4e-9)));
        ion.change_gas(4, "Oxygen", 700.0, 0.0).unwrap();
        assert_eq!(ion.halt_gas(), Some(4));
        assert_eq!(ion.settle(1e6), None);
        assert_eq!(ion.state.plasma_gas.as_deref(), Some("Argon"));
    }

    #[test]
    fn presets_are_for_instruments_that_have_them() {
        let mut instrument = Instrument::default();
        instrument.twin.stage = Some(StageKind::ChamberFixed);
        let mut ion = column(&instrument, Beam::Ion);
        ion.set(Key::ScanRotation, &Value::Number(0.3)).unwrap();
        ion.set(Key::Preset, &Value::Text("30 keV; 2 nA".into())).unwrap();
        assert_eq!(
            (ion.state.settings.beam_current, ion.state.settings.scan_rotation),
            (2e-9, 0.3)
        );
        ion.set(Key::Current, &Value::Number(20e-12)).unwrap();
        assert_eq!(
            ion.get(Key::Preset),
            Ok(Value::Null),
            "another current is no longer the preset"
        );
    }

    #[test]
    fn a_slip_sets_the_next_step_once() {
        let mut ion = column(&Instrument::default(), Beam::Ion);
        ion.slips = true;
        assert_eq!(ion.set(Key::Current, &Value::Number(2e-9)), Ok(Value::Number(4e-9)));
        assert_eq!(ion.set(Key::Current, &Value::Number(2e-9)), Ok(Value::Number(2e-9)));
    }
}
