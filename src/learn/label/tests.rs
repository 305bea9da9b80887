use super::*;
use crate::picture::read_mask;
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
    assert_eq!(*sheet.labels(), noise(5));
    sheet.undo();
    assert_eq!(*sheet.labels(), noise(4));
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
fn a_folder_is_labelled_picture_by_picture_and_saved_whole() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path());
    let mut desk = Desk::open(dir.path(), None).unwrap();
    assert_eq!(
        (desk.images().len(), desk.origin(), desk.save().unwrap()),
        (2, Origin::Empty, false)
    );
    let suggestion = Array2::from_elem((32, 64), 2);
    assert!(desk.suggest(suggestion.clone()).unwrap());
    assert!(
        !dir.path().join("labels").exists(),
        "a suggestion is in no file until it is confirmed"
    );
    assert_eq!(desk.origin(), Origin::Predicted);
    desk.sheet_mut()
        .edit(&Edit::Polygon {
            corners: vec![(1, 1), (9, 1), (9, 9)],
            class: 1,
        })
        .unwrap();
    let drawn = desk.sheet().labels().clone();
    desk.turn_to(0).unwrap();
    assert_eq!((desk.sheet().labels(), desk.sheet().is_unsaved()), (&drawn, false));
    desk.turn_to(1).unwrap();
    let saved = read_mask(&dir.path().join("labels/a.b.tif")).unwrap();
    assert!(saved[[1, 5]] == 1 && saved[[20, 20]] == 2);
    // untouched: nothing is written; copied: as its neighbour's
    assert!(desk.copy_from_neighbour(1).is_err());
    assert!(desk.copy_from_neighbour(-1).unwrap() > 0);
    assert!(desk.save().unwrap() && !desk.save().unwrap());
    assert_eq!(read_mask(&dir.path().join("labels/c.tif")).unwrap(), saved);
    desk.sheet_mut().undo();
    assert!(desk.sheet().is_unsaved(), "what is taken back is a change, too");
    assert!(
        !desk.suggest(suggestion).unwrap(),
        "a mask of its own counts before a suggestion"
    );
    assert!(desk.turn_to(2).is_err());
    assert_eq!(desk.at(), 1);

    // a mask that cannot be read is never written over unseen, and leaving it alone loses nothing
    fs::write(dir.path().join("labels/a.b.tif"), b"II*\0half").unwrap();
    assert!(desk.turn_to(0).is_err());
    assert_eq!((desk.at(), desk.sheet().is_unsaved()), (1, true));
    assert_eq!(fs::read(dir.path().join("labels/a.b.tif")).unwrap(), b"II*\0half");
    assert!(Desk::open(dir.path(), Some(dir.path())).is_err());
    assert!(Desk::open(dir.path(), None).is_err());
}
