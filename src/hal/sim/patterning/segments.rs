//! The dose that was drawn, piece by piece: what who looks at the sample takes.

use super::PatterningSim;
use super::{ApplicationFile, Probe};
use model::{PatterningMode, Point, Shape};

/// Dose drawn between two looks at the sample: shape after shape.
#[derive(Clone, Debug)]
pub struct Segment {
    pub what: Drawn,
    pub probe: Probe,
    /// Charge planned for the whole of it, C (as read), and the shares of it that this begins and ends with.
    pub charge: f64,
    pub from: f64,
    pub to: f64,
    /// Clock seconds.
    pub start: f64,
    pub end: f64,
    /// Which record it belongs to.
    pub record: usize,
}

impl Segment {
    /// The same in `n` parts of equal time.
    pub fn split(self, n: u32) -> impl Iterator<Item = Segment> {
        let share = move |from: f64, to: f64, k: u32| from + (to - from) * f64::from(k) / f64::from(n);
        (0..n).map(move |k| Segment {
            from: share(self.from, self.to, k),
            to: share(self.from, self.to, k + 1),
            start: share(self.start, self.end, k),
            end: share(self.start, self.end, k + 1),
            ..self.clone()
        })
    }
}

#[derive(Clone, Debug)]
pub enum Drawn {
    Shape {
        shape: Shape,
        file: &'static ApplicationFile,
    },
    Spot(Point),
}

impl PatterningSim {
    /// What was drawn since it was last asked for, up to `t`.
    pub fn take_segments(&mut self, t: f64) -> Vec<Segment> {
        let mut segments = Vec::new();
        if let Some(spot) = &mut self.spot {
            let (whole, to) = (spot.end - spot.start, t.min(spot.end));
            if to > spot.told {
                segments.push(Segment {
                    what: Drawn::Spot(spot.at),
                    probe: spot.probe,
                    charge: spot.probe.current * whole,
                    from: (spot.told - spot.start) / whole,
                    to: (to - spot.start) / whole,
                    start: spot.told,
                    end: to,
                    record: spot.record,
                });
                spot.told = to;
            }
        }
        let drawn = self.drawn(t);
        let Some(run) = self.run.as_ref().filter(|run| drawn > run.told) else {
            self.book(&segments);
            return segments;
        };
        let clock = |at: f64| t.min(run.end()) - (drawn - at) * run.pace;
        for (i, part) in self.parts.iter().enumerate() {
            let (from, to) = (self.share(run, i, run.told), self.share(run, i, drawn));
            if to <= from || run.times[i] <= 0.0 {
                continue;
            }
            let (start, end) = match self.settings.patterning_mode {
                PatterningMode::Parallel => (run.told, drawn),
                PatterningMode::Serial => {
                    let before: f64 = run.times[..i].iter().sum();
                    (before + from * run.times[i], before + to * run.times[i])
                }
            };
            segments.push(Segment {
                what: Drawn::Shape {
                    shape: part.shape.clone(),
                    file: part.file,
                },
                probe: run.probe,
                charge: run.probe.current * run.times[i],
                from,
                to,
                start: clock(start),
                end: clock(end),
                record: run.record + i,
            });
        }
        if let Some(run) = &mut self.run {
            run.told = drawn;
        }
        self.book(&segments);
        segments
    }

    fn book(&mut self, segments: &[Segment]) {
        for segment in segments {
            if let Some(record) = self.records.get_mut(segment.record) {
                record.delivered += segment.charge * (segment.to - segment.from);
            }
        }
    }
}
