use super::save::{Saved, Sheet};
use super::*;
use crate::keys::{Chord, Keymap};
use crate::remembered::Remembered;
use crate::sample::shown;
use crate::setup::Files;
use crate::theme::Themes;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use learn::label::Known;
use learn::picture::read_mask;
use model::{Frame, Pixels};
use picture::{Choice, ColourDepth, Grid, Position};
use ratatui::layout::Rect;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const SCREEN: Rect = Rect {
    x: 0,
    y: 0,
    width: 120,
    height: 40,
};

/// Pictures of a bright square on a dark ground, 192 x 128.
fn folder(names: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let grey = |(y, x): (usize, usize)| {
        if (40..80).contains(&y) && (60..120).contains(&x) {
            180
        } else {
            40
        }
    };
    for name in names {
        let pixels = Pixels::U8(Array2::from_shape_fn((128, 192), grey));
        let bytes = Frame { pixels, metadata: None }.encode().unwrap();
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

fn task(dir: &Path, skip: bool) -> Task {
    Task {
        name: "set".to_owned(),
        desk: Desk::open(dir, None, skip).unwrap(),
        points: Points::open(dir, None).unwrap(),
        features: ["LamellaCentre", "LandingPost", "NeedleTip"]
            .map(str::to_owned)
            .to_vec(),
        classes: Classes::first(6),
        assist: None,
        skip,
        remarks: Vec::new(),
    }
}

fn files() -> Files {
    let themes = Themes::load(None).0;
    Files {
        options: crate::Console::default(),
        keymap: Keymap::load(None).0,
        theme: themes.get("dark").0,
        themes,
        no_colour: false,
        choice: Choice::Auto,
        remembered: Remembered::default(),
        problems: Vec::new(),
    }
}

/// A screen of half blocks, drawn once, its first effects done.
fn open(task: Task) -> Labelling {
    let grid = Grid {
        per_cell: (1.0, 2.0),
        cell_px: (10, 20),
        max_cells: 1000,
    };
    let (mut state, effects) = Labelling::new(task, files(), ColourDepth::True, grid);
    perform(&mut state, effects);
    state
}

/// Does effects at once, as the loop does them in time; whether it would leave.
fn perform(state: &mut Labelling, effects: Vec<Effect>) -> bool {
    let mut leaves = false;
    for effect in effects {
        let more = match effect {
            Effect::Save(what) => {
                let result = match &what {
                    Sheet::Mask(save) => save.write(),
                    Sheet::Points(save) => save.write(),
                };
                state.saved(Saved { what, count: 1, result });
                Vec::new()
            }
            Effect::Turn(at) => state.turned(at),
            Effect::Predict { at, picture } => {
                let result = state.assist.as_ref().unwrap()(&picture);
                state.predicted(at, result)
            }
            Effect::Quit => {
                leaves = state.leaves();
                Vec::new()
            }
            Effect::Theme | Effect::Redraw => Vec::new(),
        };
        leaves |= perform(state, more);
    }
    let mut canvas = state.draw(SCREEN);
    state.on_screen(&mut canvas);
    leaves
}

fn press(state: &mut Labelling, keys: &str) -> bool {
    let mut leaves = false;
    for word in keys.split_whitespace() {
        let chord: Chord = word.parse().unwrap_or_else(|e| panic!("{e}"));
        let effects = state.key(chord);
        leaves = perform(state, effects);
    }
    leaves
}

/// The mouse over a place of the picture.
fn point(state: &mut Labelling, kind: MouseEventKind, at: (f64, f64), modifiers: KeyModifiers) {
    let (column, row) = state.viewport().cell_of(Position::new(at.0, at.1)).unwrap();
    let event = MouseEvent {
        kind,
        column,
        row,
        modifiers,
    };
    let effects = state.mouse(event, false);
    perform(state, effects);
}

fn drag(state: &mut Labelling, button: MouseButton, way: &[(f64, f64)]) {
    let none = KeyModifiers::NONE;
    point(state, MouseEventKind::Down(button), way[0], none);
    for at in way {
        point(state, MouseEventKind::Drag(button), *at, none);
    }
    point(state, MouseEventKind::Up(button), way[way.len() - 1], none);
}

fn mask(dir: &TempDir, name: &str) -> Array2<u8> {
    read_mask(&dir.path().join("labels").join(name)).unwrap()
}

fn count(mask: &Array2<u8>, class: u8) -> usize {
    mask.iter().filter(|id| **id == class).count()
}

fn says(state: &Labelling) -> String {
    state.says.clone().map_or_else(String::new, |(_, words)| words)
}

#[test]
fn the_screen_fits_a_small_terminal_and_a_large_one() {
    let dir = folder(&["a.tif", "b.tif", "with-a-rather-long-name_ib.tif"]);
    fs::write(dir.path().join("c.tif"), b"II*\0half").unwrap();
    let mut state = open(task(dir.path(), false));
    press(&mut state, "Space Right Right Space n n g 3 Enter Right Enter");
    insta::assert_snapshot!("label_80x24", shown(&state.draw(Rect::new(0, 0, 80, 24))));
    press(&mut state, "Esc k Enter . Enter");
    insta::assert_snapshot!("label_points_160x50", shown(&state.draw(Rect::new(0, 0, 160, 50))));
    press(&mut state, "?");
    insta::assert_snapshot!("label_help_80x24", shown(&state.draw(Rect::new(0, 0, 80, 24))));
    for (width, height) in [(1, 1), (20, 3), (59, 9), (300, 5), (30, 90)] {
        state.draw(Rect::new(0, 0, width, height));
    }
}

#[test]
fn a_stroke_by_keys_is_saved_when_the_brush_is_lifted_and_taken_back_at_once() {
    let dir = folder(&["a.tif"]);
    let mut state = open(task(dir.path(), false));
    press(&mut state, "2 Space Right Right Right");
    assert!(!dir.path().join("labels").exists(), "not before it is done");
    press(&mut state, "Space");
    let drawn = mask(&dir, "a.tif");
    assert_eq!(drawn, **state.desk.sheet().labels());
    let columns = 3.0 * state.step() + 2.0 * 8.0 + 1.0;
    let row = drawn.row(64).iter().filter(|id| **id == 2).count();
    assert_eq!(row as f64, columns);
    press(&mut state, "u");
    assert_eq!(count(&mask(&dir, "a.tif"), 2), 0);
    press(&mut state, "U");
    assert_eq!(mask(&dir, "a.tif"), drawn);
    // the eraser takes it away
    press(&mut state, "e Space Left Left Left Space");
    assert_eq!(count(&mask(&dir, "a.tif"), 2), 0);
    assert_eq!(state.desk.images()[0].1, Known::Labelled);
}

#[test]
fn what_was_drawn_survives_a_program_that_ends_without_a_word() {
    let dir = folder(&["a.tif"]);
    let mut state = open(task(dir.path(), false));
    drag(&mut state, MouseButton::Left, &[(20.0, 20.0), (60.0, 20.0)]);
    let done = state.desk.sheet().labels().clone();
    // killed in the middle of the next stroke
    let none = KeyModifiers::NONE;
    point(&mut state, MouseEventKind::Down(MouseButton::Left), (90.0, 90.0), none);
    point(&mut state, MouseEventKind::Drag(MouseButton::Left), (120.0, 90.0), none);
    assert!(state.desk.sheet().is_unsaved());
    drop(state);
    let again = open(task(dir.path(), false));
    assert_eq!(again.desk.sheet().labels(), &done);
}

#[test]
fn the_mouse_draws_erases_and_drags_the_view() {
    let dir = folder(&["a.tif"]);
    let mut state = open(task(dir.path(), false));
    press(&mut state, "[ [ [");
    drag(
        &mut state,
        MouseButton::Left,
        &[(20.0, 20.0), (60.0, 30.0), (60.0, 90.0)],
    );
    let drawn = state.desk.sheet().labels().clone();
    assert!(count(&drawn, 1) > 7 * 80);
    drag(&mut state, MouseButton::Right, &[(60.0, 20.0), (60.0, 100.0)]);
    assert!(count(state.desk.sheet().labels(), 1) < count(&drawn, 1) / 2);
    press(&mut state, "u");
    assert_eq!(state.desk.sheet().labels(), &drawn, "the eraser's way is one step");
    // a straight line by one drag
    press(&mut state, "3 l");
    drag(&mut state, MouseButton::Left, &[(100.0, 100.0), (150.0, 60.0)]);
    let line = count(state.desk.sheet().labels(), 3);
    assert!((350..600).contains(&line), "{line}");
    assert!(state.corners.is_empty());
    // classes and tools are clicked, too
    let (area, _) = state.hits.iter().find(|(_, a)| *a == crate::Action::ToolSnap).unwrap();
    let event = MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: area.x,
        row: area.y,
        modifiers: KeyModifiers::NONE,
    };
    let effects = state.mouse(event, false);
    perform(&mut state, effects);
    assert_eq!(state.tool.name(), "snap");
    // magnified, the middle button takes the picture along
    press(&mut state, "Home z z");
    let before = state.viewport().centre();
    drag(&mut state, MouseButton::Middle, &[(96.0, 64.0), (86.0, 64.0)]);
    assert!(state.viewport().centre().x > before.x + 5.0);
    let wheel = state.level;
    point(&mut state, MouseEventKind::ScrollUp, (90.0, 64.0), KeyModifiers::NONE);
    assert!(state.level > wheel);
}

#[test]
fn outlines_fill_and_snap_mean_what_is_there() {
    let dir = folder(&["a.tif"]);
    let mut state = open(task(dir.path(), false));
    // the bright square, by its brightness
    press(&mut state, "s 4 Enter");
    let labels = state.desk.sheet().labels().clone();
    assert_eq!(count(&labels, 4), 38 * 58, "the rim is a mean of both sides");
    press(&mut state, "f 5 Enter");
    assert_eq!(count(state.desk.sheet().labels(), 5), 38 * 58);
    press(&mut state, "g x");
    assert!(says(&state).contains("three corners"));
    press(&mut state, "1 Enter Shift-Right Enter Shift-Down Enter x");
    let half = count(state.desk.sheet().labels(), 1) as f64;
    let side = 10.0 * state.step() + 1.0;
    assert!((half - side * side / 2.0).abs() < side, "{half}");
    // closed by its last corner once more; left by Esc
    press(&mut state, "u Enter Shift-Left Enter Shift-Up Enter Enter");
    assert!(state.corners.is_empty() && count(state.desk.sheet().labels(), 1) > 0);
    press(&mut state, "Enter Right Enter Esc");
    assert!(state.corners.is_empty());
    press(&mut state, "9");
    assert!(says(&state).contains("no class 9"));
    assert_eq!(mask(&dir, "a.tif"), **state.desk.sheet().labels());
}

#[test]
fn pictures_are_gone_through_and_broken_ones_named() {
    let dir = folder(&["a.tif", "c.tif", "d.tif"]);
    fs::write(dir.path().join("b.tif"), b"II*\0half").unwrap();
    let mut state = open(task(dir.path(), false));
    press(&mut state, "Enter n");
    assert_eq!(state.desk.at(), 0);
    assert!(
        says(&state).contains("b.tif") && says(&state).contains("n goes past it"),
        "{}",
        says(&state)
    );
    press(&mut state, "n");
    assert_eq!(state.desk.at(), 2);
    press(&mut state, "p p p");
    assert!(says(&state).contains("first"), "{}", says(&state));
    assert_eq!(state.desk.at(), 0);
    press(&mut state, "N");
    assert_eq!(
        state.desk.at(),
        2,
        "the next one without a mask that is not known to be broken"
    );
    // the mask of the picture before is not there: b is broken
    press(&mut state, "y");
    assert!(says(&state).contains("no saved mask"));
    press(&mut state, "n y");
    assert!(says(&state).contains("no saved mask"));
    press(&mut state, "p C n y");
    assert_eq!(says(&state), "");
    assert_eq!(state.desk.images()[2].1, Known::Labelled);
    press(&mut state, "n");
    assert!(says(&state).contains("last"));
    // by the list
    press(&mut state, "Tab Home Enter");
    assert_eq!((state.desk.at(), state.listing), (0, None));
    let mut skipping = open(task(dir.path(), true));
    press(&mut skipping, "n");
    assert_eq!(skipping.desk.at(), 2);
    assert!(says(&skipping).contains("passed over") && says(&skipping).contains("b.tif"));
}

#[test]
fn a_proposal_is_in_no_file_until_it_is_confirmed_or_drawn_on() {
    let dir = folder(&["a.tif", "b.tif"]);
    let mut task = task(dir.path(), false);
    task.assist = Some(Arc::new(|picture| match picture[[64, 90]] {
        180 => Ok(picture.mapv(|grey| u8::from(grey > 100))),
        _ => Err("too dark".to_owned()),
    }));
    let mut state = open(task);
    assert_eq!(count(state.desk.sheet().labels(), 1), 40 * 60);
    press(&mut state, "n");
    assert!(!dir.path().join("labels").exists());
    press(&mut state, "C p");
    assert_eq!(count(&mask(&dir, "b.tif"), 1), 40 * 60);
    press(&mut state, "0 Enter");
    let edited = mask(&dir, "a.tif");
    assert!(count(&edited, 1) < 40 * 60 && count(&edited, 1) > 0);
    // asked for over a mask, it can be taken back
    press(&mut state, "m");
    assert_eq!(count(&mask(&dir, "a.tif"), 1), 40 * 60);
    press(&mut state, "u");
    assert_eq!(mask(&dir, "a.tif"), edited);
}

#[test]
fn a_mask_that_cannot_be_saved_is_told_and_not_left_by_mistake() {
    let dir = folder(&["a.tif", "b.tif"]);
    let mut state = open(task(dir.path(), false));
    fs::write(dir.path().join("labels"), b"in the way of the folder").unwrap();
    press(&mut state, "Enter");
    assert!(says(&state).contains("NOT SAVED"), "{}", says(&state));
    press(&mut state, "n");
    assert_eq!(state.desk.at(), 0, "what is not saved is not left");
    assert!(!press(&mut state, "q"));
    assert!(says(&state).contains("once more"));
    // whoever mends it goes on
    fs::remove_file(dir.path().join("labels")).unwrap();
    press(&mut state, "Right Enter n");
    assert_eq!(state.desk.at(), 1);
    assert!(count(&mask(&dir, "a.tif"), 1) > 0);
    assert!(press(&mut state, "q") && !state.lost());
    fs::remove_dir_all(dir.path().join("labels")).unwrap();
    fs::write(dir.path().join("labels"), b"again").unwrap();
    press(&mut state, "Enter q");
    assert!(press(&mut state, "q") && state.lost());
}

#[test]
fn key_points_are_set_moved_and_taken_away() {
    let dir = folder(&["a.tif", "b.tif"]);
    let path = dir.path().join("keypoints.csv");
    fs::write(
        &path,
        "filename,feature,px.x,px.y,pixelsize,corrected,method,experiment\nb.tif,NeedleTip,3,4,,False,m,e\n",
    )
    .unwrap();
    let mut state = open(task(dir.path(), false));
    press(&mut state, "k Enter . Right Enter");
    let rows = || -> Vec<String> {
        fs::read_to_string(&path)
            .unwrap()
            .lines()
            .skip(1)
            .map(str::to_owned)
            .collect()
    };
    let step = state.step();
    assert_eq!(
        rows(),
        [
            "b.tif,NeedleTip,3,4,,False,m,e".to_owned(),
            "a.tif,LamellaCentre,96,64,,True,hand,".to_owned(),
            format!("a.tif,LandingPost,{},64,,True,hand,", 96.0 + step),
        ]
    );
    // the first is dragged; keys put it there, too
    press(&mut state, "Home [");
    drag(&mut state, MouseButton::Left, &[(96.5, 64.5), (50.0, 30.0)]);
    let dragged = state.marks.rows[0].px.unwrap();
    assert!(
        (dragged.x - 50.0).abs() <= 2.0 && (dragged.y - 30.0).abs() <= 2.0,
        "{dragged:?}"
    );
    assert!(rows()[1].starts_with(&format!("a.tif,LamellaCentre,{},{}", dragged.x, dragged.y)));
    press(&mut state, "Down m");
    assert!(state.marks.rows[0].px.unwrap().y > dragged.y);
    press(&mut state, "u u");
    assert_eq!(rows()[1], "a.tif,LamellaCentre,96,64,,True,hand,");
    press(&mut state, "U");
    assert!(rows()[1].starts_with(&format!("a.tif,LamellaCentre,{},{}", dragged.x, dragged.y)));
    press(&mut state, "] Del");
    assert_eq!(rows().len(), 2);
    // a picture's own points, and none left
    press(&mut state, "n X");
    assert_eq!(rows()[0], "b.tif,,,,,False,,e");
    press(&mut state, "X");
    assert!(says(&state).contains("no point"));
    press(&mut state, "p");
    assert_eq!(state.marks.rows.len(), 1);
    assert!(!dir.path().join("labels").exists(), "masks were not touched");
}

#[test]
fn native_levels_show_whole_pixels() {
    let dir = folder(&["a.tif"]);
    let mut state = open(task(dir.path(), false));
    let mut seen = Vec::new();
    for _ in 0..9 {
        press(&mut state, "z");
        let viewport = state.viewport();
        seen.push(view::words(state.level));
        let level = f64::from(state.level.unwrap());
        assert!(
            (viewport.step().0 * level.exp2() - 1.0).abs() < 1e-9,
            "{}",
            view::words(state.level)
        );
        if level >= 0.0 {
            assert_eq!(viewport.origin().x.fract().abs(), 0.0);
        }
        assert!(viewport.cell_of(state.cursor).is_some());
    }
    seen.dedup();
    assert_eq!(seen, ["1:2", "1:1", "2:1", "4:1", "8:1", "16:1"]);
    // the view follows a cursor that leaves it
    for _ in 0..30 {
        press(&mut state, "Right Down");
        assert!(state.viewport().cell_of(state.cursor).is_some());
    }
    assert_eq!(state.step(), 1.0);
    press(&mut state, "Z Z Z Z Z Z");
    assert_eq!(view::words(state.level), "whole");
}

#[test]
fn what_nobody_named_is_told_and_kept() {
    let dir = folder(&["a.tif"]);
    let pixels = Pixels::U8(Array2::from_elem((128, 192), 9));
    fs::create_dir(dir.path().join("labels")).unwrap();
    let bytes = Frame { pixels, metadata: None }.encode().unwrap();
    fs::write(dir.path().join("labels/a.tif"), bytes).unwrap();
    let mut state = open(task(dir.path(), false));
    assert!(says(&state).contains("classes nobody named: 9"), "{}", says(&state));
    press(&mut state, "Enter");
    assert!(count(&mask(&dir, "a.tif"), 9) > 20_000);
}
