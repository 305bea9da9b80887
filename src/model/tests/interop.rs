//! Files for and from the real openFIBSEM package.
//!
//! `interop_writes` writes files and `manifest.json` for `tests/interop/check_files.py`; `interop_reads` reads what
//! `tests/interop/make_files.py` made. Both work in the folder named by `FIBDECK_INTEROP_DIR` (sub-folders `ours` and
//! `theirs`); without it the one writes to a temporary folder and reads back itself, the other reads `tests/samples`.
//! With `FIBDECK_OPENFIBSEM_CONFIG` (the package's `config` folder) its own instrument files are read too.

use model::config::{Instrument, paths};
use model::frame::{ExperimentRef, Metadata, User};
use model::{
    Beam, BeamSettings, DetectorSettings, Frame, ImageSettings, MicroscopeState, Pixels, Point, Rect, StagePosition,
};
use model::{positions, yaml};
use ndarray::Array2;
use serde_json::{Value, json};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

fn interop_folder(part: &str) -> Option<PathBuf> {
    env::var_os("FIBDECK_INTEROP_DIR").map(|dir| Path::new(&dir).join(part))
}

fn settings(beam: Beam) -> BeamSettings {
    BeamSettings {
        beam_type: beam,
        working_distance: 16.5e-3,
        beam_current: 20e-12,
        voltage: 30e3,
        hfw: 1e-4 / 3.0,
        resolution: (48, 32),
        dwell_time: 1e-6,
        stigmation: Point { x: 0.1, y: -0.2 },
        shift: Point { x: 0.1 + 0.2, y: -5e-7 },
        scan_rotation: std::f64::consts::PI,
        preset: Some("30 keV; 20 nA".to_owned()),
    }
}

fn state() -> MicroscopeState {
    MicroscopeState {
        timestamp: 1_767_225_600.123_456,
        stage_position: place("grid 01", Some(1.0 / 3.0)),
        electron_beam: Some(settings(Beam::Electron)),
        ion_beam: Some(settings(Beam::Ion)),
        electron_detector: Some(DetectorSettings {
            contrast: 1.0 / 3.0,
            ..Default::default()
        }),
        ion_detector: Some(DetectorSettings::default()),
        objective_position: None,
    }
}

fn place(name: &str, x: Option<f64>) -> StagePosition {
    StagePosition {
        name: Some(name.to_owned()),
        x,
        y: Some(-2e-4),
        z: Some(4e-3),
        r: Some(0.0),
        t: None,
        coordinate_system: Some("RAW".to_owned()),
        ..Default::default()
    }
}

fn metadata(beam: Beam) -> Metadata {
    let image = ImageSettings {
        beam_type: beam,
        resolution: (48, 32),
        filename: "Grün ☃ \"a\" \\ 🐌".to_owned(),
        path: Some("pictures".to_owned()),
        reduced_area: Some(Rect {
            left: 0.25,
            top: 0.5,
            width: 0.5,
            height: 0.25,
        }),
        frame_integration: Some(4),
        ..Default::default()
    };
    let who = User {
        name: "Zoë".to_owned(),
        email: "zoe@example.org".to_owned(),
        ..Default::default()
    };
    let experiment = ExperimentRef {
        id: Some("e-1".to_owned()),
        project: Some("ice".to_owned()),
        ..Default::default()
    };
    Metadata::new(image, state())
        .with_user(who)
        .with_experiment(experiment)
        .with_instrument(&Instrument::default())
}

/// The words and numbers YAML 1.1 and 1.2 disagree on.
fn awkward() -> Value {
    let words = [
        "on",
        "off",
        "yes",
        "No",
        "y",
        "n",
        "null",
        "~",
        "true",
        "12:30",
        "190:20:30",
        "1_000",
        "=",
        "<<",
        "2026-11-22",
        "2026-11-22 10:00:00",
        "0644",
        "0o17",
        "0x1f",
        "1e5",
        "1.0e+5",
        "1.",
        ".5",
        "-.inf",
        ".nan",
        "NaN",
        "",
        " a ",
        "a: b",
        "a #c",
        "# c",
        "- d",
        "?",
        "'",
        "\"",
        "\\",
        "two\nlines\n",
        "tab\t",
        "🐌",
        "\u{85}",
        "\u{a0}",
        "!x",
        "&x",
        "*x",
        "%x",
        "@x",
        "`x",
        "{}",
        "[a",
        "-",
        "---",
        "...",
        "|",
        ">",
        "é",
        "1_000.5",
        "+12",
        "0b11",
        "a\u{7}",
    ];
    let numbers = [
        1e-6,
        2e-9,
        1.0 / 3.0,
        1e300,
        5e-324,
        3.0,
        -0.5,
        123_456_789.125,
        1e16,
        9_007_199_254_740_993.0,
    ];
    json!({
        "words": words[..], "numbers": numbers, "whole": [0, -7, 1_i64 << 60], "nothing": null, "yes": true, "deep": [[1, [2.5e-7]], {"a": {"b": []}}, {}],
        "keys": words.iter().enumerate().map(|(n, w)| ((*w).to_owned(), Value::from(n))).collect::<serde_json::Map<_, _>>(),
    })
}

#[test]
fn interop_writes() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = interop_folder("ours").unwrap_or_else(|| temporary.path().to_path_buf());
    fs::create_dir_all(&folder).unwrap();
    let mut manifest = Vec::new();

    let ramp8 = Pixels::U8(Array2::from_shape_fn((32, 48), |(y, x)| (y * 7 + x * 5) as u8));
    let ramp16 = Pixels::U16(Array2::from_shape_fn((32, 48), |(y, x)| (y * 2003 + x * 401) as u16));
    let frames = [
        (
            "sem-8bit.tif",
            Frame {
                pixels: ramp8,
                metadata: Some(metadata(Beam::Electron)),
            },
        ),
        (
            "fib-16bit.tif",
            Frame {
                pixels: ramp16.clone(),
                metadata: Some(metadata(Beam::Ion)),
            },
        ),
        (
            "chamber.tif",
            Frame {
                pixels: ramp16,
                metadata: None,
            },
        ),
    ];
    for (name, frame) in frames {
        let _ = fs::remove_file(folder.join(name));
        let file = frame.save(&folder.join(name)).unwrap();
        assert_eq!(Frame::load(&file).unwrap().frame, frame);
        let (w, h) = frame.pixels.size();
        let metadata = serde_json::to_value(&frame.metadata).unwrap();
        manifest.push(json!({"kind": "picture", "file": name, "bits": frame.pixels.bits(), "shape": [h, w], "crc32": crc32(&frame.pixels), "metadata": metadata}));
    }

    let mut write = |kind: &str, name: String, text: String, value: Value| {
        fs::write(folder.join(&name), text).unwrap();
        manifest.push(json!({"kind": kind, "file": name, "value": value}));
    };
    let value = awkward();
    write("values", "values.yaml".to_owned(), yaml::write(&value).unwrap(), value);
    for (name, _) in paths::SHIPPED {
        let text = paths::shipped(name).unwrap().value.to_yaml().unwrap();
        let value = yaml::read_value(&text).unwrap().0;
        write("instrument", format!("{name}.yaml"), text, value);
    }
    let list = [
        place("grid 01", Some(1.0 / 3.0)),
        place("on", None),
        place("12", Some(-5e-7)),
    ];
    write(
        "positions",
        "saved-positions.yaml".to_owned(),
        positions::to_yaml(&list).unwrap(),
        {
            // Extra axes are ours.
            serde_json::to_value(&list).unwrap()
        },
    );
    for name in ["state.yaml", "state.json"] {
        let _ = fs::remove_file(folder.join(name));
        let file = state().save(&folder.join(name)).unwrap();
        assert_eq!(MicroscopeState::load(&file).unwrap(), state());
        manifest.push(json!({"kind": "state", "file": name, "value": state()}));
    }
    fs::write(
        folder.join("manifest.json"),
        serde_json::to_string_pretty(&manifest).unwrap(),
    )
    .unwrap();
    assert_eq!(
        yaml::read_value(&fs::read_to_string(folder.join("values.yaml")).unwrap())
            .unwrap()
            .0,
        awkward()
    );
}

#[test]
fn interop_reads() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/samples");
    let folder = interop_folder("theirs")
        .filter(|f| f.join("made.json").exists())
        .unwrap_or(samples);
    let made: Value = serde_json::from_str(&fs::read_to_string(folder.join("made.json")).unwrap()).unwrap();

    let pictures = made["pictures"].as_array().unwrap();
    assert!(pictures.len() >= 11);
    for picture in pictures {
        let name = picture["file"].as_str().unwrap();
        let loaded = Frame::load(&folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(loaded.warnings.is_empty(), "{name}: {:?}", loaded.warnings);
        let (w, h) = loaded.frame.pixels.size();
        assert_eq!(json!([w, h]), picture["size"], "{name}");
        assert_eq!(json!(loaded.frame.pixels.bits()), picture["bits"], "{name}");
        assert_eq!(
            json!(crc32(&loaded.frame.pixels)),
            picture["crc32"],
            "{name}: pixels differ"
        );
        let metadata = serde_json::to_value(&loaded.frame.metadata).unwrap();
        same(&metadata, &picture["metadata"], name);
        // Written again it still says the same.
        let again = Frame::decode(&loaded.frame.encode().unwrap()).unwrap();
        assert_eq!(again.frame, loaded.frame, "{name}");
    }

    let (values, traps) = yaml::read_value(&fs::read_to_string(folder.join("values.yaml")).unwrap()).unwrap();
    let mut meant = made["values"].clone();
    // The one word PyYAML leaves bare that anybody else takes for a number.
    meant["words"][3] = json!(1e5);
    same(&values, &meant, "values.yaml");
    assert_eq!(traps.len(), 1, "{traps:?}");

    let text = fs::read_to_string(folder.join("saved-positions.yaml")).unwrap();
    let list = positions::from_yaml(&text, "saved-positions.yaml").unwrap();
    same(
        &serde_json::to_value(&list).unwrap(),
        &made["positions"],
        "saved-positions.yaml",
    );
    assert_eq!(
        positions::to_yaml(&list).unwrap(),
        text.replace("'on'", "\"on\""),
        "byte for byte but for the quotes"
    );
}

#[test]
fn openfibsems_own_instruments_load() {
    let Some(folder) = env::var_os("FIBDECK_OPENFIBSEM_CONFIG").map(PathBuf::from) else {
        // Without the package: the shipped files carry the same keys and values.
        assert_eq!(paths::SHIPPED.len(), 7);
        return;
    };
    for (file, shipped) in [
        ("microscope-configuration.yaml", "sim-grid"),
        ("sim-arctis-configuration.yaml", "sim-arctis"),
        ("tfs-aquilos2-configuration.yaml", "tfs-aquilos2"),
        ("tfs-hydra-configuration.yaml", "tfs-hydra"),
        ("tfs-arctis-configuration.yaml", "tfs-arctis"),
        ("tescan-configuration.yaml", "tescan"),
        ("odemis-configuration.yaml", "odemis"),
    ] {
        let theirs = Instrument::load(&folder.join(file)).unwrap_or_else(|e| panic!("{e}"));
        let ours = paths::shipped(shipped).unwrap().value;
        let same_names = Instrument {
            info: ours.info.clone(),
            foreign: ours.foreign.clone(),
            ..theirs.value.clone()
        };
        assert_eq!(same_names, ours, "{file}");
        assert_eq!(theirs.value.info.manufacturer, ours.info.manufacturer);
        let traps: Vec<&str> = theirs.problems.iter().map(|p| p.text.as_str()).collect();
        assert!(
            traps.iter().all(|text| text.contains("`None`")) && traps.len() <= 1,
            "{file}: {traps:?}"
        );
    }
}

/// Equal, where a whole number may be written either way.
fn same(a: &Value, b: &Value, at: &str) {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => assert_eq!(x.as_f64(), y.as_f64(), "{at}"),
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            x.iter()
                .zip(y)
                .enumerate()
                .for_each(|(n, (x, y))| same(x, y, &format!("{at}.{n}")));
        }
        (Value::Object(x), Value::Object(y)) => {
            assert_eq!(
                x.keys().collect::<std::collections::BTreeSet<_>>(),
                y.keys().collect(),
                "{at}"
            );
            x.iter()
                .for_each(|(key, value)| same(value, &y[key], &format!("{at}.{key}")));
        }
        _ => assert_eq!(a, b, "{at}"),
    }
}

/// The pixels' CRC-32 (as zlib's), row after row, 16 bit as little-endian.
fn crc32(pixels: &Pixels) -> u32 {
    let bytes: Vec<u8> = match pixels {
        Pixels::U8(a) => a.iter().copied().collect(),
        Pixels::U16(a) => a.iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    let step = |crc: u32, _| {
        if crc & 1 == 1 {
            (crc >> 1) ^ 0xedb8_8320
        } else {
            crc >> 1
        }
    };
    !bytes
        .iter()
        .fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}
