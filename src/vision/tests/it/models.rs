//! Small models of random weights, made with the real libraries, against what those computed (`tests/interop/make_models.py`).

use ndarray::{Array2, Array3, ArrayD, Axis};
use serde_json::Value;
use std::ops::ControlFlow;
use vision::model::{Backend, Folder, Model, ModelError, Norm, Options, Runtime, Step, convert};
use vision::segment::Segmented;

fn read(name: &str) -> Option<Vec<u8>> {
    std::fs::read(crate::recordings("segmentation").join(name)).ok()
}

struct Case {
    entry: Value,
    /// The model's bytes.
    bytes: Vec<u8>,
}

impl Case {
    fn text(&self, key: &str) -> &str {
        self.entry[key].as_str().unwrap_or_default()
    }

    fn logits(&self) -> Option<Array3<f32>> {
        let values: Vec<f32> = read(self.text("logits"))?
            .chunks(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect();
        let classes = self.entry["classes"].as_u64().unwrap() as usize;
        Some(Array3::from_shape_vec((classes, 64, 96), values).unwrap())
    }
}

/// The picture, and every model that is there.
fn cases() -> (Array2<u8>, Vec<Case>) {
    let Some((index, picture)) = read("index.json").zip(read("picture.u8")) else {
        eprintln!("no models in {}", crate::recordings("segmentation").display());
        return (Array2::zeros((64, 96)), Vec::new());
    };
    let index: Value = serde_json::from_slice(&index).unwrap();
    let load = |entry: &Value| {
        let file = entry.get("same").unwrap_or(&entry["file"]);
        Some(Case {
            bytes: read(file.as_str()?)?,
            entry: entry.clone(),
        })
    };
    let cases = index["models"].as_array().unwrap().iter().filter_map(load).collect();
    (Array2::from_shape_vec((64, 96), picture).unwrap(), cases)
}

fn go_on(_: Step) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn vectors_models() {
    let (picture, cases) = cases();
    for case in &cases {
        check(case, &picture, Runtime::BuiltIn);
    }
}

/// Where a native runtime is at hand (`ORT_DYLIB_PATH`), the same models on it and on the devices that `FIBDECK_ORT_DEVICES` names; a
/// device that is not there is refused by its name.
#[test]
fn vectors_models_on_a_native_runtime() {
    let Some(path) = std::env::var_os("ORT_DYLIB_PATH") else {
        eprintln!("ORT_DYLIB_PATH names no ONNX Runtime");
        return;
    };
    let native = vision::model::Native::load(path.as_ref()).unwrap();
    let (picture, cases) = cases();
    let devices = std::env::var("FIBDECK_ORT_DEVICES").unwrap_or_else(|_| "cpu".to_owned());
    for device in devices.split(',') {
        let (native, doubt) = native.clone().on(device).unwrap();
        assert_eq!(doubt, None);
        for case in &cases {
            check(case, &picture, Runtime::Native(native.clone()));
        }
    }
    let error = native.clone().on("tpu").unwrap_err().to_string();
    assert!(error.contains("`tpu` is no device"), "{error}");
    // no library that is fetched for this test was made for it
    let error = native.clone().on("migraphx").unwrap_err().to_string();
    assert!(error.contains("MIGraphX") && error.contains("device: auto"), "{error}");
    assert!(native.on("auto").is_ok());
}

fn check(case: &Case, picture: &Array2<u8>, runtime: Runtime) {
    let file = case.text("file");
    let options = Options {
        runtime,
        ..Options::default()
    };
    let model = Model::open(case.bytes.clone(), file, &options).unwrap();
    assert_eq!(model.backend.name(), case.text("backend"), "{file}");
    assert_eq!(model.remark.is_some(), file == "openfibsem-01-18.pt");
    let made = model.segment(picture.view(), &mut go_on).unwrap();
    if let Some(labels) = read(case.text("labels")) {
        assert_eq!(made.labels.iter().copied().collect::<Vec<_>>(), labels, "{file}");
    }
    if let Some(logits) = case.logits() {
        alike(file, &made, &logits);
    }
}

/// Labels may differ only where two classes are all but equal, and the probability is then nearly the same.
fn alike(file: &str, made: &Segmented, logits: &Array3<f32>) {
    let recorded = Segmented::from_logits(logits.view());
    let (ours, theirs) = (made.certainty.as_ref().unwrap(), recorded.certainty.unwrap());
    for (at, label) in recorded.labels.indexed_iter() {
        let mut scores: Vec<f32> = (0..logits.dim().0).map(|c| logits[[c, at.0, at.1]]).collect();
        scores.sort_by(f32::total_cmp);
        let margin = scores[scores.len() - 1] - scores[scores.len() - 2];
        assert!(
            made.labels[at] == *label || margin < 1e-3,
            "{file} {at:?}: margin {margin}"
        );
        assert!(
            (ours[at] - theirs[at]).abs() < 1e-3,
            "{file} {at:?}: {} and {}",
            ours[at],
            theirs[at]
        );
    }
}

#[test]
fn vectors_conversions_keep_the_logits() {
    let (picture, cases) = cases();
    let logits = |c: &&Case| c.text("backend") == "smp" || c.text("network") == "unet-small";
    for case in cases.iter().filter(logits) {
        let norm = if case.entry.get("same").is_some() {
            Norm::Picture
        } else {
            Norm::Trained
        };
        let scale = if norm == Norm::Picture { 1.0 } else { 255.0 };
        let network = convert(case.bytes.clone(), norm).unwrap();
        if case.entry.get("network").is_some() {
            assert_eq!(network.name, case.text("network"));
        }
        let engine = Runtime::BuiltIn.open(network.onnx[0].clone()).unwrap();
        let input = picture
            .mapv(|v| f32::from(v) / scale)
            .into_shape_with_order((1, 1, 64, 96))
            .unwrap();
        let ours = engine.run(input).unwrap();
        let theirs = case.logits().unwrap();
        let largest = theirs.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        for (a, b) in ours.iter().zip(&theirs) {
            assert!(
                (a - b).abs() <= 1e-4 * largest,
                "{}: {a}, recorded {b}",
                case.text("file")
            );
        }
    }
}

/// A folder as the transformers library saves it, against what that makes of the picture.
#[test]
fn vectors_folders() {
    let (picture, _) = cases();
    let Some(recorded) = read("segformer.logits") else {
        eprintln!("no folders in {}", crate::recordings("segmentation").display());
        return;
    };
    let values = recorded
        .chunks(4)
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
        .collect();
    let logits = Array3::from_shape_vec((4, 64, 96), values).unwrap();
    let path = crate::recordings("segmentation").join("segformer");
    let model = Model::open_path(&path, &Options::default()).unwrap();
    assert_eq!(
        (model.backend, model.network.as_str()),
        (Backend::Huggingface, "segformer")
    );
    assert_eq!(
        (model.label(2), model.label(3)),
        ("manipulator".to_owned(), "post".to_owned())
    );
    let made = model.segment(picture.view(), &mut go_on).unwrap();
    alike("segformer", &made, &logits);
}

/// Encoder and decoder of a folder of SAM, against what the library answered to points, a box, and a mask that goes in again.
#[test]
fn vectors_sam() {
    let Some(recorded) = read("sam.f32") else {
        eprintln!("no SAM in {}", crate::recordings("segmentation").display());
        return;
    };
    let mut recorded = recorded.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
    let mut next = |shape: &[usize]| {
        let values = recorded.by_ref().take(shape.iter().product()).collect();
        ArrayD::from_shape_vec(shape.to_vec(), values).unwrap()
    };
    let folder = Folder::read(&crate::recordings("segmentation").join("sam")).unwrap();
    let network = folder.convert().unwrap();
    assert_eq!(
        (network.name.as_str(), network.parts),
        ("sam", &["encoder", "decoder"][..])
    );
    let open = |i: usize| Runtime::BuiltIn.open(network.onnx[i].clone()).unwrap();
    let (encoder, decoder) = (open(0), open(1));
    let picture = next(&[1, 3, 64, 64]);
    let embedding = encoder.compute(vec![picture], 1).unwrap().swap_remove(0);
    close("the encoder", &embedding, &next(&[1, 32, 8, 8]));

    let mut again = ArrayD::zeros(vec![1, 1, 32, 32]);
    // x, y and label of each point; without a box, one that is none ends the list
    for (prompt, with_mask) in [
        (&[(10.0, 20.0, 1.0), (0.0, 0.0, -1.0)][..], 0.0),
        (&[(10.0, 20.0, 1.0), (50.0, 31.5, 0.0), (0.0, 0.0, -1.0)], 1.0),
        (&[(33.0, 40.0, 1.0), (5.0, 8.0, 2.0), (40.0, 60.0, 3.0)], 0.0),
    ] {
        let points = prompt.iter().flat_map(|(x, y, _)| [*x, *y]).collect();
        let points = ArrayD::from_shape_vec(vec![1, prompt.len(), 2], points).unwrap();
        let labels = prompt.iter().map(|(.., label)| *label).collect();
        let labels = ArrayD::from_shape_vec(vec![1, prompt.len()], labels).unwrap();
        let masked = ArrayD::from_elem(vec![1], with_mask);
        let inputs = vec![embedding.clone(), points, labels, again.clone(), masked];
        let made = decoder.compute(inputs, 2).unwrap();
        let (masks, scores) = (next(&[1, 4, 32, 32]), next(&[1, 4]));
        close(&format!("masks of {prompt:?}"), &made[0], &masks);
        close(&format!("scores of {prompt:?}"), &made[1], &scores);
        if with_mask == 0.0 {
            again = masks.slice_axis(Axis(1), (1..2).into()).to_owned();
        }
    }
    assert!(recorded.next().is_none());
}

fn close(what: &str, ours: &ArrayD<f32>, theirs: &ArrayD<f32>) {
    assert_eq!(ours.shape(), theirs.shape(), "{what}");
    let largest = theirs.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let off = ours.iter().zip(theirs).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
    assert!(off <= 1e-4 * largest, "{what}: {off} of {largest}");
}

/// What a folder is converted to runs as the folder does; SAM makes no classes, and says so.
#[test]
fn a_converted_folder_is_run_like_the_folder() {
    let at = |name: &str| Folder::read(&crate::recordings("segmentation").join(name)).ok();
    let Some((segformer, sam)) = at("segformer").zip(at("sam")) else {
        return;
    };
    let (picture, _) = cases();
    let folder = at("segformer").unwrap().open(&Options::default()).unwrap();
    let onnx = segformer.convert().unwrap().onnx.swap_remove(0);
    let model = Model::open(onnx, "segformer.onnx", &Options::default()).unwrap();
    assert_eq!(
        (model.backend, model.label(2)),
        (Backend::Huggingface, "manipulator".to_owned())
    );
    let labels = |model: &Model| model.segment(picture.view(), &mut go_on).unwrap().labels;
    assert_eq!(labels(&model), labels(&folder));

    let parts = at("sam").unwrap().convert().unwrap().onnx;
    for onnx in parts {
        assert_eq!(
            Model::open(onnx, "sam.onnx", &Options::default()).err(),
            Some(ModelError::Prompted)
        );
    }
    assert_eq!(sam.open(&Options::default()).err(), Some(ModelError::Prompted));
}

#[test]
fn folders_that_do_not_fit_are_refused_with_a_reason() {
    let path = crate::recordings("segmentation").join("segformer");
    let file = |name: &str| std::fs::read(path.join(name)).ok();
    let Some((config, weights)) = file("config.json").zip(file("model.safetensors")) else {
        return;
    };
    let changed = |from: &str, to: &str| {
        String::from_utf8(config.clone())
            .unwrap()
            .replacen(from, to, 1)
            .into_bytes()
    };
    let processor = |text: &str| Some(text.as_bytes().to_vec());
    for (config, processor, weights) in [
        (changed("segformer", "vit"), None, weights.clone()),
        (
            changed("\"sr_ratios\": [\n    8", "\"sr_ratios\": [\n    7"),
            None,
            weights.clone(),
        ),
        (
            changed("\"depths\": [\n    1", "\"depths\": [\n    0"),
            None,
            weights.clone(),
        ),
        (b"{".to_vec(), None, weights.clone()),
        (config.clone(), processor(r#"{"do_resize": false}"#), weights.clone()),
        (
            config.clone(),
            processor(r#"{"size": {"height": 9, "width": 1e9}}"#),
            weights.clone(),
        ),
        (
            config.clone(),
            processor(r#"{"image_std": [0, 1, 1]}"#),
            weights.clone(),
        ),
        (config.clone(), None, weights[..weights.len() / 2].to_vec()),
    ] {
        let folder = Folder {
            config,
            processor,
            weights,
        };
        assert!(folder.open(&Options::default()).is_err());
    }
}

#[test]
fn any_size_is_padded_and_cut_and_large_ones_are_tiled() {
    let (picture, cases) = cases();
    let Some(case) = cases.iter().find(|c| c.text("file") == "unet18.pt") else {
        return;
    };
    let model = Model::open(case.bytes.clone(), "unet18.pt", &Options::default()).unwrap();
    let odd = picture.slice(ndarray::s![..61, ..77]);
    assert_eq!(model.segment(odd, &mut go_on).unwrap().labels.dim(), (61, 77));
    let tiled = Options {
        largest: (64, 64),
        ..Options::default()
    };
    let tiled = Model::open(case.bytes.clone(), "unet18.pt", &tiled).unwrap();
    let mut told = Vec::new();
    let mut watch = |step: Step| {
        told.push((step.done, step.of));
        ControlFlow::Continue(())
    };
    assert_eq!(
        tiled.segment(picture.view(), &mut watch).unwrap().labels.dim(),
        (64, 96)
    );
    assert_eq!(told, [(0, 2), (1, 2)]);
    let stopped = tiled.segment(picture.view(), &mut |_| ControlFlow::Break(()));
    assert_eq!(stopped.unwrap_err(), ModelError::Cancelled);
}

#[test]
fn what_is_no_model_is_refused_with_a_reason() {
    let open = |bytes: &[u8]| Model::open(bytes.to_vec(), "a.pt", &Options::default()).map(|m| m.backend);
    for bytes in [&b""[..], b"PK\x03\x04", b"\x89PNG\r\n", b"\x08\x08garbage", &[0xff; 64]] {
        assert!(open(bytes).is_err());
    }
    let (picture, cases) = cases();
    let forced = |file: &str, backend| {
        let case = cases.iter().find(|c| c.text("file") == file)?;
        let options = Options {
            backend: Some(backend),
            ..Options::default()
        };
        Some(Model::open(case.bytes.clone(), file, &options).map(|m| m.backend))
    };
    for (file, backend) in [
        ("unet18.pt", Backend::Nnunet),
        ("whole.onnx", Backend::Window),
        ("nnunet.pth", Backend::Smp),
    ] {
        assert!(
            matches!(forced(file, backend), None | Some(Err(ModelError::Backend { .. }))),
            "{file}"
        );
    }
    if let Some(case) = cases.first() {
        let model = Model::open(case.bytes.clone(), "m.pt", &Options::default()).unwrap();
        assert!(matches!(
            model.segment(Array2::<u8>::zeros((0, 5)).view(), &mut go_on),
            Err(ModelError::Empty(_))
        ));
        let holes = picture.mapv(|_| f32::NAN);
        assert_eq!(
            model.segment(holes.view(), &mut go_on).unwrap_err(),
            ModelError::NotFinite
        );
    }
}

/// A model cut short or with a byte changed anywhere is an error, or another model; never a panic.
#[test]
fn damaged_checkpoints_do_no_harm() {
    let (_, cases) = cases();
    for file in ["unet18.pt", "bare-34.pt", "nnunet.pth"] {
        let Some(case) = cases.iter().find(|c| c.text("file") == file) else {
            continue;
        };
        let n = case.bytes.len();
        for i in 0..64 {
            let cut = case.bytes[..n * i / 64].to_vec();
            assert!(convert(cut, Norm::Trained).is_err(), "{file} cut at {i}/64");
            let mut changed = case.bytes.clone();
            // Most of what matters lies in the first kilobytes and in the directory at the end.
            let at = if i % 2 == 0 {
                (i * 397) % 30_000.min(n)
            } else {
                n - 1 - (i * 131) % 4_000.min(n)
            };
            changed[at] ^= 0x55;
            let _ = convert(changed, Norm::Trained);
        }
    }
}
