//! A journal that is closed and played again.

use super::*;
use crate::journal::{self, Past, line};
use crate::query::{Query, Reply};
use crate::replay::Replay;

#[test]
fn a_session_is_played_to_its_end_and_nothing_can_be_sent() {
    let bench = Bench::new();
    let lines = [
        "system.connect",
        "stage.move-relative x=20um",
        "image.acquire beam=electron resolution=384x256",
    ];
    bench.lines(&lines).unwrap();
    let before = bench.link().snapshot();
    let Bench { engine, folder } = bench;
    drop(engine);
    let files: Vec<_> = std::fs::read_dir(journal::folder(&folder.path().join("data")))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let [file] = &files[..] else { panic!("{files:?}") };
    assert!(!file.to_string_lossy().ends_with("open.jsonl"), "{}", file.display());
    let read = journal::read(file).unwrap();
    let past = Past::of(&read);
    assert!(read.damaged.is_empty() && !read.torn && past.closed && past.is_at_rest());

    let replay = Replay::open(file, f64::INFINITY).unwrap();
    let link = replay.link();
    wait(async {
        until(&link, |s| s.seq > before.seq).await;
        let now = link.snapshot();
        assert_eq!((&now.stage, &now.frames), (&before.stage, &before.frames));
        let id = now.frames.back().unwrap().id;
        let picture = link.ask(Query::Frame { id, most: 0 }).await.unwrap();
        assert!(matches!(picture, Reply::Frame(frame) if frame.pixels.size() == (384, 256)));
        let refused = link
            .run(parse::line("stage.move-relative x=1um").unwrap())
            .await
            .unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unsupported);
    });
}

#[test]
fn a_journal_with_a_torn_end_is_still_told_and_played() {
    let bench = Bench::new();
    bench.lines(&["system.connect", "stage.move-relative x=20um"]).unwrap();
    let file = bench.engine.core.journal.path().unwrap().clone();
    bench.engine.core.journal.sync().unwrap();
    let bytes = std::fs::read(&file).unwrap();
    let copy = bench.folder.path().join("copy.jsonl");
    std::fs::write(&copy, &bytes[..bytes.len() - 5]).unwrap();
    let read = line::read(&std::fs::read(&copy).unwrap());
    assert!(read.torn && read.damaged.is_empty());
    let replay = Replay::open(&copy, f64::INFINITY).unwrap();
    let told = |s: &crate::Snapshot| s.notices.iter().any(|n| n.notice.title.contains("crash"));
    wait(until(&replay.link(), told));
}
