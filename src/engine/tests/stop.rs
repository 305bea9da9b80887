//! Stop: what it halts, whose change that is, and how it is told.

use super::*;
use crate::core::lock;
use crate::event::{By, How};
use hal::Resource;
use hal::sim::Foreign;
use model::{Beam, BeamState, Severity, StopOutcome};

#[test]
fn stop_halts_the_stage_blanks_and_tells_the_truth() {
    let bench = Bench::with(|o| o.speed = Speed::Real(1.0));
    bench.lines(&["system.connect"]).unwrap();
    let link = bench.link();
    wait(async {
        let long = link.send(parse::line("stage.move-relative x=5mm").unwrap());
        until(&link, |s| s.stage.as_ref().is_some_and(|s| s.value.state.moving)).await;
        link.stop();
        assert_eq!(long.ended().await.unwrap_err().kind, ErrorKind::Stopped);
        until(&link, |s| s.stopped.is_some()).await;
        let snapshot = link.snapshot();
        let report = snapshot.stopped.clone().unwrap();
        assert!(report.sent && report.at_rest);
        assert!(
            report.acts.iter().any(|(_, outcome)| *outcome == StopOutcome::Halted),
            "{report:?}"
        );
        assert!(snapshot.beam(Beam::Ion).unwrap().value.blanked);
        assert!(snapshot.stage.as_ref().unwrap().value.state.pose.x < 5e-3);
    });
}

#[tokio::test(start_paused = true)]
async fn what_stop_changes_is_ours_whenever_it_is_seen() {
    let here = Here::connected(|_| {}).await;
    here.run("beam.unblank beam=both").await.unwrap();
    here.run("stage.position").await.unwrap();
    let before = here.core.snapshot().notices.len();
    assert!(here.core.press("test"));
    here.run("stage.position").await.unwrap();
    let snapshot = here.core.snapshot();
    for beam in Beam::ALL {
        let state = snapshot.beam(beam).unwrap();
        assert!(state.value.blanked && state.by == By::Us, "{beam}: {state:?}");
    }
    assert_eq!(snapshot.notices.len(), before, "{:?}", snapshot.notices);
}

#[tokio::test(start_paused = true)]
async fn of_two_reads_the_one_that_began_later_is_believed() {
    let here = Here::connected(|_| {}).await;
    let state = here.core.snapshot().beam(Beam::Ion).unwrap().value.clone();
    let blanked = |blanked| BeamState {
        blanked,
        ..state.clone()
    };
    let tick = || lock(&here.core.touched).tick();
    let (slow, quick) = (tick(), tick());
    here.core.saw_beam(Beam::Ion, blanked(!state.blanked), quick);
    here.core.saw_beam(Beam::Ion, blanked(state.blanked), slow);
    assert_eq!(
        here.core.snapshot().beam(Beam::Ion).unwrap().value,
        blanked(!state.blanked)
    );
    here.core.saw_beam(Beam::Ion, blanked(state.blanked), tick());
    assert_eq!(here.core.snapshot().beam(Beam::Ion).unwrap().value, state);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_ours_while_it_is_made_and_after_a_look_that_came_too_early() {
    let here = Here::connected(|_| {}).await;
    let world = lock(&here.core.world).clone().unwrap();
    here.run("stage.position").await.unwrap();
    here.core.as_ours(|| {
        let mut touched = lock(&here.core.touched);
        assert!(touched.ours(Resource::Electron), "seen while it is made");
        // the watcher read everything before the change took effect
        let begun = touched.tick();
        touched.read(Resource::Electron, begun);
        world
            .foreign(Foreign::Set(
                Beam::Electron,
                model::Key::Voltage,
                model::Value::Number(5000.0),
            ))
            .unwrap();
    });
    here.run("stage.position").await.unwrap();
    let seen = here.core.snapshot().electron.clone().unwrap();
    assert_eq!((seen.by, seen.value.settings.voltage), (By::Us, 5000.0));
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_told_once_and_the_end_of_its_job_is_on_record() {
    let here = Here::connected(|_| {}).await;
    let long = here.link.send(parse::line("stage.move-relative x=5mm").unwrap());
    until(&here.link, |s| s.stage.as_ref().is_some_and(|s| s.value.state.moving)).await;
    let before = here.core.snapshot().notices.len();
    here.link.stop();
    let failure = long.ended().await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::Stopped);
    until(&here.link, |s| s.stopped.is_some()).await;
    let snapshot = here.core.snapshot();
    let told: Vec<_> = snapshot.notices.iter().skip(before).map(|n| &n.notice).collect();
    let [notice] = told[..] else { panic!("{told:?}") };
    assert!(
        notice.title.contains("at rest") && notice.detail.contains("halted"),
        "{notice:?}"
    );
    // the job's own end leaves the verdict to the stop
    assert!(
        !failure.to_string().contains("rest") && !failure.to_string().contains("look at"),
        "{failure}"
    );
    let end = snapshot.jobs.back().unwrap().end.clone().unwrap();
    assert_eq!((end.how, end.failure), (How::Stopped, Some(failure)));
    let log = std::fs::read_to_string(Path::new(&snapshot.session.folder).join("logfile.log")).unwrap();
    assert!(log.contains("Stopped ended by stop"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_not_obeyed_is_one_alarm_that_says_so() {
    let here = Here::connected(|o| o.faults = Some("stop-lie".to_owned())).await;
    let long = here.link.send(parse::line("stage.move-relative x=5mm").unwrap());
    until(&here.link, |s| s.stage.as_ref().is_some_and(|s| s.value.state.moving)).await;
    let before = here.core.snapshot().notices.len();
    here.link.stop();
    until(&here.link, |s| s.stopped.is_some()).await;
    // whatever the job comes to, nobody says that all is well
    let _ = long.ended().await;
    let snapshot = here.core.snapshot();
    let told: Vec<_> = snapshot.notices.iter().skip(before).map(|n| &n.notice).collect();
    let [alarm] = told[..] else { panic!("{told:?}") };
    assert!(
        alarm.severity == Severity::Alarm && alarm.title.contains("not confirmed"),
        "{alarm:?}"
    );
    assert!(alarm.detail.contains("not confirmed"), "{alarm:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_stop_and_has_not_begun_never_begins() {
    let here = Here::connected(|_| {}).await;
    let sent = [
        "stage.move-relative x=5um",
        "stage.jog axis=x step=0.000001",
        "image.live beam=ion on=true",
    ]
    .map(|line| here.link.send(parse::line(line).unwrap()));
    here.link.stop();
    for receipt in sent {
        assert_eq!(receipt.ended().await.unwrap_err().kind, ErrorKind::Stopped);
    }
    assert_eq!(here.x().await, 0.0);
    assert!(here.core.snapshot().jobs.is_empty() && !here.core.snapshot().live[1].on);
    here.run("stage.move-relative x=5um").await.unwrap();
}
