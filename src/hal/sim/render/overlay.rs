//! What stands apart from the sample in a view: bodies that came free, at their pose, and the instruments among them. Each
//! pixel shows what is nearest to the lens.

use super::camera::Camera;
use super::cones::Cones;
use super::facets::Facets;
use super::horizon::Band;
use super::lattice::Lattice;
use super::lines::Lines;
use super::relief::{BAND, BLOCK, Pass, Window};
use super::shade::Shading;
use super::slices::{Cuts, Lane};
use crate::sim::matter::{Body, BodyId, Matter};
use crate::sim::optics::Detector;
use crate::sim::specimen::Face;
use rayon::prelude::*;

/// A part of a view with something in it: signal and distance above the coincidence plane (m) of each pixel.
struct Layer {
    of: Apart,
    window: Window,
    seen: Vec<Option<(f32, f32)>>,
}

/// What stands apart from the sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Apart {
    Body(BodyId),
    /// One of the cones.
    Probe,
}

impl Layer {
    /// Signal and depth at a pixel of the full frame.
    fn at(&self, (col, row): (i32, i32)) -> Option<(f32, f32)> {
        let w = self.window;
        let (x, y) = (usize::try_from(col - w.col).ok()?, usize::try_from(row - w.row).ok()?);
        (x < w.width && y < w.height).then(|| self.seen[y * w.width + x])?
    }
}

pub(super) struct Overlay(Vec<Layer>);

impl Overlay {
    pub fn of(
        camera: &Camera,
        window: Window,
        matter: &Matter,
        cones: &Cones,
        shading: &Shading,
        detector: &Detector,
    ) -> Overlay {
        let bodies = matter.bodies().iter().filter_map(|b| body(camera, window, b, detector));
        let mut layers: Vec<Layer> = bodies.collect();
        if !cones.is_empty() {
            let mut seen = vec![None; window.width * window.height];
            seen.par_chunks_mut(window.width).enumerate().for_each(|(row, out)| {
                let row = f64::from(window.row) + row as f64;
                for (col, slot) in out.iter_mut().enumerate() {
                    let col = f64::from(window.col) + col as f64;
                    *slot = cones.at(col, row, shading, detector.channel);
                }
            });
            layers.push(Layer {
                of: Apart::Probe,
                window,
                seen,
            });
        }
        Overlay(layers)
    }

    /// Puts what is nearer than the sample into the picture.
    pub fn lay(&self, lattice: &Lattice, pass: &mut Pass) {
        let window = lattice.window;
        let (bw, _) = pass.blocks();
        for layer in &self.0 {
            let w = layer.window;
            let (left, top) = ((w.col - window.col) as usize, (w.row - window.row) as usize);
            // Nearer by block: how many pixels, and their depth.
            let mut nearer = vec![(0u32, 0.0f64); pass.depth.len()];
            for (row, seen) in layer.seen.chunks(w.width).enumerate() {
                for (col, seen) in seen.iter().enumerate() {
                    let Some((signal, depth)) = *seen else { continue };
                    let (col, row) = (left + col, top + row);
                    let behind = lattice
                        .nearest(col, row)
                        .is_some_and(|(_, height)| lattice.depth(col as f64, row as f64, f64::from(height)) > depth);
                    let before = self.hides(layer, window, [col, row], depth);
                    if !behind && !before {
                        pass.signal[row * pass.width + col] = signal;
                        let block = &mut nearer[row / BLOCK * bw + col / BLOCK];
                        *block = (block.0 + 1, block.1 + f64::from(depth));
                    }
                }
            }
            for (slot, (n, sum)) in pass.depth.iter_mut().zip(nearer).filter(|(_, (n, _))| *n > 0) {
                let share = f64::from(n) / (BLOCK * BLOCK) as f64;
                *slot = (f64::from(*slot) * (1.0 - share) + sum / f64::from(n) * share) as f32;
            }
        }
    }

    /// What stands nearest to the lens at a pixel of the lattice's window; `None` where nothing stands before the sample.
    pub fn before(&self, lattice: &Lattice, [col, row]: [usize; 2]) -> Option<Apart> {
        let window = lattice.window;
        let frame = (window.col + col as i32, window.row + row as i32);
        let met = self
            .0
            .iter()
            .filter_map(|layer| layer.at(frame).map(|(_, depth)| (layer.of, depth)));
        let (of, depth) = met.max_by(|a, b| a.1.total_cmp(&b.1))?;
        let behind = lattice
            .nearest(col, row)
            .is_some_and(|(_, height)| lattice.depth(col as f64, row as f64, f64::from(height)) > depth);
        (!behind).then_some(of)
    }

    /// Whether another layer is nearer to the lens at a pixel of the window.
    fn hides(&self, than: &Layer, window: Window, [col, row]: [usize; 2], depth: f32) -> bool {
        let frame = (window.col + col as i32, window.row + row as i32);
        let others = self.0.iter().filter(|layer| !std::ptr::eq(*layer, than));
        others
            .filter_map(|layer| layer.at(frame))
            .any(|(_, other)| other > depth)
    }
}

/// A body in the part of the view that it fills; `None` where none of it is in view.
fn body(camera: &Camera, window: Window, body: &Body, detector: &Detector) -> Option<Layer> {
    let camera = camera.within(&body.pose);
    let window = window.around((0..8).map(|i| {
        let [x, y, z] = [0, 1, 2].map(|a| body.bounds[(i >> a) & 1][a]);
        camera.pixel([x, y, if camera.face == Face::Under { -z } else { z }])
    }))?;
    let lines = Lines::new(&camera, window, detector.channel);
    let shading = Shading::new(&lines, detector);
    let cuts = Cuts::new(&lines, body.sheet(), Facets::new(body.sheet(), &shading, &lines, true))?;
    let bands: Vec<Band> = (0..lines.lines.div_ceil(BAND))
        .into_par_iter()
        .map(|i| {
            let width = BAND.min(lines.lines - i * BAND);
            let mut band = Band::dark(width, lines.steps, 0.0);
            for line in 0..width {
                let first = lines.first_line + (i * BAND + line) as i64;
                let Some((mut slice, _)) = cuts.along(first as f64, 0, 0) else {
                    continue;
                };
                slice.walk_all(
                    &cuts,
                    &mut Lane {
                        band: &mut band,
                        line,
                        steps: lines.steps as i32,
                        reached: &mut -1.0,
                    },
                );
            }
            band
        })
        .collect();
    let lattice = Lattice {
        lines: &lines,
        window,
        bands: &bands,
    };
    let at = |k: usize| {
        let (col, row) = (k % window.width, k / window.width);
        let (signal, height) = lattice.nearest(col, row)?;
        Some((signal, lattice.depth(col as f64, row as f64, f64::from(height))))
    };
    let seen = (0..window.width * window.height).into_par_iter().map(at).collect();
    Some(Layer {
        of: Apart::Body(body.id),
        window,
        seen,
    })
}
