//! The figures of an evaluation: openFIBSEM's five, and the masks; a panel for each checkpoint.

use learn::evaluate::{ClassScore, PointScore, Report, Scored, quantile};
use picture::chart::{Axis, Chart, Series, Shape, draw};
use picture::figure::{Rgb, montage};
use std::collections::BTreeSet;

/// Bins of the histogram.
const BINS: usize = 100;

/// All of them, with the names of their files.
pub fn all(report: &Report) -> Vec<(&'static str, Rgb)> {
    let features: BTreeSet<&str> = report
        .checkpoints
        .iter()
        .flat_map(|c| &c.points)
        .map(|p| p.feature.as_str())
        .collect();
    let features: Vec<&str> = features.into_iter().collect();
    let (found, masked) = (!features.is_empty(), report.checkpoints.iter().any(|c| c.masks > 0));
    let mut figures = Vec::new();
    let mut add = |wanted: bool, name, chart: &dyn Fn(&Scored) -> Chart| {
        if wanted {
            let panels: Vec<Rgb> = report.checkpoints.iter().map(|c| draw(&chart(c))).collect();
            figures.push((name, montage(&panels, panels.len())));
        }
    };
    add(found, "eval00.png", &|c| scatter(c, &features));
    add(found, "eval01.png", &|c| histogram(c, &features));
    add(found, "eval02.png", &|c| boxes(c, &features));
    add(found, "eval03.png", &|c| bars(c, &report.thresholds));
    add(found, "eval04.png", &|c| lines(c, &report.thresholds));
    add(masked, "eval05.png", &masks);
    figures
}

fn of<'a>(scored: &'a Scored, feature: &'a str) -> impl Iterator<Item = &'a PointScore> {
    scored
        .points
        .iter()
        .filter(move |p| p.feature == feature && p.found.is_some())
}

fn farthest(scored: &Scored) -> f64 {
    let found = scored.points.iter().filter(|p| p.found.is_some());
    found.map(|p| p.distance_px).fold(1.0, f64::max)
}

fn series<'a>(names: &[&'a str], mut shapes: impl FnMut(usize, &'a str) -> Vec<Shape>) -> Vec<Series> {
    let one = |(i, name): (usize, &&'a str)| Series {
        name: (*name).to_owned(),
        shapes: shapes(i, name),
    };
    names.iter().enumerate().map(one).collect()
}

fn chart(scored: &Scored, what: &str, x: Axis, y: Axis, series: Vec<Series>) -> Chart {
    Chart {
        title: format!("{}: {what}", scored.checkpoint),
        x,
        y,
        series,
    }
}

fn scatter(scored: &Scored, features: &[&str]) -> Chart {
    let most = farthest(scored);
    let dot = |p: &PointScore| Shape::Dot(p.written.x - p.expected.x, p.expected.y - p.written.y);
    let series = series(features, |_, feature| of(scored, feature).map(dot).collect());
    let (x, y) = (
        Axis::round("dx [px]", -most, most),
        Axis::round("dy up [px]", -most, most),
    );
    chart(scored, "distance from where it should be", x, y, series)
}

fn histogram(scored: &Scored, features: &[&str]) -> Chart {
    let most = farthest(scored);
    let width = most / BINS as f64;
    let mut highest = 1usize;
    let series = series(features, |_, feature| {
        let mut counts = [0usize; BINS];
        for p in of(scored, feature) {
            counts[((p.distance_px / width) as usize).min(BINS - 1)] += 1;
        }
        highest = highest.max(counts.iter().copied().max().unwrap_or(0));
        let bins = counts.iter().enumerate().filter(|(_, n)| **n > 0);
        bins.map(|(i, n)| Shape::Box {
            left: i as f64 * width,
            right: (i + 1) as f64 * width,
            low: 0.0,
            high: *n as f64,
        })
        .collect()
    });
    let (x, y) = (
        Axis::round("distance [px]", 0.0, most),
        Axis::round("points", 0.0, highest as f64),
    );
    chart(scored, "distances", x, y, series)
}

/// From the first to the third quartile, the median across, whiskers to the ends.
fn boxes(scored: &Scored, features: &[&str]) -> Chart {
    let mut series = series(features, |i, feature| {
        let mut all: Vec<f64> = of(scored, feature).map(|p| p.distance_px).collect();
        all.sort_by(f64::total_cmp);
        let at = |share| quantile(&all, share).unwrap_or(f64::NAN);
        let x = i as f64;
        vec![
            Shape::Box {
                left: x - 0.25,
                right: x + 0.25,
                low: at(0.25),
                high: at(0.75),
            },
            Shape::Line((x - 0.35, at(0.5)), (x + 0.35, at(0.5))),
            Shape::Line((x, at(0.0)), (x, at(0.25))),
            Shape::Line((x, at(0.75)), (x, at(1.0))),
        ]
    });
    for (i, one) in series.iter_mut().enumerate() {
        one.name = format!("{} {}", i + 1, one.name);
    }
    let names = (0..features.len()).map(|i| (i + 1).to_string());
    let (x, y) = (
        Axis::named("feature", names),
        Axis::round("distance [px]", 0.0, farthest(scored)),
    );
    chart(scored, "distances by feature", x, y, series)
}

fn per_cent() -> Axis {
    Axis::round("hits [%]", 0.0, 100.0)
}

fn bars(scored: &Scored, thresholds: &[f64]) -> Chart {
    let width = 0.8 / scored.features.len().max(1) as f64;
    let names: Vec<&str> = scored.features.iter().map(|f| f.feature.as_str()).collect();
    let series = series(&names, |i, _| {
        let rates = scored.features[i].hit_rate.iter().enumerate();
        rates
            .map(|(at, rate)| {
                let left = at as f64 - 0.4 + i as f64 * width;
                Shape::Box {
                    left,
                    right: left + 0.9 * width,
                    low: 0.0,
                    high: rate * 100.0,
                }
            })
            .collect()
    });
    let x = Axis::named("threshold [px]", thresholds.iter().map(f64::to_string));
    chart(scored, "found within a threshold", x, per_cent(), series)
}

/// From the widest threshold to the narrowest.
fn lines(scored: &Scored, thresholds: &[f64]) -> Chart {
    let names: Vec<&str> = scored.features.iter().map(|f| f.feature.as_str()).collect();
    let series = series(&names, |i, _| {
        let mut points: Vec<(f64, f64)> = thresholds
            .iter()
            .copied()
            .zip(scored.features[i].hit_rate.iter().map(|r| r * 100.0))
            .collect();
        points.sort_by(|a, b| b.0.total_cmp(&a.0));
        let lines = points.windows(2).map(|pair| Shape::Line(pair[0], pair[1]));
        lines.chain(points.iter().map(|p| Shape::Dot(p.0, p.1))).collect()
    });
    let most = thresholds.iter().copied().fold(1.0, f64::max);
    let x = Axis {
        from: most,
        to: 0.0,
        ..Axis::round("threshold [px]", 0.0, most)
    };
    chart(scored, "hits by threshold", x, per_cent(), series)
}

fn masks(scored: &Scored) -> Chart {
    let series = series(&["IoU", "dice"], |i, _| {
        let bar = |(at, class): (usize, &ClassScore)| {
            let left = at as f64 - 0.4 + 0.4 * i as f64;
            let high = if i == 0 { class.iou } else { class.dice };
            Shape::Box {
                left,
                right: left + 0.36,
                low: 0.0,
                high,
            }
        };
        scored.classes.iter().enumerate().map(bar).collect()
    });
    let x = Axis::named("class", scored.classes.iter().map(|c| c.class_id.to_string()));
    chart(scored, "masks", x, Axis::round("share", 0.0, 1.0), series)
}
