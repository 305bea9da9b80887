//! One picture in the pixel type it has.

use model::Pixels;
use ndarray::{Array2, ArrayView2, Axis};

/// A picture as it was taken, rows x columns. Rows are converted when they are read: no copy in another type is needed.
#[derive(Clone, Copy, Debug)]
pub enum View<'a> {
    U8(ArrayView2<'a, u8>),
    U16(ArrayView2<'a, u16>),
    F32(ArrayView2<'a, f32>),
}

impl<'a> From<ArrayView2<'a, u8>> for View<'a> {
    fn from(view: ArrayView2<'a, u8>) -> Self {
        View::U8(view)
    }
}

impl<'a> From<ArrayView2<'a, u16>> for View<'a> {
    fn from(view: ArrayView2<'a, u16>) -> Self {
        View::U16(view)
    }
}

impl<'a> From<ArrayView2<'a, f32>> for View<'a> {
    fn from(view: ArrayView2<'a, f32>) -> Self {
        View::F32(view)
    }
}

impl<'a> From<&'a Pixels> for View<'a> {
    fn from(pixels: &'a Pixels) -> Self {
        match pixels {
            Pixels::U8(a) => View::U8(a.view()),
            Pixels::U16(a) => View::U16(a.view()),
        }
    }
}

impl View<'_> {
    /// (rows, columns).
    pub fn dim(&self) -> (usize, usize) {
        match self {
            View::U8(a) => a.dim(),
            View::U16(a) => a.dim(),
            View::F32(a) => a.dim(),
        }
    }

    pub(crate) fn to_f32(self) -> Array2<f32> {
        match self {
            View::U8(a) => a.mapv(f32::from),
            View::U16(a) => a.mapv(f32::from),
            View::F32(a) => a.to_owned(),
        }
    }

    /// Row y into the first pixels of `to`.
    pub(crate) fn read_row(&self, y: usize, to: &mut [f32]) {
        fn copy<T: Copy + Into<f32>>(picture: &ArrayView2<T>, y: usize, to: &mut [f32]) {
            let row = picture.index_axis(Axis(0), y);
            match row.as_slice() {
                Some(values) => to.iter_mut().zip(values).for_each(|(to, v)| *to = (*v).into()),
                None => to.iter_mut().zip(row).for_each(|(to, v)| *to = (*v).into()),
            }
        }
        match self {
            View::U8(a) => copy(a, y, to),
            View::U16(a) => copy(a, y, to),
            View::F32(a) => copy(a, y, to),
        }
    }
}
