//! Segmentation models that the program carries, so that a fresh one has something to find features with: what they are, and when one is
//! chosen. How each was made stands in `assets/models`.

use crate::library::{Card, Library, NoModel};
use crate::yaml;
use std::path::{Path, PathBuf};

/// A model in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    pub name: &'static str,
    /// ONNX.
    pub bytes: &'static [u8],
    /// The instrument's model that it was made for. On others it is used only where it is asked for by name.
    pub only: &'static str,
    card: &'static str,
}

pub const CARRIED: &[Carried] = &[Carried {
    name: "twin.onnx",
    bytes: include_bytes!("../../assets/models/twin.onnx"),
    only: "fibdeck digital twin",
    card: include_str!("../../assets/models/twin.onnx.card.yaml"),
}];

impl Carried {
    pub fn card(&self) -> Card {
        yaml::read(self.card).unwrap_or_default()
    }
}

/// Where a model is.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// A file, or a folder of the transformers library.
    File(PathBuf),
    Carried(&'static Carried),
}

/// Needs no network; see `vision::classical`.
pub const CLASSICAL: &str = "classical";
/// Of the settings: a model that the program carries for the instrument at hand, else [`CLASSICAL`].
pub const AUTO: &str = "auto";

impl Library {
    /// The name of the model that the settings want for an instrument of this model; `None` is no instrument, as for a picture's file.
    pub fn chosen(&self, instrument: Option<&str>) -> &str {
        match self.settings.model.trim() {
            AUTO => CARRIED
                .iter()
                .find(|model| instrument == Some(model.only))
                .map_or(CLASSICAL, |model| model.name),
            name => name,
        }
    }

    /// What a name means: a file or folder as [`Library::find`] has it, else a model that the program carries, with or without its ending.
    pub fn place(&self, name: &str) -> Result<Place, NoModel> {
        let stem = |full: &str| Path::new(full).file_stem().is_some_and(|stem| stem == name);
        let carried = || CARRIED.iter().find(|model| model.name == name || stem(model.name));
        match self.find(name) {
            Ok(path) => Ok(Place::File(path)),
            Err(none) => carried().map(Place::Carried).ok_or(none),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Paths;
    use crate::library::sha256;

    fn library(dir: &Path) -> Library {
        let paths = Paths::new(Some(&dir.join("config")), Some(&dir.join("data"))).unwrap();
        Library::of(&paths).unwrap()
    }

    #[test]
    fn it_is_chosen_for_its_own_instrument_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut library = library(dir.path());
        library.settings.model = AUTO.to_owned();
        for model in CARRIED {
            let card = model.card();
            assert_eq!(
                (card.bytes, card.sha256),
                (model.bytes.len() as u64, sha256(model.bytes))
            );
            assert!(!card.note.is_empty() && model.bytes.len() < 6_000_000);
            assert_eq!(library.chosen(Some(model.only)), model.name);
        }
        assert_eq!(
            (library.chosen(Some("Aquilos 2")), library.chosen(None)),
            (CLASSICAL, CLASSICAL)
        );
        library.settings.model = "mine.pt".to_owned();
        assert_eq!(library.chosen(None), "mine.pt");
    }

    #[test]
    fn it_is_there_in_any_folder_and_a_file_of_its_name_goes_first() {
        let dir = tempfile::tempdir().unwrap();
        let library = library(dir.path());
        assert!(matches!(library.place("twin"), Ok(Place::Carried(model)) if model.name == "twin.onnx"));
        std::fs::create_dir_all(&library.folder).unwrap();
        std::fs::write(library.folder.join("twin.onnx"), b"abc").unwrap();
        assert!(matches!(library.place("twin"), Ok(Place::File(_))));
        assert!(library.place("tvin").is_err());
    }
}
