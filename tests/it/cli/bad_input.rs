//! What bad input comes to: one clear line, an exit code, nothing lost.

use super::*;
use model::Pixels;
use ndarray::Array2;

#[test]
fn bad_input_gets_one_clear_line_and_nothing_is_lost() {
    let place = Place::new();
    take(&place, "good.tif", &[]).ended(0);
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
        (
            &["do", "--demo", "milling.load", "source=broken.yaml"],
            1,
            "the loaded task stays",
        ),
        (&["do", "--demo", "milling.run"], 2, "milling.load"),
        (&["do", "--demo", "milling.spot-burn", "points=NaN,0.5"], 2, "0.4,0.5"),
        (
            &["do", "--demo", "manipulator.move-corrected", "dx=5um"],
            3,
            "retracted",
        ),
        (&["do", "--demo", "manipulator.insert", "name=LOFT"], 3, "PARK"),
        (&["do", "--demo", "manipulator.sharpen", "tip_angle=35"], 2, "35deg"),
        (&["do", "--demo", "gis.deposit", "gas=Helium"], 3, "Pt cryo"),
        (&["do", "--demo", "gis.deposit", "time=-3s"], 3, "nothing was moved"),
        (&["pattern", "draw", "Trensh", "-o", "p.png"], 2, "`Trench`"),
        (&["pattern", "draw", "Trench", "widht=3um", "-o", "p.png"], 2, "`width`"),
        (&["pattern", "draw", "Trench", "width=NaN", "-o", "p.png"], 2, "finite"),
        (&["pattern", "draw", "Trench", "width=2mm", "-o", "p.png"], 2, "outside"),
        (&["pattern", "draw", "Trench", "width", "-o", "p.png"], 2, "name=value"),
        (&["pattern", "draw", "Trench", "x=74um", "-o", "p.png"], 3, "right edge"),
        (
            &[
                "pattern",
                "draw",
                "Rectangle",
                "width=10nm",
                "--hfw",
                "1mm",
                "-o",
                "p.png",
            ],
            3,
            "less than one pixel",
        ),
        (&["pattern", "draw", "Bitmap", "-o", "p.png"], 3, "picture"),
        (
            &["pattern", "draw", "Bitmap", "path=absent.png", "-o", "p.png"],
            1,
            "absent.png",
        ),
        (&["pattern", "draw", "absent.yaml", "-o", "p.png"], 1, "absent.yaml"),
        (&["pattern", "draw", "broken.yaml", "-o", "p.png"], 1, "broken.yaml"),
        (
            &["pattern", "draw", "Trench", "--hfw", "0", "-o", "p.png"],
            3,
            "outside 1 um",
        ),
        (
            &["pattern", "draw", "Trench", "--resolution", "9x9", "-o", "p.png"],
            2,
            "1536x1024",
        ),
        (
            &["pattern", "draw", "Trench", "--on", "dot.tif", "-o", "p.png"],
            2,
            "--hfw",
        ),
        (&["pattern", "draw", "Trench", "-o", "good.tif/p.png"], 1, "good.tif"),
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
    let ran = take(&place, "/proc/pictures", &[]).ended(1);
    assert!(ran.err.contains("/proc/pictures"), "{ran:?}");
    let mut command = place.command(&["do", "--demo", "stage.position"]);
    // the later one counts
    let output = command.args(["--data-dir", "/proc/data"]).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(!err.contains("panicked"), "{err}");
}
