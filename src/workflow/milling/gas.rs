//! Gas while the beam draws: the beam deposits instead of milling.

use super::Run;
use crate::restore::Mark;
use crate::{JobError, deposit};
use serde::{Deserialize, Serialize};

/// Which gas flows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnderGas {
    pub gas: Option<String>,
    pub port: Option<String>,
    /// Where a multichem is inserted.
    pub position: Option<String>,
}

/// A gas that flows while it is held; owed on any way out.
pub(super) struct Flow(Option<Mark>);

impl Flow {
    /// Inserts, heats and opens, if this run wants gas.
    pub async fn open(run: &Run<'_>) -> Result<Flow, JobError> {
        let Some(under) = &run.params.gas else {
            return Ok(Flow(None));
        };
        let mark = run.cx.mark();
        deposit::open(
            run.cx,
            under.port.as_deref(),
            under.gas.as_deref(),
            under.position.as_deref(),
        )
        .await?;
        Ok(Flow(Some(mark)))
    }

    /// Closes, cools and retracts.
    pub async fn close(self, run: &Run<'_>) -> Result<(), JobError> {
        match self.0 {
            Some(mark) => run.cx.put_back(mark).await,
            None => Ok(()),
        }
    }
}
