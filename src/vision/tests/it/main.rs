//! Tests of the vision room: recorded results of the original (`vectors`), and pictures with a known truth (`truth`).

#![allow(clippy::unwrap_used)]

mod classical;
mod detection;
mod fuzz;
mod models;
mod mosaic;
mod pictures;
mod sites;
mod truth;
mod vectors;

use std::path::{Path, PathBuf};

/// A folder of recordings. `FIBDECK_VECTORS` names another place of the same shape, which may hold only some of the files.
fn recordings(name: &str) -> PathBuf {
    let root = std::env::var_os("FIBDECK_VECTORS").map(PathBuf::from);
    root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors"))
        .join(name)
}

/// An 8-bit picture of such a folder; `None` when it is not there.
fn recorded_picture(folder: &str, name: &serde_json::Value) -> Option<ndarray::Array2<u8>> {
    let path = recordings(folder).join(name.as_str()?);
    if !path.exists() {
        return None;
    }
    let image = image::open(&path).unwrap().into_luma8();
    let (w, h) = image.dimensions();
    Some(ndarray::Array2::from_shape_vec((h as usize, w as usize), image.into_raw()).unwrap())
}

/// The checksum of zip and PNG.
fn crc32(bytes: impl IntoIterator<Item = u8>) -> u32 {
    let crc = bytes.into_iter().fold(u32::MAX, |crc, v| {
        (0..8).fold(crc ^ u32::from(v), |c, _| {
            if c & 1 == 1 { (c >> 1) ^ 0xedb8_8320 } else { c >> 1 }
        })
    });
    !crc
}
