//! Corners and points placed with the cursor of the picture: a box for a pattern or the alignment area, spots to burn.
//!
//! What is placed is kept in pixels of the picture it was placed in, and turned into metres of the field as it is now each
//! time it is looked at: a stage that moves takes it along, one that tilts makes it refused.

use crate::action::{Action, Gesture, Pointer};
use crate::cx::Cx;
use crate::widget::picture::{PicturePane, Refused, aim};
use engine::event::FrameId;
use model::Point;
use picture::Position;

/// A place in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    frame: FrameId,
    at: Position,
}

impl Spot {
    /// Under the cursor of a pane.
    pub fn under_cursor(pane: &PicturePane, cx: &Cx) -> Option<Spot> {
        let frame = pane.frame(cx)?;
        Some(Spot {
            frame: frame.id,
            at: pane.cursor(frame.size),
        })
    }

    /// Metres right of and above the middle of the field as it is now.
    pub fn now(self, cx: &Cx) -> Result<Point, Refused> {
        let frame = cx.frame(self.frame).ok_or_else(|| Refused {
            why: "the picture it was placed in is gone".to_owned(),
            hint: "place it anew in the newest picture",
        })?;
        aim(frame, self.at, cx).map(|aim| aim.offset)
    }
}

/// What is being placed.
#[derive(Clone, Debug, PartialEq)]
pub enum Placing {
    /// Two corners of the selected pattern.
    Pattern(Option<Spot>),
    /// Two corners of the alignment area.
    Alignment(Option<Spot>),
    Spots(Vec<Spot>),
}

/// What an action came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Placed {
    /// Not the placing's.
    Ignored,
    Handled,
    /// Both corners are there.
    Box(Spot, Spot),
    Left,
}

impl Placing {
    /// What to do next, for the line below the picture.
    pub fn says(&self) -> String {
        match self {
            Placing::Pattern(None) => "PATTERN: Enter sets the first corner, Esc leaves it".to_owned(),
            Placing::Alignment(None) => "ALIGNMENT AREA: Enter sets the first corner, Esc leaves it".to_owned(),
            Placing::Pattern(Some(_)) | Placing::Alignment(Some(_)) => "Enter sets the other corner".to_owned(),
            Placing::Spots(points) => format!("SPOTS: {} placed, Enter adds one", points.len()),
        }
    }

    fn corner(&mut self) -> Option<&mut Option<Spot>> {
        match self {
            Placing::Pattern(corner) | Placing::Alignment(corner) => Some(corner),
            Placing::Spots(_) => None,
        }
    }

    /// The first corner, once it is set.
    pub fn first(&self) -> Option<Spot> {
        match self {
            Placing::Pattern(corner) | Placing::Alignment(corner) => *corner,
            Placing::Spots(_) => None,
        }
    }

    pub fn update(&mut self, action: &Action, pane: &mut PicturePane, cx: &Cx) -> Placed {
        match action {
            Action::Accept => self.set(pane, cx),
            Action::Point { pointer, .. } => self.point(*pointer, pane, cx),
            Action::RemovePoint => {
                if let Placing::Spots(points) = self {
                    points.pop();
                }
                Placed::Handled
            }
            Action::Close => Placed::Left,
            _ => Placed::Ignored,
        }
    }

    /// Sets a corner or a point at the cursor.
    fn set(&mut self, pane: &PicturePane, cx: &Cx) -> Placed {
        let Some(here) = Spot::under_cursor(pane, cx) else {
            return Placed::Handled;
        };
        match self {
            Placing::Spots(points) => points.push(here),
            Placing::Pattern(corner) | Placing::Alignment(corner) => match *corner {
                Some(first) => return Placed::Box(first, here),
                None => *corner = Some(here),
            },
        }
        Placed::Handled
    }

    /// A drag draws a box; a click sets a spot where the terminal says where exactly it was.
    fn point(&mut self, pointer: Pointer, pane: &mut PicturePane, cx: &Cx) -> Placed {
        let Some(under) = pane.under(pointer, cx) else {
            return Placed::Handled;
        };
        match pointer.gesture {
            // a second click on the same spot is one more click here, and moves nothing
            Gesture::Click
            | Gesture::DoubleClick
            | Gesture::AltDoubleClick
            | Gesture::ShiftClick
            | Gesture::CtrlShiftClick => {
                pane.point_at(under, cx);
                if let Some(corner) = self.corner() {
                    *corner = Spot::under_cursor(pane, cx);
                } else if pointer.pixel.is_some() {
                    return self.set(pane, cx);
                }
            }
            Gesture::Drag => pane.point_at(under, cx),
            // a click that was no drag leaves the first corner where it is
            Gesture::Drop if self.first() != Spot::under_cursor(pane, cx) && self.corner().is_some() => {
                return self.set(pane, cx);
            }
            Gesture::Drop => {}
            Gesture::ScrollUp | Gesture::ScrollDown => return Placed::Ignored,
        }
        Placed::Handled
    }
}
