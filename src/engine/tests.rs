//! The engine through its link, on the twin in virtual time.

use crate::command::{Failure, parse};
use crate::core::{Engine, Options, Speed, start};
use crate::link::Link;
use crate::query::{Query, Reply};
use model::config::{Instrument, Paths};
use model::{Beam, ErrorKind, StopOutcome};
use serde_json::Value;
use std::future::Future;

struct Bench {
    engine: Option<Engine>,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Options)) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::new(Some(&folder.path().join("config")), Some(&folder.path().join("data"))).unwrap();
        let mut options = Options {
            instrument: Instrument::default(),
            speed: Speed::Virtual,
            faults: None,
            paths,
            user: Default::default(),
            connect: false,
        };
        change(&mut options);
        Bench {
            engine: Some(start(options).unwrap()),
            folder,
        }
    }

    fn link(&self) -> Link {
        self.engine.as_ref().unwrap().link("test")
    }

    /// Runs lines one after another; the result of the last.
    fn lines(&self, lines: &[&str]) -> Result<Value, Failure> {
        let mut last = Ok(Value::Null);
        for line in lines {
            last = wait(self.link().run(parse::line(line)?));
            last.as_ref().map_err(Clone::clone)?;
        }
        last
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(work)
}

#[test]
fn a_picture_is_taken_saved_and_kept() {
    let bench = Bench::new();
    let result = bench
        .lines(&["system.connect", "image.acquire beam=electron resolution=384x256"])
        .unwrap();
    let file = result["pictures"][0]["file"].as_str().unwrap();
    assert!(file.starts_with(bench.folder.path().to_str().unwrap()), "{file}");
    let snapshot = bench.link().snapshot();
    let info = snapshot.newest(Beam::Electron).unwrap();
    assert_eq!(info.size, (384, 256));
    let Ok(Reply::Frame(frame)) = wait(bench.link().ask(Query::Frame { id: info.id, most: 0 })) else {
        panic!("gone")
    };
    assert_eq!(
        frame.pixels,
        model::Frame::load(std::path::Path::new(file)).unwrap().frame.pixels
    );
    let Ok(Reply::Frame(small)) = wait(bench.link().ask(Query::Frame { id: info.id, most: 100 })) else {
        panic!("gone")
    };
    assert_eq!(small.pixels.size(), (96, 64));
}

#[test]
fn moves_end_where_they_were_sent_and_limits_refuse() {
    let bench = Bench::new();
    let moved = bench
        .lines(&["system.connect", "stage.move-relative x=20um y=-5um"])
        .unwrap();
    assert!((moved["x"].as_f64().unwrap() - 20e-6).abs() < 1e-9);
    let before = bench.lines(&["stage.position"]).unwrap();
    for line in [
        "stage.move-absolute x=10m",
        "stage.move-absolute t=170deg",
        "stage.move-relative z=1m",
    ] {
        let failure = bench.lines(&[line]).unwrap_err();
        assert_eq!(failure.kind, ErrorKind::OutOfRange, "{line}: {failure}");
    }
    assert_eq!(bench.lines(&["stage.position"]).unwrap(), before);
}

#[test]
fn nothing_acts_before_it_is_connected() {
    let failure = Bench::new().lines(&["stage.move-relative x=1um"]).unwrap_err();
    assert_eq!(failure.kind, ErrorKind::NotConnected);
}

#[test]
fn connecting_changes_nothing_and_leaving_finds_the_same_world() {
    let bench = Bench::new();
    bench.lines(&["system.connect"]).unwrap();
    let connection = bench.link().snapshot().connection.clone().unwrap();
    assert!(!connection.comparison.is_empty());
    let moved = bench.lines(&["stage.move-relative x=100um", "stage.position"]).unwrap();
    bench.lines(&["system.disconnect"]).unwrap();
    assert!(bench.link().snapshot().stage.is_none());
    assert_eq!(bench.lines(&["system.connect", "stage.position"]).unwrap(), moved);
}

#[test]
fn one_job_at_a_time_and_the_refusal_names_it() {
    let bench = Bench::with(|o| o.speed = Speed::Real(1.0));
    bench.lines(&["system.connect"]).unwrap();
    let (link, other) = (bench.link(), bench.link());
    wait(async {
        let long = link.send(parse::line("stage.move-relative x=5mm").unwrap());
        until(&link, |s| s.running().is_some()).await;
        let failure = other.run(parse::line("beam.off beam=ion").unwrap()).await.unwrap_err();
        assert_eq!(failure.kind, ErrorKind::Busy);
        assert!(failure.title.contains("stage.move-relative"), "{failure}");
        link.stop();
        assert_eq!(long.ended().await.unwrap_err().kind, ErrorKind::Stopped);
    });
}

async fn until(link: &Link, so: impl Fn(&crate::Snapshot) -> bool) {
    link.snapshots().wait_for(|snapshot| so(snapshot)).await.unwrap();
}

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

#[test]
fn who_has_control_keeps_it_until_it_is_taken_openly() {
    let bench = Bench::new();
    bench.lines(&["system.connect", "stage.move-relative x=1um"]).unwrap();
    let other = bench.link().named("night shift");
    let line = || parse::line("stage.move-relative x=1um").unwrap();
    assert_eq!(wait(other.run(line())).unwrap_err().kind, ErrorKind::Busy);
    wait(other.run(parse::line("control.take").unwrap())).unwrap();
    wait(other.run(line())).unwrap();
    assert_eq!(wait(bench.link().run(line())).unwrap_err().kind, ErrorKind::Busy);
}

#[test]
fn a_run_on_virtual_time_repeats_to_the_last_byte() {
    let run = || {
        let bench = Bench::new();
        let lines = [
            "system.connect",
            "stage.move-relative x=7um y=3um",
            "system.wait seconds=100",
            "image.acquire beam=both resolution=384x256 path=PATH",
        ]
        .map(|l| l.replace("PATH", bench.folder.path().join("p").to_str().unwrap()));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let result = bench.lines(&lines).unwrap();
        let files: Vec<Vec<u8>> = (0..2)
            .map(|n| model::Frame::load(std::path::Path::new(result["pictures"][n]["file"].as_str().unwrap())).unwrap())
            .map(|loaded| loaded.frame.pixels.to_u8().into_iter().collect())
            .collect();
        (files, bench.lines(&["truth"]).unwrap())
    };
    assert_eq!(run(), run());
}

#[test]
fn a_failed_save_is_an_alarm_and_the_picture_stays_in_memory() {
    let bench = Bench::new();
    let blocked = bench.folder.path().join("file");
    std::fs::write(&blocked, "not a folder").unwrap();
    let line = format!(
        "image.acquire beam=electron resolution=384x256 path='{}'",
        blocked.join("sub").display()
    );
    let failure = bench.lines(&["system.connect", &line]).unwrap_err();
    assert_eq!(failure.kind, ErrorKind::File);
    let snapshot = bench.link().snapshot();
    assert_eq!(snapshot.alarms().count(), 1);
    let id = snapshot.newest(Beam::Electron).unwrap().id;
    assert!(matches!(
        wait(bench.link().ask(Query::Frame { id, most: 0 })),
        Ok(Reply::Frame(_))
    ));
    bench.lines(&["notice.seen"]).unwrap();
    assert_eq!(bench.link().snapshot().alarms().count(), 0);
}

#[test]
fn the_snapshot_is_the_fold_of_the_events() {
    let bench = Bench::new();
    let mut folded = (*bench.link().snapshot()).clone();
    let mut heard = bench.link().listen();
    bench
        .lines(&[
            "system.connect",
            "stage.move-relative x=1um",
            "position.save name=a",
            "image.settings beam=ion hfw=80um",
        ])
        .unwrap();
    while let Ok(item) = heard.try_recv() {
        match item {
            crate::link::Heard::Event(event) => {
                let text = serde_json::to_string(&*event).unwrap();
                folded.apply(&serde_json::from_str(&text).unwrap());
            }
            crate::link::Heard::Pulse(pulse) => folded.pulse(&pulse),
        }
    }
    assert_eq!(folded, *bench.link().snapshot());
}

#[test]
fn what_others_change_is_noticed_within_a_second_and_marked() {
    use crate::event::By;
    use hal::sim::Foreign;
    let bench = Bench::new();
    bench.lines(&["system.connect", "stage.move-relative x=1um"]).unwrap();
    let world = crate::core::lock(&bench.engine.as_ref().unwrap().core.world)
        .clone()
        .unwrap();
    assert_eq!(bench.link().snapshot().stage.as_ref().unwrap().by, By::Us);
    world
        .foreign(Foreign::Move(model::StagePosition {
            x: Some(3e-6),
            ..Default::default()
        }))
        .unwrap();
    world
        .foreign(Foreign::Set(
            Beam::Electron,
            model::Key::Voltage,
            model::Value::Number(5000.0),
        ))
        .unwrap();
    bench.lines(&["system.wait seconds=1"]).unwrap();
    let snapshot = bench.link().snapshot();
    assert_eq!(snapshot.stage.as_ref().unwrap().by, By::Other);
    assert_eq!(snapshot.beam(Beam::Electron).unwrap().by, By::Other);
    assert_eq!(snapshot.beam(Beam::Electron).unwrap().value.settings.voltage, 5000.0);
    assert!(
        snapshot
            .notices
            .iter()
            .any(|n| n.notice.title.contains("not by fibdeck"))
    );
    world.foreign(Foreign::Leak).unwrap();
    bench.lines(&["system.wait seconds=1"]).unwrap();
    assert!(
        bench
            .link()
            .snapshot()
            .alarms()
            .any(|n| n.notice.title == "vacuum lost")
    );
}

#[test]
fn a_paused_job_waits_and_lends_the_hardware() {
    let bench = Bench::with(|o| o.speed = Speed::Real(50.0));
    bench.lines(&["system.connect"]).unwrap();
    let link = bench.link();
    wait(async {
        let set = link.send(
            parse::line("image.reference hfw=300um,200um,150um,100um resolution=1536x1024 dwell_time=10us").unwrap(),
        );
        until(&link, |s| s.running().is_some()).await;
        link.run(parse::line("job.pause").unwrap()).await.unwrap();
        // what is under way ends; nothing new begins, and the stage may be used meanwhile
        link.run(parse::line("stage.position").unwrap()).await.unwrap();
        loop {
            match link.run(parse::line("stage.move-relative x=2um").unwrap()).await {
                Ok(_) => break,
                Err(failure) => assert_eq!(failure.kind, ErrorKind::Busy, "{failure}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let jobs = link.snapshot().jobs.clone();
        assert!(jobs.iter().any(|j| j.paused && j.end.is_none()), "{jobs:#?}");
        link.run(parse::line("job.resume").unwrap()).await.unwrap();
        set.ended().await.unwrap();
    });
}

#[test]
fn a_guided_job_asks_and_goes_on_with_the_answer() {
    let bench = Bench::new();
    bench.lines(&["system.connect"]).unwrap();
    let link = bench.link();
    wait(async {
        let job = link.send(parse::line("align.coincidence guided=true").unwrap());
        let mut asked = 0;
        let mut ended = std::pin::pin!(job.ended());
        loop {
            tokio::select! {
                result = &mut ended => { result.unwrap(); break; }
                () = until(&link, |s| s.question.is_some()) => {
                    let question = link.snapshot().question.clone().unwrap();
                    let wrong = crate::Command::new("answer").with("id", question.id).with("choice", "banana");
                    assert_eq!(link.run(wrong).await.unwrap_err().kind, ErrorKind::Usage);
                    // the hardware is lent while it waits
                    link.run(parse::line("stage.move-relative x=0.1um").unwrap()).await.unwrap();
                    let first = question.choices[0].0.clone();
                    link.run(crate::Command::new("answer").with("id", question.id).with("choice", first)).await.unwrap();
                    asked += 1;
                    assert!(asked < 20);
                }
            }
        }
        assert!(asked > 0);
    });
}

#[test]
fn a_live_view_gives_way_and_the_ion_beams_ends_by_itself() {
    let bench = Bench::with(|o| o.speed = Speed::Real(100.0));
    bench.lines(&["system.connect", "image.live beam=ion on=true"]).unwrap();
    let link = bench.link();
    wait(async {
        until(&link, |s| s.live_frames[1].is_some()).await;
        link.run(parse::line("stage.move-relative x=5um").unwrap())
            .await
            .unwrap();
        assert!(link.snapshot().live[1].on);
        until(&link, |s| !s.live[1].on).await;
        let live = link.snapshot().live[1].clone();
        assert!(live.dose > 0.0 && live.reason.is_some(), "{live:?}");
    });
}

#[test]
fn state_has_the_keys_that_scripts_rely_on() {
    let bench = Bench::new();
    let state = bench.lines(&["system.connect", "system.state"]).unwrap();
    for key in [
        "instrument",
        "connected",
        "control",
        "chamber",
        "stage",
        "electron",
        "ion",
        "manipulator",
        "gis",
        "milling",
        "jobs",
        "notices",
    ] {
        assert!(state.get(key).is_some(), "{key}");
    }
    for key in [
        "x",
        "y",
        "z",
        "r",
        "t",
        "moving",
        "homed",
        "linked",
        "limits",
        "orientation",
        "milling_angle_deg",
    ] {
        assert!(state["stage"].get(key).is_some(), "{key}");
    }
    for key in [
        "on",
        "blanked",
        "voltage",
        "current",
        "hfw",
        "working_distance",
        "dwell_time",
        "resolution",
    ] {
        assert!(state["ion"].get(key).is_some(), "{key}");
    }
    assert_eq!(state["chamber"]["state"], "Pumped");
}
