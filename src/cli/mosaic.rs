//! `mosaic`: one picture of tiles that overlap.

use super::align::load;
use super::exit::{CliError, Exit};
use super::options::Globals;
use super::output;
use clap::Args;
use model::Frame;
use serde_json::json;
use std::path::{Path, PathBuf};
use vision::mosaic::{LayError, laid, reductions};

/// Lay tiles of one beam side by side where the stage was when they were taken, matched by their overlaps and blended.
///
/// An overlap counts only where it is matched with confidence; a tile without one stays where the stage says. Grey values stay as they are,
/// in 8 or 16 bits. What no tile covers is 0. The geometry is that of the instrument chosen with --instrument. Nothing is written
/// over an existing file.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck mosaic tile_*_eb.tif -o overview.tif\n  fibdeck mosaic tile_*_eb.tif -o overview.tif --as-said --pyramid 1024"
)]
pub struct Mosaic {
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The TIFF to write.
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,
    /// Trust the stage: do not match overlaps.
    #[arg(long)]
    as_said: bool,
    /// Also write halves, quarters, ... beside it, until neither side is longer than this (px).
    #[arg(long, value_name = "PX")]
    pyramid: Option<usize>,
}

impl Mosaic {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let geometry = globals.resolve(&globals.paths()?)?.0.geometry();
        let frames = self
            .files
            .iter()
            .map(|file| load(file))
            .collect::<Result<Vec<Frame>, _>>()?;
        let made = laid(&frames, &geometry, !self.as_said).map_err(|error| self.refused(error))?;
        let (width, height) = made.frame.pixels.size();
        let levels = self.pyramid.map(|longest| reductions(&made.frame, longest));
        let mut files = Vec::new();
        for (n, frame) in std::iter::once(made.frame)
            .chain(levels.unwrap_or_default())
            .enumerate()
        {
            let path = match n {
                0 => self.output.clone(),
                n => beside(&self.output, 1 << n),
            };
            let path = frame.save(&path).map_err(|e| CliError::failed(e.to_string()))?;
            files.push(path.display().to_string());
        }
        output::line(&match globals.json {
            true => json!({
                "file": files[0], "levels": files[1..], "tiles": self.files.len(), "width": width, "height": height,
                "moved_px": made.moved,
            })
            .to_string(),
            false => files.join("\n"),
        })?;
        Ok(Exit::Done)
    }

    /// Why there is no mosaic, by the files' names.
    fn refused(&self, error: LayError) -> CliError {
        let name = |n: usize| {
            let file = self.files.get(n).map(|file| file.display().to_string());
            model::text::printable(&file.unwrap_or_default())
        };
        CliError::failed(match error {
            LayError::Unsaid(n) => format!(
                "{} does not say where the stage was, or its pixel size; nothing was written: give pictures that fibdeck or openFIBSEM saved",
                name(n)
            ),
            LayError::Reduced(n) => format!(
                "{} shows a part of its field, and its middle is not where the stage was; nothing was written: give whole pictures",
                name(n)
            ),
            LayError::Unlike(n) => format!(
                "{} was taken with another beam, pixel size, tilt or rotation than {}; nothing was written: give tiles of one overview",
                name(n),
                name(0)
            ),
            LayError::Bits => {
                "the tiles are of 8 and of 16 bits; nothing was written: give tiles of one kind".to_owned()
            }
            LayError::Apart | LayError::Nothing => {
                format!("{error}; nothing was written: give tiles of one overview")
            }
        })
    }
}

fn beside(path: &Path, factor: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}_{factor}.tif"))
}
