//! The room that stage, needle and injectors share with the columns: bodies as plain data, for the rules that keep them apart.
//!
//! A driver that knows its chamber says so in `StageCapabilities::room`; every body must hold the real one. Lengths in m, directions
//! are unit vectors of the chamber: x to the right of the electron picture, y up in it, z up; its origin is the coincidence point.

use crate::{Beam, Geometry};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Room {
    /// Columns, pre-tilt and kind of stage.
    pub geometry: Geometry,
    /// Raw z at which the middle of the sample lies on the coincidence point.
    pub home_z: f64,
    pub poles: Vec<Pole>,
    pub plates: Vec<Plate>,
    pub hands: Vec<HandBody>,
}

/// A pole piece: a blunt cone around its column's axis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pole {
    pub beam: Beam,
    /// Of its tip from the coincidence point.
    pub distance: f64,
    /// Of its tip.
    pub radius: f64,
    /// Tangent of half the cone's angle.
    pub flare: f64,
}

/// The top of something the stage carries; what lies below it is not nearer to anything.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plate {
    pub name: PlateName,
    /// Half of its sides; of a round one, its radius twice.
    pub half: (f64, f64),
    pub round: bool,
    /// Above the sample plane, or above its like on the platform.
    pub height: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlateName {
    /// The stage itself, which does not share the pre-tilt.
    Platform,
    /// Clips, and whatever else stands out of the sample's holder.
    Holder,
    /// The holder where needle and nozzles come near: the sample plane.
    Sample,
}

/// A needle or a nozzle: a cone that widens from its tip along its shaft, and is inserted along it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HandBody {
    pub hand: HandName,
    /// From the tip along the shaft.
    pub shaft: [f64; 3],
    /// Of the tip from the coincidence point along the shaft: an injector's when it is in, the needle's when it is out.
    pub place: f64,
    /// At the tip, tangent of half the angle, and where it ends to widen.
    pub radius: f64,
    pub taper: f64,
    pub shank: f64,
    pub length: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HandName {
    Needle,
    Injector { port: String, position: Option<String> },
}
