//! The world through its driver: what a session finds, what goes on without one, what the truth says.

mod hands;
mod milling;

use super::geometry::TwinGeometry;
use super::render::project;
use super::world::{Foreign, World};
use super::*;
use crate::clock::ManualClock;
use crate::drivers::Opening;
use crate::{Microscope, Progress, Ticket};
use model::config::Instrument;
use model::kinematics::{Setup, stable, vertical};
use model::{Axis, Beam, ChamberPhase, ErrorKind, ImageSettings, Key, Point, Pose, StageKind, StagePosition, Value};
use std::sync::{Arc, PoisonError};

struct Rig {
    clock: Arc<ManualClock>,
    world: Arc<World>,
    twin: Box<dyn Microscope>,
}

impl Rig {
    fn new(change: impl FnOnce(&mut Instrument)) -> Rig {
        let mut instrument = Instrument::default();
        change(&mut instrument);
        let clock = Arc::new(ManualClock::default());
        let world = World::new(&instrument, clock.clone());
        let twin = reopen(&clock, &world);
        Rig { clock, world, twin }
    }

    fn pose(&mut self) -> Pose {
        self.twin.stage().unwrap().read().unwrap().value.pose
    }

    fn truth(&self, pointer: &str) -> f64 {
        let truth = self.world.truth();
        truth
            .pointer(pointer)
            .and_then(serde_json::Value::as_f64)
            .unwrap_or_else(|| panic!("{pointer} of {truth}"))
    }

    fn wait(&mut self, ticket: Ticket) -> Progress {
        for _ in 0..100_000 {
            match self.twin.poll(ticket).unwrap() {
                Progress::Pending { .. } => self.clock.advance(0.05),
                end => return end,
            }
        }
        panic!("it never ends");
    }

    fn go(&mut self, target: Pose) {
        let ticket = self.twin.stage().unwrap().begin_move(target).unwrap();
        assert_eq!(self.wait(ticket), Progress::Done);
    }

    fn set(&mut self, beam: Beam, key: Key, value: Value) -> Value {
        self.twin.beam(beam).unwrap().set(key, &value).unwrap()
    }

    /// Where the first landmark would appear in a picture taken now (pixels).
    fn landmark(&mut self, beam: Beam) -> [f64; 2] {
        let matter = self
            .world
            .lab
            .piece
            .look(&self.world.lab, |done| done.matter.clone())
            .unwrap();
        let mark = matter.specimen().landmarks()[0].top;
        let settings = ImageSettings {
            beam_type: beam,
            ..ImageSettings::default()
        };
        let shot = self.world.look(|state, now| {
            let column = state.column(beam);
            let (snapshot, decades) = (column.state.clone(), column.decades());
            self.world.shot(&settings, &snapshot, decades, state, 1, now)
        });
        project(&shot(matter), mark)
    }
}

fn reopen(clock: &Arc<ManualClock>, world: &Arc<World>) -> Box<dyn Microscope> {
    let opening = Opening {
        instrument: world.instrument.clone(),
        clock: clock.clone(),
        world: Some(world.clone()),
    };
    open(&opening).unwrap()
}

fn slow(beam: Beam) -> ImageSettings {
    ImageSettings {
        beam_type: beam,
        resolution: (100, 100),
        dwell_time: 1e-3,
        ..ImageSettings::default()
    }
}

#[test]
fn a_session_begins_at_the_grids_centre_in_focus_and_in_vacuum() {
    let mut rig = Rig::new(|_| ());
    let pose = rig.pose();
    assert_eq!(
        pose,
        Pose {
            x: 0.0,
            y: 0.0,
            z: 4e-3,
            r: 0.0,
            t: 35f64.to_radians()
        }
    );
    for pointer in ["/coincidence_error_m", "/focus_error_m/electron", "/focus_error_m/ion"] {
        assert!(rig.truth(pointer).abs() < 1e-12, "{pointer}");
    }
    let chamber = rig.twin.chamber().unwrap().read().unwrap().value;
    assert_eq!(chamber.phase, ChamberPhase::Pumped);
    let config = Instrument::default();
    for beam in Beam::ALL {
        let state = rig.twin.beam(beam).unwrap().read().unwrap().value;
        assert!(state.on && !state.blanked);
        let (is, said) = (&state.settings, config.beam(beam));
        assert_eq!(
            (is.beam_current, is.voltage, is.hfw),
            (said.current, said.voltage, said.hfw)
        );
        assert_eq!(is.working_distance, said.eucentric_height);
    }
    assert_eq!(rig.world.truth()["sites"], serde_json::json!([]));
}

#[test]
fn every_kind_of_stage_begins_inside_its_limits_and_homes() {
    for kind in [StageKind::Tilting, StageKind::Compustage, StageKind::ChamberFixed] {
        let mut rig = Rig::new(|i| {
            i.twin.stage = Some(kind);
            if kind == StageKind::Compustage {
                i.stage.shuttle_pre_tilt = 0.0;
            }
            if kind == StageKind::ChamberFixed {
                (i.stage.shuttle_pre_tilt, i.stage.rotation_reference, i.ion.column_tilt) = (0.0, 180.0, 55.0);
            }
        });
        let limits = rig.twin.capabilities().stage.unwrap().limits;
        let start = rig.pose();
        assert!(limits.contains(&start), "{kind:?} {start}");
        let ticket = rig.twin.stage().unwrap().begin_home().unwrap();
        assert_eq!(rig.wait(ticket), Progress::Done, "{kind:?}");
        assert!(rig.pose().is_close(&Pose::default(), 1e-12));
        rig.go(start);
        assert!(rig.truth("/coincidence_error_m").abs() < 1e-12);
        assert_eq!(rig.truth("/collisions"), 0.0);
    }
}

#[test]
fn the_world_goes_on_while_nobody_is_connected() {
    let Rig { clock, world, mut twin } = Rig::new(|_| ());
    let target = Pose {
        x: 1e-3,
        ..twin.stage().unwrap().read().unwrap().value.pose
    };
    twin.stage().unwrap().begin_move(target).unwrap();
    let picture = twin.imaging().unwrap().begin(&slow(Beam::Ion)).unwrap();
    drop(twin);
    clock.advance(60.0);
    let mut again = reopen(&clock, &world);
    assert_eq!(again.stage().unwrap().read().unwrap().value.pose, target);
    assert_eq!(again.poll(picture), Ok(Progress::Done));
    assert!(again.imaging().unwrap().take(picture).is_ok());
}

#[test]
fn a_scene_that_there_is_not_is_refused_and_named() {
    let mut instrument = Instrument::default();
    instrument.twin.scene = "moon".into();
    let opening = Opening {
        instrument,
        clock: Arc::new(ManualClock::default()),
        world: None,
    };
    let error = open(&opening).map(drop).unwrap_err();
    assert!(
        error.kind == ErrorKind::Usage && error.what.contains("moon") && error.what.contains("waffle"),
        "{error}"
    );
}

#[test]
fn the_truth_measures_focus_and_coincidence() {
    let mut rig = Rig::new(|i| i.twin.errors.coincidence = 30e-6);
    let f = 52f64.to_radians();
    assert!((rig.truth("/coincidence_error_m") - 30e-6).abs() < 1e-12);
    // a sample that is too high is nearer to the lens than the working distance says
    assert!((rig.truth("/focus_error_m/electron") - 30e-6).abs() < 1e-12);
    assert!((rig.truth("/focus_error_m/ion") - 30e-6 / f.cos()).abs() < 1e-12);
    rig.set(Beam::Electron, Key::WorkingDistance, Value::Number(7e-3 - 30e-6));
    assert!(rig.truth("/focus_error_m/electron").abs() < 1e-12);
    let geometry = rig.twin.geometry();
    let pose = rig.pose();
    // what is too high sits too low in the ion picture
    let down = vertical::exact(&Setup::new(&geometry, pose), 0.0, -30e-6 * f.sin());
    rig.go(down.from(pose));
    assert!(
        rig.truth("/coincidence_error_m").abs() < 1e-9,
        "{}",
        rig.truth("/coincidence_error_m")
    );
}

#[test]
fn a_stable_move_shifts_the_picture_by_what_was_asked_and_keeps_the_height() {
    for beam in Beam::ALL {
        let mut rig = Rig::new(|_| ());
        let before = rig.landmark(beam);
        let (geometry, pose) = (rig.twin.geometry(), rig.pose());
        rig.go(stable::exact(&Setup::new(&geometry, pose), beam, 20e-6, 0.0).from(pose));
        let after = rig.landmark(beam);
        let per_pixel = 150e-6 / 1536.0;
        assert!((before[0] - after[0] - 20e-6 / per_pixel).abs() < 1e-6 && (before[1] - after[1]).abs() < 1e-6);
        let pose = rig.pose();
        rig.go(stable::exact(&Setup::new(&geometry, pose), beam, 0.0, 20e-6).from(pose));
        let up = rig.landmark(beam);
        assert!((up[1] - after[1] - 204.8).abs() < 1e-6, "{beam}: {up:?} {after:?}");
        assert!(rig.truth("/coincidence_error_m").abs() < 1e-12);
    }
}

#[test]
fn beam_shift_gain_and_aperture_offset_show_in_the_picture() {
    let mut rig = Rig::new(|i| {
        i.twin.errors.beam_shift_gain = 0.05;
        i.twin.errors.current_offset = 2e-6;
    });
    let per_pixel = 150e-6 / 1536.0;
    let before = rig.landmark(Beam::Ion);
    rig.set(Beam::Ion, Key::Shift, Value::Point(Point { x: 5e-6, y: 0.0 }));
    let shifted = rig.landmark(Beam::Ion);
    assert!(((shifted[0] - before[0]).abs() - 1.05 * 5e-6 / per_pixel).abs() < 1e-6);
    rig.set(Beam::Ion, Key::Current, Value::Number(2e-9));
    let offset = rig.landmark(Beam::Ion);
    let moved = (offset[0] - shifted[0]).hypot(offset[1] - shifted[1]) * per_pixel;
    assert!((moved - 2.0 * 2e-6).abs() < 1e-9, "two decades of current: {moved}");
}

#[test]
fn drift_begins_with_the_world_and_goes_on() {
    let mut rig = Rig::new(|i| i.twin.errors.drift = (1e-9, 0.0, 2e-9));
    let before = rig.landmark(Beam::Electron);
    rig.clock.advance(1000.0);
    let after = rig.landmark(Beam::Electron);
    let moved = (after[0] - before[0]) * 150e-6 / 1536.0;
    assert!((moved - 1e-6).abs() < 1e-9, "{moved}");
    assert!((rig.truth("/coincidence_error_m") - 2e-6).abs() < 1e-12);
}

#[test]
fn stop_waits_for_no_picture() {
    let mut rig = Rig::new(|_| ());
    let darkroom = rig.world.darkroom.clone();
    // nobody can develop while this is held
    let turn = darkroom.turn.lock().unwrap_or_else(PoisonError::into_inner);
    let ticket = rig.twin.imaging().unwrap().begin(&slow(Beam::Electron)).unwrap();
    rig.clock.advance(5.0);
    rig.twin.stopper().stop().unwrap();
    assert!(matches!(rig.twin.poll(ticket), Ok(Progress::Failed(e)) if e.kind == ErrorKind::Stopped));
    assert!(
        rig.twin.imaging().unwrap().begin(&slow(Beam::Ion)).is_ok(),
        "the next picture is not held up"
    );
    drop(turn);
}

#[test]
fn dose_is_what_the_beam_brought_until_it_was_stopped() {
    let mut rig = Rig::new(|_| ());
    let ticket = rig.twin.imaging().unwrap().begin(&slow(Beam::Ion)).unwrap();
    rig.clock.advance(4.0);
    rig.twin.cancel(ticket).unwrap();
    assert!((rig.truth("/dose_c/ion") - 4.0 * 20e-12).abs() < 1e-15);
    rig.set(Beam::Ion, Key::Blanked, Value::Bool(true));
    let ticket = rig.twin.imaging().unwrap().begin(&slow(Beam::Ion)).unwrap();
    assert_eq!(rig.wait(ticket), Progress::Done);
    assert!(
        (rig.truth("/dose_c/ion") - 4.0 * 20e-12).abs() < 1e-15,
        "a blanked beam doses nothing"
    );
}

#[test]
fn the_hand_panel_moves_the_stage_and_ends_our_move() {
    let mut rig = Rig::new(|_| ());
    let start = rig.pose();
    let ticket = rig.twin.stage().unwrap().begin_move(Pose { x: 5e-3, ..start }).unwrap();
    rig.clock.advance(2.0);
    rig.world
        .foreign(Foreign::Move(StagePosition::default().with(Axis::Y, 1e-5)))
        .unwrap();
    assert!(matches!(rig.twin.poll(ticket), Ok(Progress::Failed(e)) if e.what.contains("taken over")));
    rig.clock.advance(10.0);
    let pose = rig.pose();
    assert!(pose.y == 1e-5 && pose.x > 0.0 && pose.x < 5e-3, "{pose}");
    rig.world
        .foreign(Foreign::Reference {
            homed: false,
            linked: false,
        })
        .unwrap();
    assert!(!rig.twin.stage().unwrap().read().unwrap().value.homed);
    rig.world.foreign(Foreign::Leak).unwrap();
    assert!(!rig.twin.beam(Beam::Ion).unwrap().read().unwrap().value.on);
}

#[test]
fn a_dead_link_answers_nothing_and_the_instrument_goes_on() {
    let mut rig = Rig::new(|_| ());
    rig.world.set_faults(
        Faults::parse("- {at: 1, kind: dead-link, for: 5}\n- {at: 2, kind: hand-panel, axis: x, by: 1.0e-5}").unwrap(),
    );
    rig.clock.advance(3.0);
    assert_eq!(rig.twin.stage().unwrap().read().unwrap_err().kind, ErrorKind::Timeout);
    assert!(rig.twin.stopper().stop().is_err());
    rig.clock.advance(3.0);
    assert_eq!(rig.pose().x, 1e-5);
}

#[test]
fn nothing_depends_on_how_often_it_is_looked_at() {
    let run = |step: f64| {
        let mut rig = Rig::new(|i| {
            i.twin.errors.repeatability = 1e-7;
            i.twin.errors.drift = (1e-9, 2e-9, 0.0);
        });
        rig.world.set_faults(Faults::find("storm").unwrap());
        let start = rig.pose();
        rig.twin.stage().unwrap().begin_move(Pose { x: 1e-3, ..start }).unwrap();
        let steps = (800.0 / step) as usize;
        for _ in 0..steps {
            rig.clock.advance(step);
            let _ = rig.twin.stage().unwrap().read();
        }
        rig.clock.advance(800.0 - rig.clock_now());
        rig.world.truth()["pose"].clone()
    };
    assert_eq!(run(0.25), run(800.0));
}

impl Rig {
    fn clock_now(&self) -> f64 {
        crate::Clock::now(self.clock.as_ref())
    }
}

#[test]
fn a_worlds_geometry_carries_its_errors() {
    let rig = Rig::new(|i| {
        i.twin.errors.runout = (3e-6, 1e-6);
        i.twin.errors.coincidence = 5e-6;
    });
    let geometry: &TwinGeometry = &rig.world.geometry;
    assert_eq!((geometry.rotation_axis, geometry.height_error), ([3e-6, 1e-6], 5e-6));
}
