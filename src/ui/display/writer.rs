//! The thread that writes to the terminal: a slow line blocks it and nothing else. It has one piece at a time, so that what
//! is drawn next is always drawn from the newest state.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// What became of a piece.
pub struct Written {
    pub result: io::Result<()>,
    pub bytes: usize,
    pub took: Duration,
}

/// The near end of the writing thread.
pub struct Writer {
    pieces: Option<Sender<Vec<u8>>>,
    busy: bool,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread; `done` is called on it after every piece.
    pub fn start(out: impl Write + Send + 'static, done: impl Fn(Written) + Send + 'static) -> io::Result<Writer> {
        let (pieces, inbox) = channel();
        let thread = std::thread::Builder::new()
            .name("terminal".to_owned())
            .spawn(move || write(out, &inbox, done))?;
        Ok(Writer {
            pieces: Some(pieces),
            busy: false,
            thread: Some(thread),
        })
    }

    /// The last piece is out.
    pub fn is_idle(&self) -> bool {
        !self.busy
    }

    /// Hands a piece over; to be called only when idle.
    pub fn send(&mut self, piece: Vec<u8>) {
        self.busy = true;
        if let Some(pieces) = &self.pieces {
            // a thread that is gone has told its error already
            let _ = pieces.send(piece);
        }
    }

    /// `done` was called.
    pub fn done(&mut self) {
        self.busy = false;
    }

    /// Sends a last piece and waits for its end, but not for ever: a dead line must not keep the program.
    pub fn finish(mut self, last: Vec<u8>, patience: Duration) {
        if let Some(pieces) = self.pieces.take() {
            let _ = pieces.send(last);
        }
        let Some(thread) = self.thread.take() else { return };
        let start = Instant::now();
        while !thread.is_finished() && start.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn write(mut out: impl Write, inbox: &Receiver<Vec<u8>>, done: impl Fn(Written)) {
    for piece in inbox {
        let start = Instant::now();
        let result = out.write_all(&piece).and_then(|()| out.flush());
        let failed = result.is_err();
        done(Written {
            result,
            bytes: piece.len(),
            took: start.elapsed(),
        });
        if failed {
            return;
        }
    }
}
