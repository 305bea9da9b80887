//! One job at a time, who may run it, and what it asks.

use super::*;
use crate::command::READS;
use std::path::PathBuf;

#[test]
fn one_job_at_a_time_and_the_refusal_names_it() {
    let bench = Bench::with(|o| o.speed = Speed::Real(1.0));
    bench.lines(&["system.connect"]).unwrap();
    let (link, other) = (bench.link(), bench.link());
    wait(async {
        let long = link.send(parse::line("stage.move-relative x=5mm").unwrap());
        until(&link, |s| s.running().is_some()).await;
        let failure = other.run(parse::line("beam.off beam=ion").unwrap()).await.unwrap_err();
        assert_eq!(failure.kind, ErrorKind::Busy);
        assert!(failure.title.contains("stage.move-relative"), "{failure}");
        link.stop();
        assert_eq!(long.ended().await.unwrap_err().kind, ErrorKind::Stopped);
    });
}

#[test]
fn who_has_control_keeps_it_until_it_is_taken_openly() {
    let bench = Bench::new();
    bench.lines(&["system.connect", "stage.move-relative x=1um"]).unwrap();
    let other = bench.link().named("night shift");
    let line = || parse::line("stage.move-relative x=1um").unwrap();
    assert_eq!(wait(other.run(line())).unwrap_err().kind, ErrorKind::Busy);
    wait(other.run(parse::line("control.take").unwrap())).unwrap();
    wait(other.run(line())).unwrap();
    assert_eq!(wait(bench.link().run(line())).unwrap_err().kind, ErrorKind::Busy);
}

#[test]
fn who_does_not_have_control_looks_and_stops_and_nothing_else() {
    let bench = Bench::new();
    bench.lines(&["system.connect", "stage.move-relative x=1um"]).unwrap();
    let other = bench.link().named("a visitor");
    for row in crate::command::rows().filter(|row| row.lane == crate::command::Lane::Now) {
        let refused = wait(other.ask(crate::Query::Preview {
            command: parse::line(row.example).unwrap(),
            by: "a visitor".to_owned(),
        }));
        let Ok(crate::Reply::Preview(verdict)) = refused else {
            panic!("no verdict");
        };
        let open = READS.contains(&row.name) || row.name.starts_with("control.");
        assert_eq!(verdict.is_ok(), open, "{}: {verdict:?}", row.name);
    }
}

#[test]
fn paths_count_from_where_they_were_typed() {
    let there = Path::new("/somewhere");
    let from = |line: &str, name: &str| {
        let command = parse::line(line).unwrap().from_folder(there);
        PathBuf::from(command.args[name].as_str().unwrap())
    };
    assert_eq!(from("milling.load source=a.yaml", "source"), there.join("a.yaml"));
    assert_eq!(from("image.acquire path=pictures", "path"), there.join("pictures"));
    assert_eq!(from("milling.run path=/else", "path"), Path::new("/else"));
    let json = "milling.load source={\"a\":1}";
    assert_eq!(from(json, "source"), Path::new("{\"a\":1}"));
    assert_eq!(from("milling.load source=x name=rel", "name"), Path::new("rel"));
}

#[test]
fn a_paused_job_waits_and_lends_the_hardware() {
    let bench = Bench::with(|o| o.speed = Speed::Real(50.0));
    bench.lines(&["system.connect"]).unwrap();
    let link = bench.link();
    wait(async {
        let set = link.send(
            parse::line("image.reference hfw=300um,200um,150um,100um resolution=1536x1024 dwell_time=10us").unwrap(),
        );
        until(&link, |s| s.running().is_some()).await;
        link.run(parse::line("job.pause").unwrap()).await.unwrap();
        // what is under way ends; nothing new begins, and the stage may be used meanwhile
        link.run(parse::line("stage.position").unwrap()).await.unwrap();
        loop {
            match link.run(parse::line("stage.move-relative x=2um").unwrap()).await {
                Ok(_) => break,
                Err(failure) => assert_eq!(failure.kind, ErrorKind::Busy, "{failure}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let jobs = link.snapshot().jobs.clone();
        assert!(jobs.iter().any(|j| j.paused && j.end.is_none()), "{jobs:#?}");
        link.run(parse::line("job.resume").unwrap()).await.unwrap();
        set.ended().await.unwrap();
    });
}

#[test]
fn a_guided_job_asks_and_goes_on_with_the_answer() {
    let bench = Bench::new();
    bench.lines(&["system.connect"]).unwrap();
    let link = bench.link();
    wait(async {
        let job = link.send(parse::line("align.coincidence guided=true").unwrap());
        let mut asked = 0;
        let mut ended = std::pin::pin!(job.ended());
        loop {
            tokio::select! {
                result = &mut ended => { result.unwrap(); break; }
                () = until(&link, |s| s.question.is_some()) => {
                    let question = link.snapshot().question.clone().unwrap();
                    let wrong = crate::Command::new("answer").with("id", question.id).with("choice", "banana");
                    assert_eq!(link.run(wrong).await.unwrap_err().kind, ErrorKind::Usage);
                    // the hardware is lent while it waits
                    link.run(parse::line("stage.move-relative x=0.1um").unwrap()).await.unwrap();
                    let first = question.choices[0].0.clone();
                    link.run(crate::Command::new("answer").with("id", question.id).with("choice", first)).await.unwrap();
                    asked += 1;
                    assert!(asked < 20);
                }
            }
        }
        assert!(asked > 0);
    });
}
