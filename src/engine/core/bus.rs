//! Numbers events, folds them into the snapshot, and tells whoever listens.

use super::lock;
use crate::event::{Event, Pulse, Sequenced};
use crate::link::Heard;
use crate::snapshot::Snapshot;
use std::sync::{Arc, Mutex};
use tokio::sync::{broadcast, watch};

/// Events kept for a slow listener before it is told to take a snapshot instead.
const BACKLOG: usize = 1024;

pub(crate) struct Bus {
    /// The last event's number. Held while one is told, so that everyone hears them in their order.
    last: Mutex<u64>,
    newest: watch::Sender<Arc<Snapshot>>,
    heard: broadcast::Sender<Heard>,
}

impl Bus {
    pub fn new(first: Snapshot) -> Bus {
        Bus {
            last: Mutex::new(first.seq),
            newest: watch::channel(Arc::new(first)).0,
            heard: broadcast::channel(BACKLOG).0,
        }
    }

    pub fn publish(&self, time: f64, event: Event) -> Arc<Sequenced> {
        let mut last = lock(&self.last);
        *last += 1;
        let seq = *last;
        let sequenced = Arc::new(Sequenced { seq, time, event });
        // copied only where somebody still looks at the one before
        self.newest.send_modify(|now| Arc::make_mut(now).apply(&sequenced));
        // nobody listening is fine: the snapshot has it
        let _ = self.heard.send(Heard::Event(sequenced.clone()));
        sequenced
    }

    pub fn pulse(&self, pulse: Pulse) {
        let _order = lock(&self.last);
        self.newest.send_modify(|now| Arc::make_mut(now).pulse(&pulse));
        let _ = self.heard.send(Heard::Pulse(pulse));
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.newest.borrow().clone()
    }

    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.newest.subscribe()
    }

    pub fn sender(&self) -> broadcast::Sender<Heard> {
        self.heard.clone()
    }
}
