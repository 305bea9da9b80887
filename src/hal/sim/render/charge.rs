//! Charging: what does not conduct keeps some of the charge the beam leaves. It darkens with the dose it has had since the
//! picture began, and bright places on it leave a dark tail along the line. Metal is earthed and stays as it is.

use super::Shot;
use super::camera::Camera;
use super::relief::Window;
use super::scan::Schedule;
use crate::sim::specimen::{Channel, Line, Specimen, Surface};
use nalgebra::Vector2;
use std::ops::Range;

/// Distance between the places whose conduction is asked for (px).
const POST: usize = 8;
/// Dose at which two thirds of the most a sample charges is reached (C/m2).
const SATURATING: f64 = 1e-2;
/// Share of its brightness that a fully charged insulator loses.
const LOSS: f32 = 0.5;

pub(super) struct Charging {
    strength: f32,
    /// Share of the saturating dose that the field receives in a second of scanning.
    per_second: f64,
    /// How little each post conducts, 0..1, row by row.
    insulation: Vec<f32>,
    width: usize,
}

impl Charging {
    /// `None` for a sample that conducts. The map is that of the foot points: what stands a few micrometres high is not moved.
    pub fn of(shot: &Shot, window: Window) -> Option<Self> {
        let strength = shot.charging.clamp(0.0, 1.0) as f32;
        if strength == 0.0 {
            return None;
        }
        let camera = Camera::of(shot, shot.motion.offset.into());
        let (width, height) = (window.width.div_ceil(POST) + 1, window.height.div_ceil(POST) + 1);
        let mut insulation = Vec::with_capacity(width * height);
        let mut surfaces = vec![Surface::default(); width];
        for j in 0..height {
            let row = f64::from(window.row) + (j * POST) as f64;
            posts(
                &camera,
                shot.matter.specimen(),
                [f64::from(window.col), row],
                &mut surfaces,
            );
            insulation.extend(surfaces.iter().map(|s| s.material.insulation()));
        }
        let area = (window.width * window.height) as f64 * shot.settings.pixel_size().powi(2);
        Some(Charging {
            strength,
            per_second: shot.beam.settings.beam_current.max(0.0) / (area * SATURATING),
            insulation,
            width,
        })
    }

    /// What charge does to the signal of a row that `frames` of the schedule have added up.
    pub fn darken(&self, line: &mut [f32], row: usize, schedule: &Schedule, frames: Range<u32>) {
        let scans = frames.flat_map(|frame| (0..schedule.lines).map(move |n| (frame, n)));
        let (mut sum, mut n) = (0.0, 0.0);
        for (frame, scan) in scans {
            sum += 1.0 - (-schedule.time(frame, row, scan) * self.per_second).exp();
            n += 1.0;
        }
        let charged = LOSS * (sum / f64::max(n, 1.0)) as f32;
        let (j, ty) = (row / POST, (row % POST) as f32 / POST as f32);
        let post = |i: usize| {
            let (above, below) = (
                self.insulation[j * self.width + i],
                self.insulation[(j + 1) * self.width + i],
            );
            above + (below - above) * ty
        };
        let mut gathered = line.first().copied().unwrap_or(0.0);
        for (i, part) in line.chunks_mut(POST).enumerate() {
            let (left, right) = (post(i), post(i + 1));
            for (k, v) in part.iter_mut().enumerate() {
                let held = self.strength * (left + (right - left) * k as f32 / POST as f32);
                let own = *v;
                let tail = 0.6 * (gathered - 0.4 * own).max(0.0) - 0.35 * own;
                *v = ((own - held * tail) * (1.0 - held * charged)).max(0.0);
                gathered += (own - gathered) * 0.02;
            }
        }
    }
}

/// A row of posts from the pixel `at` on.
fn posts(camera: &Camera, specimen: &Specimen, at: [f64; 2], out: &mut [Surface]) {
    let from = camera.origin + camera.per_pixel * Vector2::from(at);
    let step = camera.per_pixel.column(0) * POST as f64;
    let line = Line {
        x0: from.x,
        y0: from.y,
        dx: step.x,
        dy: step.y,
        px: (0.6 * step.norm()) as f32,
        face: camera.face,
        channel: Channel::default(),
    };
    specimen.fill(&line, out);
}
