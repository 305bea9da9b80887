//! The process that watches.

use super::{Note, Said, Told};
use hal::clock::TokioClock;
use hal::drivers::{self, Opening};
use hal::{HalError, Stopper};
use model::config::Instrument;
use model::file::{self, Durability};
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An engine that says nothing for so long is taken for dead.
pub const LIMIT: Duration = Duration::from_secs(2);
/// A stop that does not go out is tried again, so often and so soon.
const TRIES: u32 = 10;
const AGAIN: Duration = Duration::from_millis(200);

/// What opens the red button of an instrument.
type Open = fn(&Instrument) -> Result<Arc<dyn Stopper>, HalError>;

/// A connection of one's own to the instrument, of which only the red button is kept.
pub fn open(instrument: &Instrument) -> Result<Arc<dyn Stopper>, HalError> {
    let row = drivers::find(&instrument.driver).ok_or_else(HalError::not_connected)?;
    let opening = Opening {
        instrument: instrument.clone(),
        clock: Arc::new(TokioClock::new(now(), 1.0)),
        world: None,
    };
    Ok((row.open)(&opening)?.stopper())
}

struct Dog<W> {
    open: Open,
    instrument: Option<Box<Instrument>>,
    stopper: Option<Arc<dyn Stopper>>,
    note: Option<PathBuf>,
    busy: bool,
    output: W,
}

/// Watches until the engine has ended. `limit`: [`LIMIT`], but for tests.
pub fn run(input: impl BufRead + Send + 'static, output: impl Write, open: Open, limit: Duration) {
    let (sender, said) = channel();
    // it ends with the engine's end of the line, or with this process
    std::thread::spawn(move || {
        for line in input.lines().map_while(Result::ok) {
            // a later engine's word: a sign of life all the same
            let word = serde_json::from_str(&line).ok();
            if sender.send(word).is_err() {
                return;
            }
        }
    });
    let mut dog = Dog {
        open,
        instrument: None,
        stopper: None,
        note: None,
        busy: false,
        output,
    };
    loop {
        match said.recv_timeout(limit) {
            Ok(Some(Said::Open { instrument, note })) => {
                (dog.instrument, dog.stopper, dog.note) = (Some(instrument), None, note);
                let told = match dog.connect() {
                    Ok(_) => Told::Watching,
                    Err(error) => Told::Blind { why: error.to_string() },
                };
                dog.tell(&told);
            }
            Ok(Some(Said::Beat { busy })) => dog.busy = busy,
            Ok(Some(Said::End)) => return,
            Ok(None) => {}
            Err(RecvTimeoutError::Timeout) => {
                let why = format!("the engine gave no sign of life for {} s", limit.as_secs_f64());
                dog.act(&why);
            }
            Err(RecvTimeoutError::Disconnected) => return dog.act("the engine ended without a word"),
        }
    }
}

impl<W: Write> Dog<W> {
    fn connect(&mut self) -> Result<Arc<dyn Stopper>, HalError> {
        if let Some(stopper) = &self.stopper {
            return Ok(stopper.clone());
        }
        let instrument = self.instrument.as_ref().ok_or_else(HalError::not_connected)?;
        let stopper = (self.open)(instrument)?;
        self.stopper = Some(stopper.clone());
        Ok(stopper)
    }

    /// Stops what is under way, once, and writes down when.
    fn act(&mut self, why: &str) {
        if !std::mem::take(&mut self.busy) {
            return;
        }
        let sent = (0..TRIES).any(|n| {
            if n > 0 {
                std::thread::sleep(AGAIN);
            }
            self.connect().and_then(|stopper| stopper.stop()).is_ok()
        });
        let note = Note {
            time: now(),
            sent,
            why: why.to_owned(),
        };
        if let Some(path) = &self.note {
            let text = serde_json::to_vec(&note).unwrap_or_default();
            // a full disk: it has stopped all the same
            let _ = file::replace(path, Durability::Synced, &text);
        }
        self.tell(&Told::Stopped { note });
    }

    fn tell(&mut self, told: &Told) {
        // an engine that is gone hears nothing, and its dog goes on
        if let Ok(line) = serde_json::to_string(told) {
            let _ = writeln!(self.output, "{line}").and_then(|()| self.output.flush());
        }
    }
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}
