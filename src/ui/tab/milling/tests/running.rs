//! Milling itself: what is asked, paused, stopped, watched, burned.

use super::{empty, lamella, milling, running, sent, ui_says, with};
use crate::effect::Effect;
use crate::sample::press;
use crate::widget::picture::fixture::screen;
use engine::event::{How, JobEnd};
use engine::{Command, Failure};
use model::{Beam, ErrorKind, Point, Pose};
use pattern::{Rest, StageState, Unfinished};
use serde_json::json;

#[test]
fn milling_wants_a_y_and_says_what_it_will_do() {
    let s = with(lamella());
    let mut ui = milling(&s);
    assert_eq!(
        press(&mut ui, "R Enter Space Enter", &s),
        [],
        "it asks, and Enter is no yes"
    );
    let text = screen(&ui, &s, 120, 40);
    for words in [
        "Mill 2 of 3 stages of lamella?",
        "0.74 nA",
        "3.00 um deep",
        "total ",
        "done at 15:",
    ] {
        assert!(text.contains(words), "{words}");
    }
    let run = |stages: &str| [Command::new("milling.run").with("stages", stages)];
    assert_eq!(sent(press(&mut ui, "y", &s)), run("1,2"));
    assert_eq!(sent(press(&mut milling(&s), "Down r y", &s)), run("2"));
}

#[test]
fn what_cannot_be_milled_is_marked_and_not_asked_about() {
    let mut task = lamella();
    task.stages[1].pattern.put(Point { x: 70e-6, y: 0.0 });
    let s = with(task);
    let mut ui = milling(&s);
    press(&mut ui, "Down", &s);
    assert!(ui_says(&ui, &s, "reaches"));
    assert_eq!(press(&mut ui, "R y", &s), []);
    assert_eq!(sent(press(&mut ui, "Up r y", &s)).len(), 1, "the first alone is sound");
    let mut ui = milling(&s);
    let command = sent(press(&mut ui, "Space", &s)).remove(0);
    ui.sent(&command);
    assert_eq!(press(&mut ui, "r y", &s), [], "the last edit is on its way");
}

#[test]
fn running_it_is_paused_stopped_and_put_back() {
    let mut s = running();
    let mut ui = milling(&s);
    assert_eq!(sent(press(&mut ui, "p", &s)), [Command::new("milling.pause")]);
    assert_eq!(sent(press(&mut ui, "X", &s)), [Command::new("job.stop").with("id", 9)]);
    s.jobs.back_mut().unwrap().paused = true;
    assert_eq!(press(&mut ui, "p Enter", &s), [], "going on is asked about");
    assert_eq!(sent(press(&mut ui, "y", &s)), [Command::new("milling.resume")]);
    s.owed = vec!["current and voltage".to_owned(), "the patterns".to_owned()];
    assert!(ui_says(&ui, &s, "left changed by the stop: current and voltage,"));
    assert_eq!(sent(press(&mut ui, "U", &s)), [Command::new("job.restore")]);
}

#[test]
fn spots_are_placed_and_burned_after_a_y() {
    let s = empty();
    let mut ui = milling(&s);
    assert_eq!(
        press(&mut ui, "B Enter Right Right Right Enter Backspace Enter R", &s),
        []
    );
    assert!(ui_says(&ui, &s, "Burn 2 spots with FIB?") && ui_says(&ui, &s, "10.0 s each at 60.0 pA"));
    let command = sent(press(&mut ui, "y", &s)).remove(0);
    // 12 pixels of 300, from the middle
    assert_eq!(command.args["points"], json!("0.500000,0.500000;0.540000,0.500000"));
    assert_eq!(command.args["exposure_time"], json!(10.0));
    engine::command::parse::check(command.clone()).unwrap_or_else(|e| panic!("{e}"));
    let id = ui.sent(&command);
    ui.ended(id, &Ok(json!(null)), &s);
    assert!(!ui_says(&ui, &s, "SPOTS:"), "burned, they are gone");
    assert_eq!(press(&mut ui, "B R", &s), [], "none is placed");
}

#[test]
fn while_fib_mills_the_other_beam_looks() {
    let mut s = running();
    let live = [Command::new("image.live").with("beam", "electron").with("on", true)];
    let mut ui = milling(&s);
    assert_eq!(sent(press(&mut ui, "F6", &s)), [], "this instrument cannot");
    assert!(ui_says(&ui, &s, "FIB mills and cannot look meanwhile"));
    let milling_capabilities = s.connection.as_mut().unwrap().capabilities.milling.as_mut();
    milling_capabilities.unwrap().imaging_meanwhile = true;
    assert_eq!(sent(press(&mut ui, "F6", &s)), live);
    assert!(
        screen(&ui, &s, 80, 24).contains(" SEM  2.00 kV"),
        "its picture is in front"
    );
    s.live[engine::snapshot::at(Beam::Electron)].on = true;
    let off = [Command::new("image.live").with("beam", "electron").with("on", false)];
    assert_eq!(sent(press(&mut ui, "F6", &s)), off);
    assert_eq!(sent(press(&mut ui, "S F6", &s)), [], "it looks already: it is shown");
}

#[test]
fn a_picture_from_before_the_milling_says_so() {
    let mut s = running();
    let marked = |s: &engine::Snapshot| screen(&milling(s), s, 80, 24).lines().nth(1).unwrap().contains('~');
    assert!(!marked(&s));
    s.patterning = Some(engine::snapshot::Aged {
        value: model::PatterningState {
            phase: model::PatterningPhase::Running,
            ..Default::default()
        },
        time: crate::sample::NOON,
        by: engine::event::By::Us,
    });
    assert!(marked(&s));
}

#[test]
fn what_a_running_job_would_refuse_is_no_next_key() {
    let s = running();
    let keys = screen(&milling(&s), &s, 160, 50).lines().last().unwrap().to_owned();
    assert!(keys.contains("X stop job") && !keys.contains("RUN"), "{keys}");
}

#[test]
fn what_a_stopped_run_left_is_offered_and_milled_after_a_y() {
    let mut s = running();
    assert!(!ui_says(&milling(&s), &s, "missing"));
    s.jobs.clear();
    let task = lamella();
    let left = task.stages[1].pattern.shapes().into_iter().map(Some).collect();
    let run = s.milling.as_mut().unwrap();
    run.ended = true;
    run.unfinished = Some(Box::new(Unfinished {
        task,
        rest: Rest { stage: 1, left },
        pose: Pose::default(),
    }));
    let mut ui = milling(&s);
    assert!(ui_says(&ui, &s, "missing: 2 shapes of its stage"));
    assert_eq!(press(&mut ui, "n Enter", &s), [], "it asks, and Enter is no yes");
    assert!(
        ui_says(&ui, &s, "Mill what is missing of lamella?") && ui_says(&ui, &s, "of stage 2 only what is missing")
    );
    assert_eq!(sent(press(&mut ui, "y", &s)), [Command::new("milling.continue")]);
}

#[test]
fn a_run_that_failed_after_its_last_stage_says_why() {
    let mut s = running();
    let run = s.milling.as_mut().unwrap();
    run.ended = true;
    for stage in &mut run.stages {
        stage.state = StageState::Done;
    }
    let job = s.jobs.iter_mut().find(|job| job.command.name == "milling.run").unwrap();
    let failure = Failure::new(ErrorKind::Busy, "no picture could be taken", "take one");
    job.end = Some(JobEnd {
        time: crate::sample::NOON,
        how: How::Failed,
        failure: Some(failure),
    });
    let ui = milling(&s);
    assert!(ui_says(&ui, &s, "stages done, then no picture could be taken"));
    assert!(!ui_says(&ui, &s, "\u{2713} lamella"));
}

#[test]
fn no_live_view_of_the_beam_that_would_mill_is_started_here() {
    let s = with(lamella());
    let mut ui = milling(&s);
    assert!(
        !press(&mut ui, "F6", &s)
            .iter()
            .any(|effect| matches!(effect, Effect::Send(_))),
        "a live ion beam mills what it shows"
    );
    let live = Command::new("image.live").with("beam", "electron").with("on", true);
    assert_eq!(sent(press(&mut ui, "S F6", &s)), [live]);
}
