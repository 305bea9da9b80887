//! Trouble at every act of every kind of job that touches the sample: whatever comes, and wherever, the job ends safe.
//!
//! A clean run counts the acts of a job; then it is run again for every act and every row of [`TROUBLES`]. A long job meets one of
//! them at each act, and all with `FIBDECK_TROUBLES=all cargo test -p fibdeck-engine injection`. To add a job: a row of [`WORKS`]; to
//! add a trouble: a row and its arm in [`Trouble::strike`].

use super::*;
use crate::core::act_log::Moment;
use crate::core::lock;
use hal::HalError;
use hal::sim::Faults;
use model::{Beam, BeamState};
use serde_json::json;
use std::sync::Mutex;
use std::time::Duration;

/// A kind of job as lines, run one after another until one fails.
struct Work {
    name: &'static str,
    lines: fn() -> Vec<String>,
    /// What its questions are answered.
    answers: &'static [&'static str],
    /// It brings needle and stage back by itself, or owes them; single commands leave them where they were sent, and a deposition
    /// that failed leaves the stage to the operator.
    whole: bool,
    /// Each act meets every trouble; those of a long job one each, in turn.
    every: bool,
}

const WORKS: &[Work] = &[
    Work {
        name: "milling",
        answers: &[],
        whole: true,
        every: true,
        lines: || vec![load(2), "milling.run".to_owned()],
    },
    Work {
        name: "deposition",
        answers: &[],
        whole: false,
        every: true,
        lines: || vec!["gis.deposit time=2s lower=0.1mm".to_owned()],
    },
    Work {
        name: "deposition by the beam",
        answers: &[],
        whole: true,
        every: true,
        lines: || vec![load(1), "gis.pattern gas=\"Pt dep\"".to_owned()],
    },
    Work {
        name: "sputtering",
        answers: &[],
        whole: true,
        every: true,
        lines: || vec!["gis.sputter seconds=5s".to_owned()],
    },
    Work {
        name: "spot burn",
        answers: &[],
        whole: true,
        every: true,
        lines: || vec!["milling.spot-burn points=0.4,0.5;0.6,0.5 exposure_time=2s milling_current=20pA".to_owned()],
    },
    Work {
        name: "milling with everything",
        lines: || vec![load_all(), "milling.run".to_owned()],
        answers: &[],
        whole: true,
        every: false,
    },
    Work {
        name: "guided needle",
        lines: || vec![load(1), "manipulator.sharpen loaded=true".to_owned()],
        answers: &["start", "centred", "mill", "done"],
        whole: true,
        every: false,
    },
    Work {
        name: "needle",
        answers: &[],
        whole: false,
        every: true,
        lines: || {
            [
                "manipulator.insert name=PARK",
                "manipulator.move-corrected dx=5um dy=-5um beam=ion",
                "manipulator.go name=EUCENTRIC dz=60um confirmed=true",
                "manipulator.retract",
            ]
            .map(str::to_owned)
            .to_vec()
        },
    },
];

/// Small stages at a current and a voltage that are not the column's own.
fn load(stages: usize) -> String {
    let stage = json!({
        "name": "dot",
        "milling": {"milling_current": 0.2e-9, "milling_voltage": 16e3, "application_file": "Si"},
        "pattern": {"name": "Rectangle", "width": 1e-6, "height": 0.5e-6, "depth": 50e-9},
        "strategy": {"name": "Standard", "config": {}},
    });
    let task = json!({
        "name": "dots", "field_of_view": 80e-6, "channel": "ION",
        "alignment": {"enabled": false},
        "acquisition": {"acquire_sem": false, "acquire_fib": false, "acquire_final_image": false},
        "stages": vec![stage; stages],
    });
    format!("milling.load task='{task}'")
}

/// A reference, alignments, a correction at an interval, pictures of both beams, and a trench that is milled with the stage tilted.
fn load_all() -> String {
    let milling = json!({"milling_current": 0.2e-9, "milling_voltage": 30e3, "application_file": "Si"});
    let small = json!({"resolution": [192, 128], "dwell_time": 2e-7, "hfw": 80e-6});
    let task = json!({
        "name": "all", "field_of_view": 80e-6, "channel": "ION",
        "alignment": {
            "enabled": true, "interval_enabled": true, "interval": 2, "steps": 1, "use_autocontrast": false,
            "rect": {"left": 0.0, "top": 0.0, "width": 1.0, "height": 1.0}, "imaging": small,
        },
        "acquisition": {"acquire_sem": true, "acquire_fib": true, "imaging": small},
        "stages": [
            {
                "name": "box", "milling": milling, "strategy": {"name": "Standard", "config": {}},
                "pattern": {"name": "Rectangle", "width": 1e-6, "height": 0.5e-6, "depth": 50e-9, "time": 3.0},
            },
            {
                "name": "tilted", "milling": milling,
                "strategy": {"name": "Overtilt", "config": {"overtilt": 1.0, "image_resolution": [192, 128]}},
                "pattern": {
                    "name": "Trench", "width": 1e-6, "depth": 50e-9, "spacing": 1e-6, "upper_trench_height": 0.5e-6,
                    "lower_trench_height": 0.5e-6,
                },
            },
        ],
    });
    format!("milling.load task='{task}'")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The red button as the act goes out.
    Stop,
    /// The red button while the act is under way.
    StopUnderWay,
    JobStop,
    JobStopUnderWay,
    /// The act fails before it goes out.
    Error,
    /// The instrument does not answer for a while.
    DeadLink,
    /// The workflow's own code fails before the act.
    Panic,
}

const TROUBLES: &[Trouble] = &[
    Trouble::Stop,
    Trouble::StopUnderWay,
    Trouble::JobStop,
    Trouble::JobStopUnderWay,
    Trouble::Error,
    Trouble::DeadLink,
    Trouble::Panic,
];

/// When an act is surely under way, if it takes any time.
const UNDER_WAY: Duration = Duration::from_millis(300);

impl Trouble {
    fn moment(self) -> Moment {
        match self {
            Trouble::Panic => Moment::Turn,
            _ => Moment::Intent,
        }
    }

    fn is_stop(self) -> bool {
        matches!(self, Trouble::Stop | Trouble::StopUnderWay)
    }

    fn strike(self, core: &Arc<Core>, link: &Link) -> Result<(), HalError> {
        match self {
            Trouble::Stop => link.stop(),
            Trouble::JobStop => drop(core.lanes.stop_job(None)),
            Trouble::StopUnderWay | Trouble::JobStopUnderWay => {
                let (core, link) = (core.clone(), link.clone());
                tokio::runtime::Handle::current().spawn(async move {
                    tokio::time::sleep(UNDER_WAY).await;
                    match self {
                        Trouble::StopUnderWay => link.stop(),
                        _ => drop(core.lanes.stop_job(None)),
                    }
                });
            }
            Trouble::Error => return Err(HalError::new(ErrorKind::Other, "it broke; nothing was sent", "mend it")),
            Trouble::DeadLink => {
                let world = lock(&core.world).clone().unwrap();
                world.set_faults(Faults::parse("- {at: 0, kind: dead-link, for: 2}").unwrap());
            }
            Trouble::Panic => panic!("injected"),
        }
        Ok(())
    }
}

/// Runs a work, with trouble at its act of that number (from 1), if any; how often each moment came.
async fn play(here: &Here, work: &Work, trouble: Option<(Trouble, usize)>) -> (usize, usize) {
    let counts = Arc::new(Mutex::new((0, 0)));
    let (counting, link) = (counts.clone(), here.link.clone());
    *lock(&here.core.trap) = Some(Box::new(move |core, moment| {
        let number = {
            let mut counts = lock(&counting);
            let count = if moment == Moment::Turn {
                &mut counts.0
            } else {
                &mut counts.1
            };
            *count += 1;
            *count
        };
        match trouble {
            Some((trouble, at)) if trouble.moment() == moment && number == at => trouble.strike(core, &link),
            _ => Ok(()),
        }
    }));
    for line in (work.lines)() {
        let ended = answered(here, &line, work.answers).await;
        if trouble.is_none() {
            ended.unwrap_or_else(|failure| panic!("{}: {line}: {failure}", work.name));
        } else if ended.is_err() {
            break;
        }
    }
    *lock(&here.core.trap) = None;
    *lock(&counts)
}

/// Runs a line to its end; each question gets the first of these answers that it offers. Whoever milled once has done.
async fn answered(here: &Here, line: &str, answers: &[&str]) -> Result<Value, Failure> {
    let mut ended = std::pin::pin!(here.run(line));
    let (mut last, mut milled) = (0, false);
    loop {
        tokio::select! {
            biased;
            result = &mut ended => return result,
            () = until(&here.link, |s| s.question.as_ref().is_some_and(|q| q.id > last)) => {
                let question = here.core.snapshot().question.clone().unwrap();
                let offered = |answer: &&&str| question.choices.iter().any(|(word, _)| word == **answer);
                let answer = answers.iter().filter(offered).find(|answer| !(milled && **answer == "mill"));
                let answer = *answer.unwrap_or_else(|| panic!("{line}: {question:?}"));
                (last, milled) = (question.id, milled || answer == "mill");
                let answer = crate::Command::new("answer").with("id", question.id).with("choice", answer);
                // the job may have ended meanwhile
                let _ = here.link.run(answer).await;
            }
        }
    }
}

async fn bench() -> Here {
    let here = Here::connected(|o| {
        o.instrument.gis.sputter_coater = true;
        o.instrument.twin.scene = "bulk".to_owned();
    })
    .await;
    for line in [
        "image.settings beam=electron resolution=192x128",
        "image.settings beam=ion resolution=192x128",
        "beam.shift dx=1um dy=-1um beam=ion",
    ] {
        here.run(line).await.unwrap();
    }
    here
}

async fn ion(here: &Here) -> BeamState {
    here.core.scope().unwrap().beam(Beam::Ion).await.unwrap().value
}

/// How the instrument stood before a work.
struct Before {
    ion: BeamState,
    pose: model::Pose,
}

impl Before {
    async fn of(here: &Here) -> Before {
        Before {
            ion: ion(here).await,
            pose: here.core.scope().unwrap().stage().await.unwrap().value.pose,
        }
    }
}

/// What the beams have done to the sample.
async fn dose(here: &Here) -> Value {
    let truth = here.run("truth").await.unwrap();
    json!([truth["dose_c"], truth["milling"], truth["deposits"]])
}

/// Nothing draws and nothing flows; what is in, warm or changed is offered to be put back.
async fn is_safe(here: &Here, work: &Work, before: &Before, stopped: bool, what: &str) {
    let scope = here.core.scope().unwrap();
    let snapshot = here.core.snapshot();
    assert!(snapshot.running().is_none(), "{what}: a job still runs");
    let owed = |word: &str| snapshot.owed.iter().any(|debt| debt.contains(word));
    let phase = scope.patterning().await.unwrap().value.phase;
    assert!(!phase.is_active(), "{what}: {phase:?}");
    let gas = scope.gas().await.unwrap().value;
    assert!(!gas.open() || owed("valve"), "{what}: {gas:?}");
    assert!(gas.sputtering.is_none(), "{what}: {gas:?}");
    for port in &gas.ports {
        assert!(
            !port.inserted || owed("injector"),
            "{what}: {gas:?} {:?}",
            snapshot.owed
        );
        assert!(!port.heater || owed("heater"), "{what}: {gas:?} {:?}", snapshot.owed);
    }
    let stage = scope.stage().await.unwrap().value;
    assert!(!stage.moving, "{what}: the stage moves");
    assert!(
        !work.whole || stage.pose.is_close(&before.pose, 1e-8) || owed("stage"),
        "{what}: the stage stands at {} and {:?} is owed",
        stage.pose,
        snapshot.owed
    );
    let needle = scope.manipulator().await.unwrap().value;
    assert!(!needle.moving, "{what}: the needle moves");
    assert!(
        !work.whole || !needle.inserted || owed("needle"),
        "{what}: the needle is in and {:?} is owed",
        snapshot.owed
    );
    let (now, before) = (ion(here).await, &before.ion);
    assert!(now.blanked || !stopped, "{what}: not blanked");
    assert!(
        (now.settings.beam_current, now.settings.voltage) == (before.settings.beam_current, before.settings.voltage)
            || owed("current"),
        "{what}: {now:?} {:?}",
        snapshot.owed
    );
    assert!(
        now.settings.shift == before.settings.shift || owed("beam shift"),
        "{what}: {now:?}"
    );
    if !gas.open() {
        let here_dose = dose(here).await;
        here.run("system.wait seconds=30").await.unwrap();
        assert_eq!(
            dose(here).await,
            here_dose,
            "{what}: something still acts on the sample"
        );
    }
    let truth = here.run("truth").await.unwrap();
    assert_eq!(truth["collisions"], 0, "{what}");
    assert_eq!(
        truth["needle"]["contact"],
        Value::Null,
        "{what}: the needle touches something"
    );
}

/// What was offered is put back, and the console works as before.
async fn goes_on(here: &Here, work: &Work, before: &Before, what: &str) {
    if !here.core.snapshot().owed.is_empty() {
        let restored = here.run("job.restore").await;
        assert!(restored.is_ok(), "{what}: {restored:?}");
    }
    assert_eq!(here.core.snapshot().owed, Vec::<String>::new(), "{what}");
    let scope = here.core.scope().unwrap();
    let gas = scope.gas().await.unwrap().value;
    assert!(
        !gas.open() && !gas.inserted() && gas.ports.iter().all(|p| !p.heater),
        "{what}: {gas:?}"
    );
    let (now, was) = (ion(here).await.settings, &before.ion.settings);
    assert_eq!(
        (now.beam_current, now.voltage, now.shift),
        (was.beam_current, was.voltage, was.shift),
        "{what}"
    );
    let pose = scope.stage().await.unwrap().value.pose;
    assert!(!work.whole || pose.is_close(&before.pose, 1e-8), "{what}: {pose}");
    assert!(
        !work.whole || !scope.manipulator().await.unwrap().value.inserted,
        "{what}: the needle is in"
    );
    for line in [
        "manipulator.retract",
        "stage.move-relative x=1um",
        "beam.blank beam=both",
    ] {
        let ended = here.run(line).await;
        assert!(ended.is_ok(), "{what}: {line}: {ended:?}");
    }
}

/// The troubles of one act of a work: all of them, or one, another at the next act.
fn troubles(work: &Work, number: usize) -> &'static [Trouble] {
    match work.every || std::env::var_os("FIBDECK_TROUBLES").is_some() {
        true => TROUBLES,
        false => std::slice::from_ref(&TROUBLES[number % TROUBLES.len()]),
    }
}

async fn at_every_act(work: &Work) {
    let here = bench().await;
    let (turns, intents) = play(&here, work, None).await;
    assert!(intents >= 3, "{}: {intents} acts", work.name);
    for number in 1..=turns.max(intents) {
        for &trouble in troubles(work, number) {
            let acts = match trouble.moment() {
                Moment::Turn => turns,
                Moment::Intent => intents,
            };
            if number > acts {
                continue;
            }
            let here = bench().await;
            let before = Before::of(&here).await;
            let what = format!("{}: {trouble:?} at act {number} of {acts}", work.name);
            play(&here, work, Some((trouble, number))).await;
            // what is to come later comes; a dead link answers again
            here.run("system.wait seconds=5").await.unwrap();
            is_safe(&here, work, &before, trouble.is_stop(), &what).await;
            goes_on(&here, work, &before, &what).await;
        }
    }
}

async fn named(name: &str) {
    at_every_act(WORKS.iter().find(|work| work.name == name).unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn milling_ends_safe_whatever_comes_at_any_act() {
    named("milling").await;
}

#[tokio::test(start_paused = true)]
async fn milling_with_alignment_pictures_intervals_and_tilts_ends_safe_whatever_comes_at_any_act() {
    named("milling with everything").await;
}

#[tokio::test(start_paused = true)]
async fn a_guided_procedure_ends_safe_whatever_comes_at_any_act() {
    named("guided needle").await;
}

#[tokio::test(start_paused = true)]
async fn deposition_ends_safe_whatever_comes_at_any_act() {
    named("deposition").await;
}

#[tokio::test(start_paused = true)]
async fn deposition_by_the_beam_ends_safe_whatever_comes_at_any_act() {
    named("deposition by the beam").await;
}

#[tokio::test(start_paused = true)]
async fn everything_else_ends_safe_whatever_comes_at_any_act() {
    for name in ["sputtering", "spot burn", "needle"] {
        named(name).await;
    }
}
