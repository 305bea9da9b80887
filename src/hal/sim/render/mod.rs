//! Pictures of the twin: pure functions from a snapshot of the world to pixels.
//!
//! A [`Shot`] holds everything a picture depends on, so it can be taken on any thread while the world goes on. [`Renderer::render`]
//! runs `relief` (what is seen: geometry, along `lines`, and yield, by `shade`; changed matter by `slices`, what stands before it by
//! `overlay`; cached), `focus` (spot, defocus, astigmatism), `scan` (line order, drift,
//! `charge`, dose, noise, detector) and, for drift correction, `register`. Nothing here keeps time, owns the specimen or moves a stage.
//! A new effect belongs to the one of these passes whose physics it is.

mod camera;
mod charge;
mod cones;
mod facets;
mod focus;
mod horizon;
mod label;
mod lattice;
mod lines;
mod overlay;
mod register;
mod relief;
mod scan;
mod scenery;
mod shade;
mod slices;

pub use camera::{appears, project};
pub use label::{Seen, label};
pub use scan::Motion;

use super::collision::Probe;
use super::geometry::TwinGeometry;
use super::matter::Matter;
use super::optics::{self, ColumnFlaws, Detector, Spot};
use super::specimen::Channel;
use camera::Camera;
use charge::Charging;
use cones::Cones;
use focus::{Kernel, TRIALS};
use model::{BeamState, ImageSettings, Pose};
use ndarray::Array2;
use relief::{Pass, Window};
use scan::{Anchor, Exposure, Schedule, Source, Wander};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Everything one picture depends on.
#[derive(Clone, Debug)]
pub struct Shot {
    /// Beam, frame, dwell, area, integration. `hfw`, `resolution` and `dwell_time` of `beam.settings` are not read.
    pub settings: ImageSettings,
    /// The column and its detector as they are.
    pub beam: BeamState,
    /// What the column's settings do not show.
    pub flaws: ColumnFlaws,
    /// Where the stage really is.
    pub pose: Pose,
    pub geometry: Arc<TwinGeometry>,
    /// The sample and what became of it; pictures keep the one they were taken of.
    pub matter: Matter,
    /// Needle and injectors that are inserted.
    pub probes: Vec<Probe>,
    /// Drift and vibration while the picture is taken.
    pub motion: Motion,
    /// Seconds on the twin's clock when the first line begins: the phase of vibrations.
    pub start_time: f64,
    /// When the beam was off the sample for a while (from, to; seconds from the first line on).
    pub dark: Vec<(f64, f64)>,
    /// 0: a sample that conducts; 1: one that charges strongly.
    pub charging: f64,
    /// Noise repeats for the same seed: give every picture its own.
    pub seed: u64,
}

/// A picture that cannot be taken.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ShotError {
    #[error("a picture of {0} x {1} pixels cannot be scanned: nothing was exposed; give 1..8192 pixels a side")]
    Size(u32, u32),
    #[error("a field width of {0} m cannot be scanned: nothing was exposed; give 10 nm .. 20 mm")]
    Field(f64),
    #[error("a dwell time of {0} s cannot be scanned: nothing was exposed; give 1 ns .. 1 s")]
    Dwell(f64),
    #[error("the reduced area lies outside the frame or is empty: nothing was exposed; give fractions between 0 and 1")]
    Area,
    #[error(
        "drift correction registers frames, and there is only one: nothing was exposed; set frame integration to 2 or more"
    )]
    OneFrame,
    #[error("`{0}` is not a finite number: nothing was exposed; set it again")]
    NotFinite(&'static str),
}

/// What decides the geometry pass. Floats by their bits: equal settings are equal keys.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    camera: Camera,
    window: Window,
    channel: Channel,
    one_sided: u32,
    revision: u64,
    cones: Cones,
}

/// Renders shots and remembers the last views.
#[derive(Debug, Default)]
pub struct Renderer {
    passes: Mutex<VecDeque<(Key, Arc<Pass>)>>,
    sharp: Mutex<Option<Sharp>>,
}

/// The last view as the beam resolved it: the next picture of it in the same focus differs in its noise alone.
#[derive(Debug)]
struct Sharp {
    pass: Arc<Pass>,
    spots: [Kernel; TRIALS],
    signal: Arc<Vec<f32>>,
}

/// Bytes of remembered views.
const REMEMBERED: usize = 28 << 20;

/// 2^23: a float of this size holds a whole number in its last bits, which is quicker to take out than to convert.
const WHOLE: f32 = 8_388_608.0;

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Renderer {
    pub fn new() -> Self {
        Self::default()
    }

    /// The picture at 8 bits: rows of the scanned area, top first.
    pub fn render(&self, shot: &Shot) -> Result<Array2<u8>, ShotError> {
        self.expose(shot, |v| (v * 255.0 + WHOLE).to_bits() as u8)
    }

    /// The picture at 16 bits.
    pub fn render16(&self, shot: &Shot) -> Result<Array2<u16>, ShotError> {
        self.expose(shot, |v| (v * 65535.0 + WHOLE).to_bits() as u16)
    }

    fn expose<T>(&self, shot: &Shot, convert: impl Fn(f32) -> T + Sync) -> Result<Array2<T>, ShotError>
    where
        T: Send + Clone + Default,
    {
        let area = check(shot)?;
        let size = (area.width, area.height);
        let schedule = Schedule::new(shot, size.0, size.1);
        let anchor = Anchor::of(shot);
        let wander = Wander::of(shot, &anchor);
        let detector = Detector::of(&shot.beam);
        let lit = shot.beam.on && !shot.beam.blanked;
        let charging = Charging::of(shot, area).filter(|_| lit);
        let exposure = Exposure {
            detector: &detector,
            counts: if lit {
                detector.counts(&shot.beam, shot.settings.dwell_time)
            } else {
                0.0
            },
            charging: charging.as_ref(),
            dark: &shot.dark,
            seed: shot.seed,
        };

        // Content that wanders into the picture must have been looked at.
        let margin = wander.as_ref().map_or(0, |w| {
            (w.most(&schedule).min(size.0 as f32 / 3.0).ceil() as usize + 2).next_multiple_of(8)
        });
        let pass = lit.then(|| {
            let window = Window {
                col: area.col - margin as i32,
                row: area.row - margin as i32,
                width: area.width + 2 * margin,
                height: area.height + 2 * margin,
            };
            self.pass(shot, &anchor, window, &detector)
        });
        let blank;
        let resolved;
        let (signal, margin) = match &pass {
            Some(pass) => {
                resolved = self.resolved(pass, |depth| kernel(shot, depth + anchor.nearer as f32));
                (resolved.as_deref().unwrap_or(&pass.signal).as_slice(), margin)
            }
            None => {
                blank = vec![0.0f32; size.0 * size.1];
                (blank.as_slice(), 0)
            }
        };
        let source = Source {
            signal,
            width: size.0 + 2 * margin,
            margin,
        };
        let clip = |v: f32| convert(v.clamp(0.0, 1.0));
        let wander = wander.as_ref().filter(|_| lit);

        let pixels = if shot.settings.drift_correction {
            let corrected = register_frames(&source, size, &schedule, wander, &exposure);
            corrected.into_iter().map(clip).collect()
        } else {
            scan::draw(&source, size, &schedule, 0..schedule.frames, wander, &exposure, clip)
        };
        Array2::from_shape_vec((size.1, size.0), pixels).map_err(|_| ShotError::Size(size.0 as u32, size.1 as u32))
    }

    /// The geometry pass of a shot, from memory where nothing it depends on has changed.
    fn pass(&self, shot: &Shot, anchor: &Anchor, window: Window, detector: &Detector) -> Arc<Pass> {
        let key = Key {
            camera: Camera::of(shot, anchor.offset),
            window,
            channel: detector.channel,
            one_sided: detector.one_sided.to_bits(),
            revision: shot.matter.revision(),
            cones: Cones::of(shot, anchor, window),
        };
        if let Some((_, pass)) = locked(&self.passes).iter().find(|(k, _)| *k == key) {
            return pass.clone();
        }
        let pass = Arc::new(relief::look(&key.camera, window, &shot.matter, &key.cones, detector));
        let mut passes = locked(&self.passes);
        passes.push_front((key, pass.clone()));
        let mut bytes = 0;
        passes.retain(|(_, p)| {
            bytes += p.bytes();
            bytes <= REMEMBERED
        });
        pass
    }

    /// The signal of a pass as the beam resolves it; `None` where the spot is too small to change it.
    fn resolved(&self, pass: &Arc<Pass>, kernel: impl Fn(f32) -> Kernel) -> Option<Arc<Vec<f32>>> {
        let spots = focus::spots(pass, &kernel);
        // taken out: another view's makes room before this one's is made
        let last = locked(&self.sharp).take();
        let sharp = match last.filter(|last| Arc::ptr_eq(&last.pass, pass) && last.spots == spots) {
            Some(same) => same,
            None => Sharp {
                signal: match focus::resolve(pass, kernel) {
                    Cow::Borrowed(_) => return None,
                    Cow::Owned(signal) => Arc::new(signal),
                },
                pass: pass.clone(),
                spots,
            },
        };
        let signal = sharp.signal.clone();
        *locked(&self.sharp) = Some(sharp);
        Some(signal)
    }
}

/// Frames one by one, each registered against the first and laid back on it.
fn register_frames(
    source: &Source,
    size: (usize, usize),
    schedule: &Schedule,
    wander: Option<&Wander>,
    exposure: &Exposure,
) -> Vec<f32> {
    let frame = |n: u32| scan::draw(source, size, schedule, n..n + 1, wander, exposure, |v| v);
    let first = frame(0);
    let mut sum = first.clone();
    let mut weight = vec![1.0f32; sum.len()];
    for n in 1..schedule.frames {
        let next = frame(n);
        let moved = register::displacement(&first, &next, size.0);
        register::add_back(&mut sum, &mut weight, &next, size.0, moved);
    }
    sum.iter().zip(&weight).map(|(s, w)| s / w).collect()
}

/// The spot in pixels on what lies `depth` metres above the coincidence plane.
fn kernel(shot: &Shot, depth: f32) -> Kernel {
    let beam = shot.settings.beam_type;
    let defocus = shot.beam.settings.working_distance - (shot.geometry.eucentric(beam) - f64::from(depth));
    let Spot { xx, xy, yy } = optics::spot(&shot.beam, &shot.flaws, defocus);
    // From the column's axes (right, up) to the shown picture's (right, down), which scan rotation has turned.
    let (s, c) = shot.beam.settings.scan_rotation.sin_cos();
    let (rx, ry) = (
        c * c * xx + 2.0 * s * c * xy + s * s * yy,
        s * s * xx - 2.0 * s * c * xy + c * c * yy,
    );
    let mixed = (yy - xx) * s * c + (c * c - s * s) * xy;
    let per = shot.settings.pixel_size().powi(-2);
    Kernel {
        xx: (rx * per) as f32,
        xy: (-mixed * per) as f32,
        yy: (ry * per) as f32,
    }
}

/// Refuses what no scan can do; else the scanned part of the frame.
fn check(shot: &Shot) -> Result<Window, ShotError> {
    let s = &shot.settings;
    let b = &shot.beam.settings;
    let (w, h) = s.resolution;
    if !(1..=8192).contains(&w) || !(1..=8192).contains(&h) {
        return Err(ShotError::Size(w, h));
    }
    if !(1e-8..=2e-2).contains(&s.hfw) {
        return Err(ShotError::Field(s.hfw));
    }
    if !(1e-9..=1.0).contains(&s.dwell_time) {
        return Err(ShotError::Dwell(s.dwell_time));
    }
    let p = &shot.pose;
    let finite = [
        ("pose", [p.x, p.y, p.z, p.r, p.t].iter().all(|v| v.is_finite())),
        ("working distance", b.working_distance.is_finite()),
        ("beam current", b.beam_current.is_finite()),
        ("voltage", b.voltage.is_finite()),
        ("stigmation", b.stigmation.x.is_finite() && b.stigmation.y.is_finite()),
        ("beam shift", b.shift.x.is_finite() && b.shift.y.is_finite()),
        ("scan rotation", b.scan_rotation.is_finite()),
        ("charging", shot.charging.is_finite()),
        ("drift", shot.motion.offset.iter().all(|v| v.is_finite())),
        ("contrast", shot.beam.detector.contrast.is_finite()),
        ("brightness", shot.beam.detector.brightness.is_finite()),
    ];
    if let Some((name, _)) = finite.iter().find(|(_, ok)| !ok) {
        return Err(ShotError::NotFinite(name));
    }
    if s.drift_correction && s.frame_integration.unwrap_or(1) < 2 {
        return Err(ShotError::OneFrame);
    }
    let (col, row, width, height) = match s.reduced_area {
        None => (0, 0, w, h),
        Some(area) if area.is_valid() => area.pixels(s.resolution),
        Some(_) => return Err(ShotError::Area),
    };
    if width == 0 || height == 0 {
        return Err(ShotError::Area);
    }
    Ok(Window {
        col: col as i32,
        row: row as i32,
        width: width as usize,
        height: height as usize,
    })
}

#[cfg(test)]
mod tests;
