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
    snapshot: Mutex<Arc<Snapshot>>,
    newest: watch::Sender<Arc<Snapshot>>,
    heard: broadcast::Sender<Heard>,
}

impl Bus {
    pub fn new(first: Snapshot) -> Bus {
        let first = Arc::new(first);
        Bus {
            newest: watch::channel(first.clone()).0,
            heard: broadcast::channel(BACKLOG).0,
            snapshot: Mutex::new(first),
        }
    }

    pub fn publish(&self, time: f64, event: Event) -> Arc<Sequenced> {
        // sent under the lock, so that everyone hears events in their order
        let mut current = lock(&self.snapshot);
        let sequenced = Arc::new(Sequenced {
            seq: current.seq + 1,
            time,
            event,
        });
        Arc::make_mut(&mut current).apply(&sequenced);
        self.newest.send_replace(current.clone());
        // nobody listening is fine: the snapshot has it
        let _ = self.heard.send(Heard::Event(sequenced.clone()));
        sequenced
    }

    pub fn pulse(&self, pulse: Pulse) {
        let mut current = lock(&self.snapshot);
        Arc::make_mut(&mut current).pulse(&pulse);
        self.newest.send_replace(current.clone());
        let _ = self.heard.send(Heard::Pulse(pulse));
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        lock(&self.snapshot).clone()
    }

    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.newest.subscribe()
    }

    pub fn sender(&self) -> broadcast::Sender<Heard> {
        self.heard.clone()
    }
}
