//! Application files: what an instrument believes its beam does to a material, by which it plans how long a shape takes.
//!
//! Sputter rates are those of the table that FEI printed with its gallium columns (30 kV, normal incidence, um3 removed per
//! nC of ions); growth rates are typical of platinum and carbon precursors at a few pA/um2. They decide *times* only: depth is
//! decided by the matter that is really there. To add a file: a row of [`FILES`].

use model::Shape;
use model::shape::CrossSection;

/// One application file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ApplicationFile {
    pub name: &'static str,
    /// m3 removed, or laid down, per C.
    pub rate: f64,
    /// What grows where the beam dwells while this gas flows, instead of being milled.
    pub deposits: Option<Deposit>,
}

/// What a beam makes of a gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deposit {
    Platinum,
    Carbon,
}

/// um3/nC in m3/C.
const UM3_PER_NC: f64 = 1e-9;

const fn mills(name: &'static str, um3_per_nc: f64) -> ApplicationFile {
    ApplicationFile {
        name,
        rate: um3_per_nc * UM3_PER_NC,
        deposits: None,
    }
}

const fn grows(name: &'static str, um3_per_nc: f64, deposit: Deposit) -> ApplicationFile {
    ApplicationFile {
        name,
        rate: um3_per_nc * UM3_PER_NC,
        deposits: Some(deposit),
    }
}

/// The application files of the twin; the first is what an unknown name would fall back to, if one ever came this far.
pub const FILES: &[ApplicationFile] = &[
    mills("Si", 0.27),
    mills("Si-multipass", 0.27),
    mills("Si-ccs", 0.27),
    mills("SiO2", 0.24),
    mills("Au", 1.5),
    mills("Cu", 0.25),
    mills("Pt", 0.23),
    mills("W", 0.12),
    mills("C", 0.18),
    grows("cryo_Pt_dep", 0.5, Deposit::Platinum),
    grows("Pt dep", 0.5, Deposit::Platinum),
    grows("Pt e-dep", 0.05, Deposit::Platinum),
    grows("C dep", 0.2, Deposit::Carbon),
];

/// The file of that name.
pub fn find(name: &str) -> Option<&'static ApplicationFile> {
    FILES.iter().find(|file| file.name == name)
}

/// Steps of a regular cross section: each deeper than the one before.
pub const STAIRS: u32 = 5;

/// Share of the box that an instrument counts on removing with one kind of cross section: a staircase leaves its steps; a
/// line that is milled against a free edge needs about two thirds of the dose (openFIBSEM's factor).
fn share(cross_section: CrossSection) -> f64 {
    match cross_section {
        CrossSection::Rectangle => 1.0,
        CrossSection::RegularCrossSection => 0.5 * (1.0 + 1.0 / f64::from(STAIRS)),
        CrossSection::CleaningCrossSection => 0.66,
    }
}

/// Beam time (s) that an instrument plans for `shape` with `rate` m3/C and `current` A; `spot` (m) is the width of a line.
pub fn beam_time(shape: &Shape, rate: f64, current: f64, spot: f64) -> f64 {
    if shape.is_exclusion() {
        return 0.0;
    }
    if shape.time() > 0.0 {
        return shape.time();
    }
    let area = match shape {
        Shape::Line(line) => (line.end_x - line.start_x).hypot(line.end_y - line.start_y) * spot,
        shape => shape.area(),
    };
    area * shape.depth() * share(shape.cross_section()) / (rate * current)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::shape::{Rectangle, ScanDirection};

    fn trench(cross_section: CrossSection, time: f64) -> Shape {
        Shape::Rectangle(Rectangle {
            width: 10e-6,
            height: 2e-6,
            depth: 1e-6,
            centre_x: 0.0,
            centre_y: 0.0,
            rotation: 0.0,
            cleaning_cross_section: false,
            scan_direction: ScanDirection::TopToBottom,
            cross_section,
            passes: 0,
            time,
            is_exclusion: false,
        })
    }

    #[test]
    fn time_is_volume_by_rate_and_current() {
        let si = find("Si").unwrap();
        // 20 um3 of silicon at 2 nA: 20 / 0.27 / 2 s
        let plain = beam_time(&trench(CrossSection::Rectangle, 0.0), si.rate, 2e-9, 0.0);
        assert!((plain - 37.037).abs() < 1e-3, "{plain}");
        let stairs = beam_time(&trench(CrossSection::RegularCrossSection, 0.0), si.rate, 2e-9, 0.0);
        let lines = beam_time(&trench(CrossSection::CleaningCrossSection, 0.0), si.rate, 2e-9, 0.0);
        assert!((stairs / plain - 0.6).abs() < 1e-12 && (lines / plain - 0.66).abs() < 1e-12);
        assert_eq!(
            beam_time(&trench(CrossSection::Rectangle, 7.0), si.rate, 2e-9, 0.0),
            7.0,
            "the shape's own time counts"
        );
    }
}
