//! `segment`: a class for each pixel, as a mask.

use super::super::align::load;
use super::super::exit::{CliError, Exit};
use super::super::options::Globals;
use super::chosen::{Chosen, Eyes};
use super::figure::Figure;
use clap::Args;
use model::{Frame, Pixels};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Segment pictures: write a mask of class ids for each.
///
/// A mask is a plain 8-bit TIFF of the picture's size, NAME_mask.tif beside the picture or in --output, never over an existing file.
#[derive(Args)]
#[command(after_help = "Example:\n  fibdeck segment image_ib.tif --model unet -o masks --json")]
pub struct Segment {
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Folder of the masks.
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    chosen: Chosen,
}

impl Segment {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let eyes = self.chosen.open(globals)?;
        if let Some(folder) = &self.output {
            model::file::ensure_folder(folder).map_err(CliError::failed)?;
        }
        let mut figure = Figure::new(self.chosen.plot.as_deref());
        let ended = super::each(&self.images, globals, |image| self.one(&eyes, image, &mut figure))?;
        figure.save(globals)?;
        Ok(ended)
    }

    fn one(&self, eyes: &Eyes, image: &Path, figure: &mut Figure) -> Result<Value, CliError> {
        let frame = load(image)?;
        let segmented = eyes.segment(&frame)?;
        let classes = segmented.classes().into_iter();
        let classes: Vec<Value> = classes
            .map(|c| json!({ "class_id": c.class, "label": eyes.model.label(c.class), "pixels": c.pixels, "certainty": c.certainty }))
            .collect();
        figure.add(image, &frame, &segmented, &eyes.model, &[]);
        let stem = image.file_stem().unwrap_or_default().to_string_lossy();
        let name = format!("{stem}_mask.tif");
        let path = match &self.output {
            Some(folder) => folder.join(name),
            None => image.with_file_name(name),
        };
        let mask = Frame {
            pixels: Pixels::U8(segmented.labels),
            metadata: None,
        };
        let mask = mask.save(&path).map_err(CliError::failed)?;
        Ok(json!({
            "image": image, "model": eyes.model.name, "backend": eyes.model.backend.name(), "engine": eyes.model.engine,
            "mask": mask, "classes": classes,
        }))
    }
}
