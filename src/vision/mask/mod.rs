//! Masks of class ids: what is connected to what, where it ends, and which pictures of it can be asked cheaply.
//!
//! A mask is `ArrayView2<u8>`, rows x columns, a class id per pixel, 0 = background. Points are (x right, y down) with (0, 0) the
//! centre of the top-left pixel. What a class *means* is in `classes`; what is looked for in it, in `features` and `objects`.
//!
//! A [`Scene`] is a mask with everything worked out from it at most once. A new view of a mask is a file here and a field there.

mod components;
mod contours;
mod region;

pub use components::{Component, Run, components};
pub use contours::{Box2, Layers, TooManyContours, contour_boxes, layers};
pub use region::Region;

use ndarray::ArrayView2;
use std::cell::OnceCell;

/// A mask and what follows from it, each computed when first asked for.
pub struct Scene<'a> {
    labels: ArrayView2<'a, u8>,
    boxes: OnceCell<Vec<Option<Box2>>>,
    components: OnceCell<Vec<Component>>,
    layers: Vec<OnceCell<Result<Layers, TooManyContours>>>,
}

impl<'a> Scene<'a> {
    pub fn new(labels: ArrayView2<'a, u8>) -> Self {
        Scene {
            labels,
            boxes: OnceCell::new(),
            components: OnceCell::new(),
            layers: (0..=u8::MAX).map(|_| OnceCell::new()).collect(),
        }
    }

    /// (rows, columns).
    pub fn size(&self) -> (usize, usize) {
        self.labels.dim()
    }

    pub fn labels(&self) -> ArrayView2<'_, u8> {
        self.labels.view()
    }

    /// All pixels of a class.
    pub fn class(&self, class: u8) -> Region<'_> {
        let boxes = self.boxes.get_or_init(|| region::boxes(self.labels.view()));
        Region::new(self.labels.view(), class, boxes[usize::from(class)])
    }

    /// The connected parts of every class but 0.
    pub fn components(&self) -> &[Component] {
        self.components.get_or_init(|| components(self.labels.view()))
    }

    /// The instances of a class by the boxes of its contours.
    pub fn layers(&self, class: u8) -> Result<&Layers, TooManyContours> {
        let cell = &self.layers[usize::from(class)];
        let made = cell.get_or_init(|| layers(self.labels.view(), class));
        made.as_ref().map_err(|e| *e)
    }
}
