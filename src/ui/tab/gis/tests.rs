use crate::effect::Effect;
use crate::sample::{NOON, handy, press, shown, state, type_text};
use crate::state::UiState;
use crate::tab::TabId;
use engine::event::{Job, Progress};
use engine::{Command, Snapshot};
use model::capabilities::{GasPortCapabilities, MillingCapabilities};
use model::{GasPortState, StagePosition};
use ratatui::layout::Rect;
use serde_json::json;

fn gis(s: &Snapshot) -> UiState {
    state(TabId::Gis, s)
}

fn screen(ui: &UiState, s: &Snapshot, width: u16, height: u16) -> String {
    shown(&ui.draw(s, Rect::new(0, 0, width, height)))
}

fn sent(effects: Vec<Effect>) -> Vec<Command> {
    effects
        .into_iter()
        .filter_map(|e| if let Effect::Send(c) = e { Some(c) } else { None })
        .collect()
}

/// The multichem of the sample while it does this.
fn gas(change: impl Fn(&mut GasPortState)) -> Snapshot {
    let mut s = handy();
    change(&mut s.gas.as_mut().unwrap().value.ports[0]);
    s
}

fn warming(s: &mut GasPortState) {
    s.inserted = true;
    s.position = Some("Electron Default".to_owned());
    s.gas = Some("Pt cryo".to_owned());
    s.heater = true;
    s.temperature = 297.4;
}

fn running(mut s: Snapshot, fraction: Option<f64>, text: &str) -> Snapshot {
    s.jobs.push_back(Job {
        id: 9,
        command: Command::new("gis.deposit").with("gas", "Pt cryo").with("time", 30.0),
        by: "console".to_owned(),
        title: "gis.deposit".to_owned(),
        started: NOON - 20.0,
        paused: false,
        progress: Some(Progress {
            fraction,
            remaining: fraction.map(|f| 30.0 * (1.0 - f)),
            text: text.to_owned(),
        }),
        end: None,
    });
    s
}

fn flowing() -> Snapshot {
    let s = gas(|port| {
        warming(port);
        port.temperature = 318.0;
        port.open = true;
    });
    running(s, Some(0.4), "gas flows from Multichem")
}

/// A standard system: a port per gas, no positions, no coater.
fn single_ports() -> Snapshot {
    let mut s = handy();
    let caps = s.connection.as_mut().unwrap().capabilities.gas.as_mut().unwrap();
    caps.multichem = false;
    caps.sputter_coater = false;
    caps.ports = [("Port 1", "Pt"), ("Port 2", "C")]
        .map(|(port, gas)| GasPortCapabilities {
            port: port.to_owned(),
            gases: vec![gas.to_owned()],
            positions: Vec::new(),
            heater: port == "Port 1",
        })
        .to_vec();
    s.gas.as_mut().unwrap().value.ports = ["Port 1", "Port 2"]
        .map(|port| GasPortState {
            port: port.to_owned(),
            temperature: 293.0,
            ..GasPortState::default()
        })
        .to_vec();
    s
}

/// With an instrument that mills, and a task of one rectangle.
fn planned() -> Snapshot {
    let mut s = handy();
    s.connection.as_mut().unwrap().capabilities.milling = Some(MillingCapabilities::default());
    let stage = json!({
        "name": "cap", "pattern": { "name": "Rectangle", "width": 1e-5, "height": 2e-6, "depth": 1e-6 },
        "milling": { "milling_current": 7.4e-10 },
    });
    let task = json!({ "name": "weld", "stages": [stage] });
    let (mut tasks, _) = pattern::MillingTask::read_all(&task).unwrap();
    s.plan = Some(engine::event::Plan {
        task: tasks.remove(0).1,
        file: None,
        notes: Vec::new(),
        estimate: 95.0,
    });
    s
}

#[test]
fn a_deposition_is_asked_about_step_by_step_and_enter_is_no_yes() {
    let mut s = handy();
    s.positions = vec![StagePosition {
        name: Some("grid-1".to_owned()),
        ..StagePosition::default()
    }];
    let mut ui = gis(&s);
    assert_eq!(press(&mut ui, "d", &s), []);
    let text = screen(&ui, &s, 120, 40);
    for said in [
        "1 stage down by 1.00 mm",
        "2 insert Multichem to Electron Default",
        "3 heat Pt cryo to 300 K, now 293 K",
        "4 gas flows over the sample for 30.0 s",
        "5 close the valve",
        "6 stage back",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    assert_eq!(sent(press(&mut ui, "Enter Space Enter", &s)), []);
    let command = Command::new("gis.deposit").with("time", 30.0).with("lower", 1e-3);
    assert_eq!(sent(press(&mut ui, "y", &s)), [command]);
}

#[test]
fn the_form_is_the_commands() {
    let mut s = handy();
    s.positions = vec![StagePosition {
        name: Some("grid-1".to_owned()),
        ..StagePosition::default()
    }];
    let mut ui = gis(&s);
    press(&mut ui, "Enter Down Tab Down Tab", &s);
    type_text(&mut ui, "45 s", &s);
    press(&mut ui, "Tab", &s);
    type_text(&mut ui, "0", &s);
    press(&mut ui, "Tab Down Enter d", &s);
    let command = Command::new("gis.deposit")
        .with("gas", "Pt dep")
        .with("position", "Ion Default")
        .with("time", 45.0)
        .with("lower", 0.0)
        .with("name", "grid-1");
    assert_eq!(sent(press(&mut ui, "y", &s)), [command]);
    s.positions.clear();
    ui.refresh(&s);
    press(&mut ui, "d", &s);
    let sent = sent(press(&mut ui, "y", &s)).remove(0);
    assert!(
        !sent.args.contains_key("name"),
        "a position that is gone is not gone to"
    );
}

#[test]
fn single_ports_choose_a_port_and_have_neither_position_nor_coater() {
    let s = single_ports();
    let mut ui = gis(&s);
    let text = screen(&ui, &s, 120, 40);
    assert!(
        text.contains("Port 2") && !text.contains("inserted to") && !text.contains("sputter"),
        "{text}"
    );
    press(&mut ui, "Enter Down Enter d", &s);
    let text = screen(&ui, &s, 120, 40);
    assert!(
        text.contains("2 insert Port 2") && !text.contains("3 heat"),
        "it has no heater\n{text}"
    );
    let command = Command::new("gis.deposit")
        .with("port", "Port 2")
        .with("time", 30.0)
        .with("lower", 1e-3);
    assert_eq!(sent(press(&mut ui, "y", &s)), [command]);
    assert_eq!(press(&mut ui, "s y", &s), [], "there is no coater");
}

#[test]
fn coating_is_asked_about() {
    let s = handy();
    let mut ui = gis(&s);
    assert_eq!(press(&mut ui, "s", &s), []);
    assert!(screen(&ui, &s, 80, 24).contains("2 coat for 60.0 s"));
    assert_eq!(
        sent(press(&mut ui, "y", &s)),
        [Command::new("gis.sputter").with("seconds", 60.0)]
    );
}

#[test]
fn deposition_at_a_pattern_names_the_task_and_without_one_nothing_is_sent() {
    let mut s = planned();
    let mut ui = gis(&s);
    assert!(screen(&ui, &s, 120, 40).contains("milling task `weld`"));
    assert_eq!(press(&mut ui, "p", &s), []);
    let text = screen(&ui, &s, 120, 40);
    assert!(text.contains("Deposit at the patterns of `weld`?"), "{text}");
    assert!(text.contains("draw cap with 0.74 nA, ion beam"), "{text}");
    assert_eq!(sent(press(&mut ui, "y", &s)), [Command::new("gis.pattern")]);
    s.plan = None;
    assert_eq!(sent(press(&mut ui, "p y", &s)), []);
    assert!(screen(&ui, &s, 120, 40).contains("no milling task is loaded"));
}

#[test]
fn what_is_not_at_rest_is_in_the_status_at_every_size() {
    for (w, h) in [(80, 24), (120, 40), (200, 50), (60, 20), (30, 9)] {
        let s = flowing();
        let text = screen(&state(TabId::Log, &s), &s, w, h);
        assert!(
            text.contains("NEEDLE IN") && text.contains("GAS OPEN"),
            "{w}x{h}\n{text}"
        );
        let mut s = handy();
        s.needle.as_mut().unwrap().value.inserted = false;
        let text = screen(&state(TabId::Log, &s), &s, w, h);
        assert!(!text.contains("NEEDLE") && !text.contains("GAS"), "{w}x{h}\n{text}");
    }
}

#[test]
fn a_deposition_under_way_can_be_stopped_from_here() {
    let s = flowing();
    let mut ui = gis(&s);
    let keys = screen(&ui, &s, 80, 24).lines().last().unwrap().to_owned();
    assert!(keys.contains("X stop job") && !keys.contains("d deposit"), "{keys}");
    let id = s.running().unwrap().id;
    assert_eq!(sent(press(&mut ui, "X", &s)), [Command::new("job.stop").with("id", id)]);
    let idle = handy();
    assert_eq!(sent(press(&mut gis(&idle), "X", &idle)), []);
}

#[test]
fn screens() {
    let snapshots = [
        ("cold", planned()),
        (
            "warming",
            running(gas(warming), None, "Multichem warms up: 297 K of 300 K"),
        ),
        ("flowing", flowing()),
        ("single", single_ports()),
    ];
    for (name, s) in &snapshots {
        for (w, h) in [(80, 24), (120, 40)] {
            insta::assert_snapshot!(format!("{name}_{w}x{h}"), screen(&gis(s), s, w, h));
        }
    }
}

#[test]
fn any_size_can_be_drawn() {
    for s in [
        flowing(),
        planned(),
        crate::sample::connected(),
        crate::sample::disconnected(),
    ] {
        for width in [1, 20, 41, 99, 101, 250] {
            for height in [1, 11, 27, 60] {
                screen(&gis(&s), &s, width, height);
            }
        }
    }
}

#[test]
fn what_was_left_in_is_offered_to_be_taken_out_and_goes_at_once() {
    let s = gas(warming);
    let mut ui = gis(&s);
    let offered = |ui: &UiState, s: &Snapshot| screen(ui, s, 120, 40).contains("R retract");
    assert!(offered(&ui, &s));
    assert_eq!(sent(press(&mut ui, "R", &s)), [Command::new("gis.retract")]);
    let out = handy();
    assert!(!offered(&gis(&out), &out), "nothing is in");
}
