//! The PNG that kitty and iTerm2 are sent: plain grey of few bits, or a small palette where overlays have colour.

use super::palette::{self, Palette, whole_bits};
use crate::figure::Rgb;
use crate::raster::{InkTable, Raster};
use ::png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter};

/// `raster` with `bits` of grey (8, 4, 2, 1).
pub(crate) fn encode(raster: &Raster, bits: u8, inks: &InkTable) -> Vec<u8> {
    let mut out = Vec::new();
    // Writing to memory with dimensions taken from the data cannot fail; an empty picture is what is left if it does.
    let written = if raster.is_coloured() {
        let palette = Palette::new(bits, raster, inks);
        let head = Head {
            colour: ColorType::Indexed,
            depth: BitDepth::Eight,
            palette: Some(palette.colours.concat()),
        };
        head.write(&mut out, raster, &palette.indices(raster))
    } else {
        let (depth, data) = grey(raster, whole_bits(bits));
        Head {
            colour: ColorType::Grayscale,
            depth,
            palette: None,
        }
        .write(&mut out, raster, &data)
    };
    if written.is_err() {
        out.clear();
    }
    out
}

/// `raster` with all its greys and the inks' own colours, for a file.
pub(crate) fn encode_exact(raster: &Raster, inks: &InkTable) -> Result<Vec<u8>, EncodingError> {
    let mut out = Vec::new();
    if raster.is_coloured() {
        let (width, height) = (raster.grey.width, raster.grey.height);
        let all = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let rgb: Vec<u8> = all.flat_map(|(x, y)| raster.rgb_at(x, y, inks)).collect();
        Head {
            colour: ColorType::Rgb,
            depth: BitDepth::Eight,
            palette: None,
        }
        .write(&mut out, raster, &rgb)?;
    } else {
        let head = Head {
            colour: ColorType::Grayscale,
            depth: BitDepth::Eight,
            palette: None,
        };
        head.write(&mut out, raster, &raster.grey.data)?;
    }
    Ok(out)
}

/// A figure in its own colours.
pub(crate) fn encode_rgb(figure: &Rgb) -> Result<Vec<u8>, EncodingError> {
    let mut out = Vec::new();
    let head = Head {
        colour: ColorType::Rgb,
        depth: BitDepth::Eight,
        palette: None,
    };
    head.write_sized(&mut out, (figure.width, figure.height), &figure.data)?;
    Ok(out)
}

struct Head {
    colour: ColorType,
    depth: BitDepth,
    palette: Option<Vec<u8>>,
}

impl Head {
    fn write(self, out: &mut Vec<u8>, raster: &Raster, data: &[u8]) -> Result<(), EncodingError> {
        self.write_sized(out, (raster.grey.width, raster.grey.height), data)
    }

    fn write_sized(self, out: &mut Vec<u8>, size: (usize, usize), data: &[u8]) -> Result<(), EncodingError> {
        let mut png = Encoder::new(out, size.0 as u32, size.1 as u32);
        png.set_color(self.colour);
        png.set_depth(self.depth);
        // Few levels compress best as they are; all 256 by the difference to their neighbours.
        let full = self.depth == BitDepth::Eight && self.palette.is_none();
        png.set_compression(if full { Compression::Fast } else { Compression::Balanced });
        png.set_filter(if full { Filter::Adaptive } else { Filter::NoFilter });
        if let Some(palette) = self.palette {
            png.set_palette(palette);
        }
        let mut writer = png.write_header()?;
        writer.write_image_data(data)?;
        writer.finish()
    }
}

/// Grey packed as PNG wants it: rows padded to whole bytes, first pixel in the high bits.
fn grey(raster: &Raster, bits: u8) -> (BitDepth, Vec<u8>) {
    let depth = match bits {
        1 => BitDepth::One,
        2 => BitDepth::Two,
        4 => BitDepth::Four,
        _ => return (BitDepth::Eight, raster.grey.data.clone()),
    };
    let levels = 1usize << bits;
    let step: [u8; 256] = std::array::from_fn(|v| palette::level(v as u8, levels));
    let per_byte = usize::from(8 / bits);
    let mut out = Vec::with_capacity(raster.grey.data.len() / per_byte + raster.grey.height);
    for row in raster.grey.data.chunks(raster.grey.width.max(1)) {
        for group in row.chunks(per_byte) {
            let packed = group.iter().fold(0u8, |byte, &v| byte << bits | step[usize::from(v)]);
            out.push(packed << (bits as usize * (per_byte - group.len())));
        }
    }
    (depth, out)
}
