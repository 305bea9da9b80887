//! The hands of the driver: milling, needle, gas.

use super::{Twin, busy};
use crate::sim::collision::{self, Probe};
use crate::sim::faults::Sort;
use crate::sim::needle::{NeedleSim, Order, Strike, Way, body, touch};
use crate::sim::patterning::files;
use crate::sim::world::World;
use crate::{Gas, HalError, Manipulator, Milling, Reading, Ticket};
use model::{
    Axis, Beam, GasState, ManipulatorPosition, ManipulatorState, MillingSettings, PatterningState, Point, Pose, Shape,
    SputterStep,
};
use std::collections::BTreeMap;

impl Milling for Twin {
    fn read(&mut self) -> Result<Reading<PatterningState>, HalError> {
        self.world.call(|state, now| {
            let probe = state.probe(state.patterning.settings.milling_channel);
            Ok(Reading::fresh(state.patterning.read(probe, now)))
        })
    }

    fn setup(&mut self, settings: &MillingSettings) -> Result<MillingSettings, HalError> {
        let world = &self.world;
        world.call(|state, now| {
            state.count(&world.geometry, Sort::Set, now);
            state.alive(now)?;
            state.setup_milling(settings, &world.capabilities)
        })
    }

    fn load(&mut self, shapes: &[Shape]) -> Result<f64, HalError> {
        self.world.call(|state, _| state.load_shapes(shapes))
    }

    fn rates(&self) -> BTreeMap<String, f64> {
        let all = files::FILES.iter();
        all.map(|file| (file.name.to_owned(), file.rate)).collect()
    }

    fn begin(&mut self) -> Result<Ticket, HalError> {
        let world = &self.world;
        world.call(|state, now| state.begin_pattern(&world.geometry, now).map(Ticket))
    }

    fn pause(&mut self) -> Result<(), HalError> {
        self.world.call(|state, now| {
            state.hand_out_dose(now);
            state.patterning.pause(now)
        })
    }

    fn resume(&mut self) -> Result<(), HalError> {
        self.world.call(|state, now| state.resume_pattern(now))
    }

    fn clear(&mut self) -> Result<(), HalError> {
        self.world.call(|state, _| state.clear_patterns())
    }

    fn begin_spot(&mut self, beam: Beam, at: Point, seconds: f64) -> Result<Ticket, HalError> {
        let world = &self.world;
        world.call(|state, now| state.begin_spot(&world.geometry, beam, at, seconds, now).map(Ticket))
    }
}

impl Manipulator for Twin {
    fn read(&mut self) -> Result<Reading<ManipulatorState>, HalError> {
        self.world.call(|state, now| {
            let pose = state.stage.pose(now);
            Ok(Reading::fresh(state.needle.read(&pose, now)))
        })
    }

    fn saved(&mut self, name: &str) -> Result<ManipulatorPosition, HalError> {
        self.world.call(|state, _| state.needle.saved(name))
    }

    fn begin_insert(&mut self, name: &str) -> Result<Ticket, HalError> {
        self.send_needle(|needle, pose, _| needle.insert(name, pose))
    }

    fn begin_retract(&mut self) -> Result<Ticket, HalError> {
        self.send_needle(|needle, pose, now| needle.retract(pose, now))
    }

    fn begin_move(&mut self, target: &ManipulatorPosition) -> Result<Ticket, HalError> {
        self.send_needle(|needle, pose, _| needle.go(target, pose))
    }
}

impl Twin {
    fn send_needle(
        &self,
        order: impl Fn(&NeedleSim, &Pose, f64) -> Result<Order, HalError>,
    ) -> Result<Ticket, HalError> {
        let world = &self.world;
        let ways = world.call(|state, now| {
            let order = order(&state.needle, &state.stage.pose(now), now)?;
            state.hand_out(now);
            Ok(state.needle.ways(&order, now))
        })?;
        // the sample is asked outside of the world's lock; while the needle may be sent nothing else moves
        let touched = world.needle_meets(&ways)?;
        world.call(|state, now| {
            let order = order(&state.needle, &state.stage.pose(now), now)?;
            if state.stage.motion.is_some() {
                return Err(busy("the stage moves"));
            }
            state.count(&world.geometry, Sort::Needle, now);
            state.alive(now)?;
            let (ticket, late) = (state.ticket(), state.faults.take_hang());
            let stuck = state.faults.needle_is_stuck(now);
            let (pose, beside) = (state.stage.true_pose(now), state.gas.probes(now));
            let struck = state.needle.ways(&order, now).iter().enumerate().find_map(|(i, way)| {
                let touch =
                    |share| collision::probe_touches(&world.geometry, &pose, &body::probe(way.at(share)), &beside);
                collision::first_on(touch).map(|(share, with)| Strike { way: i, share, with })
            });
            let first = |a: &Strike, b: &Strike| a.way.cmp(&b.way).then(a.share.total_cmp(&b.share));
            let strike = struck.into_iter().chain(touched).min_by(first);
            state.needle.begin(ticket, order, strike, stuck, late, now);
            Ok(Ticket(ticket))
        })
    }

    fn send_injector(&self, port: &str, inward: Option<Option<&str>>) -> Result<Ticket, HalError> {
        let world = &self.world;
        world.call(|state, now| {
            state.count(&world.geometry, Sort::Injector, now);
            state.alive(now)?;
            state.hand_out_flow(now);
            let (ticket, late) = (state.ticket(), state.faults.take_hang());
            let pose = state.stage.true_pose(now);
            let needle = state.needle_body(now);
            let strike = |probe: &Probe| collision::probe_touches(&world.geometry, &pose, probe, needle.as_slice());
            state.gas.travel(ticket, port, inward, late, now, strike)?;
            Ok(Ticket(ticket))
        })
    }
}

impl Gas for Twin {
    fn read(&mut self) -> Result<Reading<GasState>, HalError> {
        self.world.call(|state, now| Ok(Reading::fresh(state.gas.read(now))))
    }

    fn begin_insert(&mut self, port: &str, position: Option<&str>) -> Result<Ticket, HalError> {
        self.send_injector(port, Some(position))
    }

    fn begin_retract(&mut self, port: &str) -> Result<Ticket, HalError> {
        self.send_injector(port, None)
    }

    fn heat(&mut self, port: &str, gas: Option<&str>, on: bool) -> Result<(), HalError> {
        self.world.call(|state, now| {
            state.hand_out_flow(now);
            state.gas.heat(port, gas, on, now)
        })
    }

    fn valve(&mut self, port: &str, open: bool) -> Result<(), HalError> {
        let world = &self.world;
        world.call(|state, now| {
            state.count(&world.geometry, Sort::Valve, now);
            state.alive(now)?;
            state.hand_out_flow(now);
            if state.faults.take_stuck_valve() {
                return Ok(());
            }
            state.gas.valve(port, open)
        })
    }

    fn begin_sputter(&mut self, step: SputterStep) -> Result<Ticket, HalError> {
        let world = &self.world;
        if !world.capabilities.gas.as_ref().is_some_and(|gas| gas.sputter_coater) {
            return Err(HalError::unsupported("sputter coater"));
        }
        world.call(|state, now| {
            state.count(&world.geometry, Sort::Coater, now);
            state.alive(now)?;
            state.hand_out_flow(now);
            let (ticket, late) = (state.ticket(), state.faults.take_hang());
            state.gas.coat(ticket, step, late, now)?;
            Ok(Ticket(ticket))
        })
    }
}

impl World {
    /// Where on its ways the needle's tip is pushed into the sample. Never asked under the world's lock.
    fn needle_meets(&self, ways: &[Way]) -> Result<Option<Strike>, HalError> {
        let (sample, worn) = self.look(|state, now| {
            let sample = self.geometry.sample_to_chamber(&state.stage.true_pose(now));
            (sample, state.needle.worn())
        });
        let matter = self.lab.piece.look(&self.lab, |done| done.matter.clone())?;
        let on_sample = |share: f64, way: &Way| sample.inverse_transform_point(&(way.at(share) + worn).into());
        Ok(ways.iter().enumerate().find_map(|(i, way)| {
            let share = touch::stopped_at(&matter, &on_sample(0.0, way), &on_sample(1.0, way))?;
            Some(Strike {
                way: i,
                share,
                with: "the sample",
            })
        }))
    }

    /// Share of a stage move at which the sample is pushed into the needle that is inserted beside it.
    pub fn stage_meets_needle(&self, target: &Pose) -> Result<Option<f64>, HalError> {
        let ends = self.look(|state, now| {
            let tip = state.needle.inserted().then(|| state.needle.point(now))?;
            let here = state.stage.true_pose(now);
            // encoders and truth differ by the same on both ends of so short a way
            let mut there = here;
            let read = state.stage.pose(now);
            for axis in Axis::ALL {
                there.set(axis, here.get(axis) + target.get(axis) - read.get(axis));
            }
            state.hand_out(now);
            let at = |pose: &Pose| {
                self.geometry
                    .sample_to_chamber(pose)
                    .inverse_transform_point(&tip.into())
            };
            Some((at(&here), at(&there)))
        });
        let Some((from, to)) = ends else { return Ok(None) };
        let matter = self.lab.piece.look(&self.lab, |done| done.matter.clone())?;
        Ok(touch::stopped_at(&matter, &from, &to))
    }
}
