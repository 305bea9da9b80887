//! What the twin tells the rules of its chamber: the bodies that `collision` knows, as plain data.

use super::collision::{CARTRIDGE, CLIPS, LENGTH, Probe, SHUTTLE, TOP_DEPTH, TOP_RADIUS, pole};
use super::gas::ports;
use super::geometry::TwinGeometry;
use super::needle;
use model::config::Instrument;
use model::room::{HandBody, HandName, Plate, PlateName, Pole, Room};
use model::{Beam, StageKind};
use nalgebra::Vector3;

/// The specimen is a plane without end: it is drawn, and touched, wherever the stage goes (half width and length, m).
const SPECIMEN: (f64, f64) = (0.2, 0.2);

/// The geometry that the configuration describes, without the errors the twin may have.
pub fn geometry(instrument: &Instrument) -> TwinGeometry {
    let heights = [instrument.electron.eucentric_height, instrument.ion.eucentric_height];
    TwinGeometry::new(instrument.geometry(), heights)
}

/// The bodies of this chamber as the rules are told of them: the perfect instrument, whatever errors the real one has.
pub fn of(instrument: &Instrument) -> Room {
    let geometry = geometry(instrument);
    let kind = geometry.nominal.stage;
    let plate = |name, half, round, height| Plate {
        name,
        half,
        round,
        height,
    };
    let plates = match kind {
        StageKind::Compustage => {
            let round = (CARTRIDGE, CARTRIDGE);
            vec![
                plate(PlateName::Holder, round, true, CLIPS),
                plate(PlateName::Holder, round, true, -CLIPS),
                plate(PlateName::Sample, SPECIMEN, false, 0.0),
            ]
        }
        StageKind::Tilting | StageKind::ChamberFixed => vec![
            plate(PlateName::Platform, (TOP_RADIUS, TOP_RADIUS), true, -TOP_DEPTH),
            plate(PlateName::Holder, SHUTTLE, false, CLIPS),
            plate(PlateName::Sample, SPECIMEN, false, 0.0),
        ],
    };
    let hand = |hand, probe: &Probe, place| HandBody {
        hand,
        shaft: probe.shaft.into(),
        place,
        radius: probe.radius,
        taper: probe.taper,
        shank: probe.shank,
        length: LENGTH,
    };
    let needle = needle::body::probe(Vector3::zeros());
    let mut hands = vec![hand(HandName::Needle, &needle, needle::OUT)];
    let ports = ports::capabilities(instrument).map(|gas| gas.ports).unwrap_or_default();
    for (seat, port) in ports.into_iter().enumerate() {
        let named: Vec<Option<String>> = match port.positions.is_empty() {
            true => vec![None],
            false => port.positions.into_iter().map(Some).collect(),
        };
        for position in named {
            let far = ports::distance(position.as_deref());
            let name = HandName::Injector {
                port: port.port.clone(),
                position,
            };
            hands.push(hand(name, &ports::probe(seat, far, 1.0), far));
        }
    }
    Room {
        geometry: geometry.nominal,
        home_z: geometry.home_z,
        // a column that is switched off is still there
        poles: Beam::ALL
            .map(|beam| Pole {
                beam,
                distance: geometry.eucentric(beam),
                radius: pole(beam).tip_radius,
                flare: pole(beam).flare,
            })
            .to_vec(),
        plates,
        hands,
    }
}
