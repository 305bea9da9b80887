//! `session.*` and `notice.*`: who works, where pictures go, what was seen.

use super::row::{ArgKind, CommandRow, Lane, arg};
use super::{Args, Failure, result};
use crate::core::Cx;
use crate::event::Event;
use crate::link::Ended;
use model::{Danger, ErrorKind};
use serde_json::json;
use std::path::Path;

pub(crate) const ROWS: &[CommandRow] = &[
    CommandRow {
        name: "session.set",
        doc: "Who works and where pictures go; written into every picture's metadata.",
        args: &[
            arg("folder", ArgKind::Path, "folder for pictures (made if it is not there)"),
            arg("user", ArgKind::Text, "name"),
            arg("email", ArgKind::Text, "e-mail"),
            arg("organization", ArgKind::Text, "organisation"),
            arg("project", ArgKind::Text, "project"),
            arg("experiment", ArgKind::Text, "experiment"),
        ],
        danger: Danger::None,
        lane: Lane::Now,
        example: "session.set user='A. Operator' project=yeast",
        run: |cx, args| Box::pin(set(cx, args)),
    },
    CommandRow {
        name: "notice.seen",
        doc: "Acknowledge all notices and alarms so far.",
        args: &[],
        danger: Danger::None,
        lane: Lane::Now,
        example: "notice.seen",
        run: |cx, _| {
            Box::pin(async move {
                if let Some(last) = cx.core.snapshot().notices.back().map(|n| n.id) {
                    cx.core.publish(Event::Seen { id: last });
                }
                Ok(json!({}))
            })
        },
    },
];

async fn set(cx: Cx, args: Args) -> Ended {
    let mut session = cx.core.snapshot().session.clone();
    if let Some(folder) = args.text("folder") {
        model::file::ensure_folder(Path::new(folder)).map_err(|e| {
            Failure::new(
                ErrorKind::File,
                format!("that folder cannot be used: {e}; nothing was changed"),
                "choose another",
            )
        })?;
        session.folder = folder.to_owned();
    }
    for (name, field) in [
        ("user", &mut session.user.name),
        ("email", &mut session.user.email),
        ("organization", &mut session.user.organization),
        ("project", &mut session.project),
        ("experiment", &mut session.experiment),
    ] {
        if let Some(text) = args.text(name) {
            *field = text.to_owned();
        }
    }
    cx.core.publish(Event::Session {
        session: session.clone(),
        by: cx.by.clone(),
    });
    result(session)
}
