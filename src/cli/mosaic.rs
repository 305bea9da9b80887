//! `mosaic`: one picture of tiles that overlap.

use super::align::load;
use super::combine::views;
use super::exit::{CliError, Exit};
use super::options::Globals;
use super::output;
use clap::Args;
use model::frame::Metadata;
use model::kinematics::project::View;
use model::{Beam, Frame, Geometry, Pixels, Point, Pose, StagePosition};
use ndarray::{Array2, ArrayView2};
use serde_json::json;
use std::path::{Path, PathBuf};
use vision::Grey;
use vision::mosaic::{Tile, blended, pyramid, refined};

/// A tile is moved by at most this share of its width against its neighbours.
const MOST_MOVED: f64 = 0.1;
/// Pixels of the largest mosaic: 2 GiB at 16 bits, and blending is done band by band.
const MOST: usize = 1 << 30;

/// Lay tiles of one beam side by side where the stage was when they were taken, matched by their overlaps and blended.
///
/// An overlap counts only where it is matched with confidence; a tile without one stays where the stage says. Grey values stay as they are,
/// in 8 or 16 bits. What no tile covers is 0. The geometry is that of the instrument chosen with --instrument. Nothing is written
/// over an existing file.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck mosaic tile_*_eb.tif -o overview.tif\n  fibdeck mosaic tile_*_eb.tif -o overview.tif --as-said --pyramid 1024"
)]
pub struct Mosaic {
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The TIFF to write.
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,
    /// Trust the stage: do not match overlaps.
    #[arg(long)]
    as_said: bool,
    /// Also write halves, quarters, ... beside it, until neither side is longer than this (px).
    #[arg(long, value_name = "PX")]
    pyramid: Option<usize>,
}

/// What a tile's file says of it.
struct Said {
    beam: Beam,
    pose: Pose,
    /// rad.
    scan_rotation: f64,
    /// m.
    pixel: f64,
}

impl Said {
    fn view<'a>(&self, geometry: &'a Geometry) -> View<'a> {
        View {
            scan_rotation: self.scan_rotation,
            ..View::new(geometry, self.beam, self.pose)
        }
    }
}

impl Mosaic {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let geometry = globals.resolve(&globals.paths()?)?.0.geometry();
        let frames = self
            .files
            .iter()
            .map(|file| load(file))
            .collect::<Result<Vec<Frame>, _>>()?;
        let said = self
            .files
            .iter()
            .zip(&frames)
            .map(|(file, frame)| said(file, frame))
            .collect::<Result<Vec<Said>, _>>()?;
        let places = self.places(&geometry, &frames, &said)?;
        let eights = views(&frames, |pixels| match pixels {
            Pixels::U8(grey) => Some(grey.view()),
            Pixels::U16(_) => None,
        });
        let sixteens = views(&frames, |pixels| match pixels {
            Pixels::U16(grey) => Some(grey.view()),
            Pixels::U8(_) => None,
        });
        let made = match (eights.len(), sixteens.len()) {
            (_, 0) => self.laid(&eights, &places, Pixels::U8)?,
            (0, _) => self.laid(&sixteens, &places, Pixels::U16)?,
            _ => {
                return Err(CliError::failed(
                    "the tiles are of 8 and of 16 bits; nothing was written: give tiles of one kind",
                ));
            }
        };
        self.write(globals, &geometry, &frames[0], &said[0], made)
    }

    /// Where each tile's top-left corner is (px against the first's, x right, y down), by the stage.
    fn places(&self, geometry: &Geometry, frames: &[Frame], said: &[Said]) -> Result<Vec<Point>, CliError> {
        let first = &said[0];
        let view = first.view(geometry);
        let size = |frame: &Frame| {
            let (w, h) = frame.pixels.size();
            (w as f64, h as f64)
        };
        let origin = size(&frames[0]);
        let one = |(n, tile): (usize, &Said)| {
            let alike = tile.beam == first.beam
                && (tile.pixel / first.pixel - 1.0).abs() < 1e-6
                && (tile.scan_rotation - first.scan_rotation).abs() < SAME_ANGLE
                && (tile.pose.t - first.pose.t).abs() < SAME_ANGLE
                && (tile.pose.r - first.pose.r).abs() < SAME_ANGLE;
            if !alike {
                let text = format!(
                    "{} was taken with another beam, pixel size, tilt or rotation than {}; nothing was written: give tiles of one overview",
                    name(&self.files[n]),
                    name(&self.files[0])
                );
                return Err(CliError::failed(text));
            }
            let centre = view.to_plane(tile.pose);
            let (w, h) = size(&frames[n]);
            Ok(Point {
                x: centre.x / first.pixel + (origin.0 - w) / 2.0,
                y: centre.y / first.pixel + (origin.1 - h) / 2.0,
            })
        };
        said.iter().enumerate().map(one).collect()
    }

    fn laid<T: Grey>(
        &self,
        tiles: &[ArrayView2<T>],
        places: &[Point],
        pixels: fn(Array2<T>) -> Pixels,
    ) -> Result<Made, CliError> {
        let mut tiles: Vec<Tile<T>> = tiles
            .iter()
            .zip(places)
            .map(|(pixels, at)| Tile {
                pixels: *pixels,
                at: *at,
            })
            .collect();
        if !self.as_said {
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
        let (mosaic, corner) = blended(&tiles, MOST).ok_or_else(|| {
            CliError::failed(
                "the tiles lie too far apart for one picture; nothing was written: give tiles of one overview",
            )
        })?;
        let levels = self
            .pyramid
            .map(|longest| pyramid(mosaic.view(), longest))
            .unwrap_or_default();
        Ok(Made {
            moved,
            corner,
            levels: std::iter::once(mosaic).chain(levels).map(pixels).collect(),
        })
    }

    /// The mosaic, and its reductions beside it as `NAME_2.tif`, `NAME_4.tif`, ...
    fn write(
        &self,
        globals: &Globals,
        geometry: &Geometry,
        first: &Frame,
        said: &Said,
        made: Made,
    ) -> Result<Exit, CliError> {
        let whole = &made.levels[0];
        let (width, height) = whole.size();
        let tile = first.pixels.size();
        // the middle of the mosaic, from the middle of the first tile
        let middle = Point {
            x: (made.corner.x + (width as f64 - tile.0 as f64) / 2.0) * said.pixel,
            y: (made.corner.y + (height as f64 - tile.1 as f64) / 2.0) * said.pixel,
        };
        let pose = said.view(geometry).from_plane(middle);
        let mut files = Vec::new();
        for (n, pixels) in made.levels.into_iter().enumerate() {
            let path = match n {
                0 => self.output.clone(),
                n => beside(&self.output, 1 << n),
            };
            let reduced = Frame {
                metadata: first.metadata.as_ref().map(|m| described(m, &pixels, width, pose)),
                pixels,
            };
            let path = reduced.save(&path).map_err(|e| CliError::failed(e.to_string()))?;
            files.push(path.display().to_string());
        }
        output::line(&match globals.json {
            true => json!({
                "file": files[0], "levels": files[1..], "tiles": self.files.len(), "width": width, "height": height,
                "moved_px": made.moved,
            })
            .to_string(),
            false => files.join("\n"),
        })?;
        Ok(Exit::Done)
    }
}

/// Angles (rad) closer than this are the same: a stage comes back no better.
const SAME_ANGLE: f64 = 1e-3;

/// A mosaic and its reductions, the largest first.
struct Made {
    levels: Vec<Pixels>,
    /// Where the top-left corner lies (px against the first tile's).
    corner: Point,
    /// Furthest that matching moved a tile (px).
    moved: f64,
}

fn name(path: &Path) -> String {
    model::text::printable(&path.display().to_string())
}

fn said(file: &Path, frame: &Frame) -> Result<Said, CliError> {
    let metadata = frame.metadata.as_ref();
    let pose = metadata.map(|m| &m.microscope_state.stage_position).and_then(whole);
    match (metadata, pose) {
        (Some(metadata), Some(_)) if metadata.image.reduced_area.is_some() => Err(CliError::failed(format!(
            "{} shows a part of its field, and its middle is not where the stage was; nothing was written: give whole pictures",
            name(file)
        ))),
        (Some(metadata), Some(pose)) if metadata.pixel_size.x > 0.0 => {
            let beam = metadata.image.beam_type;
            let column = metadata.microscope_state.beam(beam);
            Ok(Said {
                beam,
                pose,
                scan_rotation: column.map_or(0.0, |column| column.scan_rotation),
                pixel: metadata.pixel_size.x,
            })
        }
        _ => Err(CliError::failed(format!(
            "{} does not say where the stage was, or its pixel size; nothing was written: give pictures that fibdeck or openFIBSEM saved",
            name(file)
        ))),
    }
}

/// A position with every length; angles that a stage has not are 0.
fn whole(position: &StagePosition) -> Option<Pose> {
    let nowhere = Pose {
        x: f64::NAN,
        y: f64::NAN,
        z: f64::NAN,
        r: 0.0,
        t: 0.0,
    };
    Some(position.resolve(nowhere)).filter(Pose::is_finite)
}

/// The first tile's description, of a picture that is `full` pixels wide unreduced and has its middle at `pose`.
fn described(metadata: &Metadata, pixels: &Pixels, full: usize, pose: Pose) -> Metadata {
    let mut metadata = metadata.clone();
    let (width, height) = pixels.size();
    let grown = full as f64 / width as f64;
    metadata.image.hfw = metadata.pixel_size.x * full as f64;
    metadata.image.resolution = (width as u32, height as u32);
    metadata.image.reduced_area = None;
    metadata.pixel_size = Point {
        x: metadata.pixel_size.x * grown,
        y: metadata.pixel_size.y * grown,
    };
    metadata.microscope_state.stage_position = StagePosition {
        name: metadata.microscope_state.stage_position.name.clone(),
        ..StagePosition::from(pose)
    };
    metadata
}

fn beside(path: &Path, factor: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}_{factor}.tif"))
}
