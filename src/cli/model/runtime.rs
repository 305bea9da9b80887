//! `model runtime`: which engine computes networks, and putting a native one in place.

use super::super::exit::{CliError, Exit};
use super::super::options::Globals;
use super::tell;
use super::wheel::{self, Unpacked};
use clap::Args;
use model::file::{self, Durability};
use model::library::{Library, is_runtime};
use serde_json::json;
use std::path::PathBuf;
use vision::model::{Native, Runtime};

/// Say which engine computes networks, or install ONNX Runtime from a file, for computers without internet.
///
/// The built-in engine is always there; a native one is several times faster, above all on a graphics processor (`device` in
/// detection.yaml). It is looked for as detection.yaml says, in ORT_DYLIB_PATH, beside the program and in the data folder. Nothing is
/// downloaded.
#[derive(Args)]
pub struct RuntimeArgs {
    /// A wheel of the Python package onnxruntime for this system, or the library itself (version 1.17 or later).
    #[arg(long, value_name = "WHEEL|FILE")]
    from: Option<PathBuf>,
}

impl RuntimeArgs {
    pub fn run(&self, library: &Library, globals: &Globals) -> Result<Exit, CliError> {
        if let Some(from) = &self.from {
            return install(library, from, globals);
        }
        let (runtime, doubt) = vision::model::runtime(library).map_err(CliError::failed)?;
        let (engine, path) = match &runtime {
            Runtime::BuiltIn => ("built-in", None),
            Runtime::Native(native) => (native.name(), Some(native.path().to_owned())),
        };
        let value = json!({ "engine": engine, "library": path, "setting": library.settings.runtime, "device": library.settings.device, "remark": doubt });
        tell(globals, &value)?;
        Ok(Exit::Done)
    }
}

fn install(library: &Library, from: &PathBuf, globals: &Globals) -> Result<Exit, CliError> {
    let shown = model::text::printable(&from.display().to_string());
    let failed = |what: &dyn std::fmt::Display| CliError::failed(format!("{shown}: {what}; nothing was installed"));
    let bytes = std::fs::read(from).map_err(|e| failed(&e))?;
    let own = from.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
    let libraries = match wheel::libraries(&bytes).map_err(|e| failed(&e))? {
        Some(found) => found,
        None if is_runtime(&own) => vec![Unpacked { name: own, bytes }],
        None => {
            return Err(failed(
                &"this is neither a wheel of onnxruntime nor its library (onnxruntime.dll, libonnxruntime.so.1.20.1)",
            ));
        }
    };
    let folder = library.runtime_folder();
    file::ensure_folder(folder).map_err(CliError::failed)?;
    let files: Vec<PathBuf> = libraries.iter().map(|library| folder.join(&library.name)).collect();
    let new: Vec<&PathBuf> = files.iter().filter(|file| !file.exists()).collect();
    let put = libraries.iter().zip(&files).try_for_each(|(library, file)| {
        file::replace(file, Durability::Synced, &library.bytes).map_err(|e| e.to_string())
    });
    let device = &library.settings.device;
    let loaded = put.and_then(|()| {
        let native = Native::load(&files[0]).map_err(|e| format!("{e} (is it made for this system?)"))?;
        native.on(device).map_err(|e| e.to_string())
    });
    let (native, doubt) = loaded.map_err(|error| {
        for file in new {
            let _ = std::fs::remove_file(file);
        }
        failed(&error)
    })?;
    let bytes: usize = libraries.iter().map(|library| library.bytes.len()).sum();
    tell(
        globals,
        &json!({ "engine": native.name(), "libraries": files, "bytes": bytes, "remark": doubt }),
    )?;
    Ok(Exit::Done)
}
