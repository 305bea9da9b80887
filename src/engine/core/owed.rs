//! What a job still owes when its task has ended: put back at once, or, after the red button and where that fails, offered.

use super::{Core, Cx, lock};
use crate::event::Event;
use crate::link::Ended;
use model::{Notice, Severity};
use serde_json::json;
use std::sync::Arc;
use workflow::{Debt, JobCx, restore};

/// Puts back what the ended job `cx` owes, however it ended. After stop was pressed nothing may move: it is kept and offered.
pub(crate) async fn settle(core: &Arc<Core>, cx: &JobCx, stopped: bool) {
    let debts = cx.debts.take();
    if debts.is_empty() {
        return;
    }
    if stopped {
        lock(&core.owed).extend(debts);
        offer(core);
        return;
    }
    pay_all(core, &cx.afterwards(), debts).await;
}

/// Puts back what stopped jobs left changed; what cannot be put back stays offered.
pub(crate) async fn restore(cx: Cx, forget: bool) -> Ended {
    let debts = std::mem::take(&mut *lock(&cx.core.owed));
    let what: Vec<String> = debts.iter().map(|debt| debt.what.clone()).collect();
    if forget {
        offer(&cx.core);
        return Ok(json!({ "forgotten": what }));
    }
    let job = cx.job()?;
    for (i, debt) in debts.iter().enumerate() {
        if let Err(error) = restore::pay(&job, debt).await {
            *lock(&cx.core.owed) = debts[i..].to_vec();
            offer(&cx.core);
            return Err(error.into());
        }
    }
    offer(&cx.core);
    Ok(json!({ "restored": what }))
}

/// What cannot be put back is told, and stays offered.
async fn pay_all(core: &Arc<Core>, cx: &JobCx, debts: Vec<Debt>) {
    let mut unpaid = Vec::new();
    for debt in debts {
        if let Err(error) = restore::pay(cx, &debt).await {
            core.notice(Notice::new(Severity::Alarm, error.what).hint(error.hint));
            unpaid.push(debt);
        }
    }
    if !unpaid.is_empty() {
        lock(&core.owed).extend(unpaid);
        offer(core);
    }
}

/// Tells everyone what is owed now.
pub(crate) fn offer(core: &Arc<Core>) {
    let what: Vec<String> = lock(&core.owed).iter().map(|debt| debt.what.clone()).collect();
    if core.snapshot().owed != what {
        core.publish(Event::Owed { what });
    }
}
