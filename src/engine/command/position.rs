//! `position.*`: saved stage positions.

use super::row::{ArgKind, ArgRow, CommandRow, Lane, need};
use super::{Args, Failure, result};
use crate::core::{Cx, lock};
use crate::event::Event;
use crate::link::Ended;
use ::workflow::movement::{self, SafeMove};
use model::positions::{Positions, PositionsError};
use model::{Danger, StagePosition};
use serde_json::json;
use std::path::Path;

const NAME: ArgRow = need("name", ArgKind::PositionName, "which");

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "position.save",
        doc: "Save where the stage is under a name.",
        args: &[need("name", ArgKind::Text, "a name not yet taken")],
        danger: Danger::None,
        lane: Lane::Now,
        example: "position.save name=grid-1",
        run: |cx, args| Box::pin(save(cx, args)),
    },
    CommandRow {
        name: "position.list",
        doc: "The saved positions.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "position.list",
        run: |cx, _| Box::pin(async move { result(lock(&cx.core.files).all()) }),
    },
    CommandRow {
        name: "position.go",
        doc: "Move to a saved position by safe moves.",
        args: &[NAME],
        danger: Danger::Motion,
        lane: Lane::Job,
        example: "position.go name=grid-1",
        run: |cx, args| Box::pin(go(cx, args)),
    },
    CommandRow {
        name: "position.rename",
        doc: "Give a saved position another name.",
        args: &[NAME, need("to", ArgKind::Text, "the new name")],
        danger: Danger::None,
        lane: Lane::Now,
        example: "position.rename name=grid-1 to=grid-A",
        run: |cx, args| {
            Box::pin(async move {
                let (name, to) = (args.need(args.text("name"), "name")?, args.need(args.text("to"), "to")?);
                change(&cx, |positions| positions.rename(name, to))
            })
        },
    },
    CommandRow {
        name: "position.remove",
        doc: "Forget a saved position.",
        args: &[NAME],
        danger: Danger::None,
        lane: Lane::Now,
        example: "position.remove name=grid-1",
        run: |cx, args| {
            Box::pin(async move {
                let name = args.need(args.text("name"), "name")?;
                change(&cx, |positions| positions.remove(name))
            })
        },
    },
    CommandRow {
        name: "position.import",
        doc: "Add the positions of an openFIBSEM positions file; names already taken are left out.",
        args: &[need("path", ArgKind::Path, "file")],
        danger: Danger::None,
        lane: Lane::Now,
        example: "position.import path=positions.yaml",
        run: |cx, args| Box::pin(import(cx, args)),
    },
    CommandRow {
        name: "position.export",
        doc: "Write the saved positions to a file that openFIBSEM reads (never over an existing one).",
        args: &[need("path", ArgKind::Path, "file")],
        danger: Danger::None,
        lane: Lane::Now,
        example: "position.export path=positions.yaml",
        run: |cx, args| {
            Box::pin(async move {
                let path = args.need(args.text("path"), "path")?;
                let written = lock(&cx.core.files).positions.export(Path::new(path))?;
                Ok(json!({ "file": written }))
            })
        },
    },
];

/// Changes the list and its file, then tells everyone.
fn change(cx: &Cx, work: impl FnOnce(&mut Positions) -> Result<(), PositionsError>) -> Ended {
    let positions = {
        let mut files = lock(&cx.core.files);
        work(&mut files.positions)?;
        files.all()
    };
    cx.core.publish(Event::Positions {
        positions: positions.clone(),
    });
    result(positions)
}

async fn save(cx: Cx, args: Args) -> Ended {
    let name = args.need(args.text("name"), "name")?.to_owned();
    let pose = cx.scope()?.stage().await?.value.pose;
    let position = StagePosition {
        name: Some(name),
        coordinate_system: Some("RAW".to_owned()),
        ..pose.into()
    };
    change(&cx, |positions| positions.save(position))
}

async fn go(cx: Cx, args: Args) -> Ended {
    let name = args.need(args.text("name"), "name")?;
    let target = lock(&cx.core.files).positions.get(name)?.clone();
    if let Err(error) = target.check_finite() {
        return Err(Failure::usage(
            format!("that position cannot be gone to: {error}; nothing moved"),
            "remove it and save it anew",
        ));
    }
    result(movement::safe_move(cx.job()?, SafeMove { target }).await?)
}

async fn import(cx: Cx, args: Args) -> Ended {
    let path = args.need(args.text("path"), "path")?.to_owned();
    let (mut count, mut left_out) = (0, Vec::new());
    change(&cx, |positions| {
        (count, left_out) = positions.import(Path::new(&path))?;
        Ok(())
    })?;
    Ok(json!({ "imported": count, "left_out": left_out }))
}
