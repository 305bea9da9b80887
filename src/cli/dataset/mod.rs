//! `dataset`: recorded and labelled pictures, as training and evaluation take them.
//!
//! Without a folder it is that of recorded detections. Here what all its commands share; one file each for what is more than a few lines.

mod chosen;
mod nnunet;
mod show;
mod synth;

use super::detect::library;
use super::exit::{CliError, Exit};
use super::options::Globals;
use super::output;
use chosen::Chosen;
pub use chosen::{Meaning, features};
use clap::{Args, Subcommand};
use learn::LearnError;
use learn::dataset::{self, Add, Added, By, Check, Dataset, Keep};
use learn::picture::Fit;
use model::text::printable;
use serde_json::{Value, json};
use std::io::IsTerminal;
use std::path::PathBuf;

/// Labelled pictures: take in, make from the twin, look through, check, split into train and test, convert.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Datasets {
    #[command(subcommand)]
    verb: DatasetVerb,
}

const EXAMPLES: &str = "Examples:
  fibdeck dataset show                                  what detections recorded
  fibdeck dataset show data --beam ion --corrected --list --plot look.png
  fibdeck dataset add *.tif --to data --masks masks
  fibdeck dataset synth made --count 500 --seed 1        labelled pictures of the twin, to learn from
  fibdeck dataset check data --classes segmentation_config.yaml
  fibdeck dataset split -o data                         corrected pictures to data/train, correct ones to data/test
  fibdeck dataset split pictures -o data --test 0.2";

#[derive(Subcommand)]
enum DatasetVerb {
    Add(Taken),
    Show(show::Show),
    Check(Checked),
    Split(Parted),
    ToNnunet(nnunet::ToNnunet),
    FromNnunet(nnunet::FromNnunet),
    Synth(synth::Synth),
}

/// Take pictures in: grey, 8 bits, sides that are multiples of 32, metadata kept; never over a file, never the same pixels twice.
#[derive(Args)]
struct Taken {
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<PathBuf>,
    /// The dataset's folder; made where it is not there.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Folder of their masks, by the pictures' names.
    #[arg(long, value_name = "DIR")]
    masks: Option<PathBuf>,
    /// How sides become multiples of 32: at the right and the bottom.
    #[arg(long, value_enum, default_value_t = Sides::Crop)]
    fit: Sides,
    #[command(flatten)]
    meaning: Meaning,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Sides {
    Crop,
    Pad,
}

/// Name everything wrong: damaged files, masks of another size, unknown classes, lines that were cut off, pictures that occur twice.
///
/// Ends with 1 where a picture cannot be learnt from.
#[derive(Args)]
struct Checked {
    folder: Option<PathBuf>,
    #[command(flatten)]
    meaning: Meaning,
}

/// Split into train and test, as openFIBSEM's active learning does: pictures that a person corrected are learnt from, correct ones tested with.
#[derive(Args)]
struct Parted {
    folder: Option<PathBuf>,
    /// Where `train` and `test` are made.
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// Instead: this share of the pictures, chosen by --seed, is tested with.
    #[arg(long, value_name = "SHARE")]
    test: Option<f64>,
    /// Move the files; without it they are copied.
    #[arg(long = "move")]
    moved: bool,
    /// Leave out pictures that cannot be learnt from; without it they end the command before anything is done.
    #[arg(long)]
    skip: bool,
    #[command(flatten)]
    chosen: Chosen,
    #[command(flatten)]
    meaning: Meaning,
}

impl Datasets {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        match &self.verb {
            DatasetVerb::Add(taken) => taken.run(globals),
            DatasetVerb::Show(show) => show.run(globals),
            DatasetVerb::Check(checked) => checked.run(globals),
            DatasetVerb::Split(parted) => parted.run(globals),
            DatasetVerb::ToNnunet(to) => to.run(globals),
            DatasetVerb::FromNnunet(from) => from.run(globals),
            DatasetVerb::Synth(synth) => synth.run(globals),
        }
    }
}

/// An error of the dataset's side: what makes no sense is a matter of usage.
pub fn failed(error: LearnError) -> CliError {
    match error {
        LearnError::Refused(_) => CliError::new(Exit::Usage, error),
        error => CliError::failed(error),
    }
}

/// Opens a folder, or that of recorded detections.
fn open(folder: Option<&PathBuf>, globals: &Globals) -> Result<Dataset, CliError> {
    let folder = match folder {
        Some(folder) => folder.clone(),
        None => library(globals)?.ml,
    };
    Dataset::open(&folder).map_err(failed)
}

fn tell(globals: &Globals, told: &Value) -> Result<(), CliError> {
    output::line(&if globals.json {
        told.to_string()
    } else {
        ui::plain(told)
    })
}

impl Taken {
    fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let options = Add {
            fit: match self.fit {
                Sides::Crop => Fit::Crop,
                Sides::Pad => Fit::Pad,
            },
            masks: self.masks.clone(),
            classes: self.meaning.classes()?,
        };
        let added = dataset::add(&self.to, &self.images, &options).map_err(failed)?;
        let mut errors = 0;
        for (image, added) in self.images.iter().zip(&added) {
            match added {
                Ok(Added::As(file, remarks)) => {
                    let told = json!({ "image": image, "file": file, "remarks": remarks });
                    tell(globals, &told)?;
                }
                Ok(Added::Known) if globals.json => tell(globals, &json!({ "image": image, "file": null }))?,
                Ok(Added::Known) if globals.quiet => {}
                Ok(Added::Known) => eprintln!("fibdeck: {}: is in it already", printable(&image.display().to_string())),
                Err(error) => {
                    eprintln!("fibdeck: {error}");
                    errors += 1;
                }
            }
        }
        Ok(match errors {
            0 => Exit::Done,
            n if n < added.len() => Exit::Partly,
            _ => Exit::Failed,
        })
    }
}

impl Checked {
    fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let dataset = open(self.folder.as_ref(), globals)?;
        let check = dataset::check(&dataset, &self.meaning.classes()?, &chosen::features(globals)?);
        let spoiled = (0..dataset.samples.len()).filter(|i| check.is_spoiled(*i)).count();
        if globals.json {
            let one = |p: &dataset::Problem| json!({ "file": p.path, "problem": printable(&p.fault.to_string()), "unfit": p.fault.spoils() });
            let problems: Vec<Value> = check.problems.iter().map(one).collect();
            let told = json!({ "folder": dataset.folder, "pictures": dataset.samples.len(), "unfit": spoiled, "problems": problems });
            output::line(&told.to_string())?;
        } else {
            for problem in &check.problems {
                output::line(&problem.to_string())?;
            }
            let fit = dataset.samples.len() - spoiled;
            output::line(&format!(
                "{fit} of {} pictures can be learnt from",
                dataset.samples.len()
            ))?;
        }
        Ok(if spoiled == 0 { Exit::Done } else { Exit::Failed })
    }
}

impl Parted {
    fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let mut dataset = open(self.folder.as_ref(), globals)?;
        self.chosen.filter().keep(&mut dataset);
        if self.moved && !globals.yes && !std::io::stdin().is_terminal() {
            let text = "--move takes the files out of their folder; nothing was moved: add --yes, or leave --move out";
            return Err(CliError::new(Exit::Usage, text));
        }
        if self.moved && !globals.yes && !confirmed(dataset.samples.len())? {
            return Err(CliError::new(Exit::Usage, "nothing was moved"));
        }
        let check = dataset::check(&dataset, &self.meaning.classes()?, &chosen::features(globals)?);
        let samples = dataset::usable(&dataset, &check, self.skip).map_err(failed)?;
        let by = match self.test {
            Some(test) => By::Share {
                test,
                seed: globals.seed.unwrap_or(0),
            },
            None => By::Corrections,
        };
        let keep = if self.moved { Keep::Move } else { Keep::Copy };
        let made = dataset::split(&dataset, &samples, by, &self.output, keep).map_err(failed)?;
        let left_out = left_out(&dataset, &check);
        tell(
            globals,
            &json!({
                "output": self.output, "train": made.train.len(), "test": made.test.len(),
                "twins_left_out": left_out.0, "unfit_left_out": left_out.1, "unknown_left_out": made.unknown,
            }),
        )?;
        Ok(Exit::Done)
    }
}

/// Pictures that have the pixels of another, and pictures that cannot be learnt from.
fn left_out(dataset: &Dataset, check: &Check) -> (Vec<String>, Vec<String>) {
    let names = |test: &dyn Fn(usize) -> bool| {
        let left = dataset.samples.iter().enumerate().filter(|(i, _)| test(*i));
        left.map(|(_, sample)| sample.name.clone()).collect()
    };
    (names(&|i| check.is_twin(i)), names(&|i| check.is_spoiled(i)))
}

fn confirmed(count: usize) -> Result<bool, CliError> {
    eprint!("Move up to {count} pictures with their masks? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(CliError::failed)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
