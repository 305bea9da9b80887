//! Live view: a background stream per beam that gives way to every act. The ion beam's has an end and counts its dose.

use super::{Core, Speed, host::JobHost, lock};
use crate::event::{Event, LiveView};
use crate::snapshot::at;
use hal::Hand;
use hal::scope::Release;
use model::{Beam, Notice, Severity};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use workflow::live::{Live, LiveEnd, LiveReport, live};
use workflow::{JobCx, JobError};

/// The running live views.
#[derive(Default)]
pub(crate) struct Lives(Mutex<[Option<Release>; 2]>);

impl Lives {
    fn put(&self, beam: Beam, release: Option<Release>) -> Option<Release> {
        std::mem::replace(&mut lock(&self.0)[at(beam)], release)
    }
}

/// Switches the live view of `beam`.
pub(crate) fn switch(core: &Arc<Core>, beam: Beam, on: bool) -> Result<(), crate::Failure> {
    if let Some(old) = core.lives.put(beam, None) {
        old.cancel();
    }
    if !on {
        core.publish(Event::Live {
            beam,
            live: LiveView::default(),
        });
        return Ok(());
    }
    let connected = core.connected()?;
    if !connected.scope.capabilities().beam(beam).is_some_and(|b| b.live) {
        return Err(hal::HalError::unsupported(&format!("live view of the {beam} beam")).into());
    }
    let (hand, release) = connected.scope.background_hand(format!("live {}", beam.short()));
    core.lives.put(beam, Some(release));
    // nothing pauses a live view; on a virtual clock it sees time pass only while a command waits for it
    let while_active = (core.options.speed == Speed::Virtual).then(|| core.lanes.active());
    let host = JobHost {
        core: core.clone(),
        job: None,
        paused: watch::channel(false).1,
        while_active,
        hand: hand.clone(),
    };
    let cx = JobCx {
        hand: hand.clone(),
        host: Arc::new(host),
        instrument: connected.instrument,
        debts: Default::default(),
        whole: Default::default(),
    };
    core.publish(Event::Live {
        beam,
        live: LiveView {
            on: true,
            ..LiveView::default()
        },
    });
    tokio::spawn(stream(core.clone(), beam, cx, hand));
    Ok(())
}

/// Ends all live views and waits until their last frames have come to their end.
pub(crate) async fn end_all(core: &Arc<Core>) {
    for beam in Beam::ALL {
        if let Some(release) = core.lives.put(beam, None) {
            release.cancel();
            core.publish(Event::Live {
                beam,
                live: LiveView::default(),
            });
        }
    }
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
}

async fn stream(core: Arc<Core>, beam: Beam, cx: JobCx, hand: Hand) {
    let told = Arc::new(Mutex::new(LiveReport::default()));
    let (teller, last) = (core.clone(), told.clone());
    let report = move |report: LiveReport| {
        *lock(&last) = report;
        let until = report.remaining.map(|s| teller.time() + s);
        teller.publish(Event::Live {
            beam,
            live: LiveView {
                on: true,
                until,
                dose: report.dose,
                reason: None,
            },
        });
    };
    let ended = live(cx, Live::of(beam), report).await;
    if hand.is_ended() && core.lives.put(beam, None).is_none() {
        // whoever ended it has said so already
        return;
    }
    core.lives.put(beam, None);
    let reason = match ended {
        Ok((LiveEnd::Asked, _)) => "stopped".to_owned(),
        Ok((LiveEnd::TimedOut, _)) => "ended by itself: the ion beam mills while it looks".to_owned(),
        Err(JobError { what, .. }) => what,
    };
    core.notice(Notice::new(Severity::Info, format!("live {} {reason}", beam.short())));
    let dose = lock(&told).dose;
    core.publish(Event::Live {
        beam,
        live: LiveView {
            on: false,
            until: None,
            dose,
            reason: Some(reason),
        },
    });
}
