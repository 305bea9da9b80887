mod editing;
mod placing;
mod running;

use super::Milling;
use crate::effect::Effect;
use crate::sample::{NOON, press};
use crate::state::UiState;
use crate::tab::TabId;
use crate::widget::picture::fixture::{pictured, screen, state};
use engine::event::{Job, Plan};
use engine::{Command, Snapshot};
use model::capabilities::MillingCapabilities;
use model::{Beam, Point};
use pattern::{MillingRun, MillingStage, MillingTask, Pattern, StageRun, StageState};
use serde_json::json;

fn sent(effects: Vec<Effect>) -> Vec<Command> {
    effects
        .into_iter()
        .filter_map(|e| if let Effect::Send(c) = e { Some(c) } else { None })
        .collect()
}

/// The twin with pictures, able to mill; nothing is loaded.
fn empty() -> Snapshot {
    let mut s = pictured();
    s.connection.as_mut().unwrap().capabilities.milling = Some(MillingCapabilities {
        channels: vec![Beam::Ion],
        application_files: vec!["Si".to_owned(), "SiO2".to_owned()],
        pause: true,
        spot_burn: true,
        ..MillingCapabilities::default()
    });
    s
}

fn stage(name: &str, pattern: &str, current: f64, settings: &[(&str, &str)]) -> MillingStage {
    let mut stage = MillingStage {
        name: name.to_owned(),
        pattern: Pattern::named(pattern).unwrap(),
        ..MillingStage::default()
    };
    stage.milling.milling_current = current;
    for (key, value) in settings {
        stage.pattern.set(key, value).unwrap_or_else(|e| panic!("{e}"));
    }
    stage
}

fn lamella() -> MillingTask {
    MillingTask {
        name: "lamella".to_owned(),
        stages: vec![
            stage(
                "rough",
                "Trench",
                0.74e-9,
                &[("width", "20um"), ("spacing", "4um"), ("depth", "3um")],
            ),
            stage(
                "fine",
                "Trench",
                0.2e-9,
                &[("width", "16um"), ("spacing", "2um"), ("depth", "2um")],
            ),
            MillingStage {
                enabled: false,
                ..stage(
                    "polish",
                    "Rectangle",
                    60e-12,
                    &[("width", "14um"), ("height", "1um"), ("depth", "1um")],
                )
            },
        ],
        ..MillingTask::default()
    }
}

fn with(task: MillingTask) -> Snapshot {
    let mut s = empty();
    s.plan = Some(Plan {
        task,
        file: Some("lamella.yaml".to_owned()),
        notes: Vec::new(),
        estimate: 0.0,
    });
    s
}

fn running() -> Snapshot {
    let mut s = with(lamella());
    let run = |name: &str, state, fraction: f64| StageRun {
        name: name.to_owned(),
        state,
        fraction,
        beam_time: 100.0 * fraction,
        estimated: 100.0,
        ..StageRun::default()
    };
    s.milling = Some(MillingRun {
        task: "lamella".to_owned(),
        stages: vec![
            run("rough", StageState::Done, 1.0),
            run("fine", StageState::Milling, 0.61),
            run("polish", StageState::Off, 0.0),
        ],
        at: Some(1),
        doing: "milling".to_owned(),
        fraction: 0.72,
        remaining: 252.0,
        estimated: 900.0,
        dose: 178e-9,
        planned_dose: 0.25e-6,
        ..MillingRun::default()
    });
    s.jobs.push_back(Job {
        id: 9,
        command: Command::new("milling.run"),
        by: "console".to_owned(),
        title: "milling".to_owned(),
        started: NOON - 600.0,
        paused: false,
        progress: None,
        end: None,
    });
    s
}

fn milling(s: &Snapshot) -> UiState {
    state(TabId::Milling, s)
}

/// The task of the one `milling.load` among these effects.
fn loaded(effects: Vec<Effect>) -> MillingTask {
    match &sent(effects)[..] {
        [command] if command.name == "milling.load" => {
            engine::command::parse::check(command.clone()).unwrap_or_else(|e| panic!("{e}"));
            MillingTask::read(&command.args["task"]).unwrap().0
        }
        other => panic!("{other:?}"),
    }
}

/// The edit has reached the engine and come back.
fn settle(ui: &mut UiState, effects: Vec<Effect>, s: &mut Snapshot) {
    let command = sent(effects).remove(0);
    let id = ui.sent(&command);
    let task = MillingTask::read(&command.args["task"]).unwrap().0;
    if let Some(plan) = &mut s.plan {
        plan.task = task;
    }
    ui.ended(id, &Ok(json!(null)), s);
    ui.refresh(s);
}

fn close(a: Point, x: f64, y: f64) -> bool {
    (a.x - x).abs() < 1e-12 && (a.y - y).abs() < 1e-12
}

fn ui_says(ui: &UiState, s: &Snapshot, words: &str) -> bool {
    screen(ui, s, 160, 50).contains(words)
}

#[test]
fn screens() {
    let mut refused = lamella();
    refused.stages[0].pattern.put(Point { x: 70e-6, y: 0.0 });
    let cases = [
        ("empty", empty(), ""),
        ("stages", with(lamella()), "Shift-Tab"),
        ("form", with(lamella()), "Enter Down Down Enter"),
        ("running", running(), ""),
        ("refused", with(refused), ""),
        ("confirm", with(lamella()), "R"),
    ];
    for (name, s, keys) in &cases {
        for (width, height) in [(80, 24), (120, 40), (160, 50)] {
            let mut ui = milling(s);
            press(&mut ui, keys, s);
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), screen(&ui, s, width, height));
        }
    }
}

#[test]
fn every_size_can_be_drawn() {
    for (s, keys) in [
        (empty(), "a"),
        (with(lamella()), "Enter Right"),
        (running(), "b Enter"),
        (empty(), "B"),
        (with(lamella()), "s"),
    ] {
        let mut ui = milling(&s);
        press(&mut ui, keys, &s);
        for (width, height) in [
            (1, 1),
            (20, 5),
            (40, 10),
            (41, 11),
            (60, 15),
            (80, 24),
            (100, 30),
            (250, 80),
        ] {
            screen(&ui, &s, width, height);
        }
    }
}
