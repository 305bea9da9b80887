//! The few colours a graphics picture is made of: grey levels, and the inks that occur.

use crate::raster::{Ink, InkTable, Raster};

/// Grey levels from black to white, then inks; at most 250 entries.
pub(super) struct Palette {
    pub colours: Vec<[u8; 3]>,
    levels: usize,
}

/// Levels are kept below this so that the inks fit beside them in 256 entries.
const MOST_LEVELS: usize = 240;

impl Palette {
    pub(super) fn new(bits: u8, raster: &Raster, inks: &InkTable) -> Palette {
        let levels = (1usize << whole_bits(bits)).min(MOST_LEVELS);
        let mut colours: Vec<[u8; 3]> = (0..levels).map(|i| [(i * 255 / (levels - 1)) as u8; 3]).collect();
        if raster.has_ink() {
            colours.extend(Ink::ALL.map(|ink| inks.rgb(ink)));
        }
        Palette { colours, levels }
    }

    /// The palette index of each pixel.
    pub(super) fn indices(&self, raster: &Raster) -> Vec<u8> {
        let step: [u8; 256] = std::array::from_fn(|v| level(v as u8, self.levels));
        let mut out: Vec<u8> = raster.grey.data.iter().map(|&v| step[usize::from(v)]).collect();
        for (index, ink) in out.iter_mut().zip(&raster.ink) {
            if let Some(ink) = ink {
                *index = (self.levels + *ink as usize) as u8;
            }
        }
        out
    }
}

/// The bit depths PNG knows.
pub(super) fn whole_bits(bits: u8) -> u8 {
    match bits {
        0 | 1 => 1,
        2 | 3 => 2,
        4..=7 => 4,
        _ => 8,
    }
}

/// The nearest of `levels` equal steps from black to white.
pub(super) fn level(grey: u8, levels: usize) -> u8 {
    ((usize::from(grey) * (levels - 1) + 127) / 255) as u8
}
