//! Coincidence: what is centred in the SEM picture shall be centred in the FIB picture.
//!
//! From a wide field to narrow ones, a picture of each beam is taken, both are brought into one frame and matched part by part
//! (`parts`). What is missing along y is a height error and is corrected by an exact vertical move, which leaves the SEM picture
//! where it is. A field whose pictures cannot be matched is tried once more with automatic contrast; then the result of the field
//! before it stands, with that field's pixel as its uncertainty. Without any, the stage goes back to where it was.

use super::measure::{Measured, RELIEF, doubtful, measure, pixel, rise};
use super::parts::Part;
use super::stand::Stand;
use crate::Job;
use crate::acquire::beam_is_up;
use crate::contrast::{self, AutoContrast};
use crate::{JobCx, JobError};
use model::{Beam, ErrorKind, Notice, Point, Severity, Unit, units};
use serde::{Deserialize, Serialize};

/// Parameters of [`coincidence`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Coincidence {
    /// Field widths (m), wide to narrow: the first must show the error, the last decides how well it is measured.
    pub fields: Vec<f64>,
    /// How far along the sample the first picture is searched (m): less than half the period of a grid, whose bars all look alike;
    /// 63 um for 200 mesh.
    pub search: f64,
    /// Done when what is missing in the FIB picture is less than this (m).
    pub tolerance: f64,
    /// The stage comes no nearer than this (m): what it leaves is not corrected again, at any field. 0: nothing is known of it.
    pub repeatability: f64,
    /// Most pictures pairs per field.
    pub iterations: usize,
    /// Pixels of the pictures, as near as the instrument has them.
    pub resolution: (u32, u32),
    /// s per pixel.
    pub dwell_time: f64,
}

impl Default for Coincidence {
    fn default() -> Self {
        Coincidence {
            fields: vec![400e-6, 200e-6, 80e-6],
            search: 50e-6,
            tolerance: 0.3e-6,
            repeatability: 0.0,
            iterations: 4,
            resolution: (768, 512),
            dwell_time: 1e-6,
        }
    }
}

/// What [`coincidence`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coincident {
    /// Where what is centred in the SEM picture is in the FIB picture at the end, as measured (m, x right, y up).
    pub residual_m: Point,
    /// Height of the sample above the coincidence point at the end, as measured (m).
    pub height_error_m: f64,
    /// The same before the first move.
    pub height_error_before_m: f64,
    /// Picture pairs taken.
    pub iterations: usize,
    pub confidence: f64,
    /// The residual along y, the one a height corrects, is within the tolerance, or as good as the field that was reached can tell.
    pub accepted: bool,
    /// Field width (m) that the residual was measured at: the narrowest that could be matched.
    pub field_m: f64,
    /// How well that field can tell (m in the FIB picture): the tolerance at the narrowest field asked for, else its pixel.
    pub uncertainty_m: f64,
    /// What of the picture was matched. Parts of a sample lie at different heights.
    pub part: Part,
}

/// How far from where a wider field put it the sample may be, besides its relief: pixels of that field.
const SEARCH_PX: f64 = 4.0;
/// Quarters of the picture that must bear out what was matched at one field alone.
const WITNESSES_ALONE: usize = 3;

/// Finds the height error from pictures and corrects it.
pub fn coincidence(cx: JobCx, params: Coincidence) -> Job<Coincident> {
    Box::pin(async move {
        check(&params)?;
        for beam in Beam::ALL {
            beam_is_up(&cx, beam, "nothing moved").await?;
        }
        let start = Stand::read(&cx).await?;
        let detectors = [
            contrast::detector(&cx, Beam::Electron).await?,
            contrast::detector(&cx, Beam::Ion).await?,
        ];
        let result = search(&cx, &params).await;
        let mut restored = Ok(());
        for (beam, before) in Beam::ALL.into_iter().zip(detectors) {
            restored = restored.and(contrast::set(&cx.afterwards(), beam, before).await);
        }
        match result {
            // a measurement in doubt must not leave its moves behind; a stop or an error of the instrument moves nothing more
            Err(error) if matches!(error.kind, ErrorKind::Doubtful | ErrorKind::OutOfRange) => {
                start.go_back(&cx).await?;
                Err(error)
            }
            Ok(found) => restored.map(|()| found),
            Err(error) => Err(error),
        }
    })
}

fn check(params: &Coincidence) -> Result<(), JobError> {
    let search_good = params.search.is_finite() && params.search > 0.0;
    let fields_good = search_good
        && !params.fields.is_empty()
        && params.fields.iter().all(|f| f.is_finite() && *f > 0.0)
        && params.fields.windows(2).all(|f| f[1] < f[0]);
    if fields_good && params.tolerance.is_finite() && params.tolerance > 0.0 && params.iterations > 0 {
        return Ok(());
    }
    Err(JobError::new(
        ErrorKind::Usage,
        "the fields must go from wide to narrow, and search, tolerance and iterations be above 0; nothing moved",
        "leave them out for the defaults: 400um, 200um, 80um; 50um; 0.3um; 4",
    ))
}

/// How a search stands: what it has taken and what it knows.
struct Search<'a> {
    params: &'a Coincidence,
    pairs: usize,
    /// Height error before the first move (m).
    before: Option<f64>,
    /// Least confidence of what was acted on.
    confidence: f64,
    /// How far off the sample can still be (m along it).
    reach: f64,
    /// Quarters of the last picture acted on that bear its match out.
    witnesses: usize,
    /// Automatic contrast is tried once.
    contrast_tried: bool,
}

/// Field by field; the result of the narrowest that could be matched. The first must be: nothing else shows the whole error.
async fn search(cx: &JobCx, params: &Coincidence) -> Result<Coincident, JobError> {
    let mut search = Search {
        params,
        pairs: 0,
        before: None,
        confidence: 1.0,
        reach: params.search,
        witnesses: 0,
        contrast_tried: false,
    };
    let mut reached = search.with_contrast(cx, 0).await?;
    let mut stand = Stand::read(cx).await?;
    let mut failed = None;
    // what no other field confirms needs more witnesses
    let alone = search.witnesses < WITNESSES_ALONE;
    for index in 1..params.fields.len() {
        let known = (search.confidence, search.reach);
        match search.with_contrast(cx, index).await {
            Ok(found) => (reached, stand, failed) = (found, Stand::read(cx).await?, None),
            Err(error) if error.kind == ErrorKind::Doubtful => {
                stand.go_back(cx).await?;
                (search.confidence, search.reach) = known;
                failed = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    if alone && params.fields.first() == Some(&reached.field_m) {
        return Err(failed.unwrap_or_else(|| {
            let reason = "one field alone was measured, and too little of its picture bears the match out";
            doubtful(reason, reached.confidence, None)
        }));
    }
    if let Some(error) = failed {
        cx.host.notice(narrower_failed(&reached, &error));
    }
    Ok(Coincident {
        iterations: search.pairs,
        ..reached
    })
}

fn narrower_failed(found: &Coincident, error: &JobError) -> Notice {
    let width = |m| units::format(m, Unit::Metre);
    let reason = error.data.as_ref().and_then(|data| data["reason"].as_str());
    let reason = reason.unwrap_or(&error.what);
    Notice::new(
        Severity::Warning,
        format!(
            "coincidence is measured at a field of {} only: {} off, within {}",
            width(found.field_m),
            width(found.residual_m.y),
            width(found.uncertainty_m)
        ),
    )
    .detail(format!(
        "the stage stands as that field says; nothing narrower was used: {reason}"
    ))
    .hint("centre a feature that both beams show and run it again, or use the guided alignment")
}

impl Search<'_> {
    /// One field; if it cannot be matched, once more after automatic contrast.
    async fn with_contrast(&mut self, cx: &JobCx, index: usize) -> Result<Coincident, JobError> {
        let failed = match self.at_field(cx, index).await {
            Err(error) if error.kind == ErrorKind::Doubtful && !self.contrast_tried => error,
            other => return other,
        };
        self.contrast_tried = true;
        for beam in Beam::ALL {
            let around = AutoContrast {
                hfw: self.params.fields.get(index).copied(),
                ..AutoContrast::of(beam)
            };
            match contrast::autocontrast(cx.clone(), around).await {
                Ok(_) => {}
                // a picture without signal, a beam blanked meanwhile: what failed first is the better answer
                Err(error) if matches!(error.kind, ErrorKind::Doubtful | ErrorKind::Interlock) => return Err(failed),
                Err(error) => return Err(error),
            }
        }
        self.at_field(cx, index).await
    }

    async fn at_field(&mut self, cx: &JobCx, index: usize) -> Result<Coincident, JobError> {
        let Coincidence { fields, iterations, .. } = self.params;
        let (field, last) = (fields[index], index + 1 == fields.len());
        let pixel = pixel(cx, self.params, field);
        // a wide field cannot do better than a part of its pixel
        let enough = if last { self.params.tolerance } else { pixel };
        let enough = enough.max(self.params.repeatability);
        let parts = match index {
            0 => Part::WIDE,
            _ if last => Part::NARROW,
            _ => Part::BETWEEN,
        };
        let mut parts = parts.to_vec();
        let mut before = f64::INFINITY;
        for round in 1..=*iterations {
            cx.progress(
                (index as f64 + (round - 1) as f64 / *iterations as f64) / fields.len() as f64,
                &format!("coincidence at {}, pair {round}", units::format(field, Unit::Metre)),
            );
            self.pairs += 1;
            let found = measure(cx, self.params, field, self.reach, &parts).await?;
            self.confidence = self.confidence.min(found.confidence);
            let height_before = *self.before.get_or_insert(found.height_error);
            self.reach = SEARCH_PX * pixel + RELIEF;
            let off = found.residual.y.abs();
            if off <= enough {
                self.witnesses = found.witnesses;
                return Ok(found.result(height_before, self.pairs, self.confidence, enough));
            }
            if off > before || round == *iterations {
                return Err(not_converging(&found, self.pairs, enough));
            }
            before = off;
            parts = vec![found.part];
            rise(cx, &found).await?;
        }
        Err(doubtful("no pictures were taken", 0.0, None))
    }
}

fn not_converging(found: &Measured, iterations: usize, tolerance: f64) -> JobError {
    let reason = format!(
        "after {iterations} pairs the FIB picture is still {} off, more than {}",
        units::format(found.residual.y, Unit::Metre),
        units::format(tolerance, Unit::Metre)
    );
    doubtful(&reason, found.confidence, Some(found))
}
