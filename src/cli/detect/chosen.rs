//! The model a command line chose, and pictures through it.

use super::super::exit::{CliError, Exit};
use super::super::options::Globals;
use clap::Args;
use model::Frame;
use model::library::Library;
use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use vision::model::{Backend, Model, Step};
use vision::segment::Segmented;

#[derive(Args)]
pub struct Chosen {
    /// A file, a name of `fibdeck model list`, or `classical`, which needs none; as detection.yaml says without it.
    #[arg(long, short)]
    model: Option<String>,
    /// smp, nnunet, onnx or window instead of what the file is taken for; it must fit.
    #[arg(long)]
    backend: Option<String>,
    /// The encoder the checkpoint is expected to have, e.g. resnet34; it says so itself, and another one is refused.
    #[arg(long)]
    encoder: Option<String>,
    /// Write a PNG of what was found; never over an existing file.
    #[arg(long, value_name = "OUT.png")]
    pub plot: Option<PathBuf>,
}

/// A model at work.
pub struct Eyes {
    pub model: Model,
    pub library: Library,
    bar: bool,
}

impl Chosen {
    pub fn open(&self, globals: &Globals) -> Result<Eyes, CliError> {
        let library = library(globals)?;
        let backend = self.backend.as_deref().map(backend).transpose()?;
        let model = Model::load(&library, self.model.as_deref(), backend).map_err(CliError::failed)?;
        if let Some(encoder) = &self.encoder
            && !model.network.is_empty()
            && !model.network.ends_with(encoder.as_str())
        {
            let text = format!(
                "the model is {}, not of the encoder {}; nothing was segmented: leave --encoder out",
                model.network,
                model::text::printable(encoder)
            );
            return Err(CliError::new(Exit::Usage, text));
        }
        if let Some(remark) = model.remark.as_ref().filter(|_| !globals.quiet) {
            eprintln!("fibdeck: {remark}");
        }
        let bar = !globals.quiet && !globals.json && std::io::stderr().is_terminal();
        Ok(Eyes { model, library, bar })
    }
}

pub fn library(globals: &Globals) -> Result<Library, CliError> {
    Library::of(&globals.paths()?).map_err(|e| CliError::new(Exit::Usage, e))
}

fn backend(word: &str) -> Result<Backend, CliError> {
    Backend::ALL.into_iter().find(|b| b.name() == word).ok_or_else(|| {
        let names: Vec<&str> = Backend::ALL.iter().map(|b| b.name()).collect();
        let text = format!(
            "`{}` is no backend: {}; nothing was segmented",
            model::text::printable(word),
            names.join(", ")
        );
        CliError::new(Exit::Usage, text)
    })
}

impl Eyes {
    pub fn segment(&self, frame: &Frame) -> Result<Segmented, CliError> {
        let mut watch = |step: Step| {
            if self.bar && step.of > 1 {
                eprint!("\r\x1b[K{} of {} tiles", step.done, step.of);
                // a bar that cannot be drawn is no loss
                let _ = std::io::stderr().flush();
            }
            ControlFlow::Continue(())
        };
        let segmented = match &frame.pixels {
            model::Pixels::U8(grey) => self.model.segment(grey.view(), &mut watch),
            model::Pixels::U16(grey) => self.model.segment(grey.view(), &mut watch),
        };
        if self.bar {
            eprint!("\r\x1b[K");
        }
        segmented.map_err(CliError::failed)
    }
}
