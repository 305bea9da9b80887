//! Steps that can be taken back: runs of pixels with what they were and became.

use super::stroke::Marked;
use ndarray::Array2;

/// Bytes of steps that are kept at most; the oldest go first.
const MOST: usize = 48 << 20;

/// Pixels side by side, row by row, that had one class and got one.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: u32,
    length: u16,
    was: u8,
    is: u8,
}

/// An edit as what it changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Step {
    runs: Box<[Run]>,
    /// It goes on with the one before it: both are taken back at once.
    joined: bool,
}

/// Runs being made of changes that come row by row.
#[derive(Default)]
struct Runs(Vec<Run>);

impl Runs {
    fn add(&mut self, at: u32, was: u8, is: u8) {
        match self.0.last_mut() {
            _ if was == is => {}
            Some(run)
                if run.start + u32::from(run.length) == at
                    && run.length < u16::MAX
                    && (run.was, run.is) == (was, is) =>
            {
                run.length += 1;
            }
            _ => self.0.push(Run {
                start: at,
                length: 1,
                was,
                is,
            }),
        }
    }

    fn step(self, joined: bool) -> Step {
        Step {
            runs: self.0.into_boxed_slice(),
            joined,
        }
    }
}

impl Step {
    /// From one mask to another of its size.
    pub fn between(from: &Array2<u8>, to: &Array2<u8>) -> Step {
        let mut runs = Runs::default();
        for (at, (was, is)) in (0u32..).zip(from.iter().zip(to)) {
            runs.add(at, *was, *is);
        }
        runs.step(false)
    }

    /// One class where `marked`.
    pub fn of(labels: &Array2<u8>, marked: &Marked, class: u8, joined: bool) -> Step {
        let mut runs = Runs::default();
        let (top, left) = marked.at;
        for (y, row) in marked.mask.rows().into_iter().enumerate() {
            for (x, _) in row.iter().enumerate().filter(|(_, marked)| **marked) {
                let place = (top + y, left + x);
                if let Some(was) = labels.get(place) {
                    runs.add((place.0 * labels.ncols() + place.1) as u32, *was, class);
                }
            }
        }
        runs.step(joined)
    }

    pub fn pixels(&self) -> usize {
        self.runs.iter().map(|run| usize::from(run.length)).sum()
    }

    fn bytes(&self) -> usize {
        self.runs.len() * size_of::<Run>() + size_of::<Step>()
    }

    pub fn redo(&self, labels: &mut Array2<u8>) {
        self.write(labels, |run| run.is);
    }

    fn undo(&self, labels: &mut Array2<u8>) {
        self.write(labels, |run| run.was);
    }

    fn write(&self, labels: &mut Array2<u8>, class: impl Fn(&Run) -> u8) {
        // masks that are read or drawn here lie row by row
        let Some(pixels) = labels.as_slice_mut() else { return };
        for run in &self.runs {
            let start = run.start as usize;
            if let Some(part) = pixels.get_mut(start..start + usize::from(run.length)) {
                part.fill(class(run));
            }
        }
    }
}

/// Steps done, and of those the ones that were taken back.
#[derive(Debug, Default)]
pub(super) struct History {
    steps: std::collections::VecDeque<Step>,
    /// How many of them are done.
    done: usize,
    bytes: usize,
}

impl History {
    /// A step that was just done; what was taken back before is gone.
    pub fn push(&mut self, step: Step) {
        for gone in self.steps.drain(self.done..) {
            self.bytes -= gone.bytes();
        }
        self.bytes += step.bytes();
        self.steps.push_back(step);
        // a whole edit goes, with what was joined to it
        while self.bytes > MOST && self.steps.iter().skip(1).any(|step| !step.joined) {
            self.bytes -= self.steps.pop_front().map_or(0, |step| step.bytes());
            while self.steps.front().is_some_and(|step| step.joined) {
                self.bytes -= self.steps.pop_front().map_or(0, |step| step.bytes());
            }
        }
        self.done = self.steps.len();
    }

    /// Takes an edit back, with all that was joined to it.
    pub fn undo(&mut self, labels: &mut Array2<u8>) -> bool {
        let before = self.done;
        while let Some(step) = self.done.checked_sub(1).and_then(|at| self.steps.get(at)) {
            step.undo(labels);
            self.done -= 1;
            if !step.joined {
                break;
            }
        }
        self.done < before
    }

    pub fn redo(&mut self, labels: &mut Array2<u8>) -> bool {
        let before = self.done;
        while let Some(step) = self
            .steps
            .get(self.done)
            .filter(|step| self.done == before || step.joined)
        {
            step.redo(labels);
            self.done += 1;
        }
        self.done > before
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
