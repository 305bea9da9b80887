//! Trouble at every act of every kind of job that touches the sample: whatever comes, and wherever, the job ends safe.
//!
//! A clean run counts the acts of a job; then it is run again for every act and every row of [`TROUBLES`]. To add a job: a row of
//! [`WORKS`]; to add a trouble: a row and its arm in [`Trap`].

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
}

const WORKS: &[Work] = &[
    Work {
        name: "milling",
        lines: || vec![load(2), "milling.run".to_owned()],
    },
    Work {
        name: "deposition",
        lines: || vec!["gis.deposit time=2s lower=0.1mm".to_owned()],
    },
    Work {
        name: "deposition by the beam",
        lines: || vec![load(1), "gis.pattern gas=\"Pt dep\"".to_owned()],
    },
    Work {
        name: "sputtering",
        lines: || vec!["gis.sputter seconds=5s".to_owned()],
    },
    Work {
        name: "spot burn",
        lines: || vec!["milling.spot-burn points=0.4,0.5;0.6,0.5 exposure_time=2s milling_current=20pA".to_owned()],
    },
    Work {
        name: "needle",
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
        let ended = here.run(&line).await;
        if trouble.is_none() {
            ended.unwrap_or_else(|failure| panic!("{}: {line}: {failure}", work.name));
        } else if ended.is_err() {
            break;
        }
    }
    *lock(&here.core.trap) = None;
    *lock(&counts)
}

async fn bench() -> Here {
    let here = Here::connected(|o| {
        o.instrument.gis.sputter_coater = true;
        o.instrument.twin.scene = "bulk".to_owned();
    })
    .await;
    here.run("beam.shift dx=1um dy=-1um beam=ion").await.unwrap();
    here
}

async fn ion(here: &Here) -> BeamState {
    here.core.scope().unwrap().beam(Beam::Ion).await.unwrap().value
}

/// What the beams have done to the sample.
async fn dose(here: &Here) -> Value {
    let truth = here.run("truth").await.unwrap();
    json!([truth["dose_c"], truth["milling"], truth["deposits"]])
}

/// Nothing draws and nothing flows; what is in, warm or changed is offered to be put back.
async fn is_safe(here: &Here, before: &BeamState, stopped: bool, what: &str) {
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
    let now = ion(here).await;
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
    assert_eq!(here.run("truth").await.unwrap()["collisions"], 0, "{what}");
}

/// What was offered is put back, and the console works as before.
async fn goes_on(here: &Here, before: &BeamState, what: &str) {
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
    let now = ion(here).await.settings;
    assert_eq!(
        (now.beam_current, now.voltage, now.shift),
        (
            before.settings.beam_current,
            before.settings.voltage,
            before.settings.shift
        ),
        "{what}"
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

async fn at_every_act(work: &Work) {
    let here = bench().await;
    let (turns, intents) = play(&here, work, None).await;
    assert!(intents >= 3, "{}: {intents} acts", work.name);
    for trouble in TROUBLES {
        let acts = if trouble.moment() == Moment::Turn {
            turns
        } else {
            intents
        };
        for number in 1..=acts {
            let here = bench().await;
            let before = ion(&here).await;
            let what = format!("{}: {trouble:?} at act {number} of {acts}", work.name);
            play(&here, work, Some((*trouble, number))).await;
            // what is to come later comes; a dead link answers again
            here.run("system.wait seconds=5").await.unwrap();
            is_safe(&here, &before, trouble.is_stop(), &what).await;
            goes_on(&here, &before, &what).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn milling_ends_safe_whatever_comes_at_any_act() {
    at_every_act(&WORKS[0]).await;
}

#[tokio::test(start_paused = true)]
async fn deposition_ends_safe_whatever_comes_at_any_act() {
    at_every_act(&WORKS[1]).await;
}

#[tokio::test(start_paused = true)]
async fn deposition_by_the_beam_ends_safe_whatever_comes_at_any_act() {
    at_every_act(&WORKS[2]).await;
}

#[tokio::test(start_paused = true)]
async fn everything_else_ends_safe_whatever_comes_at_any_act() {
    for work in &WORKS[3..] {
        at_every_act(work).await;
    }
}
