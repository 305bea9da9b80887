//! openFIBSEM's REST API, as the client of its package 0.5.3 speaks it: same paths, same bodies, same answers.
//!
//! `system`, `stage`, `imaging`, `column`, `milling`: its routes by subject. Where its own server takes nonsense, this refuses with a
//! reason; where it answers wrongly (whether a milling angle was reached, a detector it forgets), this answers what is so.

pub(super) mod column;
pub(super) mod imaging;
pub(super) mod milling;
pub(super) mod stage;
pub(super) mod system;

use super::reply::Refusal;
use super::route::Call;
use crate::command::Command;
use crate::event::Connection;
use hyper::StatusCode;
use model::{Beam, ErrorKind, MicroscopeState, StagePosition};
use serde_json::Value;
use std::sync::Mutex;

/// What openFIBSEM's server remembers between two requests.
#[derive(Default)]
pub(super) struct Memory {
    /// The beam that milling was set up for.
    channel: Mutex<Option<Beam>>,
}

impl Call {
    /// Stage, beams and detectors as read now.
    pub async fn capture(&self) -> Result<MicroscopeState, Refusal> {
        let answer = self.read(Command::new("system.capture")).await?;
        ours(&answer["state"])
    }

    /// Where the stage is.
    pub async fn position(&self) -> Result<StagePosition, Refusal> {
        let command = Command::new("system.get").with("key", "stage_position");
        ours(&self.read(command).await?["value"])
    }

    /// What is connected.
    pub fn connection(&self) -> Result<Connection, Refusal> {
        let snapshot = self.link.snapshot();
        snapshot.connection.clone().ok_or_else(|| {
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                ErrorKind::NotConnected,
                "no instrument is connected; nothing was sent",
                "connect first (system.connect)",
            )
        })
    }
}

/// An answer of the engine as the type it has.
fn ours<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, Refusal> {
    T::deserialize(value).map_err(|e| {
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorKind::Other,
            format!("the engine's answer makes no sense: {e}"),
            "this is a fault of fibdeck: please report it with the log",
        )
    })
}
