//! Recorded pictures in place of rendered ones: what the driver `replay` shows. Stage, columns and time are the twin's.

use crate::HalError;
use model::{ErrorKind, Frame, ImageSettings, Rect};
use ndarray::Array2;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Pictures of both beams, each played in its order and then from the beginning again.
#[derive(Debug, Default)]
pub struct Film([Reel; 2]);

#[derive(Debug, Default)]
struct Reel {
    files: Vec<PathBuf>,
    next: AtomicUsize,
}

impl Film {
    /// Of these files, in this order. What is no picture of a beam is left out; an error where nothing is left.
    pub fn of(files: &[PathBuf]) -> Result<Film, HalError> {
        let mut film = Film::default();
        for file in files {
            if let Ok(Some(metadata)) = Frame::header(file).map(|header| header.metadata) {
                film.0[metadata.image.beam_type as usize].files.push(file.clone());
            }
        }
        match film.0.iter().all(|reel| reel.files.is_empty()) {
            true => Err(HalError::new(
                ErrorKind::NotConnected,
                "there is no picture to play that says which beam took it; nothing was opened",
                "name a folder of TIFF pictures as fibdeck or openFIBSEM save them, or a journal whose pictures are still there",
            )),
            false => Ok(film),
        }
    }

    /// The beam's next picture, as these settings see it: pixel for pixel where they are its own, else each pixel from the nearest
    /// one, and black where nothing was recorded.
    pub(super) fn picture(&self, settings: &ImageSettings) -> Result<Array2<u8>, HalError> {
        let reel = &self.0[settings.beam_type as usize];
        let Some(n) = reel.next.fetch_add(1, Ordering::SeqCst).checked_rem(reel.files.len()) else {
            return Err(HalError::new(
                ErrorKind::Unsupported,
                format!("no picture of the {} beam was recorded", settings.beam_type),
                "take one with the other beam",
            ));
        };
        let loaded = Frame::load(&reel.files[n]).map_err(|e| unreadable(&reel.files[n]).caused_by(e))?;
        Ok(seen(&loaded.frame, settings))
    }
}

fn unreadable(file: &Path) -> HalError {
    HalError::new(
        ErrorKind::File,
        format!(
            "{} can no longer be read",
            model::text::printable(&file.display().to_string())
        ),
        "put it back, and take the picture again",
    )
}

/// Where the middle of a part of a frame lies, pixels from the frame's own, right and down.
fn middle(area: Option<Rect>, (w, h): (u32, u32)) -> (f64, f64) {
    let area = area.unwrap_or(Rect::FULL);
    (
        (area.left + area.width / 2.0 - 0.5) * f64::from(w),
        (area.top + area.height / 2.0 - 0.5) * f64::from(h),
    )
}

fn seen(recorded: &Frame, settings: &ImageSettings) -> Array2<u8> {
    let source = recorded.pixels.to_u8();
    let (rows, columns) = source.dim();
    let (w, h) = settings.scanned();
    let image = recorded.metadata.as_ref().map(|m| &m.image);
    // pixels of the recording for one that is asked for
    let scale = recorded
        .metadata
        .as_ref()
        .map_or(columns as f64 / f64::from(w.max(1)), |m| {
            settings.pixel_size() / m.pixel_size.x
        });
    let there = image.map_or((0.0, 0.0), |image| middle(image.reduced_area, image.resolution));
    let here = middle(settings.reduced_area, settings.resolution);
    let place = |k: usize, size: u32, here: f64, there: f64, length: usize| {
        let from_middle = (k as f64 + 0.5 - f64::from(size) / 2.0 + here) * scale - there;
        let at = (from_middle + length as f64 / 2.0).floor();
        (0.0..length as f64).contains(&at).then_some(at as usize)
    };
    let across: Vec<Option<usize>> = (0..w as usize).map(|k| place(k, w, here.0, there.0, columns)).collect();
    let down: Vec<Option<usize>> = (0..h as usize).map(|k| place(k, h, here.1, there.1, rows)).collect();
    Array2::from_shape_fn((h as usize, w as usize), |(row, column)| {
        match (down[row], across[column]) {
            (Some(row), Some(column)) => source[(row, column)],
            _ => 0,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::frame::Metadata;
    use model::{MicroscopeState, Pixels, StagePosition};

    fn recorded() -> (Frame, ImageSettings) {
        let settings = ImageSettings {
            resolution: (60, 40),
            hfw: 60e-6,
            ..ImageSettings::default()
        };
        let pixels = Array2::from_shape_fn((40, 60), |(row, column)| (row * 4 + column) as u8);
        let state = MicroscopeState::bare(0.0, StagePosition::default());
        let metadata = Metadata::new(settings.clone(), state);
        let frame = Frame {
            pixels: Pixels::U8(pixels),
            metadata: Some(metadata),
        };
        (frame, settings)
    }

    #[test]
    fn a_recording_is_seen_pixel_by_pixel_in_part_and_at_another_field() {
        let (frame, settings) = recorded();
        let Pixels::U8(whole) = &frame.pixels else { panic!() };
        assert_eq!(seen(&frame, &settings), whole);
        let quarter = Rect {
            left: 0.5,
            top: 0.0,
            width: 0.5,
            height: 0.5,
        };
        let part = ImageSettings {
            reduced_area: Some(quarter),
            ..settings.clone()
        };
        assert_eq!(seen(&frame, &part), whole.slice(ndarray::s![..20, 30..]));
        // twice the field at the same size: every other pixel, and black around
        let wide = seen(
            &frame,
            &ImageSettings {
                hfw: 120e-6,
                ..settings
            },
        );
        assert_eq!((wide[(0, 0)], wide[(20, 14)]), (0, 0));
        assert!(wide[(20, 30)].abs_diff(whole[(20, 30)]) <= 5);
    }
}
