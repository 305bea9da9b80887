use super::*;
use crate::classes::Classes;
use crate::picture::read_mask;
use crate::table::Row;
use model::{Frame, Pixels};
use std::fs;
use std::path::Path;

fn blank(h: usize, w: usize) -> Sheet {
    Sheet::new(Array2::zeros((h, w)), Array2::zeros((h, w))).unwrap()
}

fn count(sheet: &Sheet, class: u8) -> usize {
    sheet.labels().iter().filter(|id| **id == class).count()
}

#[test]
fn tools_mark_what_a_person_means() {
    let mut sheet = blank(60, 80);
    let dab = Edit::Brush {
        way: vec![(20, 30)],
        radius: 5.0,
        class: 1,
    };
    let pixels = sheet.edit(&dab).unwrap();
    assert!(
        (pixels as f64 - std::f64::consts::PI * 5.5 * 5.5).abs() < 12.0,
        "{pixels}"
    );
    assert_eq!(sheet.edit(&dab).unwrap(), 0, "the same again changes nothing");
    // a line without gaps, partly outside
    let line = Edit::Brush {
        way: vec![(-10, 5), (40, 15), (200, 15)],
        radius: 0.0,
        class: 2,
    };
    sheet.edit(&line).unwrap();
    assert!((0..80).all(|x| (0..60).any(|y| sheet.labels()[[y, x]] == 2)));
    let square = Edit::Polygon {
        corners: vec![(50, 30), (59, 30), (59, 39), (50, 39)],
        class: 3,
    };
    assert_eq!(sheet.edit(&square).unwrap(), 100);
    let hole = Edit::Brush {
        way: vec![(54, 34)],
        radius: 1.0,
        class: 0,
    };
    sheet.edit(&hole).unwrap();
    let erased = 100 - count(&sheet, 3);
    assert!((1..=9).contains(&erased), "{erased}");
    // filling the hole closes it and nothing else
    assert_eq!(sheet.edit(&Edit::Fill { at: (54, 34), class: 3 }).unwrap(), erased);
    assert_eq!(
        sheet
            .edit(&Edit::Fill {
                at: (-1, 900),
                class: 3
            })
            .unwrap(),
        0
    );
    assert_eq!(
        sheet
            .edit(&Edit::Brush {
                way: vec![],
                radius: 9.0,
                class: 1
            })
            .unwrap(),
        0
    );
    assert!(
        sheet
            .edit(&Edit::Replace {
                labels: Array2::zeros((3, 3))
            })
            .is_err()
    );
}

#[test]
fn a_snap_takes_the_object_through_its_noise_and_stops_at_its_edge() {
    let inside = |x: usize, y: usize| (20..50).contains(&x) && (10..40).contains(&y);
    let picture = Array2::from_shape_fn(
        (60, 80),
        |(y, x)| if inside(x, y) { 150 } else { 60 } + ((x * 37 + y * 91 + x * y) % 17) as u8,
    );
    let mut sheet = Sheet::new(picture, Array2::zeros((60, 80))).unwrap();
    let pixels = sheet
        .edit(&Edit::Snap {
            at: (30, 20),
            tolerance: 30,
            class: 1,
        })
        .unwrap();
    assert!((784..=1024).contains(&pixels), "{pixels}");
    assert!(
        sheet
            .labels()
            .indexed_iter()
            .all(|((y, x), id)| *id == 0 || inside(x, y))
    );
}

#[test]
fn steps_go_back_and_forth_a_hundred_deep_in_little_memory() {
    let mut sheet = blank(1024, 1536);
    let mut masks = vec![sheet.labels().clone()];
    for i in 0..100i32 {
        let way = vec![(15 * i, 10 * i), (1500 - 15 * i, 10 * i + 7), (700, 500)];
        let class = (i % 5 + 1) as u8;
        sheet
            .edit(&Edit::Brush {
                way,
                radius: f64::from(i % 40),
                class,
            })
            .unwrap();
        if i % 25 == 24 {
            masks.push(sheet.labels().clone());
        }
    }
    assert!(sheet.history_bytes() < 50 << 20);
    for mask in masks.iter().rev().skip(1) {
        (0..25).for_each(|_| assert!(sheet.undo()));
        assert_eq!(sheet.labels(), mask);
    }
    assert!(!sheet.undo());
    (0..100).for_each(|_| assert!(sheet.redo()));
    assert_eq!(Some(sheet.labels()), masks.last());
    // an edit after an undo ends what was to come
    sheet.undo();
    sheet
        .edit(&Edit::Fill {
            at: (0, 1000),
            class: 9,
        })
        .unwrap();
    assert!(!sheet.redo());

    // masks of pure noise are more than is kept: the oldest steps go, what is there stays right
    let noise =
        |seed: usize| Array2::from_shape_fn((1024, 1536), |(y, x)| ((x * 7 + y * 13 + seed * 5 + x * y) % 6) as u8);
    for seed in 0..6 {
        sheet.edit(&Edit::Replace { labels: noise(seed) }).unwrap();
        assert!(sheet.history_bytes() <= 50 << 20);
    }
    assert_eq!(**sheet.labels(), noise(5));
    sheet.undo();
    assert_eq!(**sheet.labels(), noise(4));
}

fn folder(dir: &Path) {
    for (i, name) in ["a.b", "c"].into_iter().enumerate() {
        let pixels = Pixels::U8(Array2::from_elem((32, 64), 40 + i as u8));
        let file = fs::File::create(dir.join(format!("{name}.tif"))).unwrap();
        drop(file);
        fs::write(
            dir.join(format!("{name}.tif")),
            Frame { pixels, metadata: None }.encode().unwrap(),
        )
        .unwrap();
    }
}

#[test]
fn a_stroke_in_pieces_is_one_step() {
    let mut sheet = blank(60, 80);
    let piece = |from: i32, to: i32| Edit::Brush {
        way: vec![(from, 30), (to, 30)],
        radius: 2.0,
        class: 1,
    };
    sheet.edit(&piece(0, 5)).unwrap();
    let before = sheet.labels().clone();
    // what changes nothing begins nothing: the piece behind it is still no part of the stroke before
    assert_eq!(sheet.draw(&piece(0, 5), true).unwrap(), 0);
    for x in 1..6 {
        assert!(sheet.draw(&piece(10 * x, 10 * x + 10), false).unwrap() > 0);
    }
    let drawn = sheet.labels().clone();
    assert!(sheet.undo());
    assert_eq!(*sheet.labels(), before);
    assert!(sheet.redo());
    assert_eq!(*sheet.labels(), drawn);
    assert!(sheet.undo() && sheet.undo() && !sheet.undo());
    assert_eq!(count(&sheet, 1), 0);
    // after one that was taken back a piece stands for itself
    sheet.draw(&piece(20, 30), false).unwrap();
    assert!(sheet.undo() && !sheet.undo());
}

#[test]
fn a_folder_is_labelled_picture_by_picture_and_saved_whole() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path());
    let mut desk = Desk::open(dir.path(), None, false).unwrap();
    assert_eq!((desk.images().len(), desk.origin()), (2, Origin::Empty));
    assert!(desk.hand_over().is_none());
    let suggestion = Array2::from_elem((32, 64), 2);
    assert!(desk.suggest(suggestion.clone()).unwrap());
    assert!(
        desk.hand_over().is_none(),
        "a suggestion is in no file until it is confirmed"
    );
    assert_eq!(desk.origin(), Origin::Predicted);
    desk.sheet_mut()
        .edit(&Edit::Polygon {
            corners: vec![(1, 1), (9, 1), (9, 9)],
            class: 1,
        })
        .unwrap();
    assert!(desk.turn_to(1).is_err(), "nothing is left behind unsaved");
    desk.hand_over().unwrap().write().unwrap();
    desk.turn_to(1).unwrap();
    let saved = read_mask(&dir.path().join("labels/a.b.tif")).unwrap();
    assert!(saved[[1, 5]] == 1 && saved[[20, 20]] == 2);
    assert_eq!(desk.images()[0].1, Known::Labelled);
    // untouched: nothing is written; copied: as its neighbour's
    assert!(desk.copy_from_neighbour(1).is_err());
    assert!(desk.copy_from_neighbour(-1).unwrap() > 0);
    let save = desk.hand_over().unwrap();
    assert!(desk.hand_over().is_none());
    save.write().unwrap();
    assert_eq!(read_mask(&dir.path().join("labels/c.tif")).unwrap(), saved);
    desk.not_saved();
    assert!(
        desk.hand_over().is_some(),
        "what could not be written is handed over again"
    );
    desk.sheet_mut().undo();
    assert!(desk.sheet().is_unsaved(), "what is taken back is a change, too");
    assert!(
        !desk.suggest(suggestion).unwrap(),
        "a mask of its own counts before a suggestion"
    );
    assert!(desk.turn_to(2).is_err());
    assert_eq!(desk.at(), 1);

    // a mask that cannot be read is never written over unseen, and leaving it alone loses nothing
    desk.hand_over().unwrap().write().unwrap();
    fs::write(dir.path().join("labels/a.b.tif"), b"II*\0half").unwrap();
    assert!(desk.turn_to(0).is_err());
    assert_eq!(desk.at(), 1);
    assert!(matches!(&desk.images()[0].1, Known::Broken(why) if why.contains("a.b.tif")));
    assert_eq!(fs::read(dir.path().join("labels/a.b.tif")).unwrap(), b"II*\0half");
    assert!(Desk::open(dir.path(), Some(dir.path()), true).is_err());
    let refused = Desk::open(dir.path(), None, false).unwrap_err().to_string();
    assert!(refused.contains("a.b.tif") && refused.contains("--skip"), "{refused}");
    let skipped = Desk::open(dir.path(), None, true).unwrap();
    assert_eq!(skipped.at(), 1);
    assert!(matches!(skipped.images()[0].1, Known::Broken(_)));
}

#[test]
fn masks_in_colour_lie_beside_and_recorded_ones_are_a_start() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path());
    fs::create_dir(dir.path().join("mask")).unwrap();
    let pixels = Pixels::U8(Array2::from_elem((32, 64), 9));
    let recorded = Frame { pixels, metadata: None }.encode().unwrap();
    fs::write(dir.path().join("mask/a.b.tif"), recorded).unwrap();
    let classes = Classes::first(6);
    let mut desk = Desk::open(dir.path(), None, false).unwrap().with_rgb(classes.clone());
    assert_eq!((desk.origin(), desk.unknown(&classes)), (Origin::Recorded, vec![9]));
    desk.confirm().write().unwrap();
    let seen = image::open(dir.path().join("labels/rgb/a.b.png")).unwrap().to_rgb8();
    assert_eq!((seen.dimensions(), seen[(3, 3)].0), ((64, 32), classes.colour(9)));
    let again = Desk::open(dir.path(), None, false).unwrap();
    assert_eq!(again.origin(), Origin::Saved);
    assert_eq!(again.sheet().labels()[[3, 3]], 9, "what nobody named is kept");
    assert_eq!(again.images().len(), 2, "masks are no pictures to label");
}

#[test]
fn a_mask_of_another_size_is_named() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path());
    fs::create_dir(dir.path().join("labels")).unwrap();
    let pixels = Pixels::U8(Array2::zeros((32, 32)));
    let mask = Frame { pixels, metadata: None }.encode().unwrap();
    fs::write(dir.path().join("labels/a.b.tif"), &mask).unwrap();
    let refused = Desk::open(dir.path(), None, false).unwrap_err().to_string();
    assert!(refused.contains("32x32") && refused.contains("64x32"), "{refused}");
    assert_eq!(fs::read(dir.path().join("labels/a.b.tif")).unwrap(), mask);
}

#[test]
fn key_points_go_into_a_table_and_the_rest_of_it_stays_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keypoints.csv");
    let head = "filename,feature,px.x,px.y,pixelsize,corrected,method,experiment,path";
    let others = "b.tif,NeedleTip,7,8,1e-08,False,autolamella,run1,\"/data, old/b.tif\"\nc.tif,,,,,False,,,";
    let own = "a.tif,NeedleTip,1,2,5e-09,False,autolamella,run1,/data/a.tif\na.tif,LamellaCentre,3,4,5e-09,True,hand,run1,/data/a.tif";
    fs::write(&path, format!("{head}\n{own}\n{others}\n")).unwrap();
    let mut points = Points::open(dir.path(), None).unwrap();
    let mut rows = points.of(Path::new("x/a.tif"));
    assert_eq!(rows.len(), 2);
    assert!(points.of(Path::new("c.tif")).is_empty());
    rows.remove(1);
    rows[0].px = Some(model::Point { x: 10.4, y: 20.6 });
    rows[0].corrected = true;
    points.set(Path::new("x/a.tif"), None, &rows);
    let row = Row {
        feature: "LandingPost".to_owned(),
        px: Some(model::Point { x: 5.0, y: 6.0 }),
        corrected: true,
        ..Row::default()
    };
    points.set(Path::new("d.png"), Some(2e-8), &[row]);
    points.set(Path::new("e.png"), None, &[]);
    points.hand_over().unwrap().write().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let a = "a.tif,NeedleTip,10,21,5.0e-09,True,hand,run1,/data/a.tif";
    assert_eq!(
        text,
        format!("{head}\n{a}\n{others}\nd.png,LandingPost,5,6,2.0e-08,True,hand,,\n")
    );
    // again, and to none
    let mut points = Points::open(dir.path(), None).unwrap();
    assert_eq!(points.of(Path::new("d.png")).len(), 1);
    points.set(Path::new("a.tif"), None, &[]);
    points.hand_over().unwrap().write().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with(&format!("{head}\na.tif,,,,,False,,run1,/data/a.tif\n{others}\n")),
        "{text}"
    );

    // nothing that was not understood is lost
    fs::write(&path, format!("{head}\na.tif,Needle")).unwrap();
    assert!(
        Points::open(dir.path(), None)
            .unwrap_err()
            .to_string()
            .contains("line 2")
    );
    fs::write(&path, "fname,feature,px.x,px.y,dpx.x,dpx.y\n").unwrap();
    assert!(
        Points::open(dir.path(), None)
            .unwrap_err()
            .to_string()
            .contains("recorded")
    );
}

#[test]
fn recorded_points_are_where_key_points_begin() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path());
    let table = "fname,feature,is_correct,px.x,px.y,dpx.x,dpx.y\na.b,NeedleTip,True,9.0,8.0,0.0,0.0\n";
    fs::write(dir.path().join("data.csv"), table).unwrap();
    let points = Points::open(dir.path(), None).unwrap();
    assert_eq!(points.of(&dir.path().join("a.b.tif"))[0].feature, "NeedleTip");
    assert!(points.of(&dir.path().join("c.tif")).is_empty());
}
