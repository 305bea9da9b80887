//! `image.*`: pictures, live view, contrast and focus.

use super::row::{ArgKind, ArgRow, CommandRow, Lane, arg, need};
use super::{Args, Failure, result, workflow};
use crate::core::{Cx, live};
use crate::event::Event;
use crate::link::Ended;
use ::workflow::acquire::{Acquire, PictureOptions, ReferenceSet};
use ::workflow::cx::Keep;
use ::workflow::neutralise::Neutralise;
use model::{Beam, Danger, ImageSettings, Notice, Severity, Unit, units};
use serde_json::{Value, json};
use std::path::Path;

pub(super) const HFW: ArgRow = arg("hfw", ArgKind::Number(Unit::Metre), "horizontal field width").or("as set");
pub(super) const RESOLUTION: ArgRow = arg("resolution", ArgKind::Size, "pixels of the full frame").or("as set");
pub(super) const DWELL: ArgRow = arg("dwell_time", ArgKind::Number(Unit::Second), "dwell time per pixel").or("as set");
const REDUCED: ArgRow = arg("reduced_area", ArgKind::Rect, "scan only this part").or("as set");
pub(super) const FRAMES: ArgRow = arg("frame_integration", ArgKind::Count(1, 255), "frames to average").or("as set");
pub(super) const LINES: ArgRow =
    arg("line_integration", ArgKind::Count(1, 255), "times each line is scanned").or("as set");
const INTERLACE: ArgRow = arg("scan_interlacing", ArgKind::Count(1, 255), "interlaced passes").or("as set");
const DRIFT: ArgRow = arg(
    "drift_correction",
    ArgKind::Bool,
    "register frames before averaging (needs 2 or more)",
)
.or("as set");
pub(super) const AUTOCONTRAST: ArgRow =
    arg("autocontrast", ArgKind::Bool, "set contrast and brightness first").or("as set");
const AUTOGAMMA: ArgRow = arg(
    "autogamma",
    ArgKind::Bool,
    "gamma of the display; saved pixels are never changed",
)
.or("false");
const FILENAME: ArgRow = arg("filename", ArgKind::Text, "name without ending; _eb or _ib is added").or("as set");
const SAVE: ArgRow = arg("save", ArgKind::Bool, "write the picture to a file").or("as set");
const PATH: ArgRow = arg(
    "path",
    ArgKind::Path,
    "folder or .tif file (never over an existing one)",
)
.or("the session's folder");

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "image.acquire",
        doc: "Take a picture with one beam or both.",
        args: &[
            arg("beam", ArgKind::Beams, "which").or("both"),
            HFW,
            RESOLUTION,
            DWELL,
            REDUCED,
            FRAMES,
            LINES,
            INTERLACE,
            DRIFT,
            AUTOCONTRAST,
            AUTOGAMMA,
            FILENAME,
            SAVE,
            PATH,
        ],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "image.acquire beam=electron hfw=150um dwell_time=1us",
        run: |cx, args| Box::pin(acquire(cx, args)),
    },
    CommandRow {
        name: "image.take",
        doc: "Take one picture with exactly these settings, whatever is set for the next one; kept in memory, never in a file.",
        args: &[need("settings", ArgKind::Json, "openFIBSEM's ImageSettings")],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "image.take settings='{\"beam_type\":\"ION\",\"resolution\":[768,512],\"dwell_time\":1e-6,\"hfw\":150e-6}'",
        run: |cx, args| Box::pin(take(cx, args)),
    },
    CommandRow {
        name: "image.reference",
        doc: "A set of reference pictures: each field width, both beams, saved.",
        args: &[
            arg("hfw", ArgKind::Text, "field widths, e.g. 400um,150um").or("400um,150um"),
            arg("beam", ArgKind::Beams, "which").or("both"),
            RESOLUTION,
            DWELL,
            FRAMES,
            LINES,
            AUTOCONTRAST,
            FILENAME,
            PATH,
        ],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "image.reference hfw=400um,80um filename=ref_start",
        run: |cx, args| Box::pin(reference(cx, args)),
    },
    CommandRow {
        name: "image.neutralise",
        doc: "Let a charged sample come to rest by quick scans of the field, then take the picture.",
        args: &[
            arg("beam", ArgKind::Beams, "of the picture").or("electron"),
            arg("iterations", ArgKind::Count(1, 1000), "quick scans").or("10"),
            arg("with", ArgKind::Beam, "the beam of the quick scans").or("electron"),
            HFW,
            RESOLUTION,
            DWELL,
            REDUCED,
            FRAMES,
            LINES,
            AUTOCONTRAST,
            FILENAME,
            SAVE,
            PATH,
        ],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "image.neutralise iterations=10 hfw=150um",
        run: |cx, args| Box::pin(neutralise(cx, args)),
    },
    CommandRow {
        name: "image.live",
        doc: "Live view on or off. The ion beam's ends by itself and counts its dose.",
        args: &[
            need("beam", ArgKind::Beam, "which"),
            arg("on", ArgKind::Bool, "on or off").or("true"),
        ],
        danger: Danger::Beam,
        lane: Lane::Now,
        example: "image.live beam=electron on=true",
        run: |cx, args| {
            Box::pin(async move {
                let beam = args.need(args.beam("beam"), "beam")?;
                let on = args.flag("on").unwrap_or(true);
                live::switch(&cx.core, beam, on)?;
                Ok(json!({ "beam": beam, "live": on }))
            })
        },
    },
    CommandRow {
        name: "image.settings",
        doc: "What the next picture of a beam uses; the result is all of it.",
        args: &[
            need("beam", ArgKind::Beam, "which"),
            HFW,
            RESOLUTION,
            DWELL,
            REDUCED,
            FRAMES,
            LINES,
            INTERLACE,
            DRIFT,
            AUTOCONTRAST,
            FILENAME,
            SAVE,
            PATH,
            arg("full_frame", ArgKind::Bool, "true forgets the reduced area").or("false"),
        ],
        danger: Danger::None,
        lane: Lane::Now,
        example: "image.settings beam=ion hfw=80um frame_integration=4",
        run: |cx, args| Box::pin(settings(cx, args)),
    },
    CommandRow {
        name: "image.autocontrast",
        doc: "Set detector contrast and brightness from what a quick picture shows.",
        args: &[arg("beam", ArgKind::Beam, "which").or("electron"), HFW, REDUCED],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "image.autocontrast beam=electron",
        run: |cx, args| {
            Box::pin(workflow(
                cx,
                with_beam(args, Beam::Electron),
                ::workflow::contrast::autocontrast,
            ))
        },
    },
    CommandRow {
        name: "image.autofocus",
        doc: "Set the working distance to the sharpest picture of a sweep. Refused (and put back) without a clear peak.",
        args: &[
            arg("beam", ArgKind::Beam, "which").or("electron"),
            HFW,
            REDUCED,
            arg(
                "method",
                ArgKind::Word(&["laplacian", "sobel", "variance", "tenengrad"]),
                "measure of focus",
            )
            .or("tenengrad"),
            arg(
                "passes",
                ArgKind::Text,
                "range/step of each sweep, wide to narrow, e.g. 50um/5um,10um/1um",
            )
            .or("from the depth of focus"),
        ],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "image.autofocus beam=electron",
        run: |cx, mut args| {
            Box::pin(async move {
                let core = cx.core.clone();
                if let Some(text) = args.text("passes") {
                    let passes = passes(text)?;
                    args.0.insert("passes".to_owned(), passes);
                }
                let found = workflow(cx, with_beam(args, Beam::Electron), ::workflow::autofocus::autofocus).await?;
                let length = |name: &str| units::format(found[name].as_f64().unwrap_or(0.0), Unit::Metre);
                let text = format!(
                    "in focus at {}, it was {}",
                    length("working_distance"),
                    length("before")
                );
                core.notice(Notice::new(Severity::Info, text));
                Ok(found)
            })
        },
    },
];

/// The beam named, or this one, in the spelling that settings have.
pub(crate) fn with_beam(mut args: Args, default: Beam) -> Args {
    let beam = args.beam("beam").unwrap_or(default);
    args.0.insert("beam".to_owned(), json!(beam));
    args
}

/// `50um/5um,10um/1um` as the passes of a focus search.
fn passes(text: &str) -> Result<Value, Failure> {
    let pass = |text: &str| {
        let (range, step) = text.split_once('/')?;
        let length = |text: &str| model::units::parse(text.trim(), Unit::Metre).ok().filter(|m| *m > 0.0);
        let (range, step) = (length(range)?, length(step)?);
        (step <= range).then(|| json!({ "search_range": range, "step_size": step }))
    };
    text.split(',')
        .map(pass)
        .collect::<Option<Vec<_>>>()
        .map(Value::from)
        .ok_or_else(|| {
            Failure::usage(
                format!(
                    "`{}` is no list of sweeps; nothing was changed",
                    model::text::printable(text)
                ),
                "give range/step of each, the step not larger than the range: passes=50um/5um,10um/1um",
            )
        })
}

/// `400um,150um` in metres.
pub(crate) fn lengths(text: &str) -> Result<Vec<f64>, model::units::UnitError> {
    text.split(',')
        .map(|part| model::units::parse(part.trim(), Unit::Metre))
        .collect()
}

fn options(args: &Args) -> Result<PictureOptions, Failure> {
    let mut given = args.0.clone();
    given.retain(|name, _| !matches!(name.as_str(), "beam" | "autogamma" | "path" | "full_frame"));
    serde_json::from_value(Value::Object(given)).map_err(|e| {
        Failure::usage(
            format!("those settings make no sense: {e}; nothing was taken"),
            "see `fibdeck do --list`",
        )
    })
}

async fn acquire(cx: Cx, args: Args) -> Ended {
    let params = picture(cx.beams(&args)?, &args)?;
    result(::workflow::acquire::acquire(cx.job()?, params).await?)
}

async fn take(cx: Cx, args: Args) -> Ended {
    let given = args.need(args.json("settings"), "settings")?.clone();
    let settings: ImageSettings = serde_json::from_value(given).map_err(|e| {
        Failure::usage(
            format!("those are no settings of a picture: {e}; nothing was taken"),
            "beam_type, resolution, dwell_time and hfw at least",
        )
    })?;
    let settings = ImageSettings {
        save: false,
        path: None,
        autocontrast: false,
        ..settings
    };
    let beam = settings.beam_type;
    cx.job()?.frame(&settings, &Keep::default()).await?;
    newest(&cx, Some(beam))
}

/// The picture that was just taken, without its pixels: no other is taken while a job or the camera is at work.
pub(crate) fn newest(cx: &Cx, beam: Option<Beam>) -> Ended {
    let snapshot = cx.core.snapshot();
    let frame = snapshot.frames.iter().rev().find(|frame| frame.beam == beam);
    result(frame)
}

async fn neutralise(cx: Cx, mut args: Args) -> Ended {
    let defaults = Neutralise::default();
    let beams = match args.beams("beam") {
        Some(_) => cx.beams(&args)?,
        None => defaults.picture.beams.clone(),
    };
    let (iterations, with) = (args.count("iterations"), args.beam("with"));
    args.0.retain(|name, _| !matches!(name.as_str(), "iterations" | "with"));
    let params = Neutralise {
        iterations: iterations.unwrap_or(defaults.iterations),
        with: with.unwrap_or(defaults.with),
        picture: picture(beams, &args)?,
    };
    result(::workflow::neutralise::neutralise(cx.job()?, params).await?)
}

/// The pictures that arguments ask for.
fn picture(beams: Vec<Beam>, args: &Args) -> Result<Acquire, Failure> {
    let mut params = Acquire {
        beams,
        options: options(args)?,
        path: args.text("path").map(str::to_owned),
    };
    let file = params
        .path
        .as_deref()
        .map(Path::new)
        .filter(|p| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("tif")));
    if let (true, Some(file)) = (params.beams.len() > 1, file) {
        // one file name for two pictures: each gets its beam's ending
        params.options.filename = file.file_stem().map(|s| s.to_string_lossy().into_owned());
        params.path = Some(
            file.parent()
                .filter(|p| !p.as_os_str().is_empty())
                .unwrap_or(Path::new("."))
                .display()
                .to_string(),
        );
    }
    Ok(params)
}

async fn reference(cx: Cx, args: Args) -> Ended {
    let defaults = ReferenceSet::default();
    let hfw = match args.text("hfw") {
        Some(text) => lengths(text).map_err(|e| {
            Failure::usage(
                format!("those field widths make no sense: {e}; nothing was taken"),
                "e.g. hfw=400um,150um",
            )
        })?,
        None => defaults.hfw,
    };
    let mut rest = args.clone();
    rest.0.retain(|name, _| !matches!(name.as_str(), "hfw" | "filename"));
    let params = ReferenceSet {
        hfw,
        beams: cx.beams(&args)?,
        filename: args.text("filename").map_or(defaults.filename, str::to_owned),
        path: args.text("path").map(str::to_owned),
        options: options(&rest)?,
    };
    result(::workflow::acquire::reference_set(cx.job()?, params).await?)
}

async fn settings(cx: Cx, args: Args) -> Ended {
    let beam = args.need(args.beam("beam"), "beam")?;
    let mut settings = options(&args)?.over(cx.core.snapshot().settings[crate::snapshot::at(beam)].clone());
    settings.beam_type = beam;
    if args.flag("full_frame") == Some(true) {
        settings.reduced_area = None;
    }
    if let Some(path) = args.text("path") {
        settings.path = Some(path.to_owned());
    }
    if let Ok(scope) = cx.scope() {
        hal::interlock::acquire(&settings, scope.capabilities())?;
    }
    cx.core.publish(Event::Settings {
        settings: Box::new(settings.clone()),
    });
    result(settings)
}
