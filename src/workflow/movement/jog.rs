//! One step of jogging.

use super::{Moved, StableMove, VerticalMove, relative, stable_move, vertical_move};
use crate::Job;
use crate::JobCx;
use model::{Axis, Beam, StagePosition};
use serde::{Deserialize, Serialize};

/// A step along a raw axis, along the sample as a beam sees it, or up and down.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Jog {
    /// Raw axis, m or rad.
    Axis { axis: Axis, step: f64 },
    /// Centre what is this far from the picture's centre (m, x right, y up).
    Picture { beam: Beam, dx: f64, dy: f64 },
    /// The same in the ion picture, by height alone (exact).
    Vertical { dy: f64 },
}

pub fn jog(cx: JobCx, step: Jog) -> Job<Moved> {
    Box::pin(async move {
        match step {
            Jog::Axis { axis, step } => relative(cx, StagePosition::default().with(axis, step)).await,
            Jog::Picture { beam, dx, dy } => {
                stable_move(
                    cx,
                    StableMove {
                        dx,
                        dy,
                        beam,
                        static_wd: false,
                    },
                )
                .await
            }
            Jog::Vertical { dy } => {
                vertical_move(
                    cx,
                    VerticalMove {
                        dy,
                        dx: 0.0,
                        exact: true,
                    },
                )
                .await
            }
        }
    })
}
