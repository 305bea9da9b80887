use super::*;
use crate::experiment::{DefectKind, TaskState};
use crate::names;
use crate::protocol::{TaskConfig, kind};
use model::MicroscopeState;

fn state() -> MicroscopeState {
    serde_json::from_value(serde_json::json!({ "timestamp": 0.0, "stage_position": {} })).unwrap()
}

/// Two tasks, the second after the first, and so many lamellae.
fn papers(lamellae: usize) -> (Experiment, Protocol, tempfile::TempDir) {
    let mut protocol = Protocol::new("p", "");
    for (name, kind, requires) in [
        ("Rough", "MILL_ROUGH", vec![]),
        ("Polish", "MILL_POLISHING", vec!["Rough"]),
    ] {
        protocol.tasks.insert(name, TaskConfig::new(kind::row(kind).unwrap()));
        protocol
            .workflow
            .tasks
            .push(crate::protocol::Step::new(name, false, &requires));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut experiment = Experiment::new(folder.path(), "e", &names::identity(&["e"]), 0.0);
    for n in 0..lamellae {
        let name = ((b'a' + n as u8) as char).to_string();
        experiment.add(&protocol, Some(&name), state(), "s").unwrap();
    }
    (experiment, protocol, folder)
}

fn words(queue: &Queue) -> Vec<String> {
    queue
        .pending()
        .map(|item| format!("{}{}", item.task.chars().next().unwrap(), item.name))
        .collect()
}

fn complete(experiment: &mut Experiment, lamella: &str, task: &str) {
    let state = TaskState {
        name: task.to_owned(),
        status: Status::Completed,
        ..TaskState::default()
    };
    experiment.lamella_mut(lamella).unwrap().history.push(state);
}

#[test]
fn a_plan_goes_task_by_task_or_lamella_by_lamella_and_leaves_out_what_is_done() {
    let (mut experiment, protocol, _folder) = papers(2);
    let plan = |experiment: &Experiment, choice: Choice| Queue::plan(experiment, &protocol, &choice);
    assert_eq!(
        words(&plan(&experiment, Choice::default()).unwrap()),
        ["Ra", "Rb", "Pa", "Pb"]
    );
    let by_lamella = Choice {
        order: Order::Lamella,
        ..Choice::default()
    };
    assert_eq!(words(&plan(&experiment, by_lamella).unwrap()), ["Ra", "Pa", "Rb", "Pb"]);
    complete(&mut experiment, "a", "Rough");
    assert_eq!(
        words(&plan(&experiment, Choice::default()).unwrap()),
        ["Rb", "Pa", "Pb"]
    );
    let again = Choice {
        again: true,
        tasks: Some(vec!["Rough".to_owned()]),
        ..Choice::default()
    };
    assert_eq!(words(&plan(&experiment, again).unwrap()), ["Ra", "Rb"]);
    experiment
        .lamella_mut("b")
        .unwrap()
        .mark(DefectKind::Failure, "cracked", 1.0);
    assert_eq!(words(&plan(&experiment, Choice::default()).unwrap()), ["Pa"]);
    let unknown = Choice {
        lamellae: Some(vec!["z".to_owned()]),
        ..Choice::default()
    };
    assert_eq!(
        plan(&experiment, unknown).unwrap_err().to_string(),
        "there is no lamella `z`: there are a, b"
    );
}

#[test]
fn what_comes_next_waits_for_its_hour_and_skips_what_cannot_be_done() {
    let (mut experiment, mut protocol, _folder) = papers(2);
    let zone = TimeZone::UTC;
    let mut queue = Queue::plan(&experiment, &protocol, &Choice::default()).unwrap();
    assert_eq!(queue.next(&experiment, &protocol, 0.0, &zone), Next::Run(1));
    // fails twice: once more after the first, parked after the second
    queue.begin(1, 0.0);
    assert!(queue.end(1, Status::Failed, "no match", 5.0, 2));
    assert_eq!(queue.next(&experiment, &protocol, 5.0, &zone), Next::Run(1));
    queue.begin(1, 5.0);
    assert!(!queue.end(1, Status::Failed, "no match", 9.0, 2));
    queue.park(&experiment.lamella("a").unwrap().id.clone(), "no match", 9.0);
    assert_eq!(queue.next(&experiment, &protocol, 9.0, &zone), Next::Run(2));
    queue.begin(2, 9.0);
    queue.end(2, Status::Completed, "", 20.0, 2);
    // its history was not written: the next one is not done on faith
    assert_eq!(queue.clone().next(&experiment, &protocol, 20.0, &zone), Next::Nothing);
    complete(&mut experiment, "b", "Rough");
    protocol.workflow.tasks[1].scheduled_at = Some("1970-01-01T01:00:00".to_owned());
    assert_eq!(queue.next(&experiment, &protocol, 20.0, &zone), Next::Wait(3600.0));
    assert_eq!(queue.next(&experiment, &protocol, 3600.0, &zone), Next::Run(4));
    let told: Vec<(Status, &str)> = queue.items.iter().map(|i| (i.status, i.message.as_str())).collect();
    assert_eq!(told[0], (Status::Failed, "no match"));
    assert_eq!(told[2], (Status::Skipped, "no match"));
    experiment.lamellae.retain(|l| l.name != "b");
    assert_eq!(queue.next(&experiment, &protocol, 3600.0, &zone), Next::Nothing);
    assert!(queue.items[3].message.contains("no longer"), "{:?}", queue.items[3]);
}

#[test]
fn what_waits_is_edited_while_it_runs_and_nothing_else_is() {
    let (experiment, protocol, _folder) = papers(2);
    let mut queue = Queue::plan(&experiment, &protocol, &Choice::default()).unwrap();
    queue.begin(1, 0.0);
    assert_eq!(queue.shift(1, Place::End), Err(Refused::NotPending(1)));
    assert_eq!(queue.remove(9), Err(Refused::NotFound(9)));
    assert_eq!(queue.shift(2, Place::After(2)), Err(Refused::Itself));
    assert_eq!(queue.shift(2, Place::Before(1)), Err(Refused::NotPending(1)));
    let version = queue.version;
    queue.shift(2, Place::After(3)).unwrap();
    assert_eq!(words(&queue), ["Pa", "Rb", "Pb"]);
    queue.shift(4, Place::Front).unwrap();
    assert_eq!(words(&queue), ["Pb", "Pa", "Rb"]);
    queue.remove(3).unwrap();
    assert_eq!(queue.remove(3), Err(Refused::NotPending(3)));
    let id = queue
        .add(experiment.lamella("a").unwrap(), "Rough", Place::Before(2))
        .unwrap();
    assert_eq!((words(&queue), id), (vec!["Pb".into(), "Ra".into(), "Rb".into()], 5));
    assert_eq!(queue.version, version + 4);
    assert_eq!(queue.running().unwrap().id, 1);
}

#[test]
fn the_finish_counts_what_is_under_way_what_waits_and_the_hour() {
    let (experiment, mut protocol, _folder) = papers(1);
    let mut queue = Queue::plan(&experiment, &protocol, &Choice::default()).unwrap();
    for item in &mut queue.items {
        item.estimate = Some(100.0);
    }
    let zone = TimeZone::UTC;
    assert_eq!(queue.finish(&protocol, 1000.0, &zone), Some(1200.0));
    queue.begin(1, 1000.0);
    assert_eq!(queue.finish(&protocol, 1030.0, &zone), Some(1200.0));
    protocol.workflow.tasks[1].scheduled_at = Some("1970-01-01T01:00:00".to_owned());
    assert_eq!(queue.finish(&protocol, 1030.0, &zone), Some(3700.0));
    queue.end(1, Status::Completed, "", 1100.0, 1);
    queue.remove(2).unwrap();
    assert_eq!(queue.finish(&protocol, 1100.0, &zone), None);
}

#[test]
fn after_a_crash_the_lamellae_say_what_was_completed_and_the_rest_waits() {
    let (mut experiment, protocol, _folder) = papers(3);
    // once before this queue was made
    complete(&mut experiment, "b", "Rough");
    let again = Choice {
        again: true,
        ..Choice::default()
    };
    let mut queue = Queue::plan(&experiment, &protocol, &again).unwrap();
    assert_eq!(words(&queue), ["Ra", "Rb", "Rc", "Pa", "Pb", "Pc"]);
    queue.begin(1, 100.0);
    let since = |experiment: &mut Experiment, lamella: &str, start: f64| {
        complete(experiment, lamella, "Rough");
        let run = experiment.lamella_mut(lamella).unwrap().history.last_mut().unwrap();
        (run.start_timestamp, run.end_timestamp) = (start, Some(start + 5.0));
    };
    let mut nothing = queue.clone();
    nothing.catch_up(&experiment, 90.0);
    assert_eq!(
        words(&nothing),
        ["Ra", "Rb", "Rc", "Pa", "Pb", "Pc"],
        "what was begun waits again"
    );
    // its end, and all of the third one's, were not written down in the queue
    since(&mut experiment, "a", 100.0);
    since(&mut experiment, "c", 110.0);
    queue.catch_up(&experiment, 90.0);
    assert_eq!(words(&queue), ["Rb", "Pa", "Pb", "Pc"]);
    assert_eq!(queue.item(1).unwrap().ended, Some(105.0));
}
