//! The form of image settings: how the next picture of a beam is taken.
//!
//! One row of [`fields`] per setting, only those the instrument offers; [`set`] sends `image.settings`. What was set is
//! remembered per beam and sent again at the next start.

use crate::cx::Cx;
use crate::effect::Effect;
use crate::remembered::Remembered;
use crate::widget::form::{Field, Kind};
use crate::widget::picture::tell;
use engine::snapshot::at;
use engine::{Command, Failure};
use model::{Beam, ImageSettings, Unit, Value};
use serde_json::json;

/// The row that is not the instrument's: gamma of the display.
pub const AUTOGAMMA: &str = "autogamma";
/// The row that forgets the reduced area.
const AREA: &str = "full_frame";

/// The rows for `beam`, from the snapshot.
pub fn fields(beam: Beam, gamma: bool, cx: &Cx) -> Vec<Field> {
    let settings = &cx.snapshot.settings[at(beam)];
    let capabilities = cx
        .snapshot
        .connection
        .as_ref()
        .and_then(|c| c.capabilities.beam(beam))
        .cloned()
        .unwrap_or_default();
    let has = |offered: bool, field: Field| offered.then_some(field);
    let range = |(low, high): (f64, f64)| {
        if low < high {
            (low, high)
        } else {
            (f64::NEG_INFINITY, f64::INFINITY)
        }
    };
    let (field_low, field_high) = range(capabilities.hfw);
    let (dwell_low, dwell_high) = range(capabilities.dwell_time);
    let passes = |n: Option<u32>| Value::Number(f64::from(n.unwrap_or(1)));
    let count = Kind::Count { low: 1, high: 255 };
    let text = |text: &str| Value::Text(text.to_owned());
    let area = settings.reduced_area.map_or(Value::Null, Value::Rect);
    let rows = [
        Some(Field::new("hfw", "field", Kind::length(field_low, field_high)).value(Value::Number(settings.hfw))),
        Some(
            Field::new("resolution", "size", Kind::Size(capabilities.resolutions.clone()))
                .value(Value::Size(settings.resolution.0, settings.resolution.1)),
        ),
        Some(
            Field::new("dwell_time", "dwell", Kind::number(Unit::Second, dwell_low, dwell_high))
                .value(Value::Number(settings.dwell_time)),
        ),
        has(
            capabilities.frame_integration,
            Field::new("frame_integration", "frames", count.clone())
                .value(passes(settings.frame_integration))
                .doc("averaged"),
        ),
        has(
            capabilities.line_integration,
            Field::new("line_integration", "lines", count.clone())
                .value(passes(settings.line_integration))
                .doc("scans of each line"),
        ),
        has(
            capabilities.interlacing,
            Field::new("scan_interlacing", "interlace", count)
                .value(passes(settings.scan_interlacing))
                .doc("interlaced passes"),
        ),
        has(
            capabilities.drift_correction,
            Field::new("drift_correction", "drift corr.", Kind::Bool).value(Value::Bool(settings.drift_correction)),
        ),
        has(
            capabilities.reduced_area,
            Field::new(AREA, "area", Kind::Button)
                .value(area)
                .doc("chosen: the full frame again"),
        ),
        Some(Field::new("autocontrast", "autocontrast", Kind::Bool).value(Value::Bool(settings.autocontrast))),
        Some(Field::new(AUTOGAMMA, "gamma shown", Kind::Bool).value(Value::Bool(gamma))),
        Some(Field::new("save", "save", Kind::Bool).value(Value::Bool(settings.save))),
        Some(
            Field::new("path", "folder", Kind::Text)
                .value(text(settings.path.as_deref().unwrap_or(&cx.snapshot.session.folder)))
                .doc("empty = the session's folder"),
        ),
        Some(
            Field::new("filename", "name", Kind::Text)
                .value(text(&settings.filename))
                .doc("_eb or _ib is added"),
        ),
    ];
    let mut rows: Vec<Field> = rows.into_iter().flatten().collect();
    for row in &mut rows {
        row.pending = is_pending(beam, row.key, cx);
    }
    rows
}

fn is_pending(beam: Beam, key: &str, cx: &Cx) -> bool {
    cx.pending.any(|command| {
        let mine = command.args.get("beam").and_then(|b| b.as_str()) == Some(beam.word());
        command.name == "image.settings" && mine && command.args.contains_key(key)
    })
}

/// Asks for a value.
pub fn set(beam: Beam, key: &'static str, value: &Value, cx: &Cx) -> Vec<Effect> {
    let command = Command::new("image.settings").with("beam", beam.word());
    let value = match (key, value) {
        ("filename", Value::Text(name)) if name.trim().is_empty() => {
            return vec![tell(
                "a picture needs a name; the old one stays",
                "type letters and digits, no ending",
            )];
        }
        ("path", Value::Text(path)) if path.trim().is_empty() => json!(cx.snapshot.session.folder),
        // whole numbers stay whole
        ("frame_integration" | "line_integration" | "scan_interlacing", Value::Number(n)) => json!(*n as u32),
        _ => json!(value),
    };
    vec![Effect::Send(command.with(key, value))]
}

/// Where the settings of a beam are kept.
fn kept(beam: Beam) -> String {
    format!("imaging.{}", beam.word())
}

/// Settings that took effect are kept for the next start.
pub fn remember(command: &Command, end: &Result<serde_json::Value, Failure>) -> Vec<Effect> {
    let beam = command
        .args
        .get("beam")
        .and_then(|b| b.as_str())
        .and_then(|word| word.parse().ok());
    match (command.name.as_str(), beam, end) {
        ("image.settings", Some(beam), Ok(value)) => vec![Effect::Remember {
            key: kept(beam),
            value: value.clone(),
        }],
        _ => Vec::new(),
    }
}

/// The quick pictures a console takes by itself, so that there is something to see.
pub fn first_look() -> Command {
    let quick = Command::new("image.acquire").with("beam", "both");
    quick
        .with("resolution", "768x512")
        .with("dwell_time", 0.5e-6)
        .with("save", false)
}

/// Whether a console that was just started takes [`first_look`]: on the twin alone, where nobody has taken one and nobody is at
/// work. An instrument is only read until its operator asks for more. `None` until the beams have been read.
pub fn looks_first(cx: &Cx) -> Option<bool> {
    let snapshot = cx.snapshot;
    let mut beams = Beam::ALL.into_iter().map(|beam| snapshot.beam(beam));
    let up = beams.try_fold(true, |up, beam| Some(up && beam?.value.on))?;
    let simulated = snapshot.connection.as_ref().is_some_and(|c| c.capabilities.simulated);
    let others = snapshot.control.as_deref().is_some_and(|holder| holder != cx.me);
    let untouched = snapshot.frames.is_empty() && snapshot.jobs.is_empty() && !others;
    Some(cx.options.first_look && simulated && up && untouched)
}

/// The commands that bring the settings of the last time back, for the start of the console. A reduced area is not among them:
/// it belonged to a picture that is gone.
pub fn remembered(remembered: &Remembered) -> Vec<Command> {
    let command = |beam: Beam| {
        let settings: ImageSettings = serde_json::from_value(remembered.get(&kept(beam))?.clone()).ok()?;
        let given = serde_json::to_value(settings).ok()?;
        let mut command = Command::new("image.settings").with("beam", beam.word());
        let names = [
            "hfw",
            "resolution",
            "dwell_time",
            "frame_integration",
            "line_integration",
            "scan_interlacing",
            "drift_correction",
            "autocontrast",
            "save",
            "path",
            "filename",
        ];
        for name in names {
            if let Some(value) = given.get(name).filter(|value| !value.is_null()) {
                command = command.with(name, value.clone());
            }
        }
        Some(command)
    };
    Beam::ALL.into_iter().filter_map(command).collect()
}
