//! `overview.*`: pictures of much of a grid, and what they propose.

use super::image::{AUTOCONTRAST, DWELL, FRAMES, HFW, LINES, RESOLUTION};
use super::row::{ArgKind, ArgRow, CommandRow, Lane, arg, need};
use super::{Args, Failure, result, workflow};
use crate::core::Cx;
use crate::link::Ended;
use ::workflow::lamella::place::{Proposed, place, propose};
use ::workflow::{overview, state};
use model::{Beam, Danger, ErrorKind, Frame, Unit};
use serde_json::json;
use std::path::Path;

const PICTURE: ArgRow = need(
    "picture",
    ArgKind::Path,
    "an overview, or any picture of several squares",
);

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "overview.acquire",
        doc: "Take a grid of overlapping pictures around where the stage stands, bring it back, lay them to one.",
        args: &[
            arg("beam", ArgKind::Beam, "which").or("electron"),
            arg("rows", ArgKind::Count(1, 1000), "of tiles").or("3"),
            arg("columns", ArgKind::Count(1, 1000), "of tiles").or("3"),
            arg(
                "overlap",
                ArgKind::Number(Unit::None),
                "share of a tile that its neighbour shows, too",
            )
            .or("0.1"),
            arg(
                "order",
                ArgKind::Word(&["typewriter", "serpentine", "spiral"]),
                "row by row, every other row backwards, or outwards from the middle",
            )
            .or("serpentine"),
            arg(
                "autofocus",
                ArgKind::Word(&["none", "once", "each-row", "each-tile"]),
                "when it is focused on the way",
            )
            .or("none"),
            arg("mask", ArgKind::Json, "rows of true and false: false leaves a tile out").or("all tiles"),
            arg("as_said", ArgKind::Bool, "trust the stage: do not match overlaps").or("false"),
            HFW,
            RESOLUTION,
            DWELL,
            FRAMES,
            LINES,
            AUTOCONTRAST,
            arg("path", ArgKind::Path, "the folder it is made in").or("the open experiment's, else the session's"),
        ],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "overview.acquire rows=3 columns=3 hfw=400um autofocus=once",
        run: |cx, args| Box::pin(acquire(cx, args)),
    },
    CommandRow {
        name: "overview.sites",
        doc: "Propose places for lamellae in an overview, with scores and reasons; room is left for what the open protocol mills.",
        args: &[PICTURE],
        danger: Danger::None,
        lane: Lane::Now,
        example: "overview.sites picture=overview.tif",
        run: |cx, args| {
            Box::pin(async move {
                let (_, proposed) = proposed(&cx, &args).await?;
                result(proposed)
            })
        },
    },
    CommandRow {
        name: "lamella.place",
        doc: "Add lamellae at the best places of an overview; the first task of each finds its place again and tilts there.",
        args: &[
            PICTURE,
            arg("most", ArgKind::Count(1, 1000), "lamellae that are added at most").or("5"),
        ],
        danger: Danger::None,
        lane: Lane::Now,
        example: "lamella.place picture=overview.tif most=5",
        run: |cx, args| Box::pin(placed(cx, args)),
    },
];

async fn acquire(cx: Cx, args: Args) -> Ended {
    let mut args = super::image::with_beam(args, Beam::Electron);
    if !args.0.contains_key("path") {
        let snapshot = cx.core.snapshot();
        let folder = snapshot
            .experiment
            .as_ref()
            .map_or(&snapshot.session.folder, |e| &e.folder);
        args.0.insert("path".to_owned(), json!(folder));
    }
    workflow(cx, args, overview::overview).await
}

/// The picture, and what it proposes.
async fn proposed(cx: &Cx, args: &Args) -> Result<(Frame, Proposed), Failure> {
    let path = args.need(args.text("picture"), "picture")?.to_owned();
    let geometry = cx.scope()?.chosen_geometry();
    let protocol = cx
        .core
        .book()
        .ok()
        .map(|book| book.read(|papers| papers.protocol.clone()));
    let work = move || {
        let loaded = Frame::load(Path::new(&path)).map_err(|error| {
            Failure::new(
                ErrorKind::File,
                format!("the overview was not read: {error}; nothing was looked for"),
                "name a TIFF picture",
            )
        })?;
        let proposed = propose(&loaded.frame, &geometry, protocol.as_ref())?;
        Ok((loaded.frame, proposed))
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        Failure::new(
            ErrorKind::Other,
            "the search for sites failed inside; nothing was changed",
            error.to_string(),
        )
    })?
}

async fn placed(cx: Cx, args: Args) -> Ended {
    let book = cx.core.book()?;
    let (picture, proposed) = proposed(&cx, &args).await?;
    let state = state::capture(&cx.scope()?).await?;
    let angle = cx.scope()?.chosen_geometry().milling_angle;
    let most = args.count("most").unwrap_or(5) as usize;
    let seed = cx.core.time().to_string();
    let names = place(&book, &picture, &proposed, most, (&state, angle), &seed).await?;
    if names.is_empty() {
        return Err(Failure::new(
            ErrorKind::Doubtful,
            "the overview shows no place that a lamella is not at already; none was added",
            "overview.sites says what is against each; take an overview of more squares, or add lamellae by hand (lamella.add)",
        ));
    }
    result(json!({ "lamellae": names, "proposed": proposed.proposals.len(), "squares": proposed.squares }))
}
