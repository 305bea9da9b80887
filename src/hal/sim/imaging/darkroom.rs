//! Where pictures become pixels, on threads of their own.

use super::Film;
use crate::HalError;
use crate::sim::matter::Matter;
use crate::sim::render::{Renderer, Shot};
use crate::sim::workpiece::Lab;
use model::ErrorKind;
use ndarray::Array2;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

/// Where pictures are developed, one at a time, and what is kept between pictures of the same view.
#[derive(Debug)]
pub(in crate::sim) struct Darkroom {
    lab: Arc<Lab>,
    renderer: Renderer,
    /// What a beam that is on sees instead of the specimen.
    pub film: Option<Film>,
    /// Held while a picture is developed: those that were stopped meanwhile are then skipped.
    pub turn: Mutex<()>,
}

impl Darkroom {
    pub fn new(lab: Arc<Lab>, film: Option<Film>) -> Darkroom {
        Darkroom {
            lab,
            renderer: Renderer::new(),
            film,
            turn: Mutex::default(),
        }
    }

    /// Develops into `exposure`, unless nobody wants it any more by then.
    pub(super) fn develop(&self, shot: impl FnOnce(Matter) -> Shot, mark: &OnceLock<Matter>, exposure: &Exposure) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if exposure.unwanted.load(Ordering::Relaxed) {
            return;
        }
        let pixels = self
            .lab
            .piece
            .at(&self.lab, mark)
            .and_then(|matter| self.render(exposure.shot.get_or_init(|| shot(matter))));
        exposure.fill(pixels);
    }

    /// Develops once more what was developed, now that it is known when the beam was off the sample.
    pub(super) fn again(&self, exposure: &Exposure, dark: Vec<(f64, f64)>) -> Result<Array2<u8>, HalError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shot = exposure.shot.get().cloned().ok_or_else(lost)?;
        (shot.beam.on, shot.beam.blanked, shot.dark) = (true, false, dark);
        self.render(&shot)
    }

    fn render(&self, shot: &Shot) -> Result<Array2<u8>, HalError> {
        let lit = shot.beam.on && !shot.beam.blanked;
        if let Some(film) = self.film.as_ref().filter(|_| lit) {
            return film.picture(&shot.settings);
        }
        self.renderer.render(shot).map_err(|e| {
            HalError::new(
                ErrorKind::OutOfRange,
                e.to_string(),
                "change the settings and take it again",
            )
        })
    }
}

/// What is known of a picture's pixels.
#[derive(Debug, Default)]
enum Plate {
    #[default]
    Awaited,
    Ready(Result<Array2<u8>, HalError>),
    Taken,
}

/// A picture that is being developed.
#[derive(Debug, Default)]
pub(super) struct Exposure {
    plate: Mutex<Plate>,
    ready: Condvar,
    /// What was developed.
    shot: OnceLock<Shot>,
    pub(super) unwanted: AtomicBool,
}

impl Exposure {
    fn plate(&self) -> MutexGuard<'_, Plate> {
        self.plate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill(&self, pixels: Result<Array2<u8>, HalError>) {
        let mut plate = self.plate();
        if matches!(*plate, Plate::Awaited) {
            *plate = Plate::Ready(pixels);
        }
        self.ready.notify_all();
    }

    /// Waits for the worker, which never takes longer than its rendering.
    pub(super) fn wait(&self) {
        let awaited = |plate: &mut Plate| matches!(plate, Plate::Awaited);
        drop(self.ready.wait_while(self.plate(), awaited));
    }

    /// What the worker made; once.
    pub(super) fn take(&self) -> Result<Array2<u8>, HalError> {
        match std::mem::replace(&mut *self.plate(), Plate::Taken) {
            Plate::Ready(pixels) => pixels,
            Plate::Awaited | Plate::Taken => Err(lost()),
        }
    }
}

/// Fills an exposure whatever becomes of its worker.
pub(super) struct Filling(pub(super) Arc<Exposure>);

impl Drop for Filling {
    fn drop(&mut self) {
        self.0.fill(Err(lost()));
    }
}

fn lost() -> HalError {
    HalError::new(
        ErrorKind::Unknown,
        "the picture was lost while it was developed",
        "take it again",
    )
}
