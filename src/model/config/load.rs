//! Instrument files read and written.
//!
//! Keys of every maker's openFIBSEM file load unchanged; what is missing has openFIBSEM's default. Values no instrument
//! can have are refused with file and line.

use super::instrument::Instrument;
use super::layers::{Layered, Layers};
use crate::yaml::{self, Document, Node, YamlError};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Keys openFIBSEM's files may have that mean nothing to an instrument here: read without a word.
const SILENT: &[(&str, &[&str])] = &[
    ("", &["fm", "protocol"]),
    (
        "info",
        &[
            "model",
            "serial_number",
            "hardware_version",
            "software_version",
            "fibsem_version",
            "application",
            "fibsem_revision",
        ],
    ),
    ("electron", SILENT_BEAM),
    ("ion", SILENT_BEAM),
];
const SILENT_BEAM: &[&str] = &[
    "beam_type",
    "working_distance",
    "beam_current",
    "stigmation",
    "shift",
    "scan_rotation",
    "preset",
    "brightness",
    "contrast",
    "detector_brightness",
    "detector_contrast",
];

/// Ranges outside which no instrument works, inclusive; a `*` stands for both beams and `imaging`, `+` for both beams.
const RANGES: &[(&str, f64, f64, &str)] = &[
    ("*.hfw", 1e-9, 0.1, "m"),
    ("*.dwell_time", 1e-9, 1.0, "s"),
    ("+.voltage", 1.0, 1e6, "V"),
    ("+.current", 0.0, 1e-3, "A"),
    ("+.eucentric_height", 1e-6, 0.2, "m"),
    ("+.column_tilt", -90.0, 90.0, "deg"),
    ("imaging.imaging_current", 0.0, 1e-3, "A"),
    ("stage.rotation_reference", -360.0, 360.0, "deg"),
    ("stage.rotation_180", -360.0, 540.0, "deg"),
    ("stage.shuttle_pre_tilt", -90.0, 90.0, "deg"),
    ("stage.manipulator_height_limit", -0.1, 0.1, "m"),
    ("stage.milling_angle", 0.0, 90.0, "deg"),
    ("info.port", 1.0, 65535.0, ""),
];
/// Widest and highest scan, pixels.
const MOST_PIXELS: f64 = 65_536.0;
const SCENES: [&str; 4] = ["grid", "waffle", "bulk", "liftout"];

impl Instrument {
    /// Read an instrument file.
    pub fn load(path: &Path) -> Result<Layered<Instrument>, YamlError> {
        Instrument::from_document(Document::load(path)?, &[])
    }

    /// Read the text of an instrument file; `origin` stands for the file's name in errors.
    pub fn parse(text: &str, origin: &str) -> Result<Layered<Instrument>, YamlError> {
        Instrument::from_document(Document::parse(text, origin)?, &[])
    }

    /// An instrument from a parsed file, with values of this session on top (`("info.ip_address", json!("10.0.0.7"))`).
    pub fn from_document(mut document: Document, session: &[(&str, Value)]) -> Result<Layered<Instrument>, YamlError> {
        let mut disagreements = Vec::new();
        for beam in ["electron", "ion"] {
            if let Some(beam) = section_mut(&mut document.root, beam) {
                disagreements.extend(detector_keys(beam));
            }
        }
        let mut layers = Layers::over_value(&defaults()?);
        let foreign = foreign(&document.root, &layers.tree);
        for (section, keys) in SILENT {
            let node = if section.is_empty() {
                Some(&mut document.root)
            } else {
                section_mut(&mut document.root, section)
            };
            if let Some(entries) = node.filter(|n| !n.is_null()).and_then(Node::entries_mut) {
                entries.retain(|(key, _)| !keys.contains(&key.word()));
            }
        }
        let names_driver = document.root.get("driver").is_some_and(|d| !d.is_null());

        layers.add(document)?;
        for (place, text) in disagreements {
            layers.problem(place, text);
        }
        for (key, value) in session {
            layers.session(key, value)?;
        }
        check(&layers.tree)?;
        let manufacturer = layers
            .tree
            .find("info.manufacturer")
            .map(Node::word)
            .unwrap_or_default()
            .to_owned();
        if !names_driver && !session.iter().any(|(key, _)| *key == "driver") {
            let driver = if normal_manufacturer(&manufacturer) == "Demo" {
                "sim"
            } else {
                "fibsem"
            };
            layers
                .tree
                .set("driver", Node::from_value(&json!(driver), &"default".into()));
        }
        let mut layered: Layered<Instrument> = layers.finish()?;
        let instrument = &mut layered.value;
        instrument.foreign = foreign;
        instrument.info.manufacturer = normal_manufacturer(&manufacturer);
        for beam in [&mut instrument.electron, &mut instrument.ion] {
            beam.plasma_gas = beam.plasma_gas.take().filter(|gas| gas != "None");
        }
        Ok(layered)
    }

    /// The file, as openFIBSEM and this program read it back. Detectors stand in both of openFIBSEM's spellings: it writes
    /// one and reads the other.
    pub fn to_yaml(&self) -> Result<String, YamlError> {
        let mut value = serde_json::to_value(self).map_err(|e| YamlError::file("instrument", e))?;
        for beam in ["electron", "ion"] {
            for (long, short) in DETECTOR_KEYS {
                value[beam][short] = value[beam][long].clone();
            }
        }
        if let Value::Object(sections) = &mut value {
            put_back(sections, &self.foreign);
        }
        yaml::write(&value)
    }
}

/// The entries of `node` that the schema does not know, within sections too; a section that is empty in the schema takes any key.
fn foreign(node: &Node, schema: &Node) -> Map<String, Value> {
    let unknown = node.entries().iter().filter_map(|(key, value)| {
        let value = match schema.get(key.word()) {
            None => value.value(),
            Some(section) if section.entries().is_empty() => return None,
            Some(section) => match foreign(value, section) {
                none if none.is_empty() => return None,
                some => Value::Object(some),
            },
        };
        Some((key.word().to_owned(), value))
    });
    unknown.collect()
}

/// Add what [`foreign`] took out.
fn put_back(sections: &mut Map<String, Value>, foreign: &Map<String, Value>) {
    for (key, value) in foreign {
        match (sections.get_mut(key), value) {
            (None, value) => drop(sections.insert(key.clone(), value.clone())),
            (Some(Value::Object(section)), Value::Object(more)) => put_back(section, more),
            // Known by now: the value in force stays.
            (Some(_), _) => {}
        }
    }
}

/// `Thermo`, `thermo fisher scientific` and the like -> `ThermoFisher`; names nobody knows are kept.
pub fn normal_manufacturer(name: &str) -> String {
    let plain: String = name.to_lowercase().split_whitespace().collect();
    match plain.as_str() {
        "thermo" | "thermofisher" | "thermofisherscientific" => "ThermoFisher",
        "tescan" => "Tescan",
        "demo" => "Demo",
        "odemis" => "Odemis",
        "zeiss" => "Zeiss",
        _ => name.trim(),
    }
    .to_owned()
}

fn defaults() -> Result<Value, YamlError> {
    serde_json::to_value(Instrument::default()).map_err(|e| YamlError::file("default", e))
}

fn section_mut<'a>(root: &'a mut Node, name: &str) -> Option<&'a mut Node> {
    if root.is_null() {
        return None;
    }
    root.entries_mut()?
        .iter_mut()
        .find(|(key, _)| key.word() == name)
        .map(|(_, value)| value)
}

const DETECTOR_KEYS: [(&str, &str); 2] = [("detector_type", "type"), ("detector_mode", "mode")];

/// Both spellings of the detector's keys become the long one; where both stand and differ, the long one counts.
fn detector_keys(beam: &mut Node) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    for (long, short) in DETECTOR_KEYS {
        let Some((place, value)) = beam.get(short).map(|node| (node.place(), node.clone())) else {
            continue;
        };
        match beam.get(long) {
            None => beam.set(long, value),
            Some(other) if other.value() != value.value() => {
                problems.push((place, format!("`{short}` differs from `{long}`; the latter counts")));
            }
            Some(_) => {}
        }
        if let Some(entries) = beam.entries_mut() {
            entries.retain(|(key, _)| key.word() != short);
        }
    }
    problems
}

fn check(tree: &Node) -> Result<(), YamlError> {
    for (path, low, high, unit) in RANGES {
        let (sections, key): (&[&str], &str) = match path.split_once('.') {
            Some(("*", key)) => (&["electron", "ion", "imaging"], key),
            Some(("+", key)) => (&["electron", "ion"], key),
            Some(("info", key)) => (&["info"], key),
            Some(("imaging", key)) => (&["imaging"], key),
            Some((_, key)) => (&["stage"], key),
            None => continue,
        };
        for section in sections {
            in_range(tree.get(section).and_then(|s| s.get(key)), *low, *high, unit)?;
        }
    }
    for section in ["electron", "ion", "imaging"] {
        let resolution = tree.get(section).and_then(|s| s.get("resolution"));
        if let Some(Node {
            kind: yaml::Kind::List(sides),
            ..
        }) = resolution
        {
            for side in sides {
                in_range(Some(side), 1.0, MOST_PIXELS, "pixels")?;
            }
        }
    }
    for (axis, range) in tree.get("limits").map(Node::entries).unwrap_or_default() {
        if let yaml::Kind::List(ends) = &range.kind
            && let [Some(low), Some(high)] = ends.iter().map(Node::number).collect::<Vec<_>>()[..]
            && low >= high
        {
            return Err(YamlError::at(
                range,
                format!("the range of {} is empty: write [lowest, highest]", axis.word()),
            ));
        }
    }
    in_range(tree.find("twin.errors.charging"), 0.0, 1.0, "")?;
    if let Some(scene) = tree.find("twin.scene")
        && !SCENES.contains(&scene.word())
    {
        let what = format!(
            "`{}` is no scene: say one of {}",
            crate::text::printable(scene.word()),
            SCENES.join(", ")
        );
        return Err(YamlError::at(scene, what));
    }
    Ok(())
}

/// Refuses a number outside the range; what is no number is left to the types.
fn in_range(node: Option<&Node>, low: f64, high: f64, unit: &str) -> Result<(), YamlError> {
    match node.and_then(|node| Some((node, node.number()?))) {
        Some((node, x)) if !(low..=high).contains(&x) => {
            let what = format!(
                "{} {unit} is impossible here: between {low} and {high} {unit}, in SI units",
                node.word()
            );
            Err(YamlError::at(node, what.replace("  ", " ").replace(" ,", ",")))
        }
        _ => Ok(()),
    }
}
