//! What is drawn over the FIB picture: the shapes that will be milled, by the function that mills them.

use super::Milling;
use super::boxed::boxed;
use super::placing::{Placing, Spot};
use crate::cx::Cx;
use crate::widget::picture::{Shot, aim};
use engine::event::FrameInfo;
use engine::snapshot::at;
use model::Point;
use pattern::{MillingTask, Pattern};
use picture::raster::{self, Look};
use picture::{Ink, Overlay, Position, Stroke};

/// From metres of the field as it is now to pixels of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    shot: Shot,
    /// Where the middle of the picture is now, m.
    gone: Point,
}

impl Sight {
    /// `None` where the picture says no scale. A picture from before a tilt shows places as if nothing had moved; its frame says
    /// that it is old.
    pub fn of(frame: &FrameInfo, cx: &Cx) -> Option<Sight> {
        let shot = Shot::of(frame)?;
        let middle = shot.to_pixel(Point::default());
        let gone = aim(frame, middle, cx).map(|aim| aim.offset).unwrap_or_default();
        Some(Sight { shot, gone })
    }

    fn pixel(self, point: Point) -> Position {
        self.shot.to_pixel(Point {
            x: point.x - self.gone.x,
            y: point.y - self.gone.y,
        })
    }
}

impl Milling {
    /// Everything this tab draws in a picture of the milling beam.
    pub(super) fn overlays(&self, frame: &FrameInfo, cx: &Cx) -> Vec<Overlay> {
        let Some(sight) = Sight::of(frame, cx) else {
            return Vec::new();
        };
        let task = self.draft.task();
        let mut all = Vec::new();
        if self.patterns_shown {
            all.extend(field(task, frame, sight, cx));
            if task.alignment.enabled && !task.stages.is_empty() {
                all.push(alignment(task, sight, cx));
            }
            all.extend(stages(task, self.stages.row, sight));
        }
        match &self.placing {
            Some(Placing::Spots(points)) => all.extend(spots(points, sight, cx)),
            Some(placing) => all.extend(self.drawn(placing, sight, cx)),
            None => {}
        }
        all
    }

    /// What the two corners make so far.
    fn drawn(&self, placing: &Placing, sight: Sight, cx: &Cx) -> Vec<Overlay> {
        let pane = self.pair.pane(self.draft.task().channel);
        let ends = placing.first().zip(Spot::under_cursor(pane, cx));
        let Some((Ok(a), Ok(b))) = ends.map(|(a, b)| (a.now(cx), b.now(cx))) else {
            return Vec::new();
        };
        let made = match (placing, self.stage()) {
            (Placing::Pattern(_), Some(stage)) => boxed(&stage.pattern, a, b).ok(),
            _ => None,
        };
        let look = Look {
            ink: Ink::Warn,
            on: true,
            selected: false,
        };
        match made {
            Some(pattern) => shapes(&pattern, look, sight),
            None => vec![rect(a, b, Stroke::Solid, Ink::Warn, sight)],
        }
    }
}

/// The patterns, the selected one last and on top, each with the number of its stage.
fn stages(task: &MillingTask, selected: usize, sight: Sight) -> Vec<Overlay> {
    let others = (0..task.stages.len()).filter(|i| *i != selected);
    let order = others.chain([selected]);
    let stage = |i: usize| Some((i, task.stages.get(i)?));
    order
        .filter_map(stage)
        .flat_map(|(i, stage)| {
            let look = Look {
                ink: if i == selected { Ink::Accent } else { Ink::of_series(i) },
                on: stage.enabled,
                selected: i == selected,
            };
            let mut all = shapes(&stage.pattern, look, sight);
            all.extend(raster::number(i + 1, &stage.pattern.shapes(), look.ink, |at| {
                sight.pixel(at)
            }));
            all
        })
        .collect()
}

/// A pattern's shapes; the selected one has handles, also where it is taken by.
fn shapes(pattern: &Pattern, look: Look, sight: Sight) -> Vec<Overlay> {
    let mut all = raster::shapes(&pattern.shapes(), look, |at| sight.pixel(at));
    if look.selected {
        all.push(Overlay::Handle {
            at: sight.pixel(pattern.place()),
            ink: look.ink,
        });
    }
    all
}

/// Width and height of the field that is milled in, m.
pub fn field_size(task: &MillingTask, cx: &Cx) -> (f64, f64) {
    let (w, h) = cx.snapshot.settings[at(task.channel)].resolution;
    let width = task.field_of_view;
    (width, width * f64::from(h.max(1)) / f64::from(w.max(1)))
}

/// The field that is milled in, where the picture shows more than it.
fn field(task: &MillingTask, frame: &FrameInfo, sight: Sight, cx: &Cx) -> Option<Overlay> {
    let shown = frame.settings.as_ref()?.hfw;
    let (w, h) = field_size(task, cx);
    let corner = |x: f64, y: f64| Point { x: x * w, y: y * h };
    let wider = !task.stages.is_empty() && shown > 1.01 * w;
    wider.then(|| {
        rect(
            corner(-0.5, -0.5),
            corner(0.5, 0.5),
            Stroke::Dashed,
            Ink::Neutral,
            sight,
        )
    })
}

fn alignment(task: &MillingTask, sight: Sight, cx: &Cx) -> Overlay {
    let area = &task.alignment.rect;
    let (w, h) = field_size(task, cx);
    let corner = |x: f64, y: f64| Point {
        x: (x - 0.5) * w,
        y: (0.5 - y) * h,
    };
    let (a, b) = (
        corner(area.left, area.top),
        corner(area.left + area.width, area.top + area.height),
    );
    rect(a, b, Stroke::Dashed, Ink::Info, sight)
}

fn rect(a: Point, b: Point, stroke: Stroke, ink: Ink, sight: Sight) -> Overlay {
    let corners = [(a.x, a.y), (b.x, a.y), (b.x, b.y), (a.x, b.y)];
    Overlay::Pattern {
        points: corners.map(|(x, y)| sight.pixel(Point { x, y })).to_vec(),
        stroke,
        hatched: false,
        ink,
    }
}

fn spots(points: &[Spot], sight: Sight, cx: &Cx) -> Vec<Overlay> {
    let marker = |(i, spot): (usize, &Spot)| {
        Some(Overlay::Marker {
            at: sight.pixel(spot.now(cx).ok()?),
            text: format!("{}", i + 1),
            ink: Ink::Warn,
        })
    };
    points.iter().enumerate().filter_map(marker).collect()
}
