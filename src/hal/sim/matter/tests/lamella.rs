//! Lamellae: what stands between two trenches is as thick as their distance, whatever the angle.

use super::*;

/// Two trenches, `spacing` apart, cut right through at an angle (deg), and the beam.
fn lamella(matter: &mut Matter, deg: f64, spacing: f64, sigma: f64) -> Beamline {
    let beam = Beamline::inclined(Point3::new(0.0, 0.0, -UM), deg.to_radians());
    let high = 2.0 * UM;
    for (sign, scan) in [(1.0, ScanDirection::TopToBottom), (-1.0, ScanDirection::BottomToTop)] {
        let shape = Shape::Rectangle(Rectangle {
            scan_direction: scan,
            ..rectangle(0.0, sign * (spacing + high) / 2.0, 6.0 * UM, high)
        });
        let mut d = drawing(&shape, 100e-9);
        d.spot = round(sigma);
        matter.mill(&beam, &d, &Ions::default()).unwrap();
    }
    beam
}

#[test]
fn a_lamella_is_as_thick_as_its_spacing() {
    for (deg, spacing, allowed) in [
        (15.0, 0.3, 20.0),
        (20.0, 0.6, 20.0),
        (10.0, 0.2, 20.0),
        (25.0, 0.3, 20.0),
        (90.0, 0.5, 26.0),
    ] {
        let mut matter = slab(2.0 * UM, Material::Ice);
        let beam = lamella(&mut matter, deg, spacing * UM, 2.0 * NM);
        let points = [(-2.0 * UM, 0.0), (0.0, 0.0), (1.5 * UM, 0.0)];
        for t in matter.thickness(&beam, &points).unwrap() {
            let t = t.expect("the lamella stands");
            assert!(
                (t.mean / UM - spacing).abs() < allowed * 1e-3 && t.most - t.least < 3.0 * allowed * NM,
                "{deg} deg, {spacing} um: {t:?}"
            );
        }
        let gone = matter.thickness(&beam, &[(0.0, (spacing / 2.0 + 1.0) * UM)]).unwrap();
        assert_eq!(gone, [None], "the trench is open");
    }
}

#[test]
fn a_blurred_beam_thins_a_lamella() {
    let thick = |sigma: f64| {
        let mut matter = slab(2.0 * UM, Material::Ice);
        let beam = lamella(&mut matter, 15.0, 0.5 * UM, sigma);
        matter.thickness(&beam, &[(0.0, 0.0)]).unwrap()[0].map_or(0.0, |t| t.mean)
    };
    let (sharp, soft) = (thick(5.0 * NM), thick(60.0 * NM));
    assert!(soft < sharp - 40.0 * NM, "{soft:e} {sharp:e}");
}

#[test]
fn a_trench_that_is_not_paid_for_is_not_open() {
    let mut matter = slab(2.0 * UM, Material::Ice);
    let beam = Beamline::inclined(Point3::new(0.0, 0.0, 0.0), 0.3);
    let shape = Shape::Rectangle(rectangle(0.0, 0.0, 3.0 * UM, UM));
    assert!(matter.milled_through(&beam, &shape).unwrap() < 1e-9);
    matter.mill(&beam, &drawing(&shape, 0.5e-9), &Ions::default()).unwrap();
    assert!(matter.milled_through(&beam, &shape).unwrap() < 0.1);
    for _ in 0..3 {
        matter.mill(&beam, &drawing(&shape, 20e-9), &Ions::default()).unwrap();
    }
    assert!(matter.milled_through(&beam, &shape).unwrap() > 0.97);
}

#[test]
fn a_width_is_measured_to_the_right() {
    let mut matter = slab(2.0 * UM, Material::Ice);
    let beam = Beamline::from_above(0.0, 0.0);
    for x in [-2.0, 2.0] {
        let shape = Shape::Rectangle(rectangle(x * UM, 0.0, 2.0 * UM, 4.0 * UM));
        matter.mill(&beam, &drawing(&shape, 30e-9), &Ions::default()).unwrap();
    }
    let width = matter.width(&beam, &[(0.0, 0.0)]).unwrap()[0].unwrap();
    assert!((width.mean - 2.0 * UM).abs() < 26.0 * NM, "{width:?}");
}
