//! Ctrl-C and the request to end, heard from a session's first moment to its last: stop is pressed at once, whatever the session
//! is doing, and what comes next finds that it was interrupted.

use super::exit::CliError;
use engine::Link;
use tokio::sync::watch;

/// Whether the session was interrupted. Clones hear the same.
#[derive(Clone)]
pub struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Listens from now on; each press is also a press of stop on `link`, where there is one.
    pub fn listen(link: Option<Link>) -> Result<Interrupt, CliError> {
        let failed =
            |e: std::io::Error| CliError::failed(format!("Ctrl-C could not be listened for: {e}; nothing was started"));
        let (teller, pressed) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let (mut interrupt, mut end) = {
            let _inside = runtime.enter();
            signals().map_err(failed)?
        };
        // a thread of its own: between two commands nothing else would listen
        let listen = move || {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        Some(()) = interrupt.recv() => {}
                        Some(()) = end.recv() => {}
                        else => break,
                    }
                    // said before it is done: who sends a command and finds nothing said, sent it before the press
                    teller.send_replace(true);
                    if let Some(link) = &link {
                        link.stop();
                    }
                }
            });
        };
        std::thread::Builder::new()
            .name("interrupt".to_owned())
            .spawn(listen)
            .map_err(failed)?;
        Ok(Interrupt(pressed))
    }

    pub fn came(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it comes; at once, if it has come.
    pub async fn comes(&self) {
        if self.0.clone().wait_for(|pressed| *pressed).await.is_err() {
            // nobody listens any more, so none will come
            std::future::pending::<()>().await;
        }
    }

    /// What `work` comes to, or `None` if the interrupt came first.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.comes() => None,
            done = work => Some(done),
        }
    }
}

#[cfg(unix)]
fn signals() -> std::io::Result<(tokio::signal::unix::Signal, tokio::signal::unix::Signal)> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
}

#[cfg(windows)]
fn signals() -> std::io::Result<(tokio::signal::windows::CtrlC, tokio::signal::windows::CtrlClose)> {
    use tokio::signal::windows::{ctrl_c, ctrl_close};
    Ok((ctrl_c()?, ctrl_close()?))
}
