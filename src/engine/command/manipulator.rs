//! `manipulator.*`: the needle.

use super::row::{ArgKind, ArgRow, CommandRow, Lane, arg, need};
use super::{Args, Failure, image, result, workflow};
use crate::core::{Cx, lock};
use crate::event::Event;
use crate::link::Ended;
use ::workflow::manipulator::{self, Go};
use model::manipulator::NeedleError;
use model::{Beam, Danger, ErrorKind, Unit};
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
        doc: "Move the needle in the directions of a picture: right and up. By the ion beam, up is away from the sample.",
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
