//! From the state to a frame: the picture large, beside it classes and tools (or key points) and the list of pictures.

use super::hand::{RADII, TOLERANCES, TOOLS, Tool, pixel};
use super::state::{CLASS, FEATURES, PICTURES};
use super::{Labelling, view};
use crate::action::{Action, Pointer};
use crate::canvas::{Canvas, PictureKey};
use crate::fit::{cut, cut_front};
use crate::popup::severity_sign;
use crate::theme::{Role, Theme};
use crate::widget::list::{Selection, marker};
use crate::widget::pane::pane;
use crate::widget::value::Sign;
use learn::label::{Known, Origin};
use learn::table;
use model::text::printable;
use picture::{Ink, Overlay, Tone};
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::path::Path;

/// Columns of what stands beside the picture, and of that on a wide screen.
const BESIDE: u16 = 24;
const WIDE: (u16, u16) = (110, 30);
/// Narrower screens show the picture alone.
const ROOM: u16 = 60;
/// Rows of the list of pictures at least.
const LIST: u16 = 5;

fn name_of(path: &Path) -> String {
    printable(&path.file_name().unwrap_or_default().to_string_lossy())
}

impl Labelling {
    /// Draws the whole screen. Cannot fail, at any size.
    pub fn draw(&self, screen: Rect) -> Canvas {
        let mut canvas = Canvas::new(screen);
        let theme = &self.theme;
        canvas.buffer.set_style(screen, theme.style(Role::Text));
        let row = |y: u16| Rect {
            y: screen.y + y,
            height: 1,
            ..screen
        };
        let rows = screen.height;
        if rows >= 3 {
            self.bar(row(0), &mut canvas);
        }
        let keys = row(rows.saturating_sub(1));
        let body = Rect {
            y: screen.y + 1,
            height: rows.saturating_sub(3),
            ..screen
        };
        if rows >= 2 {
            self.message(row(rows - 2), &mut canvas);
        }
        if !body.is_empty() {
            let beside = match screen.width {
                width if width >= WIDE.0 => WIDE.1,
                width if width >= ROOM => BESIDE,
                _ => 0,
            };
            let picture = Rect {
                width: body.width - beside,
                ..body
            };
            self.picture(picture, &mut canvas);
            if beside > 0 {
                let beside = Rect {
                    x: picture.right(),
                    width: beside,
                    ..body
                };
                self.beside(beside, &mut canvas);
            }
        }
        if let Some(help) = &self.help
            && !body.is_empty()
        {
            help.show(theme, body, &mut canvas);
        }
        crate::bars::next_keys(&self.next(), &self.layers(), &self.keymap, theme, keys, &mut canvas);
        canvas
    }

    /// Keeps what clicks mean in the frame that is now on the screen.
    pub fn on_screen(&mut self, canvas: &mut Canvas) {
        self.hits = std::mem::take(&mut canvas.hits);
    }

    fn bar(&self, area: Rect, canvas: &mut Canvas) {
        let theme = &self.theme;
        canvas.buffer.set_style(area, theme.style(Role::Bar));
        let images = self.desk.images();
        let labelled = images.iter().filter(|(_, known)| *known == Known::Labelled).count();
        let spans = vec![
            Span::styled(" fibdeck label ", theme.style(Role::Title)),
            Span::raw(format!(
                " {}   picture {} of {}, {labelled} with a mask",
                printable(&self.name),
                self.desk.at() + 1,
                images.len()
            )),
        ];
        canvas.line(Line::from(spans), area);
    }

    fn message(&self, area: Rect, canvas: &mut Canvas) {
        let (style, sign, words) = match &self.says {
            Some((severity, words)) => (self.theme.severity(*severity), severity_sign(*severity), words.clone()),
            None => (self.theme.style(Role::Dim), "i", self.way_on()),
        };
        let words = cut(&printable(&words), usize::from(area.width).saturating_sub(4));
        canvas.line(Line::styled(format!(" {sign} {words} "), style), area);
    }

    /// What the tool in hand waits for.
    fn way_on(&self) -> String {
        if self.marks.on {
            return "key points: Enter or a double click sets one, drag moves it".to_owned();
        }
        let words = match (self.tool, self.corners.len()) {
            (Tool::Brush, _) if self.pen => "the brush is down: arrows draw, Space lifts it",
            (Tool::Erase, _) if self.pen => "the eraser is down: arrows erase, Space lifts it",
            (Tool::Brush, _) => "drag draws, the right button erases; by keys: Space, arrows, Space",
            (Tool::Erase, _) => "drag erases; by keys: Space, arrows, Space",
            (Tool::Line, 0) => "drag a line, or click or Enter at both ends",
            (Tool::Line, _) => "the next point with a click or Enter; Esc ends the line",
            (Tool::Polygon, 0) => "a corner with each click or Enter",
            (Tool::Polygon, 1 | 2) => "the next corner; Esc leaves the outline",
            (Tool::Polygon, _) => "x, or the last corner once more, closes and fills the outline; Esc leaves it",
            (Tool::Fill, _) => "click or Enter fills what has one class",
            (Tool::Snap, _) => "click or Enter takes what is about as bright as the pixel",
        };
        words.to_owned()
    }

    fn picture(&self, area: Rect, canvas: &mut Canvas) {
        let (w, h) = self.size();
        let title = format!("{}  {w}x{h}", name_of(self.desk.image()));
        let inner = pane(&title, &self.state(), self.listing.is_none(), &self.theme, area, canvas);
        let below = u16::from(inner.height >= 3);
        let place = Rect {
            height: inner.height - below,
            ..inner
        };
        self.place.set(place);
        let pointer = Pointer::default();
        canvas.hit(place, Action::Point { slot: 0, pointer });
        if self.grid.max_cells == 0 {
            let words = Line::styled(
                "pictures are switched off (graphics: none)",
                self.theme.style(Role::Dim),
            );
            canvas.row(words.centered(), place, place.height / 2);
        } else {
            canvas.place(place, self.shown());
        }
        let readout = Rect {
            y: place.bottom(),
            height: below,
            ..inner
        };
        canvas.line(self.readout(), readout);
    }

    /// Where the mask stands, with its sign.
    fn state(&self) -> String {
        let (words, sign) = match self.desk.origin() {
            _ if self.failed => ("NOT SAVED", Sign::Failed),
            _ if self.predicting == Some(self.desk.at()) => ("the model looks", Sign::Running),
            _ if self.saving > 0 || self.desk.sheet().is_unsaved() => ("saving", Sign::Pending),
            Origin::Saved => ("saved", Sign::Done),
            Origin::Predicted => ("proposed", Sign::Stale),
            Origin::Recorded => ("as recorded", Sign::Stale),
            Origin::Empty => return "no mask".to_owned(),
        };
        format!("{words} {}", sign.symbol())
    }

    fn shown(&self) -> PictureKey {
        let (w, h) = self.size();
        let mut overlays = Vec::new();
        if self.masked {
            overlays.push(Overlay::Mask {
                labels: self.desk.sheet().labels().clone(),
                size: (w as f64, h as f64),
                colours: self.colours.clone(),
                opacity: self.opacity,
            });
        }
        overlays.extend(self.marks_overlays());
        overlays.extend(self.tool_overlays());
        overlays.push(Overlay::Cursor {
            at: self.cursor,
            ink: if self.pen { Ink::Danger } else { Ink::Accent },
        });
        PictureKey {
            slot: 0,
            frame: self.desk.at() as u64,
            view: self.view(),
            spread: self.spread,
            tone: Tone::new(0.8f64.powi(self.brighter), 0, 255),
            overlays: overlays.into(),
            smooth: false,
        }
    }

    fn readout(&self) -> Line<'static> {
        let theme = &self.theme;
        let (x, y) = pixel(self.cursor);
        let at = (y as usize, x as usize);
        let sheet = self.desk.sheet();
        let grey = sheet
            .picture()
            .get(at)
            .map_or_else(String::new, |grey| format!("  grey {grey}"));
        let under = sheet.labels().get(at).copied().unwrap_or(0);
        let tool = match self.tool {
            _ if self.marks.on => "points".to_owned(),
            Tool::Snap => format!("snap ±{}", TOLERANCES[self.tolerance]),
            tool if tool.is_wide() => format!("{} {} px", tool.name(), 2 * RADII[self.radius] + 1),
            tool => tool.name().to_owned(),
        };
        let mut spans = vec![
            Span::styled(format!("{tool}  "), theme.style(Role::Accent)),
            Span::styled(format!("{}  ", view::words(self.level)), theme.style(Role::Text)),
            Span::styled(format!("px {x},{y}{grey}  "), theme.style(Role::Dim)),
            self.swatch(under),
            Span::styled(
                format!(" {}", printable(&self.classes.label(under))),
                theme.style(Role::Dim),
            ),
        ];
        match self.masked {
            true => spans.push(Span::styled(
                format!("  mask {:.0} %", self.opacity * 100.0),
                theme.style(Role::Dim),
            )),
            false => spans.push(Span::styled("  mask hidden", theme.style(Role::Warn))),
        }
        if self.brighter != 0 {
            let words = format!("  brighter {:+}", self.brighter);
            spans.push(Span::styled(words, theme.style(Role::Dim)));
        }
        if self.spread != vision::contrast::Spread::AsTaken {
            spans.push(Span::styled(
                format!("  {}", self.spread.name()),
                theme.style(Role::Dim),
            ));
        }
        Line::from(spans)
    }

    /// The colour of a class.
    fn swatch(&self, class: u8) -> Span<'static> {
        let colour = self.depth.colour(self.classes.colour(class));
        Span::styled(if class == 0 { "□" } else { "■" }, Style::new().fg(colour))
    }

    fn beside(&self, area: Rect, canvas: &mut Canvas) {
        let wanted = match self.marks.on {
            true => self.marks.features.len() as u16,
            false => self.ids.len() as u16 + 1 + TOOLS.len().div_ceil(2) as u16,
        };
        let above = (wanted + 2).min(area.height.saturating_sub(LIST));
        let upper = Rect { height: above, ..area };
        let lower = Rect {
            y: upper.bottom(),
            height: area.height - above,
            ..area
        };
        match self.marks.on {
            true => self.features(upper, canvas),
            false => self.classes(upper, canvas),
        }
        self.pictures(lower, canvas);
    }

    fn classes(&self, area: Rect, canvas: &mut Canvas) {
        let theme = &self.theme;
        let inner = pane("Classes", "", false, theme, area, canvas);
        let tools = TOOLS.len().div_ceil(2) as u16;
        let list = Rect {
            height: inner.height.saturating_sub(tools + 1),
            ..inner
        };
        let at = self.ids.iter().position(|id| *id == self.class).unwrap_or(0);
        let first = Selection { row: at }.first(self.ids.len(), usize::from(list.height));
        for (i, id) in self.ids.iter().enumerate().skip(first).take(usize::from(list.height)) {
            let selected = i == at;
            let style = theme.style(if selected { Role::Selected } else { Role::Text });
            let line = Line::from(vec![
                Span::styled(marker(selected), style),
                self.swatch(*id),
                Span::styled(format!(" {id} {}", printable(&self.classes.label(*id))), style),
            ]);
            row(
                line,
                Action::Pick { zone: CLASS, row: i },
                list,
                (i - first) as u16,
                canvas,
            );
        }
        let below = Rect {
            y: inner.bottom().saturating_sub(tools),
            height: tools.min(inner.height),
            ..inner
        };
        let half = below.width / 2;
        for (i, (tool, action, name)) in TOOLS.iter().enumerate() {
            let place = Rect {
                x: below.x + half * (i as u16 % 2),
                y: below.y + i as u16 / 2,
                width: half,
                height: 1,
            };
            if place.y >= below.bottom() {
                break;
            }
            let selected = *tool == self.tool;
            let key = self.keymap.key(action, &self.layers()).map(|key| key.to_string());
            let style = theme.style(if selected { Role::Selected } else { Role::Text });
            let line = Line::from(vec![
                Span::styled(marker(selected), style),
                Span::styled(key.unwrap_or_default(), theme.style(Role::Key)),
                Span::styled(format!(" {name}"), style),
            ]);
            canvas.line(line, place);
            canvas.hit(place, action.clone());
        }
    }

    fn features(&self, area: Rect, canvas: &mut Canvas) {
        let theme = &self.theme;
        let title = format!("Points: {}", self.marks.rows.len());
        let inner = pane(&title, "", false, theme, area, canvas);
        let (all, at) = (&self.marks.features, self.marks.feature);
        let first = Selection { row: at }.first(all.len(), usize::from(inner.height));
        for (i, name) in all.iter().enumerate().skip(first).take(usize::from(inner.height)) {
            let count = self.marks.rows.iter().filter(|row| row.feature == *name).count();
            let count = if count > 0 { format!(" {count}") } else { String::new() };
            let line = self.entry(i == at, "", Role::Text, &format!("{name}{count}"), inner.width);
            row(
                line,
                Action::Pick { zone: FEATURES, row: i },
                inner,
                (i - first) as u16,
                canvas,
            );
        }
    }

    fn pictures(&self, area: Rect, canvas: &mut Canvas) {
        let focus = self.listing.is_some();
        let images = self.desk.images();
        let at = self.listing.map_or(self.desk.at(), |listing| listing.row);
        let note = format!("{} of {}", at + 1, images.len());
        let inner = pane("Pictures", &note, focus, &self.theme, area, canvas);
        let first = Selection { row: at }.first(images.len(), usize::from(inner.height));
        for (i, (path, known)) in images.iter().enumerate().skip(first).take(usize::from(inner.height)) {
            let (sign, role) = match known {
                Known::Labelled => (Sign::Done.symbol(), Role::Good),
                Known::Unlabelled => ("·", Role::Dim),
                Known::Broken(_) => (Sign::Failed.symbol(), Role::Danger),
            };
            // pictures of one set begin alike: what tells them apart is kept
            let name = cut_front(table::stem(&name_of(path)), usize::from(inner.width).saturating_sub(3));
            let line = self.entry(i == at, sign, role, &name, inner.width);
            row(
                line,
                Action::Pick { zone: PICTURES, row: i },
                inner,
                (i - first) as u16,
                canvas,
            );
        }
    }

    /// A row of a list, cut to its width.
    fn entry(&self, selected: bool, sign: &'static str, role: Role, words: &str, width: u16) -> Line<'static> {
        let theme: &Theme = &self.theme;
        let style = theme.style(if selected { Role::Selected } else { Role::Text });
        let gap = if sign.is_empty() { "" } else { " " };
        let words = cut(words, usize::from(width).saturating_sub(1 + 2 * gap.len()));
        Line::from(vec![
            Span::styled(marker(selected), style),
            Span::styled(sign, theme.style(role)),
            Span::styled(format!("{gap}{words}"), style),
        ])
    }
}

/// A row of a list that can be clicked.
fn row(line: Line<'static>, action: Action, area: Rect, at: u16, canvas: &mut Canvas) {
    canvas.row(line, area, at);
    canvas.hit(
        Rect {
            y: area.y + at,
            height: 1,
            ..area
        },
        action,
    );
}
