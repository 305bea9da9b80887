//! Who the server is, and what it offers: read once, at connecting.
//!
//! Geometry is the instrument file's, since every move is computed here; where the server works with another it is told. Ranges that
//! the server does not tell are openFIBSEM's own (its stage limits) or what such columns have in common.

use super::bridge::Offers;
use super::wire::{Wire, nonsense};
use crate::HalError;
use model::capabilities::{BeamCapabilities, MillingCapabilities, MillingControl, StageCapabilities};
use model::config::Instrument;
use model::shape::ScanDirection;
use model::{Axis, Beam, Capabilities, ErrorKind, Geometry, Identity, Key, Limits, PatterningMode, StageKind, Value};
use serde_json::{Value as Json, json};

pub(super) struct System {
    pub identity: Identity,
    pub capabilities: Capabilities,
    pub geometry: Geometry,
    /// What the bridge adds; nothing, where the plain server answers.
    pub offers: Offers,
    /// The instrument as configured, for the descriptions of pictures that come without.
    pub instrument: Instrument,
}

/// Field width (m), dwell time (s), working distance (m), beam shift (m), voltage (V), current (A) of columns whose server does
/// not tell.
const HFW: (f64, f64) = (500e-9, 5e-3);
const DWELL: (f64, f64) = (25e-9, 1e-3);
const WORKING_DISTANCE: (f64, f64) = (1e-3, 60e-3);
const SHIFT: f64 = 50e-6;
const VOLTAGE: (f64, f64) = (200.0, 30e3);
const CURRENT: (f64, f64) = (1e-13, 1e-6);

/// Does the maker's class scan a part of the frame over the plain server? That hands it the beam beside the settings, and then one
/// class takes only the beam, so that what `imaging_settings/set` does not set is lost.
fn scans_part(manufacturer: &str) -> bool {
    manufacturer != "ThermoFisher"
}

/// Does it integrate lines and frames there? The other classes take no notice.
fn integrates(manufacturer: &str) -> bool {
    manufacturer == "Demo"
}

impl System {
    pub fn read(wire: &Wire, instrument: &Instrument) -> Result<System, HalError> {
        let answer = wire.get("/system")?;
        let system = answer.get("system").ok_or_else(|| nonsense("/system"))?;
        let compustage = answer.get("stage_is_compustage").and_then(Json::as_bool) == Some(true);
        let identity = identity(instrument, system.get("info").unwrap_or(&Json::Null));
        let geometry = instrument.geometry();
        same_instrument(&identity.manufacturer, compustage, instrument, &geometry)?;
        for (what, ours, theirs) in differences(instrument, system) {
            tracing::warn!(
                "the server works with {what} {theirs}, the instrument's file says {ours}: the file is used"
            );
        }
        let on = |part: &str| system.pointer(&format!("/{part}/enabled")).and_then(Json::as_bool) != Some(false);
        let column = |beam: Beam| {
            let used = instrument.beam(beam).enabled && on(beam.word());
            used.then(|| column(wire, instrument, &identity.manufacturer, beam))
                .transpose()
        };
        let (electron, ion) = (column(Beam::Electron)?, column(Beam::Ion)?);
        let milling = ion
            .is_some()
            .then(|| milling(wire, &identity.manufacturer))
            .transpose()?;
        let mut capabilities = Capabilities {
            simulated: identity.manufacturer == "Demo",
            stage: (instrument.stage.enabled && on("stage")).then(|| stage(instrument, geometry.stage)),
            electron,
            ion,
            milling,
            ..Capabilities::default()
        };
        let offers = Offers::read(wire)?;
        offers.widen(&mut capabilities, instrument);
        Ok(System {
            offers,
            identity,
            capabilities,
            geometry,
            instrument: instrument.clone(),
        })
    }
}

impl System {
    /// Where stop is sent.
    pub fn stop_path(&self) -> &'static str {
        if self.offers.any() {
            "/bridge/stop"
        } else {
            "/stop_milling"
        }
    }
}

fn identity(instrument: &Instrument, info: &Json) -> Identity {
    let said = |key: &str| {
        let text = info.get(key).and_then(Json::as_str).unwrap_or_default();
        let text = model::text::printable(text);
        if text.is_empty() { "Unknown".to_owned() } else { text }
    };
    Identity {
        name: instrument.info.name.clone(),
        manufacturer: said("manufacturer"),
        model: said("model"),
        serial_number: said("serial_number"),
        hardware_version: said("hardware_version"),
        software_version: said("software_version"),
        driver: "fibsem".to_owned(),
    }
}

/// The wrong file on an instrument would send its stage where nobody meant it to go.
fn same_instrument(
    manufacturer: &str,
    compustage: bool,
    instrument: &Instrument,
    geometry: &Geometry,
) -> Result<(), HalError> {
    let differ = |what: String| {
        Err(HalError::new(
            ErrorKind::Interlock,
            format!("{what}; nothing was sent"),
            "choose the instrument's own file, or start the server with its configuration",
        ))
    };
    if manufacturer != instrument.info.manufacturer {
        return differ(format!(
            "the server drives a {manufacturer}, the instrument's file is for a {}",
            model::text::printable(&instrument.info.manufacturer)
        ));
    }
    if compustage != (geometry.stage == StageKind::Compustage) {
        return differ(format!(
            "the server's stage is {}a compustage, the instrument's file says otherwise",
            if compustage { "" } else { "not " }
        ));
    }
    Ok(())
}

/// Angles (degrees) in which the server's configuration and ours differ: what, ours, theirs.
fn differences(instrument: &Instrument, system: &Json) -> Vec<(&'static str, f64, f64)> {
    [
        (
            "a pre-tilt of",
            "/stage/shuttle_pre_tilt",
            instrument.stage.shuttle_pre_tilt,
        ),
        (
            "a rotation reference of",
            "/stage/rotation_reference",
            instrument.stage.rotation_reference,
        ),
        (
            "a flat-to-ion rotation of",
            "/stage/rotation_180",
            instrument.stage.rotation_180,
        ),
        (
            "an electron column at",
            "/electron/column_tilt",
            instrument.electron.column_tilt,
        ),
        ("an ion column at", "/ion/column_tilt", instrument.ion.column_tilt),
    ]
    .into_iter()
    .filter_map(|(what, at, ours)| Some((what, ours, system.pointer(at)?.as_f64()?)))
    .filter(|(_, ours, theirs)| (ours - theirs).abs() > 1e-6)
    .collect()
}

fn stage(instrument: &Instrument, kind: StageKind) -> StageCapabilities {
    let mut limits = Limits::of(kind);
    if !instrument.stage.rotation {
        limits.r = None;
    }
    if !instrument.stage.tilt {
        limits.t = None;
    }
    StageCapabilities {
        kind,
        axes: Axis::ALL.into_iter().filter(|a| limits.get(*a).is_some()).collect(),
        limits,
        home: false,
        link: false,
        halts: false,
        compucentric_rotation: false,
        room: None,
    }
}

/// The values that `key` takes, as the server lists them; none where it cannot say.
fn available(wire: &Wire, key: &str, beam: Option<Beam>) -> Result<Vec<Value>, HalError> {
    let body = json!({ "key": key, "beam_type": beam.map(Beam::wire_name) });
    match wire.ask("/available_values", &body) {
        Ok(answer) => Ok(answer
            .get("values")
            .and_then(|values| serde_json::from_value(values.clone()).ok())
            .unwrap_or_default()),
        // a class without such a list fails inside
        Err(e) if e.kind == ErrorKind::Other => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

fn words(values: &[Value]) -> Vec<String> {
    values.iter().filter_map(|v| v.as_text().map(str::to_owned)).collect()
}

fn column(wire: &Wire, instrument: &Instrument, manufacturer: &str, beam: Beam) -> Result<BeamCapabilities, HalError> {
    let config = instrument.beam(beam);
    let mut lists = Vec::new();
    for key in [
        Key::Current,
        Key::Voltage,
        Key::DetectorType,
        Key::DetectorMode,
        Key::Preset,
    ] {
        let values = available(wire, key.name(), Some(beam))?;
        if !values.is_empty() {
            lists.push((key, values));
        }
    }
    let range = |key: Key, also: f64, unknown: (f64, f64)| {
        let values = lists.iter().find(|(k, _)| *k == key).map_or(&[][..], |(_, v)| v);
        // a list of one is a placeholder: presets decide there
        if values.len() < 2 {
            return unknown;
        }
        let numbers = values.iter().filter_map(Value::as_f64).chain([also]);
        numbers.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), v| {
            (low.min(v), high.max(v))
        })
    };
    let integrates = integrates(manufacturer);
    let (voltage, current) = (
        range(Key::Voltage, config.voltage, VOLTAGE),
        range(Key::Current, config.current, CURRENT),
    );
    let settable: Vec<Key> = super::column::ROUTES.iter().map(|(key, _)| *key).collect();
    Ok(BeamCapabilities {
        readable: [&settable[..], super::column::CONFIGURED].concat(),
        writable: settable,
        resolutions: Vec::new(),
        hfw: HFW,
        dwell_time: DWELL,
        working_distance: WORKING_DISTANCE,
        shift: SHIFT,
        voltage,
        current,
        available: lists,
        reduced_area: scans_part(manufacturer),
        line_integration: integrates,
        frame_integration: integrates,
        interlacing: integrates,
        drift_correction: integrates,
        blanker: false,
        live: true,
    })
}

fn milling(wire: &Wire, manufacturer: &str) -> Result<MillingCapabilities, HalError> {
    let known: Vec<ScanDirection> = words(&available(wire, "scan_direction", None)?)
        .iter()
        .filter_map(|word| ScanDirection::parse(word))
        .collect();
    let presets = words(&available(wire, "preset", Some(Beam::Ion))?);
    let control = match manufacturer {
        "Tescan" => MillingControl::Preset,
        _ => MillingControl::Current,
    };
    Ok(MillingCapabilities {
        control,
        channels: vec![Beam::Ion],
        application_files: words(&available(wire, "application_file", None)?),
        modes: vec![PatterningMode::Serial, PatterningMode::Parallel],
        presets,
        scan_directions: if known.is_empty() {
            vec![ScanDirection::TopToBottom]
        } else {
            known
        },
        // the server builds a bitmap pattern without its pixels
        bitmaps: false,
        pause: true,
        spot_burn: false,
        imaging_meanwhile: false,
    })
}
