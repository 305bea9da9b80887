//! A real instrument by way of openFIBSEM's REST server (`fibsem.server`, 0.5.3), which drives what its package drives.
//!
//! - `wire`: requests and what their answers mean. `work`: what blocks there is made on threads of its own here.
//! - `system`: who the server is and what it offers. `column`, `imaging`, `milling`: the parts. `bridge`, `gas`: what our own server beside
//!   the package (`assets/bridge`) adds, where that is the one that answers.
//!
//! The server knows no limits, checks nothing, moves several things at once if asked to, and takes a null axis for "leave it":
//! so everything is checked here before it is sent, and only finite, absolute targets leave. What it does not say is never made up: without
//! the bridge there is no manipulator, vacuum or beam switch, so this instrument has none, and a beam is taken to be on and the stage to be
//! referenced, since there is no way to know. Neither can halt a stage, a needle or a scan, so those run to their end;
//! fibdeck's own server can, and is told which order to end.
//! Nothing here draws, decides or retries a write.

mod bridge;
mod column;
mod gas;
mod imaging;
mod milling;
mod system;
#[cfg(test)]
mod tests;
mod wire;
mod work;

use crate::drivers::Opening;
use crate::{
    Chamber, Clock, Column, Gas, HalError, Imaging, Manipulator, Microscope, Milling, Progress, Reading, Stage,
    Stopper, Ticket,
};
use bridge::{StageWord, State};
use column::RestColumn;
use imaging::Album;
use milling::Drawing;
use model::{Axis, Beam, Capabilities, ErrorKind, Geometry, Identity, Key, Pose, StagePosition, StageState, Value};
use serde_json::json;
use std::sync::Arc;
use system::System;
use wire::{Wait, Wire, nonsense};
use work::{Button, Watched, What, Works};

/// Where the server listens unless the instrument's file says otherwise.
const PORT: u16 = 8001;
/// Names the file that holds the server's token: no secret stands in an instrument's file, which is shown and copied.
const TOKEN_FILE: &str = "FIBDECK_TOKEN_FILE";

/// Asks the server at the instrument's address who it is and what it has. Nothing is changed.
pub fn open(opening: &Opening) -> Result<Box<dyn Microscope>, HalError> {
    let info = &opening.instrument.info;
    let wire = Arc::new(Wire::new(&info.ip_address, info.port.unwrap_or(PORT), token()?));
    let system = System::read(&wire, &opening.instrument)?;
    let column = |beam| RestColumn::new(beam, &wire, &opening.clock, &system);
    let mut rest = Rest {
        electron: column(Beam::Electron),
        ion: column(Beam::Ion),
        works: Works::new(opening.clock.clone()),
        position: Watched::default(),
        said: Watched::default(),
        album: Album::default(),
        drawing: Drawing::default(),
        clock: opening.clock.clone(),
        system,
        wire,
    };
    if rest.system.capabilities.stage.is_some() {
        Stage::read(&mut rest)?;
    }
    Ok(Box::new(rest))
}

/// The token of a server that asks for one; the plain one does not.
fn token() -> Result<Option<String>, HalError> {
    let Some(file) = std::env::var_os(TOKEN_FILE) else {
        return Ok(None);
    };
    let token = std::fs::read_to_string(&file).map_err(|e| {
        let file = std::path::Path::new(&file).display().to_string();
        HalError::new(
            ErrorKind::File,
            format!(
                "the token in {} cannot be read; nothing was sent",
                model::text::printable(&file)
            ),
            format!("mend {TOKEN_FILE}, or unset it for a server without a token"),
        )
        .caused_by(e)
    })?;
    Ok(Some(token.trim().to_owned()))
}

struct Rest {
    wire: Arc<Wire>,
    clock: Arc<dyn Clock>,
    system: System,
    works: Works,
    position: Watched<(Pose, StageWord)>,
    /// What the bridge tells of everything else.
    said: Watched<State>,
    electron: RestColumn,
    ion: RestColumn,
    album: Album,
    drawing: Drawing,
}

struct RestStopper {
    wire: Arc<Wire>,
    /// Who offers more ends more: patterns and spots, and the beams go dark.
    path: &'static str,
    /// Whether single orders can be called off, by name.
    calls_off: bool,
    button: Arc<Button>,
}

impl Stopper for RestStopper {
    /// On a connection of its own, which the server answers while others block. An order that left just before may come in behind it: it
    /// is called off by its name, which the server also remembers of one that is not there yet.
    fn stop(&self) -> Result<(), HalError> {
        self.button.press();
        let stopped = self.wire.tell(self.path, &json!({}), Wait::Stop).map(drop);
        if self.calls_off {
            for order in self.button.orders() {
                if let Err(error) = self.wire.tell("/bridge/cancel", &json!({ "order": order }), Wait::Stop) {
                    tracing::warn!(%error, order, "an order was not called off");
                }
            }
        }
        stopped
    }
}

fn busy(what: &str) -> HalError {
    HalError::new(
        ErrorKind::Busy,
        format!("{what} already; nothing was sent"),
        "wait for its end, or stop it",
    )
}

fn refused(what: impl Into<String>, hint: &str) -> HalError {
    HalError::new(ErrorKind::OutOfRange, what, hint)
}

impl Rest {
    /// Files what came to its end.
    fn settle(&mut self) {
        for end in self.works.arrived() {
            let mut frame = None;
            let progress = match (&end.what, end.result) {
                (What::Pattern, result) => self.drawn(end.stopped, result),
                (What::Spot, _) if end.stopped => Progress::Failed(HalError::stopped()),
                (What::Move(target), Err(e)) if e.kind == ErrorKind::Unknown => self.lost_move(*target, e),
                (_, Ok(picture)) => {
                    frame = picture;
                    Progress::Done
                }
                (_, Err(e)) if matches!(e.kind, ErrorKind::Unknown | ErrorKind::Timeout) => {
                    tracing::warn!(error = %e, "an answer was lost");
                    Progress::Unknown
                }
                (_, Err(e)) => Progress::Failed(e),
            };
            if let (What::Picture(beam), Some(frame)) = (&end.what, &frame) {
                self.album.keep(*beam, frame);
            }
            self.changed();
            self.works.end(end.ticket, progress, frame);
        }
    }

    /// A move whose reply was lost is done if the stage stands where it was sent.
    fn lost_move(&self, target: Pose, error: HalError) -> Progress {
        match position(&self.wire) {
            Ok(pose) if pose.is_close(&target, StagePosition::CLOSE) => Progress::Done,
            _ => {
                tracing::warn!(%error, "the answer to a move was lost");
                Progress::Unknown
            }
        }
    }

    /// What was read before is from before.
    fn changed(&mut self) {
        self.position.forget();
        self.said.forget();
        self.electron.changed();
        self.ion.changed();
    }

    /// The body of the next ticket's order, by a name where the server can call it off.
    fn order_of(&self, mut body: serde_json::Value) -> serde_json::Value {
        if self.system.offers.has("cancel") {
            body["order"] = json!(self.works.upcoming());
        }
        body
    }

    fn is_busy(&self, with: impl Fn(&What) -> bool) -> bool {
        self.works.running().any(|r| with(&r.what))
    }

    fn column(&mut self, beam: Beam) -> &mut RestColumn {
        match beam {
            Beam::Electron => &mut self.electron,
            Beam::Ion => &mut self.ion,
        }
    }
}

/// The stage as the server reads it now. An axis that is null (it has none, or was sent no number) is 0 where the stage has none.
fn position(wire: &Wire) -> Result<Pose, HalError> {
    let path = "/stage_position";
    let answer = wire.get(path)?;
    let position: StagePosition = answer
        .get("position")
        .and_then(|p| serde_json::from_value(p.clone()).ok())
        .ok_or_else(|| nonsense(path))?;
    let pose = position.resolve(Pose {
        x: f64::NAN,
        y: f64::NAN,
        z: f64::NAN,
        r: 0.0,
        t: 0.0,
    });
    if pose.is_finite() {
        return Ok(pose);
    }
    Err(nonsense(path).caused_by("an axis is no number: home the stage, or move it by the vendor's own program"))
}

impl Microscope for Rest {
    fn identity(&self) -> Identity {
        self.system.identity.clone()
    }

    fn capabilities(&self) -> Capabilities {
        self.system.capabilities.clone()
    }

    fn geometry(&self) -> Geometry {
        self.system.geometry
    }

    fn stopper(&self) -> Arc<dyn Stopper> {
        Arc::new(RestStopper {
            wire: self.wire.clone(),
            path: self.system.stop_path(),
            calls_off: self.system.offers.has("cancel"),
            button: self.works.button().clone(),
        })
    }

    fn poll(&mut self, ticket: Ticket) -> Result<Progress, HalError> {
        self.settle();
        if self.works.find(ticket).is_some_and(|r| r.what == What::Pattern) {
            return Ok(self.drawing_on());
        }
        self.works.progress(ticket)
    }

    /// Patterns and spots can be ended; a move or a scan under way only where the server calls off single orders. Elsewhere it runs to its
    /// end, and the ticket with it.
    fn cancel(&mut self, ticket: Ticket) -> Result<(), HalError> {
        self.settle();
        self.works.progress(ticket)?;
        let Some(running) = self.works.find(ticket) else {
            return Ok(());
        };
        running.cancelled = true;
        let what = running.what.clone();
        match what {
            What::Pattern => self.end_drawing(),
            _ if self.system.offers.has("cancel") => {
                let order = json!({ "order": self.works.order(ticket.0) });
                self.wire.tell("/bridge/cancel", &order, Wait::Quick).map(drop)
            }
            What::Spot => self
                .wire
                .tell(self.system.stop_path(), &json!({}), Wait::Quick)
                .map(drop),
            _ => Ok(()),
        }
    }

    fn get(&mut self, key: Key) -> Result<Value, HalError> {
        let identity = &self.system.identity;
        Ok(match key {
            Key::Manufacturer => Value::Text(identity.manufacturer.clone()),
            Key::Model => Value::Text(identity.model.clone()),
            Key::SerialNumber => Value::Text(identity.serial_number.clone()),
            Key::SoftwareVersion => Value::Text(identity.software_version.clone()),
            Key::HardwareVersion => Value::Text(identity.hardware_version.clone()),
            Key::StagePosition if self.system.capabilities.stage.is_some() => {
                Value::Position(Box::new(StagePosition::from(Stage::read(self)?.value.pose)))
            }
            Key::StageHomed if self.system.offers.has("home") => Value::Bool(Stage::read(self)?.value.homed),
            Key::StageLinked if self.system.offers.has("home") => Value::Bool(Stage::read(self)?.value.linked),
            Key::ChamberState if self.system.capabilities.chamber.is_some() => {
                Value::Text(Chamber::read(self)?.value.phase.word().to_owned())
            }
            Key::ChamberPressure if self.system.capabilities.chamber.is_some() => {
                Value::Number(Chamber::read(self)?.value.pressure)
            }
            _ => return Err(HalError::unsupported(&format!("readable `{key}` without a beam"))),
        })
    }

    fn set(&mut self, key: Key, _value: &Value) -> Result<Value, HalError> {
        Err(HalError::unsupported(&format!("settable `{key}` without a beam")))
    }

    fn stage(&mut self) -> Option<&mut dyn Stage> {
        self.system.capabilities.stage.as_ref()?;
        Some(self)
    }

    fn beam(&mut self, beam: Beam) -> Option<&mut dyn Column> {
        self.system.capabilities.beam(beam)?;
        Some(self.column(beam))
    }

    fn imaging(&mut self) -> Option<&mut dyn Imaging> {
        Some(self)
    }

    fn chamber(&mut self) -> Option<&mut dyn Chamber> {
        self.system.capabilities.chamber.as_ref()?;
        Some(self)
    }

    fn manipulator(&mut self) -> Option<&mut dyn Manipulator> {
        self.system.capabilities.manipulator.as_ref()?;
        Some(self)
    }

    fn gas(&mut self) -> Option<&mut dyn Gas> {
        self.system.capabilities.gas.as_ref()?;
        Some(self)
    }

    fn milling(&mut self) -> Option<&mut dyn Milling> {
        self.system.capabilities.milling.as_ref()?;
        Some(self)
    }
}

impl Stage for Rest {
    fn read(&mut self) -> Result<Reading<StageState>, HalError> {
        self.settle();
        let (wire, more) = (self.wire.clone(), self.system.offers.has("home"));
        let read = self.position.read(&self.clock, move || bridge::stage(&wire, more))?;
        let (pose, word) = read.value;
        Ok(Reading {
            value: StageState {
                pose,
                moving: self.is_busy(What::moves_stage),
                homed: word.homed,
                linked: word.linked,
            },
            age: read.age,
        })
    }

    fn begin_move(&mut self, target: Pose) -> Result<Ticket, HalError> {
        let stage = self.system.capabilities.stage.as_ref();
        let limits = stage.ok_or_else(|| HalError::unsupported("stage"))?.limits;
        if !target.is_finite() || !limits.contains(&target) {
            return Err(refused(
                format!("{target} is no place this stage can go; nothing moved"),
                "the Movement tab shows the limits",
            ));
        }
        self.settle();
        if self.is_busy(What::moves_stage) {
            return Err(busy("the stage moves"));
        }
        let mut wanted = StagePosition::from(target);
        for axis in Axis::ALL {
            if limits.get(axis).is_none() {
                wanted.set(axis, None);
            }
        }
        let (wire, body) = (self.wire.clone(), self.order_of(json!({ "position": wanted })));
        self.changed();
        Ok(self.works.begin(What::Move(target), None, move || {
            wire.tell("/move_stage_absolute", &body, Wait::Work).map(|_| None)
        }))
    }

    fn begin_home(&mut self) -> Result<Ticket, HalError> {
        self.home()
    }

    fn link(&mut self, on: bool) -> Result<bool, HalError> {
        self.link_stage(on)
    }
}
