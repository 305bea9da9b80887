//! The newest picture of the chamber camera.

use crate::action::Action;
use crate::canvas::{Canvas, PictureKey};
use crate::cx::Cx;
use crate::keys::Layer;
use crate::theme::{Role, Theme};
use crate::widget::pane::pane;
use crate::widget::value::duration;
use picture::{Tone, View};
use ratatui::layout::Rect;
use ratatui::text::Line;
use std::sync::Arc;
use vision::contrast::Spread;

/// The pane's place in the encoder; the panes of the other tabs are 0 and 1.
const SLOT: u8 = 7;

pub fn draw(focus: bool, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    if area.is_empty() {
        return;
    }
    let newest = cx.snapshot.frames.iter().rev().find(|frame| frame.beam.is_none());
    let taking = cx.pending.has("chamber.picture");
    let note = match newest {
        _ if taking => "…".to_owned(),
        Some(frame) => format!("{} ago", duration(cx.now - frame.time)),
        None => String::new(),
    };
    let inside = pane("Chamber camera", &note, focus, theme, area, canvas);
    match newest {
        Some(frame) => {
            if cx.frames.is_gone(frame.id) {
                let file = frame
                    .file
                    .as_deref()
                    .map(|f| format!(": {}", model::text::printable(f)))
                    .unwrap_or_default();
                canvas.row(
                    Line::styled(format!(" no longer held{file}"), theme.style(Role::Dim)),
                    inside,
                    0,
                );
            }
            let key = PictureKey {
                slot: SLOT,
                frame: frame.id,
                view: View::default(),
                spread: Spread::AsTaken,
                tone: Tone::default(),
                overlays: Arc::from([]),
                smooth: false,
            };
            canvas.place(inside, key);
        }
        None if super::subsystems::has(&Action::ChamberPicture, cx) => {
            let key = cx
                .keymap
                .key(&Action::ChamberPicture, &[Layer::Connection])
                .map(|k| k.to_string())
                .unwrap_or_default();
            canvas.row(
                Line::styled(format!(" {key} takes a picture"), theme.style(Role::Dim)),
                inside,
                0,
            );
        }
        None => canvas.row(Line::styled(" no camera here", theme.style(Role::Dim)), inside, 0),
    }
}
