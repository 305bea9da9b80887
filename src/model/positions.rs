//! Saved stage positions: openFIBSEM's `saved-positions.yaml`, read and written, and `positions.yaml`, only read.
//!
//! A file is a list of positions; of several with one name the first counts. Files are replaced whole: a reader, or a power
//! cut, meets the old list or the new one. Positions without a name are kept but cannot be asked for.

use crate::StagePosition;
use crate::file::{self, Durability, SaveError};
use crate::text::{nearest, printable};
use crate::yaml::{self, Document, Kind, YamlError};
use std::path::{Path, PathBuf};

/// The file that is written.
pub const SAVED_FILE: &str = "saved-positions.yaml";
/// The file openFIBSEM also looks into; never written.
pub const FIXED_FILE: &str = "positions.yaml";

/// Why a position was not changed or found; the file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum PositionsError {
    #[error("there is no position `{name}`{}", near(.nearest))]
    Unknown { name: String, nearest: Option<String> },
    #[error("there is a position `{0}` already: choose another name, or remove it first")]
    Taken(String),
    #[error("a position needs a name")]
    NoName,
    #[error("`{0}` stands in positions.yaml, which is not changed from here: edit that file")]
    Fixed(String),
    #[error(transparent)]
    Position(#[from] crate::pose::PositionError),
    #[error(transparent)]
    Read(#[from] YamlError),
    #[error(transparent)]
    Write(#[from] SaveError),
}

fn near(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map_or_else(String::new, |n| format!(": did you mean `{n}`?"))
}

/// The positions of one configuration folder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Positions {
    file: PathBuf,
    /// Those of the file that is written, in its order.
    saved: Vec<StagePosition>,
    /// Those of `positions.yaml`.
    fixed: Vec<StagePosition>,
    /// What was odd in the files, `place: text`.
    pub problems: Vec<String>,
}

impl Positions {
    /// The positions in `folder`; files that are not there hold none.
    pub fn load(folder: &Path) -> Result<Positions, YamlError> {
        let mut positions = Positions {
            file: folder.join(SAVED_FILE),
            ..Positions::default()
        };
        let saved = positions.file.clone();
        positions.saved = read_if_there(&saved, &mut positions.problems)?;
        positions.fixed = read_if_there(&folder.join(FIXED_FILE), &mut positions.problems)?;
        Ok(positions)
    }

    /// Every position that can be asked for, in the order of the files; of one name the first.
    pub fn all(&self) -> Vec<&StagePosition> {
        let mut all: Vec<&StagePosition> = Vec::new();
        for position in self.saved.iter().chain(&self.fixed).filter(|p| p.name.is_some()) {
            if all.iter().all(|p| p.name != position.name) {
                all.push(position);
            }
        }
        all
    }

    pub fn get(&self, name: &str) -> Result<&StagePosition, PositionsError> {
        let all = self.all();
        let known = all.iter().filter_map(|p| p.name.as_deref());
        all.iter()
            .find(|p| p.name.as_deref() == Some(name))
            .copied()
            .ok_or_else(|| PositionsError::Unknown {
                name: printable(name),
                nearest: nearest(name, known).map(printable),
            })
    }

    /// Add a position under its name and write the file.
    pub fn save(&mut self, position: StagePosition) -> Result<(), PositionsError> {
        self.check(&position)?;
        let mut saved = self.saved.clone();
        saved.push(position);
        self.write(saved)
    }

    /// Give a position another name and write the file.
    pub fn rename(&mut self, old: &str, new: &str) -> Result<(), PositionsError> {
        let at = self.own(old)?;
        let mut saved = self.saved.clone();
        saved[at].name = Some(new.trim().to_owned());
        if new.trim() != old {
            self.check(&saved[at])?;
        }
        self.write(saved)
    }

    /// Take a position out (with its hidden namesakes) and write the file.
    pub fn remove(&mut self, name: &str) -> Result<(), PositionsError> {
        self.own(name)?;
        let mut saved = self.saved.clone();
        saved.retain(|p| p.name.as_deref() != Some(name));
        self.write(saved)
    }

    /// Add the positions of another file; those whose name is taken are left out. Returns how many came in and the names
    /// of those that did not.
    pub fn import(&mut self, path: &Path) -> Result<(usize, Vec<String>), PositionsError> {
        let mut problems = Vec::new();
        let positions = read_file(path, &mut problems)?;
        let (mut saved, mut left_out) = (self.saved.clone(), Vec::new());
        for position in positions {
            let taken = |p: &StagePosition| position.name.is_some() && p.name == position.name;
            match &position.name {
                Some(name) if saved.iter().chain(&self.fixed).any(taken) => left_out.push(name.clone()),
                _ => saved.push(position),
            }
        }
        let count = saved.len() - self.saved.len();
        self.write(saved)?;
        self.problems.extend(problems);
        Ok((count, left_out))
    }

    /// Write all positions to a new file, never over an existing one; returns its name.
    pub fn export(&self, path: &Path) -> Result<PathBuf, PositionsError> {
        let all: Vec<StagePosition> = self.all().into_iter().cloned().collect();
        let text = to_yaml(&all)?;
        Ok(file::create(path, Durability::Synced, |out| {
            std::io::Write::write_all(out, text.as_bytes())
        })?)
    }

    fn check(&self, position: &StagePosition) -> Result<(), PositionsError> {
        position.check_finite()?;
        let name = position
            .name
            .as_deref()
            .map(str::trim)
            .filter(|n| !n.is_empty())
            .ok_or(PositionsError::NoName)?;
        match self.get(name) {
            Ok(_) => Err(PositionsError::Taken(printable(name))),
            Err(_) => Ok(()),
        }
    }

    /// Where `name` stands in the file that is written.
    fn own(&self, name: &str) -> Result<usize, PositionsError> {
        self.get(name)?;
        let own = self.saved.iter().position(|p| p.name.as_deref() == Some(name));
        own.ok_or_else(|| PositionsError::Fixed(printable(name)))
    }

    fn write(&mut self, saved: Vec<StagePosition>) -> Result<(), PositionsError> {
        if let Some(folder) = self.file.parent() {
            file::ensure_folder(folder)?;
        }
        file::replace(&self.file, Durability::Synced, to_yaml(&saved)?.as_bytes())?;
        self.saved = saved;
        Ok(())
    }
}

fn read_if_there(path: &Path, problems: &mut Vec<String>) -> Result<Vec<StagePosition>, YamlError> {
    if path.exists() {
        read_file(path, problems)
    } else {
        Ok(Vec::new())
    }
}

fn read_file(path: &Path, problems: &mut Vec<String>) -> Result<Vec<StagePosition>, YamlError> {
    let document = Document::load(path)?;
    problems.extend(
        document
            .traps
            .iter()
            .filter(|trap| !(trap.key.ends_with(".name") && trap.text.contains("`None`")))
            .map(|trap| format!("{}:{}: {}: {}", path.display(), trap.line, trap.key, trap.text)),
    );
    from_document(&document)
}

/// The positions in the text of a file.
pub fn from_yaml(text: &str, origin: &str) -> Result<Vec<StagePosition>, YamlError> {
    from_document(&Document::parse(text, origin)?)
}

fn from_document(document: &Document) -> Result<Vec<StagePosition>, YamlError> {
    let items = match &document.root.kind {
        Kind::List(items) => items.as_slice(),
        _ if document.root.is_null() => &[],
        _ => {
            return Err(YamlError::at(
                &document.root,
                "a list of positions is wanted here, each `- name: ...`",
            ));
        }
    };
    let read = |item: &yaml::Node| {
        let mut position: StagePosition = item.to()?;
        // Nobody writes Python's None here: openFIBSEM writes null for no name, and `None` for one that is called so.
        if item.get("name").is_some_and(|name| name.word() == "None") {
            position.name = Some("None".to_owned());
        }
        position.check_finite().map_err(|e| YamlError::at(item, e))?;
        Ok(position)
    };
    items.iter().map(read).collect()
}

/// The text of a positions file, byte for byte as openFIBSEM lays it out: keys in alphabetical order, four columns in.
pub fn to_yaml(positions: &[StagePosition]) -> Result<String, YamlError> {
    if positions.is_empty() {
        return Ok("[]\n".to_owned());
    }
    let text = |word: &Option<String>| yaml::write(word).map(|text| text.trim_end().to_owned());
    let axis = |value: Option<f64>| value.map_or_else(|| "null".to_owned(), yaml::float);
    let mut file = String::new();
    for position in positions {
        file.push_str(&format!(
            "-   coordinate_system: {}\n",
            text(&position.coordinate_system)?
        ));
        if !position.extra.is_empty() {
            file.push_str("    extra:\n");
        }
        for (name, value) in &position.extra {
            file.push_str(&format!(
                "        {}: {}\n",
                text(&Some(name.clone()))?,
                yaml::float(*value)
            ));
        }
        file.push_str(&format!("    name: {}\n", text(&position.name)?));
        for (key, value) in [
            ("r", position.r),
            ("t", position.t),
            ("x", position.x),
            ("y", position.y),
            ("z", position.z),
        ] {
            file.push_str(&format!("    {key}: {}\n", axis(value)));
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str, x: f64) -> StagePosition {
        StagePosition {
            name: Some(name.to_owned()),
            x: Some(x),
            y: Some(-2e-4),
            z: Some(1.0 / 3.0 * 1e-3),
            r: Some(0.0),
            t: Some(0.610_865_238_198_015_3),
            coordinate_system: Some("RAW".to_owned()),
            ..Default::default()
        }
    }

    #[test]
    fn the_file_is_laid_out_as_openfibsems() {
        let text = to_yaml(&[at("pos-0", 0.0), at("on", 1e-6)]).unwrap();
        let expected = "-   coordinate_system: RAW\n    name: pos-0\n    r: 0.0\n    t: 0.6108652381980153\n    x: 0.0\n    y: -0.0002\n    z: 0.0003333333333333333\n";
        assert_eq!(&text[..expected.len()], expected);
        assert!(
            text.contains("    name: \"on\"\n") && text.contains("    x: 1.0e-06\n"),
            "{text}"
        );
        let mut six = at("six", 1.0);
        six.extra.insert("m".to_owned(), 1e-9);
        let all = [at("pos-0", 0.0), at("on", 1e-6), six, StagePosition::default()];
        assert_eq!(from_yaml(&to_yaml(&all).unwrap(), "a").unwrap(), all);
    }

    #[test]
    fn a_position_called_none_keeps_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(SAVED_FILE);
        std::fs::write(
            &file,
            "- {name: None, x: 1.0e-06}\n- {name: null, x: 2.0e-06}\n- {name: a, x: None}\n",
        )
        .unwrap();
        let mut positions = Positions::load(dir.path()).unwrap();
        assert_eq!(positions.get("None").unwrap().x, Some(1e-6));
        assert_eq!(positions.all().len(), 2, "null is no name");
        assert_eq!(
            positions.problems.len(),
            1,
            "only the coordinate: {:?}",
            positions.problems
        );
        positions.rename("a", "b").unwrap();
        assert_eq!(Positions::load(dir.path()).unwrap().get("None").unwrap().x, Some(1e-6));
    }

    #[test]
    fn positions_are_saved_renamed_removed() {
        let dir = tempfile::tempdir().unwrap();
        let mut positions = Positions::load(dir.path()).unwrap();
        assert!(positions.all().is_empty());
        positions.save(at("a", 1.0)).unwrap();
        positions.save(at("b", 2.0)).unwrap();
        assert!(matches!(positions.save(at("a", 3.0)), Err(PositionsError::Taken(_))));
        assert!(matches!(positions.save(at(" ", 3.0)), Err(PositionsError::NoName)));
        assert!(matches!(
            positions.save(at("c", f64::NAN)),
            Err(PositionsError::Position(_))
        ));
        assert!(matches!(positions.rename("a", "b"), Err(PositionsError::Taken(_))));
        positions.rename("a", "first").unwrap();
        positions.remove("b").unwrap();
        let error = positions.remove("frist").unwrap_err().to_string();
        assert_eq!(error, "there is no position `frist`: did you mean `first`?");
        assert_eq!(Positions::load(dir.path()).unwrap().all(), [&at("first", 1.0)]);
    }

    #[test]
    fn both_files_are_read_and_the_first_of_a_name_counts() {
        let dir = tempfile::tempdir().unwrap();
        let saved = [
            at("a", 1.0),
            at("a", 2.0),
            StagePosition {
                name: None,
                ..at("", 9.0)
            },
        ];
        std::fs::write(dir.path().join(SAVED_FILE), to_yaml(&saved).unwrap()).unwrap();
        std::fs::write(
            dir.path().join(FIXED_FILE),
            to_yaml(&[at("a", 3.0), at("cryo", 4.0)]).unwrap(),
        )
        .unwrap();
        let mut positions = Positions::load(dir.path()).unwrap();
        assert_eq!(positions.all(), [&at("a", 1.0), &at("cryo", 4.0)]);
        assert!(matches!(positions.remove("cryo"), Err(PositionsError::Fixed(_))));
        positions.save(at("new", 5.0)).unwrap();
        let text = std::fs::read_to_string(dir.path().join(SAVED_FILE)).unwrap();
        assert_eq!(
            from_yaml(&text, "a").unwrap().len(),
            4,
            "nothing is lost, nothing comes in from the other file"
        );
        positions.remove("a").unwrap();
        assert_eq!(positions.get("a").unwrap(), &at("a", 3.0));
    }

    #[test]
    fn positions_are_exported_and_imported() {
        let dir = tempfile::tempdir().unwrap();
        let mut positions = Positions::load(&dir.path().join("one")).unwrap();
        positions.save(at("a", 1.0)).unwrap();
        positions.save(at("b", 2.0)).unwrap();
        let file = positions.export(&dir.path().join("out.yaml")).unwrap();
        assert_ne!(positions.export(&file).unwrap(), file, "never over an existing file");
        let mut other = Positions::load(&dir.path().join("two")).unwrap();
        other.save(at("b", 9.0)).unwrap();
        assert_eq!(other.import(&file).unwrap(), (1, vec!["b".to_owned()]));
        assert_eq!(other.get("b").unwrap().x, Some(9.0));
        assert_eq!(Positions::load(&dir.path().join("two")).unwrap(), other);
    }

    #[test]
    fn a_broken_file_is_refused_with_its_place_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(SAVED_FILE);
        for (text, line) in [("- x: wide", 1), ("a: 1", 1), ("- x: 1\n- x: .nan", 2), ("- [", 1)] {
            std::fs::write(&file, text).unwrap();
            let error = Positions::load(dir.path()).unwrap_err();
            assert!(
                error.to_string().starts_with(&format!("{}:{line}", file.display())),
                "{error}"
            );
        }
        std::fs::write(&file, "- {name: a, x: 2e-9, y: null}").unwrap();
        let positions = Positions::load(dir.path()).unwrap();
        assert_eq!(
            (positions.get("a").unwrap().x, positions.problems.len()),
            (Some(2e-9), 1)
        );
    }
}
