//! Labelling a picture by hand: what an edit does to a mask, and how it is taken back. No screen and no keys: those are the console's.
//!
//! A [`Sheet`] is a mask over its picture. `stroke` says which pixels a tool means, `history` keeps what they were; `store` finds the pictures of a
//! folder and what saves their masks, `points` does the same for key points. A new tool is a function in `stroke` and a variant of [`Edit`].

mod history;
mod points;
mod store;
mod stroke;
#[cfg(test)]
mod tests;

pub use points::{Points, SavePoints};
pub use store::{Desk, Known, Origin, Save};

use crate::LearnError;
use history::History;
use ndarray::Array2;
use std::sync::Arc;

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
    /// Shared with who draws or saves it.
    labels: Arc<Array2<u8>>,
    history: History,
    /// The stroke that is being drawn has changed something.
    drawn: bool,
    /// Edits, undone ones included, since it was saved last.
    unsaved: usize,
}

impl Sheet {
    /// Errors: a mask of another size; the picture and the mask are left as they are.
    pub fn new(picture: Array2<u8>, labels: Array2<u8>) -> Result<Sheet, LearnError> {
        fits(&picture, &labels)?;
        Ok(Sheet {
            picture,
            labels: Arc::new(labels),
            history: History::default(),
            drawn: false,
            unsaved: 0,
        })
    }

    pub fn picture(&self) -> &Array2<u8> {
        &self.picture
    }

    pub fn labels(&self) -> &Arc<Array2<u8>> {
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
        self.draw(edit, true)
    }

    /// As [`Sheet::edit`], a piece of a stroke at a time: those after the one that `begins` it are taken back with it.
    pub fn draw(&mut self, edit: &Edit, begins: bool) -> Result<usize, LearnError> {
        self.drawn &= !begins;
        let step = match edit {
            Edit::Replace { labels } => {
                fits(&self.picture, labels)?;
                history::Step::between(&self.labels, labels)
            }
            other => {
                let (marked, class) = stroke::marked(other, &self.picture, &self.labels);
                history::Step::of(&self.labels, &marked, class, self.drawn)
            }
        };
        let count = step.pixels();
        if count > 0 {
            step.redo(Arc::make_mut(&mut self.labels));
            self.history.push(step);
            self.drawn = true;
            self.unsaved += 1;
        }
        Ok(count)
    }

    /// Takes the last edit back; false where there is none, or none that is still kept.
    pub fn undo(&mut self) -> bool {
        let done = self.history.undo(Arc::make_mut(&mut self.labels));
        self.unsaved += usize::from(done);
        self.drawn = false;
        done
    }

    pub fn redo(&mut self) -> bool {
        let done = self.history.redo(Arc::make_mut(&mut self.labels));
        self.unsaved += usize::from(done);
        self.drawn = false;
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
