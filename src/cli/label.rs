//! `label`: pictures labelled by hand, in the terminal.

use super::console::{need_terminal, setup};
use super::dataset::{Meaning, failed, features};
use super::detect::library;
use super::exit::{CliError, Exit};
use super::options::Globals;
use clap::Args;
use learn::label::{Desk, Points};
use model::text::printable;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use ui::label::{Assist, Task};
use vision::model::Model;

/// Label pictures by hand: masks with brush, line, polygon, fill and snap, and key points; by keys and by mouse.
///
/// Every stroke is saved as it is done. Masks go into DIR/labels under the pictures' names, key points into DIR/keypoints.csv. Where there is no mask yet, what a
/// detection recorded (DIR/mask) or a model proposes is where one begins; it is in no file until it is confirmed or drawn on.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck label data/train\n  fibdeck label data/train --model unet.onnx --classes segmentation_config.yaml --rgb\n\nIn it ? shows all keys."
)]
pub struct Label {
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The folder of the masks, instead of DIR/labels.
    #[arg(long, value_name = "DIR")]
    masks: Option<PathBuf>,
    /// The table of key points, instead of DIR/keypoints.csv.
    #[arg(long, value_name = "CSV")]
    points: Option<PathBuf>,
    /// A model that proposes masks: a file, a name of `fibdeck model list`, or `classical`.
    #[arg(long, short)]
    model: Option<String>,
    /// Save each mask in the colours of its classes, too: rgb/NAME.png beside it.
    #[arg(long)]
    rgb: bool,
    /// Pass over pictures and masks that cannot be opened or do not fit.
    #[arg(long)]
    skip: bool,
    #[command(flatten)]
    meaning: Meaning,
}

/// Points of these are where the picture or the pointer is, whatever it shows.
const NOT_LABELLED: [&str; 2] = ["ImageCentre", "CoreFeature"];

impl Label {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        need_terminal()?;
        let classes = self.meaning.classes()?;
        let mut desk = Desk::open(&self.folder, self.masks.as_deref(), self.skip).map_err(failed)?;
        if self.rgb {
            desk = desk.with_rgb(classes.clone());
        }
        let points = Points::open(&self.folder, self.points.as_deref()).map_err(failed)?;
        let mut features: Vec<String> = features(globals)?.into_iter().collect();
        features.retain(|name| !NOT_LABELLED.contains(&name.as_str()));
        features.sort();
        let (assist, remark) = match &self.model {
            Some(name) => assist(name, globals)?,
            None => (None, None),
        };
        let task = Task {
            name: printable(&self.folder.display().to_string()),
            desk,
            points,
            features,
            classes,
            assist,
            skip: self.skip,
            remarks: remark.into_iter().collect(),
        };
        ui::label::run(task, &setup(globals)?).map_err(CliError::failed)?;
        Ok(Exit::Done)
    }
}

/// What makes masks, and what people should know about it.
fn assist(name: &str, globals: &Globals) -> Result<(Option<Assist>, Option<String>), CliError> {
    let model = Model::load(&library(globals)?, Some(name), None).map_err(CliError::failed)?;
    let remark = model.remark.clone();
    let assist: Assist = Arc::new(move |picture| {
        let segmented = model.segment(picture.view(), &mut |_| ControlFlow::Continue(()));
        segmented.map(|s| s.labels).map_err(|e| e.to_string())
    });
    Ok((Some(assist), remark))
}
