//! Where the stage stands and the ion beam is focused, since moves of height change both.

use crate::movement::absolute;
use crate::{JobCx, JobError};
use model::{Beam, Key, Pose, Value};

/// Where an alignment by the stage starts from, to come back to.
pub(super) struct Stand {
    pub pose: Pose,
    /// `None` where there is no ion beam.
    ion_focus: Option<Value>,
}

impl Stand {
    pub async fn read(cx: &JobCx) -> Result<Stand, JobError> {
        Ok(Stand {
            pose: cx.pose().await?,
            ion_focus: ion_focus(cx).await?,
        })
    }

    pub async fn go_back(&self, cx: &JobCx) -> Result<(), JobError> {
        if cx.pose().await? != self.pose {
            absolute(cx.clone(), self.pose.into()).await?;
        }
        if let Some(focus) = &self.ion_focus
            && ion_focus(cx).await?.as_ref() != Some(focus)
        {
            cx.set(Beam::Ion, Key::WorkingDistance, focus.clone()).await?;
        }
        Ok(())
    }
}

async fn ion_focus(cx: &JobCx) -> Result<Option<Value>, JobError> {
    if cx.scope().capabilities().beam(Beam::Ion).is_none() {
        return Ok(None);
    }
    Ok(Some(cx.scope().get(Key::WorkingDistance, Some(Beam::Ion)).await?))
}
