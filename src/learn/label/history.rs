//! Steps that can be taken back: runs of pixels with what they were and became.

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
pub(super) struct Step(Box<[Run]>);

impl Step {
    /// From one mask to the other where `marked`; everywhere without it.
    pub fn between(from: &Array2<u8>, to: &Array2<u8>, marked: Option<&Array2<bool>>) -> Step {
        let mut runs: Vec<Run> = Vec::new();
        for (at, ((was, is), place)) in
            (0u32..).zip(from.iter().zip(to).zip(from.indexed_iter().map(|(place, _)| place)))
        {
            if was == is || marked.is_some_and(|marked| !marked[place]) {
                continue;
            }
            match runs.last_mut() {
                Some(run)
                    if run.start + u32::from(run.length) == at
                        && run.length < u16::MAX
                        && (run.was, run.is) == (*was, *is) =>
                {
                    run.length += 1;
                }
                _ => runs.push(Run {
                    start: at,
                    length: 1,
                    was: *was,
                    is: *is,
                }),
            }
        }
        Step(runs.into_boxed_slice())
    }

    pub fn pixels(&self) -> usize {
        self.0.iter().map(|run| usize::from(run.length)).sum()
    }

    fn bytes(&self) -> usize {
        self.0.len() * size_of::<Run>()
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
        for run in &self.0 {
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
        while self.bytes > MOST && self.steps.len() > 1 {
            self.bytes -= self.steps.pop_front().map_or(0, |step| step.bytes());
        }
        self.done = self.steps.len();
    }

    pub fn undo(&mut self, labels: &mut Array2<u8>) -> bool {
        let Some(step) = self.done.checked_sub(1).and_then(|at| self.steps.get(at)) else {
            return false;
        };
        step.undo(labels);
        self.done -= 1;
        true
    }

    pub fn redo(&mut self, labels: &mut Array2<u8>) -> bool {
        let Some(step) = self.steps.get(self.done) else {
            return false;
        };
        step.redo(labels);
        self.done += 1;
        true
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
