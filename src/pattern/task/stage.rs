//! One stage: a pattern, the beam it is milled with, and how.

use super::alignment::Alignment;
use super::milling;
use super::strategy::Strategy;
use crate::Pattern;
use crate::read::{Note, ReadError, Reader};
use model::{ImageSettings, MillingSettings};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

/// openFIBSEM's milling stage. A task overrides field of view, channel, alignment and pictures when it runs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct MillingStage {
    pub name: String,
    /// The original's number in its list; carried.
    pub num: u32,
    pub enabled: bool,
    pub milling: MillingSettings,
    pub pattern: Pattern,
    pub strategy: Strategy,
    pub alignment: Alignment,
    /// Of pictures after it.
    pub imaging: ImageSettings,
}

impl Default for MillingStage {
    fn default() -> Self {
        MillingStage {
            name: "Milling Stage".to_owned(),
            num: 0,
            enabled: true,
            milling: MillingSettings::default(),
            pattern: Pattern::default(),
            strategy: Strategy::default(),
            alignment: Alignment::default(),
            imaging: ImageSettings::default(),
        }
    }
}

/// A `milling` block by itself, as a configuration names the beam of new stages.
pub fn milling_settings(value: &Value) -> Result<(MillingSettings, Vec<Note>), ReadError> {
    let mut reader = Reader::default();
    let settings = read_milling(&mut reader, value)?;
    Ok((settings, reader.notes))
}

fn read_milling(reader: &mut Reader, value: &Value) -> Result<MillingSettings, ReadError> {
    let map = reader.map(value)?;
    reader.record(map, &milling::read_by(), &[])
}

impl MillingStage {
    /// A stage as openFIBSEM writes it, in the long or the short form, with a note for everything odd.
    pub fn read(value: &Value) -> Result<(MillingStage, Vec<Note>), ReadError> {
        let mut reader = Reader::default();
        let stage = MillingStage::read_with(&mut reader, value)?;
        Ok((stage, reader.notes))
    }

    pub(crate) fn read_with(reader: &mut Reader, value: &Value) -> Result<MillingStage, ReadError> {
        #[derive(Serialize, Deserialize)]
        struct Head {
            num: u32,
            enabled: bool,
        }
        impl Default for Head {
            fn default() -> Self {
                Head { num: 0, enabled: true }
            }
        }
        const ASIDE: &[&str] = &["name", "milling", "pattern", "strategy", "alignment", "imaging"];
        let map = reader.map(value)?;
        let name = reader.text(map, "name")?.to_owned();
        let need = |missing| {
            map.get(missing).ok_or_else(|| ReadError::Missing {
                key: reader.key(),
                missing,
            })
        };
        let (settings, pattern) = (need("milling")?, need("pattern")?);
        let Head { num, enabled } = reader.record(map, &[], ASIDE)?;
        let beam = reader.within("milling", |r| read_milling(r, settings))?;
        let imaging = reader.within("imaging", |r| match map.get("imaging").filter(|v| !v.is_null()) {
            None => Ok(ImageSettings::default()),
            Some(imaging) => {
                let map = r.map(imaging)?;
                r.record(map, &[], &[])
            }
        })?;
        Ok(MillingStage {
            name,
            num,
            enabled,
            milling: beam,
            pattern: reader.within("pattern", |r| Pattern::read_with(r, pattern))?,
            strategy: reader.within("strategy", |r| Strategy::read_with(r, map.get("strategy")))?,
            alignment: reader.within("alignment", |r| Alignment::read_with(r, map.get("alignment")))?,
            imaging,
        })
    }

    /// Everything: a stage by itself, and the rows of milling.csv.
    pub fn long(&self) -> Value {
        json!({
            "name": self.name,
            "num": self.num,
            "enabled": self.enabled,
            "milling": self.milling,
            "pattern": self.pattern,
            "strategy": self.strategy,
            "alignment": self.alignment,
            "imaging": self.imaging,
        })
    }

    /// Without what the task says: a stage inside a task.
    pub fn short(&self) -> Value {
        let mut value = self.long();
        if let Some(map) = value.as_object_mut() {
            map.retain(|key, _| !matches!(key.as_str(), "num" | "alignment" | "imaging"));
        }
        if let Some(milling) = value["milling"].as_object_mut() {
            milling.retain(|key, _| key != "acquire_images");
        }
        value
    }

    /// Equal beam and equal strategy: the patterns of both can be milled in one pass.
    pub fn is_compatible_with(&self, other: &MillingStage) -> bool {
        self.milling == other.milling && self.strategy == other.strategy
    }

    /// Why it cannot be run as it is; its shapes are looked at with the field (see [`crate::check`]).
    pub(crate) fn check(&self) -> Result<(), String> {
        let beam = &self.milling;
        for (what, value) in [("current", beam.milling_current), ("voltage", beam.milling_voltage)] {
            if !value.is_finite() || value <= 0.0 {
                return Err(format!("a milling {what} of {value} mills nothing: set it"));
            }
        }
        self.strategy.check(&self.pattern)
    }
}

/// In the long form.
impl Serialize for MillingStage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.long().serialize(serializer)
    }
}

impl TryFrom<Value> for MillingStage {
    type Error = ReadError;

    fn try_from(value: Value) -> Result<MillingStage, ReadError> {
        MillingStage::read(&value).map(|(stage, _)| stage)
    }
}
