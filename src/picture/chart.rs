//! Charts: points, lines and boxes over two axes, as one panel of a figure.

use crate::figure::{Panel, Rgb, panel};
use crate::raster::{Ink, InkTable, Overlay, Position};
use model::Pixels;

/// Size of a chart, and what is left free on its sides for words, pixels.
const SIZE: (usize, usize) = (720, 480);
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 50.0;
/// Pixels of a letter with its gap, to put words where they end well, and of a line.
const LETTER: f64 = 12.0;
const LINE: f64 = 18.0;

/// An axis from one value to another; from the larger to the smaller one it runs backwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub name: String,
    pub from: f64,
    pub to: f64,
    /// Values with what is written there.
    pub ticks: Vec<(f64, String)>,
}

/// In the units of the axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    Dot(f64, f64),
    Line((f64, f64), (f64, f64)),
    Box { left: f64, right: f64, low: f64, high: f64 },
}

/// What belongs together, under one name and in one colour.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: String,
    pub shapes: Vec<Shape>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub series: Vec<Series>,
}

impl Axis {
    /// With round ticks: about five steps of 1, 2 or 5 times a power of ten.
    pub fn round(name: &str, from: f64, to: f64) -> Axis {
        let to = if to > from { to } else { from + 1.0 };
        let power = 10f64.powf(((to - from) / 5.0).log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|n| n * power);
        let step = steps
            .into_iter()
            .find(|s| (to - from) / s <= 6.0)
            .unwrap_or(power * 10.0);
        let first = (from / step).ceil() as i64;
        let last = (to / step).floor() as i64;
        let digits = (-step.log10().floor()).max(0.0) as usize;
        let tick = |n: i64| (n as f64 * step, format!("{:.digits$}", n as f64 * step));
        Axis {
            name: name.to_owned(),
            from,
            to,
            ticks: (first..=last).map(tick).collect(),
        }
    }

    /// With a name for each of 0, 1, 2 ...
    pub fn named(name: &str, names: impl IntoIterator<Item = String>) -> Axis {
        let ticks: Vec<(f64, String)> = names
            .into_iter()
            .enumerate()
            .map(|(i, name)| (i as f64, name))
            .collect();
        Axis {
            name: name.to_owned(),
            from: -0.6,
            to: ticks.len() as f64 - 0.4,
            ticks,
        }
    }

    /// 0 where it begins, 1 where it ends.
    fn at(&self, value: f64) -> f64 {
        ((value - self.from) / (self.to - self.from)).clamp(0.0, 1.0)
    }
}

/// Draws a chart. What lies outside its axes is drawn on their ends; what is no number is left out.
pub fn draw(chart: &Chart) -> Rgb {
    let (w, h) = (SIZE.0 as f64, SIZE.1 as f64);
    let place = |x: f64, y: f64| {
        let (right, up) = (chart.x.at(x), chart.y.at(y));
        Position::new(LEFT + right * (w - LEFT - RIGHT), h - BOTTOM - up * (h - TOP - BOTTOM))
    };
    let mut overlays = Vec::new();
    let mut write = |x: f64, y: f64, text: &str, ink| {
        let (at, text) = (Position::new(x.max(0.0), y), text.to_owned());
        overlays.push(Overlay::Text { at, text, ink });
    };
    let width = |text: &str| text.chars().count() as f64 * LETTER;
    write(4.0, 12.0, &chart.title, Ink::Neutral);
    write(4.0, TOP - 24.0, &chart.y.name, Ink::Neutral);
    write(w - RIGHT - width(&chart.x.name), h - 10.0, &chart.x.name, Ink::Neutral);
    for (value, text) in &chart.x.ticks {
        let at = place(*value, chart.y.from);
        write(at.x - width(text) / 2.0, h - BOTTOM + 14.0, text, Ink::Neutral);
    }
    for (value, text) in &chart.y.ticks {
        let at = place(chart.x.from, *value);
        write(LEFT - 8.0 - width(text), at.y, text, Ink::Neutral);
    }
    for (i, series) in chart.series.iter().enumerate() {
        write(
            w - RIGHT - width(&series.name),
            TOP + LINE * i as f64,
            &series.name,
            ink(i),
        );
    }
    let (corner, ink_of_axes) = (place(chart.x.from, chart.y.from), Ink::Neutral);
    for end in [place(chart.x.to, chart.y.from), place(chart.x.from, chart.y.to)] {
        overlays.push(Overlay::Line {
            from: corner,
            to: end,
            ink: ink_of_axes,
        });
    }
    for (i, series) in chart.series.iter().enumerate() {
        let ink = ink(i);
        for shape in series.shapes.iter().filter(|shape| shape.is_finite()) {
            overlays.push(match *shape {
                Shape::Dot(x, y) => {
                    let at = place(x, y);
                    Overlay::Handle { at, ink }
                }
                Shape::Line(a, b) => Overlay::Line {
                    from: place(a.0, a.1),
                    to: place(b.0, b.1),
                    ink,
                },
                Shape::Box { left, right, low, high } => {
                    let (a, b) = (place(left, high), place(right, low));
                    let points = vec![a, Position::new(b.x, a.y), b, Position::new(a.x, b.y)];
                    Overlay::Pattern {
                        points,
                        stroke: Default::default(),
                        hatched: true,
                        ink,
                    }
                }
            });
        }
    }
    panel(&Panel {
        pixels: &Pixels::filled(SIZE.0, SIZE.1, 18),
        mask: None,
        overlays,
        inks: InkTable::default(),
    })
}

/// The colours of series, those first that are told apart best.
fn ink(series: usize) -> Ink {
    const INKS: [Ink; 9] = [
        Ink::Info,
        Ink::Accent,
        Ink::Good,
        Ink::Danger,
        Ink::Second,
        Ink::Warn,
        Ink::First,
        Ink::Fourth,
        Ink::Third,
    ];
    INKS[series % INKS.len()]
}

impl Shape {
    fn is_finite(&self) -> bool {
        let all = match *self {
            Shape::Dot(x, y) => [x, y, 0.0, 0.0],
            Shape::Line(a, b) => [a.0, a.1, b.0, b.1],
            Shape::Box { left, right, low, high } => [left, right, low, high],
        };
        all.iter().all(|v| v.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        let ticks = |from, to| {
            Axis::round("", from, to)
                .ticks
                .into_iter()
                .map(|(_, t)| t)
                .collect::<Vec<_>>()
        };
        assert_eq!(ticks(0.0, 100.0), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(ticks(0.0, 0.9), ["0.0", "0.2", "0.4", "0.6", "0.8"]);
        assert_eq!(ticks(-7.0, 7.0), ["-5", "0", "5"]);
        assert!(!ticks(3.0, 3.0).is_empty());
    }

    #[test]
    fn what_is_drawn_stands_where_its_values_are() {
        let chart = Chart {
            title: "T".to_owned(),
            x: Axis::round("x", 0.0, 10.0),
            y: Axis::round("y", 0.0, 10.0),
            series: vec![Series {
                name: String::new(),
                shapes: vec![Shape::Dot(5.0, 5.0), Shape::Dot(f64::NAN, 1.0)],
            }],
        };
        let made = draw(&chart);
        assert_eq!((made.width, made.height), SIZE);
        let colour = InkTable::default().rgb(Ink::Info);
        let seen: Vec<(usize, usize)> = (0..made.height)
            .flat_map(|y| (0..made.width).map(move |x| (x, y)))
            .filter(|(x, y)| made.at(*x, *y) == colour)
            .collect();
        assert!(!seen.is_empty());
        let middle = (LEFT + (720.0 - LEFT - RIGHT) / 2.0, TOP + (480.0 - TOP - BOTTOM) / 2.0);
        for (x, y) in seen {
            assert!((x as f64 - middle.0).hypot(y as f64 - middle.1) < 12.0, "{x} {y}");
        }
    }
}
