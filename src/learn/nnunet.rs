//! Datasets as nnU-Net v2 expects them, and back.
//!
//! `DatasetNNN_NAME/{imagesTr,labelsTr,imagesTs,labelsTs}` with `dataset.json`; pictures are `NAME_0000.tif`, masks `NAME.tif`, copied byte for byte.
//! As openFIBSEM's script writes it, but for the labels: nnU-Net v2 wants label 0 to be called `background` and ids without gaps, so that is
//! what is written.

use crate::LearnError;
use crate::classes::Classes;
use crate::dataset::{Dataset, Part, Sample};
use crate::picture;
use model::file::{self, Durability};
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What nnU-Net calls its folders, by part: pictures, masks.
const FOLDERS: [(Part, &str, &str); 2] = [
    (Part::Train, "imagesTr", "labelsTr"),
    (Part::Test, "imagesTs", "labelsTs"),
];
const CHANNEL: &str = "_0000";
const BACKGROUND: &str = "background";

/// What a conversion came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Converted {
    pub folder: PathBuf,
    /// Of nnU-Net: the three digits of the folder's name.
    pub id: String,
    pub train: usize,
    pub test: usize,
    /// What people should know.
    pub remarks: Vec<String>,
}

/// The names of labels: a text file, one a line, the number of a line its id.
pub fn label_map(path: &Path) -> Result<Classes, LearnError> {
    let text = fs::read_to_string(path).map_err(|e| LearnError::file(path, format!("cannot be read ({e})")))?;
    let labels: Vec<&str> = text.lines().map(str::trim).collect();
    let last = labels
        .iter()
        .rposition(|label| !label.is_empty())
        .map_or(0, |at| at + 1);
    match (1..=256).contains(&last) {
        true => Ok(Classes::named(
            (0u8..=u8::MAX).zip(labels[..last].iter().map(|l| (*l).to_owned())),
        )),
        false => Err(LearnError::file(
            path,
            "names no labels, or more than 256: write one a line, the background first",
        )),
    }
}

/// The three digits of a folder `DatasetNNN_NAME`.
fn number(folder: &Path) -> Option<String> {
    let name = folder.file_name()?.to_string_lossy();
    let digits = name.strip_prefix("Dataset")?.get(..3)?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.to_owned())
}

/// Where a dataset of this name is written: `out` where its name begins with `Dataset`, else `DatasetNNN_NAME` beside it, with the number after the
/// highest there: nnU-Net knows datasets by their numbers.
fn folder_of(out: &Path) -> Result<PathBuf, LearnError> {
    let name = out.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if name.is_empty() {
        return Err(LearnError::file(out, "is no name for a folder; nothing was converted"));
    }
    if name.starts_with("Dataset") {
        return match number(out) {
            Some(_) => Ok(out.to_owned()),
            None => Err(LearnError::file(
                out,
                "nnU-Net wants DatasetNNN_NAME with three digits; nothing was converted",
            )),
        };
    }
    let beside = fs::read_dir(
        out.parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new(".")),
    );
    let known = beside.into_iter().flatten().flatten();
    let numbers = known.filter_map(|item| number(&item.path())?.parse::<u32>().ok());
    match numbers.max().unwrap_or(0) {
        999.. => Err(LearnError::file(
            out,
            "has Dataset999 beside it, and nnU-Net counts no further; nothing was converted: name it DatasetNNN_NAME with a free number",
        )),
        highest => Ok(out.with_file_name(format!("Dataset{:03}_{name}", highest + 1))),
    }
}

/// Writes samples (by number) as nnU-Net's; those of the part `test` as its test cases. `ending` is `tif` or `png`, and theirs.
///
/// `names`: the labels, from a label map or a list of classes; labels beyond them are called `label_NN`.
/// Errors, before anything is written: a sample without a mask or of another ending, a label map that lacks nothing but sense, a folder that holds a dataset.
pub fn export(
    dataset: &Dataset,
    samples: &[usize],
    names: Option<&Classes>,
    ending: &str,
    out: &Path,
) -> Result<Converted, LearnError> {
    let folder = folder_of(out)?;
    let samples: Vec<&Sample> = samples.iter().filter_map(|i| dataset.samples.get(*i)).collect();
    let is = |path: &Path| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending));
    let mut ways = Vec::new();
    for sample in &samples {
        let Some(mask) = &sample.mask else {
            return Err(LearnError::file(
                &sample.image,
                "has no mask; nothing was converted: --skip leaves it out",
            ));
        };
        if let Some(other) = [&sample.image, mask].into_iter().find(|path| !is(path)) {
            let what = format!("is no .{ending}; nothing was converted: --filetype names another one");
            return Err(LearnError::file(other, what));
        }
        let test = sample.part == Part::Test;
        let (_, images, labels) = FOLDERS[usize::from(test)];
        let channel = if sample.name.contains(CHANNEL) { "" } else { CHANNEL };
        ways.push((
            sample.image.clone(),
            folder.join(images).join(format!("{}{channel}.{ending}", sample.name)),
        ));
        let case = sample.name.replace(CHANNEL, "");
        ways.push((mask.clone(), folder.join(labels).join(format!("{case}.{ending}"))));
    }
    let found: Vec<Result<[u64; 256], LearnError>> = samples
        .par_iter()
        .filter_map(|sample| sample.mask.as_ref())
        .map(|mask| Ok(crate::dataset::counts(&picture::read_mask(mask)?)))
        .collect();
    let mut highest = 0usize;
    for counts in found {
        highest = highest.max(counts?.iter().rposition(|n| *n > 0).unwrap_or(0));
    }
    let mut converted = Converted {
        id: number(&folder).unwrap_or_default(),
        test: samples.iter().filter(|s| s.part == Part::Test).count(),
        folder,
        ..Converted::default()
    };
    converted.train = samples.len() - converted.test;
    let labels = labels(names, highest as u8, &mut converted.remarks);
    let told = json!({
        "channel_names": { "0": "map" }, "numTraining": converted.train, "file_ending": format!(".{ending}"), "labels": labels,
    });
    write_all(&ways, &converted.folder.join("dataset.json"), &indented(&told))?;
    Ok(converted)
}

/// `name: id` for all ids up to the highest that is named or occurs.
fn labels(names: Option<&Classes>, highest: u8, remarks: &mut Vec<String>) -> Map<String, Value> {
    let last = names
        .and_then(|names| names.ids().max())
        .unwrap_or(highest)
        .max(highest);
    let mut labels = Map::new();
    for id in 0..=last {
        let own = names.filter(|names| names.knows(id)).map(|names| names.label(id));
        if own.is_none() && names.is_some() {
            remarks.push(format!("nobody named the class {id}; it is label_{id:02}"));
        }
        let name = match own {
            own if id == 0 => {
                if let Some(own) = own.filter(|own| own != BACKGROUND) {
                    remarks.push(format!(
                        "label 0 is `{BACKGROUND}` instead of `{own}`: nnU-Net v2 wants it so"
                    ));
                }
                BACKGROUND.to_owned()
            }
            // a name that occurs twice would be one label
            Some(own) if !own.is_empty() && !labels.contains_key(&own) => own,
            _ => format!("label_{id:02}"),
        };
        labels.insert(name, json!(id));
    }
    labels
}

/// As Python's `json.dump(indent=4)` writes it.
fn indented(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut writer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    // into memory, of values: it cannot fail
    let _ = serde::Serialize::serialize(value, &mut writer);
    bytes
}

/// Takes an nnU-Net dataset in: pictures into `out`, or, where it has test cases, into `out/train` and `out/test`; masks into `labels`; the labels as
/// `segmentation_config.yaml`.
///
/// Errors, before anything is written: no `dataset.json`, labels that are regions, several channels, files of a kind that is not read, a folder that
/// holds such files already.
pub fn import(from: &Path, out: &Path) -> Result<Converted, LearnError> {
    let path = from.join("dataset.json");
    let bytes =
        fs::read(&path).map_err(|e| LearnError::file(&path, format!("cannot be read ({e}); nothing was converted")))?;
    let refuse = |what: &str| LearnError::file(&path, format!("{what}; nothing was converted"));
    let told: Value = serde_json::from_slice(&bytes).map_err(|e| refuse(&format!("is no JSON ({e})")))?;
    let channels = told["channel_names"].as_object().map_or(0, Map::len);
    if channels != 1 {
        return Err(refuse(&format!("tells of {channels} channels; pictures here have one")));
    }
    let ending = told["file_ending"]
        .as_str()
        .unwrap_or_default()
        .trim_start_matches('.')
        .to_owned();
    if !picture::ENDINGS.contains(&ending.as_str()) {
        return Err(refuse(&format!(
            "tells of files that end in `.{}`; tif, png and bmp are read",
            model::text::printable(&ending)
        )));
    }
    let mut labels: BTreeMap<u8, String> = BTreeMap::new();
    for (name, id) in told["labels"].as_object().into_iter().flatten() {
        match id.as_u64().and_then(|id| u8::try_from(id).ok()) {
            Some(id) => drop(labels.insert(id, name.clone())),
            None => {
                return Err(refuse(&format!(
                    "has the label {name}, which is a region or no number of 8 bits"
                )));
            }
        }
    }
    let mut converted = Converted {
        folder: out.to_owned(),
        id: number(from).unwrap_or_default(),
        ..Converted::default()
    };
    let is_split = from.join(FOLDERS[1].1).is_dir();
    let mut ways = Vec::new();
    for (part, images, masks) in FOLDERS.iter().filter(|(_, images, _)| from.join(images).is_dir()) {
        let to = if is_split {
            out.join(part.folder())
        } else {
            out.to_owned()
        };
        for image in crate::dataset::pictures(&from.join(images))? {
            let name = crate::dataset::name_of(&image);
            let Some(case) = name.strip_suffix(CHANNEL).map(str::to_owned) else {
                let what = format!("does not end in {CHANNEL}; nothing was converted");
                return Err(LearnError::file(&image, what));
            };
            let (Some(as_file), count) = (
                image.extension().map(|e| e.to_string_lossy().into_owned()),
                match part {
                    Part::Test => &mut converted.test,
                    _ => &mut converted.train,
                },
            ) else {
                continue;
            };
            *count += 1;
            match crate::dataset::picture_of(&from.join(masks), &case) {
                Some(mask) => ways.push((mask, to.join("labels").join(format!("{case}.{as_file}")))),
                None => converted.remarks.push(format!("{case} has no mask")),
            }
            ways.push((image, to.join(format!("{case}.{as_file}"))));
        }
    }
    if ways.is_empty() {
        return Err(LearnError::file(
            from,
            "holds no pictures in imagesTr; nothing was converted",
        ));
    }
    let classes = Classes::named(labels);
    let text = model::yaml::write(&classes).map_err(|e| LearnError::file(&path, e))?;
    write_all(&ways, &out.join("segmentation_config.yaml"), text.as_bytes())?;
    Ok(converted)
}

/// Copies files and writes one, all of them new: what exists is found before anything is written.
fn write_all(ways: &[(PathBuf, PathBuf)], file: &Path, bytes: &[u8]) -> Result<(), LearnError> {
    let mut targets: Vec<&Path> = ways.iter().map(|(_, to)| to.as_path()).chain([file]).collect();
    targets.sort();
    if let Some(taken) = targets.iter().find(|path| path.exists()) {
        return Err(LearnError::file(
            taken,
            "exists already; nothing was converted: choose another folder",
        ));
    }
    if let Some(pair) = targets.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(LearnError::file(
            pair[0],
            "would be written twice; nothing was converted: two pictures have one name",
        ));
    }
    for (from, to) in ways {
        if let Some(folder) = to.parent() {
            file::ensure_folder(folder)?;
        }
        let bytes = fs::read(from).map_err(|e| LearnError::file(from, format!("cannot be read ({e})")))?;
        file::create_exact(to, Durability::Cached, &bytes)?;
    }
    Ok(file::create_exact(file, Durability::Synced, bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Frame, Pixels};
    use ndarray::Array2;

    fn save(path: PathBuf, pixels: Array2<u8>) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let pixels = Pixels::U8(pixels);
        Frame { pixels, metadata: None }.save(&path).unwrap();
    }

    fn dataset(folder: &Path) -> Dataset {
        for (i, (part, name)) in [("train", "a"), ("train", "b_0000"), ("test", "c")]
            .into_iter()
            .enumerate()
        {
            let grey = Array2::from_shape_fn((32, 64), |(y, x)| (x * 3 + y + 40 * i) as u8);
            save(folder.join(part).join(format!("{name}.tif")), grey);
            save(
                folder.join(part).join(format!("labels/{name}.tif")),
                Array2::from_shape_fn((32, 64), |(y, _)| 2 * u8::from(y > 9)),
            );
        }
        Dataset::open(folder).unwrap()
    }

    #[test]
    fn there_and_back_are_the_same_files() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("Dataset004_old")).unwrap();
        let dataset = dataset(&at("in"));
        fs::write(at("labels.txt"), "nothing\nlamella\nneedle\n\n").unwrap();
        let names = label_map(&at("labels.txt")).unwrap();
        let made = export(&dataset, &[0, 1, 2], Some(&names), "tif", &at("grid")).unwrap();
        assert_eq!(
            (made.folder.clone(), made.id.as_str(), made.train, made.test),
            (at("Dataset005_grid"), "005", 2, 1)
        );
        assert_eq!(made.remarks.len(), 1, "{:?}", made.remarks);
        let expected = "{\n    \"channel_names\": {\n        \"0\": \"map\"\n    },\n    \"numTraining\": 2,\n    \"file_ending\": \".tif\",\n    \
            \"labels\": {\n        \"background\": 0,\n        \"lamella\": 1,\n        \"needle\": 2\n    }\n}";
        assert_eq!(fs::read_to_string(made.folder.join("dataset.json")).unwrap(), expected);
        let same =
            |a: &str, b: &str| assert_eq!(fs::read(at(a)).unwrap(), fs::read(made.folder.join(b)).unwrap(), "{a}");
        same("in/train/a.tif", "imagesTr/a_0000.tif");
        same("in/train/b_0000.tif", "imagesTr/b_0000.tif");
        same("in/train/labels/b_0000.tif", "labelsTr/b.tif");
        same("in/test/c.tif", "imagesTs/c_0000.tif");
        same("in/test/labels/c.tif", "labelsTs/c.tif");

        let back = import(&made.folder, &at("back")).unwrap();
        assert_eq!((back.train, back.test, back.remarks.len()), (2, 1, 0));
        for (a, b) in [
            ("in/train/a.tif", "back/train/a.tif"),
            ("in/train/labels/b_0000.tif", "back/train/labels/b.tif"),
        ] {
            assert_eq!(fs::read(at(a)).unwrap(), fs::read(at(b)).unwrap());
        }
        let classes = Classes::load(&at("back/segmentation_config.yaml")).unwrap();
        assert_eq!(
            (classes.label(0).as_str(), classes.label(2).as_str()),
            ("background", "needle")
        );
        let again = Dataset::open(&at("back")).unwrap();
        assert!(again.samples.iter().all(|s| s.mask.is_some()) && again.samples.len() == 3);
        // never over what is there
        assert!(
            import(&made.folder, &at("back"))
                .unwrap_err()
                .to_string()
                .contains("nothing was converted")
        );
        let error = export(&dataset, &[0], None, "tif", &made.folder).unwrap_err();
        assert!(error.to_string().contains("exists already"), "{error}");
    }

    #[test]
    fn what_nnunet_would_refuse_is_refused_or_filled_in() {
        let dir = tempfile::tempdir().unwrap();
        let dataset = dataset(&dir.path().join("in"));
        let out = dir.path().join("Dataset007_x");
        let error = export(&dataset, &[0], None, "png", &out).unwrap_err();
        assert!(error.to_string().contains("--filetype"), "{error}");
        assert!(export(&dataset, &[0], None, "tif", &dir.path().join("Dataset_x")).is_err());
        // ids without gaps, the background by its name, also where nobody named anything
        let made = export(&dataset, &[0], None, "tif", &out).unwrap();
        let told: Value = serde_json::from_slice(&fs::read(made.folder.join("dataset.json")).unwrap()).unwrap();
        assert_eq!(told["labels"], json!({ "background": 0, "label_01": 1, "label_02": 2 }));

        let with = |text: &str| {
            fs::write(out.join("dataset.json"), text).unwrap();
            import(&out, &dir.path().join("b")).unwrap_err().to_string()
        };
        let rest = r#""file_ending": ".tif", "labels": {"background": 0, "both": [1, 2]}"#;
        assert!(with(&format!("{{\"channel_names\": {{\"0\": \"a\"}}, {rest}}}")).contains("region"));
        assert!(
            with(&format!(
                "{{\"channel_names\": {{\"0\": \"a\", \"1\": \"b\"}}, {rest}}}"
            ))
            .contains("2 channels")
        );
        assert!(with("{").contains("nothing was converted"));
        assert!(!dir.path().join("b").exists());
    }
}
