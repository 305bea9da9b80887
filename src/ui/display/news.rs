//! What comes in from the terminal and from the threads that serve it.

use super::painting::Painted;
use super::writer::Written;
use crossterm::event::{Event, EventStream};
use futures::StreamExt;
use picture::detect::{StrayReply, keys};
use picture::{Choice, Env, Graphics, Replies};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// How long the terminal may take to say what it can show.
const PATIENCE: Duration = Duration::from_millis(600);

/// Everything a display is told.
pub enum News {
    Terminal(Event),
    /// The terminal has said what it can, or nothing in time.
    Probed(Graphics),
    /// Its event reader failed.
    Deaf(std::io::Error),
    Painted(Painted),
    Written(Written),
    /// The system wants the program to end.
    Leave,
}

/// What the one who draws should know of it.
pub enum Heard {
    Event(Event),
    /// Pictures may be made otherwise from now on; the size of a cell where the mouse tells pixels.
    Probed(Option<(u16, u16)>),
    /// There are pictures to show.
    Painted,
    /// A frame is out; pictures may have to be made otherwise.
    Written(bool),
    Leave,
}

/// Asks the terminal, then reads its events. Keys pressed meanwhile come first.
pub fn ask_terminal<I: From<News> + Send + 'static>(inputs: UnboundedSender<I>, env: Env, choice: Choice) {
    tokio::spawn(async move {
        let tmux = env.tmux;
        let asked = tokio::task::spawn_blocking(move || picture::detect::ask(&mut std::io::stdout(), tmux, PATIENCE));
        let replies = match asked.await {
            Ok(Ok(replies)) => replies,
            _ => Replies::default(),
        };
        let graphics = Graphics::decide(choice, &env, &replies, super::look::window());
        // the loop has ended when nobody takes these
        let _ = inputs.send(News::Probed(graphics).into());
        for key in keys(&replies.typed) {
            let _ = inputs.send(News::Terminal(Event::Key(key)).into());
        }
        let mut stray = (!replies.complete).then(StrayReply::default);
        let mut events = EventStream::new();
        while let Some(event) = events.next().await {
            let input = match event {
                Ok(Event::Key(key)) if stray.as_mut().is_some_and(|s| s.swallows(&key)) => continue,
                Ok(event) => News::Terminal(event),
                Err(error) => News::Deaf(error),
            };
            if inputs.send(input.into()).is_err() {
                return;
            }
        }
        let _ = inputs.send(News::Leave.into());
    });
}

/// SIGTERM, SIGHUP and their kin end the screen as `q` does, but without a question.
pub fn watch_signals<I: From<News> + Send + 'static>(inputs: UnboundedSender<I>) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for kind in [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()] {
            let inputs = inputs.clone();
            tokio::spawn(async move {
                if let Ok(mut signal) = signal(kind) {
                    signal.recv().await;
                    let _ = inputs.send(News::Leave.into());
                }
            });
        }
    }
    #[cfg(windows)]
    tokio::spawn(async move {
        if let Ok(mut close) = tokio::signal::windows::ctrl_close() {
            close.recv().await;
            let _ = inputs.send(News::Leave.into());
        }
    });
    #[cfg(not(any(unix, windows)))]
    drop(inputs);
}
