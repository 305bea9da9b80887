//! Gas injection and sputtering: what is inserted, heated and open.

use serde::{Deserialize, Serialize};

/// One injector as read. A multichem has one port with several gases; a standard system a port per gas.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GasPortState {
    pub port: String,
    pub inserted: bool,
    /// Where it is inserted, on a multichem.
    pub position: Option<String>,
    /// The gas whose crucible is warm or warming.
    pub gas: Option<String>,
    pub heater: bool,
    /// Of the crucible, K.
    pub temperature: f64,
    /// Gas flows.
    pub open: bool,
}

/// The gas system as read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GasState {
    pub ports: Vec<GasPortState>,
    /// Seconds the sputter coater still runs; none while it does not.
    pub sputtering: Option<f64>,
    /// The coater is in its working position (`prepare` was done, `recover` not yet).
    pub sputter_ready: bool,
}

impl GasState {
    pub fn port(&self, name: &str) -> Option<&GasPortState> {
        self.ports.iter().find(|p| p.port == name)
    }

    /// Any injector near the sample.
    pub fn inserted(&self) -> bool {
        self.ports.iter().any(|p| p.inserted)
    }

    /// Any valve open.
    pub fn open(&self) -> bool {
        self.ports.iter().any(|p| p.open)
    }
}

/// A crucible at or above this temperature (K) gives gas.
pub const WARM: f64 = 300.0;

/// What the sputter coater can be told.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum SputterStep {
    Prepare,
    /// s.
    Run {
        seconds: f64,
    },
    Recover,
}
