//! Two trenches whose dose is a picture.

use crate::dose::{INTERPOLATION, Interpolation};
use crate::field::Field;
use crate::field::Kind;
use crate::figure::Expand;
use model::shape::{self, DoseMap, ScanDirection};
use model::{Point, Shape};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrenchBitmap {
    pub width: f64,
    pub depth: f64,
    pub spacing: f64,
    pub upper_trench_height: f64,
    pub lower_trench_height: f64,
    /// 0 = the instrument's own choice.
    pub passes: u32,
    /// Beam time, s; 0 = from the depth.
    pub time: f64,
    pub path: String,
    pub path_lower: String,
    /// The points of the picture, once someone has loaded it; never in a file.
    #[serde(serialize_with = "crate::dose::leave_out", skip_deserializing)]
    pub array: Option<DoseMap>,
    /// The points of the picture, once someone has loaded it; never in a file.
    #[serde(serialize_with = "crate::dose::leave_out", skip_deserializing)]
    pub array_lower: Option<DoseMap>,
    pub interpolation: Option<Interpolation>,
}

impl Default for TrenchBitmap {
    fn default() -> Self {
        TrenchBitmap {
            width: 10e-6,
            depth: 10e-6,
            spacing: 1e-6,
            upper_trench_height: 5e-6,
            lower_trench_height: 5e-6,
            passes: 0,
            time: 0.0,
            path: String::new(),
            path_lower: String::new(),
            array: None,
            array_lower: None,
            interpolation: None,
        }
    }
}

impl Expand for TrenchBitmap {
    const NAME: &str = "TrenchBitmap";
    const DOC: &str = "an upper and a lower trench whose dose is a picture";
    const FIELDS: &[Field] = &[
        Field::length("width", "Width", "width of both trenches"),
        Field::length("depth", "Depth", "how deep full blue is milled"),
        Field::length("spacing", "Spacing", "distance between the trenches"),
        Field::length(
            "upper_trench_height",
            "Upper trench height",
            "height of the upper trench",
        ),
        Field::length(
            "lower_trench_height",
            "Lower trench height",
            "height of the lower trench",
        ),
        Field::PASSES,
        Field::TIME,
        Field::new("path", "File", Kind::Path, "the picture of the upper trench, RGB"),
        Field::new(
            "path_lower",
            "Lower file",
            Kind::Path,
            "the picture of the lower trench; none = the upper one, upside down",
        ),
        INTERPOLATION,
    ];

    /// The lower trench comes first, the other way round than in a plain trench.
    fn shapes(&self, at: Point) -> Vec<Shape> {
        let flip_y = self.array_lower.is_none() && self.path_lower.trim().is_empty();
        let lower = if flip_y { &self.array } else { &self.array_lower };
        let trench = |centre_y, height, scan_direction, flip_y, bitmap: &Option<DoseMap>| {
            Shape::Bitmap(shape::Bitmap {
                width: self.width,
                height,
                depth: self.depth,
                centre_x: at.x,
                centre_y,
                rotation: 0.0,
                scan_direction,
                passes: self.passes,
                time: self.time,
                is_exclusion: false,
                flip_y,
                interpolate: self.interpolation.map(Interpolation::text),
                bitmap: bitmap.clone(),
            })
        };
        vec![
            trench(
                at.y - (self.spacing / 2.0 + self.lower_trench_height / 2.0),
                self.lower_trench_height,
                ScanDirection::BottomToTop,
                flip_y,
                lower,
            ),
            trench(
                at.y + (self.spacing / 2.0 + self.upper_trench_height / 2.0),
                self.upper_trench_height,
                ScanDirection::TopToBottom,
                false,
                &self.array,
            ),
        ]
    }

    fn pictures(&mut self) -> Vec<(&mut String, &mut Option<DoseMap>)> {
        vec![
            (&mut self.path, &mut self.array),
            (&mut self.path_lower, &mut self.array_lower),
        ]
    }

    fn time(&self) -> f64 {
        self.time
    }
}
