//! Pictures as they are shown, with their overlays, as PNG files. Never over an existing file.

use crate::encode::png;
use crate::figure::Rgb;
use crate::painter::Scene;
use crate::raster::{InkTable, Raster, Viewport, burn, show};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why a picture was not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("there is no picture to export")]
    Empty,
    #[error("{path}: {source}; nothing was written, choose another folder", path = .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the picture could not be packed as PNG ({0}); nothing was written")]
    Png(String),
}

/// What a pane shows (zoom, tone, overlays) in the picture's own resolution, written by [`save`].
pub fn scene(path: &Path, scene: &Scene, inks: &InkTable) -> Result<PathBuf, ExportError> {
    let viewport = Viewport::for_file(scene.pixels.size(), &scene.view);
    save(
        path,
        &burn(show(&scene.pixels, &viewport, &scene.tone), &scene.overlays, &viewport),
        inks,
    )
}

/// Writes `raster` to `path`, or where that exists to `name-1.png`, `name-2.png`, ...; returns where.
pub fn save(path: &Path, raster: &Raster, inks: &InkTable) -> Result<PathBuf, ExportError> {
    if raster.grey.data.is_empty() {
        return Err(ExportError::Empty);
    }
    let data = png::encode_exact(raster, inks).map_err(|e| ExportError::Png(e.to_string()))?;
    create(path, &data)
}

/// As [`save`], of a figure.
pub fn save_rgb(path: &Path, figure: &Rgb) -> Result<PathBuf, ExportError> {
    if figure.data.is_empty() {
        return Err(ExportError::Empty);
    }
    let data = png::encode_rgb(figure).map_err(|e| ExportError::Png(e.to_string()))?;
    create(path, &data)
}

fn create(path: &Path, data: &[u8]) -> Result<PathBuf, ExportError> {
    let failed = |path: &Path, source| ExportError::Io {
        path: path.to_owned(),
        source,
    };
    for n in 0u32.. {
        let target = numbered(path, n);
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&target) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(e) => return Err(failed(&target, e)),
        };
        if let Err(e) = file.write_all(data).and_then(|()| file.sync_all()) {
            // Half a picture is worse than none; that it cannot be removed either adds nothing to the message.
            drop(file);
            let _ = fs::remove_file(&target);
            return Err(failed(&target, e));
        }
        return Ok(target);
    }
    Err(failed(path, io::ErrorKind::AlreadyExists.into()))
}

fn numbered(path: &Path, n: u32) -> PathBuf {
    if n == 0 {
        return path.to_owned();
    }
    let stem = path
        .file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default();
    let extension = path
        .extension()
        .map(|e| format!(".{}", e.to_string_lossy()))
        .unwrap_or_default();
    path.with_file_name(format!("{stem}-{n}{extension}"))
}
