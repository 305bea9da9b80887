//! The few colours a graphics picture is made of: grey levels, inks, and tints over greys.

use crate::raster::{Ink, InkTable, Raster};

/// Grey levels from black to white, then inks, then each tint over a few greys; at most 256 entries.
pub(super) struct Palette {
    pub colours: Vec<[u8; 3]>,
    levels: usize,
    /// By tint: its first entry, and over how many greys it has one.
    tints: Vec<(usize, usize)>,
}

/// Levels are kept below this so that the inks fit beside them in 256 entries.
const MOST_LEVELS: usize = 240;
/// The same where there are tints.
const MOST_TINTED: usize = 40;
const ENTRIES: usize = 256;

impl Palette {
    pub(super) fn new(bits: u8, raster: &Raster, inks: &InkTable) -> Palette {
        let most = if raster.tints.is_empty() {
            MOST_LEVELS
        } else {
            MOST_TINTED
        };
        let levels = (1usize << whole_bits(bits)).min(most);
        let grey = |i: usize, of: usize| if of > 1 { (i * 255 / (of - 1)) as u8 } else { 128 };
        let mut colours: Vec<[u8; 3]> = (0..levels).map(|i| [grey(i, levels); 3]).collect();
        if raster.is_coloured() {
            colours.extend(Ink::ALL.map(|ink| inks.rgb(ink)));
        }
        let solid = raster.tints.iter().filter(|tint| tint.is_solid()).count();
        let clear = (raster.tints.len() - solid).max(1);
        let room = ENTRIES.saturating_sub(colours.len() + solid) / clear;
        let mut tints = Vec::with_capacity(raster.tints.len());
        for tint in &raster.tints {
            let over = if tint.is_solid() { 1 } else { room.clamp(1, levels) };
            tints.push((colours.len(), over));
            colours.extend((0..over).map(|i| tint.over(grey(i, over))));
        }
        Palette { colours, levels, tints }
    }

    /// The palette index of each pixel.
    pub(super) fn indices(&self, raster: &Raster) -> Vec<u8> {
        let step: [u8; 256] = std::array::from_fn(|v| level(v as u8, self.levels));
        let mut out: Vec<u8> = raster.grey.data.iter().map(|&v| step[usize::from(v)]).collect();
        for ((index, tint), grey) in out.iter_mut().zip(&raster.tint).zip(&raster.grey.data) {
            let entry = tint.checked_sub(1).and_then(|at| self.tints.get(usize::from(at)));
            if let Some((first, over)) = entry {
                *index = (first + usize::from(level(*grey, *over))) as u8;
            }
        }
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
