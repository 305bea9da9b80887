//! What commands on datasets take alike: which pictures, and what classes and features there are.

use super::super::detect::library;
use super::super::exit::{CliError, Exit};
use super::super::options::Globals;
use clap::{Args, ValueEnum};
use learn::classes::Classes;
use learn::dataset::{Filter, Part};
use model::Beam;
use std::collections::HashSet;
use std::path::PathBuf;

#[derive(Args)]
pub struct Chosen {
    /// Only pictures of this part.
    #[arg(long, value_enum)]
    part: Option<Half>,
    /// Only pictures with this in their name.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Only pictures in which this feature was looked for.
    #[arg(long)]
    feature: Option<String>,
    /// Only pictures that a model with this in its name looked at.
    #[arg(long, value_name = "TEXT")]
    checkpoint: Option<String>,
    /// Only pictures of this beam.
    #[arg(long, value_enum)]
    beam: Option<By>,
    /// Only pictures that a person corrected.
    #[arg(long, conflicts_with = "correct")]
    corrected: bool,
    /// Only pictures that nobody corrected.
    #[arg(long)]
    correct: bool,
    /// Only pictures with this class in their mask.
    #[arg(long, value_name = "ID")]
    class: Option<u8>,
    /// Only pictures without a mask.
    #[arg(long)]
    unlabelled: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Half {
    Train,
    Test,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    Electron,
    Ion,
}

impl Chosen {
    pub fn filter(&self) -> Filter {
        let corrected = self.corrected || self.correct;
        Filter {
            part: self.part.map(|part| match part {
                Half::Train => Part::Train,
                Half::Test => Part::Test,
            }),
            name: self.name.clone(),
            feature: self.feature.clone(),
            checkpoint: self.checkpoint.clone(),
            beam: self.beam.map(|beam| match beam {
                By::Electron => Beam::Electron,
                By::Ion => Beam::Ion,
            }),
            corrected: corrected.then_some(self.corrected),
            class: self.class,
            masked: self.unlabelled.then_some(false),
        }
    }
}

#[derive(Args)]
pub struct Meaning {
    /// The classes there are: openFIBSEM's segmentation_config.yaml; without it the usual ones.
    #[arg(long, value_name = "YAML")]
    classes: Option<PathBuf>,
}

impl Meaning {
    pub fn classes(&self) -> Result<Classes, CliError> {
        let loaded = self.classes.as_deref().map(Classes::load);
        Ok(loaded.transpose().map_err(super::failed)?.unwrap_or_default())
    }
}

/// Names that points may have.
pub fn features(globals: &Globals) -> Result<HashSet<String>, CliError> {
    let settings = library(globals)?.settings;
    let own = vision::features::own(&settings.features).map_err(|e| CliError::new(Exit::Usage, e))?;
    Ok(vision::features::known(&own).map(|f| f.name.to_string()).collect())
}
