//! Sputter coating: prepare, run, recover; recovered on any exit.

use crate::Job;
use crate::JobCx;
use hal::Act;
use model::SputterStep;
use serde::{Deserialize, Serialize};

/// Parameters of [`sputter`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sputter {
    /// s.
    pub seconds: f64,
}

/// What a coating came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coated {
    pub seconds: f64,
}

/// Coats for a while. A length that the coater refuses is refused before it is prepared.
pub fn sputter(cx: JobCx, params: Sputter) -> Job<Coated> {
    Box::pin(async move {
        let mark = cx.mark();
        cx.owe(
            "the sputter coater",
            vec![Act::Sputter {
                step: SputterStep::Recover,
            }],
        );
        let run = async {
            cx.act(Act::Sputter {
                step: SputterStep::Prepare,
            })
            .await?;
            let step = SputterStep::Run {
                seconds: params.seconds,
            };
            cx.act(Act::Sputter { step }).await
        }
        .await;
        let recovered = cx.put_back(mark).await;
        run?;
        recovered?;
        Ok(Coated {
            seconds: params.seconds,
        })
    })
}
