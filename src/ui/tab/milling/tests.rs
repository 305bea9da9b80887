use super::Milling;
use crate::effect::Effect;
use crate::sample::{NOON, desk, press, type_text};
use crate::state::UiState;
use crate::tab::{Tab, TabId};
use crate::widget::picture::fixture::{PIXEL, pictured, screen, state};
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use engine::event::{Job, Plan};
use engine::{Command, Failure, Snapshot};
use model::capabilities::MillingCapabilities;
use model::{Beam, ErrorKind, Point};
use pattern::{MillingRun, MillingStage, MillingTask, Pattern, StageRun, StageState};
use picture::{Overlay, Stroke};
use ratatui::layout::Rect;
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
        ended: false,
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

#[test]
fn a_stage_is_added_from_the_list_at_the_cursor() {
    let s = empty();
    let mut ui = milling(&s);
    assert_eq!(press(&mut ui, "Shift-Tab Right Right Up a Down", &s), []);
    assert!(screen(&ui, &s, 120, 40).contains("which pattern?"));
    let task = loaded(press(&mut ui, "Down Down Enter", &s));
    assert_eq!(task.stages[0].pattern.name(), pattern::PATTERNS[3].name);
    // a step of the cursor is four pixels
    assert!(close(task.stages[0].pattern.place(), 8.0 * PIXEL, 4.0 * PIXEL));
    assert_eq!(press(&mut ui, "a Esc", &s), [], "nothing chosen, nothing added");
}

#[test]
fn stages_are_switched_copied_removed_and_put_in_order() {
    let s = with(lamella());
    let names = |task: MillingTask| task.stages.into_iter().map(|s| s.name).collect::<Vec<_>>();
    let after = |keys: &str| loaded(press(&mut milling(&s), keys, &s));
    assert!(!after("Space").stages[0].enabled);
    assert!(after("Down Down Space").stages[2].enabled);
    assert_eq!(names(after("d")), ["rough", "rough (2)", "fine", "polish"]);
    assert_eq!(names(after("Down x")), ["rough", "polish"]);
    assert_eq!(names(after("J")), ["fine", "rough", "polish"]);
    assert_eq!(names(after("Down Down K")), ["rough", "polish", "fine"]);
    assert_eq!(press(&mut milling(&s), "K", &s), [], "it is the first already");
}

#[test]
fn what_was_edited_can_be_taken_back() {
    let mut s = with(lamella());
    let mut ui = milling(&s);
    let effects = press(&mut ui, "x", &s);
    settle(&mut ui, effects, &mut s);
    assert_eq!(json!(loaded(press(&mut ui, "u", &s))), json!(lamella()));
    assert_eq!(press(&mut ui, "u", &s), [], "there is nothing more");
}

#[test]
fn edits_go_out_one_at_a_time_and_the_latest_wins() {
    let s = with(lamella());
    let mut ui = milling(&s);
    let first = sent(press(&mut ui, "Space", &s)).remove(0);
    let id = ui.sent(&first);
    assert_eq!(press(&mut ui, "Down Space Down Space", &s), [], "one is on its way");
    assert!(
        screen(&ui, &s, 120, 40).contains("1 of 3 on"),
        "the screen shows what was meant"
    );
    assert!(screen(&ui, &s, 120, 40).contains('…'));
    let task = loaded(ui.ended(id, &Ok(json!(null)), &s));
    assert_eq!(
        task.stages.iter().map(|s| s.enabled).collect::<Vec<_>>(),
        [false, false, true]
    );
}

#[test]
fn an_edit_the_engine_does_not_take_is_said_and_never_milled() {
    let s = with(lamella());
    let mut ui = milling(&s);
    let command = sent(press(&mut ui, "d", &s)).remove(0);
    let id = ui.sent(&command);
    let failure = Failure::new(ErrorKind::File, "the picture mask.png was not read", "name another");
    ui.ended(id, &Err(failure), &s);
    assert!(screen(&ui, &s, 120, 40).contains("the picture mask.png was not read"));
    assert_eq!(press(&mut ui, "R y", &s), []);
}

fn ui_says(ui: &UiState, s: &Snapshot, words: &str) -> bool {
    screen(ui, s, 160, 50).contains(words)
}

#[test]
fn another_clients_task_is_taken_over() {
    let mut s = with(lamella());
    let mut ui = milling(&s);
    s.plan.as_mut().unwrap().task.stages[0].name = "from elsewhere".to_owned();
    ui.refresh(&s);
    assert!(ui_says(&ui, &s, "from elsewhere"));
}

#[test]
fn patterns_are_put_at_the_cursor_and_nudged() {
    let s = with(lamella());
    let place = |keys: &str, i: usize| loaded(press(&mut milling(&s), keys, &s)).stages[i].pattern.place();
    assert!(close(place("Shift-Tab Right m", 0), 4.0 * PIXEL, 0.0));
    let mut moved = lamella();
    moved.stages[1].pattern.put(Point { x: 1e-6, y: 0.0 });
    let s2 = with(moved);
    let all = loaded(press(&mut milling(&s2), "Shift-Tab Down M", &s2));
    assert!(close(all.stages[0].pattern.place(), 0.0, -4.0 * PIXEL));
    assert!(close(all.stages[1].pattern.place(), 1e-6, -4.0 * PIXEL));
    assert!(close(place("Shift-Right", 0), 0.1e-6, 0.0));
    assert!(close(place("} } Shift-Up", 0), 0.0, 0.5e-6));
}

#[test]
fn shift_and_ctrl_shift_click_put_patterns_where_the_terminal_says_pixels() {
    let s = with(lamella());
    for (modifiers, all) in [
        (KeyModifiers::SHIFT, false),
        (KeyModifiers::SHIFT | KeyModifiers::CONTROL, true),
    ] {
        let mut ui = milling(&s);
        let mut canvas = ui.draw(&s, Rect::new(0, 0, 120, 40));
        let picture = canvas.placements[0].0;
        ui.on_screen(&mut canvas);
        let click = |cell: (u16, u16)| MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: (picture.x + picture.width / 4) * cell.0,
            row: (picture.y + picture.height / 2) * cell.1,
            modifiers,
        };
        let effects = ui.mouse(click((1, 1)), 0.0, &s);
        assert_eq!(effects, [], "a cell is too coarse: it aims only");
        ui.mouse_pixels(Some((10, 20)));
        let task = loaded(ui.mouse(click((10, 20)), 9.0, &s));
        let places: Vec<Point> = task.stages.iter().map(|s| s.pattern.place()).collect();
        assert!(places[0].x < -20e-6, "{places:?}");
        assert_eq!(places[1].x < -20e-6, all);
    }
}

#[test]
fn a_pattern_is_drawn_by_two_corners() {
    let s = with(lamella());
    let mut ui = milling(&s);
    assert_eq!(press(&mut ui, "b Enter", &s), []);
    assert!(ui_says(&ui, &s, "Enter sets the other corner"));
    let task = loaded(press(&mut ui, "Right Right Right Down Down Down Down Enter", &s));
    let bounds = task.stages[0]
        .pattern
        .shapes()
        .iter()
        .map(|s| s.bounds())
        .reduce(|a, b| a.join(b));
    let bounds = bounds.unwrap();
    assert!((bounds.width() - 12.0 * PIXEL).abs() < 1e-12 && (bounds.height() - 16.0 * PIXEL).abs() < 1e-12);
    assert_eq!(task.stages[0].pattern.get("spacing").unwrap(), "4um");
    assert_eq!(press(&mut ui, "b Enter Esc", &s), [], "left without a change");
    press(&mut ui, "b Enter", &s);
    assert_eq!(press(&mut ui, "Enter", &s), []);
    assert!(ui_says(&ui, &s, "the box is empty; the pattern stays"));
}

#[test]
fn the_alignment_area_is_drawn_by_two_corners() {
    let s = with(lamella());
    let task = loaded(press(&mut milling(&s), "I Enter PgDn PgDn Shift-Right Enter", &s));
    let area = task.alignment.rect;
    // far steps are 40 pixels, of 300 x 200
    let wanted = [0.5, 0.5, 40.0 / 300.0, 80.0 / 200.0];
    for (is, wanted) in [area.left, area.top, area.width, area.height].into_iter().zip(wanted) {
        assert!((is - wanted).abs() < 1e-9, "{area:?}");
    }
    assert_eq!(
        press(&mut milling(&s), "I Enter Enter", &s),
        [],
        "an empty area is none"
    );
}

#[test]
fn fields_show_units_and_limits_and_refuse_below_themselves() {
    let s = with(lamella());
    let mut ui = milling(&s);
    press(&mut ui, "Enter Down Down Enter", &s);
    assert!(ui_says(&ui, &s, "10nm to 1mm; width of both trenches"));
    press(&mut ui, "Ctrl-u", &s);
    type_text(&mut ui, "2mm", &s);
    assert_eq!(press(&mut ui, "Enter", &s), []);
    assert!(ui_says(&ui, &s, "2.00 mm is outside 10nm to 1mm"));
    press(&mut ui, "Ctrl-u", &s);
    type_text(&mut ui, "12um", &s);
    let task = loaded(press(&mut ui, "Enter", &s));
    assert_eq!(task.stages[0].pattern.get("width").unwrap(), "12um");
}

#[test]
fn only_this_instruments_beam_settings_are_there() {
    let mut s = with(lamella());
    let keys = "Enter Right";
    let shown = |s: &Snapshot| {
        let mut ui = milling(s);
        press(&mut ui, keys, s);
        screen(&ui, s, 160, 50)
    };
    let by_current = shown(&s);
    assert!(by_current.contains("Current") && !by_current.contains("Preset") && !by_current.contains("Spacing  0"));
    let milling = s.connection.as_mut().unwrap().capabilities.milling.as_mut().unwrap();
    milling.control = model::capabilities::MillingControl::Preset;
    milling.presets = vec!["30 keV; 2nA".to_owned(), "30 keV; 150 pA".to_owned()];
    let by_preset = shown(&s);
    assert!(by_preset.contains("Preset") && by_preset.contains("Rate") && !by_preset.contains(" Current "));
}

#[test]
fn milling_wants_a_y_and_says_what_it_will_do() {
    let s = with(lamella());
    let mut ui = milling(&s);
    assert_eq!(
        press(&mut ui, "R Enter Space Enter", &s),
        [],
        "it asks, and Enter is no yes"
    );
    let text = screen(&ui, &s, 120, 40);
    for words in [
        "Mill 2 of 3 stages of lamella?",
        "0.74 nA",
        "3.00 um deep",
        "total ",
        "done at 15:",
    ] {
        assert!(text.contains(words), "{words}");
    }
    let run = |stages: &str| [Command::new("milling.run").with("stages", stages)];
    assert_eq!(sent(press(&mut ui, "y", &s)), run("1,2"));
    assert_eq!(sent(press(&mut milling(&s), "Down r y", &s)), run("2"));
}

#[test]
fn what_cannot_be_milled_is_marked_and_not_asked_about() {
    let mut task = lamella();
    task.stages[1].pattern.put(Point { x: 70e-6, y: 0.0 });
    let s = with(task);
    let mut ui = milling(&s);
    press(&mut ui, "Down", &s);
    assert!(ui_says(&ui, &s, "reaches"));
    assert_eq!(press(&mut ui, "R y", &s), []);
    assert_eq!(sent(press(&mut ui, "Up r y", &s)).len(), 1, "the first alone is sound");
    let mut ui = milling(&s);
    let command = sent(press(&mut ui, "Space", &s)).remove(0);
    ui.sent(&command);
    assert_eq!(press(&mut ui, "r y", &s), [], "the last edit is on its way");
}

#[test]
fn running_it_is_paused_stopped_and_put_back() {
    let mut s = running();
    let mut ui = milling(&s);
    assert_eq!(sent(press(&mut ui, "p", &s)), [Command::new("milling.pause")]);
    assert_eq!(sent(press(&mut ui, "X", &s)), [Command::new("job.stop").with("id", 9)]);
    s.jobs.back_mut().unwrap().paused = true;
    assert_eq!(press(&mut ui, "p Enter", &s), [], "going on is asked about");
    assert_eq!(sent(press(&mut ui, "y", &s)), [Command::new("milling.resume")]);
    s.owed = vec!["current and voltage".to_owned(), "the patterns".to_owned()];
    assert!(ui_says(&ui, &s, "left changed by the stop: current and voltage,"));
    assert_eq!(sent(press(&mut ui, "U", &s)), [Command::new("job.restore")]);
}

#[test]
fn spots_are_placed_and_burned_after_a_y() {
    let s = empty();
    let mut ui = milling(&s);
    assert_eq!(
        press(&mut ui, "B Enter Right Right Right Enter Backspace Enter R", &s),
        []
    );
    assert!(ui_says(&ui, &s, "Burn 2 spots with FIB?") && ui_says(&ui, &s, "10.0 s each at 60.0 pA"));
    let command = sent(press(&mut ui, "y", &s)).remove(0);
    // 12 pixels of 300, from the middle
    assert_eq!(command.args["points"], json!("0.500000,0.500000;0.540000,0.500000"));
    assert_eq!(command.args["exposure_time"], json!(10.0));
    engine::command::parse::check(command.clone()).unwrap_or_else(|e| panic!("{e}"));
    let id = ui.sent(&command);
    ui.ended(id, &Ok(json!(null)), &s);
    assert!(!ui_says(&ui, &s, "SPOTS:"), "burned, they are gone");
    assert_eq!(press(&mut ui, "B R", &s), [], "none is placed");
}

#[test]
fn tasks_are_loaded_and_saved_by_file() {
    let s = with(lamella());
    let mut ui = milling(&s);
    press(&mut ui, "l Ctrl-u", &s);
    type_text(&mut ui, "protocol.yaml name=mill_rough", &s);
    let load = Command::new("milling.load")
        .with("source", "protocol.yaml")
        .with("name", "mill_rough");
    assert_eq!(sent(press(&mut ui, "Enter", &s)), [load]);
    let save = sent(press(&mut ui, "s Enter", &s)).remove(0);
    assert_eq!(save.name, "milling.save");
    assert!(save.args["path"].as_str().unwrap().ends_with("lamella.yaml"));
}

#[test]
fn what_is_drawn_are_the_shapes_that_are_milled() {
    let mut task = lamella();
    task.stages[2].pattern = Pattern::named("PolygonPattern").unwrap();
    task.stages[2].pattern.set("is_exclusion", "true").unwrap();
    let s = with(task.clone());
    let desk = desk("dark", false);
    let mut tab = Milling::new(&desk.cx(&s));
    tab.refresh(&desk.cx(&s));
    let frame = s.newest(Beam::Ion).unwrap();
    let overlays = tab.overlays(frame, &desk.cx(&s));
    let outlines: Vec<&Overlay> = overlays
        .iter()
        .filter(|o| matches!(o, Overlay::Pattern { .. }))
        .collect();
    let shapes: usize = task.stages.iter().map(|s| s.pattern.shapes().len()).sum();
    // and the frame of the alignment area
    assert_eq!(outlines.len(), shapes + 1);
    let Overlay::Pattern { points, stroke, .. } = outlines[outlines.len() - 2] else {
        panic!()
    };
    let wanted = task.stages[0].pattern.shapes()[0].outline()[0];
    assert_eq!(*stroke, Stroke::Solid);
    assert!(
        (points[0].x - (150.0 + wanted.x / PIXEL)).abs() < 1e-6,
        "{points:?} {wanted:?}"
    );
    assert!((points[0].y - (100.0 - wanted.y / PIXEL)).abs() < 1e-6);
}

#[test]
fn twenty_five_shapes_are_drawn_once_and_little() {
    let mut task = lamella();
    let one = stage("box", "Rectangle", 0.2e-9, &[("width", "2um"), ("height", "2um")]);
    task.stages = (0..25)
        .map(|i| {
            let mut stage = one.clone();
            stage.pattern.put(Point {
                x: f64::from(i % 5) * 5e-6,
                y: f64::from(i / 5) * 5e-6,
            });
            stage
        })
        .collect();
    let s = with(task);
    let mut ui = milling(&s);
    let key = |ui: &UiState| ui.draw(&s, Rect::new(0, 0, 160, 50)).placements[0].1.clone();
    let first = key(&ui);
    assert!(first.overlays.len() <= 25 * 2 + 5 + 6, "{}", first.overlays.len());
    ui.refresh(&s);
    assert_eq!(key(&ui), first, "news that change nothing draw no picture");
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
