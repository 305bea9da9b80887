//! The geometry pass: what each pixel sees of the relief, and how brightly it answers before focus, dose and detector.
//!
//! The view is orthographic, so heights shear along one direction of the picture. Lines of samples are laid along that direction,
//! walked from the lens's side away, and a floating horizon keeps what is not hidden: one evaluation of the specimen per sample,
//! exact occlusion, no ray marching. Bands of lines run in parallel and keep three rows each. Where the sample was changed, its
//! columns answer (`slices`); bodies and instruments that stand before it are laid over (`overlay`).

use super::camera::Camera;
use super::cones::Cones;
use super::facets::Facets;
use super::horizon::{Band, Changed, Horizon};
use super::lattice::Lattice;
use super::lines::{Coarse, Lines};
use super::overlay::Overlay;
use super::scenery::Scenery;
use super::shade::{Row, Shading};
use super::slices::Cuts;
use crate::sim::matter::Matter;
use crate::sim::optics::Detector;
use crate::sim::specimen::{Material, Surface};
use nalgebra::Vector2;
use rayon::prelude::*;

/// Lines per band.
pub(super) const BAND: usize = 96;
/// A block of depth, in pixels.
pub(super) const BLOCK: usize = 16;

/// The part of the full frame that is wanted, pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Window {
    pub col: i32,
    pub row: i32,
    pub width: usize,
    pub height: usize,
}

impl Window {
    /// The part of it round some points of the frame, with a pixel to spare; `None` where they lie beside it.
    pub fn around(&self, points: impl Iterator<Item = Vector2<f64>>) -> Option<Window> {
        let (low, high) = points.fold(
            (Vector2::repeat(f64::MAX), Vector2::repeat(f64::MIN)),
            |(low, high), p| (low.inf(&p), high.sup(&p)),
        );
        let clip = |low: f64, high: f64, first: i32, size: usize| {
            let (from, to) = (f64::from(first), f64::from(first) + size as f64);
            let (low, high) = ((low.floor() - 1.0).max(from), (high.ceil() + 2.0).min(to));
            (low < high).then_some((low as i32, (high - low) as usize))
        };
        let (col, width) = clip(low.x, high.x, self.col, self.width)?;
        let (row, height) = clip(low.y, high.y, self.row, self.height)?;
        Some(Window {
            col,
            row,
            width,
            height,
        })
    }
}

/// What a view gives before optics.
#[derive(Debug)]
pub(super) struct Pass {
    pub width: usize,
    pub height: usize,
    /// Signal of each pixel, row by row (gold flat to electrons = 1).
    pub signal: Vec<f32>,
    /// Mean distance above the coincidence plane of each block of 16 x 16 pixels (m).
    pub depth: Vec<f32>,
}

impl Pass {
    pub fn blocks(&self) -> (usize, usize) {
        (self.width.div_ceil(BLOCK), self.height.div_ceil(BLOCK))
    }

    pub fn bytes(&self) -> usize {
        4 * (self.signal.len() + self.depth.len())
    }
}

/// What every band needs to know.
struct Scene<'a> {
    lines: &'a Lines,
    scenery: &'a Scenery<'a>,
    coarse: &'a Coarse,
    shading: &'a Shading,
    cuts: Option<Cuts<'a>>,
    dark: f32,
}

impl<'a> Scene<'a> {
    fn band(&self, first: i64, width: usize) -> Band {
        let lines = self.lines;
        let (changed, start, end) = self.changed(first, width);
        let mut horizon = Horizon::new(lines, self.dark, width, changed);
        let mut surfaces = vec![Surface::default(); width + 2];
        let mut fill = |step: i64, row: &mut Row| {
            let line = lines.row(first as f64 - 1.0, step as f64, lines.px, 1.0);
            self.scenery.fill(&line, &mut surfaces);
            row.take(&surfaces);
        };
        let [mut previous, mut current, mut next] = [(); 3].map(|()| Row::new(width + 2));
        fill(start - 1, &mut previous);
        fill(start, &mut current);
        let mut around = vec![0.0f32; width];
        let mut signal = vec![0.0f32; width];
        for step in start..end {
            fill(step + 1, &mut next);
            self.coarse.row(first as f64, step as f64, &mut around);
            self.shading.row([&previous, &current, &next], &around, &mut signal);
            horizon.advance((step - lines.first_step) as f32, &signal, &current, &around);
            if step % 16 == 0 && horizon.is_full() {
                break;
            }
            std::mem::swap(&mut previous, &mut current);
            std::mem::swap(&mut current, &mut next);
        }
        horizon.band
    }

    /// The changed matter under a band's lines, and from which step to which it is walked.
    fn changed(&self, first: i64, width: usize) -> (Option<Changed<'a>>, i64, i64) {
        let (lines, before, after) = (self.lines, self.coarse.before, self.coarse.after);
        let (mut start, mut end) = (-(before as i64), (lines.steps + after) as i64);
        let changed = self.cuts.and_then(|cuts| {
            let mut any = false;
            let along = |l: usize| cuts.along((first + l as i64) as f64, before, after);
            let slices = (0..width).map(along).map(|found| {
                let (slice, (from, to)) = found?;
                if from <= to {
                    (start, end) = (start.min(from.floor() as i64), end.max(to.ceil() as i64 + 2));
                }
                any = true;
                Some(slice)
            });
            let slices = slices.collect();
            any.then_some(Changed { cuts, slices })
        });
        (changed, start + lines.first_step, end + lines.first_step)
    }
}

/// Looks at matter: the signal of every pixel of `window`, with what stands before it (`cones`).
pub(super) fn look(camera: &Camera, window: Window, matter: &Matter, cones: &Cones, detector: &Detector) -> Pass {
    walk(camera, window, matter, cones, detector, |lattice, overlay| {
        let mut pass = lattice.assemble();
        overlay.lay(lattice, &mut pass);
        pass
    })
}

/// Walks the lines of a view; `tell` makes something of what was met along them and of what stands before that.
pub(super) fn walk<T>(
    camera: &Camera,
    window: Window,
    matter: &Matter,
    cones: &Cones,
    detector: &Detector,
    tell: impl FnOnce(&Lattice, &Overlay) -> T,
) -> T {
    let lines = Lines::new(camera, window, detector.channel);
    let scenery = Scenery::of(matter);
    let coarse = Coarse::new(&lines, &scenery);
    let shading = Shading::new(&lines, detector);
    let facets = Facets::new(matter.sheet(), &shading, &lines, false);
    let scene = Scene {
        lines: &lines,
        scenery: &scenery,
        coarse: &coarse,
        shading: &shading,
        cuts: Cuts::new(&lines, matter.sheet(), facets),
        dark: Material::Vacuum.response(detector.channel) * 0.8,
    };
    let bands: Vec<Band> = (0..lines.lines.div_ceil(BAND))
        .into_par_iter()
        .map(|i| {
            let first = lines.first_line + (i * BAND) as i64;
            scene.band(first, BAND.min(lines.lines - i * BAND))
        })
        .collect();
    let lattice = Lattice {
        lines: &lines,
        window,
        bands: &bands,
    };
    tell(
        &lattice,
        &Overlay::of(camera, window, matter, cones, &shading, detector),
    )
}
