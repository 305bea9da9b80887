//! Pictures that take the time of their scan: begun from a snapshot of the world, developed on a thread of their own,
//! handed over when the clock says that the beam has finished. `darkroom`: where they are developed; `film`: recorded
//! ones that are shown instead.

mod darkroom;
mod film;

pub(super) use darkroom::Darkroom;
use darkroom::{Exposure, Filling};
pub use film::Film;

use super::faults::Sort;
use super::matter::Matter;
use super::render::{Motion, Shot};
use super::specimen::{SCENES, hash};
use super::workpiece::{Aim, Deed};
use super::world::{State, World};
use crate::HalError;
use model::frame::Metadata;
use model::{
    Beam, BeamState, ErrorKind, Frame, ImageSettings, Key, MicroscopeState, Pixels, Pose, Rect, StagePosition, Value,
};
use nalgebra::Vector3;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Seconds from the order to the first pixel, and from the last one to the picture.
const OVERHEAD: f64 = 0.1;
/// Frequency of the building (Hz).
const VIBRATION: f64 = 50.0;

/// A scan under way.
#[derive(Debug)]
pub(super) struct Scan {
    pub ticket: u64,
    settings: ImageSettings,
    /// The instrument as the picture finds it, for its metadata.
    beam: BeamState,
    pose: Pose,
    /// Clock seconds.
    pub start: f64,
    pub end: f64,
    exposure: Arc<Exposure>,
    /// When the beam was put on the sample or off it, clock time; the first when the scan began.
    shutter: Vec<(f64, bool)>,
    /// It will be lost on its way (a fault).
    dropped: bool,
}

impl Scan {
    pub fn beam(&self) -> Beam {
        self.settings.beam_type
    }

    /// Middle and size of what is scanned (m in the picture, up and right).
    fn area(&self) -> ((f64, f64), (f64, f64)) {
        let (w, h) = self.settings.resolution;
        let px = self.settings.pixel_size();
        let full = (f64::from(w) * px, f64::from(h) * px);
        let area = self.settings.reduced_area.unwrap_or(Rect::FULL);
        (
            (
                (area.left + area.width / 2.0 - 0.5) * full.0,
                (0.5 - area.top - area.height / 2.0) * full.1,
            ),
            (area.width * full.0, area.height * full.1),
        )
    }

    /// Charge that reached the sample by clock time `t` (C).
    pub fn dose(&self, t: f64) -> f64 {
        let time = (t - self.start).clamp(0.0, self.settings.beam_time());
        let dark: f64 = self
            .dark()
            .iter()
            .map(|(from, to)| (to.min(time) - from).max(0.0))
            .sum();
        self.beam.settings.beam_current * (time - dark)
    }

    /// The beam is put on the sample or off it while it scans.
    pub fn shut(&mut self, lit: bool, now: f64) {
        if self.shutter.last().is_none_or(|(_, before)| *before != lit) {
            self.shutter.push((now, lit));
        }
    }

    /// When it was off the sample: from, to, in seconds from the first line on.
    fn dark(&self) -> Vec<(f64, f64)> {
        let ends = self.shutter.iter().skip(1).map(|(at, _)| at - self.start);
        let spans = self.shutter.iter().zip(ends.chain([f64::INFINITY]));
        spans
            .filter(|((_, lit), _)| !lit)
            .map(|((from, _), to)| (from - self.start, to))
            .collect()
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        self.exposure.unwanted.store(true, Ordering::Relaxed);
    }
}

/// The last picture of each beam.
#[derive(Debug, Default)]
pub(super) struct Pictures([Option<Picture>; 2]);

#[derive(Debug)]
struct Picture {
    ticket: u64,
    taken: bool,
    frame: Frame,
}

impl Pictures {
    fn keep(&mut self, ticket: u64, beam: Beam, frame: Frame) {
        self.0[beam as usize] = Some(Picture {
            ticket,
            taken: false,
            frame,
        });
    }

    /// The picture of a ticket, once.
    pub fn take(&mut self, ticket: u64) -> Result<Frame, HalError> {
        let picture = self
            .0
            .iter_mut()
            .flatten()
            .find(|p| p.ticket == ticket && !p.taken)
            .ok_or_else(|| {
                HalError::new(
                    ErrorKind::Protocol,
                    format!("there is no picture of ticket {ticket} to take"),
                    "take it again with the beam",
                )
            })?;
        picture.taken = true;
        Ok(picture.frame.clone())
    }

    pub fn last(&self, beam: Beam) -> Option<Frame> {
        self.0[beam as usize].as_ref().map(|p| p.frame.clone())
    }
}

impl World {
    /// Refuses a scene that there is not, without growing one.
    pub(super) fn check_scene(&self) -> Result<(), HalError> {
        let scene = &self.instrument.twin.scene;
        if SCENES.iter().any(|row| row.name == scene) {
            return Ok(());
        }
        self.lab.piece.specimen().map(drop)
    }

    /// Begins a scan: sets the column to the settings, as instruments do, and returns the ticket.
    pub(super) fn expose(&self, settings: &ImageSettings) -> Result<u64, HalError> {
        // a picture that is done and that nobody asked for makes room
        if let Some(done) = self.look(|state, now| state.scan.as_ref().filter(|s| now >= s.end).map(|s| s.ticket)) {
            self.develop(done);
        }
        let beam = settings.beam_type;
        let exposure = Arc::new(Exposure::default());
        let (ticket, shot, mark) = self.call(|state, now| {
            if state.scan.is_some() {
                return Err(HalError::new(
                    ErrorKind::Busy,
                    "a picture is being taken already; nothing was scanned",
                    "wait for its end, or stop it",
                ));
            }
            if state.column(beam).gas_change.is_some() {
                return Err(HalError::new(
                    ErrorKind::Busy,
                    format!("the gas of the {beam} source is being changed; nothing was scanned"),
                    "wait for its end, or stop it",
                ));
            }
            if state.patterning.drawing_with() == Some(beam) {
                return Err(HalError::new(
                    ErrorKind::Busy,
                    format!("the {beam} beam is drawing a pattern; nothing was scanned"),
                    "wait for its end, pause it or stop it",
                ));
            }
            state.count(&self.geometry, Sort::Acquire, now);
            state.alive(now)?;
            let column = state.column(beam);
            let (w, h) = settings.resolution;
            column.set(Key::Hfw, &Value::Number(settings.hfw))?;
            column.set(Key::Resolution, &Value::Size(w, h))?;
            column.set(Key::DwellTime, &Value::Number(settings.dwell_time))?;
            column.set(Key::FullFrame, &Value::Bool(true))?;
            let (snapshot, decades) = (column.state.clone(), column.decades());
            let lit = snapshot.on && !snapshot.blanked;
            let end = now + OVERHEAD + settings.beam_time() + state.faults.take_hang();
            let (dropped, ticket) = (state.faults.take_dropped(), state.ticket());
            let shot = self.shot(settings, &snapshot, decades, state, ticket, now);
            state.hand_out(now);
            let mark = self.lab.piece.mark();
            state.scan = Some(Scan {
                ticket,
                settings: settings.clone(),
                beam: snapshot,
                pose: state.stage.pose(now),
                shutter: vec![(now, lit)],
                start: now,
                end,
                exposure: exposure.clone(),
                dropped,
            });
            Ok((ticket, shot, mark))
        })?;
        let darkroom = self.darkroom.clone();
        let filling = Filling(exposure);
        let work = move || darkroom.develop(shot, &mark, &filling.0);
        // without a thread the filling is dropped, and the poll says that the picture was lost
        let _ = std::thread::Builder::new().name("twin-picture".to_owned()).spawn(work);
        Ok(ticket)
    }

    /// All that the picture depends on, as it is now. A motion under way smears it evenly; of what is changed while the beam
    /// scans, only that it was blanked or unblanked is seen in it.
    pub(super) fn shot(
        &self,
        settings: &ImageSettings,
        beam: &BeamState,
        decades: f64,
        state: &State,
        ticket: u64,
        now: f64,
    ) -> impl FnOnce(Matter) -> Shot + Send + use<> {
        let twin = &self.instrument.twin;
        let errors = &twin.errors;
        let pose = state.stage.true_pose(now);
        let place = |t: f64| {
            self.geometry
                .sample_to_chamber(&state.stage.true_pose(t))
                .translation
                .vector
                + self.lab.drift(&pose, t)
        };
        let time = settings.beam_time();
        let velocity = (place(now + time) - place(now)) / time;
        let motion = Motion {
            offset: self.lab.drift(&pose, now).into(),
            velocity: velocity.into(),
            vibration: (Vector3::new(1.0, 1.0, 0.0) * errors.vibration).into(),
            frequency: VIBRATION,
        };
        let flaws = self.lab.flaws(decades);
        let (settings, beam, geometry) = (settings.clone(), beam.clone(), self.geometry.clone());
        let charging = errors.charging;
        let seed = hash(twin.seed, ticket as i64, 0);
        let mut probes = state.gas.probes(now);
        probes.extend(state.needle_body(now));
        move |matter| Shot {
            settings,
            beam,
            flaws,
            pose,
            geometry,
            matter,
            probes,
            motion,
            start_time: now,
            dark: Vec::new(),
            charging,
            seed,
        }
    }

    /// Finishes the scan of `ticket` if its beam time has passed; waits for the worker outside of every lock.
    pub(super) fn develop(&self, ticket: u64) {
        let due = |scan: &&Scan, now: f64| scan.ticket == ticket && now >= scan.end;
        let found = self.look(|state, now| {
            let scan = state.scan.as_ref().filter(|s| due(s, now))?;
            let dark = (scan.shutter.len() > 1).then(|| scan.dark());
            Some((scan.exposure.clone(), dark))
        });
        let Some((exposure, dark)) = found else { return };
        exposure.wait();
        let again = dark.map(|dark| self.darkroom.again(&exposure, dark));
        self.look(|state, now| {
            if state.scan.as_ref().is_none_or(|scan| scan.ticket != ticket) {
                return;
            }
            let Some(scan) = state.end_scan(now) else { return };
            let result = match exposure.take().and_then(|first| again.unwrap_or(Ok(first))) {
                _ if scan.dropped => Err(HalError::new(
                    ErrorKind::Protocol,
                    "the instrument lost the picture on its way",
                    "take it again",
                )),
                Err(error) => Err(error),
                Ok(pixels) => {
                    let frame = Frame {
                        pixels: Pixels::U8(pixels),
                        metadata: Some(self.metadata(&scan)),
                    };
                    state.pictures.keep(ticket, scan.beam(), frame);
                    Ok(())
                }
            };
            state.end(ticket, result);
        });
    }

    fn metadata(&self, scan: &Scan) -> Metadata {
        let (settings, detector) = (Some(scan.beam.settings.clone()), Some(scan.beam.detector.clone()));
        let mut state = MicroscopeState::bare(self.clock.epoch() + scan.end, StagePosition::from(scan.pose));
        match scan.beam() {
            Beam::Electron => (state.electron_beam, state.electron_detector) = (settings, detector),
            Beam::Ion => (state.ion_beam, state.ion_detector) = (settings, detector),
        }
        let mut metadata = Metadata::new(scan.settings.clone(), state).with_instrument(&self.instrument);
        let identity = self.identity();
        for (key, value) in [
            ("model", identity.model),
            ("serial_number", identity.serial_number),
            ("hardware_version", identity.hardware_version),
            ("software_version", identity.software_version),
        ] {
            metadata.system_info.insert(key.to_owned(), value.into());
        }
        metadata
    }

    /// The chamber camera's picture; no metadata. Its grain changes a few times a second, as a camera's does.
    pub(super) fn chamber_picture(&self) -> Result<Frame, HalError> {
        let (pose, now) = self.call(|state, now| Ok((state.stage.true_pose(now), now)))?;
        let grain = hash(self.instrument.twin.seed, (now * 5.0) as i64, 1);
        let pixels = super::chamber_view::render(&self.geometry, &pose, grain);
        Ok(Frame {
            pixels: Pixels::U8(pixels),
            metadata: None,
        })
    }
}

impl State {
    /// Ends the scan under way, whatever it came to, and books its dose.
    pub fn end_scan(&mut self, now: f64) -> Option<Scan> {
        let scan = self.scan.take()?;
        let charge = scan.dose(now);
        self.dose[scan.beam() as usize] += charge;
        if scan.beam() == Beam::Ion && charge > 0.0 {
            let (middle, field) = scan.area();
            let aim = Aim {
                beam: scan.beam.clone(),
                ..self.aim(Beam::Ion, scan.start)
            };
            self.lab.piece.push(Deed::Picture {
                aim,
                middle,
                field,
                charge,
                at: scan.start,
            });
        }
        Some(scan)
    }
}
