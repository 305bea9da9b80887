//! The thread that writes what was drawn: a slow disk delays no stroke. Of masks of one picture that wait, the newest alone is written.

use learn::LearnError;
use learn::label::{Save, SavePoints};
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};

/// What is to be written.
#[derive(Clone, Debug)]
pub enum Sheet {
    Mask(Save),
    Points(SavePoints),
}

/// How one of them ended; those it stands for ended with it.
pub struct Saved {
    pub what: Sheet,
    pub count: usize,
    pub result: Result<(), LearnError>,
}

enum Work {
    Write(Sheet),
    /// To be done when all before it is written.
    Then(Box<dyn FnOnce() + Send>),
}

/// The near end of it.
pub struct Saver(Sender<Work>);

impl Sheet {
    fn write(&self) -> Result<(), LearnError> {
        match self {
            Sheet::Mask(save) => save.write(),
            Sheet::Points(save) => save.write(),
        }
    }

    fn replaces(&self, older: &Sheet) -> bool {
        match (self, older) {
            (Sheet::Mask(new), Sheet::Mask(old)) => new.path == old.path,
            (Sheet::Points(new), Sheet::Points(old)) => new.path == old.path,
            _ => false,
        }
    }
}

impl Saver {
    /// `done` is called on the thread, after each.
    pub fn start(done: impl Fn(Saved) + Send + 'static) -> io::Result<Saver> {
        let (orders, inbox) = channel();
        let thread = std::thread::Builder::new().name("labels".to_owned());
        thread.spawn(move || work(&inbox, done))?;
        Ok(Saver(orders))
    }

    pub fn save(&self, what: Sheet) {
        // a thread that is gone can say so no more than this: what waits for it sees it
        let _ = self.0.send(Work::Write(what));
    }

    /// Does something once all that was handed over is written, or was told to have failed.
    pub fn then(&self, what: impl FnOnce() + Send + 'static) {
        let _ = self.0.send(Work::Then(Box::new(what)));
    }
}

fn work(inbox: &Receiver<Work>, done: impl Fn(Saved)) {
    let mut next = inbox.recv().ok();
    while let Some(work) = next.take() {
        match work {
            Work::Then(what) => what(),
            Work::Write(mut what) => {
                let mut count = 1;
                while let Ok(newer) = inbox.try_recv() {
                    match newer {
                        Work::Write(newer) if newer.replaces(&what) => {
                            what = newer;
                            count += 1;
                        }
                        other => {
                            next = Some(other);
                            break;
                        }
                    }
                }
                let result = what.write();
                done(Saved { what, count, result });
            }
        }
        if next.is_none() {
            next = inbox.recv().ok();
        }
    }
}
