//! Train and test of a dataset: by what was corrected, as openFIBSEM's active learning does, or by chance.

use super::{Dataset, Part, Sample, TABLES};
use crate::LearnError;
use crate::table::{self, Row};
use model::file::{self, Durability};
use model::library::sha256;
use std::fs;
use std::path::{Path, PathBuf};

/// What decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum By {
    /// A picture that a person corrected is learnt from; one whose features were all right is tested with.
    Corrections,
    /// This share of the pictures, 0 to 1, is tested with: the same ones for the same seed and names.
    Share { test: f64, seed: u64 },
}

/// What becomes of the files that were split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    #[default]
    Copy,
    Move,
}

/// What a split came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Split {
    pub train: Vec<String>,
    pub test: Vec<String>,
    /// In no table, so that nothing is known of them; left where they are.
    pub unknown: Vec<String>,
}

/// Puts `samples` (by number) into `out/train` and `out/test`: pictures, masks in `labels/`, settings, their rows of `data.csv`, and their points as
/// `keypoints.csv`.
///
/// Nothing is written over: where a file exists already, nothing is begun. A file that fails in the middle leaves what was copied, and all that was not.
pub fn split(dataset: &Dataset, samples: &[usize], by: By, out: &Path, keep: Keep) -> Result<Split, LearnError> {
    if let By::Share { test, .. } = by
        && !(0.0..=1.0).contains(&test)
    {
        return Err(LearnError::Refused(format!(
            "the share to test with is {test}; nothing was split: give 0 to 1"
        )));
    }
    let mut parts: Vec<(Part, &Sample)> = Vec::new();
    let mut made = Split::default();
    for sample in samples.iter().filter_map(|i| dataset.samples.get(*i)) {
        match part_of(sample, by) {
            Some(part) => parts.push((part, sample)),
            None => made.unknown.push(sample.name.clone()),
        }
    }
    let ways: Vec<(PathBuf, PathBuf)> = parts
        .iter()
        .flat_map(|(part, sample)| ways(out, *part, sample))
        .collect();
    let tables = [Part::Train, Part::Test].map(|part| (part, TABLES.map(|t| out.join(part.folder()).join(t))));
    let of = |part: Part| parts.iter().filter(move |(p, _)| *p == part).map(|(_, sample)| *sample);
    let wanted_tables = tables
        .iter()
        .filter(|(part, _)| of(*part).next().is_some())
        .flat_map(|(_, paths)| paths);
    let mut targets: Vec<&PathBuf> = ways.iter().map(|(_, to)| to).chain(wanted_tables).collect();
    targets.sort();
    if let Some(taken) = targets.iter().find(|path| path.exists()) {
        return Err(LearnError::file(
            taken,
            "exists already; nothing was split: choose another folder",
        ));
    }
    if let Some(pair) = targets.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(LearnError::file(
            pair[0],
            "would be written twice, from train and from test; nothing was split",
        ));
    }
    for (part, [data, keypoints]) in &tables {
        let names: Vec<&Sample> = of(*part).collect();
        if names.is_empty() {
            continue;
        }
        file::ensure_folder(&out.join(part.folder()))?;
        if let Some(bytes) = recorded(dataset, &names)? {
            table::save_new(data, &bytes)?;
        }
        table::save_new(keypoints, &points(&names)?)?;
    }
    for (from, to) in &ways {
        carry(from, to, keep)?;
    }
    let names = |part| of(part).map(|sample| sample.name.clone()).collect();
    (made.train, made.test) = (names(Part::Train), names(Part::Test));
    Ok(made)
}

fn part_of(sample: &Sample, by: By) -> Option<Part> {
    let learnt = match by {
        By::Corrections if sample.rows.is_empty() => return None,
        By::Corrections => sample.corrected(),
        By::Share { test, seed } => {
            // the leading digits of a hash are as good as drawn
            let hash = sha256(format!("{seed}/{}", sample.name).as_bytes());
            let drawn = u64::from_str_radix(&hash[..12], 16).unwrap_or(0) as f64 / (1u64 << 48) as f64;
            drawn >= test
        }
    };
    Some(if learnt { Part::Train } else { Part::Test })
}

/// The files of a sample, and where they go.
fn ways(out: &Path, part: Part, sample: &Sample) -> Vec<(PathBuf, PathBuf)> {
    let folder = out.join(part.folder());
    let named = |path: &Path, folder: PathBuf| (path.to_owned(), folder.join(path.file_name().unwrap_or_default()));
    let mut ways = vec![named(&sample.image, folder.clone())];
    ways.extend(sample.mask.as_ref().map(|path| named(path, folder.join("labels"))));
    ways.extend(
        sample
            .settings
            .as_ref()
            .map(|path| named(path, folder.join(super::SETTINGS))),
    );
    ways
}

/// The rows of `data.csv` that belong to these; `None` where there are none.
fn recorded(dataset: &Dataset, samples: &[&Sample]) -> Result<Option<Vec<u8>>, LearnError> {
    let wanted = |part: Part, row: &Row| {
        let name = table::stem(&row.picture);
        samples.iter().any(|sample| sample.part == part && sample.name == name)
    };
    let mut whole: Option<Vec<u8>> = None;
    for (part, table) in dataset
        .tables
        .iter()
        .filter(|(part, t)| t.rows.iter().any(|row| wanted(*part, row)))
    {
        let bytes = table.part(|row| wanted(*part, row))?;
        match &mut whole {
            None => whole = Some(bytes),
            // tables of parts have the same columns: they come from one
            Some(whole) => {
                let rows = bytes
                    .iter()
                    .position(|b| *b == b'\n')
                    .map_or(bytes.len(), |end| end + 1);
                whole.extend(&bytes[rows..]);
            }
        }
    }
    Ok(whole)
}

/// Where the features of these are, by today's knowledge.
fn points(samples: &[&Sample]) -> Result<Vec<u8>, LearnError> {
    let rows = |sample: &&Sample| -> Vec<Row> {
        let file = sample
            .image
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let points = sample.points();
        if points.is_empty() {
            return vec![Row {
                picture: file,
                ..Row::default()
            }];
        }
        let named = |row: &Row| Row {
            picture: file.clone(),
            method: if row.method.is_empty() {
                "autolamella".to_owned()
            } else {
                row.method.clone()
            },
            ..row.clone()
        };
        points.into_iter().map(named).collect()
    };
    let rows: Vec<Row> = samples.iter().flat_map(rows).collect();
    table::keypoints(&rows)
}

fn carry(from: &Path, to: &Path, keep: Keep) -> Result<(), LearnError> {
    if let Some(folder) = to.parent() {
        file::ensure_folder(folder)?;
    }
    let bytes =
        fs::read(from).map_err(|e| LearnError::file(from, format!("cannot be read ({e}); it stays where it is")))?;
    file::create_exact(to, Durability::Synced, &bytes)?;
    if keep == Keep::Move {
        fs::remove_file(from).map_err(|e| {
            LearnError::file(
                from,
                format!("was copied but cannot be removed ({e}); remove it by hand"),
            )
        })?;
    }
    Ok(())
}
