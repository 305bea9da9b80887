//! How deep and how much: every shape, section, part and dose on flat faces.

use super::*;
use model::shape::{Bitmap, Circle, DoseMap, Line, Polygon};

fn shapes() -> Vec<Shape> {
    let turned = Rectangle {
        rotation: 0.5,
        ..rectangle(0.4 * UM, -0.3 * UM, 3.0 * UM, 1.5 * UM)
    };
    vec![
        Shape::Rectangle(rectangle(0.0, 0.0, 2.0 * UM, 2.0 * UM)),
        Shape::Rectangle(turned),
        Shape::Line(Line {
            start_x: -UM,
            end_x: UM,
            start_y: -0.4 * UM,
            end_y: 0.6 * UM,
            depth: UM,
        }),
        Shape::Circle(Circle {
            radius: 1.5 * UM,
            depth: UM,
            centre_x: 0.0,
            centre_y: 0.0,
            thickness: 0.5 * UM,
            start_angle: 0.0,
            end_angle: 360.0,
            rotation: 0.0,
            is_exclusion: false,
        }),
        Shape::Polygon(Polygon {
            vertices: vec![(-UM, -UM), (1.5 * UM, -0.5 * UM), (0.0, 1.5 * UM)],
            depth: UM,
            is_exclusion: false,
        }),
        Shape::Bitmap(Bitmap {
            width: 3.0 * UM,
            height: 2.0 * UM,
            depth: UM,
            centre_x: 0.0,
            centre_y: 0.0,
            rotation: 0.2,
            scan_direction: ScanDirection::TopToBottom,
            passes: 0,
            time: 0.0,
            is_exclusion: false,
            flip_y: false,
            interpolate: None,
            bitmap: Some(DoseMap {
                width: 3,
                height: 2,
                dwell: vec![1.0, 0.5, 0.0, 0.2, 1.0, 0.7],
            }),
        }),
    ]
}

#[test]
fn the_volume_that_goes_is_the_dose_times_the_rate() {
    let rate = Materials::shipped().unwrap().rate(Material::Silicon, &Ions::default());
    for (n, shape) in shapes().iter().enumerate() {
        for sigma in [0.0, 40.0 * NM, 400.0 * NM] {
            let mut matter = slab(30.0 * UM, Material::Silicon);
            let mut d = drawing(shape, 1e-9);
            d.spot = round(sigma);
            let cut = matter
                .mill(&Beamline::from_above(3.0 * UM, 0.0), &d, &Ions::default())
                .unwrap();
            let want = 1e-9 * rate;
            assert!(
                (cut.removed / want - 1.0).abs() < 0.02,
                "{n} {} {sigma:e}: {:e} {want:e}",
                shape.kind(),
                cut.removed
            );
            // Nothing vanishes that is not counted: less is there by what went and more by what landed.
            let holes = all(&matter);
            let (area, full) = ((25.0 * NM).powi(2), 30.0 * UM);
            let there: f64 = holes.iter().flat_map(|(_, r)| r).map(Run::length).sum::<f64>();
            let fine = matter.0.sheet.iter().next().unwrap().1.pitch().powi(2);
            let missing = (matter.columns() as f64 * full - there) * fine;
            assert!(
                (missing / (cut.removed - cut.redeposited) - 1.0).abs() < 1e-3,
                "{} {missing:e} {cut:?} {area:e}",
                shape.kind()
            );
        }
    }
}

#[test]
fn softer_stuff_goes_deeper_for_the_same_dose() {
    let q = 0.2e-9;
    let deep = |material| {
        let mut matter = slab(30.0 * UM, material);
        let shape = Shape::Rectangle(rectangle(0.0, 0.0, UM, UM));
        matter
            .mill(&Beamline::from_above(0.0, 0.0), &drawing(&shape, q), &Ions::default())
            .unwrap()
            .removed
    };
    let (ice, silicon) = (deep(Material::Ice), deep(Material::Silicon));
    assert!((ice / silicon - 2.4 / 0.27).abs() < 0.1);
}

/// Floors along the scan direction, x being the middle of the shape: depth at 40 places.
fn profile(section: CrossSection, part: (f64, f64)) -> (Vec<f64>, Matter) {
    let mut matter = slab(30.0 * UM, Material::Silicon);
    let shape = Shape::Rectangle(Rectangle {
        cross_section: section,
        ..rectangle(0.0, 0.0, 2.0 * UM, 4.0 * UM)
    });
    let q = charge(&matter, Material::Silicon, 8.0 * UM * UM, 0.4 * UM);
    let mut d = drawing(&shape, q);
    d.part = part;
    matter
        .mill(&Beamline::from_above(0.0, 0.0), &d, &Ions::default())
        .unwrap();
    // Top to bottom: from high y to low y.
    let floors = (0..40)
        .map(|i| depth(&matter, 0.0, (1.95 - 0.1 * f64::from(i)) * UM))
        .collect();
    (floors, matter)
}

#[test]
fn a_rectangle_grows_evenly() {
    for f in [0.25, 1.0] {
        let (floors, _) = profile(CrossSection::Rectangle, (0.0, f));
        for d in &floors {
            assert!((d - floors[20]).abs() < 2.0 * NM, "{floors:?}");
            // A little of it has landed again.
            assert!(*d < f * 0.4 * UM && *d > 0.9 * f * 0.4 * UM, "{d:e}");
        }
    }
}

#[test]
fn a_regular_cross_section_is_a_staircase_along_the_scan() {
    let (floors, _) = profile(CrossSection::RegularCrossSection, (0.0, 1.0));
    let steps: Vec<f64> = floors.chunks(8).map(|c| c[4]).collect();
    for (n, step) in steps.iter().enumerate() {
        let flat = &floors[8 * n + 1..8 * n + 7];
        assert!(flat.iter().all(|d| (d - step).abs() < 0.02 * UM), "{floors:?}");
    }
    // Five steps of a fifth of the depth at the end, which is 5/3 of the mean.
    let unit = 0.4 * UM / 3.0;
    for (n, step) in steps.iter().enumerate() {
        let want = unit * (n + 1) as f64;
        // What lands again lies where scanning began.
        let film = want - step;
        assert!(
            film > -2.0 * NM && film < 0.1 * 0.4 * UM * (1.0 - n as f64 / 5.0) + 2.0 * NM,
            "{steps:?}"
        );
    }
    // The first third of the beam time is the first pass: all of the face, one step deep.
    let (floors, _) = profile(CrossSection::RegularCrossSection, (0.0, 1.0 / 3.0));
    assert!(floors.iter().all(|d| (d - unit).abs() < 0.1 * unit), "{floors:?}");
}

#[test]
fn a_cleaning_cross_section_goes_line_by_line_and_leaves_a_clean_face() {
    let (floors, matter) = profile(CrossSection::CleaningCrossSection, (0.0, 0.5));
    assert!(
        floors[21..].iter().all(|d| d.abs() < 1e-12),
        "the rest is untouched: {floors:?}"
    );
    assert!(
        floors[..19].iter().all(|d| *d > 0.8 * 0.4 * UM && *d < 0.41 * UM),
        "{floors:?}"
    );
    let film = |matter: &Matter, y: f64| {
        let column = matter.column(0.0, y, 25.0 * NM);
        column
            .last()
            .filter(|r| r.material == Material::Redeposit)
            .map_or(0.0, Run::length)
    };
    let (_, whole) = profile(CrossSection::CleaningCrossSection, (0.0, 1.0));
    assert!(film(&whole, 1.9 * UM) > 2.0 * film(&whole, -UM));
    assert!(
        film(&whole, -1.97 * UM) < 0.1 * film(&whole, 1.9 * UM),
        "the last line is clean"
    );
    assert!(film(&matter, 1.5 * UM) > 0.0);
}

#[test]
fn parts_of_a_shape_add_up_to_the_whole() {
    for section in CrossSection::ALL {
        let shape = Shape::Rectangle(Rectangle {
            cross_section: section,
            ..rectangle(0.0, 0.0, 2.0 * UM, 2.0 * UM)
        });
        let volume = |parts: &[(f64, f64)]| {
            let mut matter = slab(30.0 * UM, Material::Ice);
            let q = charge(&matter, Material::Ice, 4.0 * UM * UM, 0.3 * UM);
            let mut sum = 0.0;
            for part in parts {
                let mut d = drawing(&shape, q);
                d.part = *part;
                sum += matter
                    .mill(&Beamline::from_above(0.0, 0.0), &d, &Ions::default())
                    .unwrap()
                    .removed;
            }
            sum
        };
        let (whole, parts) = (volume(&[(0.0, 1.0)]), volume(&[(0.0, 0.2), (0.2, 0.65), (0.65, 1.0)]));
        // What landed on the floor between parts mills at its own rate.
        assert!((parts / whole - 1.0).abs() < 0.06, "{section:?} {parts:e} {whole:e}");
    }
}

#[test]
fn exclusions_stay() {
    let shape = Shape::Rectangle(rectangle(0.0, 0.0, 4.0 * UM, 2.0 * UM));
    let keep = [Shape::Circle(Circle {
        radius: 0.5 * UM,
        depth: UM,
        centre_x: UM,
        centre_y: 0.0,
        thickness: 0.0,
        start_angle: 0.0,
        end_angle: 360.0,
        rotation: 0.0,
        is_exclusion: true,
    })];
    let mut matter = slab(10.0 * UM, Material::Ice);
    let mut d = drawing(&shape, 1e-9);
    d.exclusions = &keep;
    let beam = Beamline::from_above(0.0, 0.0);
    matter.mill(&beam, &d, &Ions::default()).unwrap();
    assert!(depth(&matter, UM, 0.0).abs() < 1e-12 && depth(&matter, -UM, 0.0) > 0.2 * UM);
    assert_eq!(
        matter.mill(&beam, &drawing(&keep[0], 1e-9), &Ions::default()),
        Ok(Cut::default())
    );
}

#[test]
fn a_steep_or_turned_beam_takes_the_same_volume() {
    // The angle's factor is the same for all rays on a flat face, so the volume is the dose times rate and factor.
    let shape = Shape::Rectangle(rectangle(0.0, 0.0, 2.0 * UM, UM));
    let rates = Materials::shipped().unwrap().rates(&Ions::default());
    for deg in [90.0f64, 75.0, 52.0, 30.0, 15.0, 10.0] {
        for turn in [0.0f64, 0.35, 1.3, 2.9, -1.8] {
            let mut matter = slab(30.0 * UM, Material::Silicon);
            let about = Isometry3::rotation(nalgebra::Vector3::z() * turn);
            let beam = Beamline::inclined(Point3::origin(), deg.to_radians()).seen_from(&about);
            let cut = matter.mill(&beam, &drawing(&shape, 0.5e-9), &Ions::default()).unwrap();
            let want = 0.5e-9 * rates.rate[Material::Silicon as usize] * rates.incidence(deg.to_radians().sin());
            assert!(
                (cut.removed / want - 1.0).abs() < 0.02,
                "{deg} {turn}: {:e} {want:e}",
                cut.removed
            );
        }
    }
}

#[test]
fn a_beam_from_below_cuts_from_below() {
    let mut matter = slab(2.0 * UM, Material::Ice);
    let above = Beamline::from_above(0.0, 0.0);
    let below = Beamline {
        right: -above.right,
        along: -above.along,
        ..above
    };
    let shape = Shape::Rectangle(rectangle(0.0, 0.0, UM, UM));
    let q = charge(&matter, Material::Ice, UM * UM, 0.5 * UM);
    matter.mill(&below, &drawing(&shape, q), &Ions::default()).unwrap();
    let column = matter.column(0.0, 0.0, 25.0 * NM);
    let (lo, hi) = (f64::from(column[0].lo), f64::from(column[column.len() - 1].hi));
    assert!(hi.abs() < 1e-12 && lo > -1.55 * UM && lo < -1.48 * UM, "{column:?}");
}

#[test]
fn erosion_by_imaging_is_the_sum_of_its_doses() {
    let ions = Ions::default();
    let beam = Beamline::inclined(Point3::origin(), 0.3);
    let field = (30.0 * UM, 20.0 * UM);
    let start = || {
        let mut matter = slab(2.0 * UM, Material::Ice);
        let shape = Shape::Rectangle(rectangle(0.0, 0.0, 2.0 * UM, 0.3 * UM));
        matter.mill(&beam, &drawing(&shape, 1e-10), &ions).unwrap();
        matter
    };
    let (mut once, mut often, n) = (start(), start(), 400);
    let q = 30.0 * NM * field.0 * field.1 / once.materials().rate(Material::Ice, &ions);
    once.expose(&beam, field, q, &ions).unwrap();
    once.settle();
    for _ in 0..n {
        often.expose(&beam, field, q / f64::from(n), &ions).unwrap();
    }
    often.settle();
    for (x, y) in [(0.0, 3.0), (0.7, -2.0), (8.0, 9.0), (-12.0, 20.0)] {
        let (a, b) = (depth(&once, x * UM, y * UM), depth(&often, x * UM, y * UM));
        assert!(a > 10.0 * NM && (a - b).abs() < 0.03 * a, "{x} {y}: {a:e} {b:e}");
    }
    let outside = depth(&once, 20.0 * UM, 0.0);
    assert!(outside.abs() < 1e-12, "nothing outside of the field");
}

#[test]
fn a_narrow_hole_ends_where_its_walls_catch_what_it_loses() {
    let mut matter = slab(40.0 * UM, Material::Ice);
    let shape = Shape::Rectangle(rectangle(0.0, 0.0, 0.1 * UM, 0.1 * UM));
    let q = charge(&matter, Material::Ice, 0.01 * UM * UM, 300.0 * UM);
    let beam = Beamline::from_above(0.0, 0.0);
    matter.mill(&beam, &drawing(&shape, q), &Ions::default()).unwrap();
    let deep = depth(&matter, 0.0, 0.0);
    assert!(deep > UM && deep < 10.0 * UM, "{deep:e}");
}

#[test]
fn a_narrow_hole_gets_no_deeper_where_a_hard_coat_lies_on_soft_stuff() {
    let hole = |coated: bool| {
        let mut matter = slab(60.0 * UM, Material::Ice);
        if coated {
            matter.coat(Area::Everywhere, 0.2 * UM, Material::Platinum).unwrap();
        }
        let shape = Shape::Rectangle(rectangle(0.0, 0.0, 0.1 * UM, 0.1 * UM));
        let q = charge(&matter, Material::Platinum, 0.01 * UM * UM, 300.0 * UM);
        let beam = Beamline::inclined(Point3::new(0.0, 0.0, 0.0), 0.26);
        matter.mill(&beam, &drawing(&shape, q), &Ions::default()).unwrap();
        matter.0.sheet.iter().count()
    };
    let (soft, hard) = (hole(false), hole(true));
    assert!(hard <= 2 * soft, "{hard} tiles instead of {soft}");
}

#[test]
fn a_beam_out_of_focus_needs_few_columns_and_leaves_the_same_hollow() {
    let sigma = 2.0 * UM;
    let shape = Shape::Rectangle(rectangle(0.0, 0.0, 0.5 * UM, 0.5 * UM));
    let beam = Beamline::from_above(0.0, 0.0);
    let burnt = |sharp_before: bool| {
        let mut matter = slab(30.0 * UM, Material::Silicon);
        if sharp_before {
            let far = Shape::Rectangle(rectangle(0.0, 4.0 * UM, 0.5 * UM, 0.5 * UM));
            matter.mill(&beam, &drawing(&far, 1e-12), &Ions::default()).unwrap();
        }
        let mut d = drawing(&shape, charge(&matter, Material::Silicon, 25.0 * UM * UM, 0.2 * UM));
        d.spot = round(sigma);
        matter.mill(&beam, &d, &Ions::default()).unwrap();
        matter
    };
    let (coarse, fine) = (burnt(false), burnt(true));
    assert!(
        16 * coarse.columns() <= fine.columns(),
        "what is fine already stays fine"
    );
    for (x, y) in [(0.0, 0.0), (1.05, -0.4), (2.0, 1.5), (-2.6, 1.0)] {
        let (a, b) = (depth(&coarse, x * UM, y * UM), depth(&fine, x * UM, y * UM));
        assert!(b > 20.0 * NM && (a - b).abs() < 0.06 * b, "{x} {y}: {a:e} {b:e}");
    }
}
