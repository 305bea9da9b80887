//! Engine and clients over a line: what a client elsewhere sees, may and may not, and what its end changes.

use super::*;
use crate::command::READS;
use crate::event::Event;
use crate::link::Heard;
use crate::query::{Query, Reply};
use crate::remote::enter;
use crate::serve::{Desk, socket::Peer};
use crate::wire::{Hello, Kind, PROTOCOL, Said, Told, Welcome, packet};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

/// Bytes that a line holds between its ends.
const BUFFER: usize = 64 << 10;

fn hello(name: &str) -> Hello {
    Hello {
        protocol: PROTOCOL,
        program: "test".to_owned(),
        name: name.to_owned(),
        user: "ann".to_owned(),
        read_only: false,
    }
}

/// The raw end of a client, and its server at work.
fn raw(desk: &Desk, buffer: usize) -> (DuplexStream, JoinHandle<()>) {
    let (ours, theirs) = duplex(buffer);
    let desk = desk.clone();
    let served = tokio::spawn(async move {
        let (read, write) = tokio::io::split(theirs);
        desk.client(read, write, &Peer::default()).await;
    });
    (ours, served)
}

/// A client whose line is pumped.
struct Client {
    link: Link,
    pump: JoinHandle<()>,
    served: JoinHandle<()>,
}

impl Client {
    async fn new(desk: &Desk, hello: Hello) -> Client {
        let (ours, served) = raw(desk, BUFFER);
        let (mut read, mut write) = tokio::io::split(ours);
        let (line, link, _) = enter(&mut read, &mut write, &hello).await.unwrap();
        let pump = tokio::spawn(line.pump(read, write));
        Client { link, pump, served }
    }

    async fn run(&self, line: &str) -> Result<Value, Failure> {
        self.link.run(parse::line(line)?).await
    }

    /// The line is cut.
    async fn cut(self) {
        self.pump.abort();
        let _ = self.pump.await;
        self.served.await.unwrap();
    }
}

/// A connected engine on real time, and its desk.
fn bench() -> (Bench, Desk) {
    let bench = Bench::with(|o| o.speed = Speed::Real(1.0));
    bench.lines(&["system.connect"]).unwrap();
    let desk = Desk::new(&bench.engine);
    (bench, desk)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

#[test]
fn a_client_elsewhere_sees_what_the_engine_sees() {
    let (bench, desk) = bench();
    run(async {
        let client = Client::new(&desk, hello("console")).await;
        assert_eq!(client.link.name(), "ann/console");
        let mut heard = client.link.listen();
        let here = bench.link();
        assert_eq!(client.link.snapshot().connection, here.snapshot().connection);
        let moved = client.run("stage.move-relative x=20um").await.unwrap();
        assert!((moved["x"].as_f64().unwrap() - 20e-6).abs() < 1e-9);
        assert_eq!(client.link.snapshot().control.as_deref(), Some("ann/console"));
        // every event of the engine arrives, and its fold is the same
        let last = here.snapshot().seq;
        until(&client.link, |s| s.seq >= last).await;
        let mut seen = Vec::new();
        while let Ok(item) = heard.try_recv() {
            if let Heard::Event(event) = item {
                seen.push(event.seq);
            }
        }
        assert!(seen.windows(2).all(|w| w[1] == w[0] + 1), "{seen:?}");
        let (mine, theirs) = (client.link.snapshot(), here.snapshot());
        assert_eq!((&mine.stage, &mine.jobs), (&theirs.stage, &theirs.jobs));
        client.cut().await;
    });
}

#[test]
fn pictures_come_whole_and_at_the_size_that_is_wanted() {
    let (bench, desk) = bench();
    run(async {
        let client = Client::new(&desk, hello("console")).await;
        client
            .run("image.acquire beam=electron resolution=768x512 dwell_time=50ns")
            .await
            .unwrap();
        let id = client.link.snapshot().frames.back().unwrap().id;
        for most in [0, 200] {
            let there = client.link.ask(Query::Frame { id, most }).await.unwrap();
            let here = bench.link().ask(Query::Frame { id, most }).await.unwrap();
            let (Reply::Frame(there), Reply::Frame(here)) = (there, here) else {
                panic!("no picture")
            };
            assert_eq!(there, here);
        }
        let gone = client.link.ask(Query::Frame { id: 999_999, most: 0 }).await.unwrap();
        assert!(matches!(gone, Reply::Gone { file: None }));
        client.cut().await;
    });
}

#[test]
fn control_has_one_holder_is_taken_openly_and_is_free_when_its_holder_goes() {
    let (bench, desk) = bench();
    run(async {
        let first = Client::new(&desk, hello("console")).await;
        let second = Client::new(&desk, hello("console")).await;
        assert_eq!(second.link.name(), "ann/console-2");
        first.run("stage.move-relative x=1um").await.unwrap();
        let refused = second.run("stage.move-relative x=1um").await.unwrap_err();
        assert!(
            refused.kind == ErrorKind::Busy && refused.title.contains("ann/console"),
            "{refused}"
        );
        second.run("control.take").await.unwrap();
        assert_eq!(
            first.run("stage.move-relative x=1um").await.unwrap_err().kind,
            ErrorKind::Busy
        );
        second.run("stage.move-relative x=1um").await.unwrap();
        let settings = bench.link().snapshot().settings.clone();
        second.cut().await;
        until(&first.link, |s| s.control.is_none()).await;
        assert_eq!(bench.link().snapshot().settings, settings);
        first.run("stage.move-relative x=1um").await.unwrap();
        first.cut().await;
    });
}

#[test]
fn a_job_outlives_the_client_that_began_it_and_the_next_sees_it_run() {
    let (bench, desk) = bench();
    run(async {
        let first = Client::new(&desk, hello("console")).await;
        let _receipt = first.link.send(parse::line("stage.move-relative x=2mm").unwrap());
        until(&bench.link(), |s| s.running().is_some()).await;
        first.cut().await;
        let second = Client::new(&desk, hello("console")).await;
        let job = second.link.snapshot().running().cloned().unwrap();
        assert_eq!(job.by, "ann/console");
        until(&second.link, |s| s.running().is_none()).await;
        let x = second.run("stage.position").await.unwrap()["x"].as_f64().unwrap();
        assert!((x - 2e-3).abs() < 1e-6, "{x}");
        second.cut().await;
    });
}

#[test]
fn stop_comes_from_a_watcher_too_and_reaches_what_others_sent_before() {
    let (_bench, desk) = bench();
    run(async {
        let worker = Client::new(&desk, hello("console")).await;
        let watcher = Hello {
            read_only: true,
            ..hello("watch")
        };
        let watcher = Client::new(&desk, watcher).await;
        let refused = watcher.run("stage.move-relative x=1um").await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::NotAuthorised);
        watcher.run("system.state").await.unwrap();
        let moving = worker.link.send(parse::line("stage.move-relative x=5mm").unwrap());
        until(&watcher.link, |s| s.running().is_some()).await;
        let before = worker.link.snapshot().presses;
        watcher.link.stop();
        assert_eq!(moving.ended().await.unwrap_err().kind, ErrorKind::Stopped);
        until(&worker.link, |s| s.presses > before && s.stopped.is_some()).await;
        // what is sent by who has heard of it goes
        worker.run("stage.move-relative x=1um").await.unwrap();
        // what was sent by who had not heard of it does not begin
        let old = worker.link.presses.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
        let late = worker.run("stage.move-relative x=1um").await.unwrap_err();
        assert_eq!((late.kind, old), (ErrorKind::Stopped, before + 1));
        watcher.cut().await;
        worker.cut().await;
    });
}

#[test]
fn who_reads_nothing_is_brought_to_the_newest_and_nobody_waits_for_them() {
    let (bench, desk) = bench();
    run(async {
        let (mut slow, served) = raw(&desk, 4096);
        packet::say(&mut slow, &hello("slow")).await.unwrap();
        let quick = Client::new(&desk, hello("quick")).await;
        // far more events than are kept for anybody
        for n in 0..700 {
            quick.run(&format!("session.set project=p{n}")).await.unwrap();
            quick.run("notice.seen").await.unwrap();
            quick
                .run(&format!("image.settings beam=ion hfw={}um", 50 + n % 7))
                .await
                .ok();
        }
        let newest = bench.link().snapshot().seq;
        assert!(newest > 1200, "{newest}");
        let _: Welcome = packet::greeting(&mut slow).await.unwrap();
        let (mut snapshots, mut events, mut at) = (0, 0, 0);
        while at < newest {
            let packet = packet::read(&mut slow, packet::MOST_TOLD).await.unwrap().unwrap();
            match serde_json::from_slice(&packet.body).unwrap() {
                Told::Snapshot(snapshot) => (snapshots, at) = (snapshots + 1, snapshot.seq),
                Told::Event(event) => {
                    assert_eq!(event.seq, at + 1, "nothing is left out between two snapshots");
                    (events, at) = (events + 1, event.seq);
                }
                _ => {}
            }
        }
        assert!(snapshots >= 2 && events < newest, "{snapshots} {events}");
        drop(slow);
        served.await.unwrap();
        quick.cut().await;
    });
}

#[test]
fn a_gap_is_mended_by_a_snapshot() {
    run(async {
        let (ours, theirs) = duplex(BUFFER);
        let (mut read, mut write) = tokio::io::split(ours);
        let (mut from, mut to) = tokio::io::split(theirs);
        let greeting = async {
            let _: Hello = packet::greeting(&mut from).await.unwrap();
            let welcome = Welcome {
                protocol: PROTOCOL,
                program: "test".to_owned(),
                name: "ann".to_owned(),
                instrument: "twin".to_owned(),
                refused: None,
            };
            packet::say(&mut to, &welcome).await.unwrap();
            packet::say(&mut to, &Told::Snapshot(Default::default())).await.unwrap();
        };
        let me = hello("console");
        let (entered, ()) = tokio::join!(enter(&mut read, &mut write, &me), greeting);
        let (line, link, _) = entered.unwrap();
        let pump = tokio::spawn(line.pump(read, write));
        let event = |seq| {
            Told::Event(Arc::new(crate::Sequenced {
                seq,
                time: 0.0,
                event: Event::Control {
                    holder: Some(seq.to_string()),
                },
            }))
        };
        packet::say(&mut to, &event(1)).await.unwrap();
        packet::say(&mut to, &event(5)).await.unwrap();
        let asked = loop {
            let packet = packet::read(&mut from, packet::MOST_SAID).await.unwrap().unwrap();
            match serde_json::from_slice(&packet.body).unwrap() {
                Said::Here => {}
                said => break said,
            }
        };
        assert_eq!(asked, Said::Again);
        assert_eq!(link.snapshot().control.as_deref(), Some("1"));
        let newest = crate::Snapshot {
            seq: 5,
            control: Some("five".to_owned()),
            ..Default::default()
        };
        packet::say(&mut to, &Told::Snapshot(Arc::new(newest))).await.unwrap();
        packet::say(&mut to, &event(5)).await.unwrap();
        packet::say(&mut to, &event(6)).await.unwrap();
        until(&link, |s| s.seq == 6).await;
        assert_eq!(link.snapshot().control.as_deref(), Some("6"));
        // the line is cut: what waits is told, and what is known stays
        let waiting = link.send(crate::Command::new("job.list"));
        packet::read(&mut from, packet::MOST_SAID).await.unwrap();
        drop((from, to));
        pump.await.unwrap();
        assert_eq!(waiting.ended().await.unwrap_err().kind, ErrorKind::NotConnected);
        assert_eq!(link.snapshot().seq, 6);
    });
}

#[test]
fn another_protocol_leaves_status_and_stop() {
    let (bench, desk) = bench();
    run(async {
        let other = Hello {
            protocol: PROTOCOL + 1,
            ..hello("console")
        };
        let (ours, served) = raw(&desk, BUFFER);
        let (mut read, mut write) = tokio::io::split(ours);
        packet::say(&mut write, &other).await.unwrap();
        let welcome: Welcome = packet::greeting(&mut read).await.unwrap();
        assert_eq!(welcome.protocol, PROTOCOL);
        let mut ask = async |id: u64, name: &str| {
            let command = crate::Command::new(name);
            packet::say(
                &mut write,
                &Said::Run {
                    id,
                    presses: 0,
                    command,
                },
            )
            .await
            .unwrap();
            let packet = packet::read(&mut read, packet::MOST_TOLD).await.unwrap().unwrap();
            match serde_json::from_slice(&packet.body).unwrap() {
                Told::Ended { id: same, end } if same == id => end,
                other => panic!("{other:?}"),
            }
        };
        assert!(ask(1, "system.state").await.unwrap()["stage"].is_object());
        assert_eq!(
            ask(2, "stage.move-relative").await.unwrap_err().kind,
            ErrorKind::NotAuthorised
        );
        let before = bench.link().snapshot().presses;
        packet::say(&mut write, &Said::Stop).await.unwrap();
        until(&bench.link(), |s| s.presses == before + 1).await;
        drop((read, write));
        served.await.unwrap();
    });
}

#[test]
fn nonsense_on_the_line_harms_nobody() {
    let (bench, desk) = bench();
    run(async {
        // SplitMix64, as everywhere
        let mut state = 7u64;
        let mut next = move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z ^ (z >> 27)
        };
        for round in 0..200 {
            let (mut ours, served) = raw(&desk, BUFFER);
            if round % 3 > 0 {
                packet::say(&mut ours, &hello("x")).await.unwrap();
            }
            let length = (next() % 400) as usize;
            let garbage: Vec<u8> = (0..length).map(|_| next() as u8).collect();
            let sent = match round % 4 {
                // as it comes; as the body of a packet; as JSON that nobody means; cut in the middle
                0 => ours.write_all(&garbage).await,
                1 => packet::write(&mut ours, Kind::Json, &[&garbage]).await,
                2 => packet::write(&mut ours, Kind::Json, &[br#"{"run":{"id":-1,"command":[]}}"#]).await,
                _ => ours.write_all(&[200, 0, 0, 0, 1, b'{']).await,
            };
            // it may have been shown out already
            let _ = sent;
            drop(ours);
            served.await.unwrap();
        }
        let client = Client::new(&desk, hello("after")).await;
        client.run("stage.move-relative x=1um").await.unwrap();
        client.cut().await;
    });
    assert!(bench.link().snapshot().connection.is_some());
}

#[test]
fn who_asks_without_end_and_reads_nothing_is_shown_out() {
    let (_bench, desk) = bench();
    run(async {
        let (mut ours, served) = raw(&desk, 1024);
        packet::say(&mut ours, &hello("flood")).await.unwrap();
        let command = crate::Command::new("job.list");
        for id in 0..100_000 {
            let said = Said::Run {
                id,
                presses: 0,
                command: command.clone(),
            };
            if packet::say(&mut ours, &said).await.is_err() {
                break;
            }
        }
        served.await.unwrap();
    });
}

#[test]
fn what_a_watcher_may_run_only_looks() {
    for name in READS {
        let row = parse::find(name).unwrap();
        assert!(
            row.lane == crate::command::Lane::Now && row.danger == model::Danger::None,
            "{name}"
        );
    }
}
