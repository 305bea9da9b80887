//! Pictures on disk: what they are called, where they go, and saving that never overwrites.

use super::{Frame, tiff};
use crate::file::{self, Durability, SaveError};
use crate::{Beam, ImageSettings};
use std::path::{Path, PathBuf};

impl Frame {
    /// Save as TIFF at `path` (its ending becomes `.tif`, see [`tif_path`]), never over an existing file: a counter is
    /// appended. Returns the name the file got. The folder must exist. A failed save deserves an alarm.
    pub fn save(&self, path: &Path) -> Result<PathBuf, SaveError> {
        self.save_with(path, Durability::Cached)
    }

    /// [`Frame::save`], with a say in how safe from a power cut.
    pub fn save_with(&self, path: &Path, durability: Durability) -> Result<PathBuf, SaveError> {
        file::create(&tif_path(path), durability, |file| tiff::write(self, file))
    }

    /// Save into `folder`, which is made if need be, under `name` made safe by [`safe_name`].
    pub fn save_in(&self, folder: &Path, name: &str) -> Result<PathBuf, SaveError> {
        file::ensure_folder(folder)?;
        self.save(&folder.join(safe_name(name)))
    }
}

/// `path` with the ending `.tif`. As openFIBSEM does it, what stands after the last dot is replaced: `a.b.c` -> `a.b.tif`.
pub fn tif_path(path: &Path) -> PathBuf {
    path.with_extension("tif")
}

/// The file name of a picture taken with these settings: `<filename>_eb.tif`, `<filename>_ib.tif`.
pub fn file_name(settings: &ImageSettings) -> String {
    beam_file_name(&settings.filename, settings.beam_type)
}

/// `name` with the beam's ending and `.tif`. A dot inside the name is kept: `0.5um` -> `0.5um_eb.tif`.
pub fn beam_file_name(name: &str, beam: Beam) -> String {
    let lower = name.to_ascii_lowercase();
    let cut = [".tiff", ".tif"]
        .iter()
        .find(|end| lower.ends_with(*end))
        .map_or(name.len(), |end| name.len() - end.len());
    format!("{}_{}.tif", safe_name(&name[..cut]), beam.suffix())
}

/// `name` made fit for a file on every system: what Windows forbids becomes `_`, its device names are prefixed, dots
/// and blanks at the end go, and it is at most 150 bytes long.
pub fn safe_name(name: &str) -> String {
    let mut safe: String = name
        .chars()
        .map(|c| {
            if c.is_control() || r#"<>:"/\|?*"#.contains(c) {
                '_'
            } else {
                c
            }
        })
        .collect();
    while safe.len() > 150 {
        safe.pop();
    }
    let safe = safe.trim_start().trim_end_matches(['.', ' ']);
    let stem = safe.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4
            && (stem.starts_with("COM") || stem.starts_with("LPT"))
            && stem.as_bytes()[3].is_ascii_digit());
    match safe {
        "" => "image".to_owned(),
        _ if device => format!("_{safe}"),
        _ => safe.to_owned(),
    }
}

/// The folder of one day's pictures: `base/2026-11-22`. [`Frame::save_in`] makes it when the first picture comes.
pub fn session_folder(base: &Path, date: jiff::civil::Date) -> PathBuf {
    base.join(date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pixels;
    use ndarray::Array2;

    #[test]
    fn a_thousand_saves_to_one_name_give_a_thousand_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tif");
        let names: Vec<PathBuf> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..8)
                .map(|worker| {
                    let path = &path;
                    scope.spawn(move || {
                        (0..125)
                            .map(|i| {
                                let value = worker * 125 + i;
                                let pixels = Pixels::U16(Array2::from_elem((1, 1), value));
                                (Frame { pixels, metadata: None }.save(path).unwrap(), value)
                            })
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            workers
                .into_iter()
                .flat_map(|w| w.join().unwrap())
                .map(|(name, value)| {
                    let loaded = Frame::load(&name).unwrap().frame;
                    assert_eq!(loaded.pixels, Pixels::U16(Array2::from_elem((1, 1), value)));
                    name
                })
                .collect()
        });
        let different: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(different.len(), 1000);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1000, "no leftovers");
    }

    #[test]
    fn names_are_safe_everywhere() {
        assert_eq!(safe_name("a:b/c\\d?\n"), "a_b_c_d__");
        assert_eq!(safe_name("nul.tif"), "_nul.tif");
        assert_eq!(safe_name("com7"), "_com7");
        assert_eq!(safe_name("comet"), "comet");
        assert_eq!(safe_name(".. "), "image");
        assert_eq!(safe_name(&"\u{e9}".repeat(200)).len(), 150);
    }

    #[test]
    fn a_beam_is_in_the_name() {
        let settings = ImageSettings {
            filename: "grid 0.5um.TIF".to_owned(),
            beam_type: Beam::Ion,
            ..Default::default()
        };
        assert_eq!(file_name(&settings), "grid 0.5um_ib.tif");
        assert_eq!(tif_path(Path::new("x/foo.bar.baz")), Path::new("x/foo.bar.tif"));
        assert_eq!(tif_path(Path::new("x/foo")), Path::new("x/foo.tif"));
    }

    #[test]
    fn a_session_has_a_dated_folder() {
        let dir = tempfile::tempdir().unwrap();
        let folder = session_folder(dir.path(), jiff::civil::date(2026, 3, 9));
        let saved = Frame {
            pixels: Pixels::U8(Array2::zeros((2, 3))),
            metadata: None,
        }
        .save_in(&folder, "a")
        .unwrap();
        assert_eq!(saved, dir.path().join("2026-03-09").join("a.tif"));
    }
}
