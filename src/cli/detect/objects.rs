//! `objects`: connected parts with boxes and keypoints.

use super::super::align::load;
use super::super::exit::{CliError, Exit};
use super::super::options::Globals;
use super::chosen::Chosen;
use super::figure::Figure;
use clap::Args;
use model::Pixels;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use vision::model::Model;
use vision::objects::{IGNORED, MIN_PIXELS, Object, objects};
use vision::segment::Segmented;

/// List the objects of pictures, or of masks: connected parts with boxes and keypoints, by the names of openFIBSEM's data sets.
///
/// Its files call the upper edge `bottom_edge` and the lower one `top_edge`; that is kept.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck objects image_ib.tif --model unet --json\n  fibdeck objects mask.tif --mask --plot boxes.png"
)]
pub struct Objects {
    #[arg(required = true, value_name = "IMAGE|MASK")]
    images: Vec<PathBuf>,
    /// The files are masks of class ids already.
    #[arg(long)]
    mask: bool,
    /// Parts of fewer pixels are no objects.
    #[arg(long, default_value_t = MIN_PIXELS, value_name = "N")]
    min_pixels: usize,
    /// Classes that are no objects.
    #[arg(long, value_delimiter = ',', value_name = "IDS", default_values_t = IGNORED.iter().copied())]
    ignore: Vec<u8>,
    /// List every pixel (row, column) of each object too.
    #[arg(long)]
    pixels: bool,
    #[command(flatten)]
    chosen: Chosen,
}

impl Objects {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let eyes = (!self.mask).then(|| self.chosen.open(globals)).transpose()?;
        let mut figure = Figure::new(self.chosen.plot.as_deref());
        let usual = Model::classical();
        let model = eyes.as_ref().map_or(&usual, |eyes| &eyes.model);
        let ended = super::each(&self.images, globals, |image| {
            let frame = load(image)?;
            let segmented = match &eyes {
                Some(eyes) => eyes.segment(&frame)?,
                None => read_mask(image, &frame.pixels)?,
            };
            let found = objects(segmented.labels.view(), &self.ignore, self.min_pixels);
            let list: Vec<Value> = found.iter().map(|o| self.told(o, model)).collect();
            figure.add(image, &frame, &segmented, model, &[]);
            figure.boxes(&found, model);
            Ok(json!({ "image": image, "model": eyes.as_ref().map(|_| &model.name), "objects": list }))
        })?;
        figure.save(globals)?;
        Ok(ended)
    }

    fn told(&self, object: &Object, model: &Model) -> Value {
        let [from, to] = object.bbox();
        let mut told = json!({
            "class": object.class, "label": model.label(object.class), "instance": object.instance, "area": object.area,
            "bbox": [[from.0, from.1], [to.0, to.1]], "keypoints": object.keypoints,
        });
        if self.pixels {
            told["mask"] = object.pixels().map(|(y, x)| json!([y, x])).collect();
        }
        told
    }
}

fn read_mask(file: &Path, pixels: &Pixels) -> Result<Segmented, CliError> {
    match pixels {
        Pixels::U8(labels) => Ok(Segmented::from(labels.clone())),
        Pixels::U16(_) => Err(CliError::failed(format!(
            "{} has 16 bits, and masks have 8; nothing was listed: leave out --mask if it is a picture",
            model::text::printable(&file.display().to_string())
        ))),
    }
}
