use super::*;
use hal::{HalError, Stopper};
use std::io::{BufRead, BufReader, PipeWriter, Write, pipe};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A red button that fails so often before it works.
struct Button(AtomicU32);

impl Stopper for Button {
    fn stop(&self) -> Result<(), HalError> {
        match self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
        {
            Ok(_) => Err(HalError::not_connected()),
            Err(_) => Ok(()),
        }
    }
}

fn works(_: &Instrument) -> Result<Arc<dyn Stopper>, HalError> {
    Ok(Arc::new(Button(AtomicU32::new(0))))
}

fn works_at_last(_: &Instrument) -> Result<Arc<dyn Stopper>, HalError> {
    Ok(Arc::new(Button(AtomicU32::new(2))))
}

/// A dog on a thread, its ears and what it says.
struct Kennel {
    say: Option<PipeWriter>,
    told: std::io::Lines<BufReader<std::io::PipeReader>>,
    thread: JoinHandle<()>,
    folder: tempfile::TempDir,
}

type Opens = fn(&Instrument) -> Result<Arc<dyn Stopper>, HalError>;

impl Kennel {
    fn new(opens: Opens, limit: Duration) -> Kennel {
        let (input, say) = pipe().unwrap();
        let (told, output) = pipe().unwrap();
        let thread = std::thread::spawn(move || run(BufReader::new(input), output, opens, limit));
        let mut kennel = Kennel {
            say: Some(say),
            told: BufReader::new(told).lines(),
            thread,
            folder: tempfile::tempdir().unwrap(),
        };
        let note = note(&kennel.journal());
        kennel.say(&Said::Open {
            instrument: Box::default(),
            note,
        });
        assert_eq!(kennel.hear(), Some(Told::Watching));
        kennel
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("20260101-000000.open.jsonl")
    }

    fn say(&mut self, said: &Said) {
        let line = serde_json::to_string(said).unwrap();
        writeln!(self.say.as_mut().unwrap(), "{line}").unwrap();
    }

    fn hear(&mut self) -> Option<Told> {
        Some(serde_json::from_str(&self.told.next()?.unwrap()).unwrap())
    }

    /// The engine is gone; everything that the dog says after that, and what it wrote down.
    fn end(mut self) -> (Vec<Told>, Option<Note>) {
        self.say = None;
        let told = std::iter::from_fn(|| self.hear()).collect();
        self.thread.join().unwrap();
        (told, read(&self.folder.path().join("20260101-000000.jsonl")))
    }
}

const NEVER: Duration = Duration::from_secs(3600);

#[test]
fn an_engine_that_dies_at_work_is_followed_by_a_stop_that_is_written_down() {
    for opens in [works as Opens, works_at_last] {
        let mut kennel = Kennel::new(opens, NEVER);
        kennel.say(&Said::Beat { busy: true });
        let (told, note) = kennel.end();
        let note = note.unwrap();
        assert!(note.sent && note.time > 1.6e9 && note.why.contains("ended"), "{note:?}");
        assert_eq!(told, [Told::Stopped { note }]);
    }
}

#[test]
fn an_engine_that_hangs_at_work_is_stopped_once_and_watched_again_when_it_comes_back() {
    let mut kennel = Kennel::new(works, Duration::from_millis(20));
    for _ in 0..2 {
        kennel.say(&Said::Beat { busy: true });
        let Some(Told::Stopped { note }) = kennel.hear() else {
            panic!("not stopped");
        };
        assert!(note.sent && note.why.contains("sign of life"), "{note:?}");
    }
    let (told, _) = kennel.end();
    assert!(told.is_empty(), "stopped twice: {told:?}");
}

#[test]
fn what_is_idle_or_ends_as_it_should_is_let_be() {
    let mut idle = Kennel::new(works, NEVER);
    idle.say(&Said::Beat { busy: true });
    idle.say(&Said::Beat { busy: false });
    assert_eq!(idle.end(), (Vec::new(), None));
    let mut ending = Kennel::new(works, NEVER);
    ending.say(&Said::Beat { busy: true });
    ending.say(&Said::End);
    assert_eq!(ending.end(), (Vec::new(), None));
}
