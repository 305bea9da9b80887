//! A picture to align to, and how far another lies from it.

use crate::{JobCx, JobError};
use model::{Beam, ErrorKind, Frame, ImageSettings};
use serde_json::json;
use std::path::PathBuf;
use vision::register::{Method, Options, Registration, register_blurred};

/// A reference picture, of a file or else the beam's last, and the settings to repeat it with.
pub(super) async fn of(cx: &JobCx, file: Option<PathBuf>, beam: Beam) -> Result<(Frame, ImageSettings), JobError> {
    let frame = match file {
        Some(path) => {
            let name = model::text::printable(&path.display().to_string());
            cx.compute(move || Frame::load(&path))
                .await?
                .map_err(|e| {
                    JobError::new(
                        ErrorKind::File,
                        format!("the reference {name} was not read: {e}; nothing was changed"),
                        "name a TIFF picture",
                    )
                })?
                .frame
        }
        None => cx.scope().last_frame(beam).await?.ok_or_else(|| {
            let what = format!("there is no {} picture to align to; nothing was changed", beam.short());
            JobError::new(ErrorKind::Usage, what, "take one first, or name reference=FILE")
        })?,
    };
    let Some(metadata) = frame.metadata.as_ref() else {
        return Err(JobError::new(
            ErrorKind::Usage,
            "the reference has no metadata, so its beam and field are not known; nothing was changed",
            "use a picture that fibdeck or openFIBSEM saved",
        ));
    };
    let settings = ImageSettings {
        autocontrast: false,
        save: false,
        path: None,
        ..metadata.image.clone()
    };
    Ok((frame, settings))
}

/// How far a picture lies off, and whether to believe it; see [`register_blurred`].
pub(super) async fn measure(
    cx: &JobCx,
    reference: &Frame,
    picture: &Frame,
    method: Method,
    limit_px: Option<f64>,
    blur: f64,
) -> Result<(Registration, f64), JobError> {
    let (reference, picture) = (reference.pixels.to_f32(), picture.pixels.to_f32());
    let options = Options {
        limit_px,
        ..Options::default()
    };
    cx.compute(move || register_blurred([&reference, &picture], method, &options, blur))
        .await?
        .map_err(|e| {
            JobError::new(
                ErrorKind::Usage,
                format!("{e}; nothing was shifted"),
                "use a reference of the size the beam scans now",
            )
        })
}

/// What a refusal says of it.
pub(super) fn figures(found: &Registration, pixel: f64, reason: &str) -> serde_json::Value {
    json!({
        "dx_px": found.dx_px, "dy_px": found.dy_px, "dx_m": found.dx_px * pixel, "dy_m": found.dy_px * pixel,
        "confidence": found.confidence, "method": found.method, "accepted": false, "reason": reason,
    })
}
