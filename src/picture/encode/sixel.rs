//! Sixel: six rows at a time, one pass per colour, runs counted.
//!
//! The palette is fixed (grey steps and inks), so that nothing flickers from frame to frame and nothing is dithered: a
//! quantiser that looks for the best colours of each picture costs more time than all the rest.

use super::palette::Palette;
use crate::raster::{InkTable, Raster};
use std::io::Write;

/// Sixels of more greys than this grow without looking better at six pixels to the byte.
const MOST_BITS: u8 = 4;

/// The DCS sequence that draws `raster` at the cursor, each pixel `scale` screen pixels wide and high.
pub(super) fn encode(raster: &Raster, bits: u8, scale: u16, inks: &InkTable) -> Vec<u8> {
    let palette = Palette::new(bits.min(MOST_BITS), raster, inks);
    let indices = palette.indices(raster);
    let (width, scale) = (raster.grey.width, usize::from(scale.max(1)));
    let (columns, rows) = (width * scale, raster.grey.height * scale);
    let mut out = Vec::new();
    // P2 = 1: no background is painted first, so that a frame goes over the last without a flash.
    header(&mut out, &palette, columns, rows);
    let mut bands: Vec<Vec<u8>> = vec![Vec::new(); palette.colours.len()];
    for top in (0..rows).step_by(6) {
        // None after the last band: at the bottom of the screen it would scroll.
        if top > 0 {
            out.push(b'-');
        }
        bands.iter_mut().for_each(Vec::clear);
        for bit in 0..6.min(rows - top) {
            let line = &indices[(top + bit) / scale * width..][..width];
            for (x, &index) in line.iter().enumerate() {
                let band = &mut bands[usize::from(index)];
                if band.is_empty() {
                    band.resize(width, 0u8);
                }
                band[x] |= 1 << bit;
            }
        }
        let mut first = true;
        for (colour, band) in bands.iter().enumerate().filter(|(_, band)| !band.is_empty()) {
            if !first {
                out.push(b'$');
            }
            first = false;
            number(&mut out, b'#', colour);
            runs(&mut out, band, scale);
        }
    }
    out.extend_from_slice(b"\x1b\\");
    out
}

fn header(out: &mut Vec<u8>, palette: &Palette, columns: usize, rows: usize) {
    out.extend_from_slice(b"\x1bP0;1;0q");
    // Writing to memory cannot fail.
    let _ = write!(out, "\"1;1;{columns};{rows}");
    for (i, rgb) in palette.colours.iter().enumerate() {
        let [r, g, b] = rgb.map(|c| (u32::from(c) * 100 + 127) / 255);
        let _ = write!(out, "#{i};2;{r};{g};{b}");
    }
}

/// One colour's sixels, left to right; what follows its last pixel is left out.
fn runs(out: &mut Vec<u8>, band: &[u8], scale: usize) {
    let used = band.iter().rposition(|&s| s != 0).map_or(0, |last| last + 1);
    for run in band[..used].chunk_by(|a, b| a == b) {
        let (sixel, length) = (run[0] + b'?', run.len() * scale);
        if length > 3 {
            number(out, b'!', length);
            out.push(sixel);
        } else {
            out.extend(std::iter::repeat_n(sixel, length));
        }
    }
}

fn number(out: &mut Vec<u8>, sign: u8, value: usize) {
    out.push(sign);
    out.extend_from_slice(value.to_string().as_bytes());
}
