//! Protocols read, written, converted and checked.

use super::*;
use crate::problem::Weight;
use std::fs;

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/samples/protocols")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn document(text: &str) -> Document {
    Document::parse(text, "p.yaml").unwrap()
}

/// Equal, where a whole number may be written either way.
#[track_caller]
fn same(a: &Value, b: &Value, at: &str) {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => assert_eq!(x.as_f64(), y.as_f64(), "{at}"),
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            x.iter()
                .zip(y)
                .enumerate()
                .for_each(|(n, (x, y))| same(x, y, &format!("{at}.{n}")));
        }
        (Value::Object(x), Value::Object(y)) => {
            let sorted = |m: &Map<String, Value>| m.keys().cloned().collect::<std::collections::BTreeSet<_>>();
            assert_eq!(sorted(x), sorted(y), "{at}");
            x.iter()
                .for_each(|(key, value)| same(value, &y[key], &format!("{at}.{key}")));
        }
        _ => assert_eq!(a, b, "{at}"),
    }
}

#[test]
fn the_originals_protocols_come_back_as_they_were() {
    for name in ["task-on-grid.yaml", "task-waffle.yaml", "legacy-on-grid-converted.yaml"] {
        let text = sample(name);
        let (protocol, problems) = Protocol::check(&document(&text)).unwrap();
        // the one with an overtilted trench with rounded corners, which the original mills wrongly
        let odd: Vec<_> = problems
            .iter()
            .filter(|p| !p.text.contains("set the fillet to 0"))
            .collect();
        assert!(odd.is_empty(), "{name}: {odd:?}");
        let written = protocol.to_yaml().unwrap();
        same(&document(&written).root.value(), &document(&text).root.value(), name);
        assert_eq!(Protocol::parse(&written, "again").unwrap(), protocol, "{name}");
    }
}

#[test]
fn keys_that_nobody_knows_are_kept_and_told_with_their_line() {
    let text = "name: x
colour: blue
tasks:
    Rough v1.2:
        task_type: MILL_ROUGH
        mood: calm
        parameters: {sync_to_poy: true}
        milling:
            mill_rough:
                name: R
                tempo: slow
                stages:
                -   name: A
                    milling: {milling_current: 7.4e-10, spice: 3}
                    pattern: {name: Trench}
workflow:
    tasks:
    -   {name: Rough v1.2, supervise: true, required: true}
";
    let (mut protocol, problems) = Protocol::check(&document(text)).unwrap();
    let lines: Vec<(usize, &str)> = problems.iter().map(|p| (p.line, p.key.as_str())).collect();
    let stage = "tasks.Rough v1.2.milling.mill_rough.stages.0.milling.spice";
    assert_eq!(
        lines,
        [
            (2, "colour"),
            (7, "tasks.Rough v1.2.parameters.sync_to_poy"),
            (11, "tasks.Rough v1.2.milling.mill_rough.tempo"),
            (14, stage)
        ],
        "{problems:?}"
    );
    assert!(
        problems[1].text.contains("did you mean `sync_to_poi`?"),
        "{}",
        problems[1]
    );
    let (mut task, _) = protocol
        .tasks
        .get("Rough v1.2")
        .unwrap()
        .milling("mill_rough")
        .unwrap()
        .unwrap();
    task.stages[0].pattern.point.x = 2e-6;
    protocol
        .tasks
        .get_mut("Rough v1.2")
        .unwrap()
        .set_milling("mill_rough", &task);
    let again = document(&protocol.to_yaml().unwrap()).root.value();
    assert_eq!(again["colour"], "blue");
    assert_eq!(again["tasks"]["Rough v1.2"]["mood"], "calm");
    let rough = &again["tasks"]["Rough v1.2"]["milling"]["mill_rough"];
    assert_eq!(
        (&rough["tempo"], &rough["stages"][0]["pattern"]["point"]["x"]),
        (&json!("slow"), &json!(2e-6))
    );
}

#[test]
fn what_cannot_run_is_told_where_it_stands() {
    let text = "tasks:
    A:
        task_type: MILL_ROUHG
    B:
        task_type: MILL_UNDERCUT
        parameters: {milling_angles: [25, 20], orientation: UP}
        milling:
            undercut:
                stages:
                -   {name: U, milling: {milling_current: 2.0e-09}, pattern: {name: Rectangle}}
    C:
        task_type: MILL_TRENCH
        milling:
            trench:
                field_of_view: 2.0e-05
                stages:
                -   {name: T, milling: {}, pattern: {name: Trehch}}
    D:
        task_type: MILL_POLISHING
workflow:
    tasks:
    -   {name: B, requires: [C]}
    -   {name: C, requires: [E], scheduled_at: tonight}
    -   {name: Dd}
options: {turn_beams_off: false, checkpoint: a.pt}
";
    let (_, problems) = Protocol::check(&document(text)).unwrap();
    let wrong: Vec<(usize, String)> = problems
        .iter()
        .filter(|p| p.weight == Weight::Wrong)
        .map(|p| (p.line, p.to_string()))
        .collect();
    let expected = [
        (3, "did you mean `MILL_ROUGH`?"),
        (6, "`UP` is none of SEM, FIB, MILLING"),
        (6, "2 angles for 1 stages"),
        (17, "did you mean `Trench`?"),
        (18, "under `mill_polishing`"),
        (22, "`C` comes after it"),
        (23, "`E` is not in the order"),
        (23, "`tonight` is no time"),
        (24, "no task `Dd`"),
        (25, "openFIBSEM refuses a file with it"),
    ];
    assert_eq!(wrong.len(), expected.len(), "{wrong:#?}");
    for ((line, text), (at, says)) in wrong.iter().zip(expected) {
        assert!(
            *line == at && text.contains(says),
            "{line}: {text} instead of {at}: {says}"
        );
    }
}

#[test]
fn a_legacy_file_is_named_as_one_and_converted_as_the_original_does() {
    let text = sample("legacy-on-grid.yaml");
    let error = Protocol::parse(&text, "old.yaml").unwrap_err().to_string();
    assert!(error.contains("fibdeck protocol convert old.yaml"), "{error}");
    let (ours, notes) = converted(&document(&text)).unwrap();
    let theirs = Protocol::parse(&sample("legacy-on-grid-converted.yaml"), "theirs").unwrap();
    assert_eq!(ours.workflow.tasks, theirs.workflow.tasks);
    assert_eq!(ours.options, theirs.options);
    assert_eq!(ours.checkpoint("Polishing"), Some("autolamella-mega-20240107.pt"));
    for (name, task) in theirs.tasks.iter() {
        let mine = ours.tasks.get(name).unwrap();
        same(&Value::Object(mine.write()), &Value::Object(task.write()), name);
    }
    assert_eq!(ours.tasks.len(), theirs.tasks.len());
    assert!(notes.iter().all(|n| n.text.contains("left out")), "{notes:?}");
    assert!(matches!(
        converted(&document(&sample("task-on-grid.yaml"))),
        Err(ProtocolError::Converted { .. })
    ));
}

const STAGE: &str = "{name: S, milling: {milling_current: 2.0e-09, hfw: 8.0e-05}, pattern: {name: Rectangle}}";

#[test]
fn methods_of_every_age_become_tasks() {
    let entries = |keys: &[&str]| {
        keys.iter()
            .map(|k| format!("    {k}:\n    -   {STAGE}\n"))
            .collect::<String>()
    };
    let names = |p: &Protocol| p.workflow.tasks.iter().map(|s| s.name.clone()).collect::<Vec<_>>();

    let flat = "options: {name: old, method: autolamella-on-grid, num_polishing_stages: 1, use_notch: true}
milling:
    lamella:
        stages:
        - {type: Trench, lamella_width: 1.2e-05, lamella_height: 7.0e-07, trench_height: 4.0e-06, size_ratio: 1.0, offset: 1.5e-06, depth: 9.0e-07, hfw: 8.0e-05, milling_current: 7.4e-10}
        - {type: Trench, lamella_width: 1.1e-05, lamella_height: 4.0e-07, trench_height: 9.0e-07, size_ratio: 1.0, offset: 0.0, depth: 4.0e-07, hfw: 8.0e-05, milling_current: 6.0e-11}
    fiducial: {type: Fiducial, width: 1.0e-06, height: 1.0e-05, depth: 1.0e-06, rotation: 45, milling_current: 2.0e-09, hfw: 8.0e-05}
    notch: {type: WaffleNotch, milling_current: 2.0e-09, hfw: 8.0e-05}
";
    let (on_grid, notes) = converted(&document(flat)).unwrap();
    let (rough, _) = on_grid
        .tasks
        .get("Rough Milling")
        .unwrap()
        .milling("mill_rough")
        .unwrap()
        .unwrap();
    let stages: Vec<&str> = rough.stages.iter().map(|s| s.pattern.name()).collect();
    assert_eq!(
        stages,
        ["Trench", "MicroExpansion"],
        "the missing one comes from the shipped protocol"
    );
    assert!(
        notes
            .iter()
            .any(|n| n.key == "milling.microexpansion" && n.text.contains("shipped")),
        "{notes:?}"
    );
    assert!(
        on_grid
            .tasks
            .get("Rough Milling")
            .unwrap()
            .milling
            .contains_key("stress-relief")
    );
    let (polish, _) = on_grid
        .tasks
        .get("Polishing")
        .unwrap()
        .milling("mill_polishing")
        .unwrap()
        .unwrap();
    assert_eq!(polish.stages[0].milling.milling_current, 60e-12);
    assert_eq!(
        on_grid
            .tasks
            .get("Setup Lamella Position")
            .unwrap()
            .number("milling_angle"),
        18.0
    );

    let waffle = format!(
        "options: {{name: w, method: autolamella-waffle, lamella_tilt_angle: 16.0, undercut_tilt_angle: -4.0, use_microexpansion: false, supervise: {{trench: false, mill_rough: false}}}}\nmilling:\n    undercut:\n    -   {STAGE}\n    -   {STAGE}\n    -   {STAGE}\n{}",
        entries(&["trench", "fiducial", "mill_rough", "mill_polishing"])
    );
    let (waffle, _) = converted(&document(&waffle)).unwrap();
    assert_eq!(
        names(&waffle),
        [
            "Trench Milling",
            "Undercut",
            "Setup Lamella Position",
            "Mill Fiducial",
            "Rough Milling",
            "Polishing"
        ]
    );
    assert_eq!(
        waffle.tasks.get("Undercut").unwrap().parameter("milling_angles"),
        json!([25.0, 20.0, 15.0])
    );
    assert!(!waffle.workflow.tasks[0].supervise && waffle.workflow.tasks[1].supervise);
    assert_eq!(
        waffle
            .tasks
            .get("Setup Lamella Position")
            .unwrap()
            .number("milling_angle"),
        16.0
    );

    let thin = [
        "trench",
        "undercut",
        "fiducial",
        "mill_rough",
        "mill_polishing",
        "sever",
        "weld",
        "flatten",
        "sharpen",
        "prepare-manipulator",
    ];
    let liftout = format!(
        "options: {{method: AutoLiftout, use_microexpansion: false, checkpoint: x.pt, liftout_joining_method: Weld, landing_post_x_offset: 1.0e-06, high_quality_image: {{enabled: false}}}}\nmilling:\n{}",
        entries(&thin)
    );
    let (liftout, notes) = converted(&document(&liftout)).unwrap();
    assert_eq!(
        names(&liftout)[..6],
        [
            "Trench Milling",
            "Undercut",
            "Prepare Manipulator",
            "Liftout",
            "Landing",
            "Reset Manipulator"
        ]
    );
    assert_eq!(
        liftout.tasks.get("Liftout").unwrap().parameter("joining_method"),
        "Weld"
    );
    assert_eq!(liftout.tasks.get("Landing").unwrap().number("post_x_offset"), 1e-6);
    assert_eq!(liftout.checkpoint("Liftout"), Some("x.pt"));
    assert!(notes.iter().any(|n| n.key == "options.high_quality_image"), "{notes:?}");
    assert!(notes.iter().any(|n| n.text.contains("AutoLiftout")), "{notes:?}");

    let keys = [
        "trench",
        "liftout-weld",
        "liftout-sever",
        "landing-thin",
        "landing-sever",
        "landing-weld",
        "fiducial",
        "mill_rough",
        "mill_polishing",
    ];
    let serial = format!(
        "options: {{method: autolamella-serial-liftout, use_microexpansion: false, undercut_required: false, landing_grid: {{rows: 2, cols: 3, x: 6.0e-05, y: 2.0e-04}}}}\nmilling:\n{}",
        entries(&keys)
    );
    let (serial, _) = converted(&document(&serial)).unwrap();
    assert_eq!(names(&serial)[..3], ["Trench Milling", "Liftout", "Landing"]);
    assert_eq!(serial.tasks.get("Landing").unwrap().number("grid_columns"), 3.0);

    let error = converted(&document("method: knitting\nmilling: {}\n"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("knitting") && error.contains("serial-liftout"),
        "{error}"
    );
}

#[test]
fn shipped_protocols_are_without_fault() {
    for (name, text) in SHIPPED {
        let (protocol, problems) = Protocol::check(&document(text)).unwrap();
        let odd: Vec<_> = problems
            .iter()
            .filter(|p| !p.text.contains("openFIBSEM does not know this kind"))
            .collect();
        assert!(odd.is_empty(), "{name}: {odd:?}");
        assert_eq!(&protocol.name(), name);
        assert!(Method::named(name).is_some() && shipped(name).is_ok());
        assert!(
            protocol
                .tasks
                .iter()
                .all(|(_, task)| !task.kind().unwrap().original || task.estimate().unwrap() > 0.0)
        );
    }
    let error = shipped("on-gird").unwrap_err().to_string();
    assert!(error.contains("on-grid, trench"), "{error}");
}

#[test]
fn kinds_are_told_apart_and_documented() {
    for (n, kind) in TASKS.iter().enumerate() {
        assert!(TASKS[..n].iter().all(|other| other.task_type != kind.task_type));
        assert!(
            kind.doc.len() > 20 && kind.parameters.iter().all(|p| p.field.doc.len() > 5),
            "{}",
            kind.task_type
        );
        assert!(
            kind.parameters
                .iter()
                .all(|p| p.default.refuses(&p.default.value()).is_none()),
            "{}",
            kind.task_type
        );
        assert_eq!(
            kind.detects,
            kind.parameter("checkpoint").is_some(),
            "{}",
            kind.task_type
        );
    }
    assert_eq!(kind::row("SETUP_LAMELLA").unwrap().task_type, "MILL_FIDUCIAL");
}

/// openFIBSEM's durations (`tests/vectors/workflow.json`).
#[test]
fn tasks_last_as_long_as_the_original_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/workflow.json");
    let vectors: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut seen = 0;
    for case in vectors["sections"]["task_estimate"].as_array().unwrap() {
        let text = yaml::write(&case["in"]).unwrap();
        let task = TaskConfig::read(&document(&text).root).unwrap();
        if let Some(seconds) = task.estimate() {
            let wanted = case["estimated_duration"].as_f64().unwrap();
            assert!(
                (seconds - wanted).abs() < 1e-6 * wanted,
                "{}: {seconds} instead of {wanted}",
                task.task_type
            );
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
}
