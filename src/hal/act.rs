//! Every change of an instrument, as data. To add one: a variant here, its row in `danger`, `claims` and `describe`, its
//! rule in `interlock`, its doing in `scope`.

use model::{
    Axis, Beam, BeamState, ChamberState, Danger, Frame, ImageSettings, Key, Pose, StagePosition, Unit, Value, units,
};
use serde::{Deserialize, Serialize};

/// One change of the instrument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Act {
    /// Axes that are `None` stay. Always an absolute target.
    StageTo {
        target: StagePosition,
    },
    StageHome,
    StageLink {
        on: bool,
    },
    BeamPower {
        beam: Beam,
        on: bool,
    },
    BeamBlank {
        beam: Beam,
        on: bool,
    },
    BeamSet {
        beam: Beam,
        key: Key,
        value: Value,
    },
    SystemSet {
        key: Key,
        value: Value,
    },
    PlasmaGas {
        beam: Beam,
        gas: String,
    },
    Acquire {
        settings: ImageSettings,
    },
    Pump,
    Vent,
}

/// What an act needs for itself while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Resource {
    Stage,
    Electron,
    Ion,
    Chamber,
}

impl Resource {
    pub fn of(beam: Beam) -> Resource {
        match beam {
            Beam::Electron => Resource::Electron,
            Beam::Ion => Resource::Ion,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Resource::Stage => "stage",
            Resource::Electron => "electron beam",
            Resource::Ion => "ion beam",
            Resource::Chamber => "chamber",
        }
    }
}

/// What an act came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Done,
    Stage(Pose),
    Value(Value),
    Beam(Box<BeamState>),
    Chamber(ChamberState),
    Frame(Box<Frame>),
}

impl Act {
    /// The act that is meant. Keys of the get/set table that power, blank, home, link, pump, vent or change gas are those acts
    /// under another name, and no rule may be passed by naming them so.
    pub fn canonical(self) -> Act {
        match self {
            Act::BeamSet {
                beam,
                key: Key::On,
                value: Value::Bool(on),
            } => Act::BeamPower { beam, on },
            Act::BeamSet {
                beam,
                key: Key::Blanked,
                value: Value::Bool(on),
            } => Act::BeamBlank { beam, on },
            Act::BeamSet {
                beam,
                key: Key::PlasmaGas,
                value: Value::Text(gas),
            } => Act::PlasmaGas { beam, gas },
            Act::SystemSet {
                key: Key::StageHome,
                value: Value::Bool(true),
            } => Act::StageHome,
            Act::SystemSet {
                key: Key::StageLink,
                value: Value::Bool(on),
            } => Act::StageLink { on },
            Act::SystemSet {
                key: Key::PumpChamber,
                value: Value::Bool(true),
            } => Act::Pump,
            Act::SystemSet {
                key: Key::VentChamber,
                value: Value::Bool(true),
            } => Act::Vent,
            other => other,
        }
    }

    pub fn danger(&self) -> Danger {
        match self {
            Act::StageTo { .. } | Act::StageHome => Danger::Motion,
            Act::StageLink { .. } | Act::SystemSet { .. } => Danger::None,
            Act::BeamBlank { on: true, .. } | Act::BeamPower { on: false, .. } => Danger::None,
            Act::BeamPower { .. } | Act::BeamBlank { .. } | Act::PlasmaGas { .. } | Act::Pump | Act::Vent => {
                Danger::Beam
            }
            // an ion picture doses the sample, but so little that it is not a change of its own kind
            Act::BeamSet { .. } | Act::Acquire { .. } => Danger::Beam,
        }
    }

    pub fn claims(&self) -> Vec<Resource> {
        match self {
            Act::StageTo { .. } | Act::StageHome | Act::StageLink { .. } => vec![Resource::Stage],
            Act::BeamPower { beam, .. }
            | Act::BeamBlank { beam, .. }
            | Act::BeamSet { beam, .. }
            | Act::PlasmaGas { beam, .. } => vec![Resource::of(*beam)],
            // a picture must not be taken while the stage moves under it
            Act::Acquire { settings } => vec![Resource::of(settings.beam_type), Resource::Stage],
            Act::SystemSet { .. } => vec![],
            Act::Pump | Act::Vent => vec![Resource::Chamber, Resource::Electron, Resource::Ion],
        }
    }

    /// One line for logs, notices and the journal.
    pub fn describe(&self) -> String {
        match self {
            Act::StageTo { target } => format!("move stage to {}", axes(target)),
            Act::StageHome => "home the stage".to_owned(),
            Act::StageLink { on } => if *on { "link the stage" } else { "unlink the stage" }.to_owned(),
            Act::BeamPower { beam, on } => format!("turn {beam} beam {}", if *on { "on" } else { "off" }),
            Act::BeamBlank { beam, on } => format!("{} {beam} beam", if *on { "blank" } else { "unblank" }),
            Act::BeamSet { beam, key, value } => format!("set {beam} {key} to {}", show(*key, value)),
            Act::SystemSet { key, value } => format!("set {key} to {}", show(*key, value)),
            Act::PlasmaGas { beam, gas } => format!("change {beam} plasma gas to {}", model::text::printable(gas)),
            Act::Acquire { settings } => format!(
                "acquire {} {}x{} at {} field",
                settings.beam_type.short(),
                settings.scanned().0,
                settings.scanned().1,
                units::format(settings.hfw, Unit::Metre)
            ),
            Act::Pump => "pump the chamber".to_owned(),
            Act::Vent => "vent the chamber".to_owned(),
        }
    }
}

/// The axes that a target names: `x 0.0200 mm, t 35.0 deg`.
fn axes(target: &StagePosition) -> String {
    let named = Axis::ALL.into_iter().filter_map(|axis| {
        let value = target.get(axis)?;
        Some(if axis.is_angle() {
            format!("{} {:.1} deg", axis.name(), value.to_degrees())
        } else {
            format!("{} {:.4} mm", axis.name(), value * 1e3)
        })
    });
    named.collect::<Vec<_>>().join(", ")
}

/// A value with the unit of its key.
pub fn show(key: Key, value: &Value) -> String {
    match (key.row().kind, value) {
        (model::key::Kind::Number(unit), Value::Number(v)) => units::format(*v, unit),
        (model::key::Kind::Point(unit), Value::Point(p)) => {
            format!("{}, {}", units::format(p.x, unit), units::format(p.y, unit))
        }
        (_, Value::Text(text)) => model::text::printable(text),
        (_, Value::Size(w, h)) => format!("{w}x{h}"),
        (_, other) => serde_json::to_string(other).unwrap_or_default(),
    }
}
