//! Settings of a picture, a beam and a detector, with openFIBSEM's field names, defaults and units (SI).

use crate::Beam;
use serde::{Deserialize, Deserializer, Serialize};

/// A point: metres in the picture (x right, y up, origin in the centre), or whatever the field says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// A rectangle in fractions 0..1 of the picture, origin top left (openFIBSEM's FibsemRectangle).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Rect {
    pub const FULL: Rect = Rect {
        left: 0.0,
        top: 0.0,
        width: 1.0,
        height: 1.0,
    };

    /// Inside the picture and not empty.
    pub fn is_valid(&self) -> bool {
        self.left >= 0.0
            && self.top >= 0.0
            && self.width > 0.0
            && self.height > 0.0
            && self.left + self.width <= 1.0 + 1e-9
            && self.top + self.height <= 1.0 + 1e-9
    }

    /// (x, y, w, h) in pixels of a picture of `size` (w, h), truncated as openFIBSEM truncates.
    pub fn pixels(&self, size: (u32, u32)) -> (u32, u32, u32, u32) {
        let (w, h) = (f64::from(size.0), f64::from(size.1));
        (
            (self.left * w) as u32,
            (self.top * h) as u32,
            (self.width * w) as u32,
            (self.height * h) as u32,
        )
    }
}

/// How a picture is to be taken (openFIBSEM's ImageSettings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageSettings {
    #[serde(default, deserialize_with = "null_is_default")]
    pub beam_type: Beam,
    /// Width, height of the full frame, pixels.
    pub resolution: (u32, u32),
    /// s per pixel.
    pub dwell_time: f64,
    /// Horizontal field width of the full frame, m.
    pub hfw: f64,
    #[serde(default, deserialize_with = "null_is_default")]
    pub autocontrast: bool,
    #[serde(default, deserialize_with = "null_is_default")]
    pub save: bool,
    #[serde(default)]
    pub path: Option<String>,
    #[serde(default = "default_filename")]
    pub filename: String,
    #[serde(default)]
    pub reduced_area: Option<Rect>,
    /// Each line is scanned this often and averaged.
    #[serde(default)]
    pub line_integration: Option<u32>,
    /// The frame is scanned in this many interlaced passes.
    #[serde(default)]
    pub scan_interlacing: Option<u32>,
    /// This many frames are averaged.
    #[serde(default)]
    pub frame_integration: Option<u32>,
    /// Frames are registered before they are averaged; needs at least two.
    #[serde(default, deserialize_with = "null_is_default")]
    pub drift_correction: bool,
}

fn default_filename() -> String {
    "default_image".to_owned()
}

impl Default for ImageSettings {
    fn default() -> Self {
        ImageSettings {
            beam_type: Beam::Electron,
            resolution: (1536, 1024),
            dwell_time: 1e-6,
            hfw: 150e-6,
            autocontrast: false,
            save: false,
            path: None,
            filename: default_filename(),
            reduced_area: None,
            line_integration: None,
            scan_interlacing: None,
            frame_integration: None,
            drift_correction: false,
        }
    }
}

impl ImageSettings {
    /// m per pixel (square pixels).
    pub fn pixel_size(&self) -> f64 {
        self.hfw / f64::from(self.resolution.0.max(1))
    }

    /// Pixels really scanned (w, h): the reduced area where one is set.
    pub fn scanned(&self) -> (u32, u32) {
        match self.reduced_area {
            Some(area) => {
                let (_, _, w, h) = area.pixels(self.resolution);
                (w, h)
            }
            None => self.resolution,
        }
    }

    /// Beam time of the whole picture, s: scanned pixels x dwell x frames x lines.
    pub fn beam_time(&self) -> f64 {
        let (w, h) = self.scanned();
        f64::from(w)
            * f64::from(h)
            * self.dwell_time
            * f64::from(self.frame_integration.unwrap_or(1).max(1))
            * f64::from(self.line_integration.unwrap_or(1).max(1))
    }
}

/// What a column is set to (openFIBSEM's BeamSettings).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BeamSettings {
    pub beam_type: Beam,
    #[serde(alias = "eucentric_height")]
    pub working_distance: f64,
    #[serde(alias = "current")]
    pub beam_current: f64,
    pub voltage: f64,
    pub hfw: f64,
    pub resolution: (u32, u32),
    pub dwell_time: f64,
    #[serde(default, deserialize_with = "null_is_default")]
    pub stigmation: Point,
    #[serde(default, deserialize_with = "null_is_default")]
    pub shift: Point,
    #[serde(default, deserialize_with = "null_is_default")]
    pub scan_rotation: f64,
    #[serde(default)]
    pub preset: Option<String>,
}

/// What a detector is set to (openFIBSEM's FibsemDetectorSettings); contrast and brightness 0..1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectorSettings {
    #[serde(
        rename = "type",
        alias = "detector_type",
        default = "unknown",
        deserialize_with = "null_is_unknown"
    )]
    pub kind: String,
    #[serde(alias = "detector_mode", default = "unknown", deserialize_with = "null_is_unknown")]
    pub mode: String,
    #[serde(alias = "detector_brightness", default, deserialize_with = "null_is_default")]
    pub brightness: f64,
    #[serde(alias = "detector_contrast", default, deserialize_with = "null_is_default")]
    pub contrast: f64,
}

/// Files write null where a value was never set.
fn null_is_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

fn null_is_unknown<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(d)?.unwrap_or_else(unknown))
}

fn unknown() -> String {
    "Unknown".to_owned()
}

impl Default for DetectorSettings {
    fn default() -> Self {
        DetectorSettings {
            kind: "ETD".to_owned(),
            mode: "SecondaryElectrons".to_owned(),
            brightness: 0.5,
            contrast: 0.5,
        }
    }
}
