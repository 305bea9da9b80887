//! What is done to matter, on slabs whose every measure is known, and on the grid.

mod bodies;
mod cuts;
mod growth;
mod lamella;

use super::*;
use crate::sim::optics::Spot;
use crate::sim::specimen::{Channel, Place, Relief, Surface};
use model::shape::{CrossSection, Rectangle, ScanDirection, Shape};
use nalgebra::Point3;

const UM: f64 = 1e-6;
const NM: f64 = 1e-9;

/// A slab without end, its face at z = 0.
#[derive(Debug)]
struct Slab {
    thickness: f32,
    material: Material,
}

impl Relief for Slab {
    fn at(&self, _: &Place) -> Surface {
        Surface {
            height: 0.0,
            thickness: self.thickness,
            material: self.material,
            response: self.material.response(Channel::Electron),
        }
    }

    fn bounds(&self) -> (f32, f32) {
        (-self.thickness, 0.0)
    }
}

fn slab(thickness: f64, material: Material) -> Matter {
    let relief = Slab {
        thickness: thickness as f32,
        material,
    };
    Matter::new(Specimen::of(relief), Arc::new(Materials::shipped().unwrap()))
}

/// A rectangle (m) at (x, y).
fn rectangle(x: f64, y: f64, width: f64, height: f64) -> Rectangle {
    Rectangle {
        width,
        height,
        depth: UM,
        centre_x: x,
        centre_y: y,
        rotation: 0.0,
        cleaning_cross_section: false,
        scan_direction: ScanDirection::TopToBottom,
        cross_section: CrossSection::Rectangle,
        passes: 0,
        time: 0.0,
        is_exclusion: false,
    }
}

fn round(sigma: f64) -> Spot {
    Spot {
        xx: sigma * sigma,
        xy: 0.0,
        yy: sigma * sigma,
    }
}

fn drawing(shape: &Shape, charge: f64) -> Drawing<'_> {
    Drawing {
        shape,
        charge,
        part: (0.0, 1.0),
        spot: round(0.0),
        exclusions: &[],
    }
}

/// Charge that takes `depth` from a face of `area` square to the beam.
fn charge(matter: &Matter, material: Material, area: f64, depth: f64) -> f64 {
    area * depth / matter.materials().rate(material, &Ions::default())
}

/// How deep the sample stands below z = 0 at (x, y).
fn depth(matter: &Matter, x: f64, y: f64) -> f64 {
    -matter.height_at(x, y).unwrap_or(f64::NAN)
}

/// Every run there is, to the last bit.
fn all(matter: &Matter) -> Vec<(Key, Vec<Run>)> {
    let sheets = std::iter::once(&matter.0.sheet).chain(matter.bodies().iter().map(|b| &b.columns));
    sheets
        .flat_map(Columns::iter)
        .map(|(k, t)| (k, t.runs().to_vec()))
        .collect()
}

#[test]
fn clones_share_what_does_not_change_and_keep_what_does() {
    let mut matter = slab(2.0 * UM, Material::Silicon);
    let shape = Shape::Rectangle(rectangle(0.0, 0.0, UM, UM));
    let beam = Beamline::from_above(0.0, 0.0);
    let q = charge(&matter, Material::Silicon, UM * UM, 0.3 * UM);
    matter.mill(&beam, &drawing(&shape, q), &Ions::default()).unwrap();
    let (before, seen) = (matter.clone(), all(&matter));
    assert_eq!(before.revision(), matter.revision());
    matter.mill(&beam, &drawing(&shape, q), &Ions::default()).unwrap();
    assert_eq!(all(&before), seen);
    assert_ne!(before.revision(), matter.revision());
    assert!(depth(&matter, 0.0, 0.0) > 1.7 * depth(&before, 0.0, 0.0));
}

#[test]
fn the_same_acts_leave_the_same_matter_to_the_last_bit() {
    let act = || {
        let mut matter = Matter::new(
            Specimen::new("grid", 5).unwrap(),
            Arc::new(Materials::shipped().unwrap()),
        );
        let beam = Beamline::inclined(Point3::new(20.0 * UM, 10.0 * UM, 0.0), 0.3);
        for y in [1.0, -1.0] {
            let shape = Shape::Rectangle(rectangle(0.0, y * UM, 3.0 * UM, UM));
            let mut d = drawing(&shape, 2e-9);
            d.spot = round(20.0 * NM);
            matter.mill(&beam, &d, &Ions::default()).unwrap();
        }
        matter.release();
        matter
    };
    let (a, b) = (act(), act());
    assert!(!all(&a).is_empty() && all(&a) == all(&b));
}

#[test]
fn nonsense_is_refused_and_changes_nothing() {
    let mut matter = slab(UM, Material::Ice);
    let beam = Beamline::from_above(0.0, 0.0);
    let good = Shape::Rectangle(rectangle(0.0, 0.0, UM, UM));
    let flat = Shape::Rectangle(rectangle(0.0, 0.0, 0.0, UM));
    let lost = Shape::Rectangle(rectangle(f64::NAN, 0.0, UM, UM));
    let ions = Ions::default();
    for shape in [&flat, &lost] {
        let refused = matter.mill(&beam, &drawing(shape, 1e-9), &ions).unwrap_err();
        assert!(refused.to_string().contains("nothing was changed"), "{refused}");
    }
    assert!(matter.mill(&beam, &drawing(&good, f64::NAN), &ions).is_err());
    let crooked = Beamline { up: beam.right, ..beam };
    assert_eq!(
        matter.mill(&crooked, &drawing(&good, 1e-9), &ions),
        Err(MatterError::Beam)
    );
    assert!(matter.coat(Area::Everywhere, -1.0, Material::Platinum).is_err());
    assert!(
        matter
            .attach(BodyId(7), Held::Needle)
            .unwrap_err()
            .to_string()
            .contains('7')
    );
    assert!(matter.is_untouched() && matter.columns() == 0);
}

#[test]
fn rays_meet_what_stands_there() {
    let mut matter = slab(3.0 * UM, Material::Silicon);
    let beam = Beamline::from_above(0.0, 0.0);
    let shape = Shape::Rectangle(rectangle(0.0, 0.0, 4.0 * UM, 2.0 * UM));
    let q = charge(&matter, Material::Silicon, 8.0 * UM * UM, UM);
    matter.mill(&beam, &drawing(&shape, q), &Ions::default()).unwrap();
    let floor = depth(&matter, 0.0, 0.0);
    // Down on the floor.
    let down = Ray {
        origin: Point3::new(0.0, 0.0, 5.0 * UM),
        direction: -nalgebra::Vector3::z(),
    };
    let hit = matter.first_hit(&down, 1e-3).unwrap();
    assert!((hit.distance - 5.0 * UM - floor).abs() < 0.1 * NM && hit.normal.z > 0.999);
    // At a slant, over the rim, on the wall behind.
    let direction = nalgebra::Vector3::new(0.0, 1.0, -0.25).normalize();
    let slant = Ray {
        origin: Point3::new(0.0, -UM, 0.1 * UM),
        direction,
    };
    let hit = matter.first_hit(&slant, 1e-3).unwrap();
    assert!((hit.position.y - UM).abs() < 30.0 * NM, "{hit:?}");
    assert!(hit.normal.y < -0.99, "{hit:?}");
    // Along the floor, nothing; from outside of the columns the relief is met too.
    let over = Ray {
        origin: Point3::new(0.0, 0.0, 10.0 * NM),
        direction: nalgebra::Vector3::x(),
    };
    assert_eq!(matter.first_hit(&over, 1e-3), None);
    let far = Ray {
        origin: Point3::new(50.0 * UM, 0.0, 2.0 * UM),
        direction: -nalgebra::Vector3::z(),
    };
    assert_eq!(matter.first_hit(&far, 1e-3), None);
    assert!((matter.distance_along(&far, 1e-3).unwrap() - 2.0 * UM).abs() < 0.1 * NM);
    assert_eq!(matter.is_solid(&Point3::new(0.0, 0.0, -0.5 * UM)), None);
    assert_eq!(
        matter.is_solid(&Point3::new(0.0, 0.0, -2.0 * UM)),
        Some((Material::Silicon, None))
    );
}
