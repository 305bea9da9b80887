//! What is to be shown, as pixels: grey values, and above them a plane of inks for overlays.
//!
//! Nothing here knows a terminal protocol. Positions on the picture are in picture pixels (x right, y down, origin at the
//! top left corner of the first pixel); positions on the canvas are in canvas pixels, which a protocol makes as coarse as
//! it needs. To add an overlay see `overlay.rs`.

mod font;
mod mask;
mod overlay;
mod pen;
mod resample;
mod shapes;
mod smooth;
mod tone;
mod viewport;

pub use overlay::{Overlay, Stroke, burn, scale_bar};
pub use resample::show;
pub use shapes::{Look, number, shapes};
pub use smooth::{Change, Smoother};
pub use tone::Tone;
pub use viewport::{Grid, Position, View, Viewport};

/// Grey values, row by row from the top left; `data.len() == width * height`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grey {
    pub width: usize,
    pub height: usize,
    pub data: Vec<u8>,
}

impl Grey {
    pub fn new(width: usize, height: usize) -> Grey {
        Grey {
            width,
            height,
            data: vec![0; width * height],
        }
    }

    /// The value at (x, y); black outside.
    pub fn at(&self, x: usize, y: usize) -> u8 {
        if x < self.width {
            self.data.get(y * self.width + x).copied().unwrap_or(0)
        } else {
            0
        }
    }
}

/// Colour by meaning. The theme says which colour that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ink {
    Accent,
    Good,
    Info,
    Warn,
    Danger,
    Neutral,
    /// Members of a series that are told apart, and mean nothing else: the stages of a milling task.
    First,
    Second,
    Third,
    Fourth,
}

impl Ink {
    pub const ALL: [Ink; 10] = [
        Ink::Accent,
        Ink::Good,
        Ink::Info,
        Ink::Warn,
        Ink::Danger,
        Ink::Neutral,
        Ink::First,
        Ink::Second,
        Ink::Third,
        Ink::Fourth,
    ];

    /// The ink of the `n`th of a series, counted from 0; they come round.
    pub fn of_series(n: usize) -> Ink {
        const SERIES: [Ink; 4] = [Ink::First, Ink::Second, Ink::Third, Ink::Fourth];
        SERIES[n % SERIES.len()]
    }
}

/// The theme's colour (red, green, blue) of each ink, in the order of [`Ink::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InkTable(pub [[u8; 3]; 10]);

impl InkTable {
    pub fn rgb(&self, ink: Ink) -> [u8; 3] {
        self.0[ink as usize]
    }
}

impl Default for InkTable {
    /// Colours that stand out on grey, for use without a theme.
    fn default() -> Self {
        InkTable([
            [255, 214, 0],
            [64, 220, 96],
            [64, 200, 255],
            [255, 150, 0],
            [255, 64, 64],
            [255, 255, 255],
            [0, 200, 200],
            [220, 120, 255],
            [150, 220, 60],
            [255, 130, 110],
        ])
    }
}

/// What a class of a mask does to the grey under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tint {
    pub colour: [u8; 3],
    /// 0 leaves the picture as it is, 255 leaves nothing of it.
    pub opacity: u8,
    /// For eyes and terminals without colours.
    pub sign: char,
}

impl Tint {
    /// The colour of a pixel of this grey.
    pub fn over(&self, grey: u8) -> [u8; 3] {
        let share = u32::from(self.opacity);
        self.colour
            .map(|c| ((u32::from(c) * share + u32::from(grey) * (255 - share) + 127) / 255) as u8)
    }

    /// Nothing of the picture is left: the edge of a mask.
    pub fn is_solid(&self) -> bool {
        self.opacity == u8::MAX
    }
}

/// Text that is too small for the canvas to hold as pixels: a text protocol writes it into the cells.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    /// Left edge, in canvas pixels; may lie outside.
    pub x: i64,
    /// Middle, in canvas pixels; may lie outside.
    pub y: i64,
    pub text: String,
    pub ink: Ink,
}

/// A picture ready to be encoded: grey, the ink of each pixel (empty when nothing is drawn), and labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Raster {
    pub grey: Grey,
    pub ink: Vec<Option<Ink>>,
    pub labels: Vec<Label>,
    /// Under the ink: the tint of each pixel, counted from 1 in `tints`; 0 is none. Empty without a mask.
    pub tint: Vec<u8>,
    pub tints: Vec<Tint>,
}

impl Raster {
    pub fn ink_at(&self, x: usize, y: usize) -> Option<Ink> {
        if x < self.grey.width {
            self.ink.get(y * self.grey.width + x).copied().flatten()
        } else {
            None
        }
    }

    pub fn tint_at(&self, x: usize, y: usize) -> Option<&Tint> {
        let inside = x < self.grey.width;
        let place = self.tint.get(y * self.grey.width + x).filter(|_| inside)?;
        self.tints.get(usize::from(place.checked_sub(1)?))
    }

    /// What is seen at (x, y); black outside.
    pub fn rgb_at(&self, x: usize, y: usize, inks: &InkTable) -> [u8; 3] {
        let grey = self.grey.at(x, y);
        match (self.ink_at(x, y), self.tint_at(x, y)) {
            (Some(ink), _) => inks.rgb(ink),
            (None, Some(tint)) => tint.over(grey),
            (None, None) => [grey; 3],
        }
    }

    /// Whether an overlay covers any pixel; a raster without goes out as plain grey.
    pub fn is_coloured(&self) -> bool {
        !self.ink.is_empty() || !self.tint.is_empty()
    }

    /// The box of pixels (left, top, right, bottom; the last two beyond it) in which another raster of this size differs: `None` where
    /// it has another size, tints or labels, or where nothing differs.
    pub fn differs(&self, other: &Raster) -> Option<(usize, usize, usize, usize)> {
        let size = (self.grey.width, self.grey.height);
        if size != (other.grey.width, other.grey.height) || self.tints != other.tints || self.labels != other.labels {
            return None;
        }
        let row = |of: &Raster, x: usize, y: usize| {
            let at = y * size.0 + x;
            let tint = of.tint.get(at).copied().unwrap_or(0);
            (of.grey.data[at], of.ink.get(at).copied().flatten(), tint)
        };
        let mut found: Option<(usize, usize, usize, usize)> = None;
        for y in 0..size.1 {
            let differs = |x: &usize| row(self, *x, y) != row(other, *x, y);
            let Some(left) = (0..size.0).find(differs) else {
                continue;
            };
            let right = (left..size.0).rev().find(differs).unwrap_or(left) + 1;
            let (l, top, r, _) = found.unwrap_or((left, y, right, y));
            found = Some((l.min(left), top, r.max(right), y + 1));
        }
        found
    }

    /// A part of it, without labels; it must lie inside.
    pub fn cut(&self, (left, top, right, bottom): (usize, usize, usize, usize)) -> Raster {
        fn part<T: Copy>(of: &[T], width: usize, columns: (usize, usize), rows: (usize, usize)) -> Vec<T> {
            if of.is_empty() {
                return Vec::new();
            }
            let lines = (rows.0..rows.1).map(|y| &of[y * width + columns.0..y * width + columns.1]);
            lines.flatten().copied().collect()
        }
        let (width, columns, rows) = (self.grey.width, (left, right), (top, bottom));
        Raster {
            grey: Grey {
                width: right - left,
                height: bottom - top,
                data: part(&self.grey.data, width, columns, rows),
            },
            ink: part(&self.ink, width, columns, rows),
            tint: part(&self.tint, width, columns, rows),
            tints: self.tints.clone(),
            labels: Vec::new(),
        }
    }
}

impl From<Grey> for Raster {
    fn from(grey: Grey) -> Raster {
        Raster {
            grey,
            ..Raster::default()
        }
    }
}
