//! Figures that `side_by_side.py` puts beside the original's: prints one JSON object, seconds of the median run.
//!
//!     cargo bench -p fibdeck --bench figures -- A.tif B.tif
//!
//! A and B are two pictures to register. Everything runs as a client would have it run, through an engine's link or the pure rooms.

use engine::command::parse;
use engine::core::{Engine, Options, Speed, start};
use engine::link::Link;
use model::config::{Instrument, Paths};
use model::kinematics::{Setup, stable};
use model::{Beam, Frame, Pose, StagePosition};
use ndarray::Array2;
use pattern::{PATTERNS, Pattern};
use serde_json::json;
use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;
use vision::features::{FEATURES, Which, detect};
use vision::objects::{IGNORED, MIN_PIXELS, objects};
use vision::register::{Method, register};
use vision::segment::Segmented;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Median seconds of so many runs, after one that is not counted; `before` each is not timed.
fn median(runs: usize, mut before: impl FnMut() -> Outcome<()>, mut work: impl FnMut() -> Outcome<()>) -> Outcome<f64> {
    let mut times = Vec::with_capacity(runs);
    for run in 0..=runs {
        before()?;
        let start = Instant::now();
        work()?;
        if run > 0 {
            times.push(start.elapsed().as_secs_f64());
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times[runs / 2])
}

fn nothing() -> Outcome<()> {
    Ok(())
}

/// The usual twin, its files below `folder`, not yet connected.
fn twin(folder: &Path, speed: Speed) -> Outcome<Engine> {
    Ok(start(Options {
        instrument: Instrument::default(),
        speed,
        faults: None,
        paths: Paths::new(Some(&folder.join("config")), Some(&folder.join("data")))?,
        user: Default::default(),
        connect: false,
    })?)
}

/// The twin's picture at 1 us dwell, in virtual time: cold after a move, and with its geometry remembered.
fn pictures(folder: &Path) -> Outcome<(f64, f64)> {
    let engine = twin(folder, Speed::Virtual)?;
    let link = engine.link("figures");
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let run = |link: &Link, line: &str| -> Outcome<()> {
        runtime.block_on(link.run(parse::line(line)?))?;
        Ok(())
    };
    run(&link, "system.connect")?;
    let take = || {
        run(
            &link,
            "image.acquire beam=electron resolution=1536x1024 hfw=150um dwell_time=1us save=false",
        )
    };
    let cold = median(9, || run(&link, "stage.move-relative x=3um"), take)?;
    let cached = median(15, nothing, take)?;
    Ok((cold, cached))
}

/// Rough, fine and polish: width, height and distance of the trenches (m), and the current (A).
const STAGES: [(f64, f64, f64, f64); 3] = [
    (12e-6, 2.5e-6, 2.5e-6, 2e-9),
    (11e-6, 1.0e-6, 1.2e-6, 0.4e-9),
    (10e-6, 0.5e-6, 0.6e-6, 0.09e-9),
];

/// A lamella milled by an engine in virtual time, with alignment and pictures of both beams after each stage: from the command to
/// its end, s. It must stand afterwards.
fn lamella(folder: &Path) -> Outcome<f64> {
    let engine = twin(folder, Speed::Virtual)?;
    let link = engine.link("figures");
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let run = |line: &str| -> Outcome<serde_json::Value> { Ok(runtime.block_on(link.run(parse::line(line)?))?) };
    let stages: Vec<_> = STAGES
        .iter()
        .enumerate()
        .map(|(n, (width, height, spacing, current))| {
            json!({
                "name": format!("stage {}", n + 1),
                "milling": { "milling_current": current, "milling_voltage": 30e3, "application_file": "Si" },
                "pattern": {
                    "name": "Trench", "width": width, "depth": 3e-6, "spacing": spacing,
                    "upper_trench_height": height, "lower_trench_height": height,
                    "cross_section": if n == 0 { "Rectangle" } else { "CleaningCrossSection" },
                },
            })
        })
        .collect();
    let task = json!({
        "name": "lamella", "field_of_view": 80e-6, "channel": "ION", "alignment": { "enabled": true },
        "acquisition": { "acquire_sem": true, "acquire_fib": true }, "stages": stages,
    });
    run("system.connect")?;
    run("stage.milling-angle angle=15deg")?;
    run(&format!("milling.load task='{task}'"))?;
    let mill = format!("milling.run path='{}'", folder.join("pictures").display());
    let begun = Instant::now();
    run(&mill)?;
    let seconds = begun.elapsed().as_secs_f64();
    let thick = run("truth")?["sites"][0]["thickness_m"]["mean"].as_f64().unwrap_or(0.0);
    let (_, _, spacing, _) = STAGES[2];
    if (thick / spacing - 1.0).abs() > 0.1 {
        return Err(format!("the lamella is {thick} m thick and should be {spacing}").into());
    }
    Ok(seconds)
}

/// Presses of the red button in [`stop`].
const PRESSES: usize = 100;
/// Commands that wait when it is pressed.
const QUEUED: usize = 300;

/// From the press of stop to the beams off, s, 99th of 100: an ion beam parked on the sample, and a queue of commands.
/// The press returns when the instrument has taken it; that the beams are off then is read back.
fn stop(folder: &Path) -> Outcome<f64> {
    let engine = twin(folder, Speed::Real(1.0))?;
    let link = engine.link("figures");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let mut times = Vec::with_capacity(PRESSES);
    runtime.block_on(async {
        link.run(parse::line("system.connect")?).await?;
        for _ in 0..PRESSES {
            link.run(parse::line("beam.unblank beam=both")?).await?;
            let burn = link.send(parse::line("milling.spot-burn points=0.5,0.5 exposure_time=100s")?);
            let mut snapshots = link.snapshots();
            snapshots
                .wait_for(|s| s.patterning.as_ref().is_some_and(|p| p.value.phase.is_active()))
                .await?;
            let get = parse::line("system.get key=blanked beam=ion")?;
            let queue: Vec<_> = (0..QUEUED).map(|_| link.send(get.clone())).collect();
            let press = Instant::now();
            link.stop();
            times.push(press.elapsed().as_secs_f64());
            let off = link.run(get).await?;
            if off["value"] != true || burn.ended().await.is_ok() {
                return Err("the beam was not off after stop".into());
            }
            for waiting in queue {
                waiting.ended().await?;
            }
            // what it came to is found out meanwhile
            link.run(parse::line("system.wait seconds=0.5")?).await?;
        }
        Ok::<(), Box<dyn Error>>(())
    })?;
    times.sort_by(f64::total_cmp);
    Ok(times[PRESSES * 99 / 100 - 1])
}

fn tiff(folder: &Path, frame: &Frame) -> Outcome<(f64, f64)> {
    let file = folder.join("saved.tif");
    let remove = || match std::fs::remove_file(&file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    };
    let save = median(21, remove, || {
        black_box(frame.save(&file)?);
        Ok(())
    })?;
    let load = median(21, nothing, || {
        black_box(Frame::load(&file)?);
        Ok(())
    })?;
    Ok((save, load))
}

/// 6144x4096 of 16 bits, of noise.
fn mosaic() -> Frame {
    let mut state = 1u32;
    let pixels = ndarray::Array2::from_shape_fn((4096, 6144), |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as u16
    });
    Frame {
        pixels: model::Pixels::U16(pixels),
        metadata: None,
    }
}

fn kinematics() -> Outcome<f64> {
    const CALLS: usize = 10_000;
    let geometry = Instrument::default().geometry();
    let pose = Pose {
        x: 1e-4,
        y: -2e-4,
        z: 4e-3,
        r: 0.0,
        t: 35f64.to_radians(),
    };
    let base: StagePosition = pose.into();
    let setup = Setup::new(&geometry, pose);
    let calls = median(9, nothing, || {
        for n in 0..CALLS {
            black_box(stable::project(
                black_box(&setup),
                Beam::Ion,
                n as f64 * 1e-10,
                2e-6,
                black_box(&base),
            )?);
        }
        Ok(())
    })?;
    Ok(calls / CALLS as f64)
}

/// Every pattern that openFIBSEM loads by name, with its defaults, into its shapes.
fn patterns() -> Outcome<f64> {
    const TIMES: usize = 1_000;
    let all: Vec<Pattern> = PATTERNS
        .iter()
        .filter(|row| row.registered)
        .map(|row| Pattern::new((row.default)()))
        .collect();
    let all_times = median(9, nothing, || {
        for _ in 0..TIMES {
            for pattern in &all {
                black_box(black_box(pattern).shapes());
            }
        }
        Ok(())
    })?;
    Ok(all_times / TIMES as f64)
}

/// Lamellae, a post, an adaptor, a block and a needle, as `side_by_side.py` draws them.
fn mask() -> Array2<u8> {
    const BOXES: [(u8, [usize; 4]); 5] = [
        (1, [300, 500, 260, 40]),
        (1, [900, 560, 240, 36]),
        (3, [680, 0, 180, 300]),
        (4, [100, 700, 300, 200]),
        (5, [1000, 700, 400, 250]),
    ];
    let within = |v: usize, from: usize, n: usize| (from..from + n).contains(&v);
    Array2::from_shape_fn((1024, 1536), |(y, x)| {
        let needle = x < 700 && y.abs_diff(400) < (700 - x) / 12;
        let boxed = |(_, [left, top, w, h]): &&(u8, [usize; 4])| within(x, *left, *w) && within(y, *top, *h);
        let label = BOXES.iter().rev().find(boxed).map_or(0, |(label, _)| *label);
        if needle { 2 } else { label }
    })
}

/// Every feature of a mask, and its objects.
fn seen() -> Outcome<(f64, f64)> {
    let mask = Segmented::from(mask());
    let features = median(21, nothing, || {
        black_box(detect(black_box(&mask), FEATURES, Some(1e-8), Which::Nearest));
        Ok(())
    })?;
    let objects = median(21, nothing, || {
        black_box(objects(black_box(mask.labels.view()), IGNORED, MIN_PIXELS));
        Ok(())
    })?;
    Ok((features, objects))
}

fn main() -> Outcome<()> {
    let files: Vec<PathBuf> = std::env::args_os()
        .skip(1)
        .map(PathBuf::from)
        .filter(|p| p.extension().is_some_and(|e| e == "tif"))
        .collect();
    let [a, b] = &files[..] else {
        // `cargo bench` runs every bench; this one needs its two pictures
        println!("{{}}");
        return Ok(());
    };
    let folder = std::env::temp_dir().join(format!("fibdeck-figures-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let (a, b) = (Frame::load(a)?.frame, Frame::load(b)?.frame);
    let (cold, cached) = pictures(&folder)?;
    let (save, load) = tiff(&folder, &a)?;
    let (big_save, big_load) = tiff(&folder, &mosaic())?;
    let (features, objects) = seen()?;
    let shift = |method: Method| {
        median(11, nothing, || {
            black_box(register(
                a.pixels.to_f32().view(),
                b.pixels.to_f32().view(),
                method,
                &Default::default(),
            )?);
            Ok(())
        })
    };
    let figures = json!({
        "lamella": lamella(&folder.join("lamella"))?,
        "stop to beam off, 99th of 100": stop(&folder.join("stop"))?,
        "picture cold": cold, "picture cached": cached, "tiff save": save, "tiff load": load, "big tiff save": big_save,
        "big tiff load": big_load, "kinematics": kinematics()?,
        "patterns": patterns()?, "features": features, "objects": objects,
        "register cross-correlation": shift(Method::CrossCorrelation)?,
        "register phase-correlation": shift(Method::PhaseCorrelation)?,
    });
    println!("{figures}");
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
