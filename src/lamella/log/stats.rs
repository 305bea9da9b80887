//! What a log says in figures: time by task and step, milling planned and real, alignments, detections.

use super::digest::{Digest, text};
use model::capabilities::MillingControl;
use pattern::{MillingStage, estimate};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The figures of one log. Times in s, lengths in m, currents in A.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stats {
    pub tasks: Vec<TaskTime>,
    pub steps: Vec<StepTime>,
    pub milling: Vec<Milled>,
    pub alignments: Vec<Aligned>,
    /// Alignments whose methods differed by more than two pixels.
    pub alignment_disagreements: usize,
    pub detections: Vec<Detected>,
    pub estimates: Vec<(String, f64)>,
}

/// One run of a task on a lamella.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskTime {
    pub lamella: String,
    pub task: String,
    pub seconds: f64,
    /// Its last step was FINISHED.
    pub finished: bool,
}

/// A step over all runs of its task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepTime {
    pub task: String,
    pub step: String,
    pub count: usize,
    pub mean_s: f64,
}

/// One stage that was milled.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Milled {
    pub lamella: String,
    pub task: String,
    pub milling_task: String,
    pub stage: String,
    /// By openFIBSEM's table of rates; none where the log does not hold the stage.
    pub planned_s: Option<f64>,
    pub seconds: f64,
    pub milling_current: Option<f64>,
    pub depth: Option<f64>,
}

/// What was corrected in a task by beam shift.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Aligned {
    pub lamella: String,
    pub task: String,
    pub beam: String,
    pub count: usize,
    /// Length of the largest correction, and of the last one, which is what was left before it.
    pub largest: f64,
    pub last: f64,
    /// All corrections together: the drift.
    pub drift_x: f64,
    pub drift_y: f64,
}

/// A feature in a step over all lamellae.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Detected {
    pub step: String,
    pub feature: String,
    pub count: usize,
    /// Found right, of those; the others an operator moved.
    pub correct: usize,
    /// Mean length of an operator's correction; none where there was none.
    pub correction: Option<f64>,
}

impl Digest {
    pub fn stats(&self) -> Stats {
        Stats {
            tasks: self.task_times(),
            steps: self.step_times(),
            milling: self.milled(),
            alignments: self.aligned(),
            alignment_disagreements: self.disagreements,
            detections: self.detected(),
            estimates: self.estimates.clone(),
        }
    }

    /// Seconds from step `n` to the next one.
    fn length(&self, n: usize) -> Option<f64> {
        let next = self.steps.get(n + 1)?;
        Some(next.at.duration_since(self.steps[n].at).as_secs_f64())
    }

    fn task_times(&self) -> Vec<TaskTime> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (n, step) in self.steps.iter().enumerate() {
            let same = |run: &(usize, usize)| {
                let first = &self.steps[run.0];
                let who = |step| (self.task_id(step), self.lamella(step), self.task(step));
                who(first) == who(step)
            };
            match runs.iter_mut().rev().take(8).find(|run| same(run)) {
                // without identities a run ends at its last step
                Some(run) if !self.task_id(step).is_empty() || self.step(&self.steps[run.1]) != "FINISHED" => run.1 = n,
                _ => runs.push((n, n)),
            }
        }
        let time = |&(first, last): &(usize, usize)| {
            let (begin, end) = (&self.steps[first], &self.steps[last]);
            TaskTime {
                lamella: self.lamella(begin).to_owned(),
                task: self.task(begin).to_owned(),
                seconds: end.at.duration_since(begin.at).as_secs_f64(),
                finished: self.step(end) == "FINISHED",
            }
        };
        runs.iter().map(time).collect()
    }

    fn step_times(&self) -> Vec<StepTime> {
        let mut sums: BTreeMap<(&str, &str), (usize, f64)> = BTreeMap::new();
        for (n, step) in self.steps.iter().enumerate() {
            let Some(length) = self
                .length(n)
                .filter(|_| !matches!(self.step(step), "STARTED" | "FINISHED"))
            else {
                continue;
            };
            let sum = sums.entry((self.task(step), self.step(step))).or_default();
            *sum = (sum.0 + 1, sum.1 + length);
        }
        let mean = |((task, step), (count, sum)): ((&str, &str), (usize, f64))| StepTime {
            task: task.to_owned(),
            step: step.to_owned(),
            count,
            mean_s: sum / count as f64,
        };
        sums.into_iter().map(mean).collect()
    }

    /// Lamella and task of a step.
    fn place(&self, step: Option<usize>) -> (String, String) {
        let step = step.and_then(|n| self.steps.get(n));
        step.map_or_else(Default::default, |step| {
            (self.lamella(step).to_owned(), self.task(step).to_owned())
        })
    }

    fn milled(&self) -> Vec<Milled> {
        let one = |row: &super::digest::Row| {
            let (lamella, task) = self.place(row.step);
            let data = row.data();
            let number = |key: &str| data.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN);
            let stage = &data["stage"];
            let read = MillingStage::read(stage).ok();
            let planned = read.map(|(stage, _)| estimate::stage_time(&stage, MillingControl::Current));
            Milled {
                lamella,
                task,
                milling_task: text(&data, "milling_task_name"),
                stage: stage["name"].as_str().unwrap_or_default().to_owned(),
                planned_s: planned.filter(|s| s.is_finite()),
                seconds: number("end_time") - number("start_time"),
                milling_current: stage["milling"]["milling_current"].as_f64(),
                depth: stage["pattern"]["depth"].as_f64(),
            }
        };
        self.milling.iter().map(one).collect()
    }

    fn aligned(&self) -> Vec<Aligned> {
        let mut found: Vec<Aligned> = Vec::new();
        for shift in &self.shifts {
            let (lamella, task) = self.place(shift.step);
            let length = shift.dx.hypot(shift.dy);
            let same = |a: &&mut Aligned| a.lamella == lamella && a.task == task && a.beam == shift.beam;
            match found.iter_mut().rev().take(4).find(same) {
                Some(all) => {
                    all.count += 1;
                    all.largest = all.largest.max(length);
                    all.last = length;
                    all.drift_x += shift.dx;
                    all.drift_y += shift.dy;
                }
                None => found.push(Aligned {
                    beam: shift.beam.clone(),
                    lamella,
                    task,
                    count: 1,
                    largest: length,
                    last: length,
                    drift_x: shift.dx,
                    drift_y: shift.dy,
                }),
            }
        }
        found
    }

    fn detected(&self) -> Vec<Detected> {
        let mut all: BTreeMap<(String, String), Vec<(bool, f64)>> = BTreeMap::new();
        for row in &self.detections {
            let step = row
                .step
                .and_then(|n| self.steps.get(n))
                .map_or("", |step| self.step(step))
                .to_owned();
            let data = row.data();
            let metres = |axis: &str| data.get("dm").and_then(|dm| dm[axis].as_f64()).unwrap_or(0.0);
            let correct = data.get("is_correct") == Some(&Value::Bool(true));
            let entry = all.entry((step, text(&data, "feature"))).or_default();
            entry.push((correct, metres("x").hypot(metres("y"))));
        }
        let one = |((step, feature), found): ((String, String), Vec<(bool, f64)>)| {
            let moved: Vec<f64> = found
                .iter()
                .filter(|(correct, _)| !correct)
                .map(|(_, by)| *by)
                .collect();
            Detected {
                step,
                feature,
                count: found.len(),
                correct: found.len() - moved.len(),
                correction: (!moved.is_empty()).then(|| moved.iter().sum::<f64>() / moved.len() as f64),
            }
        };
        all.into_iter().map(one).collect()
    }
}
