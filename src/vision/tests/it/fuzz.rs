//! What comes from anywhere: models, weights and masks with bytes changed, cut, repeated and put together at random. Each is an error or
//! another result, and never a panic.
//!
//! A few of each kind in every run; `FIBDECK_FUZZ=2000` for so many (`cargo xtask soak` does).

use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::ControlFlow;
use vision::features::{FEATURES, Which, detect};
use vision::model::{Folder, Model, Norm, Options, Runtime, convert};
use vision::objects::objects;
use vision::segment::Segmented;

fn rounds(usual: u64) -> u64 {
    let asked = std::env::var("FIBDECK_FUZZ").ok().and_then(|n| n.parse().ok());
    asked.unwrap_or(usual)
}

fn recorded(name: &str) -> Option<Vec<u8>> {
    std::fs::read(crate::recordings("segmentation").join(name)).ok()
}

/// Up to four changes. Half of them near the ends of the file, where headers and directories are.
fn mangled(bytes: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..rng.random_range(1..5) {
        let n = bytes.len();
        if n < 16 {
            break;
        }
        let near = n.min(6000);
        let at = match rng.random_range(0..4) {
            0 => rng.random_range(0..near),
            1 => n - 1 - rng.random_range(0..near),
            _ => rng.random_range(0..n),
        };
        let span = at..(at + rng.random_range(1..64)).min(n);
        match rng.random_range(0..8) {
            0 => bytes[at] = rng.random(),
            1 => bytes[at] ^= 1 << rng.random_range(0..8),
            2 => bytes[at..(at + 8).min(n)].fill(0xff),
            3 => bytes[at..(at + 8).min(n)].fill(0),
            4 => _ = bytes.drain(span),
            5 => {
                let again = bytes[span].to_vec();
                bytes.splice(at..at, again);
            }
            6 => {
                let other = rng.random_range(0..=n - span.len());
                bytes.copy_within(span, other);
            }
            _ if rng.random_range(0..4) == 0 => bytes.truncate(at),
            _ => bytes[at] = bytes[at].wrapping_add(1),
        }
    }
    bytes
}

fn go_on(_: vision::model::Step) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn mangled_checkpoints_do_no_harm() {
    for file in ["unet18.pt", "bare-34.pt", "nnunet.pth", "segformer/model.safetensors"] {
        let Some(whole) = recorded(file) else { continue };
        for seed in 0..rounds(60) {
            let bytes = mangled(&whole, &mut ChaCha8Rng::seed_from_u64(seed));
            // what is still a checkpoint has as many networks as folds
            if let Ok(network) = convert(bytes, Norm::Trained) {
                assert!(!network.onnx.is_empty() && network.classes > 0, "{file} {seed}");
            }
        }
    }
}

/// Instructions with their arguments as likely as a pickle has them, in no order that makes sense.
fn pickle(rng: &mut ChaCha8Rng) -> Vec<u8> {
    const PIECES: &[&[u8]] = &[
        b"(",
        b"(",
        b"]",
        b")",
        b"}",
        b"}",
        b"N",
        b"0",
        b"1",
        b"2",
        b"t",
        b"l",
        b"d",
        b"e",
        b"u",
        b"s",
        b"a",
        b"R",
        b"R",
        b"b",
        b"Q",
        b"o",
        b"\x85",
        b"\x86",
        b"\x87",
        b"\x90",
        b"\x91",
        b"\x92",
        b"\x93",
        b"\x94",
        b"\x81",
        b"K\x05",
        b"M\xff\xff",
        b"J\xff\xff\xff\xff",
        b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x8b\x04\x00\x00\x00\x01\x02\x03\x04",
        b"I7\n",
        b"L9L\n",
        b"F1e999\n",
        b"G\x7f\xf0\x00\x00\x00\x00\x00\x00",
        b"X\x07\x00\x00\x00storage",
        b"X\x01\x00\x00\x000",
        b"\x8c\x03cpu",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
        b"U\x02ab",
        b"B\xff\xff\xff\x7f",
        b"C\x01x",
        b"q\x01",
        b"h\x01",
        b"q\x02",
        b"h\x02",
        b"p3\n",
        b"g3\n",
        b"ctorch\nFloatStorage\n",
        b"ctorch._utils\n_rebuild_tensor_v2\n",
        b"ctorch._utils\n_rebuild_parameter\n",
        b"ccollections\nOrderedDict\n",
        b"ctorch\nSize\n",
        b"cos\nsystem\n",
        b"iposix\nsystem\n",
        b"P1\n",
        b"\x95\x00\x00\x00\x00\x00\x00\x00\x00",
    ];
    let pieces = (0..rng.random_range(1..60)).flat_map(|_| PIECES[rng.random_range(0..PIECES.len())].iter().copied());
    [b"\x80\x02".to_vec(), pieces.collect(), b".".to_vec()].concat()
}

#[test]
fn pickles_of_random_instructions_do_no_harm() {
    const LEGACY: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
    for seed in 0..50 * rounds(60) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut bytes = [LEGACY, b"\x80\x02M\xe9\x03.", b"\x80\x02}."].concat();
        bytes.extend(pickle(&mut rng));
        bytes.extend(b"\x80\x02](X\x01\x00\x00\x000X\x01\x00\x00\x001e.");
        bytes.extend(4u64.to_le_bytes());
        bytes.extend([0u8; 24]);
        // not one of them is a network
        assert!(convert(bytes, Norm::Trained).is_err(), "{seed}");
    }
}

#[test]
fn mangled_networks_do_no_harm() {
    let picture = Array2::from_shape_fn((48, 64), |(y, x)| (x * 3 + y * 5) as u8);
    for (file, share) in [("window.onnx", 1), ("whole.onnx", 4)] {
        let Some(whole) = recorded(file) else { continue };
        for seed in 0..rounds(24) / share {
            let bytes = mangled(&whole, &mut ChaCha8Rng::seed_from_u64(seed));
            let Ok(model) = Model::open(bytes, file, &Options::default()) else {
                continue;
            };
            if let Ok(made) = model.segment(picture.view(), &mut go_on) {
                assert_eq!(made.labels.dim(), (48, 64), "{file} {seed}");
            }
        }
    }
}

#[test]
fn mangled_folders_do_no_harm() {
    for family in ["segformer", "sam"] {
        let file = |name: &str| recorded(&format!("{family}/{name}"));
        let Some((config, weights)) = file("config.json").zip(file("model.safetensors")) else {
            continue;
        };
        let processor = file("preprocessor_config.json");
        for seed in 0..rounds(60) {
            let rng = &mut ChaCha8Rng::seed_from_u64(seed);
            let part = |name: u64, bytes: &[u8], rng: &mut ChaCha8Rng| match seed % 3 == name {
                true => mangled(bytes, rng),
                false => bytes.to_vec(),
            };
            let folder = Folder {
                config: part(0, &config, rng),
                processor: processor.as_ref().map(|bytes| part(1, bytes, rng)),
                weights: part(2, &weights, rng),
            };
            if let Ok(network) = folder.convert() {
                let opened = network.onnx.into_iter().map(|onnx| Runtime::BuiltIn.open(onnx).is_ok());
                assert!(opened.count() > 0, "{family} {seed}");
            }
        }
    }
}

/// Masks of few and many pieces, thin ones and empty ones; points anywhere.
#[test]
fn odd_masks_and_pictures_do_no_harm() {
    for seed in 0..rounds(150) {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let size = [(1, 1), (1, 40), (33, 2), (0, 7), (24, 36), (61, 47)][seed as usize % 6];
        let cell = rng.random_range(1..9usize);
        let classes = [2, 7, 255][rng.random_range(0..3usize)];
        let coarse = Array2::from_shape_simple_fn((size.0 / cell + 1, size.1 / cell + 1), || {
            rng.random_range(0..=classes) as u8
        });
        let labels = Array2::from_shape_fn(size, |(y, x)| coarse[[y / cell, x / cell]]);
        for object in objects(labels.view(), &[0], rng.random_range(0..50)) {
            assert!(object.bounds.y1 < size.0 && object.bounds.x1 < size.1, "{seed}");
        }
        let point = model::Point {
            x: rng.random_range(-1e6..1e6),
            y: [f64::MAX, 0.0, -3.0][rng.random_range(0..3usize)],
        };
        let certainty = Some(labels.mapv(|v| f32::from(v) / 255.0));
        let segmented = Segmented { labels, certainty };
        for which in [Which::All, Which::Nearest, Which::NearestTo(point)] {
            for found in detect(&segmented, FEATURES, [None, Some(1e-7)][seed as usize % 2], which).features {
                let inside =
                    |p: &model::Point| (0.0..=size.1 as f64).contains(&p.x) && (0.0..=size.0 as f64).contains(&p.y);
                assert!(
                    found.place.is_none_or(|p| inside(&p.px)),
                    "{seed}: {} {:?}",
                    found.name,
                    found.place
                );
                assert!(
                    found.confidence.is_none_or(|c| (0.0..=1.0).contains(&c)),
                    "{seed}: {}",
                    found.name
                );
            }
        }
        let scale = [0.0, 1e-30, 200.0, 1e30][rng.random_range(0..4usize)];
        let side = rng.random_range(1..130);
        let picture = Array2::from_shape_simple_fn((side, 131 - side), || scale * rng.random::<f32>());
        assert_eq!(vision::classical::segment(picture.view()).labels.dim(), picture.dim());
    }
}
