//! `chamber.*`: vacuum and the camera that looks at it all.

use super::row::{ArgKind, CommandRow, Lane, arg};
use super::{Args, result};
use crate::core::Cx;
use crate::link::Ended;
use model::Danger;
use serde_json::json;
use workflow::cx::Keep;

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "chamber.pump",
        doc: "Pump the chamber and wait for the vacuum.",
        args: &[],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "chamber.pump",
        run: |cx, _| Box::pin(async move { result(workflow::system::pump(cx.job()?).await?) }),
    },
    CommandRow {
        name: "chamber.vent",
        doc: "Vent the chamber. Refused while a beam is on.",
        args: &[],
        danger: Danger::Beam,
        lane: Lane::Job,
        example: "chamber.vent",
        run: |cx, _| Box::pin(async move { result(workflow::system::vent(cx.job()?).await?) }),
    },
    CommandRow {
        name: "chamber.picture",
        doc: "A picture of the chamber camera; saved where path says.",
        args: &[arg(
            "path",
            ArgKind::Path,
            "folder or .tif file (never over an existing one)",
        )],
        danger: Danger::None,
        lane: Lane::Now,
        example: "chamber.picture",
        run: |cx, args| Box::pin(picture(cx, args)),
    },
];

async fn picture(cx: Cx, args: Args) -> Ended {
    let frame = cx.scope()?.chamber_picture().await?;
    let (frame, file) = cx.core.keep_frame(
        frame,
        &Keep {
            live: false,
            path: args.text("path").map(str::to_owned),
        },
    )?;
    let (w, h) = frame.pixels.size();
    let info = super::image::newest(&cx, None)?;
    Ok(json!({ "size": [w, h], "file": file, "id": info["id"] }))
}
