//! Older files: stages by themselves, flat stages, and trenches described by their lamella.

use super::{MillingStage, MillingTask, NamedTasks};
use crate::figure::{self, PatternRow};
use crate::read::{ReadError, Reader};
use serde_json::{Map, Value};

/// The pattern an entry of an old protocol means, by its key, where it does not say so.
const PATTERN_OF_KEY: &[(&str, &str)] = &[
    ("cut", "Rectangle"),
    ("fiducial", "Fiducial"),
    ("flatten", "Rectangle"),
    ("undercut", "Undercut"),
    ("horseshoe", "Horseshoe"),
    ("lamella", "Trench"),
    ("polish_lamella", "Trench"),
    ("thin_lamella", "Trench"),
    ("sever", "Rectangle"),
    ("sharpen", "Rectangle"),
    ("needle", "Rectangle"),
    ("copper_release", "Horseshoe"),
    ("serial_trench", "Horseshoe"),
    ("serial_undercut", "Rectangle"),
    ("serial_sever", "Rectangle"),
    ("lamella_sever", "Rectangle"),
    ("lamella_polish", "Trench"),
    ("trench", "Trench"),
    ("notch", "WaffleNotch"),
    ("microexpansion", "MicroExpansion"),
    ("clover", "Clover"),
    ("autolamella", "Trench"),
    ("MillUndercut", "Rectangle"),
    ("rectangle", "Rectangle"),
    ("MillRough", "Trench"),
    ("MillRegularCut", "Trench"),
    ("MillPolishing", "Trench"),
    ("mill_rough", "Trench"),
    ("mill_polishing", "Trench"),
];

/// Keys of a flat stage that belong to the beam.
const MILLING_KEYS: &[&str] = &[
    "dwell_time",
    "hfw",
    "milling_current",
    "milling_voltage",
    "patterning_mode",
    "preset",
    "rate",
    "spacing",
    "spot_size",
    "application_file",
    "milling_channel",
];

/// The pattern an old protocol means by this key.
pub fn legacy_pattern(key: &str) -> Option<&'static PatternRow> {
    let (_, name) = PATTERN_OF_KEY.iter().find(|(k, _)| *k == key)?;
    figure::row(name)
}

/// A flat stage of an old protocol, under the key it stood at, as a stage of today: the keys of the beam, the strategy, and the
/// pattern, at `point` where one is given.
pub fn legacy_stage(flat: &Map<String, Value>, key: &str, point: Option<&Value>) -> Result<Value, ReadError> {
    let mut reader = Reader::default();
    stage(&mut reader, flat, key, point)
}

fn stage(reader: &mut Reader, flat: &Map<String, Value>, key: &str, point: Option<&Value>) -> Result<Value, ReadError> {
    let missing = ReadError::Missing {
        key: reader.key(),
        missing: "type",
    };
    let kind = match flat.get("type").and_then(Value::as_str) {
        Some(kind) => kind,
        None => legacy_pattern(key).map(|row| row.name).ok_or(missing)?,
    };
    let is_beam = |key: &str| MILLING_KEYS.contains(&key);
    let pick = |keep: &dyn Fn(&str) -> bool| -> Map<String, Value> {
        flat.iter()
            .filter(|(k, _)| keep(k))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    };
    let mut pattern = pick(&|k| !is_beam(k) && !matches!(k, "strategy" | "name" | "type"));
    if matches!(kind, "Trench" | "Horseshoe") {
        trench(reader, &mut pattern)?;
    }
    pattern.insert("name".to_owned(), Value::from(kind));
    if let Some(point) = point {
        pattern.insert("point".to_owned(), point.clone());
    }
    let strategy = flat
        .get("strategy")
        .cloned()
        .unwrap_or_else(|| Value::Object(Map::new()));
    let mut new = Map::new();
    new.insert(
        "name".to_owned(),
        flat.get("name").cloned().unwrap_or_else(|| Value::from(key)),
    );
    new.insert("milling".to_owned(), Value::Object(pick(&is_beam)));
    new.insert("strategy".to_owned(), strategy);
    new.insert("pattern".to_owned(), Value::Object(pattern));
    Ok(Value::Object(new))
}

/// A trench was once described by its lamella: spacing = lamella + 2 offsets, the larger trench has the height given and the
/// other `size_ratio` of it.
fn trench(reader: &Reader, pattern: &mut Map<String, Value>) -> Result<(), ReadError> {
    if !["lamella_width", "lamella_height", "trench_height"]
        .iter()
        .any(|key| pattern.contains_key(*key))
    {
        return Ok(());
    }
    let mut take = |key: &'static str, default: Option<f64>| match pattern.shift_remove(key) {
        None => default.ok_or(ReadError::Missing {
            key: reader.key(),
            missing: key,
        }),
        Some(value) => value
            .as_f64()
            .or_else(|| model::units::parse(value.as_str()?, model::Unit::None).ok())
            .ok_or_else(|| reader.refuse(format!("{key}: `{value}` is no number"))),
    };
    let width = take("lamella_width", None)?;
    let spacing = take("lamella_height", None)? + 2.0 * take("offset", Some(0.0))?;
    let (height, ratio) = (take("trench_height", None)?, take("size_ratio", Some(1.0))?);
    for (key, value) in [
        ("width", width),
        ("spacing", spacing),
        ("upper_trench_height", height / ratio.max(1.0)),
        ("lower_trench_height", height * ratio.min(1.0)),
    ] {
        pattern.insert(key.to_owned(), Value::from(value));
    }
    Ok(())
}

/// A list of stages in any form.
pub(super) fn stages(reader: &mut Reader, list: &[Value]) -> Result<Vec<MillingStage>, ReadError> {
    list.iter()
        .enumerate()
        .map(|(n, value)| reader.within(n, |r| any_stage(r, value, "", None)))
        .collect()
}

fn any_stage(reader: &mut Reader, value: &Value, key: &str, point: Option<&Value>) -> Result<MillingStage, ReadError> {
    let map = reader.map(value)?;
    if map.contains_key("pattern") {
        return MillingStage::read_with(reader, value);
    }
    let new = stage(reader, map, key, point)?;
    MillingStage::read_with(reader, &new)
}

/// A task of a list of stages.
pub(super) fn task(reader: &mut Reader, list: &[Value], name: &str) -> Result<MillingTask, ReadError> {
    Ok(MillingTask::from_stages(name, stages(reader, list)?))
}

/// See [`MillingTask::read_all`].
pub(super) fn tasks(reader: &mut Reader, value: &Value) -> Result<NamedTasks, ReadError> {
    let alone = |task: MillingTask| vec![(task.name.clone(), task)];
    let map = match value {
        Value::Array(list) => return task(reader, list, super::NAME).map(alone),
        value => reader.map(value)?,
    };
    if let Some(milling) = map.get("milling").filter(|_| !map.contains_key("pattern")) {
        return reader.within("milling", |r| {
            let mut found = Vec::new();
            for (key, entry) in r.map(milling)? {
                found.push((key.clone(), r.within(key, |r| entry_of(r, key, entry))?));
            }
            Ok(found)
        });
    }
    if let Some(parts) = map.get("tasks") {
        return reader.within("tasks", |r| {
            let mut found = Vec::new();
            for (name, part) in r.map(parts)? {
                let inside = r.within(name, |r| {
                    if part.get("milling").is_some() {
                        tasks(r, part)
                    } else {
                        Ok(Vec::new())
                    }
                })?;
                found.extend(inside.into_iter().map(|(key, task)| (format!("{name}/{key}"), task)));
            }
            Ok(found)
        });
    }
    if map.contains_key("pattern") {
        return any_stage(reader, value, "", None)
            .map(|stage| alone(MillingTask::from_stages(&stage.name.clone(), vec![stage])));
    }
    MillingTask::read_with(reader, value).map(alone)
}

/// What stands under one key of a `milling` mapping: a task, a list of stages, `{stages: [flat], point}`, or one flat stage.
fn entry_of(reader: &mut Reader, key: &str, entry: &Value) -> Result<MillingTask, ReadError> {
    let map = match entry {
        Value::Array(list) => return task(reader, list, key),
        entry => reader.map(entry)?,
    };
    let is_task = ["field_of_view", "alignment", "acquisition", "channel"]
        .iter()
        .any(|k| map.contains_key(*k));
    let point = map.get("point");
    match map.get("stages") {
        Some(Value::Array(list)) if !is_task => {
            let stages: Result<Vec<_>, _> = list
                .iter()
                .enumerate()
                .map(|(n, s)| reader.within(n, |r| any_stage(r, s, key, point)))
                .collect();
            Ok(MillingTask::from_stages(key, stages?))
        }
        None if !is_task => Ok(MillingTask::from_stages(
            key,
            vec![any_stage(reader, entry, key, point)?],
        )),
        _ => MillingTask::read_with(reader, entry),
    }
}
