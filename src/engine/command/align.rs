//! `align.*`: bringing pictures and beams together.

use super::row::{ArgKind, CommandRow, Lane, arg};
use super::{Args, Failure, workflow};
use crate::core::Cx;
use crate::link::Ended;
use ::workflow::align;
use model::{Danger, Notice, Severity, Unit, units};
use serde_json::{Value, json};

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
        run: |cx, args| Box::pin(beam_shift(cx, super::image::with_beam(args, model::Beam::Ion))),
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
    let core = cx.core.clone();
    let found = if guided {
        workflow(cx, args, align::guided).await
    } else {
        workflow(cx, args, align::coincidence).await
    }?;
    let residual = length(&found["residual_m"]["x"]).hypot(length(&found["residual_m"]["y"]));
    core.notice(Notice::new(
        Severity::Info,
        format!(
            "coincident: {} apart in the FIB picture; the height was {} off",
            units::format(residual, Unit::Metre),
            units::format(length(&found["height_error_before_m"]), Unit::Metre)
        ),
    ));
    Ok(found)
}

async fn beam_shift(cx: Cx, args: Args) -> Ended {
    let core = cx.core.clone();
    let found = workflow(cx, args, align::beam_shift).await?;
    core.notice(Notice::new(
        Severity::Info,
        format!(
            "aligned: {} apart, it was {} right and {} down",
            units::format(length(&found["residual_m"]), Unit::Metre),
            units::format(length(&found["dx_m"]), Unit::Metre),
            units::format(length(&found["dy_m"]), Unit::Metre)
        ),
    ));
    Ok(found)
}

/// A length of a result (m).
fn length(value: &Value) -> f64 {
    value.as_f64().unwrap_or(0.0)
}
