//! Experiments: a folder with `experiment.yaml`, `protocol.yaml` and a folder for each lamella, as openFIBSEM has them.
//!
//! `lamella` is one of them, `history` what was done to it, `summary` the tables that are made of it, `migrate` the experiments
//! of AutoLamella 0.4. Files are replaced whole: a reader, or a power cut, meets the old experiment or the new one. Reading
//! and writing loses no key; paths in the file follow the folder.

mod history;
mod lamella;
mod migrate;
mod summary;
#[cfg(test)]
mod tests;

use crate::names;
use crate::problem::{Problem, Problems};
use crate::protocol::{self, Protocol, ProtocolError, check_tasks, items};
use crate::record::{Record, as_python, object, or_default};
pub use history::{Defect, DefectKind, Status, TaskState};
pub use lamella::{ALIGNMENT_AREA, Lamella, PoseKind};
pub use migrate::{Migrated, is_old, migrate};
use model::file::{self, Durability, SaveError};
use model::frame::safe_name;
use model::yaml::{self, Document, YamlError};
use model::{MicroscopeState, StagePosition};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// The file of an experiment.
pub const FILE: &str = "experiment.yaml";

/// An experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    pub name: String,
    #[serde(rename = "_id", default, deserialize_with = "or_default")]
    pub id: String,
    /// POSIX seconds.
    #[serde(default, deserialize_with = "or_default")]
    pub created_at: f64,
    /// `description`, `user`, `project`, `organisation`, and what else somebody wants to say.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: Map<String, Value>,
    /// Instrument, operator and programs that worked on it last.
    #[serde(default)]
    pub session: Option<Value>,
    #[serde(default, deserialize_with = "or_default")]
    pub landing_positions: Vec<StagePosition>,
    /// Its lamellae; `positions` in the file.
    #[serde(skip)]
    pub lamellae: Vec<Lamella>,
    #[serde(skip)]
    folder: PathBuf,
    #[serde(skip)]
    pub other: Map<String, Value>,
}

impl Record for Experiment {
    fn other(&mut self) -> &mut Map<String, Value> {
        &mut self.other
    }
}

/// Why an experiment could not be read, made or written; no file was changed.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    #[error(transparent)]
    Yaml(#[from] YamlError),
    #[error("{0}: there is no {FILE} here: name an experiment's folder, or its file")]
    None(PathBuf),
    #[error("{0}: this is an experiment of AutoLamella 0.4: `fibdeck experiment convert {0}` makes one of today of it")]
    Old(PathBuf),
    #[error("{0}: this is an experiment of today already; nothing was converted")]
    Migrated(PathBuf),
    #[error("there is an experiment in {0} already; nothing was made: choose another name")]
    Exists(PathBuf),
    #[error("there is a lamella `{0}` already: choose another name")]
    Taken(String),
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    #[error(transparent)]
    Save(#[from] SaveError),
}

impl Experiment {
    /// An experiment without lamellae that lives in `folder`. `created_at`: POSIX seconds.
    pub fn new(folder: &Path, name: &str, id: &str, created_at: f64) -> Experiment {
        Experiment {
            name: name.to_owned(),
            id: id.to_owned(),
            created_at,
            metadata: Map::new(),
            session: None,
            landing_positions: Vec::new(),
            lamellae: Vec::new(),
            folder: folder.to_owned(),
            other: Map::new(),
        }
    }

    /// Makes the folder `parent/name` with the experiment and its protocol in it.
    pub fn create(mut self, protocol: &Protocol) -> Result<Experiment, ExperimentError> {
        if self.folder.join(FILE).exists() {
            return Err(ExperimentError::Exists(self.folder));
        }
        file::ensure_folder(&self.folder)?;
        self.folder = whole(&self.folder);
        protocol.save_over(&self.folder.join(protocol::FILE))?;
        let text = self.to_yaml()?;
        match file::create_exact(&self.folder.join(FILE), Durability::Synced, text.as_bytes()) {
            Err(SaveError::Exists { .. }) => Err(ExperimentError::Exists(self.folder)),
            done => Ok(done.map(|()| self)?),
        }
    }

    /// The file that a person means: `experiment.yaml` of a folder, or a file.
    pub fn file(path: &Path) -> Result<PathBuf, ExperimentError> {
        let file = if path.is_dir() {
            path.join(FILE)
        } else {
            path.to_owned()
        };
        match file.exists() {
            true => Ok(file),
            false => Err(ExperimentError::None(path.to_owned())),
        }
    }

    /// The experiment of a folder or file.
    pub fn load(path: &Path) -> Result<Experiment, ExperimentError> {
        let file = Experiment::file(path)?;
        Experiment::read(&as_python(Document::load(&file)?), &file)
    }

    /// What is odd in a document is told by [`Experiment::check`].
    fn read(document: &Document, file: &Path) -> Result<Experiment, ExperimentError> {
        let root = &document.root;
        if is_old(document) {
            return Err(ExperimentError::Old(file.to_owned()));
        }
        let mut experiment = Experiment::read_record(root)?;
        for key in ["path", "positions"] {
            experiment.other.shift_remove(key);
        }
        if let Some(positions) = root.get("positions") {
            experiment.lamellae = items(positions)?.iter().map(Lamella::of).collect::<Result<_, _>>()?;
        }
        experiment.folder = whole(file.parent().unwrap_or(Path::new("")));
        Ok(experiment)
    }

    fn read_record(root: &yaml::Node) -> Result<Experiment, YamlError> {
        if root.entries().is_empty() {
            return Err(YamlError::at(
                root,
                "this is no experiment: keys with values are wanted",
            ));
        }
        <Experiment as Record>::read(root)
    }

    /// The experiment of a document, and all that is to be said about it, in the order of the file.
    pub fn check(document: &Document, file: &Path) -> Result<(Experiment, Vec<Problem>), ExperimentError> {
        let document = as_python(document.clone());
        let experiment = Experiment::read(&document, file)?;
        let mut found = Problems::of(&document);
        for key in experiment.other.keys().filter(|key| *key != "protocol") {
            found.note(
                key.clone(),
                format!("no key `{}` here, kept as it is", model::text::printable(key)),
            );
        }
        for (n, lamella) in experiment.lamellae.iter().enumerate() {
            let at = format!("positions.{n}");
            for key in lamella.other.keys() {
                found.note(
                    format!("{at}.{key}"),
                    format!("no key `{}` here, kept as it is", model::text::printable(key)),
                );
            }
            if experiment.lamellae[..n].iter().any(|other| other.name == lamella.name) {
                found.wrong(
                    format!("{at}.petname"),
                    format!("there are two lamellae `{}`: they share a folder", lamella.name),
                );
            }
            if !lamella.alignment_area.is_valid() {
                found.wrong(
                    format!("{at}.alignment_area"),
                    "reaches beyond the picture, or is empty",
                );
            }
            check_tasks(&mut found, &format!("{at}.task_config"), &lamella.tasks);
        }
        Ok((experiment, found.sorted()))
    }

    /// Absolute.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a lamella's pictures are.
    pub fn folder_of(&self, lamella: &Lamella) -> PathBuf {
        self.folder.join(&lamella.name)
    }

    /// The protocol beside it.
    pub fn protocol(&self) -> Result<Protocol, ProtocolError> {
        Protocol::load(&self.folder.join(protocol::FILE))
    }

    pub fn lamella(&self, name: &str) -> Option<&Lamella> {
        self.lamellae.iter().find(|lamella| lamella.name == name)
    }

    pub fn lamella_mut(&mut self, name: &str) -> Option<&mut Lamella> {
        self.lamellae.iter_mut().find(|lamella| lamella.name == name)
    }

    /// Adds a lamella at `state`, with the protocol's tasks, and makes its folder. Without a name it gets one of the protocol's
    /// kind; `seed` chooses its words and its identity. Nothing is saved yet.
    pub fn add(
        &mut self,
        protocol: &Protocol,
        name: Option<&str>,
        state: MicroscopeState,
        seed: &str,
    ) -> Result<&mut Lamella, ExperimentError> {
        let number = self.lamellae.iter().map(|lamella| lamella.number).max().unwrap_or(0) + 1;
        let defaults = &protocol.lamella_defaults;
        let name = name.map_or_else(|| names::lamella(defaults, number, seed), safe_name);
        if self.lamella(&name).is_some() {
            return Err(ExperimentError::Taken(name));
        }
        let id = names::identity(&[&self.id, &name, seed]);
        let mut lamella = Lamella::new(&name, number, &id);
        lamella.alignment_area = defaults.alignment_area.unwrap_or(ALIGNMENT_AREA);
        lamella.poi = defaults.poi.unwrap_or_default();
        lamella.tasks = protocol.tasks.clone();
        lamella.set_pose(PoseKind::Milling, state);
        file::ensure_folder(&self.folder_of(&lamella))?;
        let at = self.lamellae.len();
        self.lamellae.push(lamella);
        Ok(&mut self.lamellae[at])
    }

    /// As the file has it: keys in alphabetical order, as openFIBSEM lays it out.
    pub fn value(&self) -> Value {
        let mut map = object(self);
        let folder = |path: &Path| Value::String(path.display().to_string());
        let lamella = |lamella: &Lamella| lamella.value(self.folder_of(lamella).display().to_string());
        map.insert("path".to_owned(), folder(&self.folder));
        map.insert("positions".to_owned(), self.lamellae.iter().map(lamella).collect());
        map.extend(self.other.clone());
        let mut value = Value::Object(map);
        value.sort_all_objects();
        value
    }

    pub fn to_yaml(&self) -> Result<String, YamlError> {
        yaml::write(&self.value())
    }

    /// Puts it into its folder, over what is there: whole, or not at all.
    pub fn save(&self) -> Result<PathBuf, ExperimentError> {
        let file = self.folder.join(FILE);
        file::replace(&file, Durability::Synced, self.to_yaml()?.as_bytes())?;
        Ok(file)
    }

    /// Puts a copy elsewhere, never over a file that is there; paths inside follow that place. Returns its name.
    pub fn save_new(&self, path: &Path) -> Result<PathBuf, ExperimentError> {
        let mut copy = self.clone();
        copy.folder = whole(path.parent().unwrap_or(Path::new("")));
        let text = copy.to_yaml()?;
        Ok(file::create(path, Durability::Synced, |out| {
            std::io::Write::write_all(out, text.as_bytes())
        })?)
    }
}

/// A folder by its full name; openFIBSEM wants it so.
fn whole(folder: &Path) -> PathBuf {
    std::path::absolute(if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    })
    .unwrap_or_else(|_| folder.to_owned())
}
