//! What is laid down: coats, straps and bridges.

use super::*;

#[test]
fn a_coat_costs_nothing_and_lies_everywhere() {
    let mut matter = slab(2.0 * UM, Material::Ice);
    let beam = Beamline::from_above(0.0, 0.0);
    let shape = Shape::Rectangle(rectangle(0.0, 0.0, UM, UM));
    let q = charge(&matter, Material::Ice, UM * UM, 0.2 * UM);
    matter.mill(&beam, &drawing(&shape, q), &Ions::default()).unwrap();
    let (held, floor) = (matter.columns(), depth(&matter, 0.0, 0.0));
    matter.coat(Area::Everywhere, 0.3 * UM, Material::Platinum).unwrap();
    assert!(matter.columns() <= held);
    assert!((depth(&matter, 0.0, 0.0) - floor + 0.3 * UM).abs() < 0.1 * NM);
    assert!((matter.height_at(300.0 * UM, -90.0 * UM).unwrap() - 0.3 * UM).abs() < 0.1 * NM);
    // Columns that are made later have it, and it is milled at its own rate.
    let far = Beamline::from_above(50.0 * UM, 0.0);
    let q = charge(&matter, Material::Platinum, UM * UM, 0.1 * UM);
    matter.mill(&far, &drawing(&shape, q), &Ions::default()).unwrap();
    let column = matter.column(50.0 * UM, 0.0, 25.0 * NM);
    assert!(column.iter().any(|r| r.material == Material::Platinum));
    let top = matter.height_at(50.0 * UM, 0.0).unwrap();
    assert!((top - 0.2 * UM).abs() < 12.0 * NM, "{top:e}");
    // Only where it was asked for.
    let disc = Area::Disc {
        x: 50.0 * UM,
        y: 0.0,
        radius: 5.0 * UM,
    };
    matter.coat(disc, 0.1 * UM, Material::Platinum).unwrap();
    assert!((matter.height_at(300.0 * UM, 0.0).unwrap() - 0.3 * UM).abs() < 0.1 * NM);
    assert!((matter.height_at(53.0 * UM, 0.0).unwrap() - 0.4 * UM).abs() < 0.1 * NM);
    assert_eq!(matter.deposits().len(), 2);
}

#[test]
fn more_of_the_same_in_the_same_place_is_one_coat() {
    let mut matter = slab(2.0 * UM, Material::Ice);
    let disc = Area::Disc {
        x: 0.0,
        y: 0.0,
        radius: 5.0 * UM,
    };
    for area in [Area::Everywhere, disc, Area::Everywhere, disc] {
        matter.coat(area, 0.1 * UM, Material::Platinum).unwrap();
    }
    assert_eq!(matter.deposits().len(), 2);
    for (x, high) in [(0.0, 0.4 * UM), (9.0 * UM, 0.2 * UM)] {
        assert!((matter.height_at(x, 0.0).unwrap() - high).abs() < 0.1 * NM, "{x:e}");
    }
    // not through another material
    matter.coat(disc, 0.1 * UM, Material::Carbon).unwrap();
    matter.coat(disc, 0.1 * UM, Material::Platinum).unwrap();
    assert_eq!(matter.deposits().len(), 4);
    let stack: Vec<Material> = matter.column(0.0, 0.0, 25.0 * NM).iter().map(|r| r.material).collect();
    let (ice, platinum, carbon) = (Material::Ice, Material::Platinum, Material::Carbon);
    assert_eq!(stack, [ice, platinum, carbon, platinum]);
}

#[test]
fn a_beam_deposit_has_the_volume_of_its_dose_and_lies_on_what_the_beam_sees() {
    for deg in [90.0f64, 52.0, 15.0] {
        let mut matter = slab(2.0 * UM, Material::Ice);
        let beam = Beamline::inclined(Point3::origin(), deg.to_radians());
        let shape = Shape::Rectangle(rectangle(0.0, 0.0, 2.0 * UM, UM));
        let mut d = drawing(&shape, 0.8e-9);
        d.spot = round(20.0 * NM);
        let laid = matter.draw_deposit(&beam, &d, 0.5e-9, Material::Platinum).unwrap();
        assert!((laid.volume / 0.4e-18 - 1.0).abs() < 0.03, "{deg}: {laid:?}");
        // 200 nm across the beam's face is that much along the beam.
        let top = matter.height_at(0.0, 0.0).unwrap();
        let want = 0.2 * UM * deg.to_radians().sin();
        assert!((top - want).abs() < 12.0 * NM, "{deg}: {top:e} {want:e}");
        assert_eq!(matter.column(0.0, 0.0, 25.0 * NM).len(), 2);
    }
}

#[test]
fn a_slanting_deposit_grows_out_over_a_gap() {
    let mut matter = slab(2.0 * UM, Material::Ice);
    let slot = Shape::Rectangle(rectangle(0.0, 0.0, 2.0 * UM, 0.3 * UM));
    let from_above = Beamline::from_above(0.0, 0.0);
    matter
        .mill(&from_above, &drawing(&slot, 20e-9), &Ions::default())
        .unwrap();
    assert!(matter.column(0.0, 0.0, 25.0 * NM).is_empty());
    let slant = Beamline::inclined(Point3::new(0.0, 0.0, -0.1 * UM), 0.4);
    let strap = Shape::Rectangle(rectangle(0.0, 0.0, UM, 0.3 * UM));
    let q = 0.6 * UM * 0.3 * UM * UM / 1e-9;
    matter
        .draw_deposit(&slant, &drawing(&strap, q), 1e-9, Material::Platinum)
        .unwrap();
    let bridge = matter.column(0.0, 0.0, 25.0 * NM);
    assert!(bridge.iter().any(|r| r.material == Material::Platinum), "{bridge:?}");
}

#[test]
fn what_a_coat_hides_is_kept_coarser_and_walls_stay_where_they_are() {
    let beam = Beamline::from_above(0.0, 0.0);
    let dig = |depth: f64| {
        let mut matter = slab(4.0 * UM, Material::Ice);
        // its walls stand between columns of 25 nm
        let shape = Shape::Rectangle(rectangle(0.0, 0.0, 0.825 * UM, 0.825 * UM));
        let q = charge(&matter, Material::Ice, (0.825 * UM).powi(2), depth);
        matter.mill(&beam, &drawing(&shape, q), &Ions::default()).unwrap();
        let fine = matter.columns();
        matter.coat(Area::Everywhere, UM, Material::Platinum).unwrap();
        (matter, fine)
    };
    let (shallow, fine) = dig(0.2 * UM);
    assert!(
        shallow.columns() * 16 <= fine,
        "{} columns of {fine}",
        shallow.columns()
    );
    let (deep, fine) = dig(2.0 * UM);
    assert!(deep.columns() == fine, "{} columns of {fine}", deep.columns());
    for (x, z) in [(0.0, -UM), (0.39 * UM, -UM), (0.46 * UM, UM)] {
        assert!(
            (deep.height_at(x, 0.0).unwrap() - z).abs() < 0.1 * UM,
            "{x:e}: {:?}",
            deep.height_at(x, 0.0)
        );
    }
}

#[test]
fn tiles_that_nothing_was_done_to_are_forgotten_when_a_pattern_has_ended() {
    let mut matter = slab(2.0 * UM, Material::Ice);
    let beam = Beamline::inclined(Point3::origin(), 0.2);
    let shape = Shape::Rectangle(rectangle(0.0, 0.0, 0.2 * UM, 0.1 * UM));
    let q = charge(&matter, Material::Ice, 0.02 * UM * UM, UM);
    matter.mill(&beam, &drawing(&shape, q), &Ions::default()).unwrap();
    let (held, before) = (matter.columns(), matter.column(0.0, 0.0, 25.0 * NM));
    matter.release();
    assert!(matter.columns() < held, "{} of {held}", matter.columns());
    assert_eq!(matter.column(0.0, 0.0, 25.0 * NM), before);
    // a dose that takes nothing makes no tiles
    let held = matter.columns();
    let far = Beamline::from_above(50.0 * UM, 0.0);
    matter.mill(&far, &drawing(&shape, q * 1e-6), &Ions::default()).unwrap();
    assert_eq!(matter.columns(), held);
}
