//! What the bridge adds to the plain server (`assets/bridge`): beam switches, vacuum, homing and link, pictures that obey every
//! setting, the needle, gas, spot burns. It says itself what its instrument has; the plain server has none of it.

use super::wire::{Wait, Wire, nonsense};
use super::work::What;
use super::{Rest, busy, position, refused};
use crate::{Chamber, HalError, Manipulator, Reading, Ticket};
use model::capabilities::{ChamberCapabilities, GasCapabilities, ManipulatorCapabilities};
use model::config::Instrument;
use model::{
    Beam, Capabilities, ChamberPhase, ChamberState, ErrorKind, Frame, GasState, Key, ManipulatorPosition,
    ManipulatorState, Point,
};
use serde::Deserialize;
use serde_json::{Value as Json, json};

/// Travel of a needle's axes (m) where the server does not tell; its own controller refuses what is beyond.
const TRAVEL: f64 = 5e-3;

/// What `GET /bridge` says; nothing, where there is none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Offers {
    offers: Vec<String>,
    saved: Vec<String>,
    gas: Option<GasCapabilities>,
}

/// What `GET /bridge/state` says; a part that cannot be read is left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub stage: Option<StageWord>,
    electron: Option<Switches>,
    ion: Option<Switches>,
    chamber: Option<ChamberWord>,
    needle: Option<NeedleWord>,
    pub gas: Option<GasState>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct StageWord {
    pub homed: bool,
    pub linked: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Switches {
    pub on: bool,
    pub blanked: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct ChamberWord {
    state: String,
    pressure: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct NeedleWord {
    inserted: bool,
    position: ManipulatorPosition,
}

impl Offers {
    /// Which server this is: the plain one knows no such path.
    pub fn read(wire: &Wire) -> Result<Offers, HalError> {
        match wire.get("/bridge") {
            Ok(said) => serde_json::from_value(said).map_err(|e| nonsense("/bridge").caused_by(e)),
            Err(e) if e.kind == ErrorKind::Unsupported => Ok(Offers::default()),
            Err(e) => Err(e),
        }
    }

    pub fn has(&self, what: &str) -> bool {
        self.offers.iter().any(|offer| offer == what)
    }

    /// There is a state to read.
    pub fn any(&self) -> bool {
        !self.offers.is_empty()
    }

    /// Adds to what the plain server has.
    pub fn widen(&self, capabilities: &mut Capabilities, instrument: &Instrument) {
        if let Some(stage) = &mut capabilities.stage {
            (stage.home, stage.link) = (self.has("home"), self.has("link"));
            stage.halts = self.has("halt");
        }
        for column in [&mut capabilities.electron, &mut capabilities.ion]
            .into_iter()
            .flatten()
        {
            for (key, offer) in [(Key::On, "power"), (Key::Blanked, "blank")] {
                if self.has(offer) {
                    column.readable.push(key);
                    column.writable.push(key);
                }
            }
            column.blanker = self.has("blank");
            column.reduced_area |= self.has("acquire");
            if self.has("integration") {
                (column.line_integration, column.frame_integration) = (true, true);
                (column.interlacing, column.drift_correction) = (true, true);
            }
        }
        if let Some(milling) = &mut capabilities.milling {
            milling.spot_burn = self.has("spot");
        }
        let vacuum = self.has("vacuum");
        capabilities.chamber = self.has("chamber").then_some(ChamberCapabilities {
            pump: vacuum,
            vent: vacuum,
            camera: true,
        });
        // a coater that tells nothing while it runs for minutes is none
        let gas = self.gas.clone().filter(|_| self.has("gas") && instrument.gis.enabled);
        capabilities.gas = gas.map(|gas| GasCapabilities {
            sputter_coater: false,
            ..gas
        });
        let needle = self.has("needle") && instrument.manipulator.enabled;
        capabilities.manipulator = needle.then(|| ManipulatorCapabilities {
            saved: self.saved.clone(),
            limits: [(-TRAVEL, TRAVEL); 3],
            rotation: instrument.manipulator.rotation,
            tilt: instrument.manipulator.tilt,
            stage_frame: true,
            needs_calibration: false,
        });
    }
}

impl State {
    pub fn read(wire: &Wire) -> Result<State, HalError> {
        serde_json::from_value(wire.get("/bridge/state")?).map_err(|e| nonsense("/bridge/state").caused_by(e))
    }

    pub fn beam(&self, beam: Beam) -> Result<Switches, HalError> {
        let switches = match beam {
            Beam::Electron => self.electron,
            Beam::Ion => self.ion,
        };
        switches.ok_or_else(|| unread(beam.word()))
    }
}

/// The bridge left the part out.
pub(super) fn unread(what: &str) -> HalError {
    nonsense("/bridge/state").caused_by(format!("the {what} part cannot be read: see the bridge's own log"))
}

/// A word for the vacuum that is not known is not "pumped".
fn phase(word: &str) -> ChamberPhase {
    let phases = [
        ChamberPhase::Pumped,
        ChamberPhase::Pumping,
        ChamberPhase::Vented,
        ChamberPhase::Venting,
    ];
    let known = phases.into_iter().find(|phase| phase.word().eq_ignore_ascii_case(word));
    known.unwrap_or(ChamberPhase::Pumping)
}

impl Rest {
    /// Does what blocks on a thread of its own, one at a time of its kind.
    pub(super) fn order(&mut self, what: What, path: &'static str, body: Json) -> Result<Ticket, HalError> {
        self.settle();
        if self.is_busy(|other| *other == what) {
            return Err(busy(path.trim_start_matches("/bridge/")));
        }
        self.changed();
        let (wire, body) = (self.wire.clone(), self.order_of(body));
        let done = |_| None::<Frame>;
        Ok(self
            .works
            .begin(what, None, move || wire.tell(path, &body, Wait::Work).map(done)))
    }

    pub(super) fn home(&mut self) -> Result<Ticket, HalError> {
        if !self.system.offers.has("home") {
            return Err(HalError::unsupported("homing"));
        }
        if self.is_busy(What::moves_stage) {
            return Err(busy("the stage moves"));
        }
        self.order(What::Home, "/bridge/home", json!({}))
    }

    pub(super) fn link_stage(&mut self, on: bool) -> Result<bool, HalError> {
        if !self.system.offers.has(if on { "link" } else { "unlink" }) {
            return Err(HalError::unsupported(if on {
                "stage link"
            } else {
                "unlinking of the stage"
            }));
        }
        self.changed();
        let answer = self.wire.tell("/bridge/link", &json!({ "on": on }), Wait::Slow)?;
        answer
            .get("value")
            .and_then(Json::as_bool)
            .ok_or_else(|| nonsense("/bridge/link"))
    }

    pub(super) fn burn(&mut self, beam: Beam, at: Point, seconds: f64) -> Result<Ticket, HalError> {
        if !self.system.offers.has("spot") {
            return Err(HalError::unsupported("spot burns"));
        }
        let inside = |v: f64| (0.0..=1.0).contains(&v);
        if !(inside(at.x) && inside(at.y) && seconds.is_finite() && seconds > 0.0) {
            return Err(refused(
                "that is no spot in the field, or no time; nothing was burned",
                "fractions 0..1, seconds",
            ));
        }
        let body = json!({ "beam_type": beam.wire_name(), "x": at.x, "y": at.y, "seconds": seconds });
        self.order(What::Spot, "/bridge/spot", body)
    }
}

impl Chamber for Rest {
    fn read(&mut self) -> Result<Reading<ChamberState>, HalError> {
        self.settle();
        let state = self.state()?;
        let chamber = state.value.chamber.ok_or_else(|| unread("chamber"))?;
        Ok(Reading {
            value: ChamberState {
                phase: phase(&chamber.state),
                pressure: chamber.pressure,
            },
            age: state.age,
        })
    }

    fn begin_pump(&mut self) -> Result<Ticket, HalError> {
        self.vacuum("/bridge/pump")
    }

    fn begin_vent(&mut self) -> Result<Ticket, HalError> {
        self.vacuum("/bridge/vent")
    }

    fn picture(&mut self) -> Result<Frame, HalError> {
        let picture = self.wire.picture("/acquire_chamber_image", &json!({}), Wait::Slow)?;
        Ok(Frame {
            metadata: None,
            ..picture
        })
    }
}

impl Rest {
    fn vacuum(&mut self, path: &'static str) -> Result<Ticket, HalError> {
        if !self.system.offers.has("vacuum") {
            return Err(HalError::unsupported("pump and vent"));
        }
        self.order(What::Vacuum, path, json!({}))
    }

    fn is_saved(&self, name: &str) -> Result<(), HalError> {
        let known = &self.system.offers.saved;
        if known.iter().any(|saved| saved == name) {
            return Ok(());
        }
        Err(refused(
            format!(
                "`{}` is no saved position of this needle; nothing moved",
                model::text::printable(name)
            ),
            &format!("one of: {}", known.join(", ")),
        ))
    }
}

impl Manipulator for Rest {
    fn read(&mut self) -> Result<Reading<ManipulatorState>, HalError> {
        self.settle();
        let state = self.state()?;
        let needle = state.value.needle.ok_or_else(|| unread("needle"))?;
        Ok(Reading {
            value: ManipulatorState {
                inserted: needle.inserted,
                moving: self.is_busy(|what| *what == What::Needle),
                position: needle.position,
                calibrated: true,
                approached: 0.0,
            },
            age: state.age,
        })
    }

    fn saved(&mut self, name: &str) -> Result<ManipulatorPosition, HalError> {
        self.is_saved(name)?;
        let path = "/bridge/needle/saved";
        let answer = self.wire.ask(path, &json!({ "name": name }))?;
        let place = answer.get("position").cloned().unwrap_or_default();
        serde_json::from_value(place).map_err(|e| nonsense(path).caused_by(e))
    }

    fn begin_insert(&mut self, name: &str) -> Result<Ticket, HalError> {
        self.is_saved(name)?;
        self.order(What::Needle, "/bridge/needle/insert", json!({ "name": name }))
    }

    fn begin_retract(&mut self) -> Result<Ticket, HalError> {
        self.order(What::Needle, "/bridge/needle/retract", json!({}))
    }

    fn begin_move(&mut self, target: &ManipulatorPosition) -> Result<Ticket, HalError> {
        let inside = [target.x, target.y, target.z].iter().all(|v| v.abs() <= TRAVEL);
        if !(inside && target.r.is_finite() && target.t.is_finite()) {
            return Err(refused(
                "that is no place this needle can go; nothing moved",
                "see its travel in the Manipulator tab",
            ));
        }
        if !Manipulator::read(self)?.value.inserted {
            return Err(HalError::new(
                ErrorKind::Interlock,
                "the needle is retracted; nothing moved",
                "insert it first (manipulator.insert)",
            ));
        }
        self.order(What::Needle, "/bridge/needle/move", json!({ "position": target }))
    }
}

impl Rest {
    /// All that the bridge tells, in one question.
    pub(super) fn state(&mut self) -> Result<Reading<State>, HalError> {
        let wire = self.wire.clone();
        self.said.read(&self.clock, move || State::read(&wire))
    }
}

/// Position, reference and link of the stage.
pub(super) fn stage(wire: &Wire, offers: bool) -> Result<(model::Pose, StageWord), HalError> {
    let pose = position(wire)?;
    if !offers {
        // the plain server offers no way to ask
        let assumed = StageWord {
            homed: true,
            linked: false,
        };
        return Ok((pose, assumed));
    }
    Ok((pose, State::read(wire)?.stage.ok_or_else(|| unread("stage"))?))
}
