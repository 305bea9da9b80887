//! `align`: the shift between two pictures.

use super::exit::{CliError, Exit};
use super::options::Globals;
use super::output;
use clap::Args;
use model::Frame;
use serde_json::json;
use std::path::{Path, PathBuf};
use vision::register::{Method, Options, register};

/// Measure the shift between two pictures; refuses when unsure (exit 3).
///
/// The shift is the displacement of NEW against REF: dx to the right, dy down.
#[derive(Args)]
#[command(after_help = "Example:\n  fibdeck align before_ib.tif after_ib.tif --json")]
pub struct Align {
    reference: PathBuf,
    new: PathBuf,
    /// cross-correlation or phase-correlation.
    #[arg(long, default_value = "cross-correlation")]
    method: String,
}

impl Align {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let method: Method = serde_json::from_value(json!(self.method)).map_err(|_| {
            CliError::new(
                Exit::Usage,
                format!(
                    "`{}` is no method: cross-correlation or phase-correlation",
                    model::text::printable(&self.method)
                ),
            )
        })?;
        let (reference, new) = (load(&self.reference)?, load(&self.new)?);
        let pixel = new.metadata.as_ref().map(|m| m.pixel_size.x);
        let found = register(
            reference.pixels.to_f32().view(),
            new.pixels.to_f32().view(),
            method,
            &Options::default(),
        )
        .map_err(|e| CliError::new(Exit::Refused, format!("{e}; no shift was measured")))?;
        let metres = |px: f64| pixel.map(|p| px * p);
        let mut result = json!({
            "dx_px": found.dx_px, "dy_px": found.dy_px,
            "dx_m": metres(found.dx_px), "dy_m": metres(found.dy_px),
            "confidence": found.confidence, "method": self.method, "accepted": found.accepted,
        });
        if let Some(reason) = &found.reason {
            result["reason"] = json!(reason);
        }
        output::line(&if globals.json {
            result.to_string()
        } else {
            ui::plain(&result)
        })?;
        Ok(if found.accepted { Exit::Done } else { Exit::Refused })
    }
}

pub fn load(path: &Path) -> Result<Frame, CliError> {
    Frame::load(path)
        .map(|loaded| loaded.frame)
        .map_err(|e| CliError::failed(format!("{}: {e}", model::text::printable(&path.display().to_string()))))
}
