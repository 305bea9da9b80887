//! Charge neutralisation: quick scans that let a charged sample come to rest, then the picture that was wanted.
//!
//! Source: openFIBSEM's auto_charge_neutralisation: ten electron pictures of 768x512 at 200 ns, the field of the wanted one, no
//! automatic contrast, nothing saved. Its lift-out does the same with the ion beam to charge on purpose.

use crate::Job;
use crate::acquire::{Acquire, Pictures, acquire, beam_is_up, probe, probe_dwell, probe_size};
use crate::{JobCx, JobError};
use model::{Beam, ErrorKind, ImageSettings};
use serde::{Deserialize, Serialize};

/// Size and dwell time (s) of a quick scan.
const SCAN: (u32, u32) = (768, 512);
const DWELL: f64 = 200e-9;
const MOST: u32 = 1000;

/// Parameters of [`neutralise`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Neutralise {
    /// Quick scans.
    pub iterations: u32,
    /// The beam of the quick scans.
    pub with: Beam,
    /// The picture that is wanted.
    pub picture: Acquire,
}

impl Default for Neutralise {
    fn default() -> Self {
        Neutralise {
            iterations: 10,
            with: Beam::Electron,
            picture: Acquire {
                beams: vec![Beam::Electron],
                ..Acquire::default()
            },
        }
    }
}

/// Scans the field of the wanted picture quickly, then takes it.
pub fn neutralise(cx: JobCx, params: Neutralise) -> Job<Pictures> {
    Box::pin(async move {
        if !(1..=MOST).contains(&params.iterations) {
            return Err(JobError::new(
                ErrorKind::OutOfRange,
                format!(
                    "{} quick scans are not possible; nothing was scanned",
                    params.iterations
                ),
                format!("1 to {MOST}"),
            ));
        }
        beam_is_up(&cx, params.with, "nothing was scanned").await?;
        let first = params.picture.beams.first().copied().unwrap_or(params.with);
        let wanted = params.picture.options.over(cx.host.image_settings(first));
        let quick = ImageSettings {
            beam_type: params.with,
            hfw: wanted.hfw,
            resolution: probe_size(&cx, params.with, SCAN),
            dwell_time: probe_dwell(&cx, params.with, DWELL),
            reduced_area: None,
            ..cx.host.image_settings(params.with)
        };
        for n in 0..params.iterations {
            let done = f64::from(n) / f64::from(params.iterations + 1);
            cx.progress(done, &format!("quick scan {} of {}", n + 1, params.iterations));
            probe(&cx, &quick).await?;
        }
        acquire(cx, params.picture).await
    })
}
