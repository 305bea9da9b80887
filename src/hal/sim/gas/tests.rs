//! Injectors, crucibles, valves and the coater alone.

use super::*;
use model::config::Instrument;

fn system(change: impl FnOnce(&mut Instrument)) -> GasSim {
    let mut instrument = Instrument::default();
    instrument.gis.sputter_coater = true;
    change(&mut instrument);
    GasSim::new(ports::capabilities(&instrument).as_ref())
}

#[test]
fn a_multichem_is_one_port_and_a_plain_system_a_port_a_gas() {
    let multichem = system(|_| ());
    assert_eq!(multichem.read(0.0).ports.len(), 1);
    let plain = system(|i| i.gis.multichem = false);
    assert_eq!(plain.read(0.0).ports.len(), ports::GASES.len());
    let none = system(|i| i.gis.enabled = false);
    assert!(none.read(0.0).ports.is_empty());
}

#[test]
fn an_injector_travels_and_halfway_is_in_the_way() {
    let mut gas = system(|_| ());
    gas.travel(1, "Multichem", Some(Some("cryo")), 0.0, 0.0, |_| None)
        .unwrap();
    assert!(gas.read(1.0).inserted());
    assert_eq!(
        gas.travel(2, "Multichem", None, 0.0, 1.0, |_| None).unwrap_err().kind,
        ErrorKind::Busy
    );
    assert!(gas.valve("Multichem", true).is_err(), "not yet there");
    assert_eq!(gas.halt(2.0), [1]);
    assert!(gas.read(9.0).inserted(), "left halfway");
    gas.travel(3, "Multichem", None, 0.0, 10.0, |_| None).unwrap();
    assert!(gas.settle(11.9).is_empty());
    assert_eq!(gas.settle(12.0), [(3, None)]);
    assert!(!gas.read(12.0).inserted());
    assert_eq!(gas.read(12.0).ports[0].position, None);
    for bad in ["moon", ""] {
        assert_eq!(
            gas.travel(4, "Multichem", Some(Some(bad)), 0.0, 20.0, |_| None)
                .unwrap_err()
                .kind,
            ErrorKind::OutOfRange
        );
        assert_eq!(
            gas.travel(4, bad, None, 0.0, 20.0, |_| None).unwrap_err().kind,
            ErrorKind::OutOfRange
        );
    }
}

#[test]
fn a_crucible_is_warm_after_some_seconds_and_cools_again() {
    let mut gas = system(|_| ());
    gas.heat("Multichem", Some("Pt cryo"), true, 10.0).unwrap();
    let at = |gas: &GasSim, t| gas.read(t).ports[0].temperature;
    assert!((at(&gas, 10.0) - COLD).abs() < 1e-9);
    assert!(at(&gas, 13.0) < model::gas::WARM && at(&gas, 18.0) >= model::gas::WARM);
    gas.heat("Multichem", None, false, 60.0).unwrap();
    assert!(at(&gas, 60.0) > 315.0 && at(&gas, 200.0) < COLD + 0.1);
    assert!(gas.heat("Multichem", Some("Xe"), true, 70.0).is_err());
}

#[test]
fn what_flowed_is_told_once_and_only_while_the_valve_was_open() {
    let mut gas = system(|_| ());
    gas.travel(1, "Multichem", Some(None), 0.0, 0.0, |_| None).unwrap();
    gas.heat("Multichem", Some("Pt cryo"), true, 0.0).unwrap();
    gas.settle(4.0);
    assert!(gas.take_flows(20.0).is_empty());
    gas.valve("Multichem", true).unwrap();
    assert!(gas.is_flowing());
    let flows = gas.take_flows(50.0);
    assert_eq!((flows.len(), flows[0].start, flows[0].end), (1, 20.0, 50.0));
    assert_eq!(flows[0].position.as_deref(), Some("cryo"));
    gas.take_flows(55.0);
    gas.halt(55.0);
    assert!(gas.take_flows(99.0).is_empty() && !gas.read(99.0).open());
}

#[test]
fn the_coater_is_prepared_run_and_put_back() {
    let mut gas = system(|_| ());
    let run = SputterStep::Run { seconds: 60.0 };
    assert!(gas.coat(1, run, 0.0, 0.0).is_err(), "not prepared");
    gas.coat(2, SputterStep::Prepare, 0.0, 0.0).unwrap();
    assert_eq!(gas.settle(PREPARE), [(2, None)]);
    assert!(gas.read(40.0).sputter_ready);
    gas.take_flows(40.0);
    gas.coat(3, run, 0.0, 40.0).unwrap();
    assert_eq!(gas.read(60.0).sputtering, Some(40.0));
    let flows = gas.take_flows(200.0);
    assert_eq!((flows[0].start, flows[0].end), (40.0, 100.0));
    assert_eq!(gas.settle(200.0), [(3, None)]);
    gas.coat(4, SputterStep::Recover, 0.0, 200.0).unwrap();
    gas.settle(300.0);
    assert!(!gas.read(300.0).sputter_ready);
}
