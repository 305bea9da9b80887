//! The few values a new instrument needs: one table for the command line's questions and the console's form.

use super::instrument::Instrument;
use super::load::normal_manufacturer;
use super::paths::{Paths, shipped};
use crate::file::{self, Durability, SaveError};
use crate::frame::safe_name;
use crate::yaml::YamlError;
use crate::{Unit, units};
use std::path::PathBuf;

/// One field of the form.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The word of the command line.
    pub key: &'static str,
    /// What the form shows.
    pub label: &'static str,
    /// The unit a number takes; `None` = the field is text.
    pub unit: Option<Unit>,
    /// As one would type it.
    pub default: &'static str,
    pub doc: &'static str,
    set: fn(&mut Instrument, Input),
}

/// What was typed, understood.
enum Input {
    Text(String),
    Number(f64),
}

impl Input {
    fn text(self) -> String {
        match self {
            Input::Text(text) => text,
            Input::Number(x) => x.to_string(),
        }
    }

    fn number(self) -> f64 {
        match self {
            Input::Text(_) => f64::NAN,
            Input::Number(x) => x,
        }
    }
}

/// What `config new` and the form in the Connection tab ask for, in this order.
pub const FORM: &[Field] = &[
    Field {
        key: "name",
        label: "Name",
        unit: None,
        default: "my-microscope",
        doc: "what you call this instrument; also the name of its file",
        set: |i, v| i.info.name = v.text(),
    },
    Field {
        key: "ip_address",
        label: "Address",
        unit: None,
        default: "192.168.0.1",
        doc: "host name or IP address of the microscope's PC",
        set: |i, v| i.info.ip_address = v.text(),
    },
    Field {
        key: "manufacturer",
        label: "Manufacturer",
        unit: None,
        default: "ThermoFisher",
        doc: "ThermoFisher, Tescan, Zeiss, Odemis, or Demo for the digital twin; it chooses the values not asked for here",
        set: |_, _| {},
    },
    Field {
        key: "rotation_reference",
        label: "Rotation reference",
        unit: Some(Unit::Degree),
        default: "0deg",
        doc: "stage rotation when the shuttle is loaded, facing the electron beam",
        set: |i, v| {
            i.stage.rotation_reference = v.number();
            i.stage.rotation_180 = (i.stage.rotation_reference + 180.0) % 360.0;
        },
    },
    Field {
        key: "shuttle_pre_tilt",
        label: "Shuttle pre-tilt",
        unit: Some(Unit::Degree),
        default: "35deg",
        doc: "tilt of the sample plane against the stage",
        set: |i, v| i.stage.shuttle_pre_tilt = v.number(),
    },
    Field {
        key: "electron_eucentric_height",
        label: "Electron eucentric height",
        unit: Some(Unit::Metre),
        default: "7mm",
        doc: "working distance of the electron beam at the coincidence point",
        set: |i, v| i.electron.eucentric_height = v.number(),
    },
    Field {
        key: "ion_eucentric_height",
        label: "Ion eucentric height",
        unit: Some(Unit::Metre),
        default: "16.5mm",
        doc: "working distance of the ion beam at the coincidence point",
        set: |i, v| i.ion.eucentric_height = v.number(),
    },
];

/// Why a form was not accepted; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    #[error("{}", unknown_field(.0))]
    Unknown(String),
    #[error("{label}: {what}")]
    Field {
        key: &'static str,
        label: &'static str,
        what: String,
    },
    #[error(transparent)]
    Instrument(#[from] YamlError),
    #[error(transparent)]
    Save(#[from] SaveError),
}

fn unknown_field(key: &str) -> String {
    crate::yaml::unknown_key(key, FORM.iter().map(|f| f.key))
}

/// An instrument from what was typed, `(key, text)`; fields left out have their default. Everything not asked for is that
/// of the maker's shipped file.
pub fn instrument(values: &[(&str, &str)]) -> Result<Instrument, FormError> {
    if let Some((key, _)) = values.iter().find(|(key, _)| FORM.iter().all(|f| f.key != *key)) {
        return Err(FormError::Unknown((*key).to_owned()));
    }
    let typed = |field: &Field| {
        values
            .iter()
            .find(|(key, _)| *key == field.key)
            .map_or(field.default, |(_, text)| text.trim())
    };
    let manufacturer = FORM
        .iter()
        .find(|f| f.key == "manufacturer")
        .map(typed)
        .unwrap_or_default();
    let manufacturer = normal_manufacturer(manufacturer);
    let template = match manufacturer.as_str() {
        "ThermoFisher" => "tfs-aquilos2",
        "Tescan" => "tescan",
        "Odemis" => "odemis",
        _ => "sim-grid",
    };
    let mut new = shipped(template)?.value;
    for field in FORM {
        let text = typed(field);
        let refuse = |what: String| FormError::Field {
            key: field.key,
            label: field.label,
            what,
        };
        let input = match field.unit {
            Some(unit) => Input::Number(units::parse(text, unit).map_err(|e| refuse(e.to_string()))?),
            None if text.is_empty() => return Err(refuse(format!("is needed: {}", field.doc))),
            None if text.chars().any(char::is_control) => {
                return Err(refuse("holds control characters: write it without".to_owned()));
            }
            None => Input::Text(text.to_owned()),
        };
        (field.set)(&mut new, input);
    }
    new.driver = if manufacturer == "Demo" { "sim" } else { "fibsem" }.to_owned();
    new.info.manufacturer = manufacturer;
    // The same checks a file passes.
    Ok(Instrument::parse(&new.to_yaml()?, "form")?.value)
}

/// Write a new instrument's file, never over an existing one; returns the file.
pub fn create(paths: &Paths, instrument: &Instrument) -> Result<PathBuf, FormError> {
    let folder = paths.instruments_dir();
    file::ensure_folder(&folder)?;
    let path = folder.join(format!("{}.yaml", safe_name(&instrument.info.name)));
    let head = format!(
        "# Instrument {}: openFIBSEM's keys (m, s, A, V, degrees), plus driver, limits and twin.\n",
        instrument.info.name
    );
    file::create_exact(&path, Durability::Synced, (head + &instrument.to_yaml()?).as_bytes())?;
    Ok(path)
}
