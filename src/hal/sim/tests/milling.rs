//! Patterns on the twin: what is told of them, what breaks them off, and what they leave of the sample.

use super::*;
use crate::sim::specimen::Face;
use model::shape::{CrossSection, Rectangle, ScanDirection};
use model::{MillingSettings, PatterningPhase, PatterningState, Shape};

fn rectangle(width: f64, height: f64, centre_y: f64, depth: f64) -> Rectangle {
    Rectangle {
        width,
        height,
        depth,
        centre_x: 0.0,
        centre_y,
        rotation: 0.0,
        cleaning_cross_section: false,
        scan_direction: ScanDirection::TopToBottom,
        cross_section: CrossSection::Rectangle,
        passes: 0,
        time: 0.0,
        is_exclusion: false,
    }
}

/// A box of which the beam has 100 s.
fn timed() -> Shape {
    Shape::Rectangle(Rectangle {
        time: 100.0,
        ..rectangle(2e-6, 1e-6, 0.0, 1e-6)
    })
}

/// Two trenches with `spacing` between them, the last line of each beside what is left.
fn trenches(width: f64, height: f64, spacing: f64, depth: f64, cross_section: CrossSection) -> Vec<Shape> {
    let off = (spacing + height) / 2.0;
    [(off, ScanDirection::TopToBottom), (-off, ScanDirection::BottomToTop)]
        .into_iter()
        .map(|(centre, scan_direction)| {
            Shape::Rectangle(Rectangle {
                scan_direction,
                cross_section,
                ..rectangle(width, height, centre, depth)
            })
        })
        .collect()
}

impl Rig {
    pub(super) fn patterning(&mut self) -> PatterningState {
        self.twin.milling().unwrap().read().unwrap().value
    }

    pub(super) fn load(&mut self, shapes: &[Shape], current: f64, file: &str) -> f64 {
        self.set(Beam::Ion, Key::Current, Value::Number(current));
        let settings = MillingSettings {
            hfw: 80e-6,
            application_file: file.to_owned(),
            ..MillingSettings::default()
        };
        let milling = self.twin.milling().unwrap();
        milling.setup(&settings).unwrap();
        milling.load(shapes).unwrap()
    }

    pub(super) fn begin(&mut self) -> Ticket {
        self.twin.milling().unwrap().begin().unwrap()
    }

    /// Seconds at which it goes on by itself.
    pub(super) fn mill(&mut self, shapes: &[Shape], current: f64, file: &str) {
        let estimate = self.load(shapes, current, file);
        let ticket = self.begin();
        self.clock.advance(estimate + 1.0);
        assert_eq!(self.wait(ticket), Progress::Done);
    }

    /// Brings a flat place of the sample under the beams whose thickness (m) is in a range, flat to the ion beam's milling angle
    /// and with the middle of its thickness in the middle of the ion picture.
    pub(super) fn go_to_a_place(&mut self, thickness: std::ops::Range<f32>) {
        let matter = self
            .world
            .lab
            .piece
            .look(&self.world.lab, |done| done.matter.clone())
            .unwrap();
        let thick = |x: f64, y: f64| matter.specimen().sample(x, y, 2e-7, Face::Top);
        let around = [(0.0, 0.0), (7e-6, 0.0), (-7e-6, 0.0), (0.0, 8e-6), (0.0, -8e-6)];
        let spot = (0..40_000).find_map(|i| {
            let (x, y) = (f64::from(i % 200 - 100) * 5e-6, f64::from(i / 200 - 100) * 5e-6);
            let all = around.map(|(dx, dy)| thick(x + dx, y + dy));
            let flat = all.iter().all(|s| (s.height - all[0].height).abs() < 2e-6);
            let solid = all.iter().all(|s| thickness.contains(&s.thickness));
            let soft = all.iter().all(|s| s.material != crate::sim::specimen::Material::Gold);
            (flat && solid && soft).then_some((x, y, f64::from(all[0].height - all[0].thickness / 2.0)))
        });
        let (x, y, middle) = spot.expect("somewhere the sample is so thick and flat");
        let pose = Pose {
            t: 12f64.to_radians(),
            ..self.pose()
        };
        self.go(pose);
        // raw x runs against the sample's, and y follows the wedge
        let geometry = self.twin.geometry();
        let (sin, cos) = 15f64.to_radians().sin_cos();
        let up = y * sin + middle * cos;
        self.go(stable::exact(&Setup::new(&geometry, pose), Beam::Ion, x, up).from(pose));
    }
}

#[test]
fn the_estimate_is_the_time_it_takes_and_progress_is_told() {
    let mut rig = Rig::new(|_| ());
    let estimate = rig.load(&[timed(), timed()], 1e-9, "Si");
    assert_eq!(estimate, 200.0);
    let ticket = rig.begin();
    rig.clock.advance(150.0);
    let state = rig.patterning();
    assert_eq!(
        (state.phase, state.done.as_slice()),
        (PatterningPhase::Running, &[1.0, 0.5][..])
    );
    assert!((state.remaining() - 50.0).abs() < 1e-9);
    assert!(
        matches!(rig.twin.poll(ticket), Ok(Progress::Pending { fraction: Some(f), remaining: Some(r) }) if (f - 0.75).abs() < 1e-9 && (r - 50.0).abs() < 1e-9)
    );
    rig.clock.advance(50.0);
    assert_eq!(rig.twin.poll(ticket), Ok(Progress::Done));
    assert_eq!(rig.patterning().phase, PatterningPhase::Idle);
    assert!((rig.truth("/milling/0/delivered_dose_c") / rig.truth("/milling/0/planned_dose_c") - 1.0).abs() < 1e-9);
}

#[test]
fn a_pattern_goes_on_while_nobody_is_connected() {
    let mut rig = Rig::new(|_| ());
    rig.load(&[timed()], 1e-9, "Si");
    let ticket = rig.begin();
    let Rig { clock, world, twin } = rig;
    drop(twin);
    clock.advance(60.0);
    let mut again = reopen(&clock, &world);
    assert_eq!(again.milling().unwrap().read().unwrap().value.done, [0.6]);
    clock.advance(60.0);
    assert_eq!(again.poll(ticket), Ok(Progress::Done));
}

#[test]
fn whatever_changes_the_beam_ends_the_pattern_with_an_error_and_the_true_fraction() {
    type Change = fn(&mut Rig);
    let changes: [(&str, Change); 5] = [
        ("current", |rig| {
            drop(rig.set(Beam::Ion, Key::Current, Value::Number(4e-9)))
        }),
        ("blank", |rig| drop(rig.set(Beam::Ion, Key::Blanked, Value::Bool(true)))),
        ("off", |rig| drop(rig.set(Beam::Ion, Key::On, Value::Bool(false)))),
        ("field", |rig| drop(rig.set(Beam::Ion, Key::Hfw, Value::Number(20e-6)))),
        ("air", |rig| rig.world.foreign(Foreign::Leak).unwrap()),
    ];
    for (what, change) in changes {
        let mut rig = Rig::new(|_| ());
        rig.load(&[timed()], 1e-9, "Si");
        let ticket = rig.begin();
        rig.clock.advance(30.0);
        change(&mut rig);
        assert!(
            matches!(rig.twin.poll(ticket), Ok(Progress::Failed(e)) if e.kind == ErrorKind::Other),
            "{what}"
        );
        rig.clock.advance(500.0);
        let state = rig.patterning();
        assert_eq!(state.phase, PatterningPhase::Error, "{what}");
        assert!((state.done[0] - 0.3).abs() < 1e-9, "{what}: {:?}", state.done);
        let share = rig.truth("/milling/0/delivered_dose_c") / rig.truth("/milling/0/planned_dose_c");
        assert!((share - 0.3).abs() < 1e-9, "{what}: {share}");
    }
    let mut other = Rig::new(|_| ());
    other.load(&[timed()], 1e-9, "Si");
    let ticket = other.begin();
    other.set(Beam::Electron, Key::Current, Value::Number(1e-9));
    other.set(Beam::Ion, Key::Shift, Value::Point(Point { x: 1e-7, y: 0.0 }));
    other.clock.advance(101.0);
    assert_eq!(
        other.twin.poll(ticket),
        Ok(Progress::Done),
        "another beam and a shift change nothing"
    );
}

#[test]
fn stop_takes_the_beam_off_at_once_and_a_cancel_between_two_dwells() {
    let mut rig = Rig::new(|_| ());
    rig.load(&[timed()], 1e-9, "Si");
    let ticket = rig.begin();
    rig.clock.advance(25.0);
    rig.twin.stopper().stop().unwrap();
    assert!(matches!(rig.twin.poll(ticket), Ok(Progress::Failed(e)) if e.kind == ErrorKind::Stopped));
    let state = rig.patterning();
    assert_eq!((state.phase, state.done[0]), (PatterningPhase::Idle, 0.25));
    assert!(rig.twin.beam(Beam::Ion).unwrap().read().unwrap().value.blanked);

    let ticket = rig.begin();
    rig.clock.advance(50.0);
    rig.twin.cancel(ticket).unwrap();
    assert_eq!(rig.patterning().phase, PatterningPhase::Stopping);
    rig.clock.advance(1.0);
    assert!(matches!(rig.twin.poll(ticket), Ok(Progress::Failed(e)) if e.kind == ErrorKind::Stopped));
    assert_eq!(rig.patterning().done, [0.5]);
}

#[test]
fn the_beam_that_draws_takes_no_picture_and_the_other_does() {
    let mut rig = Rig::new(|_| ());
    rig.load(&[timed()], 1e-9, "Si");
    let ticket = rig.begin();
    assert_eq!(
        rig.twin.imaging().unwrap().begin(&slow(Beam::Ion)).unwrap_err().kind,
        ErrorKind::Busy
    );
    let picture = rig.twin.imaging().unwrap().begin(&slow(Beam::Electron)).unwrap();
    assert_eq!(rig.wait(picture), Progress::Done);
    rig.twin.milling().unwrap().pause().unwrap();
    let paused = rig.patterning().elapsed;
    rig.clock.advance(100.0);
    assert_eq!(rig.patterning().elapsed, paused);
    rig.twin.milling().unwrap().resume().unwrap();
    assert_eq!(rig.wait(ticket), Progress::Done);
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let mut rig = Rig::new(|_| ());
    let wide = Shape::Rectangle(rectangle(100e-6, 1e-6, 0.0, 1e-6));
    let milling = rig.twin.milling().unwrap();
    assert_eq!(milling.begin().unwrap_err().kind, ErrorKind::Interlock);
    milling
        .setup(&MillingSettings {
            hfw: 80e-6,
            ..MillingSettings::default()
        })
        .unwrap();
    assert_eq!(milling.load(&[wide]).unwrap_err().kind, ErrorKind::OutOfRange);
    let unknown = MillingSettings {
        application_file: "Cheese".into(),
        ..MillingSettings::default()
    };
    assert_eq!(milling.setup(&unknown).unwrap_err().kind, ErrorKind::OutOfRange);
}

#[test]
fn a_preset_instrument_takes_openfibsems_names_and_mills_by_its_rate() {
    let mut rig = Rig::new(|i| i.twin.stage = Some(StageKind::ChamberFixed));
    let set = rig.twin.milling().unwrap().setup(&MillingSettings::default()).unwrap();
    assert_eq!((set.preset.as_str(), set.milling_current), ("30 keV; 2 nA", 2e-9));
    let estimate = rig
        .twin
        .milling()
        .unwrap()
        .load(&[Shape::Rectangle(rectangle(10e-6, 2e-6, 0.0, 1e-6))])
        .unwrap();
    assert!((estimate - 20e-18 / (1.3e-8 * 2e-9)).abs() < 1e-9, "{estimate}");
}

#[test]
fn a_fault_ends_a_pattern_in_the_middle() {
    let mut rig = Rig::new(|_| ());
    rig.world.set_faults(Faults::find("milling-trip").unwrap());
    rig.load(&[timed()], 1e-9, "Si");
    let ticket = rig.begin();
    rig.clock.advance(60.0);
    assert!(matches!(rig.twin.poll(ticket), Ok(Progress::Failed(_))));
    assert!((rig.patterning().done[0] - 0.1).abs() < 1e-9);
    assert!(!rig.twin.beam(Beam::Ion).unwrap().read().unwrap().value.on);
}

#[test]
fn overhead_and_a_wrong_current_show_in_time_and_dose() {
    let mut rig = Rig::new(|i| (i.twin.errors.patterning_overhead, i.twin.errors.current) = (0.2, 0.1));
    rig.load(&[timed()], 1e-9, "Si");
    let ticket = rig.begin();
    rig.clock.advance(60.0);
    assert!((rig.patterning().done[0] - 0.5).abs() < 1e-9);
    rig.clock.advance(60.1);
    assert_eq!(rig.twin.poll(ticket), Ok(Progress::Done));
    let share = rig.truth("/milling/0/delivered_dose_c") / rig.truth("/milling/0/planned_dose_c");
    assert!((share - 1.1).abs() < 1e-9, "{share}");
}

/// Rough, fine and polish: (width, trench height, spacing, depth; m), current (A), cross section. By the rates of silicon and of
/// what is really there, and by the angle, the depth is more than the beam's way through 4 um of cells.
type Stage = ((f64, f64, f64, f64), f64, CrossSection);
const STAGES: [Stage; 3] = [
    ((12e-6, 2.5e-6, 2.5e-6, 3e-6), 2e-9, CrossSection::Rectangle),
    ((11e-6, 1.0e-6, 1.2e-6, 3e-6), 4e-10, CrossSection::CleaningCrossSection),
    ((10e-6, 0.5e-6, 0.6e-6, 3e-6), 9e-11, CrossSection::CleaningCrossSection),
];
const SPACING: f64 = STAGES[2].0.2;

fn waffle(i: &mut Instrument) {
    i.twin.scene = "waffle".into();
}

/// Mills the stages, trench by trench; `aligned`: before each the beam is shifted back to where the sample has drifted.
fn lamella(rig: &mut Rig, aligned: bool) {
    rig.go_to_a_place(1.5e-6..4e-6);
    let start = rig.landmark(Beam::Ion);
    let per_pixel = ImageSettings::default().pixel_size();
    for ((width, height, spacing, depth), current, cross_section) in STAGES {
        for trench in trenches(width, height, spacing, depth, cross_section) {
            let seen = rig.landmark(Beam::Ion);
            if aligned {
                let shift = rig.twin.beam(Beam::Ion).unwrap().read().unwrap().value.settings.shift;
                let back = Point {
                    x: shift.x - (seen[0] - start[0]) * per_pixel,
                    y: shift.y + (seen[1] - start[1]) * per_pixel,
                };
                rig.set(Beam::Ion, Key::Shift, Value::Point(back));
            }
            rig.mill(&[trench], current, "Si");
        }
    }
}

#[test]
fn three_stages_leave_a_lamella_between_the_last_trenches() {
    let mut rig = Rig::new(|_| ());
    lamella(&mut rig, false);
    let truth = rig.world.truth();
    assert_eq!(truth["sites"].as_array().map(Vec::len), Some(1), "{truth}");
    assert_eq!(truth["sites"][0]["milled_through"], true, "{truth}");
    let thick = rig.truth("/sites/0/thickness_m/mean");
    assert!((thick / SPACING - 1.0).abs() < 0.1, "{truth}");
    let wide = rig.truth("/sites/0/width_m");
    assert!((8e-6..=12e-6).contains(&wide), "{truth}");
    assert!(rig.truth("/milling/0/volume_removed_m3") > 1e-17);
    assert_eq!(truth["failures"], serde_json::json!([]));
}

/// Stages of one lamella as they are milled on a grid, each narrower than the one before.
fn narrower(rig: &mut Rig) {
    let pose = Pose {
        t: 12f64.to_radians(),
        ..rig.pose()
    };
    rig.go(pose);
    for (width, height, spacing, current, section) in [
        (12e-6, 2.5e-6, 2.5e-6, 2e-9, CrossSection::Rectangle),
        (10e-6, 1.0e-6, 1.2e-6, 0.4e-9, CrossSection::CleaningCrossSection),
        (8e-6, 0.5e-6, 0.6e-6, 0.09e-9, CrossSection::CleaningCrossSection),
    ] {
        rig.mill(&trenches(width, height, spacing, 3e-6, section), current, "Si");
    }
}

#[test]
fn one_lamella_is_found_and_measured_where_it_is_thin() {
    let mut rig = Rig::new(|_| ());
    narrower(&mut rig);
    let truth = rig.world.truth();
    assert_eq!(truth["sites"].as_array().map(Vec::len), Some(1), "{truth}");
    let wide = rig.truth("/sites/0/width_m");
    assert!((wide - 8e-6).abs() <= 1e-6, "{truth}");
    let (mean, most) = (
        rig.truth("/sites/0/thickness_m/mean"),
        rig.truth("/sites/0/thickness_m/max"),
    );
    assert!((mean / 0.6e-6 - 1.0).abs() < 0.1 && most < 1.5 * mean, "{truth}");
    assert_eq!(truth["sites"][0]["milled_through"], true, "{truth}");
}

#[test]
fn a_lamella_stands_where_it_was_planned_only_if_the_beam_follows_the_drift() {
    let at = |drift: f64, aligned: bool| {
        // along the sample's y, which the ion beam sees under the sine of 15 deg
        let mut rig = Rig::new(|i| i.twin.errors.drift = (0.0, drift, 0.0));
        lamella(&mut rig, aligned);
        (rig.truth("/sites/0/at_m/1"), rig.truth("/sites/0/thickness_m/mean"))
    };
    let (planned, _) = at(0.0, false);
    let seen = |y: f64| (y - planned).abs() * 15f64.to_radians().sin();
    let ((lost, _), (kept, thick)) = (at(2.5e-9, false), at(2.5e-9, true));
    assert!(
        seen(lost) > SPACING,
        "it stands beside what was to be in it: {lost} {planned}"
    );
    assert!(seen(kept) < 0.6 * SPACING, "{kept} {planned}");
    assert!((thick / SPACING - 1.0).abs() < 0.2, "{thick}");
}

#[test]
fn a_shallow_pattern_leaves_no_lamella_but_a_ridge() {
    let mut rig = Rig::new(|_| ());
    rig.go_to_a_place(1.5e-6..4e-6);
    rig.mill(
        &trenches(10e-6, 1.0e-6, 0.6e-6, 0.1e-6, CrossSection::Rectangle),
        4e-10,
        "Si",
    );
    assert!(rig.truth("/milling/0/volume_removed_m3") > 1e-18);
    assert_eq!(rig.world.truth()["sites"], serde_json::json!([]));
}

#[test]
fn a_picture_shows_the_matter_of_its_own_time() {
    let mut rig = Rig::new(waffle);
    rig.go_to_a_place(2e-6..1e-3);
    let mark = rig.world.lab.piece.mark();
    rig.mill(&[Shape::Rectangle(rectangle(4e-6, 2e-6, 0.0, 2e-6))], 2e-9, "Si");
    let after = rig.world.lab.piece.mark();
    let lab = &rig.world.lab;
    let (before, after) = (lab.piece.at(lab, &mark).unwrap(), lab.piece.at(lab, &after).unwrap());
    assert!(before.is_untouched() && !after.is_untouched());
}

#[test]
fn a_spot_burn_makes_a_hole_and_the_beam_scans_again() {
    let mut rig = Rig::new(waffle);
    rig.go_to_a_place(2e-6..1e-3);
    rig.set(Beam::Ion, Key::Current, Value::Number(9e-11));
    let at = Point { x: 0.5, y: 0.5 };
    let ticket = rig.twin.milling().unwrap().begin_spot(Beam::Ion, at, 10.0).unwrap();
    assert_eq!(
        rig.twin.beam(Beam::Ion).unwrap().get(Key::ScanningMode),
        Ok(Value::Text("spot".into()))
    );
    rig.clock.advance(10.0);
    assert_eq!(rig.twin.poll(ticket), Ok(Progress::Done));
    assert_eq!(
        rig.twin.beam(Beam::Ion).unwrap().get(Key::ScanningMode),
        Ok(Value::Text("full_frame".into()))
    );
    assert!(rig.truth("/milling/0/volume_removed_m3") > 0.0);
    assert!((rig.truth("/milling/0/delivered_dose_c") - 9e-10).abs() < 1e-15);
}

#[test]
fn a_new_sample_has_nothing_of_what_was_done_to_the_one_before() {
    let mut rig = Rig::new(|_| ());
    rig.go_to_a_place(1.5e-6..4e-6);
    rig.mill(&[timed()], 1e-9, "Si");
    let matter = |rig: &Rig| rig.world.lab.piece.look(&rig.world.lab, |done| done.matter.clone());
    let milled = matter(&rig).unwrap();
    assert!(!milled.is_untouched() && milled.columns() > 0);
    rig.world
        .set_faults(Faults::parse("- {at: 0, kind: new-sample}").unwrap());
    rig.clock.advance(1.0);
    rig.pose();
    let fresh = matter(&rig).unwrap();
    assert!(fresh.is_untouched());
    assert_ne!(fresh.specimen().revision(), milled.specimen().revision());
    assert_ne!(fresh.revision(), milled.revision());
}
