//! `dataset to-nnunet` and `from-nnunet`.

use super::super::exit::{CliError, Exit};
use super::super::options::Globals;
use super::{chosen, failed, open, tell};
use clap::{Args, ValueEnum};
use learn::classes::Classes;
use learn::dataset;
use learn::nnunet::{self, Converted};
use serde_json::json;
use std::path::PathBuf;

/// Write a dataset as nnU-Net v2 expects it: files copied, `dataset.json` beside them.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck dataset to-nnunet data -o nnUNet_raw/Dataset007_lamella --label-map labels.txt\n  fibdeck dataset to-nnunet --data-path images --label-path masks --nnunet-data-path nnUNet_raw/lamella"
)]
pub struct ToNnunet {
    /// The dataset; test pictures become imagesTs.
    #[arg(conflicts_with = "data_path", required_unless_present = "data_path")]
    folder: Option<PathBuf>,
    /// Folder of pictures, instead of a dataset.
    #[arg(long, value_name = "DIR", requires = "label_path")]
    data_path: Option<PathBuf>,
    /// Folder of their masks.
    #[arg(long, value_name = "DIR", requires = "data_path")]
    label_path: Option<PathBuf>,
    /// Where it is written; a name that does not begin with `Dataset` becomes `DatasetNNN_NAME`.
    #[arg(long, short = 'o', alias = "output", value_name = "DIR")]
    nnunet_data_path: PathBuf,
    /// Names of the labels: a text file, one a line, the background first; or segmentation_config.yaml.
    #[arg(long, value_name = "FILE")]
    label_map: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Filetype::Tif)]
    filetype: Filetype,
    /// Leave out pictures that cannot be learnt from.
    #[arg(long)]
    skip: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Filetype {
    #[value(alias = ".tif")]
    Tif,
    #[value(alias = ".png")]
    Png,
}

/// Take an nnU-Net dataset in: pictures, masks, and its labels as segmentation_config.yaml.
#[derive(Args)]
pub struct FromNnunet {
    /// `DatasetNNN_NAME`, with its dataset.json.
    folder: PathBuf,
    /// The dataset's folder.
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
}

impl ToNnunet {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let dataset = match (&self.data_path, &self.label_path) {
            (Some(images), Some(labels)) => dataset::Dataset::of(images, labels).map_err(failed)?,
            _ => open(self.folder.as_ref(), globals)?,
        };
        let names = self.label_map.as_ref().map(|path| {
            let is_yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
            if is_yaml {
                Classes::load(path)
            } else {
                nnunet::label_map(path)
            }
        });
        let names = names.transpose().map_err(failed)?;
        // any class may occur here: nnU-Net learns what it is given
        let any = Classes::first(256);
        let check = dataset::check(&dataset, &any, &chosen::features(globals)?);
        let samples = dataset::usable(&dataset, &check, self.skip).map_err(failed)?;
        let ending = match self.filetype {
            Filetype::Tif => "tif",
            Filetype::Png => "png",
        };
        let made = nnunet::export(&dataset, &samples, names.as_ref(), ending, &self.nnunet_data_path);
        let made = made.map_err(failed)?;
        done(&made, globals)?;
        if !globals.quiet && !globals.json {
            eprintln!(
                "fibdeck: next, with nnUNet_raw, nnUNet_preprocessed and nnUNet_results set:\n  nnUNetv2_plan_and_preprocess -d {0} \
                 --verify_dataset_integrity\n  nnUNetv2_train {0} 2d all",
                made.id
            );
        }
        Ok(Exit::Done)
    }
}

impl FromNnunet {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let made = nnunet::import(&self.folder, &self.output).map_err(failed)?;
        done(&made, globals)?;
        Ok(Exit::Done)
    }
}

fn done(made: &Converted, globals: &Globals) -> Result<(), CliError> {
    tell(
        globals,
        &json!({ "folder": made.folder, "id": made.id, "train": made.train, "test": made.test, "remarks": made.remarks }),
    )
}
