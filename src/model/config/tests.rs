//! Instruments: shipped files, defaults, refusals with a place, layers, the form, names.

use super::*;
use crate::StageKind;
use serde_json::{Value, json};
use std::path::Path;

fn parse(text: &str) -> Layered<Instrument> {
    Instrument::parse(text, "a.yaml").unwrap_or_else(|e| panic!("{e}"))
}

fn refusal(text: &str) -> String {
    Instrument::parse(text, "a.yaml").unwrap_err().to_string()
}

fn places(layered: &Layered<Instrument>) -> Vec<&str> {
    layered.problems.iter().map(|p| p.place.as_str()).collect()
}

#[test]
fn shipped_instruments_load_without_a_word() {
    for (name, _) in paths::SHIPPED {
        let layered = paths::shipped(name).unwrap();
        assert_eq!(layered.value.info.name, *name);
        assert!(layered.problems.is_empty(), "{name}: {:?}", layered.problems);
    }
    let [grid, arctis, tfs_arctis, tescan] =
        ["sim-grid", "sim-arctis", "tfs-arctis", "tescan"].map(|name| paths::shipped(name).unwrap().value);
    let default = Instrument {
        milling: grid.milling.clone(),
        sim: grid.sim.clone(),
        ..Instrument::default()
    };
    assert_eq!(grid, default, "the default is the first shipped instrument");
    assert_eq!(arctis.geometry().stage, StageKind::Compustage);
    assert_eq!(
        (tfs_arctis.geometry().stage, tfs_arctis.driver.as_str()),
        (StageKind::Compustage, "fibsem")
    );
    assert_eq!(tfs_arctis.ion.plasma_gas.as_deref(), Some("Xenon"));
    assert_eq!(tescan.geometry().stage, StageKind::ChamberFixed);
    assert_eq!(tescan.geometry().ion_column_tilt, 55_f64.to_radians());
    assert_eq!(tescan.milling["rate"], 1.3e-8);
}

#[test]
fn what_is_missing_has_openfibsems_default() {
    let empty = parse("");
    assert_eq!(empty.value, Instrument::default());
    assert!(empty.problems.is_empty());
    let some =
        parse("info:\n    manufacturer: Thermo Fisher Scientific\nion:\nstage:\n    shuttle_pre_tilt: 27\n").value;
    assert_eq!(
        (some.info.manufacturer.as_str(), some.driver.as_str()),
        ("ThermoFisher", "fibsem")
    );
    assert_eq!(
        (
            some.stage.shuttle_pre_tilt,
            some.stage.milling_angle,
            some.ion.column_tilt
        ),
        (27.0, 15.0, 52.0)
    );
    assert_eq!(parse("driver: sim\ninfo: {manufacturer: tescan}").value.driver, "sim");
}

#[test]
fn manufacturers_are_normalised() {
    for (name, normal) in [
        ("Thermo", "ThermoFisher"),
        ("thermo  FISHER", "ThermoFisher"),
        ("TESCAN", "Tescan"),
        ("demo", "Demo"),
        (" Jeol ", "Jeol"),
    ] {
        assert_eq!(normal_manufacturer(name), normal);
    }
}

#[test]
fn both_detector_spellings_are_read() {
    let long = parse("ion:\n  detector_type: ICE\n  detector_mode: x\n").value.ion;
    let short = parse("ion:\n  type: ICE\n  mode: x\n").value.ion;
    assert_eq!(long, short);
    assert_eq!(long.detector_type.as_deref(), Some("ICE"));
    let both = parse("ion:\n  detector_type: ICE\n  type: ETD\n");
    assert_eq!(
        (both.value.ion.detector_type.as_deref(), places(&both)),
        (Some("ICE"), vec!["a.yaml:3"])
    );
}

#[test]
fn traps_and_unknown_keys_are_reported_once_with_their_line() {
    let layered = parse(
        "electron:\n    hfw: 2e-4\n    hwf: 1.0e-4\nion:\n    plasma_gas: None\nstagee: {}\nmilling: {anything: 1}\nfm: {a: 1}\n",
    );
    assert_eq!(layered.value.electron.hfw, 2e-4);
    assert_eq!(layered.value.ion.plasma_gas, None);
    assert_eq!(layered.value.milling["anything"], 1);
    let mut problems: Vec<String> = layered
        .problems
        .iter()
        .map(|p| format!("{}: {}", p.place, p.text))
        .collect();
    problems.sort();
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(
        problems[0].starts_with("a.yaml:2: electron.hfw: `2e-4` is text to PyYAML"),
        "{problems:?}"
    );
    assert_eq!(
        problems[1],
        "a.yaml:3: no key `hwf` here: did you mean `hfw`?; it has no effect"
    );
    assert!(problems[2].starts_with("a.yaml:5: ion.plasma_gas"));
    assert!(problems[3].contains("`stage`"));
}

#[test]
fn impossible_values_are_refused_with_their_place() {
    for (text, start) in [
        (
            "electron:\n    hfw: -1.0e-4",
            "a.yaml:2:10: -1.0e-4 m is impossible here",
        ),
        ("electron:\n    hfw: .nan", "a.yaml:2:10: .nan m is impossible"),
        ("ion: {dwell_time: 0}", "a.yaml:1:19: 0 s is impossible here"),
        (
            "imaging:\n  resolution: [0, 1024]",
            "a.yaml:2:16: 0 pixels is impossible here",
        ),
        ("imaging:\n  resolution: 1024", "a.yaml:2:15: this is integer `1024`"),
        (
            "electron:\n  voltage: high",
            "a.yaml:2:12: this is string \"high\", it should be f64",
        ),
        (
            "electron:\n  enabled: maybe",
            "a.yaml:2:12: this is string \"maybe\", it should be a boolean",
        ),
        ("stage: 5", "a.yaml:1:8: this is integer `5`"),
        (
            "stage:\n  shuttle_pre_tilt: 350",
            "a.yaml:2:21: 350 deg is impossible here",
        ),
        ("info: {port: 99999}", "a.yaml:1:14: 99999 is impossible here"),
        ("milling:\n  rate: .inf", "a.yaml:2:9: this is no number"),
        ("twin: {scene: moon}", "a.yaml:1:15: `moon` is no scene"),
        (
            "twin: {errors: {charging: 1.5}}",
            "a.yaml:1:27: 1.5 is impossible here: between 0 and 1",
        ),
        ("limits: {x: [1, -1]}", "a.yaml:1:13: the range of x is empty"),
        ("- a\n- b", "a.yaml:1:1: keys with values are wanted"),
        ("a: [", "a.yaml:1:"),
        ("just words", "a.yaml:1:1: keys with values are wanted"),
    ] {
        let message = refusal(text);
        assert!(message.starts_with(start), "{text:?}: {message}");
    }
}

#[test]
fn limits_are_degrees_in_the_file_and_radians_here() {
    let layered = parse("limits: {x: [-1.0e-3, 1.0e-3], t: [-10, 60]}");
    let limits = layered.value.limits.unwrap();
    assert_eq!((limits.x, limits.y), (Some((-1e-3, 1e-3)), None));
    assert_eq!(limits.t, Some((-10_f64.to_radians(), 60_f64.to_radians())));
}

#[test]
fn an_instrument_is_written_and_read_back() {
    for (name, _) in paths::SHIPPED {
        let instrument = paths::shipped(name).unwrap().value;
        let text = instrument.to_yaml().unwrap();
        let back = Instrument::parse(&text, "back").unwrap();
        assert_eq!(back.value, instrument, "{text}");
        assert!(back.problems.is_empty(), "{:?}", back.problems);
        assert!(
            text.contains("    type: ") && text.contains("    detector_type: "),
            "both spellings: {text}"
        );
    }
}

#[test]
fn what_means_nothing_here_is_written_back_in_order() {
    let text = concat!(
        "protocol: {name: a, options: {b: [1, 2.5e-7, null], a: yes}}\n",
        "info: {name: scope, model: Aquilos, serial_number: 0042}\n",
        "fm:\n    enabled: true\n    offset: {x: 1.0e-06}\n",
        "ion: {stigmation: {x: 0.1, y: 0}, hwf: 3, hfw: 2.0e-04, type: ICE}\n",
        "milling: {anything: 1}\n",
        "our-own: [x, {y: null}]\n",
    );
    let first = parse(text).value;
    let keys: Vec<&String> = first.foreign.keys().collect();
    assert_eq!(keys, ["protocol", "info", "fm", "ion", "our-own"]);
    let written = first.to_yaml().unwrap();
    let value = crate::yaml::read_value(&written).unwrap().0;
    assert_eq!(
        value["protocol"],
        json!({"name": "a", "options": {"b": [1, 2.5e-7, null], "a": true}})
    );
    assert_eq!(value["fm"], json!({"enabled": true, "offset": {"x": 1e-6}}));
    assert_eq!(value["our-own"], json!(["x", {"y": null}]));
    assert_eq!(
        (&value["info"]["model"], &value["info"]["name"]),
        (&json!("Aquilos"), &json!("scope"))
    );
    assert_eq!(
        (&value["ion"]["stigmation"], &value["ion"]["hwf"]),
        (&json!({"x": 0.1, "y": 0}), &json!(3))
    );
    assert_eq!(
        (&value["ion"]["hfw"], &value["ion"]["type"]),
        (&json!(2e-4), &json!("ICE"))
    );
    let order = ["protocol:", "fm:", "our-own:"].map(|key| written.find(&format!("\n{key}")).unwrap());
    assert!(order.is_sorted(), "{written}");
    assert_eq!(Instrument::parse(&written, "back").unwrap().value, first);
}

#[test]
fn a_value_knows_where_it_is_from() {
    let document = crate::yaml::Document::parse("ion:\n  hfw: 1.0e-4\n", "a.yaml").unwrap();
    let session = [("info.ip_address", json!("10.0.0.7")), ("info.port", json!(8001))];
    let layered = Instrument::from_document(document, &session).unwrap();
    assert_eq!(
        (layered.value.info.ip_address.as_str(), layered.value.info.port),
        ("10.0.0.7", Some(8001))
    );
    let origin = |key: &str| {
        layered
            .origins
            .iter()
            .find(|o| o.key == key)
            .map(|o| (o.value.as_str(), o.origin.as_str()))
    };
    assert_eq!(origin("ion.hfw"), Some(("0.0001", "a.yaml:2")));
    assert_eq!(origin("electron.hfw"), Some(("0.00015", "default")));
    assert_eq!(origin("info.port"), Some(("8001", "session")));
    let error = Instrument::from_document(
        crate::yaml::Document::parse("", "a").unwrap(),
        &[("info.prot", Value::Null)],
    );
    assert_eq!(
        error.unwrap_err().to_string(),
        "session: no key `prot` here: did you mean `port`?"
    );
}

#[test]
fn any_settings_can_be_layered() {
    #[derive(Debug, serde::Deserialize)]
    struct Console {
        fps: u32,
        theme: String,
        keys: std::collections::BTreeMap<String, String>,
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("console.yaml");
    let embedded = "fps: 30\ntheme: dark\nkeys: {}\n";
    let plain: Layered<Console> = Layers::load(embedded, &file).unwrap();
    assert_eq!((plain.value.fps, plain.value.theme.as_str()), (30, "dark"));
    std::fs::write(&file, "fps: 10\nthme: light\nkeys: {a: b}\n").unwrap();
    let user: Layered<Console> = Layers::load(embedded, &file).unwrap();
    assert_eq!((user.value.fps, user.value.keys["a"].as_str()), (10, "b"));
    assert_eq!(user.problems[0].place, format!("{}:2", file.display()));
    std::fs::write(&file, "fps: many\n").unwrap();
    let error = Layers::load::<Console>(embedded, &file).unwrap_err();
    assert!(
        error.to_string().starts_with(&format!("{}:1:6", file.display())),
        "{error}"
    );
}

fn paths_in(dir: &Path) -> Paths {
    Paths::new(Some(&dir.join("config")), Some(&dir.join("data"))).unwrap()
}

#[test]
fn the_form_makes_an_instrument_and_never_overwrites_one() {
    let dir = tempfile::tempdir().unwrap();
    let paths = paths_in(dir.path());
    let values = [
        ("name", "Our: Aquilos"),
        ("ip_address", "10.0.0.7"),
        ("manufacturer", "thermo"),
        ("rotation_reference", "-70deg"),
        ("ion_eucentric_height", "19.5mm"),
    ];
    let instrument = form::instrument(&values).unwrap();
    assert_eq!(
        (instrument.info.manufacturer.as_str(), instrument.driver.as_str()),
        ("ThermoFisher", "fibsem")
    );
    assert_eq!(
        (instrument.stage.rotation_reference, instrument.stage.rotation_180),
        (-70.0, 110.0)
    );
    assert_eq!(
        (instrument.ion.eucentric_height, instrument.gis.multichem),
        (19.5e-3, false)
    );
    let file = form::create(&paths, &instrument).unwrap();
    assert_eq!(file, paths.instruments_dir().join("Our_ Aquilos.yaml"));
    assert!(matches!(
        form::create(&paths, &instrument),
        Err(FormError::Save(crate::file::SaveError::Exists { .. }))
    ));
    assert_eq!(Instrument::load(&file).unwrap().value, instrument);

    for (values, part) in [
        (vec![("nmae", "x")], "did you mean `name`?"),
        (vec![("name", " ")], "Name: is needed"),
        (vec![("shuttle_pre_tilt", "3um")], "Shuttle pre-tilt: "),
        (vec![("shuttle_pre_tilt", "nan")], "Shuttle pre-tilt: "),
        (vec![("ion_eucentric_height", "16.5")], "impossible"),
    ] {
        let error = form::instrument(&values).unwrap_err().to_string();
        assert!(error.contains(part), "{values:?}: {error}");
    }
    let tescan = form::instrument(&[("manufacturer", "Tescan"), ("rotation_reference", "180deg")]).unwrap();
    assert_eq!((tescan.ion.column_tilt, tescan.stage.rotation_180), (55.0, 0.0));
    assert!(
        FORM.iter()
            .all(|f| !f.doc.is_empty() && f.unit.is_none_or(|u| crate::units::parse(f.default, u).is_ok()))
    );
}

#[test]
fn a_name_finds_its_instrument() {
    let dir = tempfile::tempdir().unwrap();
    let paths = paths_in(dir.path());
    assert_eq!(paths.chosen().unwrap(), None);
    assert_eq!(paths.instrument(None, &[]).unwrap().value.info.name, "sim-grid");
    let own = form::instrument(&[("name", "scope"), ("manufacturer", "demo")]).unwrap();
    let file = form::create(&paths, &own).unwrap();
    paths.choose("scope").unwrap();
    assert_eq!(paths.chosen().unwrap().as_deref(), Some("scope"));
    assert_eq!(paths.instrument(None, &[]).unwrap().value, own);
    assert_eq!(
        paths.instrument(Some(&file.display().to_string()), &[]).unwrap().value,
        own
    );
    assert_eq!(
        paths.instrument(Some("tescan"), &[]).unwrap().value.info.manufacturer,
        "Tescan"
    );
    assert_eq!(
        paths.instruments().first().map(|e| e.name.clone()).as_deref(),
        Some("scope")
    );
    let error = paths.instrument(Some("scoop"), &[]).unwrap_err().to_string();
    assert!(
        error.contains("Did you mean `scope`?") && error.contains("config new"),
        "{error}"
    );
    assert!(paths.instrument(Some("no/such.yaml"), &[]).is_err());
}
