//! Segmentation models on this computer: the folder they are in, what a name means, the card beside each, and where a native
//! runtime may be.
//!
//! What is in a model is not understood here; `vision::model` is for that. A card is `NAME.card.yaml` beside the model, written when it comes
//! into the folder, for people and to see later whether the file is still the same.

use crate::config::{Detection, Paths};
use crate::file::{self, Durability, SaveError};
use crate::text::nearest;
use crate::yaml::{self, YamlError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Endings of files that may hold a model.
const ENDINGS: [&str; 5] = ["onnx", "pt", "pth", "safetensors", "sav"];
const CARD: &str = ".card.yaml";
/// Begins the name of a file that has not come whole.
pub const PART: &str = ".part-";

/// The environment's word for a native runtime, as everybody calls it.
const RUNTIME_VARIABLE: &str = "ORT_DYLIB_PATH";

/// Where models are, by the user's settings.
#[derive(Clone, Debug)]
pub struct Library {
    pub settings: Detection,
    /// The folder of models.
    pub folder: PathBuf,
    /// The folder that detections are recorded in.
    pub ml: PathBuf,
    /// Where an installed runtime lies.
    runtime: PathBuf,
}

/// What is known of a model's file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Card {
    /// Where it came from: a file, or repository and file.
    pub source: String,
    /// As in `unet-resnet34`.
    pub network: String,
    pub backend: String,
    pub classes: usize,
    /// Names of the classes from 0 on, where they are not the usual ones.
    pub labels: Vec<String>,
    pub bytes: u64,
    /// Of the file, in hexadecimal digits; empty for a folder.
    pub sha256: String,
    pub licence: String,
    pub note: String,
}

/// A model of the folder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    pub name: String,
    pub path: PathBuf,
    pub bytes: u64,
    pub card: Option<Card>,
}

/// No model of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no model `{name}`, neither as a file nor in {folder}{nearest}; {way}", folder = .folder.display())]
pub struct NoModel {
    name: String,
    folder: PathBuf,
    nearest: String,
    way: &'static str,
}

const WAY: &str =
    "`fibdeck model list` shows what there is, `fibdeck model pull` fetches one, and `classical` works without any";

impl Library {
    /// Errors: a settings file that makes no sense.
    pub fn of(paths: &Paths) -> Result<Library, YamlError> {
        let settings = Detection::load(paths)?.value;
        Ok(Library {
            folder: settings.models(paths),
            ml: settings.ml(paths),
            runtime: paths.data_dir.join("runtime"),
            settings,
        })
    }

    /// The file (or folder) that a name means: itself where it exists, else one of the folder, with or without its ending.
    pub fn find(&self, name: &str) -> Result<PathBuf, NoModel> {
        let path = Path::new(name);
        if path.exists() {
            return Ok(path.to_owned());
        }
        let entries = self.list();
        let stem = |entry: &Entry| Path::new(&entry.name).file_stem().is_some_and(|stem| stem == name);
        let found = entries
            .iter()
            .find(|entry| entry.name == name)
            .or_else(|| entries.iter().find(|entry| stem(entry)));
        found.map(|entry| entry.path.clone()).ok_or_else(|| NoModel {
            name: crate::text::printable(name),
            folder: self.folder.clone(),
            nearest: nearest(name, entries.iter().map(|e| e.name.as_str()))
                .map_or_else(String::new, |near| format!(" (nearest: {near})")),
            way: WAY,
        })
    }

    /// The models of the folder, by name. A folder that is not there has none.
    pub fn list(&self) -> Vec<Entry> {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let entry = |item: std::fs::DirEntry| {
            let path = item.path();
            let name = path.file_name()?.to_str()?.to_owned();
            let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            let known = ENDINGS.contains(&ending) || path.join("config.json").is_file();
            (known && !name.starts_with('.')).then(|| Entry {
                bytes: item
                    .metadata()
                    .map_or(0, |data| if data.is_file() { data.len() } else { 0 }),
                card: Card::beside(&path),
                name,
                path,
            })
        };
        let mut entries: Vec<Entry> = files.filter_map(entry).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries
    }

    /// Where an installed runtime is put.
    pub fn runtime_folder(&self) -> &Path {
        &self.runtime
    }

    /// The native runtime to use, if one is named or lies about: by the settings, the environment, beside the program, in the data folder.
    /// A named one is given even where it does not exist, so that loading it says so.
    pub fn runtime(&self) -> Option<PathBuf> {
        match self.settings.runtime.trim() {
            "built-in" => None,
            "auto" | "" => self.runtime_lying_about(),
            path => Some(PathBuf::from(path)),
        }
    }

    fn runtime_lying_about(&self) -> Option<PathBuf> {
        if let Some(path) = std::env::var_os(RUNTIME_VARIABLE).filter(|path| !path.is_empty()) {
            return Some(PathBuf::from(path));
        }
        let program = std::env::current_exe().ok();
        let beside = program.as_deref().and_then(Path::parent);
        beside.into_iter().chain([self.runtime.as_path()]).find_map(runtime_in)
    }
}

/// Whether this is the file name of a native runtime: `libonnxruntime.so.1.20.1`, `libonnxruntime.1.20.1.dylib`, `onnxruntime.dll`.
pub fn is_runtime(name: &str) -> bool {
    name == "onnxruntime.dll"
        || (name.starts_with("libonnxruntime.") && (name.contains(".so") || name.ends_with(".dylib")))
}

/// The last by name of a folder's runtimes, which is the newest of one number of digits.
fn runtime_in(folder: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.flatten().map(|item| item.path());
    let named = |path: &PathBuf| path.file_name().and_then(|n| n.to_str()).is_some_and(is_runtime);
    files.filter(named).max()
}

impl Card {
    /// The card of the model at `path`, if there is one that can be read.
    pub fn beside(path: &Path) -> Option<Card> {
        yaml::read(&std::fs::read_to_string(card_file(path)).ok()?).ok()
    }

    /// Writes the card of the model at `path`, over an older one.
    pub fn write(&self, path: &Path) -> Result<(), SaveError> {
        let text = yaml::write(self).unwrap_or_default();
        file::replace(&card_file(path), Durability::Synced, text.as_bytes())
    }
}

fn card_file(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(CARD);
    path.with_file_name(name)
}

/// The SHA-256 of some bytes in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(dir: &Path) -> Library {
        let paths = Paths::new(Some(&dir.join("config")), Some(&dir.join("data"))).unwrap();
        Library::of(&paths).unwrap()
    }

    #[test]
    fn a_name_is_a_file_or_one_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let library = library(dir.path());
        assert_eq!(library.list(), []);
        assert!(
            library
                .find("unet")
                .unwrap_err()
                .to_string()
                .contains("fibdeck model pull")
        );
        std::fs::create_dir_all(&library.folder).unwrap();
        for name in ["unet.pt", "notes.txt", ".part-x.onnx"] {
            std::fs::write(library.folder.join(name), b"abc").unwrap();
        }
        let path = library.folder.join("unet.pt");
        let card = Card {
            source: "a/b".to_owned(),
            sha256: sha256(b"abc"),
            ..Card::default()
        };
        card.write(&path).unwrap();
        let entries = library.list();
        assert_eq!(entries.len(), 1);
        assert_eq!((entries[0].bytes, entries[0].card.as_ref()), (3, Some(&card)));
        for name in ["unet", "unet.pt", path.to_str().unwrap()] {
            assert_eq!(library.find(name), Ok(path.clone()));
        }
        assert!(
            library
                .find("unett.pt")
                .unwrap_err()
                .to_string()
                .contains("nearest: unet.pt")
        );
    }

    #[test]
    fn a_hash_is_the_one_everybody_computes() {
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_runtime_is_known_by_its_name_and_a_named_one_goes_first() {
        for name in [
            "libonnxruntime.so.1.31.1",
            "libonnxruntime.so",
            "libonnxruntime.1.20.1.dylib",
            "onnxruntime.dll",
        ] {
            assert!(is_runtime(name), "{name}");
        }
        assert!(!is_runtime("libonnxruntime_providers_shared.so") && !is_runtime("libother.so"));
        let dir = tempfile::tempdir().unwrap();
        let mut library = library(dir.path());
        library.settings.runtime = "built-in".to_owned();
        assert_eq!(library.runtime(), None);
        library.settings.runtime = "a/lib.so".to_owned();
        assert_eq!(library.runtime(), Some(PathBuf::from("a/lib.so")));
        std::fs::create_dir_all(library.runtime_folder()).unwrap();
        let file = library.runtime_folder().join("libonnxruntime.so.1.31.1");
        std::fs::write(&file, b"").unwrap();
        assert_eq!(runtime_in(library.runtime_folder()), Some(file));
    }
}
