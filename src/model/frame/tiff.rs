//! openFIBSEM's TIFF: grey, 8 or 16 bit, one uncompressed strip, the metadata as ASCII JSON in ImageDescription.
//!
//! Written exactly so (from 4 GiB on as BigTIFF); read from anything that holds a grey picture: other byte order, BigTIFF, tiles, LZW, deflate,
//! PackBits, OME-TIFF, no metadata or broken metadata. Of several pages the first is read.

use super::{Frame, Metadata, Pixels, metadata};
use ::tiff::decoder::{Decoder, DecodingResult, Limits};
use ::tiff::encoder::{ImageEncoder, Rational, TiffEncoder, TiffKind, colortype};
use ::tiff::tags::{ByteOrder, ResolutionUnit, Tag};
use ::tiff::{ColorType, TiffError};
use ndarray::Array2;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread::available_parallelism;

/// Why a picture could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("cannot read the picture ({0}): check that the file is there and may be read")]
    Io(io::Error),
    #[error(
        "this is no TIFF, or a damaged one ({0}): take another copy, or open it in another program and save it again"
    )]
    Damaged(String),
    #[error("this picture is {0}; fibdeck reads grey ones of 8 or 16 bits: convert it first")]
    NotGrey(String),
    #[error(
        "this picture claims {width}x{height} pixels, more than the {limit} MiB a picture may take: crop it, or take another copy if it should be smaller"
    )]
    TooBig { width: u32, height: u32, limit: usize },
}

/// A picture that was read, and what was wrong with its metadata, if anything.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    pub frame: Frame,
    /// One line each, for a person.
    pub warnings: Vec<String>,
}

/// What a TIFF file says of its picture, without the pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// (width, height).
    pub size: (usize, usize),
    /// Of a pixel: 8 or 16.
    pub bits: u8,
    /// `None` where there is none that can be read.
    pub metadata: Option<Metadata>,
}

/// Most bytes of pixels a picture may have (16384 x 16384 at 16 bit is half of it).
const MOST_BYTES: usize = 1 << 30;
/// A thread for less than this does not pay, bytes.
const LEAST_PART: usize = 8 << 20;
/// No compression TIFF knows shrinks grey values more than this (deflate: 1032 to 1).
const BEST_COMPRESSION: u64 = 1100;

impl Frame {
    /// Read a TIFF file.
    pub fn load(path: &Path) -> Result<Loaded, FrameError> {
        let file = File::open(path).map_err(FrameError::Io)?;
        let length = file.metadata().map_err(FrameError::Io)?.len();
        read(BufReader::new(file), length, |offset, bytes| {
            read_parts(path, offset, bytes)
        })
    }

    /// What a TIFF file says of its picture, without reading the picture.
    pub fn header(path: &Path) -> Result<Header, FrameError> {
        let file = File::open(path).map_err(FrameError::Io)?;
        let length = file.metadata().map_err(FrameError::Io)?.len();
        let (mut decoder, _) = open(BufReader::new(file), length)?;
        let (width, height) = decoder.dimensions().map_err(damaged)?;
        let bits = match decoder.colortype().map_err(damaged)? {
            ColorType::Gray(16) | ColorType::Multiband { bit_depth: 16, .. } => 16,
            _ => 8,
        };
        Ok(Header {
            size: (width as usize, height as usize),
            bits,
            metadata: read_description(&mut decoder).0,
        })
    }

    /// Read a TIFF from memory.
    pub fn decode(bytes: &[u8]) -> Result<Loaded, FrameError> {
        let mut again = Cursor::new(bytes);
        read(Cursor::new(bytes), bytes.len() as u64, |offset, to| {
            read_from(&mut again, offset, to)
        })
    }

    /// The TIFF file, as bytes. An error only for pictures TIFF cannot hold (empty, or a side beyond 32 bits).
    pub fn encode(&self) -> io::Result<Vec<u8>> {
        let (w, h) = self.pixels.size();
        let mut bytes = Cursor::new(Vec::with_capacity(
            w * h * usize::from(self.pixels.bits() / 8) + (1 << 14),
        ));
        write(self, &mut bytes)?;
        Ok(bytes.into_inner())
    }
}

/// Write `frame` as a TIFF file.
pub(super) fn write(frame: &Frame, out: impl Write + Seek) -> io::Result<()> {
    write_tiff(frame, out).map_err(|e| match e {
        TiffError::IoError(e) => e,
        e => io::Error::new(io::ErrorKind::InvalidInput, e),
    })
}

fn write_tiff(frame: &Frame, out: impl Write + Seek) -> Result<(), TiffError> {
    let (w, h) = frame.pixels.size();
    let bytes = w as u64 * h as u64 * u64::from(frame.pixels.bits() / 8);
    // Offsets of 32 bits reach 4 GiB, tags and metadata included.
    if bytes < u64::from(u32::MAX) - (64 << 20) {
        write_kind(frame, TiffEncoder::new(out)?)
    } else {
        write_kind(frame, TiffEncoder::new_big(out)?)
    }
}

/// As plain TIFF or BigTIFF.
fn write_kind<K: TiffKind>(frame: &Frame, mut tiff: TiffEncoder<impl Write + Seek, K>) -> Result<(), TiffError> {
    let (w, h) = frame.pixels.size();
    let size = (u32::try_from(w)?, u32::try_from(h)?);
    let description = frame.metadata.as_ref().map(|m| metadata::description(m, (w, h)));
    let text = description.as_deref();
    match &frame.pixels {
        Pixels::U8(a) => {
            let image = tiff.new_image::<colortype::Gray8>(size.0, size.1)?;
            one_strip(image, size.1, text)?.write_data(contiguous(a).as_ref())
        }
        Pixels::U16(a) => {
            let image = tiff.new_image::<colortype::Gray16>(size.0, size.1)?;
            one_strip(image, size.1, text)?.write_data(contiguous(a).as_ref())
        }
    }
}

/// The tags openFIBSEM's files have besides those of the pixels.
fn one_strip<'a, W: Write + Seek, C: colortype::ColorType, K: TiffKind>(
    mut image: ImageEncoder<'a, W, C, K>,
    height: u32,
    description: Option<&str>,
) -> Result<ImageEncoder<'a, W, C, K>, TiffError> {
    image.rows_per_strip(height)?;
    image.resolution(ResolutionUnit::None, Rational { n: 1, d: 1 });
    image
        .encoder()
        .write_tag(Tag::Software, concat!("fibdeck ", env!("CARGO_PKG_VERSION")))?;
    if let Some(text) = description {
        image.encoder().write_tag(Tag::ImageDescription, text)?;
    }
    Ok(image)
}

/// The pixels in row order; copied only where they are not.
fn contiguous<T: Copy>(array: &Array2<T>) -> std::borrow::Cow<'_, [T]> {
    match array.as_slice() {
        Some(slice) => slice.into(),
        None => array.iter().copied().collect::<Vec<T>>().into(),
    }
}

/// The decoder of a grey picture, and how many bytes of pixels a file of that length can hold.
fn open<R: Read + Seek>(reader: R, length: u64) -> Result<(Decoder<R>, usize), FrameError> {
    let mut limits = Limits::default();
    // A damaged header may claim any size: a file can only hold so much.
    let most = usize::try_from(length.saturating_mul(BEST_COMPRESSION))
        .unwrap_or(MOST_BYTES)
        .min(MOST_BYTES);
    limits.decoding_buffer_size = most;
    limits.intermediate_buffer_size = most;
    limits.ifd_value_size = usize::try_from(length).unwrap_or(MOST_BYTES).min(1 << 26);
    let mut decoder = Decoder::new(reader).map_err(damaged)?.with_limits(limits);
    match decoder.colortype().map_err(damaged)? {
        ColorType::Gray(8 | 16)
        | ColorType::Multiband {
            bit_depth: 8 | 16,
            num_samples: 1,
        } => Ok((decoder, most)),
        other => Err(FrameError::NotGrey(format!("{other:?}"))),
    }
}

/// `fetch(offset, bytes)` reads plain pixels from there.
fn read(
    reader: impl Read + Seek,
    length: u64,
    fetch: impl FnOnce(u64, &mut [u8]) -> io::Result<()>,
) -> Result<Loaded, FrameError> {
    let (mut decoder, most) = open(reader, length)?;
    let (width, height) = decoder.dimensions().map_err(damaged)?;
    let (metadata, warnings) = read_description(&mut decoder);
    let size = (width as usize).saturating_mul(height as usize);
    let too_big = || FrameError::TooBig {
        width,
        height,
        limit: most >> 20,
    };
    let pixels = match plain_strip(&mut decoder, size, length) {
        Some((offset, bits)) => read_plain(fetch, offset, size, bits)?,
        None => decoder.read_image().map_err(|e| match e {
            TiffError::LimitsExceeded | TiffError::IntSizeError => too_big(),
            e => damaged(e),
        })?,
    };
    let shape = (height as usize, width as usize);
    let pixels = match pixels {
        DecodingResult::U8(v) => Array2::from_shape_vec(shape, v).map(Pixels::U8),
        DecodingResult::U16(v) => Array2::from_shape_vec(shape, v).map(Pixels::U16),
        _ => return Err(FrameError::NotGrey("signed or floating point".to_owned())),
    }
    .map_err(|e| FrameError::Damaged(e.to_string()))?;
    if width == 0 || height == 0 {
        return Err(FrameError::Damaged("no pixels".to_owned()));
    }
    Ok(Loaded {
        frame: Frame { pixels, metadata },
        warnings,
    })
}

/// Where the pixels stand, and their bits, if they stand in one piece, uncompressed and in this machine's byte order: our own
/// files and openFIBSEM's. They are then read in one go; anything else is the decoder's business.
fn plain_strip<R: Read + Seek>(decoder: &mut Decoder<R>, size: usize, length: u64) -> Option<(u64, u32)> {
    let mut tag = |tag| decoder.find_tag_unsigned::<u64>(tag).ok().flatten();
    let bits = tag(Tag::BitsPerSample)?;
    let bytes = (size as u64).checked_mul(bits / 8)?;
    let (offset, count) = (tag(Tag::StripOffsets)?, tag(Tag::StripByteCounts)?);
    let plain = tag(Tag::Compression).is_none_or(|c| c == 1)
        && tag(Tag::PhotometricInterpretation) == Some(1)
        && tag(Tag::SampleFormat).is_none_or(|f| f == 1)
        && matches!(bits, 8 | 16)
        && count == bytes
        && offset.checked_add(bytes)? <= length;
    let native = if cfg!(target_endian = "little") {
        ByteOrder::LittleEndian
    } else {
        ByteOrder::BigEndian
    };
    (plain && (bits == 8 || decoder.byte_order() == native)).then_some((offset, bits as u32))
}

fn read_plain(
    fetch: impl FnOnce(u64, &mut [u8]) -> io::Result<()>,
    offset: u64,
    size: usize,
    bits: u32,
) -> Result<DecodingResult, FrameError> {
    let mut pixels = if bits == 8 {
        DecodingResult::U8(vec![0; size])
    } else {
        DecodingResult::U16(vec![0; size])
    };
    fetch(offset, pixels.as_buffer(0).as_bytes_mut()).map_err(|e| damaged(TiffError::IoError(e)))?;
    Ok(pixels)
}

fn read_from(reader: &mut (impl Read + Seek), offset: u64, bytes: &mut [u8]) -> io::Result<()> {
    reader.seek(SeekFrom::Start(offset))?;
    reader.read_exact(bytes)
}

/// Bytes of a file, a large piece by as many threads as there are cores: what takes the time is the memory being touched for the
/// first time, page by page, and that the cores can share.
fn read_parts(path: &Path, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
    let parts = (bytes.len() / LEAST_PART).clamp(1, available_parallelism().map_or(1, usize::from));
    if parts == 1 {
        return read_from(&mut File::open(path)?, offset, bytes);
    }
    let each = bytes.len().div_ceil(parts);
    std::thread::scope(|scope| {
        let offsets = (offset..).step_by(each);
        let workers: Vec<_> = offsets
            .zip(bytes.chunks_mut(each))
            .map(|(offset, part)| scope.spawn(move || read_from(&mut File::open(path)?, offset, part)))
            .collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(result) => result,
            Err(_) => Err(io::Error::other("reading it broke off")),
        })
    })
}

fn damaged(e: TiffError) -> FrameError {
    match e {
        TiffError::IoError(e) if e.kind() != io::ErrorKind::UnexpectedEof => FrameError::Io(e),
        e => FrameError::Damaged(e.to_string()),
    }
}

fn read_description<R: Read + Seek>(decoder: &mut Decoder<R>) -> (Option<Metadata>, Vec<String>) {
    match decoder.find_tag(Tag::ImageDescription) {
        Ok(None) => (None, Vec::new()),
        Ok(Some(value)) => match value.into_string() {
            Ok(text) => metadata::parse(&text),
            Err(e) => (
                None,
                vec![format!("the metadata cannot be read ({e}); the picture has none")],
            ),
        },
        Err(e) => (
            None,
            vec![format!("the metadata cannot be read ({e}); the picture has none")],
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_picture_is_read_in_parts_without_a_seam() {
        let frame = Frame {
            pixels: Pixels::U16(Array2::from_shape_fn((2111, 5003), |(y, x)| (y * 31 + x * 7) as u16)),
            metadata: None,
        };
        let folder = tempfile::tempdir().unwrap();
        let name = frame.save(&folder.path().join("large.tif")).unwrap();
        assert!(frame.pixels.size().0 * frame.pixels.size().1 * 2 > 2 * LEAST_PART);
        assert!(Frame::load(&name).unwrap().frame == frame);
    }

    #[test]
    fn a_big_tiff_holds_the_same() {
        let frame = Frame {
            pixels: Pixels::U16(Array2::from_shape_fn((31, 47), |(y, x)| (y * 257 + x) as u16)),
            metadata: None,
        };
        let mut bytes = Cursor::new(Vec::new());
        write_kind(&frame, TiffEncoder::new_big(&mut bytes).unwrap()).unwrap();
        assert_eq!(&bytes.get_ref()[..4], b"II+\0");
        assert_eq!(Frame::decode(bytes.get_ref()).unwrap().frame, frame);
    }
}
