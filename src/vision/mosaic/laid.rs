//! Pictures laid side by side where the stage was when they were taken, as one picture that says where it is.

use super::{Tile, blended, pyramid, refined};
use crate::Grey;
use model::frame::Metadata;
use model::kinematics::project::View;
use model::{Frame, Geometry, Pixels, Point, StagePosition};
use ndarray::{Array2, ArrayView2};

/// A tile is moved by at most this share of its width against its neighbours.
const MOST_MOVED: f64 = 0.1;
/// Pixels of the largest mosaic: 2 GiB at 16 bits, and blending is done band by band.
const MOST: usize = 1 << 30;
/// Angles (rad) closer than this are the same: a stage comes back no better.
const SAME_ANGLE: f64 = 1e-3;

/// Why tiles do not make one picture; the number is that of the tile (from 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayError {
    #[error("there are no tiles")]
    Nothing,
    #[error("tile {0} does not say where the stage was, or its pixel size")]
    Unsaid(usize),
    #[error("tile {0} shows a part of its field, and its middle is not where the stage was")]
    Reduced(usize),
    #[error("tile {0} was taken with another beam, pixel size, tilt or rotation than the first")]
    Unlike(usize),
    #[error("the tiles are of 8 and of 16 bits")]
    Bits,
    #[error("the tiles lie too far apart for one picture")]
    Apart,
}

/// Tiles as one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Laid {
    /// Described as the first tile is, with the stage where the picture's middle is seen, and the field of the whole.
    pub frame: Frame,
    /// Furthest that matching moved a tile (px).
    pub moved: f64,
}

/// What a tile says of itself.
#[derive(Clone, Copy)]
struct Said<'a> {
    view: View<'a>,
    /// m.
    pixel: f64,
}

impl Said<'_> {
    fn is_like(&self, other: &Said) -> bool {
        let (a, b) = (&self.view, &other.view);
        a.beam == b.beam
            && (self.pixel / other.pixel - 1.0).abs() < 1e-6
            && (a.scan_rotation - b.scan_rotation).abs() < SAME_ANGLE
            && (a.pose.t - b.pose.t).abs() < SAME_ANGLE
            && (a.pose.r - b.pose.r).abs() < SAME_ANGLE
    }
}

/// Lays tiles of one beam, all of 8 or all of 16 bits; `matched`: moved by what their overlaps show.
pub fn laid(tiles: &[Frame], geometry: &Geometry, matched: bool) -> Result<Laid, LayError> {
    let said = tiles
        .iter()
        .enumerate()
        .map(|(n, tile)| said(n, tile, geometry))
        .collect::<Result<Vec<Said>, _>>()?;
    let first = said.first().ok_or(LayError::Nothing)?;
    if let Some(n) = said.iter().position(|tile| !tile.is_like(first)) {
        return Err(LayError::Unlike(n));
    }
    let places = places(tiles, &said);
    let eights = views(tiles, |pixels| match pixels {
        Pixels::U8(grey) => Some(grey.view()),
        Pixels::U16(_) => None,
    });
    let sixteens = views(tiles, |pixels| match pixels {
        Pixels::U16(grey) => Some(grey.view()),
        Pixels::U8(_) => None,
    });
    let (pixels, corner, moved) = match (eights.len(), sixteens.len()) {
        (_, 0) => together(&eights, &places, matched, Pixels::U8)?,
        (0, _) => together(&sixteens, &places, matched, Pixels::U16)?,
        _ => return Err(LayError::Bits),
    };
    let (size, tile) = (pixels.size(), tiles[0].pixels.size());
    // the middle of the mosaic, from the middle of the first tile
    let middle = Point {
        x: (corner.x + (size.0 as f64 - tile.0 as f64) / 2.0) * first.pixel,
        y: (corner.y + (size.1 as f64 - tile.1 as f64) / 2.0) * first.pixel,
    };
    let pose = first.view.from_plane(middle);
    let metadata = tiles[0].metadata.as_ref().map(|m| {
        let mut metadata = described(m, size, first.pixel);
        metadata.microscope_state.stage_position = StagePosition {
            name: m.microscope_state.stage_position.name.clone(),
            ..StagePosition::from(pose)
        };
        metadata
    });
    Ok(Laid {
        frame: Frame { pixels, metadata },
        moved,
    })
}

/// Halves of a picture as in [`pyramid`], each with its pixel size.
pub fn reductions(whole: &Frame, longest: usize) -> Vec<Frame> {
    let levels: Vec<Pixels> = match &whole.pixels {
        Pixels::U8(grey) => pyramid(grey.view(), longest).into_iter().map(Pixels::U8).collect(),
        Pixels::U16(grey) => pyramid(grey.view(), longest).into_iter().map(Pixels::U16).collect(),
    };
    let full = whole.pixels.size().0 as f64;
    let reduced = |pixels: Pixels| Frame {
        metadata: whole.metadata.as_ref().map(|m| {
            let size = pixels.size();
            described(m, size, m.pixel_size.x * full / size.0 as f64)
        }),
        pixels,
    };
    levels.into_iter().map(reduced).collect()
}

/// Where each tile's top-left corner is (px against the first's, x right, y down), by the stage.
fn places(tiles: &[Frame], said: &[Said]) -> Vec<Point> {
    let first = &said[0];
    let size = |frame: &Frame| {
        let (w, h) = frame.pixels.size();
        (w as f64, h as f64)
    };
    let origin = size(&tiles[0]);
    let place = |(tile, said): (&Frame, &Said)| {
        let (centre, (w, h)) = (first.view.to_plane(said.view.pose), size(tile));
        Point {
            x: centre.x / first.pixel + (origin.0 - w) / 2.0,
            y: centre.y / first.pixel + (origin.1 - h) / 2.0,
        }
    };
    tiles.iter().zip(said).map(place).collect()
}

fn views<'a, T>(tiles: &'a [Frame], of: impl Fn(&'a Pixels) -> Option<ArrayView2<'a, T>>) -> Vec<ArrayView2<'a, T>> {
    tiles.iter().filter_map(|tile| of(&tile.pixels)).collect()
}

/// The mosaic, where its top-left corner lies (px against the first tile's), and how far a tile was moved at most (px).
fn together<T: Grey>(
    tiles: &[ArrayView2<T>],
    places: &[Point],
    matched: bool,
    pixels: fn(Array2<T>) -> Pixels,
) -> Result<(Pixels, Point, f64), LayError> {
    let lay = tiles.iter().zip(places).map(|(pixels, at)| Tile {
        pixels: *pixels,
        at: *at,
    });
    let mut tiles: Vec<Tile<T>> = lay.collect();
    if matched {
        let width = tiles.iter().map(|tile| tile.pixels.ncols()).max().unwrap_or(0);
        let better = refined(&tiles, MOST_MOVED * width as f64);
        for (tile, at) in tiles.iter_mut().zip(better) {
            tile.at = at;
        }
    }
    let moved = tiles
        .iter()
        .zip(places)
        .map(|(tile, at)| (tile.at.x - at.x).hypot(tile.at.y - at.y));
    let moved = moved.fold(0.0, f64::max);
    let (mosaic, corner) = blended(&tiles, MOST).ok_or(LayError::Apart)?;
    Ok((pixels(mosaic), corner, moved))
}

fn said<'a>(n: usize, tile: &Frame, geometry: &'a Geometry) -> Result<Said<'a>, LayError> {
    let metadata = tile.metadata.as_ref().ok_or(LayError::Unsaid(n))?;
    let view = View::of(geometry, metadata).ok_or(LayError::Unsaid(n))?;
    if metadata.image.reduced_area.is_some() {
        return Err(LayError::Reduced(n));
    }
    let pixel = metadata.pixel_size.x;
    match pixel > 0.0 && pixel.is_finite() {
        true => Ok(Said { view, pixel }),
        false => Err(LayError::Unsaid(n)),
    }
}

/// A description, of a picture of `size` pixels of `pixel` m.
fn described(metadata: &Metadata, size: (usize, usize), pixel: f64) -> Metadata {
    let mut metadata = metadata.clone();
    metadata.image.hfw = pixel * size.0 as f64;
    metadata.image.resolution = (size.0 as u32, size.1 as u32);
    metadata.image.reduced_area = None;
    metadata.pixel_size = Point {
        x: pixel,
        y: metadata.pixel_size.y * pixel / metadata.pixel_size.x,
    };
    metadata
}
