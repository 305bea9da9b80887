//! What is to be shown, as pixels: grey values, and above them a plane of inks for overlays.
//!
//! Nothing here knows a terminal protocol. Positions on the picture are in picture pixels (x right, y down, origin at the
//! top left corner of the first pixel); positions on the canvas are in canvas pixels, which a protocol makes as coarse as
//! it needs. To add an overlay see `overlay.rs`.

mod font;
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
}

impl Raster {
    pub fn ink_at(&self, x: usize, y: usize) -> Option<Ink> {
        if x < self.grey.width {
            self.ink.get(y * self.grey.width + x).copied().flatten()
        } else {
            None
        }
    }

    /// Whether an overlay covers any pixel; a raster without ink goes out as plain grey.
    pub fn has_ink(&self) -> bool {
        !self.ink.is_empty()
    }
}

impl From<Grey> for Raster {
    fn from(grey: Grey) -> Raster {
        Raster {
            grey,
            ink: Vec::new(),
            labels: Vec::new(),
        }
    }
}
