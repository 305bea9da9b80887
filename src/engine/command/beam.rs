//! `beam.*`: power, blanker, shift, plasma gas.

use super::row::{ArgKind, ArgRow, CommandRow, Lane, arg, need};
use super::{Args, result};
use crate::core::Cx;
use crate::link::Ended;
use model::{Beam, Danger, Unit};
use serde_json::json;
use workflow::system;

const BEAMS: &[ArgRow] = &[arg("beam", ArgKind::Beams, "which").or("both")];

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "beam.on",
        doc: "Turn a beam on. Refused without vacuum.",
        args: BEAMS,
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "beam.on beam=electron",
        run: |cx, args| Box::pin(power(cx, args, true)),
    },
    CommandRow {
        name: "beam.off",
        doc: "Turn a beam off.",
        args: BEAMS,
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "beam.off beam=both",
        run: |cx, args| Box::pin(power(cx, args, false)),
    },
    CommandRow {
        name: "beam.blank",
        doc: "Blank a beam: it is on but does not reach the sample.",
        args: BEAMS,
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "beam.blank beam=ion",
        run: |cx, args| Box::pin(blank(cx, args, true)),
    },
    CommandRow {
        name: "beam.unblank",
        doc: "Unblank a beam: it reaches the sample.",
        args: BEAMS,
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "beam.unblank beam=electron",
        run: |cx, args| Box::pin(blank(cx, args, false)),
    },
    CommandRow {
        name: "beam.shift",
        doc: "Shift the beam by this much more. Refused beyond the instrument's range.",
        args: &[
            arg("dx", ArgKind::Number(Unit::Metre), "to the right").or("0"),
            arg("dy", ArgKind::Number(Unit::Metre), "up").or("0"),
            arg("beam", ArgKind::Beam, "which").or("ion"),
        ],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "beam.shift dx=1um dy=0 beam=ion",
        run: |cx, args| Box::pin(shift(cx, args)),
    },
    CommandRow {
        name: "beam.reset-shift",
        doc: "Set the beam shift to zero.",
        args: BEAMS,
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "beam.reset-shift beam=ion",
        run: |cx, args| {
            Box::pin(async move {
                let beams = cx.beams(&args)?;
                system::reset_shift(cx.job()?, beams).await?;
                Ok(json!({ "shift": { "x": 0.0, "y": 0.0 } }))
            })
        },
    },
    CommandRow {
        name: "beam.plasma",
        doc: "Change the gas of the plasma source. Takes about ten minutes; can be cancelled.",
        args: &[need(
            "gas",
            ArgKind::Text,
            "gas, as system.available key=plasma_gas lists",
        )],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "beam.plasma gas=Xenon",
        run: |cx, args| {
            Box::pin(async move {
                let gas = args.need(args.text("gas"), "gas")?.to_owned();
                let gas = system::plasma_gas(cx.job()?, Beam::Ion, gas).await?;
                Ok(json!({ "beam": Beam::Ion, "plasma_gas": gas }))
            })
        },
    },
];

async fn power(cx: Cx, args: Args, on: bool) -> Ended {
    let beams = cx.beams(&args)?;
    result(system::power(cx.job()?, beams, on).await?)
}

async fn blank(cx: Cx, args: Args, on: bool) -> Ended {
    let beams = cx.beams(&args)?;
    result(system::blank(cx.job()?, beams, on).await?)
}

async fn shift(cx: Cx, args: Args) -> Ended {
    let beam = args.beam("beam").unwrap_or(Beam::Ion);
    let (dx, dy) = (args.number("dx").unwrap_or(0.0), args.number("dy").unwrap_or(0.0));
    let shift = system::shift_beam(&cx.job()?, beam, dx, dy).await?;
    Ok(json!({ "beam": beam, "shift": shift }))
}
