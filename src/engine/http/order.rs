//! Orders that can be called off: who tells `"order": "NAME"` beside what is to be done can end just that, by `/bridge/cancel`.
//!
//! The two come over lines of their own, so that a name may be called off before its order is here: it then never begins.

use crate::command::Command;
use crate::core::lock;
use crate::link::{Ended, Link};
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long a name is remembered that was called off and whose order is not here.
const REMEMBERED: Duration = Duration::from_secs(10);

/// Every order that is here, and every name that was just called off: by client and name.
#[derive(Default)]
pub(super) struct Orders(Mutex<HashMap<(String, String), Named>>);

struct Named {
    off: watch::Sender<bool>,
    since: Instant,
}

impl Orders {
    /// An order of that name is here.
    pub fn enter(&self, client: &str, name: &str) -> Order {
        Order(Some(self.with(client, name, |off| off.subscribe())))
    }

    /// Calls it off, here or not yet.
    pub fn call_off(&self, client: &str, name: &str) {
        self.with(client, name, |off| off.send_replace(true));
    }

    fn with<T>(&self, client: &str, name: &str, tell: impl FnOnce(&watch::Sender<bool>) -> T) -> T {
        let mut all = lock(&self.0);
        all.retain(|_, named| named.off.receiver_count() > 0 || named.since.elapsed() < REMEMBERED);
        let named = all
            .entry((client.to_owned(), name.to_owned()))
            .or_insert_with(|| Named {
                off: watch::Sender::new(false),
                since: Instant::now(),
            });
        tell(&named.off)
    }
}

/// What becomes of an order; one without a name is never called off.
#[derive(Clone, Default)]
pub(super) struct Order(Option<watch::Receiver<bool>>);

impl Order {
    /// Waits until it is called off.
    pub async fn called_off(&mut self) {
        if let Some(off) = &mut self.0
            && off.wait_for(|off| *off).await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }

    fn is_off(&self) -> bool {
        self.0.as_ref().is_some_and(|off| *off.borrow())
    }

    /// Sends the command, unless it was called off, and waits for its one end, which comes soon once it is.
    pub async fn carry_out(mut self, link: Link, command: Command) -> Ended {
        if self.is_off() {
            return Err(hal::HalError::stopped().into());
        }
        let mut snapshots = link.snapshots();
        let name = command.name.clone();
        let mut end = pin!(link.send(command).ended());
        tokio::select! {
            ended = &mut end => return ended,
            () = self.called_off() => {}
        }
        let ours = snapshots.wait_for(|snapshot| {
            let job = snapshot.running();
            job.is_some_and(|job| job.by == link.name() && job.command.name == name)
        });
        let job = tokio::select! {
            ended = &mut end => return ended,
            found = ours => found.ok().and_then(|snapshot| snapshot.running().map(|job| job.id)),
        };
        if let Some(id) = job {
            // it may have ended meanwhile
            let _ = link.run(Command::new("job.stop").with("id", id)).await;
        }
        end.await
    }
}
