//! What the ids of masks mean to a user: openFIBSEM's `segmentation_config.yaml`, or the usual list.

use crate::LearnError;
use model::yaml;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Classes by their ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classes {
    /// CSS names of colours.
    #[serde(rename = "CLASS_COLORS", default)]
    colours: BTreeMap<u8, String>,
    #[serde(rename = "CLASS_LABELS")]
    labels: BTreeMap<u8, String>,
}

impl Default for Classes {
    /// Those of the models that openFIBSEM ships, with the fiducial and the grid bar of the detectors here.
    fn default() -> Self {
        Classes {
            colours: BTreeMap::new(),
            labels: (0u8..=u8::MAX).zip(vision::classical::labels()).collect(),
        }
    }
}

impl Classes {
    /// Reads `segmentation_config.yaml`. Errors: a file without `CLASS_LABELS`, or without class 0.
    pub fn load(path: &Path) -> Result<Classes, LearnError> {
        let text =
            std::fs::read_to_string(path).map_err(|e| LearnError::file(path, format!("cannot be read ({e})")))?;
        let classes: Classes = yaml::read(&text).map_err(|e| {
            LearnError::file(
                path,
                format!("is no list of classes ({e}); write CLASS_LABELS as a map of ids to names"),
            )
        })?;
        match classes.labels.contains_key(&0) {
            true => Ok(classes),
            false => Err(LearnError::file(
                path,
                "names no class 0, the background; add `0: background`",
            )),
        }
    }

    /// The first so many of the usual list, and beyond it `class_N`.
    pub fn first(count: usize) -> Classes {
        Classes {
            colours: BTreeMap::new(),
            labels: (0u8..=255)
                .take(count)
                .map(|id| (id, Classes::default().label(id)))
                .collect(),
        }
    }

    /// With these names from 0 on.
    pub fn named(labels: impl IntoIterator<Item = (u8, String)>) -> Classes {
        Classes {
            colours: BTreeMap::new(),
            labels: labels.into_iter().collect(),
        }
    }

    /// As a file that openFIBSEM reads; classes without a colour of their own get the usual one.
    pub fn to_yaml(&self) -> Result<String, LearnError> {
        let usual = |id: u8| {
            self.colours
                .get(&id)
                .cloned()
                .or_else(|| vision::classes::colour_name(id).map(str::to_owned))
        };
        let whole = Classes {
            colours: self.ids().filter_map(|id| Some((id, usual(id)?))).collect(),
            labels: self.labels.clone(),
        };
        yaml::write(&whole).map_err(|e| LearnError::Refused(format!("the classes cannot be written ({e})")))
    }

    pub fn knows(&self, id: u8) -> bool {
        self.labels.contains_key(&id)
    }

    pub fn ids(&self) -> impl Iterator<Item = u8> {
        self.labels.keys().copied()
    }

    /// `class_N` for one without a name.
    pub fn label(&self, id: u8) -> String {
        self.labels
            .get(&id)
            .cloned()
            .unwrap_or_else(|| vision::classes::label(id))
    }

    /// Red, green, blue.
    pub fn colour(&self, id: u8) -> [u8; 3] {
        let named = self
            .colours
            .get(&id)
            .and_then(|name| vision::classes::named_colour(name));
        named.unwrap_or_else(|| vision::classes::colour(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_originals_file_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("segmentation_config.yaml");
        let text = "CLASS_COLORS: {0: \"black\", 1: \"gold\"}\nCLASS_LABELS: # spacetomo\n  0: \"background\"\n  1: \"square\"\n";
        std::fs::write(&path, text).unwrap();
        let classes = Classes::load(&path).unwrap();
        assert_eq!(
            (classes.label(1).as_str(), classes.colour(1)),
            ("square", [255, 215, 0])
        );
        assert_eq!((classes.label(9).as_str(), classes.knows(9)), ("class_9", false));
        std::fs::write(&path, "CLASS_LABELS: {1: square}\n").unwrap();
        assert!(Classes::load(&path).unwrap_err().to_string().contains("0: background"));
        std::fs::write(&path, "names: [a]\n").unwrap();
        assert!(Classes::load(&path).is_err());
        assert_eq!(Classes::first(6).ids().count(), 6);
        assert_eq!(Classes::default().label(5), "volume_block");
    }
}
