//! The command line as people script it: output, exit codes, files, and what bad input comes to.

use crate::run::{Place, Ran, keys};
use model::{Frame, Pixels};
use ndarray::Array2;
use serde_json::Value;
use std::path::Path;

/// A fresh twin in virtual time, JSON out.
fn script(place: &Place, lines: &str, more: &[&str]) -> Ran {
    place.run_with(
        &[&["script", "--demo", "--speed", "max", "--json"], more].concat(),
        lines,
    )
}

#[test]
fn a_script_prints_one_object_a_line() {
    let place = Place::new();
    let lines = "# a first look\nstage.move-relative x=20um y=-5um\n\nimage.acquire beam=electron resolution=384x256\nsystem.wait seconds=600\ntruth\n";
    let ran = script(&place, lines, &[]).ended(0);
    let objects = ran.json_lines();
    let commands: Vec<&str> = objects.iter().map(|o| o["command"].as_str().unwrap()).collect();
    assert_eq!(
        commands,
        lines
            .lines()
            .filter(|l| !l.is_empty() && !l.starts_with('#'))
            .collect::<Vec<_>>()
    );
    for object in &objects {
        assert_eq!(keys(object), ["command", "ok", "instrument", "result"]);
        assert_eq!(
            (&object["ok"], &object["instrument"]),
            (&Value::Bool(true), &Value::from("sim-grid"))
        );
    }
    assert!(
        (objects[0]["result"]["x"].as_f64().unwrap() - 20e-6).abs() < 1e-9,
        "{}",
        objects[0]
    );
    assert!(
        (objects[3]["result"]["pose"]["y"].as_f64().unwrap() + 5e-6).abs() < 1e-9,
        "{}",
        objects[3]
    );
    let file = objects[1]["result"]["pictures"][0]["file"].as_str().unwrap();
    assert!(Path::new(file).starts_with(place.path("data")), "{file}");
    assert_eq!(Frame::load(Path::new(file)).unwrap().frame.pixels.size(), (384, 256));
}

#[test]
fn a_script_stops_at_its_first_failure_or_keeps_going() {
    let place = Place::new();
    let lines = "stage.position\nstage.move-absolute x=10m\nstage.position\n";
    let objects = script(&place, lines, &[]).ended(3).json_lines();
    assert_eq!(objects.len(), 2);
    assert_eq!(keys(&objects[1]), ["command", "ok", "instrument", "error"]);
    assert_eq!(keys(&objects[1]["error"])[..4], ["kind", "title", "detail", "hint"]);
    assert_eq!(objects[1]["error"]["kind"], "out-of-range");
    let objects = script(&place, lines, &["--keep-going"]).ended(8).json_lines();
    assert_eq!(objects.len(), 3);
    assert_eq!(
        objects[2]["result"], objects[0]["result"],
        "a refused move moved nothing"
    );
    // nothing done is no part done
    script(&place, "stage.move-absolute x=10m\nnonsense\n", &["--keep-going"]).ended(3);
    script(&place, "nonsense\n", &[]).ended(2);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed: &str| {
        let place = Place::new();
        let lines = "stage.move-relative x=7um\nimage.acquire beam=ion resolution=384x256\ntruth\n";
        let objects = script(&place, lines, &["--seed", seed]).ended(0).json_lines();
        let file = objects[1]["result"]["pictures"][0]["file"].as_str().unwrap();
        (Frame::load(Path::new(file)).unwrap().frame.pixels, objects[2].clone())
    };
    assert_eq!(run("7"), run("7"));
    assert_ne!(run("7").0, run("8").0);
}

#[test]
fn the_table_of_commands_holds_the_contract() {
    let table = Place::new().run(&["do", "--list", "--json"]).ended(0).json();
    let names: Vec<&str> = table
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    for name in "system.connect system.disconnect system.apply-configuration system.home system.link system.get system.set \
        system.available system.state system.capture system.restore system.wait chamber.pump chamber.vent chamber.picture beam.on \
        beam.off beam.blank beam.unblank beam.shift beam.reset-shift beam.plasma image.acquire image.reference image.live \
        image.autocontrast image.autofocus stage.position stage.move-absolute stage.move-relative stage.safe-move stage.stable-move \
        stage.project-stable-move stage.vertical-move stage.flat-to stage.orientation stage.milling-angle stage.center-on \
        position.save position.list position.go position.rename position.remove position.import position.export align.beam-shift \
        align.coincidence job.list job.pause job.resume job.stop stop control.take control.release truth"
        .split_whitespace()
    {
        assert!(names.contains(&name), "{name} is missing");
    }
    let text = Place::new().run(&["do", "--list"]).ended(0).out;
    assert!(names.iter().all(|name| text.contains(name)));
}

#[test]
fn state_and_truth_have_the_keys_of_the_contract() {
    let place = Place::new();
    let state = place.run(&["status", "--demo", "--json"]).ended(0).json();
    has(
        &state,
        "instrument connected control chamber stage electron ion manipulator gis milling jobs notices",
    );
    has(&state["chamber"], "state pressure_pa");
    has(
        &state["stage"],
        "x y z r t moving homed linked limits orientation milling_angle_deg",
    );
    for beam in ["electron", "ion"] {
        has(
            &state[beam],
            "on blanked voltage current hfw working_distance dwell_time resolution",
        );
    }
    assert_eq!(
        (&state["connected"], &state["chamber"]["state"]),
        (&Value::Bool(true), &Value::from("Pumped"))
    );

    let truth = place
        .run(&["truth", "--demo", "--json", "--seed", "5", "--scene", "waffle"])
        .ended(0)
        .json();
    has(
        &truth,
        "seed scene pose coincidence_error_m focus_error_m sites milling bodies needle deposits collisions clock_s",
    );
    has(&truth["pose"], "x y z r t");
    has(&truth["focus_error_m"], "electron ion");
    has(&truth["needle"], "inserted tip_m contact");
    assert_eq!(
        (&truth["seed"], &truth["scene"]),
        (&Value::from(5), &Value::from("waffle"))
    );
    // the default scene starts at the coincidence point, in focus
    assert!(truth["coincidence_error_m"].as_f64().unwrap().abs() < 1e-9, "{truth}");
    assert!(truth["focus_error_m"]["ion"].as_f64().unwrap().abs() < 1e-9, "{truth}");
}

fn has(value: &Value, wanted: &str) {
    let there = keys(value);
    for key in wanted.split_whitespace() {
        assert!(there.contains(&key), "{key} is missing in {there:?}");
    }
}

#[test]
fn pictures_are_never_written_over() {
    let place = Place::new();
    let take = |output: &str, beam: &str| -> Vec<String> {
        let args = [
            "acquire",
            "--demo",
            "--speed",
            "max",
            "--beam",
            beam,
            "--resolution",
            "384x256",
            "-o",
            output,
        ];
        place.run(&args).ended(0).out.lines().map(str::to_owned).collect()
    };
    let first = take("pictures", "both");
    let [sem, fib] = &first[..] else { panic!("{first:?}") };
    assert!(sem.ends_with("_eb.tif") && fib.ends_with("_ib.tif"), "{first:?}");
    let before: Vec<Vec<u8>> = first.iter().map(|f| std::fs::read(f).unwrap()).collect();
    let second = take("pictures", "both");
    assert!(
        second.iter().all(|f| !first.contains(f) && Path::new(f).exists()),
        "{first:?} {second:?}"
    );
    let after: Vec<Vec<u8>> = first.iter().map(|f| std::fs::read(f).unwrap()).collect();
    assert_eq!(before, after);
    let named = [take("one.tif", "ion"), take("one.tif", "ion")].concat();
    assert_eq!(named[0], place.text("one.tif"));
    assert_ne!(named[0], named[1]);
    let loaded = Frame::load(Path::new(&named[1])).unwrap();
    assert_eq!(loaded.frame.metadata.unwrap().image.beam_type, model::Beam::Ion);
}

#[test]
fn the_options_of_acquire_reach_the_picture() {
    let place = Place::new();
    let options = "--beam ion --hfw 80um --resolution 768x512 --dwell 300ns --reduced-area 0.25,0.25,0.5,0.5 --frame-integration 3 \
        --line-integration 2 --drift-correction --autocontrast --autogamma --filename cell -o pictures";
    let args = [
        &["acquire", "--demo", "--speed", "max", "--json"][..],
        &options.split_whitespace().collect::<Vec<_>>(),
    ]
    .concat();
    let object = place.run(&args).ended(0).json();
    assert_eq!(keys(&object), ["command", "ok", "instrument", "result"]);
    let file = object["result"]["pictures"][0]["file"].as_str().unwrap();
    assert_eq!(file, place.path("pictures").join("cell_ib.tif").display().to_string());
    let frame = Frame::load(Path::new(file)).unwrap().frame;
    assert_eq!(frame.pixels.size(), (384, 256), "the reduced area alone");
    let image = frame.metadata.unwrap().image;
    assert!(
        (image.hfw - 80e-6).abs() < 1e-12 && (image.dwell_time - 300e-9).abs() < 1e-15,
        "{image:?}"
    );
    assert_eq!(
        (image.frame_integration, image.line_integration, image.drift_correction),
        (Some(3), Some(2), true)
    );
    let chamber = place
        .run(&["acquire", "--demo", "--chamber", "-o", "chamber.tif"])
        .ended(0)
        .out;
    assert!(Frame::load(Path::new(chamber.trim())).unwrap().frame.metadata.is_none());
}

#[test]
fn a_shift_is_measured_and_an_unsure_one_refused() {
    let place = Place::new();
    let lines = "image.acquire beam=ion resolution=768x512 path=a.tif\nbeam.shift dx=5um beam=ion\nimage.acquire beam=ion resolution=768x512 path=b.tif\n";
    script(&place, lines, &[]).ended(0);
    let found = place.run(&["align", "a.tif", "b.tif", "--json"]).ended(0).json();
    assert_eq!(
        keys(&found),
        ["dx_px", "dy_px", "dx_m", "dy_m", "confidence", "method", "accepted"]
    );
    let (px, m) = (found["dx_px"].as_f64().unwrap(), found["dx_m"].as_f64().unwrap());
    assert!(
        (px.abs() - 5e-6 / (150e-6 / 768.0)).abs() < 1.0 && (m.abs() - 5e-6).abs() < 0.2e-6,
        "{found}"
    );
    assert!(found["dy_px"].as_f64().unwrap().abs() < 1.0, "{found}");
    assert_eq!(found["accepted"], true);

    // noise has nothing in common with a picture
    let mut state = 1u32;
    let noise = Array2::from_shape_fn((512, 768), |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    Frame {
        pixels: Pixels::U8(noise),
        metadata: None,
    }
    .save(&place.path("noise.tif"))
    .unwrap();
    for method in ["cross-correlation", "phase-correlation"] {
        let refused = place
            .run(&["align", "a.tif", "noise.tif", "--method", method, "--json"])
            .ended(3)
            .json();
        assert_eq!(
            (&refused["accepted"], &refused["dx_m"]),
            (&Value::Bool(false), &Value::Null),
            "{refused}"
        );
        assert!(!refused["reason"].as_str().unwrap().is_empty());
    }
}

#[test]
fn an_instrument_is_made_shown_checked_and_used() {
    let place = Place::new();
    let made = place
        .run(&[
            "config",
            "new",
            "name=bench",
            "shuttle_pre_tilt=27",
            "--default",
            "--yes",
            "--json",
        ])
        .ended(0)
        .json();
    assert_eq!(made["name"], "bench");
    let file = made["file"].as_str().unwrap();
    assert!(Path::new(file).starts_with(place.path("config")));
    let shown = place.run(&["config", "show"]).ended(0).out;
    assert!(shown.contains("shuttle_pre_tilt: 27"), "{shown}");
    let origins = place.run(&["config", "show", "--origin"]).ended(0).out;
    assert!(
        origins
            .lines()
            .any(|l| l.contains("shuttle_pre_tilt") && l.contains("bench")),
        "{origins}"
    );
    place.run(&["config", "check"]).ended(0);
    // a configured instrument is never answered for by the twin
    for args in [&["do", "stage.position"][..], &["status"], &["script"], &["acquire"]] {
        let ran = place.run(args).ended(6);
        assert!(ran.err.contains("bench") && ran.out.is_empty(), "{ran:?}");
    }
    place.run(&["do", "--demo", "stage.position"]).ended(0);
    // never over an existing file
    let before = std::fs::read(file).unwrap();
    place.run(&["config", "new", "name=bench", "shuttle_pre_tilt=35", "--yes"]);
    assert_eq!(std::fs::read(file).unwrap(), before);

    let yaml = std::fs::read_to_string(file)
        .unwrap()
        .replace("shuttle_pre_tilt", "shutle_pre_tilt");
    std::fs::write(place.path("odd.yaml"), yaml).unwrap();
    let odd = place.run(&["config", "check", "--instrument", "odd.yaml"]);
    let said = format!("{}{}", odd.out, odd.err);
    assert!(
        said.contains("odd.yaml:") && said.contains("shuttle_pre_tilt"),
        "file, line and the nearest key: {said}"
    );
}

#[test]
fn help_is_at_hand() {
    let place = Place::new();
    let doctor = place.run(&["doctor", "--json"]).ended(0).json();
    assert_eq!(doctor["ok"], true, "{doctor}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(
            place.run(&["completions", shell]).ended(0).out.contains("acquire"),
            "{shell}"
        );
    }
    let man = place.run(&["man"]).ended(0).out;
    assert!(man.contains(".TH fibdeck") && man.contains("keep\\-going"), "{man}");
    let help = place.run(&["--help"]).ended(0).out;
    assert!(help.contains("Examples:") && help.contains("130 interrupted"), "{help}");
    // the console needs a terminal, and says so
    let console = place.run(&[]).ended(2);
    assert!(console.err.contains("terminal"), "{console:?}");
}

#[test]
fn pictures_are_described() {
    let place = Place::new();
    place
        .run(&[
            "acquire",
            "--demo",
            "--speed",
            "max",
            "--resolution",
            "384x256",
            "-o",
            "a.tif",
        ])
        .ended(0);
    let info = place.run(&["show", "--info", "--json", "a.tif"]).ended(0).json();
    assert_eq!(
        (&info["size"], &info["bits"]),
        (&serde_json::json!([384, 256]), &Value::from(8))
    );
    let caption = place.run(&["show", "a.tif"]).ended(0).out;
    assert!(
        caption.contains("384x256 8 bit") && caption.contains("SEM 2.00 kV 50.0 pA"),
        "{caption}"
    );
    let partly = place.run(&["show", "a.tif", "absent.tif"]).ended(8);
    assert!(partly.err.contains("absent.tif") && partly.out.contains("a.tif"));
}

#[test]
fn bad_input_gets_one_clear_line_and_nothing_is_lost() {
    let place = Place::new();
    place
        .run(&[
            "acquire",
            "--demo",
            "--speed",
            "max",
            "--resolution",
            "384x256",
            "-o",
            "good.tif",
        ])
        .ended(0);
    let good = std::fs::read(place.path("good.tif")).unwrap();
    std::fs::write(place.path("short.tif"), &good[..good.len() / 3]).unwrap();
    std::fs::write(place.path("noise.tif"), [7u8; 64]).unwrap();
    std::fs::write(place.path("empty.tif"), []).unwrap();
    std::fs::write(place.path("broken.yaml"), "info:\n  name: [unclosed\nstage: {").unwrap();
    std::fs::write(place.path("binary.yaml"), [0xff, 0xfe, 0x00, 0x1b]).unwrap();
    let dot = Frame {
        pixels: Pixels::U8(Array2::from_elem((1, 1), 9)),
        metadata: None,
    };
    dot.save(&place.path("dot.tif")).unwrap();

    // arguments, exit code, what the line must name
    let table: &[(&[&str], i32, &str)] = &[
        (
            &["do", "--demo", "stage.move-relativ", "x=1um"],
            2,
            "stage.move-relative",
        ),
        (&["do", "--demo", "stage.move-relative", "q=1um"], 2, "q"),
        (&["do", "--demo", "system.get", "key=hwf", "beam=ion"], 2, "hfw"),
        (&["do", "--demo", "stage.move-relative", "x=NaN"], 2, "x=NaN"),
        (&["do", "--demo", "stage.move-relative", "x=1e999"], 2, "x="),
        (&["do", "--demo", "stage.move-relative", "x=5kg"], 2, "x=5kg"),
        (&["do", "--demo", "stage.move-absolute", "t=52"], 2, "52deg"),
        (&["do", "--demo", "stage.move-absolute", "x=10m"], 3, "nothing"),
        (&["do", "--demo", "beam.shift", "dx=1m"], 3, "nothing"),
        (
            &["do", "--demo", "system.set", "key=voltage", "value=1MV", "beam=ion"],
            3,
            "nothing",
        ),
        (&["do", "--demo", "system.connect", "port=0"], 2, "port"),
        (&["do", "--demo", "system.wait", "seconds=-5"], 2, "nothing"),
        (&["do", "--demo", "position.go", "name=nowhere"], 2, "nowhere"),
        (&["do", "--demo", "position.save", "name=\u{1b}[2Jevil"], 2, "control"),
        (
            &["do", "--demo", "system.restore", "path=broken.yaml"],
            1,
            "broken.yaml",
        ),
        (
            &["do", "--demo", "position.import", "path=binary.yaml"],
            1,
            "binary.yaml",
        ),
        (
            &["do", "--demo", "align.beam-shift", "reference=short.tif"],
            1,
            "was not read",
        ),
        (&["acquire", "--demo", "--dwell", "0"], 3, "dwell"),
        (&["acquire", "--demo", "--resolution", "0x0"], 3, "0x0"),
        (&["acquire", "--demo", "--resolution", "axb"], 2, "resolution"),
        (
            &["acquire", "--demo", "--resolution", "4294967295x4294967295"],
            3,
            "8192",
        ),
        (&["acquire", "--demo", "--hfw", "0"], 3, "hfw"),
        (
            &["acquire", "--demo", "--reduced-area", "0.9,0,0.5,1"],
            2,
            "reduced_area",
        ),
        (
            &["acquire", "--demo", "--frame-integration", "0"],
            2,
            "frame_integration",
        ),
        (&["acquire", "--demo", "--drift-correction"], 3, "frame integration"),
        (
            &[
                "acquire",
                "--demo",
                "--speed",
                "max",
                "--resolution",
                "384x256",
                "-o",
                "good.tif/below",
            ],
            1,
            "good.tif",
        ),
        (&["align", "good.tif", "short.tif"], 1, "short.tif"),
        (&["align", "good.tif", "noise.tif"], 1, "noise.tif"),
        (&["align", "good.tif", "absent.tif"], 1, "absent.tif"),
        (&["align", "dot.tif", "dot.tif"], 3, "16"),
        (&["align", "good.tif", "dot.tif"], 3, "no shift"),
        (
            &["align", "good.tif", "good.tif", "--method", "magic"],
            2,
            "phase-correlation",
        ),
        (&["show", "empty.tif"], 1, "empty.tif"),
        (&["status", "--instrument", "broken.yaml"], 2, "broken.yaml:"),
        (&["status", "--instrument", "binary.yaml"], 2, "binary.yaml"),
        (&["status", "--instrument", "absent.yaml"], 2, "absent.yaml"),
        (&["status", "--instrument", "sim-grit"], 2, "sim-grid"),
        (&["status", "--demo", "--faults", "strom"], 2, "storm"),
        (&["status", "--demo", "--speed", "0"], 2, "--speed"),
        (&["status", "--demo", "--seed", "-1"], 2, "-1"),
        (&["status", "--demo", "--scene", "moon"], 2, "grid"),
        (&["script", "--demo", "absent.txt"], 2, "absent.txt"),
        (&["config", "new", "name=\u{1b}]0;evil\u{7}", "--yes"], 2, "control"),
        (
            &["config", "new", "shuttle_pre_tilt=NaN", "name=x", "--yes"],
            2,
            "pre-tilt",
        ),
    ];
    let mut wrong = Vec::new();
    for (args, code, names) in table {
        let ran = place.run(args);
        let messages = ran
            .err
            .lines()
            .filter(|l| l.starts_with("fibdeck: ") || l.starts_with("error: "))
            .count();
        let quiet = !ran.err.contains('\u{1b}') && !ran.err.contains("panicked") && !ran.out.contains('\u{1b}');
        if ran.code != Some(*code) || messages != 1 || !ran.err.contains(names) || !quiet {
            wrong.push(format!(
                "{args:?} wants exit {code} and one line with `{names}`, has {ran:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(std::fs::read(place.path("good.tif")).unwrap(), good);
    // a picture of one pixel is a picture
    assert!(place.run(&["show", "dot.tif"]).ended(0).out.contains("1x1"));
}

/// Where nothing can be written the command says so, and what it could do it did.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let place = Place::new();
    let ran = place
        .run(&[
            "acquire",
            "--demo",
            "--speed",
            "max",
            "--resolution",
            "384x256",
            "-o",
            "/proc/pictures",
        ])
        .ended(1);
    assert!(ran.err.contains("/proc/pictures"), "{ran:?}");
    let mut command = place.command(&["do", "--demo", "stage.position"]);
    // the later one counts
    let output = command.args(["--data-dir", "/proc/data"]).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(!err.contains("panicked"), "{err}");
}

/// Ctrl-C stops the instrument; the command ends as interrupted.
#[cfg(unix)]
#[test]
fn an_interrupt_stops_the_stage() {
    use std::io::{BufRead, BufReader, Write};
    let place = Place::new();
    let args = ["script", "--demo", "--json"];
    let mut child = place.start(&args);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"stage.position\nstage.move-relative x=1mm\nstage.move-relative x=1mm\nstage.move-relative x=1mm\nstage.move-relative x=1mm\n").unwrap();
    drop(stdin);
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    assert!(first.contains("stage.position"), "{first}");
    let pid = child.id().to_string();
    // between two commands nobody listens for an instant: press as a person would, until it takes
    let presses = std::thread::spawn(move || {
        let press = || {
            std::process::Command::new("kill")
                .args(["-INT", &pid])
                .stderr(std::process::Stdio::null())
                .status()
        };
        while press().is_ok_and(|status| status.success()) {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    });
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut out, &mut rest).unwrap();
    let status = child.wait().unwrap();
    presses.join().unwrap();
    assert_eq!(status.code(), Some(130), "{rest}");
    assert!(rest.contains("\"stopped\""), "{rest}");
}
