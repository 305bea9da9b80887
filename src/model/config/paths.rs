//! Where files are, and which instrument a name means.

use super::instrument::Instrument;
use super::layers::Layered;
use crate::file::{self, Durability, SaveError};
use crate::text::nearest;
use crate::yaml::{self, Document, YamlError};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The instruments inside the program, by name. The first is the one used until another is chosen.
pub const SHIPPED: &[(&str, &str)] = &[
    ("sim-grid", include_str!("../../../config/instruments/sim-grid.yaml")),
    (
        "sim-arctis",
        include_str!("../../../config/instruments/sim-arctis.yaml"),
    ),
    (
        "tfs-aquilos2",
        include_str!("../../../config/instruments/tfs-aquilos2.yaml"),
    ),
    ("tfs-hydra", include_str!("../../../config/instruments/tfs-hydra.yaml")),
    (
        "tfs-arctis",
        include_str!("../../../config/instruments/tfs-arctis.yaml"),
    ),
    ("tescan", include_str!("../../../config/instruments/tescan.yaml")),
    ("odemis", include_str!("../../../config/instruments/odemis.yaml")),
];

/// The two folders: settings a person edits, and data the program keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    pub config_dir: PathBuf,
    pub data_dir: PathBuf,
}

/// This account has no home folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this account has no home folder: say where with --config-dir and --data-dir")]
pub struct NoHome;

/// An instrument there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    /// `None` = shipped inside the program.
    pub file: Option<PathBuf>,
}

impl Paths {
    /// The platform's folders for this program, or those given.
    pub fn new(config_dir: Option<&Path>, data_dir: Option<&Path>) -> Result<Paths, NoHome> {
        if let (Some(config), Some(data)) = (config_dir, data_dir) {
            return Ok(Paths {
                config_dir: config.to_owned(),
                data_dir: data.to_owned(),
            });
        }
        let platform = directories::ProjectDirs::from("", "", "fibdeck").ok_or(NoHome)?;
        Ok(Paths {
            config_dir: config_dir.unwrap_or(platform.config_dir()).to_owned(),
            data_dir: data_dir.unwrap_or(platform.data_local_dir()).to_owned(),
        })
    }

    /// A file of the user's settings: `console.yaml`.
    pub fn config_file(&self, name: &str) -> PathBuf {
        self.config_dir.join(name)
    }

    /// The folder of the user's instruments.
    pub fn instruments_dir(&self) -> PathBuf {
        self.config_dir.join("instruments")
    }

    fn choice_file(&self) -> PathBuf {
        self.config_file("instruments.yaml")
    }

    /// Every instrument by name: the user's first (they hide shipped ones of the same name), then the shipped ones.
    pub fn instruments(&self) -> Vec<Entry> {
        let files = std::fs::read_dir(self.instruments_dir())
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        let mut own: Vec<Entry> = files
            .filter(|path| path.extension().is_some_and(|e| e == "yaml" || e == "yml"))
            .filter_map(|path| {
                Some(Entry {
                    name: path.file_stem()?.to_str()?.to_owned(),
                    file: Some(path),
                })
            })
            .collect();
        own.sort_by(|a, b| a.name.cmp(&b.name));
        for (name, _) in SHIPPED {
            if own.iter().all(|entry| entry.name != *name) {
                own.push(Entry {
                    name: (*name).to_owned(),
                    file: None,
                });
            }
        }
        own
    }

    /// The name or file chosen with [`Paths::choose`]; `None` = nothing was configured yet, the twin is meant.
    pub fn chosen(&self) -> Result<Option<String>, YamlError> {
        let file = self.choice_file();
        if !file.exists() {
            return Ok(None);
        }
        let document = Document::load(&file)?;
        match document.root.get("default") {
            Some(node) if !node.is_null() => Ok(Some(node.word().to_owned())),
            _ => Ok(None),
        }
    }

    /// Make `name` the instrument that is used when none is named.
    pub fn choose(&self, name: &str) -> Result<(), SaveError> {
        file::ensure_folder(&self.config_dir)?;
        let text = yaml::write(&json!({ "default": name })).unwrap_or_default();
        file::replace(&self.choice_file(), Durability::Synced, text.as_bytes())
    }

    /// The instrument called `name`, or in the file `name`: the user's, else a shipped one, with values of this session on
    /// top. `None` = the chosen one, or the twin.
    pub fn instrument(&self, name: Option<&str>, session: &[(&str, Value)]) -> Result<Layered<Instrument>, YamlError> {
        let chosen;
        let name = match name {
            Some(name) => name,
            None => {
                chosen = self.chosen()?;
                chosen.as_deref().unwrap_or(SHIPPED[0].0)
            }
        };
        Instrument::from_document(self.find(name)?, session)
    }

    fn find(&self, name: &str) -> Result<Document, YamlError> {
        let entries = self.instruments();
        if let Some(entry) = entries.iter().find(|entry| entry.name == name) {
            return match &entry.file {
                Some(file) => Document::load(file),
                None => shipped_document(name),
            };
        }
        let path = Path::new(name);
        if path.components().count() > 1 || path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            return Document::load(path);
        }
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        let near = nearest(name, names.iter().copied())
            .map(|n| format!(" Did you mean `{n}`?"))
            .unwrap_or_default();
        let what = format!(
            "no instrument of this name.{near} There are: {}. `fibdeck config new` makes one",
            names.join(", ")
        );
        Err(YamlError::file(crate::text::printable(name), what))
    }
}

/// The shipped instrument of that name.
pub fn shipped(name: &str) -> Result<Layered<Instrument>, YamlError> {
    Instrument::from_document(shipped_document(name)?, &[])
}

fn shipped_document(name: &str) -> Result<Document, YamlError> {
    match SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
        Some((name, text)) => Document::parse(text, &format!("{name} (shipped)")),
        None => Err(YamlError::file(name, "is not shipped with this program")),
    }
}
