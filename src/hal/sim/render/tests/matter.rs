//! What was done to the sample, and what stands before it, where it really is in the pictures of both beams.

use super::*;
use crate::sim::matter::{Area, Beamline, Drawing, Held, Ions};
use crate::sim::needle::{NeedleSim, body};
use crate::sim::optics::Spot;
use crate::sim::specimen::{Material, Place, Relief, Surface};
use model::shape::{CrossSection, Rectangle, ScanDirection, Shape};
use model::{ManipulatorPosition, Pose};
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};

const UM: f64 = 1e-6;

/// A sheet without end, its face at z = 0.
#[derive(Debug)]
struct Sheet(f32, Material);

impl Relief for Sheet {
    fn at(&self, place: &Place) -> Surface {
        Surface {
            height: 0.0,
            thickness: self.0,
            material: self.1,
            response: self.1.response(place.channel),
        }
    }

    fn bounds(&self) -> (f32, f32) {
        (-self.0, 0.0)
    }
}

/// The view of a beam of a sheet `thickness` um thick, at a stage tilt (deg).
fn view(beam: Beam, thickness: f32, material: Material, tilt: f64, hfw: f64) -> Shot {
    let mut s = shot("grid", StageKind::Tilting, beam, hfw * UM, (384, 256));
    let sheet = Specimen::of(Sheet(thickness * 1e-6, material));
    s.matter = Matter::new(sheet, Arc::new(Materials::shipped().unwrap()));
    s.pose.t = tilt.to_radians();
    s
}

/// The same moment as another beam sees it.
fn by(beam: Beam, of: &Shot) -> Shot {
    let hfw = of.settings.hfw / UM;
    Shot {
        matter: of.matter.clone(),
        probes: of.probes.clone(),
        ..view(beam, 1.0, Material::Ice, of.pose.t.to_degrees(), hfw)
    }
}

fn ions(s: &Shot) -> Beamline {
    s.geometry
        .beamline(Beam::Ion, &s.pose, 0.0, Point::default(), Vector3::zeros())
}

fn rectangle(x: f64, y: f64, width: f64, height: f64) -> Shape {
    Shape::Rectangle(Rectangle {
        width: width * UM,
        height: height * UM,
        depth: UM,
        centre_x: x * UM,
        centre_y: y * UM,
        rotation: 0.0,
        cleaning_cross_section: false,
        scan_direction: ScanDirection::TopToBottom,
        cross_section: CrossSection::Rectangle,
        passes: 0,
        time: 0.0,
        is_exclusion: false,
    })
}

fn drawing(shape: &Shape, charge: f64) -> Drawing<'_> {
    let round = 5e-9f64.powi(2);
    Drawing {
        shape,
        charge,
        part: (0.0, 1.0),
        spot: Spot {
            xx: round,
            xy: 0.0,
            yy: round,
        },
        exclusions: &[],
    }
}

fn mill(s: &mut Shot, shape: &Shape, charge: f64) {
    let beam = ions(s);
    s.matter.mill(&beam, &drawing(shape, charge), &Ions::default()).unwrap();
}

/// Two trenches `spacing` um apart, right through.
fn lamella(s: &mut Shot, spacing: f64) {
    for side in [1.0, -1.0] {
        mill(s, &rectangle(0.0, side * (spacing + 2.0) / 2.0, 6.0, 2.0), 100e-9);
    }
}

/// Mean grey of the part of a picture round a pixel.
fn grey(a: &Array2<u8>, [col, row]: [f64; 2], half: i64) -> f64 {
    let (col, row) = (col.round() as i64, row.round() as i64);
    let around = (-half..=half).flat_map(|r| (-half..=half).map(move |c| (r, c)));
    let sum: f64 = around
        .map(|(r, c)| f64::from(a[[(row + r) as usize, (col + c) as usize]]))
        .sum();
    sum / ((2 * half + 1) as f64).powi(2)
}

/// Where a profile crosses the middle between two greys, to a fraction of a pixel.
fn crossings(profile: &[f64], level: f64) -> Vec<f64> {
    let crosses = |(k, pair): (usize, &[f64])| {
        let (a, b) = (pair[0] - level, pair[1] - level);
        (a * b < 0.0).then(|| k as f64 + a / (a - b))
    };
    profile.windows(2).enumerate().filter_map(crosses).collect()
}

/// The mean of some columns, or of some rows, along the other direction.
fn profile(a: &Array2<u8>, down: bool, over: std::ops::Range<usize>) -> Vec<f64> {
    let (h, w) = a.dim();
    let value = |k: usize, o: usize| f64::from(if down { a[[k, o]] } else { a[[o, k]] });
    let n = over.len() as f64;
    (0..if down { h } else { w })
        .map(|k| over.clone().map(|o| value(k, o)).sum::<f64>() / n)
        .collect()
}

#[test]
fn a_cut_through_a_film_is_dark_within_its_outline_for_both_beams() {
    let mut fib = view(Beam::Ion, 0.02, Material::Carbon, 35.0, 20.0);
    mill(&mut fib, &rectangle(1.0, -0.5, 6.0, 3.0), 40e-9);
    let beam = ions(&fib);
    for s in [fib.clone(), by(Beam::Electron, &fib)] {
        let picture = take(&s);
        // On the film along the ion beam, then to where this beam sees it.
        let seen = |u: f64, v: f64| {
            let p = beam.point(u * UM, v * UM, 0.0);
            let p = p - beam.along * (p.z / beam.along.z);
            project(&s, [p.x, p.y, p.z])
        };
        let (a, b) = (seen(-2.0, 1.0), seen(4.0, -2.0));
        let middle = [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
        let (inside, outside) = (grey(&picture, middle, 10), grey(&picture, [30.0, 30.0], 10));
        assert!(inside < 0.4 * outside, "{inside} {outside}");
        for (down, wanted) in [(false, [a[0], b[0]]), (true, [a[1], b[1]])] {
            let at = if down { middle[0] } else { middle[1] } as usize;
            let found = crossings(&profile(&picture, down, at - 8..at + 8), (inside + outside) / 2.0);
            assert_eq!(found.len(), 2, "{found:?}");
            for (found, wanted) in found.iter().zip(wanted) {
                assert!((found - wanted).abs() <= 1.0, "down {down}: {found} {wanted}");
            }
        }
    }
}

#[test]
fn the_faces_of_a_lamella_are_its_spacing_apart_and_both_beams_tell_it_from_its_trenches() {
    for spacing in [0.4, 0.8] {
        let mut fib = view(Beam::Ion, 2.0, Material::Ice, 12.0, 15.0);
        lamella(&mut fib, spacing);
        let picture = take(&fib);
        let px = fib.settings.pixel_size() / UM;
        let trench = grey(&picture, [192.0, 128.0 - (spacing / 2.0 + 1.0) / px], 6);
        let thin = grey(&picture, [192.0, 128.0], 3);
        let ice = grey(&picture, [30.0, 128.0], 6);
        assert!(trench < 0.4 * ice && trench < 0.4 * thin, "{trench} {thin} {ice}");
        let edges = crossings(&profile(&picture, true, 160..224), (trench + thin) / 2.0);
        assert_eq!(edges.len(), 4, "two trenches: {edges:?}");
        assert!(
            ((edges[2] - edges[1]) - spacing / px).abs() <= 1.0,
            "{edges:?} {}",
            spacing / px
        );

        let sem = by(Beam::Electron, &fib);
        let picture = take(&sem);
        let beam = ions(&fib);
        let seen = |v: f64| {
            let p = beam.point(0.0, v * UM, 0.0);
            let p = p - beam.along * (p.z / beam.along.z);
            project(&sem, [p.x, p.y, p.z])
        };
        let (thin, trench) = (
            grey(&picture, seen(0.0), 2),
            grey(&picture, seen(spacing / 2.0 + 0.8), 4),
        );
        assert!(trench < 0.7 * thin, "{trench} {thin}");
    }
}

#[test]
fn untouched_places_look_the_same_once_they_are_columns() {
    for beam in Beam::ALL {
        for tilt in [12f64, 35.0] {
            let mut s = shot("grid", StageKind::Tilting, beam, 30.0 * UM, (384, 256));
            s.pose.t = tilt.to_radians();
            let before = take(&s);
            // a tiny hole makes columns of all that lies around it
            mill(&mut s, &rectangle(0.0, 0.0, 0.3, 0.05), 1e-12);
            assert!(!s.matter.is_untouched() && s.matter.columns() > 4000);
            let after = take(&s);
            let far = |k: usize| (k % 384).abs_diff(192) > 12 || (k / 384).abs_diff(128) > 12;
            let pairs = before.iter().zip(&after).enumerate().filter(|(k, _)| far(*k));
            let off: Vec<f64> = pairs.map(|(_, (a, b))| f64::from(a.abs_diff(*b))).collect();
            let mean = off.iter().sum::<f64>() / off.len() as f64;
            let wrong = off.iter().filter(|d| **d > 40.0).count();
            assert!(mean < 1.0 && wrong < 150, "{beam} {tilt}: {mean} {wrong}");
        }
    }
}

#[test]
fn deposits_are_brighter_than_what_they_cover() {
    for beam in Beam::ALL {
        let mut s = view(beam, 2.0, Material::Ice, 35.0, 20.0);
        let line = ions(&s);
        let bare = take(&s);
        let shape = rectangle(0.0, 0.0, 5.0, 3.0);
        s.matter
            .draw_deposit(&line, &drawing(&shape, 1e-9), 5e-9, Material::Platinum)
            .unwrap();
        let drawn = take(&s);
        let (covered, beside) = (grey(&drawn, [192.0, 128.0], 8), grey(&drawn, [20.0, 20.0], 8));
        assert!(covered > 1.25 * beside && covered < 240.0, "{covered} {beside}");
        assert!((beside - grey(&bare, [20.0, 20.0], 8)).abs() < 2.0);
        s.matter.coat(Area::Everywhere, 0.5 * UM, Material::Platinum).unwrap();
        let coated = take(&s);
        assert!(grey(&coated, [20.0, 20.0], 8) > 1.25 * beside);
        // it shows its nodules, and is not white all over
        let places: Vec<f64> = (0..12)
            .map(|i| grey(&coated, [20.0 + 30.0 * f64::from(i), 30.0], 4))
            .collect();
        let range = places
            .iter()
            .fold((f64::MAX, f64::MIN), |r, g| (r.0.min(*g), r.1.max(*g)));
        assert!(range.1 < 240.0 && range.1 - range.0 > 6.0, "{places:?}");
    }
}

/// The pixels that a change made: those of the right end, their mean row, and how many.
fn change(a: &Array2<u8>, b: &Array2<u8>) -> Option<([f64; 2], usize)> {
    let differ = |(k, (a, b)): (usize, (&u8, &u8))| (a.abs_diff(*b) > 25).then_some((k % 384, k / 384));
    let changed: Vec<(usize, usize)> = a.iter().zip(b).enumerate().filter_map(differ).collect();
    let right = changed.iter().map(|p| p.0).max()?;
    let end: Vec<f64> = changed.iter().filter(|p| p.0 + 2 > right).map(|p| p.1 as f64).collect();
    Some((
        [right as f64, end.iter().sum::<f64>() / end.len() as f64],
        changed.len(),
    ))
}

#[test]
fn a_needle_that_is_raised_sinks_in_the_ion_picture_and_stays_where_it_is_in_the_electron_picture() {
    // The ion column stands where the top of its picture is, as for the sample: what comes nearer to the electron lens
    // appears lower in the ion picture, by the sine of the angle between the columns.
    // the stage level, so that the needle's z is the chamber's
    let pose = Pose {
        t: 0.0,
        ..view(Beam::Ion, 1.0, Material::Ice, 0.0, 150.0).pose
    };
    let mut needle = NeedleSim::new(StageKind::Tilting);
    let order = needle.insert("PARK", &pose).unwrap();
    needle.begin(1, order, None, false, 0.0, 0.0);
    assert!(needle.settle(1e3).is_some());
    let tip = |z: f64| {
        needle
            .go(&ManipulatorPosition::new(0.0, 0.0, z * UM), &pose)
            .unwrap()
            .points[0]
    };
    for beam in Beam::ALL {
        let mut bare = view(beam, 1.0, Material::Ice, 0.0, 150.0);
        bare.beam.detector.contrast = 0.5;
        let px = bare.settings.pixel_size() / UM;
        let empty = take(&bare);
        let at = |z: f64| {
            let mut s = bare.clone();
            s.probes = vec![body::probe(tip(z))];
            let (end, size) = change(&empty, &take(&s)).expect("the needle is in the picture");
            assert!(size > 300, "{size}");
            end
        };
        let (low, high) = (at(15.0), at(35.0));
        let sinks = if beam == Beam::Ion {
            20.0 * 52f64.to_radians().sin() / px
        } else {
            0.0
        };
        assert!(
            (high[1] - low[1] - sinks).abs() <= 1.5,
            "{beam}: {low:?} {high:?}, {sinks}"
        );
        assert!((low[0] - high[0]).abs() <= 1.5, "{beam}: {low:?} {high:?}");
    }
}

#[test]
fn what_is_behind_the_sample_is_hidden_and_what_is_before_it_hides() {
    let mut s = view(Beam::Ion, 1.0, Material::Ice, 35.0, 60.0);
    let bare = take(&s);
    for (below, shows) in [(-30.0, false), (10.0, true)] {
        s.probes = vec![body::probe(Vector3::new(0.0, 0.0, below * UM))];
        let seen = change(&bare, &take(&s)).is_some_and(|(_, n)| n > 100);
        // the shaft rises out of the sample far to the left of the view
        assert_eq!(seen, shows, "{below}");
    }
}

#[test]
fn a_body_is_drawn_where_it_was_carried_to_and_leaves_a_dark_hole() {
    let mut s = view(Beam::Ion, 0.5, Material::Ice, 35.0, 30.0);
    let down = Beamline::from_above(0.0, 0.0);
    for (x, y, w, h) in [
        (0.0, 2.0, 5.0, 0.5),
        (0.0, -2.0, 5.0, 0.5),
        (2.5, 0.0, 0.5, 4.5),
        (-2.5, 0.0, 0.5, 4.5),
    ] {
        let shape = rectangle(x, y, w, h);
        s.matter.mill(&down, &drawing(&shape, 20e-9), &Ions::default()).unwrap();
    }
    s.matter.release();
    let id = s.matter.bodies().first().expect("a block came free").id;
    s.matter.attach(id, Held::Needle).unwrap();
    let before = take(&s);
    let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), 0.3);
    s.matter
        .place(id, Isometry3::from_parts(Translation3::new(0.0, 0.0, 6.0 * UM), turn))
        .unwrap();
    for s in [s.clone(), by(Beam::Electron, &s)] {
        let picture = take(&s);
        let (old, new) = (project(&s, [0.0; 3]), project(&s, [0.0, 0.0, 6.0 * UM]));
        let (ground, hole, block) = (
            grey(&picture, [20.0, 20.0], 6),
            grey(&picture, old, 4),
            grey(&picture, new, 4),
        );
        assert!((0.6..1.8).contains(&(block / ground)), "{block} {ground}");
        if s.settings.beam_type == Beam::Ion {
            assert!(
                hole < 0.4 * ground && grey(&before, old, 4) > 0.6 * ground,
                "{hole} {ground}"
            );
            assert!(new[1] - old[1] > 30.0, "what is raised sinks in the ion picture");
        }
    }
}

#[test]
fn a_picture_of_matter_is_the_same_on_any_number_of_threads() {
    let mut s = view(Beam::Ion, 2.0, Material::Ice, 12.0, 15.0);
    lamella(&mut s, 0.5);
    s.probes = vec![body::probe(Vector3::new(UM, 0.0, UM))];
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| take(&s))
    };
    assert_eq!(on(1), on(3));
}
