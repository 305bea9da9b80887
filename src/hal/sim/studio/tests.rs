//! Labels are held against the matter and the geometry themselves.

use super::*;
use crate::sim::needle::body;
use nalgebra::Point3;
use render::project;

fn order(scene: &str, seed: u64, resolution: (u32, u32)) -> Order {
    Order {
        scene: scene.to_owned(),
        resolution,
        seed,
    }
}

fn studio() -> Studio {
    Studio::new(&Instrument::default()).unwrap()
}

/// The first set from a seed on that is what a test needs.
fn set(studio: &Studio, scene: &str, wanted: impl Fn(&Set) -> bool) -> (Set, Order) {
    let mut made = (1..40).map(|seed| {
        let order = order(scene, seed, (384, 256));
        let set = Set::new(&studio.geometry, studio.materials.clone(), &order).unwrap();
        (set, order)
    });
    made.find(|(set, _)| wanted(set)).unwrap()
}

fn labels(shot: &Shot, set: &Set) -> Array2<Label> {
    name::all(shot, set, &render::label(shot).unwrap())
}

fn at(labels: &Array2<Label>, shot: &Shot, point: [f64; 3]) -> Label {
    let [x, y] = project(shot, point);
    labels[[y.round() as usize, x.round() as usize]]
}

#[test]
fn a_lamella_is_as_thick_in_the_mask_as_in_the_matter() {
    let studio = studio();
    for scene in ["grid", "liftout"] {
        let (mut set, order) = set(&studio, scene, |set| set.slab.is_some());
        set.tip = None;
        set.field = 20e-6;
        let slab = set.slab.clone().unwrap();
        let shot = studio.shot(&set, &order, Beam::Ion);
        let labels = labels(&shot, &set);
        let px = shot.settings.pixel_size();
        for u in [-0.25, 0.0, 0.25].map(|share| share * slab.width) {
            let middle = slab.line.point(u, 0.0, 0.0);
            let [x, _] = project(&shot, middle.into());
            let column = labels.column(x.round() as usize);
            let seen = column.iter().filter(|label| **label == Label::Lamella).count() as f64 * px;
            // a grid is cut through; in a block the sheet ends in what was not cut
            let (least, most) = if scene == "grid" {
                let real = set.matter.thickness(&slab.line, &[(u, 0.0)]).unwrap()[0].unwrap();
                (real.least, real.most)
            } else {
                (0.5 * slab.spacing, 1.5 * slab.spacing)
            };
            let fits = (least - px..=most + px).contains(&seen);
            assert!(
                fits,
                "{scene} {u}: {seen} m in the mask, {least} to {most} m in the matter, {px} m a pixel"
            );
        }
        // beside its ends and in the trenches there is none
        for (u, v) in [
            (0.6 * slab.width, 0.0),
            (0.0, slab.spacing + 0.5e-6),
            (0.0, -slab.spacing - 0.5e-6),
        ] {
            let [x, y] = project(&shot, slab.line.point(u, v, 0.0).into());
            assert_ne!(
                labels[[y.round() as usize, x.round() as usize]],
                Label::Lamella,
                "{scene} {u} {v}"
            );
        }
    }
}

#[test]
fn the_needles_tip_is_where_the_world_has_it() {
    let studio = studio();
    let (set, order) = set(&studio, "liftout", |set| set.tip.is_some());
    let tip = set.tip.unwrap();
    for beam in [Beam::Electron, Beam::Ion] {
        let shot = studio.shot(&set, &order, beam);
        let picture = studio.picture(&set, &order, beam).unwrap();
        let told = picture.tip.unwrap();
        let [x, y] = project(&shot, tip.into());
        assert!((told.x - x).hypot(told.y - y) < 1e-6, "{beam}: {told:?}, {x} {y}");
        // nothing of it lies before its end
        let [sx, sy] = render::appears(&shot, shot.probes[0].tip + shot.probes[0].shaft * 1e-6);
        let long = (sx - x).hypot(sy - y);
        let away = ((x - sx) / long, (y - sy) / long);
        let reach = body::TIP / shot.settings.pixel_size() + 1.5;
        let needle = picture
            .labels
            .indexed_iter()
            .filter(|(_, label)| **label == Label::Needle);
        let furthest = needle.map(|((row, col), _)| (col as f64 - x) * away.0 + (row as f64 - y) * away.1);
        let furthest = furthest.fold(f64::MIN, f64::max);
        assert!((-1.5..reach).contains(&furthest), "{beam}: {furthest} px");
    }
}

#[test]
fn posts_and_block_are_named_where_they_stand() {
    let studio = studio();
    let (mut set, order) = set(&studio, "liftout", |set| set.slab.is_none());
    set.tip = None;
    (set.at, set.field) = (Point3::new(0.0, -40e-6, 0.0), 300e-6);
    for beam in [Beam::Electron, Beam::Ion] {
        let shot = studio.shot(&set, &order, beam);
        let labels = labels(&shot, &set);
        assert_eq!(at(&labels, &shot, [0.0, -40e-6, 0.0]), Label::Post, "{beam}");
        assert_eq!(
            at(&labels, &shot, [65e-6, -40e-6, -200e-6]),
            Label::Background,
            "{beam}"
        );
    }
    (set.at, set.field) = (Point3::new(60e-6, 0.62e-3, 15e-6), 300e-6);
    let shot = studio.shot(&set, &order, Beam::Electron);
    assert_eq!(at(&labels(&shot, &set), &shot, [60e-6, 0.62e-3, 15e-6]), Label::Block);
}

#[test]
fn an_order_is_filled_twice_alike_and_another_seed_otherwise() {
    let studio = studio();
    let take = |seed| studio.take(&order("grid", seed, (96, 64))).unwrap();
    let (first, second, other) = (take(3), take(3), take(4));
    for ((a, b), c) in first.iter().zip(&second).zip(&other) {
        assert_eq!((&a.frame, &a.labels, a.tip), (&b.frame, &b.labels, b.tip));
        assert_ne!(a.frame.pixels, c.frame.pixels);
    }
    let none = studio.take(&order("nowhere", 1, (96, 64))).unwrap_err();
    assert!(none.to_string().contains("nowhere"), "{none}");
}
