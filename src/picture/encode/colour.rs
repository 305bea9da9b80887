//! Colours of text cells, by what the terminal can do.

use ratatui::style::Color;

/// How many colours text cells may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColourDepth {
    /// 24 bits: 256 greys.
    True,
    /// 256 colours, of which the 24-step grey ramp is used for pictures.
    Grey256,
    /// The 16 of old: four greys.
    Sixteen,
    /// None: shading by ASCII characters.
    Mono,
}

/// The red-green-blue values xterm gives the 16 colours.
const ANSI: [([u8; 3], Color); 16] = [
    ([0, 0, 0], Color::Black),
    ([205, 0, 0], Color::Red),
    ([0, 205, 0], Color::Green),
    ([205, 205, 0], Color::Yellow),
    ([0, 0, 238], Color::Blue),
    ([205, 0, 205], Color::Magenta),
    ([0, 205, 205], Color::Cyan),
    ([229, 229, 229], Color::Gray),
    ([127, 127, 127], Color::DarkGray),
    ([255, 0, 0], Color::LightRed),
    ([0, 255, 0], Color::LightGreen),
    ([255, 255, 0], Color::LightYellow),
    ([92, 92, 255], Color::LightBlue),
    ([255, 0, 255], Color::LightMagenta),
    ([0, 255, 255], Color::LightCyan),
    ([255, 255, 255], Color::White),
];

/// Brightness values of the colour cube's six steps.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

impl ColourDepth {
    /// The greys of this depth, dark to bright: value and colour. Empty for true colour (all of them) and none.
    pub(super) fn greys(self) -> Vec<(u8, Color)> {
        match self {
            ColourDepth::Grey256 => (0..24).map(|i| (8 + 10 * i, Color::Indexed(232 + i))).collect(),
            ColourDepth::Sixteen => [0usize, 8, 7, 15].map(|i| (ANSI[i].0[0], ANSI[i].1)).to_vec(),
            ColourDepth::True | ColourDepth::Mono => Vec::new(),
        }
    }

    /// The colour nearest to an ink's.
    pub fn colour(self, rgb: [u8; 3]) -> Color {
        match self {
            ColourDepth::True => Color::Rgb(rgb[0], rgb[1], rgb[2]),
            ColourDepth::Grey256 => {
                let [r, g, b] = rgb.map(|c| nearest(&CUBE, |step| u32::from(step.abs_diff(c))) as u8);
                Color::Indexed(16 + 36 * r + 6 * g + b)
            }
            ColourDepth::Sixteen => {
                let i = nearest(&ANSI, |(entry, _)| {
                    (0..3).map(|i| u32::from(entry[i].abs_diff(rgb[i])).pow(2)).sum()
                });
                ANSI[i].1
            }
            ColourDepth::Mono => Color::Reset,
        }
    }
}

fn nearest<T: Copy>(table: &[T], distance: impl Fn(T) -> u32) -> usize {
    (0..table.len()).min_by_key(|&i| distance(table[i])).unwrap_or(0)
}
