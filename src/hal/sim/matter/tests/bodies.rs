//! What comes free, what holds it, and what joins it to something again.

use super::*;
use model::shape::Circle;
use nalgebra::{Translation3, UnitQuaternion, Vector3};

fn ring(radius: f64, thickness: f64) -> Shape {
    Shape::Circle(Circle {
        radius,
        depth: UM,
        centre_x: 0.0,
        centre_y: 0.0,
        thickness,
        start_angle: 0.0,
        end_angle: 360.0,
        rotation: 0.0,
        is_exclusion: false,
    })
}

/// A film with a disc of 1 um radius cut free, by a ring of 300 nm.
fn cut_out(material: Material) -> (Matter, BodyId) {
    let mut matter = slab(UM, material);
    let shape = ring(1.3 * UM, 0.3 * UM);
    let beam = Beamline::from_above(0.0, 0.0);
    matter.mill(&beam, &drawing(&shape, 1e-12), &Ions::default()).unwrap();
    assert_eq!(matter.release(), [], "a scratch sets nothing free");
    matter.mill(&beam, &drawing(&shape, 50e-9), &Ions::default()).unwrap();
    let freed = matter.release();
    assert_eq!(freed.len(), 1);
    (matter, freed[0])
}

#[test]
fn a_closed_cut_sets_a_body_free() {
    let (mut matter, id) = cut_out(Material::Ice);
    let body = matter.body(id).unwrap();
    let want = std::f64::consts::PI * 1e-12 * 1e-6;
    assert!((body.volume / want - 1.0).abs() < 0.03, "{:e} {want:e}", body.volume);
    assert_eq!(body.held, Held::Nothing);
    assert!((body.bounds[1].x - UM).abs() < 30.0 * NM && (body.bounds[0].z + UM).abs() < NM);
    assert!(
        matter
            .is_near(id, &Point3::new(0.0, 0.0, 20.0 * NM), 50.0 * NM)
            .unwrap()
    );
    assert_eq!(matter.release(), [], "it is free only once");
    // Lifted out, it is where it was put, and gone from where it was.
    let lift = Isometry3::from_parts(
        Translation3::new(0.0, 0.0, 5.0 * UM),
        UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::FRAC_PI_2),
    );
    matter.attach(id, Held::Needle).unwrap();
    matter.place(id, lift).unwrap();
    assert_eq!(matter.is_solid(&Point3::new(0.0, 0.0, -0.5 * UM)), None);
    // Stood on edge: z of the body is -y of the sample.
    assert_eq!(
        matter.is_solid(&Point3::new(0.0, 0.5 * UM, 5.9 * UM)),
        Some((Material::Ice, Some(id)))
    );
    assert!((matter.height_at(0.0, 0.5 * UM).unwrap() - 6.0 * UM).abs() < 30.0 * NM);
    assert_eq!(matter.drop_loose(), [], "the needle holds it");
    matter.attach(id, Held::Nothing).unwrap();
    assert_eq!(matter.drop_loose(), [id]);
    assert!(matter.bodies().is_empty());
}

#[test]
fn a_block_larger_than_what_the_cuts_touched_comes_free_too() {
    let mut matter = slab(0.5 * UM, Material::Ice);
    let beam = Beamline::from_above(0.0, 0.0);
    let sides = [
        (0.0, 4.0, 9.0, 0.4),
        (0.0, -4.0, 9.0, 0.4),
        (4.3, 0.0, 0.4, 8.0),
        (-4.3, 0.0, 0.4, 8.0),
    ];
    for (n, (x, y, w, h)) in sides.into_iter().enumerate() {
        let shape = Shape::Rectangle(rectangle(x * UM, y * UM, w * UM, h * UM));
        matter.mill(&beam, &drawing(&shape, 20e-9), &Ions::default()).unwrap();
        assert_eq!(matter.release().len(), usize::from(n == 3), "after side {n}");
    }
    let want = 8.2e-6 * 7.6e-6 * 0.5e-6;
    assert!((matter.bodies()[0].volume / want - 1.0).abs() < 0.02);
}

#[test]
fn a_deposit_welds_a_body_to_what_it_lies_against() {
    let (mut matter, id) = cut_out(Material::Ice);
    assert!(!matter.is_welded(id).unwrap());
    matter.attach(id, Held::Needle).unwrap();
    matter.place(id, Isometry3::translation(0.29 * UM, 0.0, 0.0)).unwrap();
    assert!(!matter.is_welded(id).unwrap(), "lying against is not hanging on");
    let strap = Shape::Rectangle(rectangle(1.3 * UM, 0.0, 0.8 * UM, 0.5 * UM));
    let beam = Beamline::from_above(0.0, 0.0);
    let laid = matter
        .draw_deposit(&beam, &drawing(&strap, 1e-10), 1e-9, Material::Platinum)
        .unwrap();
    assert!((laid.volume / 1e-19 - 1.0).abs() < 0.1, "{laid:?}");
    assert!(matter.is_welded(id).unwrap());
    matter.place(id, Isometry3::translation(0.0, 0.0, 3.0 * UM)).unwrap();
    assert!(!matter.is_welded(id).unwrap(), "torn off");
}

#[test]
fn a_body_is_cut_where_it_is_now_and_shades_what_lies_below() {
    let (mut matter, id) = cut_out(Material::Ice);
    matter.attach(id, Held::Needle).unwrap();
    matter
        .place(id, Isometry3::translation(6.0 * UM, 0.0, 3.0 * UM))
        .unwrap();
    let beam = Beamline::from_above(6.0 * UM, 0.0);
    let shape = Shape::Rectangle(rectangle(0.0, 0.0, 0.4 * UM, 3.0 * UM));
    let q = charge(&matter, Material::Ice, 1.2 * UM * UM, 0.5 * UM);
    let cut = matter.mill(&beam, &drawing(&shape, q), &Ions::default()).unwrap();
    assert!((cut.removed / (q * matter.materials().rate(Material::Ice, &Ions::default())) - 1.0).abs() < 0.05);
    assert!(matter.body(id).unwrap().volume < std::f64::consts::PI * 1e-18 - 0.3e-18);
    // In its shadow the film is whole; beside it, it was cut.
    assert!(depth(&matter, 6.0 * UM, 1.3 * UM) > 0.4 * UM);
    let below = matter.column(6.0 * UM, 0.0, 25.0 * NM);
    assert!(below.last().unwrap().hi.abs() < 1e-9, "{below:?}");
    // Cut through, it falls in two; the larger keeps its name.
    matter
        .mill(&beam, &drawing(&shape, 20.0 * q), &Ions::default())
        .unwrap();
    let parts = matter.release();
    let free: Vec<&Body> = matter.bodies().iter().collect();
    assert!(parts.iter().all(|p| *p != id) && free.iter().filter(|b| b.held == Held::Needle).count() == 1);
    assert!(free.len() >= 2, "{parts:?}");
}
