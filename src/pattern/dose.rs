//! Dose maps from pictures.

use crate::field::{Field, Kind};
use model::shape::DoseMap;
use serde::{Deserialize, Serialize, Serializer};

/// How a dose map is read between its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    Nearest,
    Bilinear,
    Bicubic,
}

impl Interpolation {
    pub(crate) fn text(self) -> String {
        match self {
            Interpolation::Nearest => "nearest",
            Interpolation::Bilinear => "bilinear",
            Interpolation::Bicubic => "bicubic",
        }
        .to_owned()
    }
}

pub(crate) const INTERPOLATION: Field = Field::new(
    "interpolation",
    "Interpolation",
    Kind::Choice(&["none", "nearest", "bilinear", "bicubic"]),
    "how the picture is read between its points",
)
.advanced();

/// Why pixels are no dose map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    #[error("the picture is {width} x {height} pixels: give one with at least a pixel")]
    Empty { width: usize, height: usize },
    #[error("{bytes} bytes are no RGB picture of {width} x {height} pixels: give {width} x {height} x 3")]
    Size { bytes: usize, width: usize, height: usize },
}

/// The dose of an RGB picture (8 bit, row by row from the top): blue / 255 is the dwell, green 0 blanks the point, red
/// counts for nothing. (openFIBSEM's time estimate also counts the blue of blanked points; here they count nothing.)
pub fn dose_map(rgb: &[u8], width: usize, height: usize) -> Result<DoseMap, PictureError> {
    if width == 0 || height == 0 {
        return Err(PictureError::Empty { width, height });
    }
    if width.checked_mul(height).and_then(|n| n.checked_mul(3)) != Some(rgb.len()) {
        let bytes = rgb.len();
        return Err(PictureError::Size { bytes, width, height });
    }
    let (points, _) = rgb.as_chunks::<3>();
    let dwell = points
        .iter()
        .map(|[_, green, blue]| if *green == 0 { 0.0 } else { f32::from(*blue) / 255.0 });
    Ok(DoseMap {
        width,
        height,
        dwell: dwell.collect(),
    })
}

/// Points never go into a file: openFIBSEM's key is kept, as null.
pub(crate) fn leave_out<S: Serializer>(_: &Option<DoseMap>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blue_is_dwell_and_no_green_is_blank() {
        let map = dose_map(&[0, 1, 255, 9, 0, 255, 0, 255, 51, 0, 2, 0], 2, 2).unwrap();
        assert_eq!(map.dwell, [1.0, 0.0, 0.2, 0.0]);
        assert!((map.mean() - 0.3).abs() < 1e-7);
    }

    #[test]
    fn pixels_that_do_not_fit_are_refused() {
        assert!(matches!(
            dose_map(&[0; 11], 2, 2),
            Err(PictureError::Size { bytes: 11, .. })
        ));
        assert!(matches!(dose_map(&[], 0, 5), Err(PictureError::Empty { .. })));
        assert!(dose_map(&[0; 3], usize::MAX, 3).is_err());
    }
}
