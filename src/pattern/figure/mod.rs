//! The milling patterns: a file each, a row each in the list below.
//!
//! A figure is a pattern's parameters under openFIBSEM's keys (lengths in m, `rotation` and `angle` in degrees) and what it
//! expands to about a point of the picture, in drawing order. Here is no instrument and no file. To add one: a file with a
//! struct, its `Default` and its [`Expand`], its `mod` line, and a row.

mod array;
mod bitmap;
mod circle;
mod clover;
mod fiducial;
mod horseshoe;
mod horseshoe_vertical;
mod line;
mod micro_expansion;
mod polygon;
mod rectangle;
mod serial_section;
mod trapezoid_trench;
mod trench;
mod trench_bitmap;
mod tri_force;
mod undercut;
mod waffle_notch;

use crate::field::Field;
use model::shape::CrossSection;
use model::{Point, Shape};
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// What a pattern is: its name, its form and its shapes.
pub trait Expand: Default + Serialize + DeserializeOwned {
    /// openFIBSEM's name.
    const NAME: &'static str;
    const DOC: &'static str;
    /// What a form shows, in order.
    const FIELDS: &'static [Field];
    /// openFIBSEM 0.5.3 loads it from a file.
    const REGISTERED: bool = true;

    /// The shapes about `at` (m, picture frame, y up), in drawing order.
    fn shapes(&self, at: Point) -> Vec<Shape>;

    /// Beam time the pattern asks for, s; 0 = none.
    fn time(&self) -> f64 {
        0.0
    }

    /// How the pattern as a whole is cut, where it says so.
    fn cross_section(&self) -> Option<CrossSection> {
        None
    }

    /// Where in the picture the pattern with this `point` is drawn.
    fn place(&self, point: Point) -> Point {
        point
    }

    /// Makes [`Expand::place`] be `at`.
    fn put(&mut self, point: &mut Point, at: Point) {
        *point = at;
    }

    /// The pictures it mills: the file of each, and where its points belong.
    fn pictures(&mut self) -> Vec<(&mut String, &mut Option<model::shape::DoseMap>)> {
        Vec::new()
    }
}

/// One pattern of [`PATTERNS`].
#[derive(Clone, Copy, Debug)]
pub struct PatternRow {
    pub name: &'static str,
    pub doc: &'static str,
    pub fields: &'static [Field],
    /// openFIBSEM 0.5.3 loads it from a file.
    pub registered: bool,
    /// With openFIBSEM's defaults.
    pub default: fn() -> Figure,
    pub(crate) read: fn(&mut crate::read::Reader, &serde_json::Map<String, Value>) -> Result<Figure, crate::ReadError>,
}

macro_rules! patterns {
    ($($name:ident in $file:ident,)+) => {
        $(pub use $file::$name;)+

        /// The parameters of one pattern.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Figure { $($name($name),)+ }

        /// Every pattern, in openFIBSEM's order.
        pub const PATTERNS: &[PatternRow] = &[$(PatternRow {
            name: $name::NAME,
            doc: $name::DOC,
            fields: $name::FIELDS,
            registered: $name::REGISTERED,
            default: || Figure::$name($name::default()),
            read: |reader, given| {
                Ok(Figure::$name(reader.record(given, $name::FIELDS, crate::pattern::COMMON_KEYS)?))
            },
        },)+];

        $(impl From<$name> for Figure {
            fn from(figure: $name) -> Figure {
                Figure::$name(figure)
            }
        })+

        impl Serialize for Figure {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Figure::$name(figure) => figure.serialize(serializer),)+ }
            }
        }

        impl Figure {
            /// openFIBSEM's name.
            pub fn name(&self) -> &'static str {
                match self { $(Figure::$name(_) => $name::NAME,)+ }
            }

            pub fn fields(&self) -> &'static [Field] {
                match self { $(Figure::$name(_) => $name::FIELDS,)+ }
            }

            pub(crate) fn shapes(&self, at: Point) -> Vec<Shape> {
                match self { $(Figure::$name(figure) => figure.shapes(at),)+ }
            }

            /// Beam time the pattern asks for, s; 0 = from its depth.
            pub fn time(&self) -> f64 {
                match self { $(Figure::$name(figure) => figure.time(),)+ }
            }

            /// How the pattern as a whole is cut, where it says so.
            pub fn cross_section(&self) -> Option<CrossSection> {
                match self { $(Figure::$name(figure) => figure.cross_section(),)+ }
            }

            pub(crate) fn place(&self, point: Point) -> Point {
                match self { $(Figure::$name(figure) => figure.place(point),)+ }
            }

            pub(crate) fn put(&mut self, point: &mut Point, at: Point) {
                match self { $(Figure::$name(figure) => figure.put(point, at),)+ }
            }

            pub(crate) fn pictures(&mut self) -> Vec<(&mut String, &mut Option<model::shape::DoseMap>)> {
                match self { $(Figure::$name(figure) => figure.pictures(),)+ }
            }

            pub(crate) fn get(&self, field: &Field) -> String {
                match self { $(Figure::$name(figure) => crate::field::get(figure, field),)+ }
            }

            pub(crate) fn set(&mut self, field: &Field, text: &str) -> Result<(), crate::FieldError> {
                match self { $(Figure::$name(figure) => crate::field::set(figure, field, text),)+ }
            }
        }
    };
}

patterns! {
    Rectangle in rectangle,
    Line in line,
    Circle in circle,
    Trench in trench,
    Horseshoe in horseshoe,
    HorseshoeVertical in horseshoe_vertical,
    SerialSection in serial_section,
    Undercut in undercut,
    Fiducial in fiducial,
    ArrayPattern in array,
    MicroExpansion in micro_expansion,
    WaffleNotch in waffle_notch,
    Clover in clover,
    TriForce in tri_force,
    Bitmap in bitmap,
    TrenchBitmap in trench_bitmap,
    TrapezoidTrench in trapezoid_trench,
    PolygonPattern in polygon,
}

/// The pattern of this name: as spelled, else in any case.
pub fn row(name: &str) -> Option<&'static PatternRow> {
    let exact = PATTERNS.iter().find(|row| row.name == name);
    exact.or_else(|| PATTERNS.iter().find(|row| row.name.eq_ignore_ascii_case(name)))
}
