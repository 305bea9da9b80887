//! What is told while a task runs: stages, fractions, dose, and a remaining time that corrects itself.

use crate::JobCx;
use model::capabilities::MillingControl;
use pattern::estimate::{preset_current, stage_time};
use pattern::{Eta, MillingRun, MillingTask, StageRun, StageState};
use std::sync::{Arc, Mutex, PoisonError};

/// The running account of a task.
pub(super) struct Report<'a> {
    cx: &'a JobCx,
    shared: Arc<Mutex<Account>>,
    start: f64,
    /// When the stage at work, or the end, began.
    since: f64,
}

struct Account {
    run: MillingRun,
    eta: Eta,
    /// Place of each enabled stage among the enabled ones.
    order: Vec<Option<usize>>,
    /// A, per stage.
    currents: Vec<f64>,
    /// Of the stage at work: estimates of all it has to draw and of what is loaded now, s; beam time before this load, s.
    total: f64,
    loaded: f64,
    spent: f64,
}

impl<'a> Report<'a> {
    pub fn new(cx: &'a JobCx, task: &MillingTask, control: MillingControl) -> Report<'a> {
        let eta = Eta::of_task(task, control);
        let current = |stage: &pattern::MillingStage| match control {
            MillingControl::Current => stage.milling.milling_current,
            MillingControl::Preset => preset_current(&stage.milling.preset).unwrap_or(stage.milling.milling_current),
        };
        let stages: Vec<StageRun> = task
            .stages
            .iter()
            .map(|stage| StageRun {
                name: stage.name.clone(),
                state: if stage.enabled {
                    StageState::Waiting
                } else {
                    StageState::Off
                },
                estimated: stage_time(stage, control),
                ..StageRun::default()
            })
            .collect();
        let currents: Vec<f64> = task.stages.iter().map(current).collect();
        let mut next = 0..;
        let order = task
            .stages
            .iter()
            .map(|s| if s.enabled { next.next() } else { None })
            .collect();
        let planned = stages.iter().zip(&currents).filter(|(s, _)| s.state != StageState::Off);
        let run = MillingRun {
            task: task.name.clone(),
            planned_dose: planned.map(|(s, current)| s.estimated * current).sum(),
            stages,
            estimated: eta.first(),
            remaining: eta.first(),
            ..MillingRun::default()
        };
        let now = cx.scope().clock().now();
        let account = Account {
            run,
            eta,
            order,
            currents,
            total: 0.0,
            loaded: 0.0,
            spent: 0.0,
        };
        let report = Report {
            cx,
            shared: Arc::new(Mutex::new(account)),
            start: now,
            since: now,
        };
        report.tell(true);
        report
    }

    fn with<T>(&self, change: impl FnOnce(&mut Account) -> T) -> T {
        change(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn now(&self) -> f64 {
        self.cx.scope().clock().now()
    }

    fn tell(&self, changed: bool) {
        tell(self.cx, &self.shared, changed);
    }

    /// A stage is taken in hand.
    pub fn begin(&mut self, index: usize) {
        self.since = self.now();
        self.with(|account| {
            account.run.at = Some(index);
            if let Some(stage) = account.run.stages.get_mut(index) {
                stage.state = StageState::Preparing;
            }
            (account.total, account.loaded, account.spent) = (0.0, 0.0, 0.0);
        });
        self.tell(true);
    }

    /// What is being done besides milling.
    pub fn doing(&mut self, what: &str) {
        let elapsed = self.now() - self.since;
        self.with(|account| {
            account.run.doing = what.to_owned();
            if let Some((at, stage)) = account.run.at.and_then(|at| Some((at, account.run.stages.get(at)?)))
                && stage.state == StageState::Preparing
                && let Some(n) = account.order.get(at).copied().flatten()
            {
                account.eta.preparing(n, elapsed);
            }
        });
        self.tell(true);
    }

    /// Shapes are loaded that the instrument says will take `estimate` seconds.
    pub fn milling(&mut self, estimate: f64) {
        let elapsed = self.now() - self.since;
        self.with(|account| {
            let Some(at) = account.run.at else { return };
            let order = account.order.get(at).copied().flatten();
            account.total = account.total.max(account.spent + estimate);
            account.loaded = estimate;
            if let Some(stage) = account.run.stages.get_mut(at) {
                if let (StageState::Preparing, Some(n)) = (stage.state, order) {
                    account.eta.preparing(n, elapsed);
                }
                stage.state = StageState::Milling;
                stage.estimated = account.total;
                account.run.doing = format!("milling {}", model::text::printable(&stage.name));
            }
        });
        self.tell(true);
    }

    /// What follows the pattern that is started now.
    pub fn watcher(&self) -> Watcher {
        Watcher {
            cx: self.cx.clone(),
            shared: self.shared.clone(),
            spent: Arc::default(),
        }
    }

    /// The pattern has ended: its beam time counts.
    pub fn take(&mut self, watcher: &Watcher) {
        let spent = *watcher.spent.lock().unwrap_or_else(PoisonError::into_inner);
        self.with(|account| account.spent += spent);
    }

    /// The stage at work has ended like this.
    pub fn close(&mut self, state: StageState) {
        self.with(|account| {
            let Some(at) = account.run.at else { return };
            if let Some(stage) = account.run.stages.get_mut(at) {
                stage.state = state;
                if state == StageState::Done {
                    stage.fraction = 1.0;
                }
                if let Some(n) = account.order.get(at).copied().flatten() {
                    account.eta.milling(n, stage.fraction, stage.beam_time);
                }
            }
        });
        self.tell(true);
    }

    /// All stages are behind.
    pub fn finishing(&mut self, what: &str) {
        self.since = self.now();
        self.with(|account| {
            account.run.doing = what.to_owned();
            account.eta.finishing(0.0);
        });
        self.tell(true);
    }

    /// The last word.
    pub fn end(&mut self, done: bool) -> MillingRun {
        let elapsed = self.now() - self.start;
        let run = self.with(|account| {
            account.run.ended = true;
            account.run.at = None;
            account.run.remaining = 0.0;
            if done {
                account.run.fraction = 1.0;
                account.run.doing = "done".to_owned();
            }
            account.run.clone()
        });
        self.cx.host.milling(&run, true);
        tracing_line(&run, elapsed);
        run
    }
}

fn tracing_line(run: &MillingRun, elapsed: f64) {
    tracing::info!(target: "milling", task = %run.task, elapsed, estimated = run.estimated, dose = run.dose, "milling task ended");
}

/// Follows one pattern.
#[derive(Clone)]
pub(super) struct Watcher {
    cx: JobCx,
    shared: Arc<Mutex<Account>>,
    /// Beam time of this pattern, s.
    spent: Arc<Mutex<f64>>,
}

impl Watcher {
    /// The instrument's word on what is loaded; returns the beam time of this pattern so far, s.
    pub fn seen(&self, fraction: Option<f64>, remaining: Option<f64>) -> f64 {
        let spent = {
            let mut account = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            let account = &mut *account;
            let fraction = fraction.unwrap_or_else(|| match remaining {
                Some(remaining) if account.loaded > 0.0 => 1.0 - remaining / account.loaded,
                _ => 0.0,
            });
            let spent = account.loaded * fraction.clamp(0.0, 1.0);
            if let Some(at) = account.run.at
                && let Some(stage) = account.run.stages.get_mut(at)
            {
                let left = account.loaded - spent;
                stage.beam_time = account.spent + spent;
                stage.fraction = if account.total > 0.0 {
                    (1.0 - left / account.total).clamp(0.0, 1.0)
                } else {
                    0.0
                };
                if let Some(n) = account.order.get(at).copied().flatten() {
                    account.eta.milling(n, stage.fraction, stage.beam_time);
                }
            }
            spent
        };
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner) = spent;
        tell(&self.cx, &self.shared, false);
        spent
    }
}

/// Sends the account out. `changed`: something besides the figures did.
fn tell(cx: &JobCx, shared: &Arc<Mutex<Account>>, changed: bool) {
    let run = {
        let mut account = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let account = &mut *account;
        let run = &mut account.run;
        run.remaining = account.eta.remaining();
        run.dose = run
            .stages
            .iter()
            .zip(&account.currents)
            .map(|(s, current)| s.beam_time * current)
            .sum();
        let total = account.eta.first().max(run.remaining);
        run.fraction = if total > 0.0 {
            (1.0 - run.remaining / total).clamp(run.fraction, 1.0)
        } else {
            run.fraction
        };
        run.clone()
    };
    cx.host.progress(Some(run.fraction), Some(run.remaining), &run.doing);
    cx.host.milling(&run, changed);
}
