//! How a pane looks: frame and title, the picture, the line of read-outs.

use super::pair::Look;
use super::{PicturePane, Shot, aim};
use crate::action::{Action, Pointer};
use crate::canvas::{Canvas, PictureKey};
use crate::cx::Cx;
use crate::keys::Layer;
use crate::theme::{Role, Theme};
use crate::widget::pane::pane;
use crate::widget::value::{Sign, duration};
use engine::event::FrameInfo;
use engine::snapshot::at;
use model::{Pixels, Unit, units};
use picture::{Position, Tone};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use vision::contrast::Spread;

/// Seconds after which a picture's age is said.
const OLD: f64 = 60.0;

impl PicturePane {
    pub fn draw(&self, focus: bool, look: Look, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        let frame = self.frame(cx);
        let title = frame.map_or_else(|| self.beam.short().to_owned(), title);
        let note = frame.map_or_else(String::new, |frame| self.note(frame, cx));
        let inner = pane(&title, &note, focus, theme, area, canvas);
        let below = u16::from(inner.height >= 3);
        let place = Rect {
            height: inner.height - below,
            ..inner
        };
        self.place.set(place);
        canvas.hit(
            area,
            Action::Point {
                slot: self.slot(),
                pointer: Pointer::default(),
            },
        );
        let readout = Rect {
            y: place.bottom(),
            height: below,
            ..inner
        };
        match frame {
            Some(frame) => {
                self.picture(frame, focus, look, cx, theme, place, canvas);
                canvas.line(self.readout(frame, focus, look, cx, theme), readout);
            }
            None => {
                // a key takes the picture of the pane with the focus
                let way = if focus {
                    vec![Action::Acquire]
                } else {
                    vec![Action::NextPane, Action::Acquire]
                };
                let key = |action: &Action| cx.keymap.key(action, &[Layer::Imaging]).map(|key| key.to_string());
                let words = match way.iter().map(key).collect::<Option<Vec<_>>>() {
                    Some(keys) => format!(
                        "no {} picture yet: {} takes one",
                        self.beam.short(),
                        keys.join(" then ")
                    ),
                    None => format!("no {} picture yet", self.beam.short()),
                };
                canvas.row(
                    Line::styled(words, theme.style(Role::Dim)).centered(),
                    place,
                    place.height / 2,
                );
                canvas.line(Line::from(self.live(cx, theme)), readout);
            }
        }
    }

    #[allow(clippy::too_many_arguments)] // one picture, drawn in one place
    fn picture(
        &self,
        frame: &FrameInfo,
        focus: bool,
        look: Look,
        cx: &Cx,
        theme: &Theme,
        place: Rect,
        canvas: &mut Canvas,
    ) {
        let mut says = |words: &str| {
            canvas.row(
                Line::styled(words, theme.style(Role::Dim)).centered(),
                place,
                place.height / 2,
            )
        };
        if cx.grid.max_cells == 0 {
            return says("pictures are switched off (graphics: none)");
        }
        // a live picture that was overtaken on its way: the pane keeps the one before
        if cx.frames.is_gone(frame.id) && !frame.live {
            return says(match frame.file {
                Some(_) => "no longer in memory; its file is kept (i says where)",
                None => "no longer in memory, and it was not saved",
            });
        }
        let found = if look.gamma { self.autogamma(frame.id, cx) } else { None };
        let gamma = found.unwrap_or(1.0) * look.by_hand();
        canvas.place(
            place,
            PictureKey {
                slot: self.slot(),
                frame: frame.id,
                view: self.view,
                spread: look.spread,
                tone: Tone::new(gamma, 0, 255),
                overlays: self.overlays(frame, look, focus, cx).into(),
                smooth: frame.live,
            },
        );
    }

    /// When it was taken, and a sign: live, being taken anew, the stage elsewhere or the sample worked on since, or as it is now.
    fn note(&self, frame: &FrameInfo, cx: &Cx) -> String {
        let taking = cx.pending.any(|command| {
            let beam = command.args.get("beam").and_then(|b| b.as_str()).unwrap_or("both");
            command.name == "image.acquire" && (beam == "both" || beam == self.beam.word())
        });
        let sign = match aim::is_current(frame, cx) {
            _ if taking => Sign::Pending,
            _ if frame.live && cx.snapshot.live[at(self.beam)].on => Sign::Running,
            Some(false) => Sign::Stale,
            _ if frame.time < self.worked => Sign::Stale,
            _ => Sign::Done,
        };
        let age = cx.now - frame.time;
        let old = if age > OLD {
            format!(" {} ago", duration(age))
        } else {
            String::new()
        };
        let which = if self.chosen.is_some() {
            format!("#{} ", frame.id)
        } else {
            String::new()
        };
        format!("{which}{}{old} {}", cx.clock_seconds(frame.time), sign.symbol())
    }

    fn readout(&self, frame: &FrameInfo, focus: bool, look: Look, cx: &Cx, theme: &Theme) -> Line<'static> {
        let mut spans = self.live(cx, theme);
        if !self.guest.says.is_empty() {
            spans.push(Span::styled(format!("{}  ", self.guest.says), theme.style(Role::Warn)));
        }
        if let Some(next) = self.other_field(frame, cx) {
            let words = format!("next picture: {} field  ", units::format(next, Unit::Metre));
            spans.push(Span::styled(words, theme.style(Role::Warn)));
        }
        if self.vertical {
            spans.push(Span::styled("VERTICAL ", theme.style(Role::Warn)));
        }
        if self.mark.is_some() {
            spans.push(Span::styled(
                "AREA: Enter takes it, Esc leaves it ",
                theme.style(Role::Warn),
            ));
        }
        if focus {
            let cursor = self.cursor(frame.size);
            let words = Shot::of(frame).map(|shot| {
                let metres = shot.to_metres(cursor);
                format!("x {:+.2} y {:+.2} um  ", metres.x * 1e6, metres.y * 1e6)
            });
            let grey = cx
                .frames
                .get(frame.id)
                .and_then(|p| grey(&p.pixels, cursor, frame.size));
            let grey = grey.map_or_else(String::new, |grey| format!("  grey {grey}"));
            let pixel = format!("px {:.0},{:.0}{grey}", cursor.x.floor(), cursor.y.floor());
            spans.push(Span::styled(words.unwrap_or_default() + &pixel, theme.style(Role::Dim)));
        }
        if self.view.zoom > 1.0 {
            spans.push(Span::styled(
                format!("  {:.1}x", self.view.zoom),
                theme.style(Role::Dim),
            ));
        }
        if look.spread != Spread::AsTaken {
            let words = format!("  {}", look.spread.name());
            spans.push(Span::styled(words, theme.style(Role::Dim)));
        }
        if look.brighter != 0 {
            let words = format!("  gamma {:.2}", look.by_hand());
            spans.push(Span::styled(words, theme.style(Role::Dim)));
        }
        Line::from(spans)
    }

    /// The field width of the settings, where this picture has another: a job takes pictures with settings of its own.
    fn other_field(&self, frame: &FrameInfo, cx: &Cx) -> Option<f64> {
        let (shown, next) = (frame.settings.as_ref()?.hfw, cx.snapshot.settings[at(self.beam)].hfw);
        ((shown / next - 1.0).abs() > 0.01).then_some(next)
    }

    /// What the live view does: the ion beam's end and dose are never out of sight.
    fn live(&self, cx: &Cx, theme: &Theme) -> Vec<Span<'static>> {
        let live = &cx.snapshot.live[at(self.beam)];
        if !live.on {
            return Vec::new();
        }
        let mut words = format!("{} live", Sign::Running.symbol());
        if let Some(until) = live.until {
            words += &format!(" {:.0} s left", (until - cx.now).max(0.0));
        }
        if live.dose > 0.0 {
            words += &format!(" {:.1e} C/m2", live.dose);
        }
        let role = if live.until.is_some() {
            Role::Danger
        } else {
            Role::Accent
        };
        vec![Span::styled(words + "  ", theme.style(role))]
    }
}

/// `SEM 2.00 kV 50.0 pA WD 7.00 mm 150 um`; what is not known is left out.
fn title(frame: &FrameInfo) -> String {
    let known = |value: f64, before: &str, unit: Unit| {
        (value.is_finite() && value > 0.0).then(|| format!("{before}{}", units::format(value, unit)))
    };
    let field = frame.settings.as_ref().map_or(0.0, |settings| settings.hfw);
    let parts = [
        Some(frame.beam.map_or("chamber", |beam| beam.short()).to_owned()),
        known(frame.voltage, "", Unit::Volt),
        known(frame.current, "", Unit::Ampere),
        known(field, "", Unit::Metre),
        known(frame.working_distance, "WD ", Unit::Metre),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// The grey value under a position of a picture of `size`; the pixels at hand may be fewer.
fn grey(pixels: &Pixels, at: Position, size: (u32, u32)) -> Option<u16> {
    let (w, h) = pixels.size();
    let index = |at: f64, size: u32, held: usize| {
        (size > 0 && held > 0).then(|| ((at / f64::from(size) * held as f64) as usize).min(held - 1))
    };
    let (x, y) = (index(at.x, size.0, w)?, index(at.y, size.1, h)?);
    match pixels {
        Pixels::U8(grey) => grey.get((y, x)).map(|v| u16::from(*v)),
        Pixels::U16(grey) => grey.get((y, x)).copied(),
    }
}
