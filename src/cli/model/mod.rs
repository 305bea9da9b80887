//! `model`: the models on this computer, and what computes them.
//!
//! `pull` is the only one that uses the network, and only when told; `runtime` puts a native library in place, from a file; `wheel` takes it
//! out of a Python package. Everything that comes into the folder gets a card and is never written over another file.

mod pull;
mod runtime;
mod wheel;

use super::detect::library;
use super::exit::{CliError, Exit};
use super::options::Globals;
use super::output;
use clap::{Args, Subcommand};
use model::carried::{CARRIED, Carried, Place};
use model::file::{self, Durability};
use model::library::{Card, Library, sha256};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use vision::model::{Folder, LoadError, Model, Norm, Options, convert};

/// Segmentation models: list, convert, fetch, check; and the native runtime.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Models {
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "Examples:
  fibdeck model convert openfibsem-baseline-34.pt --encoder resnet34 -o baseline.onnx
  fibdeck model pull patrickcleeve/openfibsem-baseline openfibsem-baseline-34.pt
  fibdeck model pull patrickcleeve/autolamella autolamella-mega-20240107.pt --from downloads/autolamella-mega-20240107.pt
  fibdeck model runtime --from onnxruntime-1.20.1-cp311-cp311-manylinux_2_28_x86_64.whl";

#[derive(Subcommand)]
enum Verb {
    /// The models of the folder, with what their cards say.
    List,
    /// What a model is and how it would be run.
    Info {
        /// A file, or a name of the list.
        model: String,
    },
    Convert(Convert),
    Pull(pull::Pull),
    /// Check models: still the bytes of their card, loaded, and run on an empty picture.
    Verify {
        /// All of the folder without any.
        models: Vec<String>,
    },
    Runtime(runtime::RuntimeArgs),
}

/// Turn a checkpoint into an ONNX file that any runtime reads; never over an existing file.
///
/// Nothing that a checkpoint holds is run: only tensors and plain containers are read. A folder of SAM becomes two files, -encoder and
/// -decoder.
#[derive(Args)]
struct Convert {
    /// A PyTorch checkpoint (.pt, .pth), safetensors, or a folder of the transformers library.
    checkpoint: PathBuf,
    /// The encoder that is expected; the checkpoint says which it has, and another one is refused.
    #[arg(long)]
    encoder: Option<String>,
    /// The ONNX file to write; into the folder of models without it.
    #[arg(long, short, value_name = "OUT.onnx")]
    output: Option<PathBuf>,
}

impl Models {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let library = library(globals)?;
        match &self.verb {
            Verb::List => list(&library, globals),
            Verb::Info { model } => info(&library, model, globals),
            Verb::Convert(convert) => convert.run(&library, globals),
            Verb::Pull(pull) => pull.run(&library, globals),
            Verb::Verify { models } => verify(&library, models, globals),
            Verb::Runtime(runtime) => runtime.run(&library, globals),
        }
    }
}

/// Data as one JSON line, or as text.
fn tell(globals: &Globals, value: &Value) -> Result<(), CliError> {
    output::line(&if globals.json {
        value.to_string()
    } else {
        ui::plain(value)
    })
}

/// Repositories that people use, for a folder that is empty.
const SUGGESTED: &[&str] = &["patrickcleeve/openfibsem-baseline", "patrickcleeve/autolamella"];

fn list(library: &Library, globals: &Globals) -> Result<Exit, CliError> {
    let entries = library.list();
    let carried: Vec<Value> = CARRIED
        .iter()
        .map(
            |model| json!({ "name": model.name, "bytes": model.bytes.len(), "only": model.only, "card": model.card() }),
        )
        .collect();
    if globals.json {
        let chosen = &library.settings.model;
        let value = json!({ "folder": library.folder, "default": chosen, "models": entries, "carried": carried, "suggested": SUGGESTED });
        output::line(&value.to_string())?;
        return Ok(Exit::Done);
    }
    let line = |name: &str, bytes: u64, said: &str| {
        output::line(&format!("{name:40} {:8.1} MB  {}", bytes as f64 / 1e6, said.trim()))
    };
    for entry in &entries {
        let card = entry.card.clone().unwrap_or_default();
        line(&entry.name, entry.bytes, &[card.network, card.source].join("  "))?;
    }
    for model in CARRIED {
        let card = model.card();
        let said = format!("{}  in the program, for `{}` only", card.network, model.only);
        line(model.name, model.bytes.len() as u64, &said)?;
    }
    if entries.is_empty() && !globals.quiet {
        eprintln!(
            "fibdeck: no models in {}; `fibdeck model pull REPO FILE` fetches one, e.g. of {}; `classical` works without any",
            library.folder.display(),
            SUGGESTED.join(" or ")
        );
    }
    Ok(Exit::Done)
}

/// The file of a model, if it is one, and its card.
fn told(place: &Place) -> (Option<&Path>, Option<Card>) {
    match place {
        Place::File(path) => (Some(path), Card::beside(path)),
        Place::Carried(model) => (None, Some(Carried::card(model))),
    }
}

fn described(place: &Place, model: &Model) -> Value {
    let (path, card) = told(place);
    json!({
        "model": model.name, "file": path, "backend": model.backend.name(), "network": model.network, "engine": model.engine,
        "sha256": model.hash, "labels": model.labels, "remark": model.remark, "card": card,
    })
}

fn info(library: &Library, name: &str, globals: &Globals) -> Result<Exit, CliError> {
    let model = Model::load(library, Some(name), None).map_err(CliError::failed)?;
    let value = match library.place(name) {
        Ok(place) => described(&place, &model),
        // needs no file
        Err(_) => described(&Place::File(PathBuf::new()), &model),
    };
    tell(globals, &value)?;
    Ok(Exit::Done)
}

impl Convert {
    fn run(&self, library: &Library, globals: &Globals) -> Result<Exit, CliError> {
        let shown = model::text::printable(&self.checkpoint.display().to_string());
        let failed = |what: &dyn std::fmt::Display| CliError::failed(format!("{shown}: {what}; nothing was written"));
        let network = match self.checkpoint.is_dir() {
            true => Folder::read(&self.checkpoint).map_err(|e| failed(&e))?.convert(),
            false => convert(std::fs::read(&self.checkpoint).map_err(|e| failed(&e))?, Norm::Trained),
        };
        let network = network.map_err(|e| failed(&e))?;
        if let Some(encoder) = self.encoder.as_ref().filter(|e| !network.name.ends_with(e.as_str())) {
            let text = format!(
                "{shown} is {}, not of the encoder {}; nothing was written: leave --encoder out",
                network.name,
                model::text::printable(encoder)
            );
            return Err(CliError::new(Exit::Usage, text));
        }
        if network.plan.is_some() {
            return Err(failed(
                &"an nnU-Net needs the plan in its export, which ONNX cannot hold; use the checkpoint as it is",
            ));
        }
        let path = self.output.clone().unwrap_or_else(|| {
            let name = match self.checkpoint.is_dir() {
                true => self.checkpoint.file_name(),
                false => self.checkpoint.file_stem(),
            };
            let mut name = name.unwrap_or_default().to_owned();
            name.push(".onnx");
            library.folder.join(name)
        });
        let paths = match network.parts {
            [] => vec![path],
            parts => parts.iter().map(|part| named(&path, part)).collect(),
        };
        if let Some(there) = paths.iter().find(|path| path.exists()) {
            return Err(failed(&format!("{} is there already", there.display())));
        }
        for (path, onnx) in paths.iter().zip(&network.onnx) {
            let card = Card {
                source: shown.clone(),
                network: network.name.clone(),
                backend: "onnx".to_owned(),
                classes: network.classes,
                ..Card::default()
            };
            place(path, onnx, card)?;
            tell(
                globals,
                &json!({ "file": path, "network": network.name, "classes": network.classes, "bytes": onnx.len() }),
            )?;
        }
        Ok(Exit::Done)
    }
}

/// `m.onnx` -> `m-encoder.onnx`.
fn named(path: &Path, part: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{part}.onnx"))
}

/// Puts a model where none is, with its card.
pub fn place(path: &Path, bytes: &[u8], card: Card) -> Result<(), CliError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        file::ensure_folder(folder).map_err(CliError::failed)?;
    }
    file::create_exact(path, Durability::Synced, bytes).map_err(CliError::failed)?;
    let card = Card {
        bytes: bytes.len() as u64,
        sha256: sha256(bytes),
        ..card
    };
    card.write(path).map_err(CliError::failed)
}

fn verify(library: &Library, names: &[String], globals: &Globals) -> Result<Exit, CliError> {
    let named = |name: &String| library.place(name).map_err(CliError::failed);
    let places: Vec<Place> = match names {
        [] => library
            .list()
            .into_iter()
            .map(|entry| Place::File(entry.path))
            .chain(CARRIED.iter().map(Place::Carried))
            .collect(),
        names => names.iter().map(named).collect::<Result<_, _>>()?,
    };
    let (runtime, _) = vision::model::runtime(library).map_err(CliError::failed)?;
    let options = Options {
        runtime,
        ..Options::default()
    };
    let mut bad = 0;
    for place in &places {
        let checked = check(place, &options);
        let (path, _) = told(place);
        bad += usize::from(checked.is_err());
        let value = match checked {
            Ok(model) => {
                json!({ "model": model.name, "file": path, "ok": true, "network": model.network, "sha256": model.hash })
            }
            Err(error) => json!({ "file": path, "ok": false, "error": error }),
        };
        tell(globals, &value)?;
    }
    Ok(match bad {
        0 => Exit::Done,
        n if n < places.len() => Exit::Partly,
        _ => Exit::Failed,
    })
}

fn check(place: &Place, options: &Options) -> Result<Model, String> {
    let model = Model::open_place(place, options).map_err(|e: LoadError| e.to_string())?;
    if let (_, Some(card)) = told(place)
        && !card.sha256.is_empty()
        && card.sha256 != model.hash
    {
        return Err(format!(
            "the file is not the one of its card (SHA-256 {}, was {}): fetch it again",
            model.hash, card.sha256
        ));
    }
    let empty = ndarray::Array2::<u8>::zeros((64, 96));
    let mut watch = |_| ControlFlow::Continue(());
    model.segment(empty.view(), &mut watch).map_err(|e| e.to_string())?;
    Ok(model)
}
