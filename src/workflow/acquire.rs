//! Pictures: one or both beams, a set of reference pictures, the chamber.
//!
//! Settings come from the host (the operator's, per beam) with what a command names laid over them.

use crate::Job;
use crate::contrast::{self, AutoContrast};
use crate::{JobCx, JobError, Keep};
use hal::HalError;
use model::{Beam, ErrorKind, Frame, ImageSettings, Notice, Rect, Severity};
use serde::{Deserialize, Serialize};

/// What a command may say about a picture; what it leaves out is as the operator has set it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PictureOptions {
    /// m.
    pub hfw: Option<f64>,
    /// Pixels of the full frame, w x h.
    pub resolution: Option<(u32, u32)>,
    /// s per pixel.
    #[serde(alias = "dwell")]
    pub dwell_time: Option<f64>,
    pub reduced_area: Option<Rect>,
    pub line_integration: Option<u32>,
    pub frame_integration: Option<u32>,
    pub scan_interlacing: Option<u32>,
    pub drift_correction: Option<bool>,
    /// Set detector contrast and brightness from probe pictures first.
    pub autocontrast: Option<bool>,
    /// Without ending: `_eb` or `_ib` is added.
    pub filename: Option<String>,
    pub save: Option<bool>,
}

impl PictureOptions {
    /// `base` with what is given here in place.
    pub fn over(&self, base: ImageSettings) -> ImageSettings {
        ImageSettings {
            hfw: self.hfw.unwrap_or(base.hfw),
            resolution: self.resolution.unwrap_or(base.resolution),
            dwell_time: self.dwell_time.unwrap_or(base.dwell_time),
            reduced_area: self.reduced_area.or(base.reduced_area),
            line_integration: self.line_integration.or(base.line_integration),
            frame_integration: self.frame_integration.or(base.frame_integration),
            scan_interlacing: self.scan_interlacing.or(base.scan_interlacing),
            drift_correction: self.drift_correction.unwrap_or(base.drift_correction),
            autocontrast: self.autocontrast.unwrap_or(base.autocontrast),
            filename: self.filename.clone().unwrap_or(base.filename),
            save: self.save.unwrap_or(base.save),
            ..base
        }
    }
}

/// Parameters of [`acquire`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Acquire {
    /// Taken in this order.
    pub beams: Vec<Beam>,
    #[serde(flatten)]
    pub options: PictureOptions,
    /// A folder, or a file name ending in .tif. With both beams a file name gets `_eb` and `_ib` from the host.
    pub path: Option<String>,
}

impl Default for Acquire {
    fn default() -> Self {
        Acquire {
            beams: Beam::ALL.to_vec(),
            options: PictureOptions::default(),
            path: None,
        }
    }
}

/// A picture that was taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Picture {
    /// `None` for the chamber camera.
    pub beam: Option<Beam>,
    /// Where it was saved, if it was.
    pub file: Option<String>,
    /// Pixels, w x h.
    pub size: (usize, usize),
    /// m; of the full frame.
    pub hfw: Option<f64>,
    /// m per pixel.
    pub pixel_size: Option<f64>,
    #[serde(skip)]
    pub frame: Frame,
}

impl Picture {
    pub(crate) fn new(frame: Frame, file: Option<String>) -> Picture {
        let metadata = frame.metadata.as_ref();
        Picture {
            beam: metadata.map(|m| m.image.beam_type),
            file,
            size: frame.pixels.size(),
            hfw: metadata.map(|m| m.image.hfw),
            pixel_size: metadata.map(|m| m.pixel_size.x),
            frame,
        }
    }
}

/// What [`acquire`] and [`reference_set`] give.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pictures {
    pub pictures: Vec<Picture>,
}

/// Beam time (s) that [`acquire`] will need, without overheads and without automatic contrast.
pub fn estimate(cx: &JobCx, params: &Acquire) -> f64 {
    params
        .beams
        .iter()
        .map(|beam| settings(cx, *beam, &params.options).beam_time())
        .sum()
}

/// The settings a picture of `beam` will be taken with.
fn settings(cx: &JobCx, beam: Beam, options: &PictureOptions) -> ImageSettings {
    ImageSettings {
        beam_type: beam,
        ..options.over(cx.host.image_settings(beam))
    }
}

/// A picture of each beam named.
pub fn acquire(cx: JobCx, params: Acquire) -> Job<Pictures> {
    Box::pin(async move {
        let beams = beams_there(&cx, &params.beams)?;
        let plan: Vec<ImageSettings> = beams.iter().map(|beam| settings(&cx, *beam, &params.options)).collect();
        take_all(
            &cx,
            &plan,
            &Keep {
                live: false,
                path: params.path,
            },
        )
        .await
    })
}

/// Pictures of these settings, one after the other.
pub(crate) async fn take_all(cx: &JobCx, plan: &[ImageSettings], keep: &Keep) -> Result<Pictures, JobError> {
    let total: f64 = plan.iter().map(ImageSettings::beam_time).sum();
    let (mut done, mut pictures) = (0.0, Vec::new());
    for settings in plan {
        let text = format!(
            "{} picture, {} of {}",
            settings.beam_type.short(),
            pictures.len() + 1,
            plan.len()
        );
        cx.tell(
            Some(if total > 0.0 { done / total } else { 0.0 }),
            Some(total - done),
            &text,
        );
        if settings.autocontrast {
            let area = settings.reduced_area;
            let around = AutoContrast {
                hfw: Some(settings.hfw),
                reduced_area: area,
                ..AutoContrast::of(settings.beam_type)
            };
            match contrast::autocontrast(cx.clone(), around).await {
                // the picture was asked for, whether or not there is something in it to set contrast by
                Err(error) if error.kind == ErrorKind::Doubtful => {
                    cx.host
                        .notice(Notice::new(Severity::Warning, error.what).hint(error.hint));
                }
                other => _ = other?,
            }
        }
        let (frame, file) = cx.frame(settings, keep).await?;
        pictures.push(Picture::new(frame, file));
        done += settings.beam_time();
    }
    Ok(Pictures { pictures })
}

/// Those of `beams` that can be used, or why not.
pub(crate) fn beams_there(cx: &JobCx, beams: &[Beam]) -> Result<Vec<Beam>, JobError> {
    if beams.is_empty() {
        return Err(JobError::new(
            ErrorKind::Usage,
            "no beam was named; no picture was taken",
            "say beam=electron, ion or both",
        ));
    }
    match beams
        .iter()
        .find(|beam| cx.scope().capabilities().beam(**beam).is_none())
    {
        Some(missing) => Err(HalError::unsupported(&format!("{missing} beam")).into()),
        None => Ok(beams.to_vec()),
    }
}

/// Parameters of [`reference_set`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReferenceSet {
    /// Field widths (m), in the order they are taken.
    pub hfw: Vec<f64>,
    pub beams: Vec<Beam>,
    /// First part of the file names.
    pub filename: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The rest of the settings; field width, file name and saving are the set's.
    pub options: PictureOptions,
}

impl Default for ReferenceSet {
    fn default() -> Self {
        ReferenceSet {
            hfw: vec![400e-6, 150e-6],
            beams: Beam::ALL.to_vec(),
            filename: "ref_image".to_owned(),
            path: None,
            options: PictureOptions::default(),
        }
    }
}

/// Pictures at several field widths, always saved: `NAME_low_res_eb`, `NAME_high_res_ib` for two widths, `NAME_res_01_eb` and on
/// for any other number. Source: openFIBSEM `take_set_of_reference_images`, `acquire_set_of_channels`.
pub fn reference_set(cx: JobCx, params: ReferenceSet) -> Job<Pictures> {
    Box::pin(async move {
        let beams = beams_there(&cx, &params.beams)?;
        if params.hfw.is_empty() {
            return Err(JobError::new(
                ErrorKind::Usage,
                "no field width was named; no picture was taken",
                "say hfw=400um,150um",
            ));
        }
        let mut plan = Vec::new();
        for (i, hfw) in params.hfw.iter().enumerate() {
            let suffix = match (params.hfw.len(), i) {
                (2, 0) => "low_res".to_owned(),
                (2, _) => "high_res".to_owned(),
                _ => format!("res_{:02}", i + 1),
            };
            for beam in &beams {
                let filename = format!("{}_{suffix}", params.filename);
                plan.push(ImageSettings {
                    hfw: *hfw,
                    filename,
                    save: true,
                    ..settings(&cx, *beam, &params.options)
                });
            }
        }
        take_all(
            &cx,
            &plan,
            &Keep {
                live: false,
                path: params.path,
            },
        )
        .await
    })
}

/// The chamber camera's newest picture; saved at `path` if one is given.
pub fn chamber(cx: JobCx, path: Option<String>) -> Job<Picture> {
    Box::pin(async move {
        let frame = cx.scope().chamber_picture().await?;
        let (frame, file) = cx.host.frame(frame, &Keep { live: false, path })?;
        Ok(Picture::new(frame, file))
    })
}

/// Refuses to measure with a beam that is off or blanked: its pictures are noise.
pub(crate) async fn beam_is_up(cx: &JobCx, beam: Beam, untouched: &str) -> Result<(), JobError> {
    let state = cx.scope().beam(beam).await?.value;
    let (what, hint) = match state {
        _ if !state.on => ("off", format!("turn it on (beam.on beam={beam})")),
        _ if state.blanked => ("blanked", format!("unblank it (beam.unblank beam={beam})")),
        _ => return Ok(()),
    };
    Err(JobError::new(
        ErrorKind::Interlock,
        format!("the {beam} beam is {what}; {untouched}"),
        hint,
    ))
}

/// The scan size of this instrument nearest to `wanted`, for pictures that only measure.
pub(crate) fn probe_size(cx: &JobCx, beam: Beam, wanted: (u32, u32)) -> (u32, u32) {
    let off = |size: &(u32, u32)| {
        let ratio = |a: u32, b: u32| (f64::from(a.max(1)) / f64::from(b.max(1))).ln().abs();
        ratio(size.0, wanted.0) + ratio(size.1, wanted.1)
    };
    let sizes = cx
        .scope()
        .capabilities()
        .beam(beam)
        .map(|b| b.resolutions.as_slice())
        .unwrap_or_default();
    sizes
        .iter()
        .copied()
        .min_by(|a, b| off(a).total_cmp(&off(b)))
        .unwrap_or(wanted)
}

/// `wanted` (s) as near as the beam's scan generator allows.
pub(crate) fn probe_dwell(cx: &JobCx, beam: Beam, wanted: f64) -> f64 {
    let range = cx.scope().capabilities().beam(beam).map(|b| b.dwell_time);
    range.map_or(wanted, |(low, high)| wanted.max(low).min(high))
}

/// A quick picture to measure on: shown as a live frame, never kept, no integration.
pub(crate) async fn probe(cx: &JobCx, settings: &ImageSettings) -> Result<Frame, JobError> {
    let settings = ImageSettings {
        autocontrast: false,
        save: false,
        path: None,
        line_integration: None,
        frame_integration: None,
        scan_interlacing: None,
        drift_correction: false,
        ..settings.clone()
    };
    Ok(cx.frame(&settings, &Keep { live: true, path: None }).await?.0)
}
