//! What the hand does to the mask: tools, and the same strokes by keys and by mouse.

use super::{Effect, Labelling};
use crate::action::Action;
use learn::label::{Edit, Pixel};
use picture::{Ink, Overlay, Position};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Brush,
    Erase,
    Line,
    Polygon,
    Fill,
    Snap,
}

/// Every tool: the action that takes it up, its name.
pub const TOOLS: [(Tool, Action, &str); 6] = [
    (Tool::Brush, Action::ToolBrush, "brush"),
    (Tool::Erase, Action::ToolErase, "erase"),
    (Tool::Line, Action::ToolLine, "line"),
    (Tool::Polygon, Action::ToolPolygon, "polygon"),
    (Tool::Fill, Action::ToolFill, "fill"),
    (Tool::Snap, Action::ToolSnap, "snap"),
];

/// Radii of the brush, pixels.
pub const RADII: [u16; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192];
/// Greys that a snap may be off by.
pub const TOLERANCES: [u8; 11] = [2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96];
/// Corners of the circle that shows the brush.
const CIRCLE: usize = 32;

/// A drag under way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Grip {
    #[default]
    None,
    /// A brush, where it was last, and what it draws.
    Stroke(Pixel, u8),
    /// A straight line from here.
    Line(Pixel),
    /// The view is dragged: the place of the picture that stays under the pointer.
    Pan(Position),
    /// A key point follows.
    Point(usize),
}

impl Tool {
    pub fn name(self) -> &'static str {
        TOOLS.iter().find(|row| row.0 == self).map_or("", |row| row.2)
    }

    /// It has the width of the brush.
    pub fn is_wide(self) -> bool {
        matches!(self, Tool::Brush | Tool::Erase | Tool::Line)
    }
}

/// The pixel that a position lies in.
pub fn pixel(at: Position) -> Pixel {
    (at.x.floor() as i32, at.y.floor() as i32)
}

/// Its middle.
pub fn middle(at: Pixel) -> Position {
    Position::new(f64::from(at.0) + 0.5, f64::from(at.1) + 0.5)
}

impl Labelling {
    fn radius(&self) -> f64 {
        f64::from(RADII[self.radius])
    }

    /// What the tool draws.
    fn ink(&self) -> u8 {
        match self.tool {
            Tool::Erase => 0,
            _ => self.class,
        }
    }

    /// Takes another tool; what was begun with the old one is left.
    pub(super) fn take(&mut self, tool: Tool) -> Vec<Effect> {
        let saved = self.lift();
        self.tool = tool;
        self.corners.clear();
        saved
    }

    /// Does an edit and has it saved.
    pub(super) fn edit(&mut self, edit: &Edit) -> Vec<Effect> {
        match self.desk.sheet_mut().edit(edit) {
            Ok(_) => self.save(),
            Err(error) => self.refuse(error),
        }
    }

    /// A brush goes on from `from`; it is saved when it is lifted.
    fn brush(&mut self, from: Pixel, to: Pixel, class: u8, begins: bool) {
        let way = vec![from, to];
        let radius = self.radius();
        // of the picture's own size: cannot fail
        let _ = self.desk.sheet_mut().draw(&Edit::Brush { way, radius, class }, begins);
    }

    /// What Enter does at the cursor.
    pub(super) fn apply(&mut self) -> Vec<Effect> {
        let at = pixel(self.cursor);
        match self.tool {
            Tool::Brush | Tool::Erase => {
                self.brush(at, at, self.ink(), !self.pen);
                self.save()
            }
            Tool::Line => self.line_to(at, true),
            Tool::Polygon => self.corner(at),
            Tool::Fill => self.edit(&Edit::Fill { at, class: self.class }),
            Tool::Snap => {
                let (tolerance, class) = (TOLERANCES[self.tolerance], self.class);
                self.edit(&Edit::Snap { at, tolerance, class })
            }
        }
    }

    /// Puts the brush down, or lifts it; other tools do what Enter does.
    pub(super) fn pen(&mut self) -> Vec<Effect> {
        if !matches!(self.tool, Tool::Brush | Tool::Erase) {
            return self.apply();
        }
        if self.pen {
            return self.lift();
        }
        self.pen = true;
        let at = pixel(self.cursor);
        self.brush(at, at, self.ink(), true);
        Vec::new()
    }

    /// The stroke is done.
    pub(super) fn lift(&mut self) -> Vec<Effect> {
        self.pen = false;
        self.grip = Grip::None;
        self.save()
    }

    /// The cursor goes by keys; a brush that is down draws.
    pub(super) fn go(&mut self, dx: f64, dy: f64) {
        let from = self.cursor;
        let step = self.step();
        self.put_cursor(Position::new(from.x + dx * step, from.y + dy * step));
        if self.pen {
            self.brush(pixel(from), pixel(self.cursor), self.ink(), false);
        }
        self.follow();
    }

    fn line_to(&mut self, at: Pixel, goes_on: bool) -> Vec<Effect> {
        let Some(from) = self.corners.pop() else {
            self.corners.push(at);
            return Vec::new();
        };
        if goes_on {
            self.corners.push(at);
        }
        let (way, radius, class) = (vec![from, at], self.radius(), self.class);
        self.edit(&Edit::Brush { way, radius, class })
    }

    /// One corner more; the last one once more closes the outline.
    fn corner(&mut self, at: Pixel) -> Vec<Effect> {
        if self.corners.last() == Some(&at) {
            return self.close_outline();
        }
        self.corners.push(at);
        Vec::new()
    }

    pub(super) fn close_outline(&mut self) -> Vec<Effect> {
        if self.tool != Tool::Polygon || self.corners.len() < 3 {
            let words = match self.tool {
                Tool::Polygon => "an outline needs three corners; Enter or a click sets one",
                _ => "there is no outline to close; g draws one",
            };
            self.say(model::Severity::Warning, words);
            return Vec::new();
        }
        let corners = std::mem::take(&mut self.corners);
        self.edit(&Edit::Polygon {
            corners,
            class: self.class,
        })
    }

    /// The left button goes down on the picture; `erases`: the right one.
    pub(super) fn press(&mut self, at: Position, erases: bool) -> Vec<Effect> {
        let saved = self.lift();
        self.put_cursor(at);
        let at = pixel(self.cursor);
        match self.tool {
            _ if erases => {
                self.grip = Grip::Stroke(at, 0);
                self.brush(at, at, 0, true);
            }
            Tool::Brush | Tool::Erase => {
                self.grip = Grip::Stroke(at, self.ink());
                self.brush(at, at, self.ink(), true);
            }
            Tool::Line if self.corners.is_empty() => self.grip = Grip::Line(at),
            _ => return [saved, self.apply()].concat(),
        }
        saved
    }

    /// It is dragged.
    pub(super) fn drag(&mut self, to: Position) {
        self.put_cursor(to);
        if let Grip::Stroke(from, class) = self.grip {
            let to = pixel(self.cursor);
            self.brush(from, to, class, false);
            self.grip = Grip::Stroke(to, class);
        }
    }

    /// It is let go.
    pub(super) fn release(&mut self) -> Vec<Effect> {
        let grip = std::mem::take(&mut self.grip);
        let at = pixel(self.cursor);
        match grip {
            Grip::Stroke(..) => self.save(),
            // a click sets the first end, a drag draws the line
            Grip::Line(from) if from == at => self.line_to(at, true),
            Grip::Line(from) => {
                self.corners = vec![from];
                self.line_to(at, false)
            }
            Grip::Point(_) => self.points_changed(),
            Grip::Pan(_) | Grip::None => Vec::new(),
        }
    }

    /// What is begun and not yet done, and the size of the brush.
    pub(super) fn tool_overlays(&self) -> Vec<Overlay> {
        let mut all = Vec::new();
        let ends: Vec<Position> = match self.grip {
            Grip::Line(from) => vec![middle(from), self.cursor],
            _ if self.corners.is_empty() => Vec::new(),
            _ => self.corners.iter().map(|at| middle(*at)).chain([self.cursor]).collect(),
        };
        let ink = Ink::Accent;
        all.extend(ends.windows(2).map(|pair| Overlay::Line {
            from: pair[0],
            to: pair[1],
            ink,
        }));
        all.extend(self.corners.iter().map(|at| Overlay::Handle { at: middle(*at), ink }));
        let radius = self.radius() + 0.5;
        if self.tool.is_wide() && radius / self.viewport().step().0 > 1.5 {
            let corner = |i: usize| {
                let angle = i as f64 / CIRCLE as f64 * std::f64::consts::TAU;
                Position::new(
                    self.cursor.x + radius * angle.cos(),
                    self.cursor.y + radius * angle.sin(),
                )
            };
            let ink = if self.pen { Ink::Danger } else { Ink::Accent };
            let points = (0..CIRCLE).map(corner).collect();
            all.push(Overlay::Outline { points, ink });
        }
        all
    }
}
