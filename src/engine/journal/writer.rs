//! The thread that writes, and the handle that everybody else has.

use super::disk::Disk;
use super::entry::Entry;
use super::line::{self, Chain};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

enum Job {
    /// The JSON of an entry.
    Line(String),
    /// Everything before it is to be on the disk.
    Sync(SyncSender<io::Result<()>>),
}

/// Who writes.
enum To {
    Thread(Sender<Job>),
    /// The caller: for tests in which every write has its place in time.
    #[cfg(test)]
    Here(Backlog),
    /// Nobody.
    Nowhere,
}

/// A journal that is written. Entries are in the order in which [`Journal::write`] was called.
pub struct Journal {
    to: Mutex<To>,
    thread: Mutex<Option<JoinHandle<()>>>,
    failed: Arc<AtomicBool>,
    /// The last wait for the disk failed.
    refused: AtomicBool,
    path: Option<PathBuf>,
}

impl Journal {
    /// Writes on a thread of its own, so that a slow disk holds up nobody who need not wait for it.
    pub fn new(disk: Box<dyn Disk>, path: Option<PathBuf>) -> io::Result<Journal> {
        let (to, jobs) = channel();
        let failed = Arc::new(AtomicBool::new(false));
        let told = failed.clone();
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write_all(disk, &jobs, &told))?;
        Ok(Journal {
            to: Mutex::new(To::Thread(to)),
            thread: Mutex::new(Some(thread)),
            failed,
            refused: AtomicBool::new(false),
            path,
        })
    }

    /// Writes at once, on the caller's thread.
    #[cfg(test)]
    pub(crate) fn inline(disk: Box<dyn Disk>) -> Journal {
        Journal {
            to: Mutex::new(To::Here(Backlog::new(disk))),
            thread: Mutex::new(None),
            failed: Arc::default(),
            refused: AtomicBool::new(false),
            path: None,
        }
    }

    /// A journal that keeps nothing, where none can be written: it says so to who has to wait for it.
    pub fn none() -> Journal {
        Journal {
            to: Mutex::new(To::Nowhere),
            thread: Mutex::new(None),
            failed: Arc::default(),
            refused: AtomicBool::new(false),
            path: None,
        }
    }

    /// Its file, while it is open.
    pub fn path(&self) -> Option<&PathBuf> {
        self.path.as_ref()
    }

    /// Takes an entry; it is written soon.
    pub fn write(&self, entry: &Entry) {
        match line::json(entry) {
            Ok(json) => self.send(Job::Line(json)),
            Err(error) => tracing::error!(%error, "an entry cannot be written as JSON"),
        }
    }

    /// Waits until all that was written is on the disk. Blocks: not for an async thread.
    pub fn sync(&self) -> io::Result<()> {
        let (done, wait) = sync_channel(1);
        self.send(Job::Sync(done));
        // no writer, no answer
        let synced = wait
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the journal is not written")));
        self.refused.store(synced.is_err(), Ordering::SeqCst);
        synced
    }

    /// The last wait for the disk failed: nothing that changes the sample goes out.
    pub fn refuses(&self) -> bool {
        self.refused.load(Ordering::SeqCst)
    }

    /// True once after something could not be written.
    pub fn failed_now(&self) -> bool {
        self.failed.swap(false, Ordering::SeqCst)
    }

    /// Writes out what is left and ends.
    pub fn end(&self) {
        *crate::core::lock(&self.to) = To::Nowhere;
        if let Some(thread) = crate::core::lock(&self.thread).take() {
            let _ = thread.join();
        }
    }

    fn send(&self, job: Job) {
        match &mut *crate::core::lock(&self.to) {
            // the writer ends only after this handle
            To::Thread(to) => drop(to.send(job)),
            #[cfg(test)]
            To::Here(backlog) => backlog.do_job(job, &self.failed),
            To::Nowhere => {}
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.end();
    }
}

/// Bytes that wait for a disk that is full, at most.
const MOST_WAITING: usize = 64 << 20;

/// What is still to be written. A disk that was full and is so no more goes on where it stopped, within the very line.
struct Backlog {
    disk: Box<dyn Disk>,
    chain: Chain,
    waiting: Vec<u8>,
    /// Too much waited: what is missing will stay so.
    lost: bool,
    /// The last line was written.
    well: bool,
}

impl Backlog {
    fn new(disk: Box<dyn Disk>) -> Backlog {
        Backlog {
            disk,
            chain: Chain::default(),
            waiting: Vec::new(),
            lost: false,
            well: true,
        }
    }

    fn do_job(&mut self, job: Job, failed: &AtomicBool) {
        match job {
            Job::Line(json) => {
                let written = self.take(&json).is_ok();
                if self.well && !written {
                    failed.store(true, Ordering::SeqCst);
                }
                self.well = written;
            }
            // who waited may have given up
            Job::Sync(done) => drop(done.send(self.sync())),
        }
    }

    fn take(&mut self, json: &str) -> io::Result<()> {
        let line = self.chain.line(json);
        if self.waiting.len() + line.len() > MOST_WAITING {
            self.lost = true;
        } else {
            self.waiting.extend_from_slice(line.as_bytes());
        }
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.lost {
            return Err(io::Error::other("parts of the journal are lost"));
        }
        while !self.waiting.is_empty() {
            match self.disk.append(&self.waiting) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => drop(self.waiting.drain(..n)),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        self.disk.sync()
    }
}

fn write_all(disk: Box<dyn Disk>, jobs: &Receiver<Job>, failed: &AtomicBool) {
    let mut backlog = Backlog::new(disk);
    for job in jobs {
        backlog.do_job(job, failed);
    }
    // whoever closes a journal has asked for this before, and been told
    let _ = backlog.sync();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// A disk that takes so many bytes and is then full.
    struct Small(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Disk for Small {
        fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (kept, most) = &mut *self.0.lock().unwrap();
            match bytes.len().min(*most - kept.len()) {
                0 => Err(io::ErrorKind::StorageFull.into()),
                n => {
                    kept.extend_from_slice(&bytes[..n]);
                    Ok(n)
                }
            }
        }

        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_told_once_refuses_a_sync_and_goes_on_when_it_has_room() {
        let disk = Arc::new(Mutex::new((Vec::new(), 50)));
        let journal = Journal::new(Box::new(Small(disk.clone())), None).unwrap();
        journal.write(&Entry::Closed { time: 1.0 });
        journal.sync().unwrap();
        assert!(!journal.failed_now());
        journal.write(&Entry::Closed { time: 2.0 });
        assert_eq!(journal.sync().unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(journal.failed_now() && !journal.failed_now());
        disk.lock().unwrap().1 = 1 << 20;
        journal.write(&Entry::Closed { time: 3.0 });
        journal.sync().unwrap();
        let read = line::read(&disk.lock().unwrap().0);
        assert_eq!((read.entries.len(), read.damaged.len(), read.torn), (3, 0, false));
    }
}
