//! Any picture and any mask as datasets need them: grey, 8 bits, class ids.

use crate::LearnError;
use image::{ColorType, DynamicImage, ImageReader};
use model::{Frame, Pixels};
use ndarray::Array2;
use std::io::Cursor;
use std::path::Path;

/// Endings of pictures that are read.
pub const ENDINGS: [&str; 4] = ["tif", "tiff", "png", "bmp"];

/// Whether it has the ending of a picture and is no hidden file, as half-written ones are.
pub fn is_picture(path: &Path) -> bool {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    let hidden = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !hidden && ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

fn is_tiff(path: &Path) -> bool {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    ending.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("tif"))
}

/// Reads a picture; one in colour becomes grey.
pub fn read(path: &Path) -> Result<Frame, LearnError> {
    read_bytes(path, None)
}

/// As [`read`], of bytes that were read from `path` already.
pub fn decode(path: &Path, bytes: &[u8]) -> Result<Frame, LearnError> {
    read_bytes(path, Some(bytes))
}

fn read_bytes(path: &Path, bytes: Option<&[u8]>) -> Result<Frame, LearnError> {
    if is_tiff(path) {
        let loaded = bytes.map_or_else(|| Frame::load(path), Frame::decode);
        return Ok(loaded.map_err(|e| LearnError::file(path, e))?.frame);
    }
    let image = colour(path, bytes)?;
    let pixels = match image.color() {
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
            let grey = image.into_luma16();
            let shape = (grey.height() as usize, grey.width() as usize);
            Array2::from_shape_vec(shape, grey.into_raw()).map(Pixels::U16)
        }
        _ => {
            let grey = image.into_luma8();
            let shape = (grey.height() as usize, grey.width() as usize);
            Array2::from_shape_vec(shape, grey.into_raw()).map(Pixels::U8)
        }
    };
    let pixels = pixels.map_err(|e| LearnError::file(path, e))?;
    Ok(Frame { pixels, metadata: None })
}

fn colour(path: &Path, bytes: Option<&[u8]>) -> Result<DynamicImage, LearnError> {
    let unread = |e: std::io::Error| LearnError::file(path, format!("cannot be read ({e})"));
    let read;
    let bytes = match bytes {
        Some(bytes) => bytes,
        None => {
            read = std::fs::read(path).map_err(unread)?;
            &read
        }
    };
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(unread)?;
    reader.decode().map_err(|e| {
        LearnError::file(
            path,
            format!("this is no picture, or a damaged one ({e}): take another copy"),
        )
    })
}

/// Size (width, height) and bits of a picture, without its pixels where the file allows that.
pub fn header(path: &Path) -> Result<model::frame::Header, LearnError> {
    if is_tiff(path) {
        return Frame::header(path).map_err(|e| LearnError::file(path, e));
    }
    let frame = read(path)?;
    Ok(model::frame::Header {
        size: frame.pixels.size(),
        bits: frame.pixels.bits(),
        metadata: None,
    })
}

/// Reads a mask of class ids. Ids of 16 bits are taken where they fit into 8.
pub fn read_mask(path: &Path) -> Result<Array2<u8>, LearnError> {
    match read(path)?.pixels {
        Pixels::U8(ids) => Ok(ids),
        Pixels::U16(ids) => match ids.iter().max() {
            Some(255..) if ids.iter().any(|id| *id > 255) => Err(LearnError::file(
                path,
                "has class ids above 255: is it a mask? Nothing was taken from it",
            )),
            _ => Ok(ids.mapv(|id| id as u8)),
        },
    }
}

/// How sides become multiples of 32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fit {
    /// Columns at the right and rows at the bottom are left out.
    #[default]
    Crop,
    /// Columns at the right and rows at the bottom are added, 0.
    Pad,
}

/// What networks ask of the sides of a picture.
pub const SIDE: usize = 32;

/// The array with sides that are multiples of 32, its top left corner in place; `None` where nothing would be left.
pub fn fitted(of: &Array2<u8>, fit: Fit) -> Option<Array2<u8>> {
    let side = |n: usize| match fit {
        Fit::Crop => n / SIDE * SIDE,
        Fit::Pad => n.next_multiple_of(SIDE),
    };
    let size = of.dim();
    let to = (side(size.0), side(size.1));
    if to.0 == 0 || to.1 == 0 {
        return None;
    }
    if to == size {
        return Some(of.clone());
    }
    let at = |(y, x): (usize, usize)| of.get((y, x)).copied().unwrap_or(0);
    Some(Array2::from_shape_fn(to, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_becomes_grey_and_sides_fit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.png");
        let image = image::RgbImage::from_pixel(70, 40, image::Rgb([90, 90, 90]));
        image.save(&path).unwrap();
        let frame = read(&path).unwrap();
        assert_eq!((frame.pixels.size(), header(&path).unwrap().size), ((70, 40), (70, 40)));
        let grey = frame.pixels.to_u8();
        assert_eq!(grey[[3, 3]], 90);
        assert_eq!(fitted(&grey, Fit::Crop).unwrap().dim(), (32, 64));
        let padded = fitted(&grey, Fit::Pad).unwrap();
        assert_eq!((padded.dim(), padded[[39, 69]], padded[[40, 0]]), ((64, 96), 90, 0));
        assert_eq!(fitted(&Array2::zeros((31, 64)), Fit::Crop), None);
        std::fs::write(&path, b"\x89PNG half").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("a.png"));
    }

    #[test]
    fn a_mask_of_sixteen_bits_is_taken_where_it_fits() {
        let dir = tempfile::tempdir().unwrap();
        let save = |name: &str, top: u16| {
            let pixels = Pixels::U16(Array2::from_shape_fn((32, 32), |(y, _)| if y > 3 { top } else { 0 }));
            Frame { pixels, metadata: None }.save(&dir.path().join(name)).unwrap()
        };
        assert_eq!(read_mask(&save("a.tif", 5)).unwrap()[[9, 9]], 5);
        assert!(read_mask(&save("b.tif", 300)).is_err());
    }
}
