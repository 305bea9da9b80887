//! The far end of a line through ssh: bytes from stdin to the daemon and back, understood by nobody on the way.

use super::{NoLine, broken};
use crate::serve::socket;
use model::config::Paths;

/// Passes bytes until either side ends.
pub fn relay(paths: &Paths) -> Result<(), NoLine> {
    let failed = |e: std::io::Error| NoLine::Failed(broken(&e.to_string()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let ended = runtime.block_on(async {
        let stream = socket::connect(paths)
            .await
            .map_err(failed)?
            .ok_or(NoLine::NobodyThere)?;
        let (mut from, mut to) = tokio::io::split(stream);
        let (mut input, mut output) = (tokio::io::stdin(), tokio::io::stdout());
        tokio::select! {
            // whoever was at the other end has gone: an error here is just that
            _ = tokio::io::copy(&mut input, &mut to) => {}
            _ = tokio::io::copy(&mut from, &mut output) => {}
        }
        Ok(())
    });
    // a read of stdin that never returns must not keep the program
    runtime.shutdown_background();
    ended
}
