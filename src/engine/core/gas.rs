//! Gas that nobody would be left to watch.

use super::{Core, lock};
use hal::Act;
use model::{Notice, Severity};
use std::sync::Arc;

/// Closes every valve that is open, however it came to be, before the engine leaves its instrument (`by` says why), and tells of
/// it. Injectors and heaters stay as they are.
pub(crate) async fn close(core: &Arc<Core>, by: &str) {
    let Ok(scope) = core.scope() else { return };
    if scope.capabilities().gas.is_none() {
        return;
    }
    let _active = core.lanes.activity();
    let state = match scope.gas().await {
        Ok(state) => state.value,
        Err(error) => {
            core.notice(unknown(by).detail(error.what));
            return;
        }
    };
    let (hand, _release) = scope.hand(by);
    for port in state.ports.into_iter().filter(|port| port.open) {
        let name = model::text::printable(&port.port);
        let closed = hand
            .act(Act::GasValve {
                port: port.port,
                open: false,
            })
            .await;
        core.notice(match closed {
            Ok(_) => Notice::new(
                Severity::Warning,
                format!("gas flowed from {name}: its valve was closed"),
            )
            .detail(by),
            Err(error) => Notice::new(
                Severity::Alarm,
                format!("gas flows from {name}: its valve was NOT closed"),
            )
            .detail(error.what)
            .hint("close it in the vendor's own program"),
        });
    }
    lock(&core.touched).all();
}

/// Nobody can say whether a valve is open.
pub(crate) fn unknown(by: &str) -> Notice {
    Notice::new(Severity::Alarm, format!("{by}: whether gas still flows is not known"))
        .hint("look at the valves in the vendor's own program")
}
