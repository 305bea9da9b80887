//! The sample as it is worked on: what beams, gases and the needle did to it, done to its matter when somebody looks.
//!
//! [`Deed`]s are put in a queue in the order of the clock, under the world's lock and in no time. Whoever looks (a picture, the
//! truth, a needle that may touch) works them off outside of that lock, so that neither stop nor a read waits for a cut. A
//! picture leaves a [`Deed::Show`] in the queue and gets the matter as it was there, whoever works it off.

use super::gas::ports::{self, Layer};
use super::geometry::TwinGeometry;
use super::matter::{Area, Beamline, BodyId, Drawing, Held, Ions, Materials, Matter, MatterError};
use super::optics::{self, ColumnFlaws};
use super::patterning::files::Deposit;
use super::patterning::{Drawn, Segment};
use super::specimen::{Material, Specimen};
use crate::HalError;
use model::config::instrument::TwinErrors;
use model::{Beam, BeamState, ErrorKind, Point, Pose, Shape, shape};
use nalgebra::{Isometry3, Vector3};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Direction in the picture in which another aperture moves it.
const APERTURE_OFFSET: Point = Point { x: 0.8, y: 0.6 };
/// How far the sample may drift under one march of a dose (m), and the most marches a stroke is cut into; what it drifts
/// within one widens the spot.
const STEADY: f64 = 5e-9;
const MOST_MARCHES: f64 = 8.0;
/// Radius of what a parked beam is drawn as (m); its spot widens it.
const SPOT: f64 = 5e-9;
/// How near a body must be to the needle's tip to be held by it (m).
const GRIP: f64 = 150e-9;
/// Rings in which the gas of a nozzle is laid down, as shares of its distance from the sample.
const RINGS: [f64; 5] = [0.15, 0.3, 0.5, 0.8, 1.2];

/// What does not change while the world goes on.
#[derive(Debug)]
pub struct Lab {
    pub geometry: Arc<TwinGeometry>,
    pub errors: TwinErrors,
    /// Clock time at which nothing had drifted yet.
    pub born: f64,
    pub piece: Arc<Workpiece>,
}

impl Lab {
    /// How far the sample has drifted by clock time `t`, in the chamber (m).
    pub fn drift(&self, pose: &Pose, t: f64) -> Vector3<f64> {
        let (x, y, height) = self.errors.drift;
        self.geometry.sample_to_chamber(pose).rotation * (Vector3::new(x, y, height) * (t - self.born))
    }

    /// What a column has that its settings do not show, `decades` of current above the configured one.
    pub fn flaws(&self, decades: f64) -> ColumnFlaws {
        ColumnFlaws {
            stigmation: Point::default(),
            shift_gain: 1.0 + self.errors.beam_shift_gain,
            offset: Point {
                x: APERTURE_OFFSET.x * self.errors.current_offset * decades,
                y: APERTURE_OFFSET.y * self.errors.current_offset * decades,
            },
        }
    }

    /// How far above the coincidence point, towards the lens of `beam`, its axis meets the sample plane (m); `None` edge on.
    pub fn surface(&self, beam: Beam, pose: &Pose, drift: Vector3<f64>) -> Option<f64> {
        let sample = self.geometry.sample_to_chamber(pose);
        let normal = sample.rotation * Vector3::z();
        let slope = normal.dot(&self.geometry.column(beam).toward);
        (slope.abs() > 1e-6).then(|| normal.dot(&(sample.translation.vector + drift)) / slope)
    }
}

/// A column as it really aims at the sample.
#[derive(Clone, Debug)]
pub struct Aim {
    pub beam: BeamState,
    pub flaws: ColumnFlaws,
    /// Where the stage really is.
    pub pose: Pose,
}

impl Aim {
    fn channel(&self) -> Beam {
        self.beam.settings.beam_type
    }

    /// The axes of its picture in the chamber, scan rotation and shift included, for what has drifted by so much (m).
    pub fn in_chamber(&self, lab: &Lab, drift: Vector3<f64>) -> Beamline {
        let view = lab.geometry.column(self.channel());
        let (sin, cos) = self.beam.settings.scan_rotation.sin_cos();
        let (right, up) = (view.right * cos + view.up * sin, view.up * cos - view.right * sin);
        let shift = self.beam.settings.shift;
        let landing = right * (shift.x * self.flaws.shift_gain + self.flaws.offset.x)
            + up * (shift.y * self.flaws.shift_gain + self.flaws.offset.y);
        Beamline {
            origin: (-landing - drift).into(),
            right,
            up,
            along: -view.toward,
        }
    }

    /// The same in the sample's frame at clock time `t`.
    fn line(&self, lab: &Lab, t: f64) -> Beamline {
        let chamber = self.in_chamber(lab, lab.drift(&self.pose, t));
        chamber.seen_from(&lab.geometry.sample_to_chamber(&self.pose))
    }

    /// The spot on the sample plane at clock time `t`, vibration included.
    fn spot(&self, lab: &Lab, t: f64) -> optics::Spot {
        let beam = self.channel();
        let above = lab.surface(beam, &self.pose, lab.drift(&self.pose, t)).unwrap_or(0.0);
        let defocus = self.beam.settings.working_distance - (lab.geometry.eucentric(beam) - above);
        let mut spot = optics::spot(&self.beam, &self.flaws, defocus);
        // a sine of that amplitude has half its square as variance
        let shaken = lab.errors.vibration.powi(2) / 2.0;
        (spot.xx, spot.yy) = (spot.xx + shaken, spot.yy + shaken);
        spot
    }

    fn ions(&self) -> Ions {
        let species = match self.beam.plasma_gas.as_deref() {
            Some("Xenon") => "Xe",
            Some("Argon") => "Ar",
            Some("Oxygen") => "O",
            Some("Nitrogen") => "N",
            _ => "Ga",
        };
        Ions {
            species: species.to_owned(),
            voltage: self.beam.settings.voltage,
        }
    }
}

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
    /// What it looks like here.
    Show(Arc<OnceLock<Matter>>),
}

/// The matter, and what is known of how it became so.
#[derive(Debug)]
pub struct Finished {
    pub matter: Matter,
    /// m3 by record of the patterning engine.
    pub removed: BTreeMap<usize, f64>,
    /// Views from which was milled, oldest first.
    pub views: Vec<Beamline>,
    /// The needle's frame in the sample's, when it was last told.
    needle: Option<Isometry3<f64>>,
    /// What could not be done (a shape no beam can draw); nothing changed by it.
    pub failures: Vec<MatterError>,
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
        let specimen = Specimen::new(&self.scene, self.seed).map_err(|e| {
            HalError::new(
                ErrorKind::Usage,
                e.to_string(),
                "name another with --scene or twin.scene",
            )
        })?;
        Ok(self.specimen.get_or_init(|| specimen))
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
                    views: Vec::new(),
                    needle: None,
                    failures: Vec::new(),
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

impl Finished {
    fn work(&mut self, lab: &Lab, deed: Deed) -> Result<(), MatterError> {
        match deed {
            Deed::Stroke {
                segment,
                aim,
                gas,
                exclusions,
            } => self.draw(lab, &segment, &aim, gas, &exclusions),
            Deed::Picture {
                aim,
                middle,
                field,
                charge,
                at,
            } => {
                let mut line = aim.line(lab, at);
                line.origin += line.right * middle.0 + line.up * middle.1;
                self.matter
                    .expose(&line, field, charge * (1.0 + lab.errors.current), &aim.ions())
            }
            Deed::Coat {
                gas,
                position,
                at,
                seconds,
            } => self.coat(gas, position.as_deref(), at, seconds),
            Deed::Needle(frame) => self.carry(frame),
            Deed::Release => self.release(),
            Deed::Show(slot) => {
                // nobody else fills it
                let _ = slot.set(self.matter.clone());
                Ok(())
            }
        }
    }

    fn draw(
        &mut self,
        lab: &Lab,
        segment: &Segment,
        aim: &Aim,
        gas: bool,
        exclusions: &[Shape],
    ) -> Result<(), MatterError> {
        let half = |n: u32| f64::from(n) / 2.0;
        let settings = &aim.beam.settings;
        let (drawn, deposit) = match &segment.what {
            Drawn::Shape { shape, file } => (shape.clone(), file.deposits.map(|d| (d, file.rate)).filter(|_| gas)),
            Drawn::Spot(at) => {
                let (w, h) = settings.resolution;
                let px = settings.hfw / f64::from(w.max(1));
                let dot = shape::Circle {
                    radius: SPOT,
                    depth: SPOT,
                    centre_x: (at.x * f64::from(w) - half(w)) * px,
                    centre_y: (half(h) - at.y * f64::from(h)) * px,
                    thickness: 0.0,
                    start_angle: 0.0,
                    end_angle: 360.0,
                    rotation: 0.0,
                    is_exclusion: false,
                };
                (Shape::Circle(dot), None)
            }
        };
        let time = segment.end - segment.start;
        let (x, y, height) = lab.errors.drift;
        let way = Vector3::new(x, y, height).norm() * time;
        let marches = (way / STEADY).ceil().clamp(1.0, MOST_MARCHES);
        let share = |k: f64| segment.from + (segment.to - segment.from) * k / marches;
        for k in 0..marches as u32 {
            let k = f64::from(k);
            let at = segment.start + time * (k + 0.5) / marches;
            let line = aim.line(lab, at);
            // an even motion over a way has a twelfth of its square as variance
            let smeared = (way / marches).powi(2) / 12.0;
            let mut spot = aim.spot(lab, at);
            (spot.xx, spot.yy) = (spot.xx + smeared, spot.yy + smeared);
            let drawing = Drawing {
                shape: &drawn,
                charge: segment.charge * (1.0 + lab.errors.current),
                part: (share(k), share(k + 1.0)),
                spot,
                exclusions,
            };
            match deposit {
                Some((deposit, rate)) => {
                    let material = match deposit {
                        Deposit::Platinum => Material::Platinum,
                        Deposit::Carbon => Material::Carbon,
                    };
                    self.matter.draw_deposit(&line, &drawing, rate, material)?;
                }
                // electrons take nothing
                None if aim.channel() == Beam::Ion => {
                    let cut = self.matter.mill(&line, &drawing, &aim.ions())?;
                    *self.removed.entry(segment.record).or_default() += cut.removed;
                    self.remember(line);
                }
                None => {}
            }
        }
        Ok(())
    }

    /// A view is another one where it looks from elsewhere or at another place.
    fn remember(&mut self, line: Beamline) {
        let same = |old: &Beamline| {
            old.along.dot(&line.along) > 0.999_9 && old.picture(&line.origin)[..2].iter().all(|d| d.abs() < 20e-6)
        };
        if let Some(old) = self.views.iter_mut().find(|old| same(old)) {
            *old = line;
        } else {
            self.views.push(line);
        }
    }

    fn coat(
        &mut self,
        gas: &ports::Gas,
        position: Option<&str>,
        (x, y): (f64, f64),
        seconds: f64,
    ) -> Result<(), MatterError> {
        let material = match gas.layer {
            Layer::Platinum => Material::Platinum,
            Layer::Carbon => Material::Carbon,
        };
        if *gas == ports::SPUTTERED {
            return self.matter.coat(Area::Everywhere, gas.growth * seconds, material);
        }
        // discs on discs: each adds what its rim has more than the next one's
        let far = ports::distance(position);
        let mut outside = 0.0;
        for ring in RINGS.iter().rev() {
            let radius = ring * far;
            let here = ports::growth(gas, position, radius * 0.9) * seconds;
            self.matter
                .coat(Area::Disc { x, y, radius }, here - outside, material)?;
            outside = here;
        }
        Ok(())
    }

    fn held(&self) -> Vec<BodyId> {
        let held = self.matter.bodies().iter().filter(|b| b.held == Held::Needle);
        held.map(|b| b.id).collect()
    }

    fn carry(&mut self, frame: Isometry3<f64>) -> Result<(), MatterError> {
        if let Some(before) = self.needle.replace(frame) {
            let moved = frame * before.inverse();
            for id in self.held() {
                if let Some(pose) = self.matter.body(id).map(|b| b.pose) {
                    self.matter.place(id, moved * pose)?;
                }
            }
        }
        Ok(())
    }

    /// What holds each body: the needle where its tip is in it (and was welded to it), a deposit that joins it to the sample;
    /// else nothing, and it is lost.
    fn release(&mut self) -> Result<(), MatterError> {
        self.matter.release();
        let tip = self
            .needle
            .map(|frame| nalgebra::Point3::from(frame.translation.vector));
        let all: Vec<(BodyId, Held)> = self.matter.bodies().iter().map(|b| (b.id, b.held)).collect();
        for (id, before) in all {
            let near = match &tip {
                Some(tip) => self.matter.is_near(id, tip, GRIP)?,
                None => false,
            };
            let welded = |tip: &nalgebra::Point3<f64>| {
                let deposits = self.matter.deposits().iter();
                deposits
                    .filter(|d| d.volume > 0.0)
                    .any(|d| d.area.contains(tip.x, tip.y))
            };
            let gripped = near && (before == Held::Needle || tip.as_ref().is_some_and(welded));
            let held = if gripped {
                Held::Needle
            } else if self.matter.is_welded(id)? {
                Held::Post
            } else {
                Held::Nothing
            };
            self.matter.attach(id, held)?;
        }
        self.matter.drop_loose();
        Ok(())
    }
}
