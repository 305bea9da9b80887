//! Crashes in the middle of a queue.

use super::*;
use serde_json::json;

/// A lamella of an experiment in this folder, to be milled by one task, with its place in the queue.
fn story(folder: &Path) -> Story {
    let protocol = json!({
        "name": "crash", "version": "1.0",
        "tasks": {"Boxes": {
            "task_type": "BASIC_MILLING", "milling": {"boxes": task()},
            "reference_imaging": {"acquire_sem": false, "acquire_fib": false},
        }},
        "workflow": {"name": "crash", "tasks": [{"name": "Boxes", "supervise": false, "required": true, "requires": []}]},
    });
    let file = folder.join("crash.yaml");
    std::fs::write(&file, protocol.to_string()).unwrap();
    let (file, folder) = (file.display(), folder.display());
    let mut story = Story::new();
    story.begins = "queue.run unsupervised=true";
    story.before = vec![
        format!("experiment.new name=e protocol={file} folder={folder}"),
        "lamella.add name=a".to_owned(),
    ];
    story.after = vec![
        format!("experiment.open path={folder}/e"),
        "queue.run unsupervised=true".to_owned(),
    ];
    story
}

fn brought(story: &Story) -> f64 {
    story.doses().iter().map(|(_, delivered)| delivered).sum()
}

#[test]
fn a_queue_that_a_crash_cut_off_goes_on_inside_its_task() {
    let whole = tempfile::tempdir().unwrap();
    let mut undisturbed = story(whole.path());
    assert!(undisturbed.life(End::Never, &mut Dice(0)));
    let (plan, seconds) = (brought(&undisturbed), undisturbed.ages.now());
    let writes = undisturbed.journals[0].iter().filter(|b| **b == b'\n').count() as u64;
    assert!(plan > 0.0);
    let (mut inside, mut dice) = (0, Dice(7));
    for n in 0..TRIES {
        let folder = tempfile::tempdir().unwrap();
        let mut story = story(folder.path());
        let end = match n % 2 {
            0 => End::After(seconds * (n as f64 + 0.5) / TRIES as f64),
            _ => End::AtWrite(1 + dice.below(writes), dice.below(2) == 0),
        };
        if story.life(end, &mut dice) {
            continue;
        }
        let part = brought(&story);
        assert!(story.life(End::Never, &mut dice), "{:#?}", story.log);
        let told = story.log.join("\n");
        let all = brought(&story);
        assert!(
            all <= plan * (1.0 + 1e-6),
            "dosed twice: {all} of {plan}, {end:?}\n{told}"
        );
        // what nothing was made for before the crash is not there to go on with
        let made = ::lamella::Experiment::load(&folder.path().join("e")).is_ok_and(|e| !e.lamellae.is_empty());
        let unsure = told.contains("is not known");
        assert!(
            !made || unsure || all > plan * 0.999,
            "left out: {all} of {plan}, {end:?}\n{told}"
        );
        inside += u32::from(part > 0.0 && part < plan * 0.999 && all > plan * 0.999);
    }
    assert!(inside > 0, "no queue went on inside its milling");
}

/// Two lamellae, the second moved to the front of the queue by a person; after the crash nothing is asked for but an answer.
#[test]
fn a_queue_that_a_crash_cut_off_between_its_millings_goes_on_in_the_order_it_was_given() {
    let two = |folder: &Path| {
        let mut story = story(folder);
        let more = [
            "stage.move-relative x=60um",
            "lamella.add name=b",
            "queue.plan",
            "queue.move id=2 to=front",
        ];
        story.before.extend(more.map(str::to_owned));
        story.after.clear();
        story
    };
    let whole = tempfile::tempdir().unwrap();
    let mut undisturbed = two(whole.path());
    assert!(undisturbed.life(End::Never, &mut Dice(0)));
    let plan = brought(&undisturbed);
    let lines: Vec<&[u8]> = undisturbed.journals[0].split(|b| *b == b'\n').collect();
    let writes = lines.len() as u64;
    let named = |line: &&[u8]| String::from_utf8_lossy(line).contains("queue.run");
    let begun = 1 + lines.iter().position(named).unwrap() as u64;
    let (mut ordered, mut gone_on, mut dice) = (0, 0, Dice(11));
    for n in 0..TRIES {
        let folder = tempfile::tempdir().unwrap();
        let mut story = two(folder.path());
        // close together where the stage goes to the first lamella, far apart where it is milled
        let share = (n as f64 / TRIES as f64).powi(2);
        let end = End::AtWrite(begun + ((writes - begun) as f64 * share) as u64, dice.below(2) == 0);
        if story.life(end, &mut dice) {
            continue;
        }
        let part = brought(&story);
        assert!(story.life(End::Never, &mut dice), "{:#?}", story.log);
        let (told, all) = (story.log.join("\n"), brought(&story));
        assert!(
            all <= plan * (1.0 + 1e-6),
            "dosed twice: {all} of {plan}, {end:?}\n{told}"
        );
        if !told.contains("in the middle of queue.run") {
            continue;
        }
        let experiment = ::lamella::Experiment::load(&folder.path().join("e")).unwrap();
        // begun on the disk, and the crash came before the journal knew of the beam: that lamella is parked, and says so
        let unsure = |note: &str| note.contains("is not known");
        if unsure(&told) || experiment.lamellae.iter().any(|l| unsure(&l.defect.description)) {
            continue;
        }
        assert!(all > plan * 0.999, "left out: {all} of {plan}, {end:?}\n{told}");
        let ended = |name: &str| {
            let lamella = experiment.lamellae.iter().find(|l| l.name == name).unwrap();
            lamella
                .history
                .iter()
                .filter_map(|run| run.end_timestamp)
                .fold(0.0, f64::max)
        };
        // each life's clock begins anew
        let one_life = part == 0.0;
        assert!(
            !one_life || ended("b") < ended("a"),
            "the order was lost: {end:?}\n{told}"
        );
        ordered += u32::from(one_life);
        gone_on += u32::from(part < plan * 0.999 && told.contains("-> resume") && !told.contains("mill with the ion"));
    }
    assert!(
        ordered > 0 && gone_on > 0,
        "no queue went on between its millings: {ordered} {gone_on}"
    );
}

/// Crashes of a test run, half of them by the clock and half at writes to the journal.
const TRIES: u64 = 24;
