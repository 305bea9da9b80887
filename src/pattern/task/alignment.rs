//! Alignment before and drift correction while milling (openFIBSEM's MillingAlignment).

use crate::field::{Field, Kind};
use crate::read::{ReadError, Reader};
use model::{ImageSettings, Rect};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alignment {
    /// On in a new one, but off in a file that does not say so: as the original has it.
    pub enabled: bool,
    /// Again and again while a stage mills.
    pub interval_enabled: bool,
    /// Beam time between two corrections, s; whole, as the original's.
    pub interval: u32,
    /// The part of the picture it is aligned by.
    pub rect: Rect,
    pub use_autocontrast: bool,
    pub use_autofocus: bool,
    /// Pictures taken and corrected for.
    pub steps: u32,
    pub imaging: ImageSettings,
}

impl Default for Alignment {
    fn default() -> Self {
        Alignment {
            enabled: true,
            interval_enabled: false,
            interval: 30,
            rect: Rect {
                left: 0.7,
                top: 0.3,
                width: 0.25,
                height: 0.4,
            },
            use_autocontrast: true,
            use_autofocus: false,
            steps: 3,
            imaging: ImageSettings::default(),
        }
    }
}

/// What a form shows; `rect` is drawn and `imaging` has a form of its own.
pub const ALIGNMENT_FIELDS: &[Field] = &[
    Field::flag("enabled", "Align", "align to a reference picture before each stage"),
    Field::flag("interval_enabled", "Correct drift", "align again while a stage mills"),
    Field::new(
        "interval",
        "Interval",
        Kind::Integer { min: 1, max: 10_000 },
        "beam time between two corrections, s",
    ),
    Field::new(
        "steps",
        "Steps",
        Kind::Integer { min: 1, max: 10 },
        "how often each alignment looks and corrects",
    ),
    Field::flag(
        "use_autocontrast",
        "Contrast first",
        "set the contrast before the first look",
    )
    .advanced(),
    Field::flag("use_autofocus", "Focus first", "focus before the first look").advanced(),
];

impl Alignment {
    pub(crate) fn read_with(reader: &mut Reader, value: Option<&Value>) -> Result<Alignment, ReadError> {
        let off = || Alignment {
            enabled: false,
            ..Alignment::default()
        };
        let Some(value) = value.filter(|v| !v.is_null()) else {
            return Ok(off());
        };
        let map = reader.map(value)?;
        let mut alignment: Alignment = reader.record(map, ALIGNMENT_FIELDS, &[])?;
        if !map.contains_key("enabled") {
            if !map.is_empty() {
                reader.within("enabled", |r| {
                    r.note("not said, so alignment is off: write `enabled: true` to have it")
                });
            }
            alignment.enabled = false;
        }
        Ok(alignment)
    }

    /// Why it cannot be run as it is.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !self.enabled {
            return Ok(());
        }
        if !self.rect.is_valid() {
            return Err("the alignment area is not inside the picture: draw it anew".to_owned());
        }
        if self.steps == 0 {
            return Err("alignment has no steps: give it one, or turn it off".to_owned());
        }
        if self.interval_enabled && self.interval == 0 {
            return Err("drift is to be corrected every 0 s: give it an interval, or turn it off".to_owned());
        }
        Ok(())
    }
}
