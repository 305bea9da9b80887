//! What a tab adds to a picture: overlays of its own, words below it, and corners or points it has placed with the cursor.

use super::{PicturePane, Shot, under};
use crate::action::Pointer;
use crate::cx::Cx;
use engine::event::FrameInfo;
use picture::{Overlay, Position};

/// Drawn for the tab, until it says otherwise.
#[derive(Clone, Debug, Default)]
pub struct Guest {
    /// Under the cursor, over the picture; in pixels of the picture that is shown.
    pub overlays: Vec<Overlay>,
    /// Said below the picture, before anything else.
    pub says: String,
    /// Pictures of a part of the frame are not followed: what is placed needs the whole.
    pub whole: bool,
}

impl PicturePane {
    /// Draws these overlays in the picture, and says these words below it.
    pub fn host(&mut self, overlays: Vec<Overlay>, says: String) {
        (self.guest.overlays, self.guest.says) = (overlays, says);
    }

    /// From now on the newest picture of the full frame is followed, whatever is scanned of it since.
    pub fn follow_whole(&mut self) {
        self.guest.whole = true;
    }

    /// The newest picture this pane follows.
    pub(super) fn newest<'a>(&self, cx: &'a Cx) -> Option<&'a FrameInfo> {
        let newest = cx.snapshot.newest(self.beam);
        if !self.guest.whole || newest.is_some_and(is_whole) {
            return newest;
        }
        let mut kept = cx.snapshot.frames.iter().rev();
        kept.find(|frame| frame.beam == Some(self.beam) && is_whole(frame))
            .or(newest)
    }

    /// The picture pixel that a pointer is over, where there is a picture under it.
    pub fn under(&self, pointer: Pointer, cx: &Cx) -> Option<Position> {
        let size = self.frame(cx)?.size;
        under(pointer, &self.viewport(size, cx))
    }

    /// Sets the cursor, on the picture.
    pub fn point_at(&mut self, at: Position, cx: &Cx) {
        if let Some(size) = self.frame(cx).map(|frame| frame.size) {
            self.put_cursor(at, size);
        }
    }
}

fn is_whole(frame: &FrameInfo) -> bool {
    Shot::of(frame).is_some_and(|shot| shot.is_whole())
}
