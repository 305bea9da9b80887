//! A picture: pixels and openFIBSEM's metadata, and the TIFF that holds them.
//!
//! `tiff` reads and writes the file, `metadata` is what stands in it besides pixels, `save` names files and never
//! overwrites one. Image processing lives in `vision`, not here.

pub mod metadata;
mod save;
#[cfg(test)]
mod tests;
mod tiff;

pub use metadata::{ExperimentRef, Metadata, User};
use ndarray::Array2;
pub use save::{beam_file_name, file_name, safe_name, session_folder, tif_path};
pub use tiff::{FrameError, Header, Loaded};

/// Grey values, rows x columns (row 0 = top).
#[derive(Clone, Debug, PartialEq)]
pub enum Pixels {
    U8(Array2<u8>),
    U16(Array2<u16>),
}

/// A picture as the instrument gave it. A chamber picture or a foreign file may have no metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub pixels: Pixels,
    pub metadata: Option<Metadata>,
}

impl Pixels {
    /// A picture of one grey value, 8 bit.
    pub fn filled(width: usize, height: usize, grey: u8) -> Pixels {
        Pixels::U8(Array2::from_elem((height, width), grey))
    }

    /// (width, height).
    pub fn size(&self) -> (usize, usize) {
        let (h, w) = match self {
            Pixels::U8(a) => a.dim(),
            Pixels::U16(a) => a.dim(),
        };
        (w, h)
    }

    /// Grey values as f32 in the file's own range (0..255 or 0..65535), rows x columns.
    pub fn to_f32(&self) -> Array2<f32> {
        match self {
            Pixels::U8(a) => a.mapv(f32::from),
            Pixels::U16(a) => a.mapv(f32::from),
        }
    }

    /// Eight bits for display: 16-bit values keep their high byte.
    pub fn to_u8(&self) -> Array2<u8> {
        match self {
            Pixels::U8(a) => a.clone(),
            Pixels::U16(a) => a.mapv(|v| (v >> 8) as u8),
        }
    }

    pub fn bits(&self) -> u8 {
        match self {
            Pixels::U8(_) => 8,
            Pixels::U16(_) => 16,
        }
    }
}
