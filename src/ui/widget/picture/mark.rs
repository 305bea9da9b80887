//! What the hand draws on a picture: a ruler, a reduced area.

use super::Shot;
use model::{Rect, Unit, units};
use picture::Position;

/// A distance being measured, in picture pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Ruler {
    #[default]
    Off,
    /// Its end follows the cursor.
    From(Position),
    Fixed(Position, Position),
}

impl Ruler {
    /// What the key makes of it: start here, end here, away.
    pub fn next(self, cursor: Position) -> Ruler {
        match self {
            Ruler::Off => Ruler::From(cursor),
            Ruler::From(from) => Ruler::Fixed(from, cursor),
            Ruler::Fixed(..) => Ruler::Off,
        }
    }

    /// With its ends moved.
    pub fn map(self, to: impl Fn(Position) -> Position) -> Ruler {
        match self {
            Ruler::Off => Ruler::Off,
            Ruler::From(from) => Ruler::From(to(from)),
            Ruler::Fixed(from, end) => Ruler::Fixed(to(from), to(end)),
        }
    }

    /// Both ends.
    pub fn ends(self, cursor: Position) -> Option<(Position, Position)> {
        match self {
            Ruler::Off => None,
            Ruler::From(from) => Some((from, cursor)),
            Ruler::Fixed(from, to) => Some((from, to)),
        }
    }
}

/// Length and angle of a ruler, counter-clockwise from the picture's right; in pixels where the picture says no scale.
pub fn measured(from: Position, to: Position, shot: Option<Shot>) -> String {
    let (dx, up) = (to.x - from.x, from.y - to.y);
    let length = dx.hypot(up);
    let angle = up.atan2(dx).to_degrees();
    match shot {
        Some(shot) => format!(
            "{}  {angle:.1} deg",
            units::format(length * shot.pixel_size, Unit::Metre)
        ),
        None => format!("{length:.0} px  {angle:.1} deg"),
    }
}

/// The first corner of an area; the cursor is the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    corner: Position,
}

impl Mark {
    pub fn new(corner: Position) -> Mark {
        Mark { corner }
    }

    /// With its corner moved.
    pub fn map(self, to: impl Fn(Position) -> Position) -> Mark {
        Mark::new(to(self.corner))
    }

    /// Left, top, width, height in picture pixels.
    pub fn rect(self, cursor: Position) -> (f64, f64, f64, f64) {
        let (a, b) = (self.corner, cursor);
        (a.x.min(b.x), a.y.min(b.y), (a.x - b.x).abs(), (a.y - b.y).abs())
    }

    /// In fractions of a picture of `size`; `None` while it holds no pixel.
    pub fn area(self, cursor: Position, size: (u32, u32)) -> Option<Rect> {
        let (left, top, width, height) = self.rect(cursor);
        let (w, h) = (f64::from(size.0), f64::from(size.1));
        let area = Rect {
            left: left / w,
            top: top / h,
            width: width / w,
            height: height / h,
        };
        (width >= 1.0 && height >= 1.0 && area.is_valid()).then_some(area)
    }
}
