//! Pictures through TIFF and back, and everything that may be wrong with a file.

use super::*;
use crate::config::Instrument;
use crate::{Beam, BeamSettings, ImageSettings, MicroscopeState, Point, StagePosition};
use ::tiff::encoder::{Compression, Predictor, TiffEncoder, colortype};
use ::tiff::tags::Tag;
use proptest::prelude::*;
use std::io::Cursor;
use std::path::{Path, PathBuf};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/samples")
        .join(name)
}

fn metadata() -> Metadata {
    let image = ImageSettings {
        beam_type: Beam::Ion,
        filename: "Gr\u{fc}n \u{1f40c} \"a\"\\".into(),
        ..Default::default()
    };
    let beam = BeamSettings {
        beam_type: Beam::Ion,
        working_distance: 16.5e-3,
        beam_current: 20e-12,
        voltage: 30e3,
        hfw: 1e-4 / 3.0,
        resolution: (1536, 1024),
        dwell_time: 1e-6,
        stigmation: Point::default(),
        shift: Point { x: 0.1 + 0.2, y: -0.0 },
        scan_rotation: std::f64::consts::PI,
        preset: None,
    };
    let state = MicroscopeState {
        timestamp: 1_767_225_600.123_456,
        stage_position: StagePosition {
            x: Some(1.0 / 3.0),
            coordinate_system: Some("RAW".into()),
            ..Default::default()
        },
        electron_beam: Some(beam.clone()),
        ion_beam: Some(beam),
        electron_detector: None,
        ion_detector: Some(Default::default()),
        objective_position: None,
    };
    Metadata::new(image, state)
        .with_user(User {
            name: "Zo\u{eb}".into(),
            organization: "Institute".into(),
            ..Default::default()
        })
        .with_experiment(ExperimentRef {
            name: Some("winter".into()),
            project: Some("p".into()),
            ..Default::default()
        })
        .with_instrument(&Instrument::default())
}

fn ramp16(w: usize, h: usize) -> Pixels {
    Pixels::U16(Array2::from_shape_fn((h, w), |(y, x)| (y * 257 + x * 31) as u16))
}

fn load(name: &str) -> Loaded {
    Frame::load(&sample(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn what_is_written_is_read_back_bit_by_bit() {
    for pixels in [
        ramp16(47, 31),
        Pixels::U8(Array2::from_shape_fn((31, 47), |(y, x)| (y * 5 + x) as u8)),
    ] {
        let frame = Frame {
            pixels,
            metadata: Some(metadata()),
        };
        let loaded = Frame::decode(&frame.encode().unwrap()).unwrap();
        assert_eq!(loaded.frame, frame);
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        let bare = Frame {
            metadata: None,
            ..frame
        };
        assert_eq!(Frame::decode(&bare.encode().unwrap()).unwrap().frame, bare);
    }
}

#[test]
fn the_file_is_openfibsems() {
    let bytes = Frame {
        pixels: ramp16(5, 4),
        metadata: Some(metadata()),
    }
    .encode()
    .unwrap();
    assert_eq!(&bytes[..4], b"II*\0");
    let mut tiff = ::tiff::decoder::Decoder::new(Cursor::new(&bytes)).unwrap();
    let text = tiff.get_tag_ascii_string(Tag::ImageDescription).unwrap();
    assert!(
        text.starts_with(r#"{"shape":[4,5],"image":{"beam_type":"ION""#),
        "{text}"
    );
    assert!(
        text.is_ascii() && text.contains(r#"Gr\u00fcn \ud83d\udc0c \"a\"\\"#),
        "{text}"
    );
    assert!(text.contains(r#""email":"null""#), "{text}");
    assert!(text.contains(r#""electron_beam":null"#), "only the imaged beam: {text}");
    assert!(
        tiff.get_tag_ascii_string(Tag::Software)
            .unwrap()
            .starts_with("fibdeck ")
    );
    for (tag, value) in [
        (Tag::RowsPerStrip, 4),
        (Tag::Compression, 1),
        (Tag::PhotometricInterpretation, 1),
        (Tag::BitsPerSample, 16),
        (Tag::SamplesPerPixel, 1),
        (Tag::ResolutionUnit, 1),
        (Tag::StripByteCounts, 40),
    ] {
        assert_eq!(tiff.get_tag_u32(tag).unwrap(), value, "{tag:?}");
    }
}

#[test]
fn a_picture_of_the_real_package_keeps_all_it_says() {
    let Loaded { frame, warnings } = load("fib-16bit.tif");
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!((frame.pixels.size(), frame.pixels.bits()), ((48, 32), 16));
    let metadata = frame.metadata.clone().unwrap();
    assert_eq!(metadata.version, "v8");
    assert_eq!(metadata.image.filename, "glacier \u{b5} \u{2603}");
    assert_eq!(metadata.image.line_integration, Some(2));
    assert_eq!(metadata.pixel_size.x, 80e-6 / 48.0);
    assert_eq!(
        metadata.microscope_state.ion_beam.as_ref().unwrap().scan_rotation,
        0.1 + 0.2
    );
    assert_eq!(metadata.user.name, "Zo\u{eb}");
    assert_eq!(metadata.experiment.name.as_deref(), Some("winter"));
    assert_eq!(metadata.hardware_geometry["shuttle_pre_tilt"], 35.0);
    assert_eq!(Frame::decode(&frame.encode().unwrap()).unwrap().frame, frame);
}

#[test]
fn every_shape_of_tiff_gives_the_same_pixels() {
    for (names, bits) in [
        (
            &["big-endian.tif", "bigtiff.tif", "tiled-deflate.tif", "ome.tif"][..],
            16,
        ),
        (
            &["no-metadata.tif", "deflate.tif", "many-strips.tif", "three-dims.tif"][..],
            8,
        ),
    ] {
        let first = load(names[0]).frame.pixels;
        assert_eq!((first.size(), first.bits()), ((48, 32), bits));
        for name in names {
            let loaded = load(name);
            assert_eq!(loaded.frame.pixels, first, "{name}");
            assert!(loaded.warnings.is_empty(), "{name}: {:?}", loaded.warnings);
            assert_eq!(loaded.frame.metadata.is_some(), *name == "ome.tif", "{name}");
        }
    }
    assert_eq!(load("ome.tif").frame.metadata, load("fib-16bit.tif").frame.metadata);
}

#[test]
fn compressed_files_are_read() {
    let Pixels::U16(pixels) = ramp16(300, 200) else {
        unreachable!()
    };
    for compression in [
        Compression::Lzw,
        Compression::Packbits,
        Compression::Deflate(Default::default()),
    ] {
        for predictor in [Predictor::None, Predictor::Horizontal] {
            let mut bytes = Cursor::new(Vec::new());
            TiffEncoder::new(&mut bytes)
                .unwrap()
                .with_compression(compression)
                .with_predictor(predictor)
                .write_image::<colortype::Gray16>(300, 200, pixels.as_slice().unwrap())
                .unwrap();
            let loaded = Frame::decode(bytes.get_ref()).unwrap();
            assert_eq!(loaded.frame.pixels, Pixels::U16(pixels.clone()));
        }
    }
}

#[test]
fn the_biggest_scan_goes_through() {
    let frame = Frame {
        pixels: ramp16(6144, 4096),
        metadata: Some(metadata()),
    };
    let bytes = frame.encode().unwrap();
    assert!(bytes.len() < 6144 * 4096 * 2 + 8192);
    assert!(Frame::decode(&bytes).unwrap().frame == frame);
}

#[test]
fn a_turned_view_is_written_in_row_order() {
    let turned = Array2::from_shape_fn((3, 5), |(y, x)| (y * 10 + x) as u8).reversed_axes();
    let frame = Frame {
        pixels: Pixels::U8(turned),
        metadata: None,
    };
    assert_eq!(Frame::decode(&frame.encode().unwrap()).unwrap().frame, frame);
}

/// A one-pixel file with this ImageDescription.
fn described(text: &str) -> Loaded {
    let mut bytes = Cursor::new(Vec::new());
    let mut tiff = TiffEncoder::new(&mut bytes).unwrap();
    let mut image = tiff.new_image::<colortype::Gray8>(1, 1).unwrap();
    image.encoder().write_tag(Tag::ImageDescription, text).unwrap();
    image.write_data(&[7]).unwrap();
    Frame::decode(bytes.get_ref()).unwrap()
}

#[test]
fn broken_metadata_never_costs_the_picture() {
    for (text, warned) in [
        ("", false),
        ("ImageJ=1.53t", false),
        (r#"{"shape": [1, 1]}"#, false),
        ("<?xml version='1.0'?><OME></OME>", false),
        (r#"{"shape": [1, 1], "image": {"#, true),
        (r#"{"image": {"hfw": "wide"}}"#, true),
        (
            r#"{"image": {"resolution": [0, 0], "dwell_time": 1e-6, "hfw": 0}}"#,
            true,
        ),
        (r#"<OME><M K="fibsemOS">{&quot;image&quot;: 3}</M></OME>"#, true),
        (r#"<OME><M K="fibsemOS">&unknown;</M></OME>"#, false),
    ] {
        let loaded = described(text);
        assert_eq!(loaded.frame.metadata, None, "{text}");
        assert_eq!(loaded.frame.pixels, Pixels::U8(Array2::from_elem((1, 1), 7)));
        assert_eq!(!loaded.warnings.is_empty(), warned, "{text}: {:?}", loaded.warnings);
    }
}

#[test]
fn what_can_be_read_of_the_metadata_is() {
    let loaded = described(
        r#"{"image": {"resolution": [100, 50], "dwell_time": 1e-06, "hfw": 1e-05, "autocontrast": null, "beam_type": null},
            "pixel_size": {"x": NaN, "y": -Infinity}, "microscope_state": {"timestamp": "2026-01-01 00:00:00",
            "stage_position": {"x": 1, "name": "NaN \" Infinity"}, "electron_beam": {"voltage": NaN}}, "user": null,
            "unheard_of": 1}"#,
    );
    let metadata = loaded.frame.metadata.unwrap();
    assert_eq!((metadata.version.as_str(), metadata.pixel_size.x), ("v0", 1e-5 / 100.0));
    assert_eq!(metadata.microscope_state.timestamp, 1_767_225_600.0);
    assert_eq!(
        metadata.microscope_state.stage_position.name.as_deref(),
        Some("NaN \" Infinity")
    );
    assert_eq!(metadata.microscope_state.electron_beam, None);
    assert_eq!(loaded.warnings.len(), 2, "{:?}", loaded.warnings);
}

#[test]
fn old_files_give_their_geometry() {
    let loaded = described(
        r#"{"image": {"resolution": [100, 50], "dwell_time": 1e-06, "hfw": 1e-05}, "pixel_size": {"x": 1e-7, "y": 1e-7},
            "microscope_state": {"timestamp": 1.0, "stage_position": {"x": 0}}, "version": "v5",
            "system": {"info": {"model": "Arctis WD", "name": "a"}, "stage": {"shuttle_pre_tilt": 27}, "ion": {"column_tilt": 52}}}"#,
    );
    let metadata = loaded.frame.metadata.unwrap();
    assert_eq!(metadata.system_info["name"], "a");
    assert_eq!(metadata.hardware_geometry["shuttle_pre_tilt"], 27);
    assert_eq!(metadata.hardware_geometry["is_compustage"], true);
    assert!(loaded.warnings.is_empty());
}

#[test]
fn colour_and_float_pictures_are_refused_with_a_way_out() {
    let mut bytes = Cursor::new(Vec::new());
    TiffEncoder::new(&mut bytes)
        .unwrap()
        .write_image::<colortype::RGB8>(1, 1, &[1, 2, 3])
        .unwrap();
    let error = Frame::decode(bytes.get_ref()).unwrap_err();
    assert!(error.to_string().contains("convert it first"), "{error}");
    let mut bytes = Cursor::new(Vec::new());
    TiffEncoder::new(&mut bytes)
        .unwrap()
        .write_image::<colortype::Gray32Float>(1, 1, &[1.0])
        .unwrap();
    assert!(matches!(Frame::decode(bytes.get_ref()), Err(FrameError::NotGrey(_))));
}

#[test]
fn an_absurd_size_is_refused_before_memory_is_taken() {
    let mut bytes = Frame {
        pixels: ramp16(4, 4),
        metadata: None,
    }
    .encode()
    .unwrap();
    // Width and length stand in the directory as 256/257, LONG, 1 value.
    for tag in [256_u16, 257] {
        let at = bytes
            .windows(8)
            .position(|w| w[..2] == tag.to_le_bytes() && w[2..] == [4, 0, 1, 0, 0, 0])
            .unwrap();
        bytes[at + 8..at + 12].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    }
    let error = Frame::decode(&bytes).unwrap_err();
    assert!(
        matches!(error, FrameError::TooBig { .. } | FrameError::Damaged(_)),
        "{error}"
    );
}

#[test]
fn a_missing_file_and_foreign_bytes_are_errors() {
    assert!(matches!(
        Frame::load(Path::new("no/such/file.tif")),
        Err(FrameError::Io(_))
    ));
    for bytes in [&b""[..], b"II", b"not a tiff at all", b"II*\0\x08\0\0\0", &[0; 64]] {
        assert!(matches!(Frame::decode(bytes), Err(FrameError::Damaged(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Truncated and overwritten files give a picture or an error, nothing else.
    #[test]
    fn a_damaged_file_never_panics(cut in 0.0..1.0_f64, hits in prop::collection::vec((0.0..1.0_f64, any::<u8>()), 1..12), which in 0..5_usize) {
        let name = ["fib-16bit.tif", "tiled-deflate.tif", "bigtiff.tif", "ome.tif", "big-endian.tif"][which];
        let mut bytes = std::fs::read(sample(name)).unwrap();
        // Most damage at the front, where the structure is.
        for (at, value) in &hits {
            let at = (at * at * bytes.len() as f64) as usize;
            bytes[at] = *value;
        }
        if cut < 0.5 {
            bytes.truncate((cut * 2.0 * bytes.len() as f64) as usize);
        }
        if let Err(error) = Frame::decode(&bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
