//! Columns and detectors: a route a value, and all of them at once.

use super::super::fields::understood;
use super::super::reply::{Refusal, Reply};
use super::super::route::{Call, Route, ask, tell};
use super::super::token::Power;
use super::ours;
use crate::command::Command;
use model::key::Kind;
use model::{Beam, BeamSettings, DetectorSettings, Key, MicroscopeState, StagePosition};
use serde_json::{Map, Value, json};

/// The values that have routes of their own: `/NAME/get` and `/NAME/set`.
const VALUES: &[(&str, Key)] = &[
    ("beam_current", Key::Current),
    ("beam_voltage", Key::Voltage),
    ("field_of_view", Key::Hfw),
    ("working_distance", Key::WorkingDistance),
    ("dwell_time", Key::DwellTime),
    ("scan_rotation", Key::ScanRotation),
    ("resolution", Key::Resolution),
    ("stigmation", Key::Stigmation),
    ("beam_shift", Key::Shift),
    ("detector_type", Key::DetectorType),
    ("detector_mode", Key::DetectorMode),
    ("detector_contrast", Key::DetectorContrast),
    ("detector_brightness", Key::DetectorBrightness),
];

const GET: Route = ask("/{}/get", |call| Box::pin(get(call)));
const SET: Route = tell("/{}/set", |call| Box::pin(set(call)));

/// The route of a value, and its name.
pub(in super::super) fn find(path: &str) -> Option<(&'static Route, &str)> {
    const ROUTES: &[(&str, Route)] = &[("get", GET), ("set", SET)];
    let (name, what) = path.strip_prefix('/')?.split_once('/')?;
    VALUES.iter().find(|(value, _)| *value == name)?;
    let (_, route) = ROUTES.iter().find(|(word, _)| *word == what)?;
    debug_assert!(route.needs <= Power::Control);
    Some((route, name))
}

pub(in super::super) const ROUTES: &[Route] = &[
    ask("/beam_settings/get", |call| {
        Box::pin(async move {
            let settings = call.column(call.fields.beam()?).await?;
            Ok(Reply::Json(json!({ "beam_settings": settings })))
        })
    }),
    tell("/beam_settings/set", |call| {
        Box::pin(async move {
            let settings: BeamSettings = call.fields.parse("beam_settings")?;
            call.set_column(settings.beam_type, Some(settings), None).await?;
            Ok(Reply::ok())
        })
    }),
    ask("/detector_settings/get", |call| {
        Box::pin(async move {
            let beam = call.fields.beam()?;
            let detector = call.capture().await?.detector(beam).cloned();
            let detector = detector.ok_or_else(|| missing(beam))?;
            Ok(Reply::Json(json!({ "detector_settings": detector })))
        })
    }),
    tell("/detector_settings/set", |call| {
        Box::pin(async move {
            let detector: DetectorSettings = call.fields.parse("detector_settings")?;
            call.set_column(call.fields.beam()?, None, Some(detector)).await?;
            Ok(Reply::ok())
        })
    }),
    ask("/beam_system_settings/get", |call| {
        Box::pin(async move {
            let settings = call.beam_system(call.fields.beam()?).await?;
            Ok(Reply::Json(json!({ "beam_system_settings": settings })))
        })
    }),
    tell("/beam_system_settings/set", |call| Box::pin(set_system(call))),
    ask("/available_values", |call| {
        Box::pin(async move {
            let (key, beam) = (call.fields.text("key")?, call.fields.maybe_beam()?);
            // a key nobody knows has no values
            let Some(key) = Key::parse(key) else {
                return Ok(Reply::Json(json!({ "values": [] })));
            };
            let mut command = Command::new("system.available").with("key", key.name());
            match (key.row().per_beam, beam) {
                (true, Some(beam)) => command = command.with("beam", beam.word()),
                (true, None) => {
                    return Err(Refusal::nonsense(
                        format!("`{key}` belongs to a beam and none was named"),
                        "add beam_type",
                    ));
                }
                (false, _) => {}
            }
            Ok(Reply::Json(json!({ "values": call.read(command).await?["values"] })))
        })
    }),
];

fn missing(beam: Beam) -> Refusal {
    Refusal::nonsense(format!("this instrument has no {beam} beam"), "name the other one")
}

/// The key that the path names.
fn key(call: &Call) -> Result<Key, Refusal> {
    let row = VALUES.iter().find(|(name, _)| *name == call.word);
    row.map(|(_, key)| *key).ok_or_else(Refusal::not_found)
}

async fn get(call: Call) -> Result<Reply, Refusal> {
    let (key, beam) = (key(&call)?, call.fields.beam()?);
    let command = Command::new("system.get").with("key", key.name());
    let answer = call.read(command.with("beam", beam.word())).await?;
    Ok(Reply::value(answer["value"].clone()))
}

async fn set(call: Call) -> Result<Reply, Refusal> {
    let (key, beam) = (key(&call)?, call.fields.beam()?);
    let value = match key.row().kind {
        Kind::Number(_) => json!(call.fields.number("value")?),
        Kind::Size => json!(call.fields.list("value")?),
        Kind::Point(_) => json!(call.fields.point("value")?),
        _ => json!(call.fields.text("value")?),
    };
    let command = Command::new("system.set").with("key", key.name()).with("value", value);
    let answer = call.act(command.with("beam", beam.word())).await?;
    Ok(Reply::value(answer["value"].clone()))
}

/// Detectors come in both spellings; what the configuration decides can only be repeated.
async fn set_system(call: Call) -> Result<Reply, Refusal> {
    const CONFIGURED: [&str; 4] = ["enabled", "column_tilt", "plasma", "plasma_gas"];
    let given = call.fields.object("beam_system_settings")?.clone();
    let flat = Value::Object(one_spelling(given.clone()));
    let settings: BeamSettings = understood("beam_system_settings", flat.clone())?;
    let detector: DetectorSettings = understood("beam_system_settings", flat)?;
    let beam = settings.beam_type;
    let now = call.beam_system(beam).await?;
    let differs = |name: &&str| {
        let wanted = given.get(*name).filter(|v| !v.is_null());
        let equal = |wanted: &Value| match (wanted.as_f64(), now[*name].as_f64()) {
            (Some(a), Some(b)) => a == b,
            // openFIBSEM's files write the word None where there is no gas
            _ => *wanted == now[*name] || (wanted == "None" && now[*name].is_null()),
        };
        wanted.is_some_and(|wanted| !equal(wanted))
    };
    if let Some(name) = CONFIGURED.iter().find(|name| differs(name)) {
        return Err(Refusal::nonsense(
            format!("`{name}` is the configuration's; nothing was changed"),
            "change the instrument's file (beam.plasma changes a plasma gas)",
        ));
    }
    // what a client never read it does not mean to set
    let named = given.contains_key("detector_type") || given.contains_key("type");
    let known = named && detector.kind != "Unknown";
    call.set_column(beam, Some(settings), known.then_some(detector)).await?;
    let height = given.get("eucentric_height").and_then(Value::as_f64);
    if let Some(height) = height.filter(|h| Some(*h) != now["eucentric_height"].as_f64()) {
        let command = Command::new("system.set")
            .with("key", "eucentric_height")
            .with("value", height);
        call.act(command.with("beam", beam.word())).await?;
    }
    Ok(Reply::ok())
}

/// Flat settings say some things twice; the first spelling that is there counts.
fn one_spelling(mut flat: Map<String, Value>) -> Map<String, Value> {
    for (first, second) in [
        ("working_distance", "eucentric_height"),
        ("beam_current", "current"),
        ("detector_type", "type"),
        ("detector_mode", "mode"),
        ("detector_brightness", "brightness"),
        ("detector_contrast", "contrast"),
    ] {
        if flat.contains_key(first) {
            flat.remove(second);
        }
    }
    flat
}

impl Call {
    /// What the column is set to.
    pub async fn column(&self, beam: Beam) -> Result<BeamSettings, Refusal> {
        self.capture().await?.beam(beam).cloned().ok_or_else(|| missing(beam))
    }

    /// Sets column, detector or both in one go: nothing of it, where any of it would be refused.
    pub async fn set_column(
        &self,
        beam: Beam,
        settings: Option<BeamSettings>,
        detector: Option<DetectorSettings>,
    ) -> Result<(), Refusal> {
        if self.connection()?.capabilities.beam(beam).is_none() {
            return Err(missing(beam));
        }
        let mut state = MicroscopeState::bare(0.0, StagePosition::default());
        match beam {
            Beam::Electron => (state.electron_beam, state.electron_detector) = (settings, detector),
            Beam::Ion => (state.ion_beam, state.ion_detector) = (settings, detector),
        }
        self.act(Command::new("system.restore").with("state", json!(state)))
            .await?;
        Ok(())
    }

    /// A column in openFIBSEM's flat spelling; the detector in both of its spellings, since its reader knows the other one.
    pub async fn beam_system(&self, beam: Beam) -> Result<Value, Refusal> {
        let configuration = self.read(Command::new("system.configuration")).await?;
        let state = self.capture().await?;
        let settings = state.beam(beam).ok_or_else(|| missing(beam))?;
        let detector = state.detector(beam).cloned().unwrap_or_default();
        let column = &configuration[beam.word()];
        let height = Command::new("system.get")
            .with("key", "eucentric_height")
            .with("beam", beam.word());
        let height = match self.read(height).await {
            Ok(read) => read["value"].clone(),
            Err(_) => column["eucentric_height"].clone(),
        };
        let mut whole = json!({
            "beam_type": beam, "enabled": column["enabled"], "eucentric_height": height,
            "column_tilt": column["column_tilt"], "plasma": column["plasma"], "plasma_gas": column["plasma_gas"],
        });
        let mut add = |values: Value| {
            if let (Some(whole), Value::Object(values)) = (whole.as_object_mut(), values) {
                for (name, value) in values {
                    whole.entry(name).or_insert(value);
                }
            }
        };
        add(json!(settings));
        add(json!({
            "current": settings.beam_current,
            "detector_type": detector.kind, "detector_mode": detector.mode,
            "detector_brightness": detector.brightness, "detector_contrast": detector.contrast,
        }));
        add(ours(&json!(detector))?);
        Ok(whole)
    }
}
