//! Leaving, stopping, and what is said about it.

use super::*;
use engine::event::{How, JobEnd};
use engine::snapshot::NoticeEntry;
use model::{ErrorKind, StopReport};

fn ended(mut s: Snapshot) -> Snapshot {
    s.jobs[0].end = Some(JobEnd {
        time: NOON,
        how: How::Stopped,
        failure: None,
    });
    s
}

#[test]
fn leaving_asks_only_when_a_job_would_end_with_it() {
    let (idle, busy) = (connected(), working());
    assert_eq!(press(&mut state(TabId::Log, &idle), "q", &idle), [Effect::Quit]);
    let mut ui = state(TabId::Log, &busy);
    assert_eq!(press(&mut ui, "q", &busy), []);
    assert_eq!(press(&mut ui, "y", &busy), [Effect::Quit]);
    let mut remote = desk("dark", false);
    remote.owns_engine = false;
    assert_eq!(
        press(&mut UiState::new(remote, TabId::Log, &busy), "q", &busy),
        [Effect::Quit],
        "it detaches"
    );
}

#[test]
fn leaving_right_after_a_yes_asks_although_the_job_has_not_begun() {
    let s = connected();
    let mut ui = state(TabId::Connection, &s);
    let effects = press(&mut ui, "B y", &s);
    let Effect::Send(command) = &effects[0] else {
        panic!("{effects:?}")
    };
    let id = ui.sent(command);
    assert_eq!(press(&mut ui, "q", &s), [], "it is under way");
    assert!(screen(&ui, &s, 80, 24).contains("beam.unblank"));
    press(&mut ui, "n", &s);
    ui.ended(id, &Ok(serde_json::Value::Null), &s);
    assert_eq!(press(&mut ui, "q", &s), [Effect::Quit]);

    let id = ui.sent(&Command::new("system.get").with("key", "hfw"));
    assert_eq!(press(&mut ui, "q", &s), [Effect::Quit], "a question changes nothing");
    ui.ended(id, &Ok(serde_json::Value::Null), &s);
}

#[test]
fn the_question_before_leaving_says_what_ends_and_what_stays_and_goes_with_the_job() {
    let s = working();
    let mut ui = state(TabId::Log, &s);
    press(&mut ui, "q", &s);
    let text = screen(&ui, &s, 120, 40);
    assert!(
        text.contains("plasma gas Argon") && text.contains("between two gases"),
        "{text}"
    );
    let after = ended(s.clone());
    ui.refresh(&after);
    assert!(!screen(&ui, &after, 120, 40).contains("Leave and end"));
    assert_eq!(press(&mut ui, "y", &after), [], "a late y leaves nothing");

    press(&mut ui, "q", &s);
    assert_eq!(press(&mut ui, "F12", &s), [Effect::Stop]);
    assert_eq!(press(&mut ui, "y", &s), [], "stop took the question away");
}

#[test]
fn a_yes_to_what_was_asked_before_stop_moves_nothing_after_it() {
    let s = connected();
    let mut ui = state(TabId::Connection, &s);
    press(&mut ui, "v", &s);
    assert_eq!(press(&mut ui, "Ctrl-x y", &s), [Effect::Stop]);
}

/// The message line.
fn message(ui: &UiState, s: &Snapshot) -> String {
    screen(ui, s, 120, 40)
        .lines()
        .rev()
        .nth(3)
        .unwrap_or_default()
        .to_owned()
}

fn stopped(s: &Snapshot, at_rest: bool) -> Snapshot {
    let mut s = ended(s.clone());
    s.notices.push_back(NoticeEntry {
        id: 1,
        time: NOON,
        notice: Notice::new(Severity::Warning, "what the engine says of stop"),
        seen: false,
    });
    s.stopped = Some(StopReport {
        sent: true,
        acts: Vec::new(),
        at_rest,
    });
    s
}

#[test]
fn stop_has_one_message_and_it_is_what_it_came_to() {
    let s = working();
    let failure = Failure::new(ErrorKind::Stopped, "plasma gas ended by stop", "look");
    for order in [["ended", "told"], ["told", "ended"]] {
        let mut ui = state(TabId::Connection, &s);
        let id = ui.sent(&s.jobs[0].command.clone());
        press(&mut ui, "F12", &s);
        assert!(message(&ui, &s).contains("STOP sent: waiting"), "{}", message(&ui, &s));
        let after = stopped(&s, true);
        for step in order {
            match step {
                "ended" => drop(ui.ended(id, &Err(failure.clone()), &s)),
                _ => ui.refresh(&after),
            }
        }
        let said = message(&ui, &after);
        assert!(said.contains("✓ STOPPED: the stage is at rest"), "{order:?}: {said}");
        assert!(
            said.contains("SEM is NOT blanked"),
            "what the beams say is said: {said}"
        );
        press(&mut ui, "N", &after);
        let log = screen(&ui, &after, 120, 40);
        assert!(log.contains("plasma gas ended by stop") && log.contains("what the engine says of stop"));
    }
}

#[test]
fn what_a_stopped_job_left_is_said_with_the_way_back_also_in_80_columns() {
    let mut after = stopped(&working(), true);
    after.owed = ["the valve", "the heater", "the gas injector"]
        .map(str::to_owned)
        .into();
    let mut ui = state(TabId::Connection, &after);
    ui.refresh(&after);
    assert!(screen(&ui, &after, 80, 24).contains("NOT blanked; :job.restore puts"));
    let whole = screen(&ui, &after, 160, 50);
    assert!(
        whole.contains("puts back the valve, the heater, the gas injector"),
        "{whole}"
    );
}

#[test]
fn a_stop_that_is_not_confirmed_is_no_stop() {
    let s = working();
    let mut ui = state(TabId::Connection, &s);
    press(&mut ui, "F12", &s);
    let after = stopped(&s, false);
    ui.refresh(&after);
    assert!(message(&ui, &after).contains("‼ STOP IS NOT CONFIRMED"));
}

#[test]
fn a_job_that_was_stopped_alone_says_so() {
    let s = working();
    let mut ui = state(TabId::Connection, &s);
    let id = ui.sent(&s.jobs[0].command.clone());
    let failure = Failure::new(ErrorKind::Stopped, "stopped by job.stop", "start it again");
    ui.ended(id, &Err(failure), &ended(s.clone()));
    assert!(message(&ui, &s).contains("stopped by job.stop"));
}

#[test]
fn an_action_is_done_from_the_palette_as_by_its_key() {
    let s = connected();
    let mut ui = state(TabId::Connection, &s);
    press(&mut ui, ":", &s);
    type_text(&mut ui, "next-theme", &s);
    let effects = press(&mut ui, "Enter", &s);
    assert!(effects.contains(&Effect::NextTheme), "{effects:?}");
    press(&mut ui, ":", &s);
    type_text(&mut ui, "vent", &s);
    let none: [&str; 0] = [];
    assert_eq!(sends(&press(&mut ui, "Enter", &s)), none, "asked about, as by its key");
    assert!(screen(&ui, &s, 80, 24).contains("Vent the chamber?"));
    press(&mut ui, "n :", &s);
    type_text(&mut ui, "stop", &s);
    assert!(press(&mut ui, "Enter", &s).contains(&Effect::Stop));
}

#[test]
fn leaving_while_gas_flows_says_what_becomes_of_it() {
    let mut s = crate::sample::handy();
    s.gas.as_mut().unwrap().value.ports[0].open = true;
    let mut ui = state(TabId::Log, &s);
    assert_eq!(press(&mut ui, "q", &s), []);
    let text = screen(&ui, &s, 80, 24);
    assert!(
        text.contains("gas flows from Multichem") && text.contains("valve is closed"),
        "{text}"
    );
    assert_eq!(press(&mut ui, "y", &s), [Effect::Quit]);
}
