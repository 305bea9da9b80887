//! `align.*`: bringing pictures and beams together.

use super::row::{ArgKind, CommandRow, Lane, arg};
use super::{Args, Failure, workflow};
use crate::core::Cx;
use crate::link::Ended;
use ::workflow::align;
use model::{Danger, Unit};
use serde_json::json;

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "align.beam-shift",
        doc: "Take a picture as the reference was taken, measure the shift, take it out with the beam shift. Refused when unsure.",
        args: &[
            arg("reference", ArgKind::Path, "reference picture").or("the last picture of the beam"),
            arg("beam", ArgKind::Beam, "which").or("ion"),
            arg(
                "method",
                ArgKind::Word(&["cross-correlation", "phase-correlation"]),
                "how",
            )
            .or("cross-correlation"),
        ],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "align.beam-shift reference=ref_ib.tif",
        run: |cx, args| {
            Box::pin(workflow(
                cx,
                super::image::with_beam(args, model::Beam::Ion),
                align::beam_shift,
            ))
        },
    },
    CommandRow {
        name: "align.coincidence",
        doc: "Bring the sample to the height where both beams see the same place; ends with the measured residual. guided=true asks you.",
        args: &[
            arg("guided", ArgKind::Bool, "ask for each step").or("false"),
            arg("fields", ArgKind::Text, "field widths, wide to narrow, e.g. 400um,80um").or("as the error needs"),
            arg(
                "tolerance",
                ArgKind::Number(Unit::Metre),
                "residual in the FIB picture that is good enough",
            )
            .or("0.3um"),
        ],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "align.coincidence",
        run: |cx, args| Box::pin(coincidence(cx, args)),
    },
];

async fn coincidence(cx: Cx, mut args: Args) -> Ended {
    if let Some(text) = args.text("fields") {
        let fields = super::image::lengths(text).map_err(|e| {
            Failure::usage(
                format!("those field widths make no sense: {e}; nothing moved"),
                "e.g. fields=400um,80um",
            )
        })?;
        args.0.insert("fields".to_owned(), json!(fields));
    }
    let guided = args.flag("guided").unwrap_or(false);
    args.0.remove("guided");
    if guided {
        workflow(cx, args, align::guided).await
    } else {
        workflow(cx, args, align::coincidence).await
    }
}
