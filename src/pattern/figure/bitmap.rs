//! A picture whose brightness is the dose.

use crate::dose::{INTERPOLATION, Interpolation};
use crate::field::Field;
use crate::field::Kind;
use crate::figure::Expand;
use model::shape::{self, DoseMap, ScanDirection};
use model::{Point, Shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bitmap {
    pub width: f64,
    pub height: f64,
    pub depth: f64,
    /// Degrees, counter-clockwise.
    pub rotation: f64,
    /// Beam time, s; 0 = from the depth.
    pub time: f64,
    /// 0 = the instrument's own choice.
    pub passes: u32,
    pub scan_direction: ScanDirection,
    pub path: String,
    /// The points of the picture, once someone has loaded it; never in a file.
    #[serde(serialize_with = "crate::dose::leave_out", skip_deserializing)]
    pub array: Option<DoseMap>,
    pub interpolation: Option<Interpolation>,
}

impl Default for Bitmap {
    fn default() -> Self {
        Bitmap {
            width: 10e-6,
            height: 10e-6,
            depth: 1e-6,
            rotation: 0.0,
            time: 0.0,
            passes: 0,
            scan_direction: ScanDirection::TopToBottom,
            path: String::new(),
            array: None,
            interpolation: None,
        }
    }
}

impl Expand for Bitmap {
    const NAME: &str = "Bitmap";
    const DOC: &str = "a picture: blue is the dwell, green 0 leaves a point out";
    const FIELDS: &[Field] = &[
        Field::length("width", "Width", "width of the picture on the sample"),
        Field::length("height", "Height", "height of the picture on the sample"),
        Field::length("depth", "Depth", "how deep full blue is milled"),
        Field::angle("rotation", "Rotation", "turn of the picture"),
        Field::TIME,
        Field::PASSES,
        Field::SCAN_DIRECTION,
        Field::new("path", "File", Kind::Path, "the picture, RGB"),
        INTERPOLATION,
    ];

    fn shapes(&self, at: Point) -> Vec<Shape> {
        vec![Shape::Bitmap(shape::Bitmap {
            width: self.width,
            height: self.height,
            depth: self.depth,
            centre_x: at.x,
            centre_y: at.y,
            rotation: self.rotation.to_radians(),
            scan_direction: self.scan_direction,
            passes: self.passes,
            time: self.time,
            is_exclusion: false,
            flip_y: false,
            interpolate: self.interpolation.map(Interpolation::text),
            bitmap: self.array.clone(),
        })]
    }

    fn pictures(&mut self) -> Vec<(&mut String, &mut Option<DoseMap>)> {
        vec![(&mut self.path, &mut self.array)]
    }

    fn time(&self) -> f64 {
        self.time
    }
}
