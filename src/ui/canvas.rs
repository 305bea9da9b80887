//! What a draw makes: text cells, where pictures go, what a click means.

use crate::action::Action;
use engine::event::FrameId;
use model::Pixels;
use picture::{Overlay, Scene, Tone, View};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Widget;
use std::sync::Arc;
use vision::contrast::Spread;

/// Everything that determines a picture on the screen: two equal keys look the same, and nothing is sent again.
#[derive(Clone, Debug, PartialEq)]
pub struct PictureKey {
    /// Which pane, 0..8: a pane keeps its place in the encoder, so that noise is smoothed and only changes are sent.
    pub slot: u8,
    /// The app fetches the pixels; until they are here the pane keeps what it shows.
    pub frame: FrameId,
    /// Zoom and centre, picture pixels.
    pub view: View,
    /// How grey values are spread for the display; the picture itself stays as it was taken.
    pub spread: Spread,
    /// Display gamma and the like; never touches pixels.
    pub tone: Tone,
    /// Burned into the raster, back to front.
    pub overlays: Arc<[Overlay]>,
    /// Average over time: live pictures of an unchanged scene then cost next to nothing.
    pub smooth: bool,
}

impl PictureKey {
    /// What is painted, from pixels that were spread already.
    pub(crate) fn scene(&self, pixels: Arc<Pixels>) -> Scene {
        // numbers of their own for the same frame spread otherwise
        let spreads = Spread::ALL.len() as u64;
        Scene {
            pixels,
            revision: self.frame * spreads + self.spread as u64,
            view: self.view,
            tone: self.tone.clone(),
            overlays: self.overlays.to_vec(),
            smooth: self.smooth,
        }
    }
}

/// The result of drawing. Drawing only adds to it and cannot fail.
pub struct Canvas {
    pub buffer: Buffer,
    /// Areas for pictures; the app encodes off the loop and sends after the text. Leave these cells blank.
    pub placements: Vec<(Rect, PictureKey)>,
    /// Areas of popups, above the pictures.
    pub(crate) covers: Vec<Rect>,
    /// What a click there means; later ones lie above earlier ones. The app fills the pointer into [`Action::Point`].
    pub hits: Vec<(Rect, Action)>,
    /// Where the text cursor blinks; `None` hides it.
    pub cursor: Option<Position>,
}

impl Canvas {
    pub fn new(area: Rect) -> Canvas {
        Canvas {
            buffer: Buffer::empty(area),
            placements: Vec::new(),
            covers: Vec::new(),
            hits: Vec::new(),
            cursor: None,
        }
    }

    /// Draws a ratatui widget; what lies outside the screen is left out.
    pub fn widget(&mut self, widget: impl Widget, area: Rect) {
        let area = area.intersection(self.buffer.area);
        if !area.is_empty() {
            widget.render(area, &mut self.buffer);
        }
    }

    /// One line of text at the top of `area`, cut to its width.
    pub fn line<'a>(&mut self, line: impl Into<Line<'a>>, area: Rect) {
        self.widget(
            line.into(),
            Rect {
                height: area.height.min(1),
                ..area
            },
        );
    }

    /// A line of text in row `row` of `area`; nothing when that row is outside.
    pub fn row<'a>(&mut self, line: impl Into<Line<'a>>, area: Rect, row: u16) {
        if row < area.height {
            self.line(
                line,
                Rect {
                    y: area.y + row,
                    height: 1,
                    ..area
                },
            );
        }
    }

    /// Blanks `area` in `style`, above pictures too: for popups.
    pub fn clear(&mut self, area: Rect, style: Style) {
        let area = area.intersection(self.buffer.area);
        self.widget(ratatui::widgets::Clear, area);
        self.buffer.set_style(area, style);
        self.covers.push(area);
    }

    /// From here on clicks mean something only to what is drawn later: for popups that keep everything else waiting.
    pub fn take_mouse(&mut self) {
        self.hits.clear();
    }

    pub fn hit(&mut self, area: Rect, action: Action) {
        let area = area.intersection(self.buffer.area);
        if !area.is_empty() {
            self.hits.push((area, action));
        }
    }

    pub fn place(&mut self, area: Rect, key: PictureKey) {
        let area = area.intersection(self.buffer.area);
        if !area.is_empty() {
            self.placements.push((area, key));
        }
    }

    /// What a click at this cell means.
    pub fn at(&self, column: u16, row: u16) -> Option<&Action> {
        let at = Position::new(column, row);
        self.hits
            .iter()
            .rev()
            .find(|(area, _)| area.contains(at))
            .map(|(_, action)| action)
    }
}
