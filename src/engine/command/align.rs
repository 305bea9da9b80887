//! `align.*`: bringing pictures and beams together.

use super::row::{ArgKind, ArgRow, CommandRow, Lane, arg};
use super::{Args, Failure, workflow};
use crate::core::Cx;
use crate::link::Ended;
use ::workflow::align;
use model::{Beam, Danger, Notice, Severity, Unit, units};
use serde_json::{Value, json};

const REFERENCE: ArgRow = arg("reference", ArgKind::Path, "reference picture").or("the last picture of the beam");
const METHOD: ArgRow = arg(
    "method",
    ArgKind::Word(&["cross-correlation", "phase-correlation"]),
    "how",
)
.or("cross-correlation");
const ANGLE: ArgKind = ArgKind::Number(Unit::Radian);

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "align.beam-shift",
        doc: "Take a picture as the reference was taken, measure the shift, take it out with the beam shift. Refused when unsure.",
        args: &[REFERENCE, arg("beam", ArgKind::Beam, "which").or("ion"), METHOD],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "align.beam-shift reference=ref_ib.tif",
        run: |cx, args| Box::pin(beam_shift(cx, super::image::with_beam(args, Beam::Ion))),
    },
    CommandRow {
        name: "align.stage",
        doc: "Take a picture as the reference was taken, measure the shift, move the stage along the sample by it. Refused when unsure.",
        args: &[
            REFERENCE,
            arg("beam", ArgKind::Beam, "which").or("electron"),
            METHOD,
            arg("tolerance", ArgKind::Number(Unit::Metre), "how far off is near enough").or("1um"),
        ],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "align.stage reference=ref_eb.tif",
        run: |cx, args| Box::pin(stage(cx, super::image::with_beam(args, Beam::Electron))),
    },
    CommandRow {
        name: "align.eucentric",
        doc: "Tilt in small steps and keep the sample where both pictures show it. Where it is lost, the stage goes back.",
        args: &[
            arg("tilt", ANGLE, "stage tilt to reach").or("by milling_angle"),
            arg("milling_angle", ANGLE, "between ion beam and sample plane").or("by tilt"),
            arg("step", ANGLE, "most that is tilted at once").or("3deg"),
            arg(
                "beam",
                ArgKind::Beams,
                "whose pictures: SEM along the sample, FIB in height",
            )
            .or("both"),
            arg("hfw", ArgKind::Number(Unit::Metre), "field width of the pictures").or("150um"),
            arg("tolerance", ArgKind::Number(Unit::Metre), "how far off is near enough").or("1um"),
        ],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "align.eucentric milling_angle=15deg",
        run: |cx, args| Box::pin(eucentric(cx, args)),
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
    core.notice(aligned(&found));
    Ok(found)
}

async fn stage(cx: Cx, args: Args) -> Ended {
    let core = cx.core.clone();
    let found = workflow(cx, args, align::stage).await?;
    core.notice(aligned(&found));
    Ok(found)
}

fn aligned(found: &Value) -> Notice {
    Notice::new(
        Severity::Info,
        format!(
            "aligned: {} apart, it was {} right and {} down",
            units::format(length(&found["residual_m"]), Unit::Metre),
            units::format(length(&found["dx_m"]), Unit::Metre),
            units::format(length(&found["dy_m"]), Unit::Metre)
        ),
    )
}

async fn eucentric(cx: Cx, mut args: Args) -> Ended {
    if let Some(beams) = args.beams("beam") {
        args.0.remove("beam");
        args.0.insert("beams".to_owned(), json!(beams));
    }
    let core = cx.core.clone();
    let found = workflow(cx, args, align::eucentric_tilt).await?;
    core.notice(Notice::new(
        Severity::Info,
        format!(
            "tilted to {} in {} steps, {} corrections; the sample is {} off",
            units::format(length(&found["pose"]["t"]), Unit::Radian),
            found["steps"],
            found["corrections"],
            units::format(length(&found["residual_m"]), Unit::Metre)
        ),
    ));
    Ok(found)
}

/// A number of a result (m or rad).
fn length(value: &Value) -> f64 {
    value.as_f64().unwrap_or(0.0)
}
