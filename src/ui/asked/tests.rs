use super::*;
use crate::sample::{connected, state};
use crate::tab::TabId;
use engine::Snapshot;

/// The question with options of this length (m) and angle (rad).
fn ask_beyond(command: &Command, s: &Snapshot, length: f64, angle: f64) -> Option<Ask> {
    let mut ui = state(TabId::Log, s);
    ui.desk.options.ask_beyond_length = length;
    ui.desk.options.ask_beyond_angle = angle;
    before(command, &ui.desk.cx(s))
}

fn ask(command: &Command, s: &Snapshot) -> Option<Ask> {
    before(command, &state(TabId::Log, s).desk.cx(s))
}

#[test]
fn every_asked_command_exists() {
    for row in ASKED {
        assert!(rows().any(|r| r.name == row.command), "{}", row.command);
    }
}

#[test]
fn what_brings_a_beam_or_a_long_way_is_asked_about() {
    for s in [Snapshot::default(), connected()] {
        let asked = |line: &str| ask(&engine::command::parse::line(line).unwrap(), &s).is_some();
        assert!(asked("beam.on beam=electron"));
        assert!(asked("beam.unblank beam=ion"));
        assert!(asked("beam.unblank beam=both"));
        assert!(!asked("beam.unblank beam=electron"));
        assert!(!asked("beam.off beam=both") && !asked("beam.blank beam=both"));
        assert!(asked("stage.move-relative x=2mm"));
        assert!(asked("stage.move-relative t=0.2"));
        assert!(!asked("stage.move-relative x=20um"));
        assert!(asked("system.set key=on value=true beam=ion"));
        assert!(asked("system.set key=vent_chamber value=true"));
        assert!(!asked("system.set key=hfw value=1e-4"));
    }
}

#[test]
fn every_move_by_an_amount_is_asked_about_from_the_same_length_on() {
    let s = connected();
    let moves = [
        "stage.move-relative x=60um y=80um",
        "stage.stable-move dx=100um beam=electron",
        "stage.stable-move dx=-100um beam=ion",
        "stage.vertical-move dx=100um exact=true",
        "stage.center-on x=60um y=80um",
        "stage.jog dx=100um",
        "stage.jog axis=z step=-100e-6",
    ];
    for line in moves {
        let command = engine::command::parse::line(line).unwrap();
        assert_eq!(ask(&command, &s), None, "{line}");
        let asked = ask_beyond(&command, &s, 99e-6, 0.1).unwrap_or_else(|| panic!("{line}"));
        assert!(asked.lines.iter().any(|l| l.starts_with("to  x ")), "{line}: {asked:?}");
    }
    for line in ["stage.move-relative r=5deg", "stage.jog axis=t step=-0.0872664625997"] {
        let command = engine::command::parse::line(line).unwrap();
        assert_eq!(ask(&command, &s), None, "{line}: just the limit");
        assert!(ask_beyond(&command, &s, 1.0, 0.08).is_some(), "{line}");
    }
}

#[test]
fn a_question_says_where_a_move_ends_and_whether_it_can() {
    let s = connected();
    let lines = |line: &str| ask(&engine::command::parse::line(line).unwrap(), &s).unwrap().lines;
    let said = lines("stage.move-relative x=2mm t=-10deg");
    assert_eq!(
        said[..3],
        [
            "x by 2.00 mm",
            "t by -10.0 deg",
            "to  x 2.0000 y 0.0000 z 4.0000 mm, r 0.0 t 25.0 deg"
        ]
    );
    assert!(said[3].starts_with("now x 0.0000"), "{said:?}");
    let said = lines("stage.move-relative x=60mm");
    assert!(said.iter().any(|l| l.starts_with("It will be refused: x")), "{said:?}");
}

#[test]
fn the_question_before_venting_says_what_would_refuse_it() {
    let mut s = connected();
    let vent = Command::new("chamber.vent");
    let says = |s: &Snapshot, words: &str| {
        let lines = ask(&vent, s).unwrap().lines;
        assert!(lines.iter().any(|line| line.contains(words)), "{lines:?}");
    };
    says(&s, "refused: both beams are on");
    s.ion.as_mut().unwrap().value.on = false;
    says(&s, "refused: SEM is on");
    s.electron.as_mut().unwrap().value.on = false;
    says(&s, "No beam is on");
}

#[test]
fn a_run_of_the_queue_says_what_how_long_and_whether_somebody_is_asked() {
    let mut s = connected();
    let asked = |line: &str, s: &Snapshot| {
        let ask = ask(&engine::command::parse::line(line).unwrap(), s).unwrap();
        [&[ask.title][..], &ask.lines].concat().join("\n")
    };
    assert!(asked("queue.run", &s).contains("no experiment is open"));
    let item = |id: u32, name: &str, task: &str, status: &str| {
        serde_json::json!({
            "id": id, "lamella": name, "name": name, "task": task, "status": status, "estimate": 600.0,
        })
    };
    let items = [
        item(1, "01-calm-heron", "Rough Milling", "Completed"),
        item(2, "01-calm-heron", "Polishing", "NotStarted"),
        item(3, "02-wise-owl", "Rough Milling", "NotStarted"),
        item(4, "02-wise-owl", "Polishing", "NotStarted"),
    ];
    let cuts = |current: f64, depth: f64| serde_json::json!([{ "stage": "first", "pattern": "Trench", "current": current, "preset": "", "depth": depth }]);
    let task = |name: &str, supervise: bool, current: f64| {
        serde_json::json!({
            "name": name, "task_type": "", "supervise": supervise, "required": true, "cuts": cuts(current, 1e-6),
        })
    };
    let mut owl = serde_json::to_value(engine::papers::LamellaView::default()).unwrap();
    owl["name"] = "02-wise-owl".into();
    owl["own"] = serde_json::json!({ "Polishing": cuts(60e-12, 0.4e-6), "Fiducial": cuts(60e-12, 0.7e-6) });
    let experiment = serde_json::json!({
        "name": "yeast", "folder": "yeast", "protocol": "on-grid", "lamellae": [owl], "finish": null,
        "tasks": [task("Fiducial", false, 2e-9), task("Rough Milling", true, 740e-12), task("Polishing", false, 30e-12)],
        "queue": { "items": items, "next": 5, "version": 1 },
    });
    s.experiment = Some(serde_json::from_value(experiment).unwrap());
    let said = asked("queue.run", &s);
    for part in [
        "Run 3 tasks of yeast?",
        "01-calm-heron    Polishing",
        "02-wise-owl      Rough Milling, Polishing",
        "about 30m 00s",
        "1 of 3 tasks ask you",
        "Rough Milling    first          Trench     0.74 nA 1.00 um deep",
        "02-wise-owl: Po… first          Trench     60.0 pA  400 nm deep",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("Fiducial"), "it does not wait: {said}");
    let said = asked("queue.run tasks=Fiducial lamellae=01-calm-heron", &s);
    assert!(
        said.contains("Fiducial         first          Trench     2.00 nA")
            && !said.contains("Rough")
            && !said.contains("owl"),
        "{said}"
    );
    let said = asked("queue.run unsupervised=true again=true", &s);
    assert!(
        said.contains("UNSUPERVISED") && said.contains("A new queue") && said.contains("again: true"),
        "{said}"
    );
}
