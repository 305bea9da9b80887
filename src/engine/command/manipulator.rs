//! `manipulator.*`: the needle.

use super::row::{ArgKind, ArgRow, CommandRow, Lane, arg, need};
use super::{Args, Failure, image, milling, result, workflow};
use crate::core::{Cx, lock};
use crate::event::Event;
use crate::link::Ended;
use ::workflow::manipulator::{self, Go, Prepare, Reset, Sharpen, Tip};
use model::manipulator::NeedleError;
use model::{Beam, Danger, ErrorKind, ManipulatorPosition, Point, Unit};
use serde_json::json;

const LENGTH: ArgKind = ArgKind::Number(Unit::Metre);
const X: ArgRow = arg("x", LENGTH, "along its own x");
const Y: ArgRow = arg("y", LENGTH, "along its own y");
const Z: ArgRow = arg("z", LENGTH, "along its own z; + is away from the sample");
const NAME: ArgRow = need(
    "name",
    ArgKind::Text,
    "a position the instrument or the console remembers",
);

const ANGLE: ArgKind = ArgKind::Number(Unit::Radian);
const CURRENT: ArgRow = arg("current", ArgKind::Number(Unit::Ampere), "milling current").or("28 nA");
const LOADED: ArgRow = arg("loaded", ArgKind::Bool, "mill the loaded milling task instead").or("false");
const CONFIRMED: ArgRow = arg(
    super::CONFIRMED,
    ArgKind::Bool,
    "a person has looked: it may come nearer to the sample than 10 um in small steps",
)
.or("false");

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "manipulator.insert",
        doc: "Insert the needle to a position the instrument remembers.",
        args: &[arg("name", ArgKind::Text, "which").or("the first, PARK")],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "manipulator.insert name=PARK",
        run: |cx, args| {
            Box::pin(async move {
                let known = cx.scope()?.capabilities().manipulator.clone().unwrap_or_default().saved;
                let name = args.text("name").map(str::to_owned).or_else(|| known.first().cloned());
                let params = manipulator::Insert {
                    name: name.unwrap_or_default(),
                };
                result(manipulator::insert(cx.job()?, params).await?)
            })
        },
    },
    CommandRow {
        name: "manipulator.retract",
        doc: "Take the needle out.",
        args: &[],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "manipulator.retract",
        run: |cx, _| Box::pin(async move { result(manipulator::retract(cx.job()?).await?) }),
    },
    CommandRow {
        name: "manipulator.move-relative",
        doc: "Move the needle along its own axes.",
        args: &[X, Y, Z, CONFIRMED],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "manipulator.move-relative z=10um",
        run: |cx, args| Box::pin(workflow(cx, args, manipulator::move_relative)),
    },
    CommandRow {
        name: "manipulator.move-absolute",
        doc: "Move the needle to a place of its own axes.",
        args: &[X, Y, Z, CONFIRMED],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "manipulator.move-absolute z=180um",
        run: |cx, args| Box::pin(workflow(cx, args, manipulator::move_absolute)),
    },
    CommandRow {
        name: "manipulator.move-corrected",
        doc: "Move the needle in a picture, however it is turned: right and up; by the ion beam dy is away from the sample, which its picture shows as down.",
        args: &[
            arg("dx", LENGTH, "to the right").or("0"),
            arg("dy", LENGTH, "up").or("0"),
            arg("beam", ArgKind::Beam, "whose picture").or("electron"),
            CONFIRMED,
        ],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "manipulator.move-corrected dx=5um beam=ion",
        run: |cx, args| {
            Box::pin(workflow(
                cx,
                image::with_beam(args, Beam::Electron),
                manipulator::move_corrected,
            ))
        },
    },
    CommandRow {
        name: "manipulator.go",
        doc: "Move the needle to a position by name, with an offset; dz follows the normal of the tilted sample.",
        args: &[
            NAME,
            arg("dx", LENGTH, "offset").or("0"),
            arg("dy", LENGTH, "offset").or("0"),
            arg("dz", LENGTH, "offset away from the sample").or("0"),
            CONFIRMED,
        ],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "manipulator.go name=EUCENTRIC dz=150um",
        run: |cx, args| Box::pin(go(cx, args)),
    },
    CommandRow {
        name: "manipulator.calibrate",
        doc: "Guided: bring the needle's tip into the centre of both pictures (or drive the vendor's positions).",
        args: &[],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "manipulator.calibrate",
        run: |cx, _| Box::pin(calibrate(cx)),
    },
    CommandRow {
        name: "manipulator.prepare",
        doc: "Guided: the stage lowered and level, the needle in, its tip centred, its end cut flat; then out and back.",
        args: &[
            arg(
                "x",
                LENGTH,
                "where the end is cut, from the tip to the right in the ion picture",
            )
            .or("-10 um"),
            arg("y", LENGTH, "the same, upwards").or("0"),
            CURRENT,
            LOADED,
        ],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "manipulator.prepare",
        run: |cx, args| Box::pin(prepare(cx, args)),
    },
    CommandRow {
        name: "manipulator.sharpen",
        doc: "Guided: the stage lowered, the needle in, its tip centred and milled to a wedge, centred again and remembered; then out and back.",
        args: &[
            arg(
                "angle",
                ANGLE,
                "where the tip points in the ion picture, counter-clockwise from the right",
            )
            .or("40deg"),
            arg("tip_angle", ANGLE, "between the edges of the new tip").or("35deg"),
            arg("bias", LENGTH, "how far the cuts stay off the edges").or("0.25 um"),
            CURRENT,
            LOADED,
        ],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "manipulator.sharpen angle=30deg",
        run: |cx, args| Box::pin(sharpen(cx, args)),
    },
    CommandRow {
        name: "manipulator.reset",
        doc: "Guided: find the tip again. The stage lowered, the needle in, its tip centred in both pictures and remembered; then out and back.",
        args: &[],
        danger: Danger::Sample,
        lane: Lane::Job,
        example: "manipulator.reset",
        run: |cx, _| Box::pin(reset(cx)),
    },
    CommandRow {
        name: "manipulator.exchange",
        doc: "Guided: the needle out, the beams off, the chamber vented; pumped again when you say that the new needle is in.",
        args: &[],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "manipulator.exchange",
        run: |cx, _| Box::pin(async move { result(manipulator::exchange(cx.job()?).await?) }),
    },
    CommandRow {
        name: "manipulator.save",
        doc: "Save where the needle is under a name.",
        args: &[need("name", ArgKind::Text, "a name")],
        danger: Danger::None,
        lane: Lane::Now,
        example: "manipulator.save name=above-lamella",
        run: |cx, args| Box::pin(save(cx, args)),
    },
    CommandRow {
        name: "manipulator.remove",
        doc: "Forget a saved needle position.",
        args: &[NAME],
        danger: Danger::None,
        lane: Lane::Now,
        example: "manipulator.remove name=above-lamella",
        run: |cx, args| {
            Box::pin(async move {
                let name = args.need(args.text("name"), "name")?;
                lock(&cx.core.files).needle.remove(name)?;
                tell(&cx)
            })
        },
    },
    CommandRow {
        name: "manipulator.list",
        doc: "The needle positions there are: the instrument's own and the saved ones.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "manipulator.list",
        run: |cx, _| {
            Box::pin(async move {
                let own = cx.scope()?.capabilities().manipulator.clone().unwrap_or_default().saved;
                Ok(json!({ "instrument": own, "saved": lock(&cx.core.files).needle.all() }))
            })
        },
    },
    CommandRow {
        name: "manipulator.where",
        doc: "Where a position lies that the instrument or the console remembers.",
        args: &[NAME],
        danger: Danger::None,
        lane: Lane::Now,
        example: "manipulator.where name=PARK",
        run: |cx, args| {
            Box::pin(async move {
                let name = args.need(args.text("name"), "name")?;
                let saved = lock(&cx.core.files).needle.get(name).cloned();
                match saved {
                    Some(place) => result(place),
                    None => result(cx.scope()?.saved_needle(name).await?),
                }
            })
        },
    },
];

impl From<NeedleError> for Failure {
    fn from(error: NeedleError) -> Failure {
        let kind = match error {
            NeedleError::Read(_) | NeedleError::Write(_) => ErrorKind::File,
            NeedleError::Unknown(_) | NeedleError::NoName => ErrorKind::Usage,
        };
        Failure::new(kind, error.to_string(), "manipulator.list shows what there is")
    }
}

fn tell(cx: &Cx) -> Ended {
    let positions = lock(&cx.core.files).needle.all();
    cx.core.publish(Event::NeedlePositions {
        positions: positions.clone(),
    });
    result(positions)
}

async fn save(cx: Cx, args: Args) -> Ended {
    let name = args.need(args.text("name"), "name")?.to_owned();
    let scope = cx.scope()?;
    if scope
        .capabilities()
        .manipulator
        .as_ref()
        .is_some_and(|m| m.saved.contains(&name))
    {
        return Err(Failure::usage(
            format!(
                "`{}` is a position of the instrument itself; nothing was saved",
                model::text::printable(&name)
            ),
            "choose another name",
        ));
    }
    let at = scope.manipulator().await?.value.position;
    lock(&cx.core.files).needle.save(&name, at)?;
    tell(&cx)
}

async fn go(cx: Cx, args: Args) -> Ended {
    let name = args.need(args.text("name"), "name")?.to_owned();
    let place = lock(&cx.core.files).needle.get(&name).cloned();
    let offset = |key: &str| args.number(key).unwrap_or(0.0);
    let params = Go {
        dx: offset("dx"),
        dy: offset("dy"),
        dz: offset("dz"),
        name,
        place,
        confirmed: args.flag("confirmed").unwrap_or(false),
    };
    result(manipulator::go(cx.job()?, params).await?)
}

async fn calibrate(cx: Cx) -> Ended {
    let found = manipulator::calibrate(cx.job()?).await?;
    for (name, at) in &found.positions {
        lock(&cx.core.files).needle.save(name, at.clone())?;
    }
    tell(&cx)?;
    result(found)
}

/// Where an earlier calibration centred the tip, and under which name: the last position of the instrument is where it works.
fn working(cx: &Cx) -> Result<(Option<String>, Option<ManipulatorPosition>), Failure> {
    let name = cx
        .scope()?
        .capabilities()
        .manipulator
        .as_ref()
        .and_then(|m| m.saved.last().cloned());
    let place = name
        .as_ref()
        .and_then(|name| lock(&cx.core.files).needle.get(name).cloned());
    Ok((name, place))
}

/// The loaded task, where that is wanted.
fn loaded(cx: &Cx, args: &Args) -> Result<Option<pattern::MillingTask>, Failure> {
    match args.flag("loaded") {
        Some(true) => milling::loaded(cx).map(Some),
        _ => Ok(None),
    }
}

async fn prepare(cx: Cx, args: Args) -> Ended {
    let defaults = Prepare::default();
    let params = Prepare {
        place: working(&cx)?.1,
        task: loaded(&cx, &args)?,
        point: Point {
            x: args.number("x").unwrap_or(defaults.point.x),
            y: args.number("y").unwrap_or(defaults.point.y),
        },
        current: args.number("current").unwrap_or(defaults.current),
    };
    result(manipulator::prepare(cx.job()?, params).await?)
}

async fn sharpen(cx: Cx, args: Args) -> Ended {
    let (defaults, (name, place)) = (Sharpen::default(), working(&cx)?);
    let given = |key: &str, default: f64| args.number(key).unwrap_or(default);
    let params = Sharpen {
        place,
        task: loaded(&cx, &args)?,
        angle: given("angle", defaults.angle),
        tip_angle: given("tip_angle", defaults.tip_angle),
        bias: given("bias", defaults.bias),
        current: given("current", defaults.current),
    };
    let found = manipulator::sharpen(cx.job()?, params).await?;
    remembered(&cx, name, found)
}

async fn reset(cx: Cx) -> Ended {
    let (name, place) = working(&cx)?;
    let found = manipulator::reset(cx.job()?, Reset { place }).await?;
    remembered(&cx, name, found)
}

/// The place found takes the place of the one before.
fn remembered(cx: &Cx, name: Option<String>, found: Tip) -> Ended {
    if let Some(name) = name {
        lock(&cx.core.files).needle.save(&name, found.position.clone())?;
        tell(cx)?;
    }
    result(found)
}
