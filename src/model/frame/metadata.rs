//! openFIBSEM's image metadata, version v8: the JSON of the TIFF's ImageDescription.
//!
//! Written as openFIBSEM writes it. Read leniently: what cannot be understood becomes absent with a warning, never a
//! guess; only the settings of the picture itself are indispensable.

use crate::config::Instrument;
use crate::{Beam, ImageSettings, MicroscopeState, Point, StageKind, StagePosition};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

/// The metadata of one picture. Key order is the file's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    pub image: ImageSettings,
    #[serde(default = "v0")]
    pub version: String,
    /// m per pixel.
    pub pixel_size: Point,
    pub microscope_state: MicroscopeState,
    #[serde(default)]
    pub user: User,
    #[serde(default)]
    pub experiment: ExperimentRef,
    /// The instrument: openFIBSEM's `info` section, kept as read.
    #[serde(default)]
    pub system_info: Map<String, Value>,
    /// FibsemHardwareGeometry (degrees), kept as read.
    #[serde(default)]
    pub hardware_geometry: Map<String, Value>,
}

fn v0() -> String {
    "v0".to_owned()
}

/// Who took the picture. Unset is empty here; e-mail and organisation then are the string `null` in the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    #[serde(deserialize_with = "read_unset")]
    pub name: String,
    #[serde(deserialize_with = "read_unset", serialize_with = "write_unset")]
    pub email: String,
    #[serde(deserialize_with = "read_unset", serialize_with = "write_unset")]
    pub organization: String,
    #[serde(deserialize_with = "read_unset")]
    pub hostname: String,
}

fn read_unset<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(d)?
        .filter(|s| s != "null")
        .unwrap_or_default())
}

fn write_unset<S: Serializer>(text: &str, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(if text.is_empty() { "null" } else { text })
}

/// The experiment, item and task a picture belongs to; all optional. `project` is our addition, ignored by openFIBSEM.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExperimentRef {
    pub id: Option<String>,
    pub name: Option<String>,
    pub date: Option<Value>,
    pub item_id: Option<String>,
    pub item_name: Option<String>,
    pub task_id: Option<String>,
    pub task_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

impl Metadata {
    /// The version this writes.
    pub const VERSION: &'static str = "v8";

    /// Metadata of a picture taken with `image` while the instrument was in `state`. Of the beams only the imaged one is
    /// kept, as openFIBSEM does. The pixel size is that of the full frame, also under a reduced area.
    pub fn new(image: ImageSettings, mut state: MicroscopeState) -> Metadata {
        match image.beam_type {
            Beam::Electron => (state.ion_beam, state.ion_detector) = (None, None),
            Beam::Ion => (state.electron_beam, state.electron_detector) = (None, None),
        }
        let pixel = image.pixel_size();
        Metadata {
            image,
            version: Self::VERSION.to_owned(),
            pixel_size: Point { x: pixel, y: pixel },
            microscope_state: state,
            user: User::default(),
            experiment: ExperimentRef::default(),
            system_info: Map::new(),
            hardware_geometry: Map::new(),
        }
    }

    pub fn with_user(mut self, user: User) -> Metadata {
        self.user = user;
        self
    }

    pub fn with_experiment(mut self, experiment: ExperimentRef) -> Metadata {
        self.experiment = experiment;
        self
    }

    /// Which instrument, and its geometry. The driver may add `model`, `serial_number`, `hardware_version` and
    /// `software_version` to `system_info` afterwards.
    pub fn with_instrument(mut self, instrument: &Instrument) -> Metadata {
        let info = &instrument.info;
        self.system_info = object(json!({
            "name": info.name,
            "ip_address": info.ip_address,
            "manufacturer": info.manufacturer,
            "model": "Unknown",
            "serial_number": "Unknown",
            "hardware_version": "Unknown",
            "software_version": "Unknown",
            "fibsem_version": "Unknown",
            "application": concat!("fibdeck ", env!("CARGO_PKG_VERSION")),
            "fibsem_revision": "Unknown",
        }));
        self.hardware_geometry = object(json!({
            "column_tilt": instrument.electron.column_tilt,
            "fib_column_tilt": instrument.ion.column_tilt,
            "shuttle_pre_tilt": instrument.stage.shuttle_pre_tilt,
            "rotation_reference": instrument.stage.rotation_reference,
            "rotation_180": instrument.stage.rotation_180,
            "is_compustage": instrument.geometry().stage == StageKind::Compustage,
            "camera_tilt": 0.0,
            "transform": null,
        }));
        self
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The ImageDescription of a picture of `size` (w, h): one line of ASCII JSON, `shape` first.
pub(super) fn description(metadata: &Metadata, size: (usize, usize)) -> String {
    #[derive(Serialize)]
    struct Description<'a> {
        shape: [usize; 2],
        #[serde(flatten)]
        metadata: &'a Metadata,
    }
    let mut text = Vec::with_capacity(4096);
    let description = Description {
        shape: [size.1, size.0],
        metadata,
    };
    // Writing plain data to memory cannot fail; if it ever did, a picture without metadata beats none.
    match description.serialize(&mut serde_json::Serializer::with_formatter(&mut text, Ascii)) {
        Ok(()) => String::from_utf8(text).unwrap_or_default(),
        Err(_) => String::new(),
    }
}

/// JSON with everything beyond ASCII as `\u` escapes: TIFF's text is ASCII.
struct Ascii;

impl serde_json::ser::Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> std::io::Result<()> {
        let mut plain = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| !c.is_ascii()) {
            out.write_all(&fragment.as_bytes()[plain..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            plain = at + c.len_utf8();
        }
        out.write_all(&fragment.as_bytes()[plain..])
    }
}

/// The metadata in an ImageDescription, and what was wrong with it. Text that is not openFIBSEM's gives neither.
pub(super) fn parse(description: &str) -> (Option<Metadata>, Vec<String>) {
    let text = description.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let annotation;
    let text = if text.starts_with('<') {
        match ome_annotation(text) {
            Some(json) => {
                annotation = json;
                annotation.as_str()
            }
            None => return (None, Vec::new()),
        }
    } else {
        text
    };
    if !text.starts_with('{') {
        return (None, Vec::new());
    }
    let value = serde_json::from_str::<Value>(text).or_else(|_| serde_json::from_str(&without_nan(text)));
    match value {
        Ok(Value::Object(map)) if map.contains_key("image") => understand(map),
        // tifffile writes {"shape": ..} into files that have no metadata.
        Ok(_) => (None, Vec::new()),
        Err(e) => (
            None,
            vec![format!("the metadata is broken ({e}); the picture is shown without it")],
        ),
    }
}

/// Every part that can be read; a part that cannot is left out and named.
fn understand(mut map: Map<String, Value>) -> (Option<Metadata>, Vec<String>) {
    let mut warnings = Vec::new();
    let image = match ImageSettings::deserialize(&map["image"]) {
        Ok(image) if image.hfw > 0.0 && image.resolution.0 > 0 && image.resolution.1 > 0 => image,
        Ok(_) => {
            return (
                None,
                vec!["the metadata has no usable field width; the picture has no scale".to_owned()],
            );
        }
        Err(e) => {
            return (
                None,
                vec![format!(
                    "the metadata lacks the picture's settings ({e}); it has no scale"
                )],
            );
        }
    };
    let pixel_size = map
        .get("pixel_size")
        .and_then(|v| Point::deserialize(v).ok())
        .unwrap_or_else(|| {
            warnings.push("the metadata has no pixel size; it is taken from field width and resolution".to_owned());
            Point {
                x: image.pixel_size(),
                y: image.pixel_size(),
            }
        });
    let microscope_state = understand_state(map.remove("microscope_state"), &mut warnings);
    let mut part = |key: &str| map.remove(key).filter(|v| !v.is_null());
    let user = optional(part("user"), "user", &mut warnings);
    let experiment = optional(part("experiment"), "experiment", &mut warnings);
    let version = part("version")
        .and_then(|v| v.as_str().map(str::to_owned))
        .unwrap_or_else(v0);
    let mut system_info = part("system_info").map(object).unwrap_or_default();
    let mut hardware_geometry = part("hardware_geometry").map(object).unwrap_or_default();
    if let Some(Value::Object(system)) = part("system") {
        if system_info.is_empty() {
            system_info = system.get("info").cloned().map(object).unwrap_or_default();
        }
        if hardware_geometry.is_empty() {
            hardware_geometry = legacy_geometry(&system);
        }
    }
    let metadata = Metadata {
        image,
        version,
        pixel_size,
        microscope_state,
        user,
        experiment,
        system_info,
        hardware_geometry,
    };
    (Some(metadata), warnings)
}

fn optional<T: Default + for<'de> Deserialize<'de>>(value: Option<Value>, key: &str, warnings: &mut Vec<String>) -> T {
    match value.map(T::deserialize) {
        None => T::default(),
        Some(Ok(part)) => part,
        Some(Err(e)) => {
            warnings.push(format!("`{key}` of the metadata cannot be read ({e})"));
            T::default()
        }
    }
}

fn understand_state(value: Option<Value>, warnings: &mut Vec<String>) -> MicroscopeState {
    let mut map = value.map(object).unwrap_or_default();
    let mut part = |key: &str| map.remove(key).filter(|v| !v.is_null());
    let timestamp = part("timestamp")
        .and_then(|v| crate::state::timestamp(&v))
        .unwrap_or(0.0);
    let objective_position = part("objective_position").and_then(|v| v.as_f64());
    MicroscopeState {
        timestamp,
        stage_position: optional::<StagePosition>(part("stage_position"), "stage_position", warnings),
        electron_beam: optional(part("electron_beam"), "electron_beam", warnings),
        ion_beam: optional(part("ion_beam"), "ion_beam", warnings),
        electron_detector: optional(part("electron_detector"), "electron_detector", warnings),
        ion_detector: optional(part("ion_detector"), "ion_detector", warnings),
        objective_position,
    }
}

/// The geometry in a file from before v6, which carried the whole system configuration.
fn legacy_geometry(system: &Map<String, Value>) -> Map<String, Value> {
    let get = |section: &str, key: &str| {
        system
            .get(section)
            .and_then(|s| s.get(key))
            .filter(|v| !v.is_null())
            .cloned()
    };
    let arctis = get("info", "model").is_some_and(|m| m.as_str().is_some_and(|m| m.contains("Arctis")));
    let compustage = arctis || get("sim", "is_compustage").and_then(|v| v.as_bool()).unwrap_or(false);
    object(json!({
        "column_tilt": get("electron", "column_tilt").unwrap_or(json!(0)),
        "fib_column_tilt": get("ion", "column_tilt").unwrap_or(json!(52)),
        "shuttle_pre_tilt": get("stage", "shuttle_pre_tilt").unwrap_or(json!(0)),
        "rotation_reference": get("stage", "rotation_reference").unwrap_or(json!(0)),
        "rotation_180": get("stage", "rotation_180").unwrap_or(json!(180)),
        "is_compustage": compustage,
    }))
}

/// The text of `<M K="fibsemOS">` in an OME-XML description, unescaped.
fn ome_annotation(xml: &str) -> Option<String> {
    let start = xml.find("K=\"fibsemOS\"")?;
    let body = &xml[start..];
    let body = &body[body.find('>')? + 1..];
    let mut body = &body[..body.find("</")?];
    let mut text = String::with_capacity(body.len());
    while let Some(at) = body.find('&') {
        text.push_str(&body[..at]);
        let end = at + body[at..].find(';')?;
        let entity = &body[at + 1..end];
        text.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let code = match entity.strip_prefix("#x") {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => entity.strip_prefix('#')?.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        body = &body[end + 1..];
    }
    text.push_str(body);
    Some(text)
}

/// Python writes NaN and Infinity into JSON; outside strings they become null.
fn without_nan(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if !in_string && let Some(word) = ["NaN", "-Infinity", "Infinity"].iter().find(|w| rest.starts_with(**w)) {
            out.push_str("null");
            rest = &rest[word.len()..];
            continue;
        }
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = in_string,
            '"' => in_string = !in_string,
            _ => {}
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}
