use crate::effect::Effect;
use crate::sample::{NOON, connected, press, shown, state};
use crate::state::UiState;
use crate::tab::TabId;
use engine::event::{Job, Progress, Question};
use engine::{Command, Snapshot};
use ratatui::layout::Rect;
use serde_json::{Value, json};

fn screen(ui: &UiState, s: &Snapshot, width: u16, height: u16) -> String {
    shown(&ui.draw(s, Rect::new(0, 0, width, height)))
}

fn item(id: u64, lamella: &str, task: &str, status: &str, times: (Option<f64>, Option<f64>)) -> Value {
    json!({
        "id": id, "lamella": lamella, "name": lamella, "task": task, "status": status, "estimate": 600.0,
        "started": times.0.map(|t| NOON + t), "ended": times.1.map(|t| NOON + t),
        "message": if status == "Failed" { "alignment unsure (0.41)" } else { "" }, "attempts": 1,
    })
}

fn lamella(name: &str, runs: &[(&str, &str, &str)], defect: (&str, &str)) -> Value {
    let history: Vec<Value> = runs
        .iter()
        .map(|(task, status, message)| {
            json!({ "task": task, "status": status, "message": message, "start": NOON - 1200.0, "end": NOON - 900.0 })
        })
        .collect();
    json!({
        "id": name, "name": name, "number": 1, "milling_angle": 15.0, "defect": defect.0, "note": defect.1,
        "stage": { "x": 0.0012, "y": -0.0003, "z": 0.004, "r": 0.0, "t": 0.30543 }, "task": "", "step": "milling Rough",
        "history": history, "own": {},
    })
}

/// Three lamellae: one done, one under way, one parked; six items in the queue.
fn experiment(running: bool) -> Value {
    let task = |name: &str, supervise: bool| json!({ "name": name, "task_type": "", "supervise": supervise, "required": true, "cuts": [] });
    let under_way = if running { "InProgress" } else { "NotStarted" };
    json!({
        "name": "yeast", "folder": "yeast", "protocol": "on-grid", "finish": NOON + 1500.0,
        "tasks": [task("Rough Milling", true), task("Polishing", false)],
        "lamellae": [
            lamella("01-calm-heron", &[("Rough Milling", "Completed", "Finished"), ("Polishing", "Completed", "Finished")], ("NONE", "")),
            lamella("02-wise-owl", &[("Rough Milling", "Completed", "Finished")], ("NONE", "")),
            lamella("03-shy-carp", &[("Rough Milling", "Failed", "alignment unsure (0.41)")], ("REWORK", "alignment unsure (0.41)")),
        ],
        "queue": { "next": 7, "version": 1, "items": [
            item(1, "01-calm-heron", "Rough Milling", "Completed", (Some(-1500.0), Some(-900.0))),
            item(2, "03-shy-carp", "Rough Milling", "Failed", (Some(-900.0), Some(-600.0))),
            item(3, "01-calm-heron", "Polishing", "Completed", (Some(-600.0), Some(-100.0))),
            item(4, "02-wise-owl", "Polishing", under_way, (running.then_some(-100.0), None)),
            item(5, "04-old-elk", "Rough Milling", "NotStarted", (None, None)),
            item(6, "04-old-elk", "Polishing", "NotStarted", (None, None)),
        ]},
    })
}

fn open(running: bool) -> Snapshot {
    let mut s = connected();
    s.experiment = Some(serde_json::from_value(experiment(running)).unwrap());
    if running {
        s.jobs.push_back(Job {
            id: 9,
            command: Command::new("queue.run"),
            by: "console".to_owned(),
            title: "queue.run".to_owned(),
            started: NOON - 1500.0,
            paused: false,
            progress: Some(Progress {
                fraction: Some(0.99),
                remaining: Some(1.0),
                text: "a picture".to_owned(),
            }),
            end: None,
        });
    }
    s
}

fn sent(effects: Vec<Effect>) -> Vec<String> {
    effects
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Send(command) => Some(format!("{} {}", command.name, Value::Object(command.args))),
            _ => None,
        })
        .collect()
}

#[test]
fn without_an_experiment_it_says_what_one_is_and_how_to_get_one() {
    let s = connected();
    let mut ui = state(TabId::Workflow, &s);
    let seen = screen(&ui, &s, 80, 24);
    assert!(seen.contains("No experiment is open"), "{seen}");
    press(&mut ui, "o", &s);
    assert!(screen(&ui, &s, 80, 24).contains("experiment.open path="));
}

#[test]
fn a_run_is_seen_at_a_glance_wide_and_narrow() {
    let s = open(true);
    let ui = state(TabId::Workflow, &s);
    for (width, height) in [(80, 24), (160, 50)] {
        insta::assert_snapshot!(format!("run_{width}x{height}"), screen(&ui, &s, width, height));
    }
    for (width, height) in [(1, 1), (20, 5), (40, 10), (104, 12), (300, 90)] {
        screen(&ui, &s, width, height);
    }
}

#[test]
fn the_status_line_tells_the_time_of_the_whole_run_and_not_of_a_picture_in_it() {
    let s = open(true);
    let seen = screen(&state(TabId::Workflow, &s), &s, 160, 50);
    let line = seen
        .lines()
        .find(|line| line.contains("Polishing on 02-wise-owl"))
        .unwrap();
    // 1800 of 3600 s are over and 100 s of the one under way; it ends in 25 minutes
    assert!(line.contains("53 %") && line.contains("25 min left, 14:27"), "{line}");
    // ten minutes later than its task was to end, all of it ends ten minutes later
    let mut late = s.clone();
    late.experiment.as_mut().unwrap().queue.items[3].started = Some(NOON - 1200.0);
    let seen = screen(&state(TabId::Workflow, &late), &late, 160, 50);
    assert!(
        seen.contains("35 min left, 14:37") && seen.contains("done at 14:37"),
        "{seen}"
    );
}

#[test]
fn a_lamella_that_asks_says_so_and_enter_opens_the_question() {
    let mut s = open(true);
    s.question = Some(Question {
        id: 4,
        job: 9,
        text: "mill these patterns?".to_owned(),
        detail: String::new(),
        choices: vec![("mill".to_owned(), "as shown".to_owned())],
        since: NOON,
    });
    let mut ui = state(TabId::Workflow, &s);
    let seen = screen(&ui, &s, 80, 24);
    assert!(seen.contains("ASKS: mill these patterns?"), "{seen}");
    let opened = press(&mut ui, "Enter", &s);
    assert!(
        opened.is_empty() && screen(&ui, &s, 80, 24).contains("as shown"),
        "{opened:?}"
    );
}

#[test]
fn keys_run_and_edit_the_queue_and_only_what_waits_can_be_moved() {
    let s = open(false);
    let mut ui = state(TabId::Workflow, &s);
    // asked about before it goes out
    press(&mut ui, "R", &s);
    assert!(screen(&ui, &s, 100, 30).contains("Run 3 tasks of yeast?"));
    press(&mut ui, "n", &s);
    press(&mut ui, "F", &s);
    assert!(screen(&ui, &s, 100, 30).contains("lamella.fail name=01-calm-heron note="));
    press(&mut ui, "Esc Tab End", &s);
    assert_eq!(sent(press(&mut ui, "<", &s)), [r#"queue.move {"id":6,"before":5}"#]);
    // the selection goes with it
    assert_eq!(sent(press(&mut ui, "x", &s)), [r#"queue.remove {"id":5}"#]);
    press(&mut ui, "Home", &s);
    assert_eq!(sent(press(&mut ui, "x", &s)), [""; 0], "what was done stays");
    assert_eq!(
        sent(press(&mut ui, "r", &s)),
        [r#"queue.add {"lamella":"01-calm-heron","task":"Rough Milling","to":"front"}"#]
    );
}

#[test]
fn a_lamella_whose_last_task_went_wrong_is_tried_again() {
    let s = open(false);
    let mut ui = state(TabId::Workflow, &s);
    assert_eq!(sent(press(&mut ui, "r", &s)), [""; 0], "its last task was completed");
    assert_eq!(
        sent(press(&mut ui, "End r", &s)),
        [r#"queue.add {"lamella":"03-shy-carp","task":"Rough Milling","to":"front"}"#]
    );
}

#[test]
fn the_selection_follows_what_begins_and_then_stays_with_the_person() {
    let s = open(true);
    let mut ui = state(TabId::Workflow, &s);
    assert!(screen(&ui, &s, 80, 24).contains("> 02-wise-owl"));
    press(&mut ui, "Up", &s);
    assert!(screen(&ui, &s, 80, 24).contains("> 01-calm-heron"));
}
