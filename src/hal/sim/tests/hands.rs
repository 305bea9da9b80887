//! The needle and the gas among the rest of the world: contact, collisions, deposits, faults.

use super::*;
use crate::sim::specimen::Face;
use model::shape::{CrossSection, Rectangle, ScanDirection};
use model::{GasState, ManipulatorPosition, ManipulatorState, MillingSettings, Shape, SputterStep};

impl Rig {
    fn needle(&mut self) -> ManipulatorState {
        self.twin.manipulator().unwrap().read().unwrap().value
    }

    fn gas(&mut self) -> GasState {
        self.twin.gas().unwrap().read().unwrap().value
    }

    fn insert(&mut self, name: &str) {
        let ticket = self.twin.manipulator().unwrap().begin_insert(name).unwrap();
        assert_eq!(self.wait(ticket), Progress::Done);
    }

    fn needle_to(&mut self, z: f64) -> Progress {
        let target = ManipulatorPosition::new(0.0, 0.0, z);
        let ticket = self.twin.manipulator().unwrap().begin_move(&target).unwrap();
        self.wait(ticket)
    }

    fn flow(&mut self, seconds: f64) {
        let gas = self.twin.gas().unwrap();
        let ticket = gas.begin_insert("Multichem", Some("cryo")).unwrap();
        gas.heat("Multichem", Some("Pt cryo"), true).unwrap();
        assert_eq!(self.wait(ticket), Progress::Done);
        self.clock.advance(20.0);
        let gas = self.twin.gas().unwrap();
        gas.valve("Multichem", true).unwrap();
        self.clock.advance(seconds);
        self.twin.gas().unwrap().valve("Multichem", false).unwrap();
    }

    /// Where the sample's surface is above the coincidence point at home (m).
    fn surface_here(&mut self) -> f64 {
        let matter = self
            .world
            .lab
            .piece
            .look(&self.world.lab, |done| done.matter.clone())
            .unwrap();
        f64::from(matter.specimen().sample(0.0, 0.0, 25e-9, Face::Top).height)
    }
}

#[test]
fn lowered_it_touches_the_sample_and_pushed_on_it_stops_and_that_is_a_collision() {
    let mut rig = Rig::new(|i| i.twin.scene = "bulk".into());
    rig.insert("PARK");
    assert_eq!(rig.world.truth()["needle"]["contact"], serde_json::Value::Null);
    let pose = rig.pose();
    // at home the sample lies flat, and the needle's z leans with the stage: straight down is a corrected move
    let surface = rig.surface_here();
    let down = |to: f64| {
        let (sin, cos) = pose.t.sin_cos();
        ManipulatorPosition::new(0.0, -sin * to, cos * to)
    };
    for above in [50e-6, 10e-9] {
        let ticket = rig
            .twin
            .manipulator()
            .unwrap()
            .begin_move(&down(surface + above))
            .unwrap();
        assert_eq!(rig.wait(ticket), Progress::Done, "{above} over {surface}");
    }
    assert_eq!(rig.world.truth()["needle"]["contact"], "sample");
    assert_eq!(rig.truth("/collisions"), 0.0);
    let ticket = rig
        .twin
        .manipulator()
        .unwrap()
        .begin_move(&down(surface - 5e-6))
        .unwrap();
    let end = rig.wait(ticket);
    assert!(
        matches!(&end, Progress::Failed(e) if e.what.contains("the sample")),
        "{end:?}"
    );
    assert_eq!(rig.truth("/collisions"), 1.0);
    let depth = surface - rig.truth("/needle/tip_m/2");
    assert!((0.0..300e-9).contains(&depth), "{depth}");
    let ticket = rig.twin.manipulator().unwrap().begin_retract().unwrap();
    assert_eq!(rig.wait(ticket), Progress::Done);
    assert!(!rig.needle().inserted);
}

#[test]
fn away_from_the_sample_is_plus_z() {
    let mut rig = Rig::new(|i| i.twin.scene = "bulk".into());
    rig.insert("PARK");
    let low = rig.truth("/needle/tip_m/2");
    assert_eq!(rig.needle_to(280e-6), Progress::Done);
    assert!(
        rig.truth("/needle/tip_m/2") > low + 70e-6,
        "up in the chamber, towards the electron lens"
    );
}

#[test]
fn a_needle_that_does_not_follow_says_so_and_is_where_it_was() {
    let mut rig = Rig::new(|_| ());
    rig.world.set_faults(Faults::find("stuck-needle").unwrap());
    rig.insert("PARK");
    let before = rig.needle().position;
    assert!(matches!(rig.needle_to(300e-6), Progress::Failed(e) if e.what.contains("did not follow")));
    assert_eq!(rig.needle().position, before);
    rig.clock.advance(60.0);
    assert_eq!(rig.needle_to(300e-6), Progress::Done);
}

#[test]
fn stop_halts_the_needle_and_shuts_the_valve() {
    let mut rig = Rig::new(|_| ());
    rig.flow(0.0);
    rig.twin.gas().unwrap().valve("Multichem", true).unwrap();
    let ticket = rig.twin.manipulator().unwrap().begin_insert("PARK").unwrap();
    rig.clock.advance(3.0);
    rig.twin.stopper().stop().unwrap();
    assert!(matches!(rig.twin.poll(ticket), Ok(Progress::Failed(e)) if e.kind == ErrorKind::Stopped));
    let (needle, gas) = (rig.needle(), rig.gas());
    assert!(needle.inserted && !needle.moving && !gas.open() && gas.inserted());
    rig.clock.advance(10.0);
    assert_eq!(rig.needle().position, needle.position);
}

#[test]
fn gas_lays_down_about_a_micrometre_and_a_valve_that_does_not_answer_lays_down_more() {
    let thickness = |faults: Option<&str>| {
        let mut rig = Rig::new(|_| ());
        if let Some(name) = faults {
            rig.world.set_faults(Faults::find(name).unwrap());
        }
        rig.flow(30.0);
        rig.clock.advance(30.0);
        assert_eq!(rig.gas().open(), faults.is_some());
        assert_eq!(rig.world.truth()["deposits"][0]["kind"], "platinum");
        rig.truth("/deposits/0/thickness_m")
    };
    let (well, ill) = (thickness(None), thickness(Some("stuck-valve")));
    assert!((0.6e-6..2e-6).contains(&well), "{well}");
    assert!((ill / well - 2.0).abs() < 0.05, "{ill}");
}

#[test]
fn a_leak_shuts_the_valves() {
    let mut rig = Rig::new(|_| ());
    rig.flow(0.0);
    rig.twin.gas().unwrap().valve("Multichem", true).unwrap();
    rig.world.foreign(Foreign::Leak).unwrap();
    assert!(!rig.gas().open());
}

#[test]
fn the_coater_lays_metal_everywhere_and_stop_ends_it() {
    let mut rig = Rig::new(|i| i.gis.sputter_coater = true);
    let ticket = rig.twin.gas().unwrap().begin_sputter(SputterStep::Prepare).unwrap();
    assert_eq!(rig.wait(ticket), Progress::Done);
    let ticket = rig
        .twin
        .gas()
        .unwrap()
        .begin_sputter(SputterStep::Run { seconds: 100.0 })
        .unwrap();
    rig.clock.advance(50.0);
    rig.twin.stopper().stop().unwrap();
    assert!(matches!(rig.twin.poll(ticket), Ok(Progress::Failed(_))));
    rig.clock.advance(100.0);
    assert!((rig.truth("/deposits/0/thickness_m") - 7.5e-9).abs() < 1e-12);
}

#[test]
fn a_beam_draws_a_deposit_where_gas_flows_and_mills_where_none_does() {
    for flows in [true, false] {
        let mut rig = Rig::new(|i| i.twin.scene = "bulk".into());
        if flows {
            rig.flow(0.0);
            rig.twin.gas().unwrap().valve("Multichem", true).unwrap();
        }
        rig.set(Beam::Ion, Key::Current, Value::Number(9e-11));
        let milling = rig.twin.milling().unwrap();
        let settings = MillingSettings {
            hfw: 50e-6,
            application_file: "Pt dep".into(),
            ..MillingSettings::default()
        };
        milling.setup(&settings).unwrap();
        let shape = Shape::Rectangle(Rectangle {
            width: 5e-6,
            height: 2e-6,
            depth: 0.3e-6,
            centre_x: 0.0,
            centre_y: 0.0,
            rotation: 0.0,
            cleaning_cross_section: false,
            scan_direction: ScanDirection::TopToBottom,
            cross_section: CrossSection::Rectangle,
            passes: 0,
            time: 0.0,
            is_exclusion: false,
        });
        let estimate = milling.load(&[shape]).unwrap();
        let ticket = milling.begin().unwrap();
        rig.clock.advance(estimate + 1.0);
        assert_eq!(rig.twin.poll(ticket), Ok(Progress::Done));
        let truth = rig.world.truth();
        let drawn = truth["deposits"]
            .as_array()
            .unwrap()
            .iter()
            .find(|d| d["volume_m3"].is_number());
        assert_eq!(drawn.is_some(), flows, "{truth}");
        assert_eq!(rig.truth("/milling/0/volume_removed_m3") > 0.0, !flows);
        if let Some(drawn) = drawn {
            let grown = drawn["thickness_m"].as_f64().unwrap();
            assert!((0.2e-6..0.4e-6).contains(&grown), "{grown}");
        }
    }
}

#[test]
fn parts_that_the_configuration_switches_off_are_absent() {
    let mut rig = Rig::new(|i| (i.manipulator.enabled, i.gis.enabled, i.ion.enabled) = (false, false, false));
    assert!(rig.twin.manipulator().is_none() && rig.twin.gas().is_none() && rig.twin.milling().is_none());
    let caps = rig.twin.capabilities();
    assert!(caps.manipulator.is_none() && caps.gas.is_none() && caps.milling.is_none());
}

#[test]
fn a_beam_that_is_blanked_while_it_scans_leaves_the_rest_of_the_picture_black() {
    let mut rig = Rig::new(|_| ());
    let settings = slow(Beam::Electron);
    let ticket = rig.twin.imaging().unwrap().begin(&settings).unwrap();
    rig.clock.advance(0.5 * settings.beam_time());
    rig.set(Beam::Electron, Key::Blanked, Value::Bool(true));
    assert_eq!(rig.wait(ticket), Progress::Done);
    let frame = rig.twin.imaging().unwrap().take(ticket).unwrap();
    let model::Pixels::U8(pixels) = &frame.pixels else {
        panic!("8 bits")
    };
    let mean = |row: usize| pixels.row(row).iter().map(|v| f64::from(*v)).sum::<f64>() / pixels.ncols() as f64;
    let rows = pixels.nrows();
    assert!(
        mean(rows / 4) > mean(3 * rows / 4) + 20.0,
        "{} {}",
        mean(rows / 4),
        mean(3 * rows / 4)
    );
    let lit = 0.5
        * settings.beam_time()
        * rig
            .twin
            .beam(Beam::Electron)
            .unwrap()
            .read()
            .unwrap()
            .value
            .settings
            .beam_current;
    assert!((rig.truth("/dose_c/electron") / lit - 1.0).abs() < 1e-6);
}
