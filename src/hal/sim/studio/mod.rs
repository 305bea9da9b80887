//! Labelled pictures of the twin: what a network is taught with. Nothing here has a clock or an instrument's hands.
//!
//! A [`Studio`] makes a set ready for a seed (`set`: a place of a scene, what was milled there, a needle before it), photographs it
//! with both beams as a [`Shot`] each, and asks the same geometry what every pixel shows ([`render::label`]), which `name` gives a
//! [`Label`]. So masks are exact: nothing is drawn by hand and nothing is read from the grey values. The same order gives the same
//! pictures to the last bit. To add something to look at: a [`Label`], its rule in `name`, and a set that has it.

mod name;
mod set;
#[cfg(test)]
mod tests;

use super::column::ColumnSim;
use super::geometry::TwinGeometry;
use super::matter::Materials;
use super::optics::{self, ColumnFlaws};
use super::render::{self, Motion, Renderer, Shot};
use super::specimen::{SCENES, hash};
use super::{room, values};
use crate::HalError;
use model::config::Instrument;
use model::frame::Metadata;
use model::{Beam, ErrorKind, Frame, ImageSettings, MicroscopeState, Pixels, Point, StagePosition};
use nalgebra::Vector3;
use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use set::Set;
use std::sync::Arc;

/// What a pixel shows, where it has a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Label {
    #[default]
    Background,
    /// A sheet that was milled thin, or a piece that came free.
    Lamella,
    /// The needle.
    Needle,
    /// A landing post of a half-moon grid.
    Post,
    /// A block of tissue.
    Block,
    /// A milled cross.
    Fiducial,
    /// A bar of a grid.
    Bar,
}

/// What is to be photographed.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// A name of [`SCENES`].
    pub scene: String,
    /// Pixels, width and height.
    pub resolution: (u32, u32),
    /// Decides the sample, the place, what was milled there, the needle, the views and the noise.
    pub seed: u64,
}

/// A picture and what its pixels show.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// 8 bits, with the metadata the twin writes.
    pub frame: Frame,
    pub labels: Array2<Label>,
    /// Where the needle's tip appears (pixels, x right, y down), where nothing hides it.
    pub tip: Option<Point>,
    /// What was made ready, and the settings that metadata has no place for.
    pub told: Value,
}

/// Makes labelled pictures with the columns and the geometry of an instrument.
pub struct Studio {
    instrument: Instrument,
    geometry: Arc<TwinGeometry>,
    materials: Arc<Materials>,
    renderer: Renderer,
}

/// Pixels by which a picture may be out of focus, as the spread of the spot.
const BLUR: f64 = 1.2;

/// Evenly over the orders of magnitude between two numbers.
fn between(rng: &mut ChaCha8Rng, low: f64, high: f64) -> f64 {
    (low.ln() + (high.ln() - low.ln()) * rng.random_range(0.0..1.0)).exp()
}

impl Studio {
    /// Errors: a table of materials that cannot be read.
    pub fn new(instrument: &Instrument) -> Result<Studio, HalError> {
        let materials = Materials::shipped().map_err(|e| {
            HalError::new(
                ErrorKind::Other,
                format!("the table of materials cannot be read: {e}"),
                "this build is broken; install it again",
            )
        })?;
        Ok(Studio {
            geometry: Arc::new(room::geometry(instrument)),
            instrument: instrument.clone(),
            materials: Arc::new(materials),
            renderer: Renderer::new(),
        })
    }

    /// The names of the scenes there are.
    pub fn scenes() -> impl Iterator<Item = &'static str> {
        SCENES.iter().map(|row| row.name)
    }

    /// The set of an order, by the electron and by the ion beam. Errors: a scene that there is not, a size no picture has.
    pub fn take(&self, order: &Order) -> Result<[Labelled; 2], HalError> {
        let set = Set::new(&self.geometry, self.materials.clone(), order)?;
        Ok([
            self.picture(&set, order, Beam::Electron)?,
            self.picture(&set, order, Beam::Ion)?,
        ])
    }

    fn picture(&self, set: &Set, order: &Order, beam: Beam) -> Result<Labelled, HalError> {
        let shot = self.shot(set, order, beam);
        let failed = |e: render::ShotError| HalError::new(ErrorKind::Usage, e.to_string(), "give another size");
        let pixels = self.renderer.render(&shot).map_err(failed)?;
        let labels = name::all(&shot, set, &render::label(&shot).map_err(failed)?);
        let tip = shot.probes.first().and_then(|probe| {
            let [x, y] = render::appears(&shot, probe.tip);
            let shown = (x >= 0.0 && y >= 0.0).then(|| labels.get((y.round() as usize, x.round() as usize)))?;
            (shown == Some(&Label::Needle)).then_some(Point { x, y })
        });
        let mut told = set.told.clone();
        told["focus_error_m"] = json!(shot.beam.settings.working_distance - shot.geometry.eucentric(beam));
        told["detector_contrast"] = json!(shot.beam.detector.contrast);
        Ok(Labelled {
            frame: Frame {
                pixels: Pixels::U8(pixels),
                metadata: Some(self.metadata(&shot)),
            },
            labels,
            tip,
            told,
        })
    }

    /// The beam's view of a set: what is to be seen somewhere about the middle, and about in focus.
    fn shot(&self, set: &Set, order: &Order, beam: Beam) -> Shot {
        let mut rng = ChaCha8Rng::seed_from_u64(hash(order.seed, 7, beam as i64));
        let column = ColumnSim::new(
            &self.instrument,
            beam,
            values::capabilities(&self.instrument)
                .beam(beam)
                .cloned()
                .unwrap_or_default(),
        );
        let mut state = column.state;
        let hfw = set.field * rng.random_range(0.8..1.25);
        let (w, h) = order.resolution;
        let settings = ImageSettings {
            beam_type: beam,
            hfw,
            resolution: order.resolution,
            dwell_time: between(&mut rng, 0.2e-6, 3e-6),
            ..ImageSettings::default()
        };
        let view = self.geometry.column(beam);
        let aside = [w, h].map(|side| rng.random_range(-0.22..0.22) * f64::from(side) * settings.pixel_size());
        let pose = set.pose(&self.geometry, view.right * aside[0] + view.up * aside[1]);
        let eucentric = self.geometry.eucentric(beam);
        let half_angle = optics::aperture(beam, state.settings.beam_current, eucentric);
        // a disc of blur has half its radius as spread
        let defocus = 2.0 * BLUR * settings.pixel_size() / half_angle;
        state.settings.working_distance = eucentric + rng.random_range(-1.0..1.0) * defocus;
        (state.settings.hfw, state.settings.resolution) = (hfw, order.resolution);
        state.settings.dwell_time = settings.dwell_time;
        state.detector.contrast += rng.random_range(-0.12..0.06);
        state.detector.brightness += rng.random_range(-0.06..0.06);
        Shot {
            settings,
            beam: state,
            flaws: ColumnFlaws::default(),
            pose,
            geometry: self.geometry.clone(),
            matter: set.matter.clone(),
            probes: set.needle(&self.geometry, &pose).into_iter().collect(),
            motion: Motion::default(),
            start_time: 0.0,
            dark: Vec::new(),
            charging: 0.0,
            seed: hash(order.seed, 11, beam as i64),
        }
    }

    fn metadata(&self, shot: &Shot) -> Metadata {
        let mut state = MicroscopeState::bare(0.0, StagePosition::from(shot.pose));
        let (settings, detector) = (Some(shot.beam.settings.clone()), Some(shot.beam.detector.clone()));
        match shot.settings.beam_type {
            Beam::Electron => (state.electron_beam, state.electron_detector) = (settings, detector),
            Beam::Ion => (state.ion_beam, state.ion_detector) = (settings, detector),
        }
        Metadata::new(shot.settings.clone(), state).with_instrument(&self.instrument)
    }
}

/// Of a chamber's axes: nowhere in particular.
const HERE: Vector3<f64> = Vector3::new(0.0, 0.0, 0.0);
