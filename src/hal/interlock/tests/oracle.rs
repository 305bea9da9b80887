//! The rules against an independent oracle: whatever they let through must end without a collision in the twin's geometry,
//! which knows pole pieces, stage, needle and injectors as bodies and no rule.

use super::*;
use crate::sim::World;
use model::StageKind;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Runs of each kind of stage, and commands of each, at fixed seeds. `FIBDECK_ORACLE=N` does N runs.
const RUNS: u64 = 3;
const COMMANDS: usize = 200;

struct Bench {
    clock: Arc<ManualClock>,
    world: Arc<World>,
    twin: Box<dyn crate::Microscope>,
    memory: Memory,
}

impl Bench {
    fn new(kind: StageKind) -> Bench {
        let mut instrument = Instrument::default();
        instrument.twin.stage = Some(kind);
        if kind == StageKind::Compustage {
            (instrument.stage.shuttle_pre_tilt, instrument.stage.rotation_180) = (0.0, 0.0);
            instrument.stage.rotation = false;
        }
        let clock = Arc::new(ManualClock::default());
        let world = World::new(&instrument, clock.clone());
        let opening = Opening {
            instrument,
            clock: clock.clone(),
            world: Some(world.clone()),
        };
        Bench {
            clock,
            world,
            twin: sim::open(&opening).unwrap(),
            memory: Memory::default(),
        }
    }

    fn now(&mut self) -> Readings {
        Readings {
            stage: Some(self.twin.stage().unwrap().read().unwrap().value),
            electron: Some(self.twin.beam(Beam::Electron).unwrap().read().unwrap().value),
            ion: Some(self.twin.beam(Beam::Ion).unwrap().read().unwrap().value),
            chamber: Some(self.twin.chamber().unwrap().read().unwrap().value),
            patterning: Some(self.twin.milling().unwrap().read().unwrap().value),
            needle: Some(self.twin.manipulator().unwrap().read().unwrap().value),
            gas: Some(self.twin.gas().unwrap().read().unwrap().value),
            saved: None,
            memory: self.memory,
        }
    }

    /// Does what the rules allow; whether they did.
    fn act(&mut self, act: &Act) -> bool {
        let (mut now, caps) = (self.now(), self.twin.capabilities());
        let place = match act {
            Act::NeedleInsert { name } => name,
            _ => &caps.manipulator.as_ref().unwrap().saved[0],
        };
        now.saved = self.twin.manipulator().unwrap().saved(place).ok();
        if check(act, &now, &caps).is_err() {
            return false;
        }
        let begun = match act {
            Act::StageTo { target } => {
                let pose = target.resolve(now.stage.unwrap().pose);
                self.twin.stage().unwrap().begin_move(pose)
            }
            Act::StageHome => self.twin.stage().unwrap().begin_home(),
            Act::NeedleInsert { name } => self.twin.manipulator().unwrap().begin_insert(name),
            Act::NeedleTo { target, .. } => self.twin.manipulator().unwrap().begin_move(target),
            Act::NeedleRetract => self.twin.manipulator().unwrap().begin_retract(),
            Act::GasInsert { port, position } => self.twin.gas().unwrap().begin_insert(port, position.as_deref()),
            Act::GasRetract { port } => self.twin.gas().unwrap().begin_retract(port),
            other => panic!("{} is not tried here", other.describe()),
        };
        if let Ok(ticket) = begun {
            self.memory.sent(act, &now, &caps);
            for _ in 0..4000 {
                self.clock.advance(1.0);
                if !matches!(self.twin.poll(ticket).unwrap(), crate::Progress::Pending { .. }) {
                    break;
                }
            }
        }
        true
    }

    fn collisions(&self) -> u64 {
        self.world.truth()["collisions"].as_u64().unwrap()
    }
}

/// Anything, anywhere within the limits; nearby more often than far away, where little is in the way.
fn any(rng: &mut ChaCha8Rng, now: &Readings, caps: &Capabilities, home: Pose) -> Act {
    let (pose, stage) = (now.stage.unwrap().pose, caps.stage.as_ref().unwrap());
    // an axis that is not there stays where it is
    let within = |rng: &mut ChaCha8Rng, axis: Axis| match stage.limits.get(axis) {
        Some((low, high)) => rng.random_range(low..high),
        None => 0.0,
    };
    let near = |rng: &mut ChaCha8Rng, axis: Axis, way: f64| match stage.limits.get(axis) {
        Some((low, high)) => (pose.get(axis) + rng.random_range(-way..way)).clamp(low, high),
        None => 0.0,
    };
    let needle = now.needle.as_ref().unwrap().position.clone();
    match rng.random_range(0..24) {
        0..2 => {
            let saved = &caps.manipulator.as_ref().unwrap().saved;
            // the first twice as often as the others
            insert(&saved[rng.random_range(0..=saved.len()) % saved.len()])
        }
        2..4 => Act::NeedleRetract,
        4..6 => Act::GasInsert {
            port: "Multichem".into(),
            position: Some(["cryo", "electron default", "ion default"][rng.random_range(0..3)].into()),
        },
        6..8 => Act::GasRetract {
            port: "Multichem".into(),
        },
        8 => to(Axis::X, near(rng, Axis::X, 300e-6)),
        9..11 => to(Axis::Z, near(rng, Axis::Z, 60e-6)),
        11 => to(Axis::Y, near(rng, Axis::Y, 300e-6)),
        12..14 => to(Axis::Z, within(rng, Axis::Z)),
        14 => to(Axis::T, within(rng, Axis::T)),
        15 => to(Axis::R, within(rng, Axis::R)),
        16 => {
            let everywhere = |target: StagePosition, axis| target.with(axis, within(rng, axis));
            Act::StageTo {
                target: Axis::ALL.into_iter().fold(StagePosition::default(), everywhere),
            }
        }
        17..19 => {
            let target = StagePosition::default()
                .with(Axis::X, near(rng, Axis::X, 20e-3))
                .with(Axis::Y, near(rng, Axis::Y, 20e-3))
                .with(Axis::Z, within(rng, Axis::Z));
            Act::StageTo {
                target: target.with(Axis::T, within(rng, Axis::T)),
            }
        }
        19 => Act::StageTo { target: home.into() },
        20 => Act::StageHome,
        21 => {
            let mut anywhere = |way: f64| rng.random_range(-way..way);
            needle_to(anywhere(8e-3), anywhere(8e-3), anywhere(8e-3))
        }
        _ => {
            let mut by = |way: f64| rng.random_range(-way..way);
            needle_to(needle.x + by(300e-6), needle.y + by(50e-6), needle.z + by(80e-6))
        }
    }
}

fn insert(name: &str) -> Act {
    Act::NeedleInsert { name: name.into() }
}

fn needle_to(x: f64, y: f64, z: f64) -> Act {
    Act::NeedleTo {
        target: ManipulatorPosition::new(x, y, z),
        confirmed: false,
    }
}

/// How often each kind of act was allowed.
fn run(kind: StageKind, seed: u64) -> std::collections::BTreeMap<String, usize> {
    let mut allowed = std::collections::BTreeMap::new();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut bench = Bench::new(kind);
    let caps = bench.twin.capabilities();
    let home = bench.now().stage.unwrap().pose;
    for n in 0..COMMANDS {
        let now = bench.now();
        let act = any(&mut rng, &now, &caps, home);
        let done = bench.act(&act);
        *allowed.entry(act.describe()[..9].to_owned()).or_insert(0) += usize::from(done);
        assert_eq!(
            bench.collisions(),
            0,
            "{kind:?}, seed {seed}, command {n}: {} from {}: {}",
            act.describe(),
            now.stage.unwrap().pose,
            bench.world.truth()
        );
    }
    allowed
}

#[test]
fn what_the_rules_allow_never_collides() {
    let runs = std::env::var("FIBDECK_ORACLE").ok().and_then(|n| n.parse().ok());
    for kind in [StageKind::Tilting, StageKind::Compustage, StageKind::ChamberFixed] {
        let mut allowed = std::collections::BTreeMap::new();
        for seed in 0..runs.unwrap_or(RUNS) {
            for (what, times) in run(kind, seed) {
                *allowed.entry(what).or_insert(0) += times;
            }
        }
        println!("{kind:?}: {allowed:?}");
        assert!(
            allowed.len() > 6 && allowed.values().all(|times| *times > 0),
            "{kind:?}: some kind of act was never allowed: {allowed:?}"
        );
    }
}

/// An oracle that never finds anything proves nothing.
#[test]
fn what_they_refuse_does_collide() {
    let mut bench = Bench::new(StageKind::Tilting);
    assert!(bench.act(&insert("PARK")));
    let pose = bench.now().stage.unwrap().pose;
    let up = Pose {
        z: pose.z + 1e-3,
        ..pose
    };
    assert!(check(&to(Axis::Z, up.z), &bench.now(), &bench.twin.capabilities()).is_err());
    let ticket = bench.twin.stage().unwrap().begin_move(up).unwrap();
    bench.clock.advance(60.0);
    assert!(matches!(bench.twin.poll(ticket), Ok(crate::Progress::Failed(_))));
    assert_eq!(bench.collisions(), 1);
}
