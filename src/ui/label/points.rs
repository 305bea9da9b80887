//! Key points of the picture: put, moved and taken away by keys and by mouse; their table is saved after each change.

use super::hand::Grip;
use super::save::Sheet;
use super::state::FEATURES;
use super::{Effect, Labelling};
use crate::action::Action;
use learn::label::Points;
use learn::table::Row;
use model::{Point, Severity};
use picture::{Ink, Overlay, Position};
use std::path::Path;

/// Cells of the canvas within which a click means a point that is there.
const REACH: f64 = 1.5;

/// The key points of the picture on the desk.
pub struct Marks {
    table: Points,
    /// Names to choose from, and which of them a new point gets.
    pub features: Vec<String>,
    pub feature: usize,
    /// They are labelled, instead of masks.
    pub on: bool,
    pub rows: Vec<Row>,
    pub selected: usize,
    /// Rows as they were, and those that were taken back.
    before: Vec<Vec<Row>>,
    after: Vec<Vec<Row>>,
    /// Rows as they are in the table.
    kept: Vec<Row>,
    unsaved: bool,
}

impl Marks {
    pub fn new(table: Points, features: Vec<String>) -> Marks {
        Marks {
            table,
            features,
            feature: 0,
            on: false,
            rows: Vec::new(),
            selected: 0,
            before: Vec::new(),
            after: Vec::new(),
            kept: Vec::new(),
            unsaved: false,
        }
    }

    /// A picture came onto the desk.
    pub fn open(&mut self, image: &Path) {
        self.rows = self.table.of(image);
        self.kept = self.rows.clone();
        self.selected = 0;
        self.before.clear();
        self.after.clear();
    }

    pub fn not_saved(&mut self) {
        self.unsaved = true;
    }

    fn change(&mut self, change: impl FnOnce(&mut Vec<Row>)) {
        self.before.push(self.rows.clone());
        self.after.clear();
        change(&mut self.rows);
        self.selected = self.selected.min(self.rows.len().saturating_sub(1));
    }
}

/// A point of a row as a place in the picture: whole numbers are pixels, and their middles are meant.
pub fn place(row: &Row) -> Option<Position> {
    row.px.map(|px| Position::new(px.x + 0.5, px.y + 0.5))
}

fn px(at: Position) -> Option<Point> {
    Some(Point {
        x: at.x.floor(),
        y: at.y.floor(),
    })
}

impl Labelling {
    /// What key points make of an action; `None`: not theirs.
    pub(super) fn mark(&mut self, action: &Action) -> Option<Vec<Effect>> {
        if *action == Action::KeyPoints {
            let saved = self.lift();
            self.corners.clear();
            self.marks.on = !self.marks.on;
            return Some(saved);
        }
        if !self.marks.on {
            return None;
        }
        let at = self.cursor;
        let marks = &mut self.marks;
        match action {
            Action::SetPoint => {
                let feature = marks.features.get(marks.feature).cloned().unwrap_or_default();
                marks.change(|rows| {
                    rows.push(Row {
                        feature,
                        px: px(at),
                        corrected: true,
                        ..Row::default()
                    });
                });
                marks.selected = marks.rows.len() - 1;
                return Some(self.points_changed());
            }
            Action::PutFeature | Action::RejectFeature if marks.rows.is_empty() => {
                self.say(Severity::Warning, "there is no point here yet; Enter sets one");
            }
            Action::PutFeature => {
                let selected = marks.selected;
                marks.change(|rows| put(rows, selected, at));
                return Some(self.points_changed());
            }
            Action::RejectFeature => {
                let selected = marks.selected;
                marks.change(|rows| drop(rows.remove(selected)));
                return Some(self.points_changed());
            }
            Action::NextFeature | Action::PreviousFeature => {
                let count = marks.rows.len().max(1);
                let by = if *action == Action::NextFeature { 1 } else { count - 1 };
                marks.selected = (marks.selected + by) % count;
                if let Some(at) = marks.rows.get(marks.selected).and_then(place) {
                    self.put_cursor(at);
                    self.follow();
                }
            }
            Action::NextClass => marks.feature = (marks.feature + 1).min(marks.features.len().saturating_sub(1)),
            Action::PreviousClass => marks.feature = marks.feature.saturating_sub(1),
            Action::Pick { zone: FEATURES, row } => marks.feature = (*row).min(marks.features.len().saturating_sub(1)),
            Action::Undo | Action::Redo => {
                let (from, to, words) = match action {
                    Action::Undo => (&mut marks.before, &mut marks.after, "there is nothing to take back"),
                    _ => (&mut marks.after, &mut marks.before, "there is nothing to do again"),
                };
                match from.pop() {
                    Some(rows) => {
                        to.push(std::mem::replace(&mut marks.rows, rows));
                        marks.selected = marks.selected.min(marks.rows.len().saturating_sub(1));
                        return Some(self.points_changed());
                    }
                    None => self.say(Severity::Info, words),
                }
            }
            // strokes and their sizes mean nothing to points
            Action::Pen | Action::EndOutline | Action::Larger | Action::Smaller => {}
            Action::ToolBrush
            | Action::ToolErase
            | Action::ToolLine
            | Action::ToolPolygon
            | Action::ToolFill
            | Action::ToolSnap => {
                self.say(Severity::Info, "key points are labelled; k goes back to the mask");
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    /// The left button goes down: on a point it takes it, elsewhere it sets the cursor.
    pub(super) fn press_mark(&mut self, at: Position) {
        self.put_cursor(at);
        let viewport = self.viewport();
        let (step, cell) = (viewport.step(), viewport.grid.per_cell);
        let away = |row: &Row| {
            let there = place(row)?;
            Some(((there.x - at.x) / step.0 / cell.0).hypot((there.y - at.y) / step.1 / cell.1))
        };
        let all = self.marks.rows.iter().enumerate();
        let near = all
            .filter_map(|(i, row)| Some((i, away(row)?)))
            .filter(|(_, away)| *away <= REACH)
            .min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((i, _)) = near {
            self.marks.selected = i;
            self.marks.change(|_| {});
            self.grip = Grip::Point(i);
        }
    }

    pub(super) fn drag_mark(&mut self, index: usize, at: Position) {
        self.put_cursor(at);
        let at = self.cursor;
        put(&mut self.marks.rows, index, at);
    }

    /// The table gets the points as they are; where nothing changed, nothing is done.
    pub(super) fn points_changed(&mut self) -> Vec<Effect> {
        if self.marks.rows == self.marks.kept {
            // a click on a point that was not moved
            if self.marks.before.last() == Some(&self.marks.rows) {
                self.marks.before.pop();
            }
            return Vec::new();
        }
        self.marks.kept = self.marks.rows.clone();
        self.marks.unsaved = true;
        let pixel_size = self.desk.pixel_size();
        self.marks.table.set(self.desk.image(), pixel_size, &self.marks.rows);
        self.save_points()
    }

    pub(super) fn save_points(&mut self) -> Vec<Effect> {
        if !std::mem::take(&mut self.marks.unsaved) {
            return Vec::new();
        }
        match self.marks.table.hand_over() {
            Ok(save) => {
                self.saving += 1;
                vec![Effect::Save(Sheet::Points(save))]
            }
            Err(error) => self.refuse(error),
        }
    }

    /// The points; the selected one last and bright.
    pub(super) fn marks_overlays(&self) -> Vec<Overlay> {
        let marks = &self.marks;
        let marker = |i: usize| {
            let row = marks.rows.get(i)?;
            let ink = match (marks.on && i == marks.selected, row.corrected) {
                (true, _) => Ink::Accent,
                (false, true) => Ink::Good,
                (false, false) => Ink::Info,
            };
            Some(Overlay::Marker {
                at: place(row)?,
                text: row.feature.clone(),
                ink,
            })
        };
        let others = (0..marks.rows.len()).filter(|i| *i != marks.selected);
        others.chain([marks.selected]).filter_map(marker).collect()
    }
}

fn put(rows: &mut [Row], index: usize, at: Position) {
    if let Some(row) = rows.get_mut(index) {
        row.px = px(at);
        row.moved = None;
        row.corrected = true;
    }
}
