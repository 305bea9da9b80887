//! Labelling a picture by hand: what an edit does to a mask, and how it is taken back. No screen and no keys: those are the console's.
//!
//! A [`Sheet`] is a mask over its picture. `stroke` says which pixels a tool means, `history` keeps what they were; `store` finds the pictures of a
//! folder and saves masks. A new tool is a function in `stroke` and a variant of [`Edit`].

mod history;
mod store;
mod stroke;
#[cfg(test)]
mod tests;

pub use store::{Desk, Origin};

use crate::LearnError;
use history::History;
use ndarray::Array2;

/// A pixel: column and row. It may lie outside the picture.
pub type Pixel = (i32, i32);

/// What is drawn; the class 0 erases.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// A round brush of this radius (pixels) along a way; one point is a dab.
    Brush { way: Vec<Pixel>, radius: f64, class: u8 },
    /// All pixels within a closed outline, its rim included.
    Polygon { corners: Vec<Pixel>, class: u8 },
    /// What is connected to a pixel, in the four directions, and has its class.
    Fill { at: Pixel, class: u8 },
    /// What is connected to a pixel and whose grey, averaged over 3 x 3, is within this much of the pixel's.
    Snap { at: Pixel, tolerance: u8, class: u8 },
    /// Another mask in its place: a prediction, or that of the picture before.
    Replace { labels: Array2<u8> },
}

/// A mask being drawn over a picture.
#[derive(Debug)]
pub struct Sheet {
    picture: Array2<u8>,
    labels: Array2<u8>,
    history: History,
    /// Edits, undone ones included, since it was saved last.
    unsaved: usize,
}

impl Sheet {
    /// Errors: a mask of another size; the picture and the mask are left as they are.
    pub fn new(picture: Array2<u8>, labels: Array2<u8>) -> Result<Sheet, LearnError> {
        fits(&picture, &labels)?;
        Ok(Sheet {
            picture,
            labels,
            history: History::default(),
            unsaved: 0,
        })
    }

    pub fn picture(&self) -> &Array2<u8> {
        &self.picture
    }

    pub fn labels(&self) -> &Array2<u8> {
        &self.labels
    }

    /// Whether there is something that was not saved.
    pub fn is_unsaved(&self) -> bool {
        self.unsaved > 0
    }

    /// Does an edit: how many pixels changed. What changes nothing is no step to take back.
    ///
    /// Errors: a mask of another size; nothing is changed then.
    pub fn edit(&mut self, edit: &Edit) -> Result<usize, LearnError> {
        let (next, replaced);
        let (marked, class) = match edit {
            Edit::Replace { labels } => {
                fits(&self.picture, labels)?;
                replaced = labels;
                (None, replaced)
            }
            other => {
                let (mask, class) = stroke::marked(other, &self.picture, &self.labels);
                next = Array2::from_elem(self.labels.dim(), class);
                (Some(mask), &next)
            }
        };
        let step = history::Step::between(&self.labels, class, marked.as_ref());
        let count = step.pixels();
        if count > 0 {
            step.redo(&mut self.labels);
            self.history.push(step);
            self.unsaved += 1;
        }
        Ok(count)
    }

    /// Takes the last edit back; false where there is none, or none that is still kept.
    pub fn undo(&mut self) -> bool {
        let done = self.history.undo(&mut self.labels);
        self.unsaved += usize::from(done);
        done
    }

    pub fn redo(&mut self) -> bool {
        let done = self.history.redo(&mut self.labels);
        self.unsaved += usize::from(done);
        done
    }

    /// Bytes that the steps to take back take.
    pub fn history_bytes(&self) -> usize {
        self.history.bytes()
    }

    fn saved(&mut self) {
        self.unsaved = 0;
    }
}

fn fits(picture: &Array2<u8>, labels: &Array2<u8>) -> Result<(), LearnError> {
    let ((h, w), (rows, columns)) = (picture.dim(), labels.dim());
    match (h, w) == (rows, columns) {
        true => Ok(()),
        false => Err(LearnError::Refused(format!(
            "the mask has {columns}x{rows} pixels, its picture {w}x{h}; nothing was changed: choose a mask of the picture's size"
        ))),
    }
}
