//! Every change of an instrument, as data. To add one: a variant here, its row in `danger`, `claims` and `describe`, its
//! rule in `interlock`, its doing in `scope`.

use model::{
    Axis, Beam, BeamState, ChamberState, Danger, Frame, GasState, ImageSettings, Key, ManipulatorPosition,
    ManipulatorState, MillingSettings, PatterningState, Point, Pose, Shape, SputterStep, StagePosition, Unit, Value,
    units,
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
    /// Clears the patterns and prepares the patterning engine.
    MillingSetup {
        settings: MillingSettings,
    },
    PatternsLoad {
        shapes: Vec<Shape>,
    },
    /// Draws what is loaded. `current` (A) is what the patterns were planned for: the beam must read within a tenth of it.
    PatternStart {
        channel: Beam,
        #[serde(default)]
        current: Option<f64>,
    },
    PatternPause,
    PatternResume,
    PatternsClear,
    SpotBurn {
        beam: Beam,
        /// Fractions 0..1 of the field from the top left.
        at: Point,
        seconds: f64,
        /// What the beam must read, A; `None` = whatever it is at.
        #[serde(default)]
        current: Option<f64>,
    },
    NeedleInsert {
        name: String,
    },
    NeedleRetract,
    /// Always an absolute target. `confirmed`: a person has looked and said that it may come nearer to the sample than small
    /// steps do.
    NeedleTo {
        target: ManipulatorPosition,
        #[serde(default)]
        confirmed: bool,
    },
    GasInsert {
        port: String,
        #[serde(default)]
        position: Option<String>,
    },
    GasRetract {
        port: String,
    },
    GasHeat {
        port: String,
        #[serde(default)]
        gas: Option<String>,
        on: bool,
    },
    GasValve {
        port: String,
        open: bool,
    },
    Sputter {
        step: SputterStep,
    },
}

/// How an act holds a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// For itself alone.
    Alone,
    /// It must only not change: several may rely on it at once (a picture and a pattern on a stage at rest).
    Still,
}

/// What an act needs while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Resource {
    Stage,
    Electron,
    Ion,
    Chamber,
    Patterning,
    Needle,
    Gas,
    /// What moves the beams over the sample for a picture: one at a time, whichever beam.
    Scan,
}

impl Resource {
    pub const ALL: [Resource; 8] = [
        Resource::Stage,
        Resource::Electron,
        Resource::Ion,
        Resource::Chamber,
        Resource::Patterning,
        Resource::Needle,
        Resource::Gas,
        Resource::Scan,
    ];

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
            Resource::Patterning => "patterning engine",
            Resource::Needle => "needle",
            Resource::Gas => "gas system",
            Resource::Scan => "scan generator",
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
    Milling(Box<MillingSettings>),
    /// The instrument's estimate, s.
    Estimate(f64),
    Patterning(PatterningState),
    Needle(ManipulatorState),
    Gas(GasState),
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
            Act::MillingSetup { .. } | Act::PatternsLoad { .. } | Act::PatternsClear | Act::PatternPause => {
                Danger::None
            }
            Act::PatternStart { .. } | Act::PatternResume | Act::SpotBurn { .. } => Danger::Sample,
            Act::NeedleInsert { .. } | Act::NeedleRetract | Act::GasInsert { .. } | Act::GasRetract { .. } => {
                Danger::Motion
            }
            Act::NeedleTo { .. } => Danger::Sample,
            Act::GasHeat { .. } | Act::GasValve { open: false, .. } => Danger::None,
            Act::GasValve { open: true, .. } | Act::Sputter { .. } => Danger::Sample,
            // an ion picture doses the sample, but so little that it is not a change of its own kind
            Act::BeamSet { .. } | Act::Acquire { .. } => Danger::Beam,
        }
    }

    pub fn claims(&self) -> Vec<(Resource, Hold)> {
        use Hold::{Alone, Still};
        match self {
            Act::StageTo { .. } | Act::StageHome | Act::StageLink { .. } => vec![(Resource::Stage, Alone)],
            Act::BeamPower { beam, .. }
            | Act::BeamBlank { beam, .. }
            | Act::BeamSet { beam, .. }
            | Act::PlasmaGas { beam, .. } => vec![(Resource::of(*beam), Alone)],
            // a picture must not be taken while the stage moves under it
            Act::Acquire { settings } => vec![
                (Resource::of(settings.beam_type), Alone),
                (Resource::Scan, Alone),
                (Resource::Stage, Still),
            ],
            Act::SystemSet { .. } => vec![],
            Act::Pump | Act::Vent => vec![
                (Resource::Chamber, Alone),
                (Resource::Electron, Alone),
                (Resource::Ion, Alone),
            ],
            Act::MillingSetup { .. } | Act::PatternsLoad { .. } | Act::PatternsClear => {
                vec![(Resource::Patterning, Alone)]
            }
            Act::PatternStart { channel: beam, .. } | Act::SpotBurn { beam, .. } => vec![
                (Resource::Patterning, Alone),
                (Resource::of(*beam), Alone),
                (Resource::Stage, Still),
            ],
            // they speak to a pattern that is under way, and must reach it
            Act::PatternPause | Act::PatternResume => vec![],
            Act::NeedleInsert { .. } | Act::NeedleRetract | Act::NeedleTo { .. } => {
                vec![(Resource::Needle, Alone), (Resource::Stage, Still)]
            }
            // a valve is closed whatever else goes on
            Act::GasValve { open: false, .. } | Act::GasHeat { on: false, .. } => vec![],
            Act::GasInsert { .. } | Act::GasRetract { .. } => vec![(Resource::Gas, Alone), (Resource::Stage, Still)],
            Act::GasHeat { .. } | Act::GasValve { .. } => vec![(Resource::Gas, Alone)],
            Act::Sputter { .. } => vec![
                (Resource::Gas, Alone),
                (Resource::Stage, Still),
                (Resource::Electron, Alone),
                (Resource::Ion, Alone),
            ],
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
            Act::MillingSetup { settings } => format!(
                "prepare milling: {} {}, field {}",
                settings.milling_channel,
                model::text::printable(&settings.application_file),
                units::format(settings.hfw, Unit::Metre)
            ),
            Act::PatternsLoad { shapes } => match shapes.len() {
                1 => "load 1 shape".to_owned(),
                n => format!("load {n} shapes"),
            },
            Act::PatternStart { channel, current } => match current {
                Some(current) => format!(
                    "mill with the {channel} beam at {}",
                    units::format(*current, Unit::Ampere)
                ),
                None => format!("mill with the {channel} beam"),
            },
            Act::PatternPause => "pause milling".to_owned(),
            Act::PatternResume => "resume milling".to_owned(),
            Act::PatternsClear => "clear the patterns".to_owned(),
            Act::SpotBurn { beam, at, seconds, .. } => format!(
                "burn a spot with the {beam} beam at {:.0} %, {:.0} % for {}",
                at.x * 100.0,
                at.y * 100.0,
                units::format(*seconds, Unit::Second)
            ),
            Act::NeedleInsert { name } => format!("insert the needle to {}", model::text::printable(name)),
            Act::NeedleRetract => "retract the needle".to_owned(),
            Act::NeedleTo { target, .. } => format!(
                "move the needle to x {:.2}, y {:.2}, z {:.2} um",
                target.x * 1e6,
                target.y * 1e6,
                target.z * 1e6
            ),
            Act::GasInsert { port, position } => match position {
                Some(position) => format!(
                    "insert {} at {}",
                    model::text::printable(port),
                    model::text::printable(position)
                ),
                None => format!("insert {}", model::text::printable(port)),
            },
            Act::GasRetract { port } => format!("retract {}", model::text::printable(port)),
            Act::GasHeat { port, on, .. } => {
                format!(
                    "turn the heater of {} {}",
                    model::text::printable(port),
                    if *on { "on" } else { "off" }
                )
            }
            Act::GasValve { port, open } => {
                format!(
                    "{} the valve of {}",
                    if *open { "open" } else { "close" },
                    model::text::printable(port)
                )
            }
            Act::Sputter { step } => match step {
                SputterStep::Prepare => "prepare the sputter coater".to_owned(),
                SputterStep::Run { seconds } => format!("sputter for {}", units::format(*seconds, Unit::Second)),
                SputterStep::Recover => "recover from sputtering".to_owned(),
            },
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
