//! `stage.*`: where the sample is and where it goes.

use super::row::{ArgKind, ArgRow, CommandRow, Lane, arg, need};
use super::{Args, Failure, image::with_beam, result, workflow};
use crate::core::Cx;
use crate::event::Event;
use crate::link::Ended;
use ::workflow::movement;
use model::{Beam, Danger, ErrorKind, Point, StagePosition, Unit};
use serde_json::json;
use std::f64::consts::FRAC_PI_2;

const LENGTH: ArgKind = ArgKind::Number(Unit::Metre);
const ANGLE: ArgKind = ArgKind::Number(Unit::Radian);
const AXES: &[ArgRow] = &[
    arg("x", LENGTH, "along the tilt axis"),
    arg("y", LENGTH, "across it"),
    arg("z", LENGTH, "height"),
    arg("r", ANGLE, "rotation"),
    arg("t", ANGLE, "tilt"),
];
const DX: ArgRow = arg("dx", LENGTH, "picture offset to the right of what is to be centred").or("0");
const DY: ArgRow = arg("dy", LENGTH, "picture offset up of what is to be centred").or("0");
const BEAM: ArgRow = arg("beam", ArgKind::Beam, "whose picture").or("electron");
const ORIENTATIONS: &[&str] = &["SEM", "FIB", "MILLING", "FM"];

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "stage.position",
        doc: "Where the stage is, with limits, orientation and milling angle.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "stage.position",
        run: |cx, _| Box::pin(async move { Ok(cx.core.state().await["stage"].clone()) }),
    },
    CommandRow {
        name: "stage.move-absolute",
        doc: "Move axes to raw coordinates; an axis left out stays.",
        args: AXES,
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "stage.move-absolute x=0 y=0 z=4mm",
        run: |cx, args| Box::pin(workflow(cx, args, movement::absolute)),
    },
    CommandRow {
        name: "stage.move-relative",
        doc: "Move axes by this much.",
        args: AXES,
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "stage.move-relative x=20um",
        run: |cx, args| Box::pin(workflow(cx, args, movement::relative)),
    },
    CommandRow {
        name: "stage.safe-move",
        doc: "Move to raw coordinates; before a large turn the stage is tilted flat.",
        args: AXES,
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "stage.safe-move r=180deg t=17deg",
        run: |cx, args| Box::pin(workflow(cx, args, movement::safe_move)),
    },
    CommandRow {
        name: "stage.stable-move",
        doc: "Centre what is at (dx, dy) in the picture by moving along the sample plane.",
        args: &[
            DX,
            DY,
            BEAM,
            arg(
                "static_wd",
                ArgKind::Bool,
                "set the SEM working distance to the eucentric height",
            )
            .or("false"),
        ],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "stage.stable-move dx=10um dy=-5um beam=electron",
        run: |cx, args| Box::pin(workflow(cx, offset(args), movement::stable_move)),
    },
    CommandRow {
        name: "stage.project-stable-move",
        doc: "Where a stable move would lead; nothing moves.",
        args: &[
            DX,
            DY,
            BEAM,
            arg("base", ArgKind::Json, "position it would start from").or("where the stage is"),
        ],
        danger: Danger::None,
        lane: Lane::Job,
        example: "stage.project-stable-move dx=10um dy=0 beam=ion",
        run: |cx, args| Box::pin(workflow(cx, offset(args), movement::project_stable_move)),
    },
    CommandRow {
        name: "stage.vertical-move",
        doc: "Raise or lower the sample so that what is at dy in the FIB picture is centred; the SEM keeps its feature.",
        args: &[
            DY,
            DX,
            arg(
                "exact",
                ArgKind::Bool,
                "truly vertical, where openFIBSEM's move falls 10 % short",
            )
            .or("false"),
        ],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "stage.vertical-move dy=5um exact=true",
        run: |cx, args| Box::pin(workflow(cx, offset(args), movement::vertical_move)),
    },
    CommandRow {
        name: "stage.flat-to",
        doc: "Turn the sample plane flat to a beam.",
        args: &[need("beam", ArgKind::Beam, "which")],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "stage.flat-to beam=ion",
        run: |cx, args| {
            Box::pin(async move {
                let beam = args.need(args.beam("beam"), "beam")?;
                result(movement::flat_to(cx.job()?, beam).await?)
            })
        },
    },
    CommandRow {
        name: "stage.orientation",
        doc: "Go to a named orientation: SEM (flat to the electron beam), FIB (flat to the ion beam), MILLING.",
        args: &[need("name", ArgKind::Word(ORIENTATIONS), "which")],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "stage.orientation name=MILLING",
        run: |cx, args| Box::pin(workflow(cx, args, movement::orientation)),
    },
    CommandRow {
        name: "stage.milling-angle",
        doc: "Tilt so that the ion beam meets the sample plane at this angle.",
        args: &[
            need("angle", ANGLE, "between ion beam and sample plane"),
            arg("rotation", ANGLE, "stage rotation").or("the SEM orientation's"),
        ],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "stage.milling-angle angle=15deg",
        run: |cx, args| Box::pin(workflow(cx, args, movement::milling_angle)),
    },
    CommandRow {
        name: "stage.set-milling-angle",
        doc: "Choose the milling angle of the MILLING orientation, for this session; nothing moves.",
        args: &[need("angle", ANGLE, "between ion beam and sample plane")],
        danger: Danger::None,
        lane: Lane::Now,
        example: "stage.set-milling-angle angle=18deg",
        run: |cx, args| {
            Box::pin(async move {
                let angle = args.need(args.number("angle"), "angle")?;
                if !(0.0..=FRAC_PI_2).contains(&angle) {
                    return Err(Failure::new(
                        ErrorKind::OutOfRange,
                        "that is no milling angle; nothing was changed",
                        "0 to 90 deg",
                    ));
                }
                cx.scope()?.choose_milling_angle(angle);
                cx.core.publish(Event::MillingAngle { angle });
                Ok(json!({ "milling_angle": angle }))
            })
        },
    },
    CommandRow {
        name: "stage.center-on",
        doc: "Centre the point (x, y) of a beam's picture (m from its centre, y up).",
        args: &[need("x", LENGTH, "to the right"), need("y", LENGTH, "up"), BEAM],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "stage.center-on x=12um y=3um beam=electron",
        run: |cx, args| Box::pin(center_on(cx, args)),
    },
    CommandRow {
        name: "stage.jog",
        doc: "One step in the direction of a picture axis (dx, dy) or of a stage axis. While one is under way the newest waits, for 300 ms.",
        args: &[
            DX,
            DY,
            BEAM,
            arg("axis", ArgKind::Word(&["x", "y", "z", "r", "t"]), "stage axis"),
            arg("step", ArgKind::Number(Unit::None), "m or rad along that axis"),
        ],
        danger: Danger::Motion,
        lane: Lane::Lease,
        example: "stage.jog dx=1um beam=electron",
        run: |cx, args| Box::pin(jog(cx, args)),
    },
];

/// Offsets that were left out are none.
fn offset(args: Args) -> Args {
    let mut args = with_beam(args, Beam::Electron);
    for name in ["dx", "dy"] {
        args.0.entry(name).or_insert(json!(0.0));
    }
    args
}

async fn center_on(cx: Cx, args: Args) -> Ended {
    let point = Point {
        x: args.need(args.number("x"), "x")?,
        y: args.need(args.number("y"), "y")?,
    };
    let beam = args.beam("beam").unwrap_or(Beam::Electron);
    result(movement::center_on(cx.job()?, beam, point).await?)
}

async fn jog(cx: Cx, args: Args) -> Ended {
    match (args.text("axis"), args.number("step")) {
        (Some(axis), Some(step)) => {
            let axis =
                serde_json::from_value(json!(axis)).map_err(|e| Failure::usage(e.to_string(), "x, y, z, r or t"))?;
            result(movement::relative(cx.job()?, StagePosition::default().with(axis, step)).await?)
        }
        (None, None) => workflow(cx, offset(args), movement::stable_move).await,
        _ => Err(Failure::usage(
            "axis= and step= belong together; nothing moved",
            "stage.jog axis=z step=0.000001",
        )),
    }
}
