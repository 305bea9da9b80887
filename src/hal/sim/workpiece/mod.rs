//! The sample as it is worked on: what beams, gases and the needle did to it, done to its matter when somebody looks.
//!
//! [`Deed`]s are put in a queue in the order of the clock, under the world's lock and in no time. Whoever looks (a picture, the
//! truth, a needle that may touch) works them off outside of that lock, so that neither stop nor a read waits for a cut. A
//! picture leaves a [`Deed::Show`] in the queue and gets the matter as it was there, whoever works it off.
//!
//! `lab`: where a beam really aims. `finished`: how each deed is done.

mod finished;
mod lab;

pub use lab::{Aim, Lab};

use super::gas::ports;
use super::matter::{Beamline, Materials, Matter, MatterError};
use super::patterning::Segment;
use super::specimen::{Specimen, UnknownScene};
use crate::HalError;
use model::{ErrorKind, Shape};
use nalgebra::Isometry3;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Something that was done to the sample.
#[derive(Debug)]
pub enum Deed {
    /// A part of a pattern. `gas`: one flowed that beams make a deposit of.
    Stroke {
        segment: Segment,
        aim: Aim,
        gas: bool,
        exclusions: Vec<Shape>,
    },
    /// A picture's ions: middle and size of the area that was scanned (m in the picture), charge (C), clock time.
    Picture {
        aim: Aim,
        middle: (f64, f64),
        field: (f64, f64),
        charge: f64,
        at: f64,
    },
    /// Gas or metal, laid down for `seconds` round a place of the sample plane (m).
    Coat {
        gas: &'static ports::Gas,
        position: Option<String>,
        at: (f64, f64),
        seconds: f64,
    },
    /// The needle is there now: its frame in the sample's. What it holds comes along.
    Needle(Isometry3<f64>),
    /// A pattern has ended: what came free, and what holds it?
    Release,
    /// Another sample is in its place.
    Exchange,
    /// What it looks like here.
    Show(Arc<OnceLock<Matter>>),
}

/// The matter, and what is known of how it became so.
#[derive(Debug)]
pub struct Finished {
    pub matter: Matter,
    /// m3 by record of the patterning engine.
    pub removed: BTreeMap<usize, f64>,
    /// Where on the sample plane (m) the middle of the picture lay that it was last drawn in, by record.
    pub drawn_at: BTreeMap<usize, [f64; 2]>,
    /// Views from which was milled, oldest first.
    pub views: Vec<Beamline>,
    /// The needle's frame in the sample's, when it was last told.
    needle: Option<Isometry3<f64>>,
    /// What could not be done (a shape no beam can draw); nothing changed by it.
    pub failures: Vec<MatterError>,
    /// How many samples were there before.
    pub before: u64,
    /// The sites found, and the revision they were found on.
    pub sites: Option<(u64, Vec<super::truth::Site>)>,
}

/// The one sample of a world. It grows on the first look.
#[derive(Debug)]
pub struct Workpiece {
    scene: String,
    seed: u64,
    queue: Mutex<VecDeque<Deed>>,
    finished: Mutex<Option<Finished>>,
    specimen: OnceLock<Specimen>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Workpiece {
    pub fn new(scene: &str, seed: u64) -> Workpiece {
        Workpiece {
            scene: scene.to_owned(),
            seed,
            queue: Mutex::default(),
            finished: Mutex::default(),
            specimen: OnceLock::new(),
        }
    }

    /// The specimen as it was grown.
    pub fn specimen(&self) -> Result<&Specimen, HalError> {
        if let Some(specimen) = self.specimen.get() {
            return Ok(specimen);
        }
        let specimen = self.another(0).map_err(|e| {
            HalError::new(
                ErrorKind::Usage,
                e.to_string(),
                "name another with --scene or twin.scene",
            )
        })?;
        Ok(self.specimen.get_or_init(|| specimen))
    }

    /// The sample that comes after so many others: of the same scene, grown from the next seed.
    fn another(&self, before: u64) -> Result<Specimen, UnknownScene> {
        Specimen::new(&self.scene, self.seed.wrapping_add(before))
    }

    /// Whether anything was done to it, or anybody has looked.
    pub fn is_touched(&self) -> bool {
        !locked(&self.queue).is_empty() || locked(&self.finished).is_some()
    }

    /// Takes note of a deed. Called in the order of the clock.
    pub fn push(&self, deed: Deed) {
        locked(&self.queue).push_back(deed);
    }

    /// Leaves a mark: what was done before it, and nothing after, will be seen in it.
    pub fn mark(&self) -> Arc<OnceLock<Matter>> {
        let slot = Arc::new(OnceLock::new());
        self.push(Deed::Show(slot.clone()));
        slot
    }

    /// Works off what is in the queue and looks at the result. Never called under the world's lock.
    pub fn look<T>(&self, lab: &Lab, look: impl FnOnce(&mut Finished) -> T) -> Result<T, HalError> {
        let mut guard = locked(&self.finished);
        let finished = match guard.take() {
            Some(finished) => guard.insert(finished),
            None => {
                let materials = Materials::shipped().map_err(|e| {
                    HalError::new(
                        ErrorKind::Other,
                        format!("the table of materials cannot be read: {e}"),
                        "this build is broken; install it again",
                    )
                })?;
                guard.insert(Finished {
                    matter: Matter::new(self.specimen()?.clone(), Arc::new(materials)),
                    removed: BTreeMap::new(),
                    drawn_at: BTreeMap::new(),
                    views: Vec::new(),
                    needle: None,
                    failures: Vec::new(),
                    before: 0,
                    sites: None,
                })
            }
        };
        loop {
            let Some(deed) = locked(&self.queue).pop_front() else {
                break;
            };
            if let Err(error) = finished.work(lab, deed) {
                finished.failures.push(error);
            }
        }
        Ok(look(finished))
    }

    /// The matter at a mark.
    pub fn at(&self, lab: &Lab, mark: &OnceLock<Matter>) -> Result<Matter, HalError> {
        self.look(lab, |finished| mark.get().unwrap_or(&finished.matter).clone())
    }
}
