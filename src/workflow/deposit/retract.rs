//! Injectors taken out by hand: what a job left in when its way back was forgotten, or somebody else put there.

use crate::Job;
use crate::{JobCx, JobError};
use hal::Act;
use model::{ErrorKind, GasState};
use serde::{Deserialize, Serialize};

/// Parameters of [`retract`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retract {
    /// Which injector; all unless given.
    pub port: Option<String>,
}

/// Closes, cools and takes out, in this order, what is open, warm or in; the gas system as it is then. What fails keeps
/// nothing else in: the first error is told when all was tried.
pub fn retract(cx: JobCx, params: Retract) -> Job<GasState> {
    Box::pin(async move {
        let scope = cx.scope();
        if scope.capabilities().gas.is_none() {
            return Err(hal::HalError::unsupported("gas injection").into());
        }
        let mut ports = scope.gas().await?.value.ports;
        if let Some(wanted) = &params.port {
            let known: Vec<String> = ports.iter().map(|port| port.port.clone()).collect();
            ports.retain(|port| port.port == *wanted);
            if ports.is_empty() {
                return Err(JobError::new(
                    ErrorKind::OutOfRange,
                    format!(
                        "there is no injector `{}`; nothing moved",
                        model::text::printable(wanted)
                    ),
                    format!("one of: {}", known.join(", ")),
                ));
            }
        }
        let mut failed = None;
        for port in &ports {
            let name = || port.port.clone();
            let close = Act::GasValve {
                port: name(),
                open: false,
            };
            let cool = Act::GasHeat {
                port: name(),
                gas: None,
                on: false,
            };
            let out = Act::GasRetract { port: name() };
            for (needed, act) in [(port.open, close), (port.heater, cool), (port.inserted, out)] {
                if !needed {
                    continue;
                }
                if let Err(error) = cx.act(act).await {
                    if error.kind == ErrorKind::Stopped {
                        return Err(error);
                    }
                    failed.get_or_insert(error);
                }
            }
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(cx.scope().gas().await?.value),
        }
    })
}
