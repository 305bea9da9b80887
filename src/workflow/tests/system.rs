use super::{Rig, near};
use crate::configuration::{apply, compare};
use crate::state::{capture, restore};
use crate::{movement, system};
use hal::Act;
use model::{Axis, Beam, ChamberPhase, ErrorKind, Key, Point, StagePosition, Value};

fn plasma() -> Rig {
    Rig::with(|i| {
        i.ion.plasma = true;
        i.ion.plasma_gas = Some("Xenon".into());
    })
}

#[tokio::test(start_paused = true)]
async fn a_state_comes_back_exactly() {
    let rig = Rig::new();
    rig.cx
        .set(
            Beam::Electron,
            Key::Shift,
            Value::Point(Point {
                x: 1.234e-6,
                y: -0.7e-6,
            }),
        )
        .await
        .unwrap();
    rig.cx
        .set(Beam::Ion, Key::Stigmation, Value::Point(Point { x: 0.0123, y: -0.3 }))
        .await
        .unwrap();
    let wanted = capture(&rig.scope).await.unwrap();
    for (beam, key, value) in [
        (Beam::Electron, Key::Shift, Value::Point(Point::default())),
        (Beam::Electron, Key::WorkingDistance, Value::Number(6.1e-3)),
        (Beam::Electron, Key::Hfw, Value::Number(333e-6)),
        (Beam::Ion, Key::ScanRotation, Value::Number(0.4)),
        (Beam::Ion, Key::Stigmation, Value::Point(Point::default())),
        (Beam::Ion, Key::DetectorContrast, Value::Number(0.77)),
    ] {
        rig.cx.set(beam, key, value).await.unwrap();
    }
    movement::flat_to(rig.cx.clone(), Beam::Ion).await.unwrap();
    let done = restore(rig.cx.clone(), wanted.clone()).await.unwrap();
    assert_eq!(done.differences, []);
    assert!(
        done.changed.contains(&"stage".to_owned()) && done.changed.contains(&"electron.shift".to_owned()),
        "{done:?}"
    );
    let now = capture(&rig.scope).await.unwrap();
    assert_eq!(
        model::MicroscopeState { timestamp: 0.0, ..now },
        model::MicroscopeState {
            timestamp: 0.0,
            ..wanted
        }
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_restored_is_told() {
    let rig = Rig::new();
    let mut wanted = capture(&rig.scope).await.unwrap();
    if let Some(ion) = wanted.ion_beam.as_mut() {
        ion.beam_current = 21.7e-12; // the instrument has steps
    }
    let done = restore(rig.cx.clone(), wanted).await.unwrap();
    assert_eq!(
        done.differences.iter().map(|d| d.key.as_str()).collect::<Vec<_>>(),
        ["ion.current"],
        "{done:?}"
    );
    let mut bad = capture(&rig.scope).await.unwrap();
    bad.stage_position = StagePosition::default().with(Axis::X, f64::NAN);
    let acts = rig.record.count();
    assert_eq!(restore(rig.cx.clone(), bad).await.unwrap_err().kind, ErrorKind::Usage);
    assert_eq!(rig.record.count(), acts);
}

#[tokio::test(start_paused = true)]
async fn comparing_reads_only_and_applying_makes_it_so() {
    let rig = Rig::new();
    rig.cx
        .set(Beam::Electron, Key::Hfw, Value::Number(99e-6))
        .await
        .unwrap();
    rig.cx
        .set(Beam::Ion, Key::Shift, Value::Point(Point { x: 1e-6, y: 0.0 }))
        .await
        .unwrap();
    let acts = rig.record.count();
    let table = compare(&rig.scope, &rig.cx.instrument).await;
    assert_eq!(rig.record.count(), acts);
    let row = |key: &str| table.iter().find(|r| r.key == key).unwrap_or_else(|| panic!("{key}"));
    assert!(!row("electron.hfw").same && !row("ion.shift").same && row("stage.shuttle_pre_tilt").same);
    assert!(row("ion.voltage").same, "{:?}", row("ion.voltage"));
    let detector = rig.scope.beam(Beam::Electron).await.unwrap().value.detector;
    let done = apply(rig.cx.clone()).await.unwrap();
    let keys: Vec<_> = done.changed.iter().map(|c| c.key.as_str()).collect();
    assert!(
        keys.contains(&"electron.hfw") && keys.contains(&"ion.shift"),
        "{keys:?}"
    );
    let wrong: Vec<_> = done.comparison.iter().filter(|c| !c.same).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(rig.scope.beam(Beam::Electron).await.unwrap().value.detector, detector);
    assert!(
        apply(rig.cx.clone()).await.unwrap().changed.is_empty(),
        "nothing is left to do"
    );
}

#[tokio::test(start_paused = true)]
async fn the_plasma_gas_takes_minutes_and_can_be_cancelled() {
    let rig = plasma();
    let clock = rig.scope.clock().clone();
    let start = clock.now();
    let gas = system::plasma_gas(rig.cx.clone(), Beam::Ion, "Argon".into())
        .await
        .unwrap();
    assert_eq!(gas, "Argon");
    assert!(clock.now() - start > 300.0, "{}", clock.now() - start);
    assert!(
        rig.host
            .progress
            .lock()
            .unwrap()
            .iter()
            .any(|(f, _)| f.is_some_and(|f| f > 0.3 && f < 0.9))
    );
    // applying the configuration changes it back, before anything else of that beam
    let acts = rig.record.count();
    apply(rig.cx.clone()).await.unwrap();
    let done = rig.record.acts.lock().unwrap()[acts..].to_vec();
    let first_ion = done
        .iter()
        .find(|a| a.claims().iter().any(|(what, _)| *what == hal::Resource::Ion))
        .cloned();
    assert_eq!(
        first_ion,
        Some(Act::PlasmaGas {
            beam: Beam::Ion,
            gas: "Xenon".into()
        })
    );
    let change = tokio::spawn(system::plasma_gas(rig.cx.clone(), Beam::Ion, "Oxygen".into()));
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    rig.release.cancel();
    let error = change.await.unwrap().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Stopped, "{error}");
}

#[tokio::test(start_paused = true)]
async fn vacuum_beams_and_stage_switches_work() {
    let rig = Rig::new();
    assert_eq!(
        system::vent(rig.cx.clone()).await.unwrap_err().kind,
        ErrorKind::Interlock
    );
    let off = system::power(rig.cx.clone(), Beam::ALL.to_vec(), false).await.unwrap();
    assert!(off.electron.is_some_and(|s| !s.on) && off.ion.is_some_and(|s| !s.on));
    assert_eq!(system::vent(rig.cx.clone()).await.unwrap().phase, ChamberPhase::Vented);
    assert_eq!(
        system::power(rig.cx.clone(), vec![Beam::Ion], true)
            .await
            .unwrap_err()
            .kind,
        ErrorKind::Interlock
    );
    assert_eq!(system::pump(rig.cx.clone()).await.unwrap().phase, ChamberPhase::Pumped);
    system::power(rig.cx.clone(), Beam::ALL.to_vec(), true).await.unwrap();
    let blanked = system::blank(rig.cx.clone(), vec![Beam::Ion], true).await.unwrap();
    assert_eq!(blanked.ion.map(|s| s.blanked), Some(true));
    assert!(!system::link(rig.cx.clone(), false).await.unwrap());
    assert!(system::link(rig.cx.clone(), true).await.unwrap());
    system::home(rig.cx.clone()).await.unwrap();
    assert!(rig.scope.stage().await.unwrap().value.homed);
    let shift = system::shift_beam(&rig.cx, Beam::Ion, 1e-6, -2e-6).await.unwrap();
    near(shift.y, -2e-6, 1e-12, "shift");
    assert_eq!(
        system::shift_beam(&rig.cx, Beam::Ion, 1.0, 0.0).await.unwrap_err().kind,
        ErrorKind::OutOfRange
    );
    system::reset_shift(rig.cx.clone(), vec![Beam::Ion]).await.unwrap();
    assert_eq!(
        rig.scope.beam(Beam::Ion).await.unwrap().value.settings.shift,
        Point::default()
    );
}
