//! `detect.*`: features in pictures, and what a person corrects of them. What was found last is data in the snapshot, the same for
//! every client; nothing here moves.

use super::row::{ArgKind, ArgRow, CommandRow, Lane, arg, need};
use super::{Args, Failure, workflow};
use crate::core::{Cx, lock};
use crate::event::Event;
use crate::link::Ended;
use ::workflow::detect::{self, Detect, Given};
use model::detection::Detection;
use model::{Beam, Danger, ErrorKind, Frame, Notice, Point, Severity, Unit};
use serde_json::{Value, json};
use std::path::Path;

const FEATURE: ArgRow = need("feature", ArgKind::Text, "its name, or its number from 1");
const X: ArgRow = need("x", ArgKind::Number(Unit::None), "pixels from the left");
const Y: ArgRow = need("y", ArgKind::Number(Unit::None), "pixels from the top");

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "detect.features",
        doc: "Take a picture of the full frame and find features in it; recorded for the data engine. Nothing moves.",
        args: &[
            arg("beam", ArgKind::Beam, "which").or("electron"),
            arg("features", ArgKind::Text, "names, e.g. LandingPost,LamellaCentre")
                .or("NeedleTip,LamellaCentre, as far as the model looks for them"),
            arg(
                "model",
                ArgKind::Text,
                "a file or a name of `model list`; classical needs none",
            )
            .or("as detection.yaml says"),
            arg("file", ArgKind::Path, "a picture on disk instead of a new one"),
            arg(
                "last",
                ArgKind::Bool,
                "the last picture of the beam instead of a new one",
            )
            .or("false"),
            arg("point", ArgKind::Text, "x,y in pixels: the nearest instances are taken").or("the picture's middle"),
            arg(
                "all",
                ArgKind::Bool,
                "every instance of features that may occur several times",
            )
            .or("false"),
            arg("hfw", ArgKind::Number(Unit::Metre), "horizontal field width").or("as set"),
            arg("resolution", ArgKind::Size, "pixels of the frame").or("as set"),
            arg(
                "sure",
                ArgKind::Bool,
                "fail (doubtful) unless every feature is found with confidence",
            )
            .or("false"),
        ],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "detect.features beam=electron features=LamellaCentre hfw=150um",
        run: |cx, args| Box::pin(features(cx, args)),
    },
    CommandRow {
        name: "detect.move",
        doc: "Put a feature of the last detection somewhere else.",
        args: &[FEATURE, X, Y],
        danger: Danger::None,
        lane: Lane::Now,
        example: "detect.move feature=NeedleTip x=760 y=500",
        run: |cx, args| Box::pin(put(cx, args)),
    },
    CommandRow {
        name: "detect.add",
        doc: "Add a feature to the last detection that was not looked for, or another instance.",
        args: &[FEATURE, X, Y],
        danger: Danger::None,
        lane: Lane::Now,
        example: "detect.add feature=LamellaCentre x=760 y=500",
        run: |cx, args| Box::pin(add(cx, args)),
    },
    CommandRow {
        name: "detect.reject",
        doc: "Say that a feature of the last detection is not there.",
        args: &[FEATURE],
        danger: Danger::None,
        lane: Lane::Now,
        example: "detect.reject feature=LandingPost",
        run: |cx, args| Box::pin(reject(cx, args)),
    },
    CommandRow {
        name: "detect.confirm",
        doc: "Say that the last detection is right as it is now; what was corrected is recorded for the data engine.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "detect.confirm",
        run: |cx, _| Box::pin(confirm(cx)),
    },
    CommandRow {
        name: "detect.state",
        doc: "What was found last, and what became of it.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "detect.state",
        run: |cx, _| Box::pin(async move { Ok(told(&current(&cx)?)) }),
    },
];

async fn features(cx: Cx, mut args: Args) -> Ended {
    let beam = args.beam("beam").unwrap_or(Beam::Electron);
    let (given, frame) = given(&cx, &args, beam)?;
    let point = args.text("point").map(point).transpose()?;
    let names = args
        .text("features")
        .map(|text| text.split(',').map(|name| name.trim().to_owned()).collect());
    let names: Vec<String> = names.unwrap_or_default();
    let sure = args.flag("sure").unwrap_or(false);
    for taken in ["file", "last", "sure", "point", "features"] {
        args.0.remove(taken);
    }
    args.0.insert("beam".to_owned(), json!(beam));
    args.0.insert("point".to_owned(), json!(point));
    args.0.insert("features".to_owned(), json!(names));
    args.0.insert("time".to_owned(), json!(cx.core.time()));
    let (core, eyes) = (cx.core.clone(), cx.core.eyes.clone());
    let new = given.is_none();
    let found = workflow(cx, args, |job, params: Detect| detect::detect(job, eyes, params, given)).await?;
    let mut detection: Detection = serde_json::from_value(found).map_err(|e| Failure::usage(e.to_string(), ""))?;
    let newest = || {
        core.snapshot()
            .frames
            .iter()
            .rev()
            .find(|f| f.beam == Some(beam))
            .map(|f| f.id)
    };
    detection.frame = if new { newest() } else { frame };
    publish(&core, &detection);
    core.notice(Notice::new(Severity::Info, in_words(&detection)));
    if sure && !detection.is_sure() {
        let hint = "look at it in the Detection tab and correct it, or detect again at another field width";
        return Err(Failure {
            data: Some(told(&detection)),
            ..Failure::new(
                ErrorKind::Doubtful,
                format!("{}; nothing moved", in_words(&detection)),
                hint,
            )
        });
    }
    Ok(told(&detection))
}

/// The picture that is asked for instead of a new one, and its number where the session knows it.
fn given(cx: &Cx, args: &Args, beam: Beam) -> Result<(Option<Given>, Option<u64>), Failure> {
    if let Some(file) = args.text("file") {
        let loaded = Frame::load(Path::new(file)).map_err(|e| {
            let text = format!("{}: {e}; nothing was looked for", model::text::printable(file));
            Failure::new(ErrorKind::File, text, "name a TIFF of grey values")
        })?;
        let given = Given {
            frame: loaded.frame,
            file: Some(file.to_owned()),
        };
        return Ok((Some(given), None));
    }
    if !args.flag("last").unwrap_or(false) {
        return Ok((None, None));
    }
    let snapshot = cx.core.snapshot();
    let last = snapshot.frames.iter().rev().find(|f| f.beam == Some(beam));
    let frame = last.and_then(|info| lock(&cx.core.frames).get(info.id));
    let (info, frame) = last.zip(frame).ok_or_else(|| {
        Failure::usage(
            format!("there is no {beam} picture in memory; nothing was looked for"),
            "leave out last=true, and one is taken",
        )
    })?;
    let given = Given {
        frame: (*frame).clone(),
        file: info.file.clone(),
    };
    Ok((Some(given), Some(info.id)))
}

fn point(text: &str) -> Result<Point, Failure> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    let both = text.split_once(',').and_then(|(x, y)| number(x).zip(number(y)));
    both.map(|(x, y)| Point { x, y }).ok_or_else(|| {
        let text = format!(
            "`{}` is no point of a picture; nothing was looked for",
            model::text::printable(text)
        );
        Failure::usage(text, "x,y in pixels, e.g. point=768,512")
    })
}

fn current(cx: &Cx) -> Result<Detection, Failure> {
    cx.core.snapshot().detection.clone().ok_or_else(|| {
        Failure::usage(
            "nothing has been looked for yet; nothing was changed",
            "detect.features beam=electron",
        )
    })
}

/// The last detection and which of its features is meant.
fn meant(cx: &Cx, args: &Args) -> Result<(Detection, usize), Failure> {
    let detection = current(cx)?;
    let word = args.need(args.text("feature"), "feature")?;
    let index = detection.find(word).ok_or_else(|| {
        let names: Vec<&str> = detection.features.iter().map(|f| f.name.as_str()).collect();
        let text = format!(
            "the last detection has no feature `{}`; nothing was changed",
            model::text::printable(word)
        );
        Failure::usage(text, format!("it has {}; detect.add adds one", names.join(", ")))
    })?;
    Ok((detection, index))
}

fn pixels(args: &Args) -> Result<Point, Failure> {
    Ok(Point {
        x: args.need(args.number("x"), "x")?,
        y: args.need(args.number("y"), "y")?,
    })
}

async fn put(cx: Cx, args: Args) -> Ended {
    let (mut detection, index) = meant(&cx, &args)?;
    detect::moved(&mut detection, index, pixels(&args)?)?;
    publish(&cx.core, &detection);
    Ok(told(&detection))
}

async fn add(cx: Cx, args: Args) -> Ended {
    let mut detection = current(&cx)?;
    let name = args.need(args.text("feature"), "feature")?;
    detect::added(&cx.core.eyes, &mut detection, name, pixels(&args)?)?;
    publish(&cx.core, &detection);
    Ok(told(&detection))
}

async fn reject(cx: Cx, args: Args) -> Ended {
    let (mut detection, index) = meant(&cx, &args)?;
    if let Some(feature) = detection.features.get_mut(index) {
        (feature.px, feature.m, feature.confidence) = (None, None, None);
        feature.by_hand = true;
    }
    detection.confirmed = false;
    publish(&cx.core, &detection);
    Ok(told(&detection))
}

async fn confirm(cx: Cx) -> Ended {
    let mut detection = current(&cx)?;
    detect::confirm(&cx.core.eyes, &mut detection)?;
    publish(&cx.core, &detection);
    Ok(told(&detection))
}

fn publish(core: &crate::core::Core, detection: &Detection) {
    core.publish(Event::Detection {
        detection: Box::new(detection.clone()),
    });
}

/// By the keys of `fibdeck detect --json`, and what a session adds.
fn told(detection: &Detection) -> Value {
    let features: Vec<Value> = detection
        .features
        .iter()
        .map(|f| {
            json!({
                "name": f.name, "class_id": f.class_id, "color": f.color, "px": f.px, "m": f.m, "confidence": f.confidence,
                "by_hand": f.by_hand,
            })
        })
        .collect();
    json!({
        "image": detection.image, "model": detection.model, "backend": detection.backend, "pixelsize_m": detection.pixelsize_m,
        "features": features, "distance_m": detection.distance(), "offset_m": Point::default(),
        "beam": detection.beam, "accepted": detection.is_sure(), "confirmed": detection.confirmed, "record": detection.record,
    })
}

fn in_words(detection: &Detection) -> String {
    let one = |f: &model::detection::Spotted| match (f.px, f.confidence) {
        (None, _) => format!("{} not found", f.name),
        (Some(_), Some(c)) if c < detection.least_confidence => format!("{} doubtful ({:.0} %)", f.name, c * 100.0),
        (Some(_), Some(c)) => format!("{} {:.0} %", f.name, c * 100.0),
        (Some(_), None) => format!("{} found", f.name),
    };
    detection.features.iter().map(one).collect::<Vec<_>>().join(", ")
}
