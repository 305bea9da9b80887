//! What is told while a task runs: stages, fractions, dose, and a remaining time that corrects itself.

use crate::JobCx;
use model::Shape;
use model::capabilities::MillingControl;
use pattern::estimate::{Planner, preset_current, stage_time};
use pattern::{Eta, MillingRun, MillingTask, Rest, StageRun, StageState, Unfinished, estimate_error};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The running account of a task.
pub(super) struct Report<'a> {
    cx: &'a JobCx,
    shared: Arc<Mutex<Account>>,
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
    /// Beam time of each stage as foreseen, and drawn of it by the instrument's own estimate, s.
    foreseen: Vec<f64>,
    drawn: Vec<f64>,
    /// Clock time of its beginning, and s of pauses since.
    start: f64,
    paused: f64,
    /// Of the stage at work: the instrument's estimates of all it has to draw and of what is loaded now, s.
    total: f64,
    loaded: f64,
    /// Of the stage at work before this load: drawn by the instrument's estimate, and beam time it really took, s.
    before: Spent,
    /// Of the stage at work, where it is known: what is not drawn yet.
    left: Option<Rest>,
}

/// Beam time by the instrument's estimate, and as it really was, s.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    drawn: f64,
    beam: f64,
}

impl<'a> Report<'a> {
    pub fn new(
        cx: &'a JobCx,
        task: &MillingTask,
        control: MillingControl,
        rates: &BTreeMap<String, f64>,
    ) -> Report<'a> {
        let planner = Planner {
            control,
            rates: Some(rates),
        };
        let eta = Eta::of_task(task, planner);
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
                estimated: stage_time(stage, planner),
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
        let run = MillingRun {
            task: task.name.clone(),
            stages,
            estimated: eta.first(),
            remaining: eta.first(),
            ..MillingRun::default()
        };
        let now = cx.scope().clock().now();
        let account = Account {
            foreseen: run.stages.iter().map(|s| s.estimated).collect(),
            drawn: vec![0.0; run.stages.len()],
            run,
            eta,
            order,
            currents,
            start: now,
            paused: 0.0,
            total: 0.0,
            loaded: 0.0,
            before: Spent::default(),
            left: Some(Rest::default()),
        };
        let report = Report {
            cx,
            shared: Arc::new(Mutex::new(account)),
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

    /// A stage is taken in hand, of which this is to be drawn.
    pub fn begin(&mut self, index: usize, left: &[Option<Shape>]) {
        self.since = self.now();
        self.with(|account| {
            account.run.at = Some(index);
            account.left = Some(Rest {
                stage: index,
                left: left.to_vec(),
            });
            if let Some(stage) = account.run.stages.get_mut(index) {
                stage.state = StageState::Preparing;
            }
            (account.total, account.loaded, account.before) = (0.0, 0.0, Spent::default());
        });
        self.tell(true);
    }

    /// This is left of the stage at work; `None` where the instrument does not say.
    pub fn leaves(&mut self, left: Option<Vec<Option<Shape>>>) {
        self.with(|account| {
            let stage = account.run.at.unwrap_or_default();
            account.left = left.map(|left| Rest { stage, left });
        });
    }

    /// How every stage stands, and what is left of the one that was at work; `None` where that is not known.
    pub fn left(&self) -> Option<(Vec<StageState>, Rest)> {
        self.with(|account| {
            let states = account.run.stages.iter().map(|stage| stage.state).collect();
            account.left.clone().map(|rest| (states, rest))
        })
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

    /// Shapes are loaded that the instrument says will take `estimate` seconds; what the stage loads after them is `later` times
    /// their volume.
    pub fn milling(&mut self, estimate: f64, later: f64) {
        let elapsed = self.now() - self.since;
        self.with(|account| {
            let Some(at) = account.run.at else { return };
            let order = account.order.get(at).copied().flatten();
            account.total = account.before.drawn + estimate * (1.0 + later);
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
            pace: Arc::new(Mutex::new(Pace {
                looked: self.now(),
                spent: Spent::default(),
            })),
        }
    }

    /// The pattern has ended, `whole` or as far as it was seen: its beam time counts.
    pub fn take(&mut self, watcher: &Watcher, whole: bool) {
        let Pace { looked, spent } = *watcher.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let since = self.now() - looked;
        self.with(|account| {
            account.before.drawn += if whole { account.loaded } else { spent.drawn };
            account.before.beam += spent.beam + since;
        });
    }

    /// The stage at work has ended like this.
    pub fn close(&mut self, state: StageState) {
        self.with(|account| {
            let Some(at) = account.run.at else { return };
            if let Some(stage) = account.run.stages.get_mut(at) {
                stage.state = state;
                if state == StageState::Done {
                    stage.fraction = 1.0;
                    stage.beam_time = account.before.beam;
                    stage.estimate_error = estimate_error(account.foreseen[at], stage.beam_time);
                    account.drawn[at] = account.total;
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

    /// The last word; `unfinished`: what can be milled on.
    pub fn end(&mut self, done: bool, unfinished: Option<Unfinished>) -> MillingRun {
        let now = self.now();
        let run = self.with(|account| {
            account.run.elapsed = now - account.start - account.paused;
            account.run.ended = true;
            account.run.unfinished = unfinished.map(Box::new);
            account.run.at = None;
            account.run.remaining = 0.0;
            if done {
                account.run.fraction = 1.0;
                account.run.doing = "done".to_owned();
                account.run.estimate_error = estimate_error(account.run.estimated, account.run.elapsed);
            }
            account.run.clone()
        });
        self.cx.parts_tell();
        self.cx.host.milling(&run, true);
        tracing::info!(
            target: "milling", task = %run.task, elapsed = run.elapsed, estimated = run.estimated, error = ?run.estimate_error,
            dose = run.dose, "milling task ended"
        );
        run
    }
}

/// Follows one pattern.
#[derive(Clone)]
pub(super) struct Watcher {
    cx: JobCx,
    shared: Arc<Mutex<Account>>,
    pace: Arc<Mutex<Pace>>,
}

/// How a pattern comes along.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Clock time of the last look.
    looked: f64,
    spent: Spent,
}

impl Watcher {
    /// The instrument's word on what is loaded; returns the beam time of this pattern so far, s. Its own clock may go wrong, ours
    /// says what it really takes.
    pub fn seen(&self, fraction: Option<f64>, remaining: Option<f64>) -> f64 {
        let now = self.cx.scope().clock().now();
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now - std::mem::replace(&mut pace.looked, now);
        let paused = self.cx.host.is_paused();
        {
            let mut account = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            let account = &mut *account;
            let fraction = fraction.unwrap_or_else(|| match remaining {
                Some(remaining) if account.loaded > 0.0 => 1.0 - remaining / account.loaded,
                _ => 0.0,
            });
            pace.spent.drawn = account.loaded * fraction.clamp(0.0, 1.0);
            *(if paused {
                &mut account.paused
            } else {
                &mut pace.spent.beam
            }) += since;
            if let Some(at) = account.run.at
                && let Some(stage) = account.run.stages.get_mut(at)
            {
                account.drawn[at] = account.before.drawn + pace.spent.drawn;
                stage.beam_time = account.before.beam + pace.spent.beam;
                stage.fraction = if account.total > 0.0 {
                    (account.drawn[at] / account.total).clamp(0.0, 1.0)
                } else {
                    0.0
                };
                if let Some(n) = account.order.get(at).copied().flatten() {
                    account.eta.milling(n, stage.fraction, stage.beam_time);
                }
            }
        }
        let beam = pace.spent.beam;
        drop(pace);
        tell(&self.cx, &self.shared, false);
        beam
    }
}

/// Sends the account out. `changed`: something besides the figures did.
fn tell(cx: &JobCx, shared: &Arc<Mutex<Account>>, changed: bool) {
    let now = cx.scope().clock().now();
    let run = {
        let mut account = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let account = &mut *account;
        let run = &mut account.run;
        let before = run.elapsed;
        run.elapsed = now - account.start - account.paused;
        run.remaining = account.eta.remaining();
        // by the instrument's own estimate as soon as it gives one, as what is drawn is counted
        let planned = run.stages.iter().zip(&account.currents);
        run.planned_dose = planned
            .filter(|(stage, _)| stage.state != StageState::Off)
            .map(|(stage, current)| stage.estimated * current)
            .sum();
        run.dose = account
            .drawn
            .iter()
            .zip(&account.currents)
            .map(|(drawn, current)| drawn * current)
            .sum();
        // what passed takes its share of what is left: an end that goes further away slows the bar, and never holds it still
        let (since, left) = ((run.elapsed - before).max(0.0), 1.0 - run.fraction);
        let share = since / (since + run.remaining);
        if share.is_finite() {
            run.fraction = (run.fraction + left * share).clamp(0.0, 1.0);
        }
        run.clone()
    };
    cx.tell_whole(run.fraction, run.remaining, &run.doing);
    cx.host.milling(&run, changed);
}
