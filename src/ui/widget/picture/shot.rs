//! Where a picture's pixels lie, in metres of the picture plane.

use engine::event::FrameInfo;
use model::kinematics::pixels;
use model::{Point, Rect};
use picture::Position;

/// The scale of a picture. Metres count from the centre of the full frame, which is where the beam's axis is, also when only
/// a part of the frame was scanned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shot {
    /// Pixels of the full frame.
    full: (u32, u32),
    /// Where the picture's top left corner lies in the full frame, pixels.
    corner: (u32, u32),
    /// m.
    pub pixel_size: f64,
    whole: bool,
}

impl Shot {
    /// `None` where the picture says no scale.
    pub fn of(frame: &FrameInfo) -> Option<Shot> {
        let scaled = frame.pixel_size.is_finite() && frame.pixel_size > 0.0;
        if !scaled || frame.size.0 == 0 || frame.size.1 == 0 {
            return None;
        }
        let settings = frame.settings.as_ref();
        // some instruments give the whole frame back, black around the part that was scanned
        let part = settings
            .and_then(|s| s.reduced_area.map(|area| (area.pixels(s.resolution), s.resolution)))
            .filter(|((.., w, h), full)| (*w, *h) == frame.size && frame.size != *full);
        let (corner, full) = match part {
            Some(((x, y, ..), full)) => ((x, y), full),
            None => ((0, 0), frame.size),
        };
        Some(Shot {
            full,
            corner,
            pixel_size: frame.pixel_size,
            whole: part.is_none(),
        })
    }

    /// The picture shows the full frame.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Metres right of and above the full frame's centre.
    pub fn to_metres(self, at: Position) -> Point {
        let pixel = Point {
            x: at.x + f64::from(self.corner.0),
            y: at.y + f64::from(self.corner.1),
        };
        pixels::to_metres(pixel, self.full, self.pixel_size, true)
    }

    /// The pixel of a point in metres; may lie outside the picture.
    pub fn to_pixel(self, point: Point) -> Position {
        let pixel = pixels::from_metres(point, self.full, self.pixel_size, true);
        Position::new(pixel.x - f64::from(self.corner.0), pixel.y - f64::from(self.corner.1))
    }

    /// An area in fractions of the full frame, in pixels of this picture: left, top, width, height.
    pub fn area(self, area: &Rect) -> (f64, f64, f64, f64) {
        let (w, h) = (f64::from(self.full.0), f64::from(self.full.1));
        (
            area.left * w - f64::from(self.corner.0),
            area.top * h - f64::from(self.corner.1),
            area.width * w,
            area.height * h,
        )
    }
}
