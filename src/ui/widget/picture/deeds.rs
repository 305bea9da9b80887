//! What leaves a picture by a key: moves, areas to scan, word of its file.

use super::aim::{self, Refused, aim};
use super::mark::Mark;
use super::{Move, PicturePane, Shot, tell};
use crate::cx::Cx;
use crate::effect::Effect;
use engine::Command;
use model::{Notice, Point, Severity, Unit, units};
use serde_json::Value;

/// Metres below which a picture is already centred.
const CENTRED: f64 = 1e-9;

impl PicturePane {
    /// Moves the stage so that what is under the cursor is centred; the only way a move leaves a picture.
    pub(super) fn go(&mut self, which: Move, cx: &Cx) -> Vec<Effect> {
        let Some(frame) = self.frame(cx) else {
            return vec![tell("there is no picture to aim in; nothing moves", "F2 takes one")];
        };
        if cx.pending.any(crate::tab::after_move::is_move) {
            return vec![tell("a move is under way; this one was not sent", "wait for its end")];
        }
        let aim = match aim(frame, self.cursor(frame.size), cx) {
            Ok(aim) => aim,
            Err(refused) => return vec![tell(&refused.why, refused.hint)],
        };
        let (dx, dy) = (aim.offset.x, aim.offset.y);
        if dx.hypot(dy) < CENTRED {
            return vec![tell(
                "that is already in the centre; nothing moves",
                "move the cursor with the arrows",
            )];
        }
        self.vertical = false;
        let command = match which {
            Move::Stable => Command::new("stage.stable-move").with("beam", self.beam.word()),
            // openFIBSEM's own formula falls 10 % short and would have to be repeated
            Move::Vertical => Command::new("stage.vertical-move").with("exact", true),
        };
        let mut effects = vec![Effect::Send(command.with("dx", dx).with("dy", dy))];
        if let Some(way) = aim.carried {
            let title = format!(
                "the stage moved {} since this picture; the target was carried along",
                units::format(way, Unit::Metre)
            );
            effects.insert(0, Effect::Tell(Notice::new(Severity::Info, title)));
        }
        effects
    }

    /// The way along the ruler, m right and up, for what is moved by it: the ruler begins at the thing and ends at its target.
    pub fn ruled(&self, cx: &Cx) -> Result<Point, Refused> {
        let refuse = |why: &str, hint| Refused {
            why: format!("{why}; nothing moves"),
            hint,
        };
        let frame = self
            .frame(cx)
            .ok_or_else(|| refuse("there is no picture to measure in", "F2 takes one"))?;
        let (from, to) = self.ruler.ends(self.cursor(frame.size)).ok_or_else(|| {
            refuse(
                "no way is measured in this picture",
                "begin a ruler at the tip, then move the cursor to the target",
            )
        })?;
        let shot = Shot::of(frame).ok_or_else(|| {
            refuse(
                "this picture does not say its pixel size",
                "take a new picture and measure there",
            )
        })?;
        if aim::is_current(frame, cx) == Some(false) {
            return Err(refuse(
                "the stage or the beam was moved since this picture",
                "take a new picture and measure there",
            ));
        }
        let (from, to) = (shot.to_metres(from), shot.to_metres(to));
        let way = Point {
            x: to.x - from.x,
            y: to.y - from.y,
        };
        if way.x.hypot(way.y) < CENTRED {
            return Err(refuse("the ruler has no length", "move the cursor to the target"));
        }
        Ok(way)
    }

    /// Where the picture was saved and how it was taken.
    pub(super) fn say(&self, cx: &Cx) -> Effect {
        let Some(frame) = self.frame(cx) else {
            return tell("there is no picture", "F2 takes one");
        };
        let title = match &frame.file {
            Some(file) => format!("picture {} is {}", frame.id, model::text::printable(file)),
            None => format!("picture {} is not saved; it is in memory only", frame.id),
        };
        let mut notice = Notice::new(Severity::Info, title);
        if let Some(settings) = &frame.settings {
            notice = notice.detail(format!(
                "{}x{}, {} field, {} dwell, frames {}, lines {}",
                frame.size.0,
                frame.size.1,
                units::format(settings.hfw, Unit::Metre),
                units::format(settings.dwell_time, Unit::Second),
                settings.frame_integration.unwrap_or(1),
                settings.line_integration.unwrap_or(1)
            ));
        }
        Effect::Tell(notice)
    }

    pub(super) fn start_area(&mut self, size: (u32, u32), cx: &Cx) -> Vec<Effect> {
        let can = cx
            .snapshot
            .connection
            .as_ref()
            .and_then(|c| c.capabilities.beam(self.beam));
        match self.frame(cx) {
            _ if !can.is_some_and(|beam| beam.reduced_area) => {
                vec![tell(
                    "this instrument scans no reduced areas",
                    "take a smaller field instead",
                )]
            }
            None => vec![tell("there is no picture to draw an area in", "F2 takes one")],
            Some(frame) if !Shot::of(frame).is_some_and(|shot| shot.is_whole()) => {
                vec![tell(
                    "this picture is itself a part of the frame",
                    "take the full frame first (Del, then F2)",
                )]
            }
            Some(_) => {
                self.mark = Some(Mark::new(self.cursor(size)));
                Vec::new()
            }
        }
    }

    /// The drawn area becomes the one the next pictures scan.
    pub(super) fn take_area(&mut self, cx: &Cx) -> Vec<Effect> {
        let (Some(mark), Some(frame)) = (self.mark, self.frame(cx)) else {
            return Vec::new();
        };
        match mark.area(self.cursor(frame.size), frame.size) {
            Some(area) => {
                self.mark = None;
                let area = serde_json::to_value(area).unwrap_or(Value::Null);
                let command = Command::new("image.settings").with("beam", self.beam.word());
                vec![Effect::Send(command.with("reduced_area", area))]
            }
            None => vec![tell(
                "the area is empty",
                "move the cursor to the opposite corner first",
            )],
        }
    }
}
