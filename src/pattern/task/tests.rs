//! Tasks as files have them, edited, checked.

use super::*;
use crate::eta::Eta;
use crate::figure::{Bitmap, Figure, Rectangle, Trench};
use crate::{Pattern, estimate};
use model::capabilities::MillingControl;
use model::{Point, shape::CrossSection};

fn stage(name: &str, current: f64) -> MillingStage {
    let mut stage = MillingStage {
        name: name.to_owned(),
        pattern: Pattern::new(Trench::default()),
        ..MillingStage::default()
    };
    stage.milling.milling_current = current;
    stage
}

fn task() -> MillingTask {
    MillingTask {
        stages: vec![stage("Rough", 2e-9), stage("Fine", 0.74e-9), stage("Polish", 0.74e-9)],
        ..MillingTask::default()
    }
}

const RESOLUTION: (u32, u32) = (1536, 1024);

#[test]
fn a_task_is_read_back_as_it_was_written() {
    let mut task = task();
    task.stages[1].strategy = Strategy::Overtilt(Overtilt {
        overtilt: 2.5,
        ..Overtilt::default()
    });
    task.stages[2].enabled = false;
    task.alignment.rect.left = 0.1;
    let text = task.to_yaml().unwrap();
    // floats as PyYAML reads them: 2e-9 without a dot would be text there
    assert!(
        text.contains("milling_current: 2.0e-9") && text.contains("name: Overtilt"),
        "{text}"
    );
    assert!(!text.contains("num:") && !text.contains("acquire_images"), "{text}");
    let (tasks, notes) = MillingTask::parse(&text, "task.yaml").unwrap();
    assert_eq!(notes, []);
    // the short form says nothing of a stage's own alignment, so it comes back off: the task's counts
    for stage in &mut task.stages {
        stage.alignment.enabled = false;
    }
    assert_eq!(tasks, [(NAME.to_owned(), task)]);
}

#[test]
fn long_and_short_forms_and_lists_are_read() {
    let mut long = stage("Rough", 2e-9);
    long.num = 3;
    long.milling.hfw = 80e-6;
    long.milling.acquire_images = true;
    long.imaging.resolution = (768, 512);
    let (back, notes) = MillingStage::read(&serde_json::to_value(&long).unwrap()).unwrap();
    assert_eq!((&back, notes), (&long, vec![]));
    let (task, notes) = MillingTask::read(&json!([long.long(), long.short()])).unwrap();
    assert_eq!(notes, []);
    assert_eq!((task.field_of_view, task.stages.len()), (80e-6, 2));
    assert!(task.alignment.enabled && task.acquisition.acquire_sem && task.acquisition.acquire_fib);
    assert_eq!(task.acquisition.imaging.resolution, (768, 512));
    assert_eq!(task.stages[1].num, 0);
}

#[test]
fn alignment_is_off_in_a_file_that_does_not_say_and_on_in_a_new_one() {
    assert!(Alignment::default().enabled);
    let read = |value: Value| MillingTask::read(&value).unwrap();
    assert!(!read(json!({})).0.alignment.enabled);
    let (task, notes) = read(json!({"alignment": {"steps": 2}}));
    assert!(
        !task.alignment.enabled && notes.iter().any(|n| n.key == "alignment.enabled"),
        "{notes:?}"
    );
    assert!(read(json!({"alignment": {"enabled": true}})).0.alignment.enabled);
}

#[test]
fn odd_files_are_told_key_by_key() {
    let value = json!({"name": "T", "fieldofview": 1e-4, "channel": "ion", "acquisition": {"imaging": {"autogamma": true, "hfw": null}},
        "stages": [{"name": "A", "milling": {"milling_current": "2e-9", "hwf": 1e-4, "preset": null}, "strategy": {"name": "Spiral", "config": {"turns": 3}},
            "pattern": {"name": "Trench", "lamella_width": 1}}]});
    let (task, notes) = MillingTask::read(&value).unwrap();
    let keys: Vec<&str> = notes.iter().map(|n| n.key.as_str()).collect();
    let wanted = [
        "fieldofview",
        "acquisition.imaging.autogamma",
        "stages.0.milling.hwf",
        "stages.0.milling.milling_current",
        "stages.0.pattern.lamella_width",
        "stages.0.strategy",
    ];
    assert_eq!(keys, wanted, "{notes:?}");
    assert_eq!(task.stages[0].milling.milling_current, 2e-9);
    // kept as it was written, and refused when it is to run
    let written = serde_json::to_value(&task).unwrap();
    assert_eq!(written["stages"][0]["strategy"], value["stages"][0]["strategy"]);
    let error = task.check(RESOLUTION).unwrap_err().to_string();
    assert!(
        error.contains("Spiral") && error.contains("Standard, Overtilt"),
        "{error}"
    );
}

#[test]
fn what_is_missing_or_nonsense_is_refused_with_its_place() {
    for (value, says) in [
        (
            json!({"stages": [{"milling": {}, "pattern": {"name": "Trench"}}]}),
            "stages.0: has no `name`",
        ),
        (
            json!({"stages": [{"name": "A", "pattern": {"name": "Trench"}}]}),
            "stages.0: has no `milling`",
        ),
        (
            json!({"stages": [{"name": "A", "milling": {}, "pattern": {}}]}),
            "stages.0.pattern: has no `name`",
        ),
        (
            json!({"stages": [{"name": "A", "milling": {"milling_current": -1e-9}, "pattern": {"name": "Line"}}]}),
            "negative",
        ),
        (
            json!({"stages": [{"name": "A", "milling": {"milling_current": null}, "pattern": {"name": "Line"}}]}),
            "finite",
        ),
        (
            json!({"stages": [{"name": "A", "milling": {"patterning_mode": "Both"}, "pattern": {"name": "Line"}}]}),
            "Serial, Parallel",
        ),
        (json!({"stages": 3}), "no list of stages"),
        (json!({"channel": "PHOTON"}), "photon"),
        (json!({"alignment": {"steps": -1}}), "alignment.steps"),
        (json!({"stages": [{"depth": 1e-6}]}), "has no `type`"),
        (json!("x"), "mapping"),
    ] {
        let error = MillingTask::read(&value).unwrap_err().to_string();
        assert!(error.to_lowercase().contains(&says.to_lowercase()), "{value}: {error}");
    }
}

#[test]
fn protocols_of_every_age_hold_tasks() {
    let old = "
milling:
    lamella:
        point: {x: 1.0e-06, y: 0.0}
        stages:
        -   {hfw: 8.0e-05, milling_current: 2.0e-09, depth: 1.0e-06, lamella_width: 1.0e-05, lamella_height: 8.0e-07,
             trench_height: 2.0e-06, offset: 5.0e-07, size_ratio: 0.5, cleaning_cross_section: 1}
    fiducial: {milling_current: 2e-9, depth: 1.0e-06, width: 1.0e-06, height: 1.0e-05, rotation: 45}
";
    let (tasks, notes) = MillingTask::parse(old, "old.yaml").unwrap();
    let names: Vec<&str> = tasks.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["lamella", "fiducial"]);
    let Figure::Trench(trench) = &tasks[0].1.stages[0].pattern.figure else {
        panic!()
    };
    assert!((trench.spacing - 1.8e-6).abs() < 1e-18 && trench.lower_trench_height == 1e-6);
    assert_eq!(tasks[0].1.stages[0].pattern.point, Point { x: 1e-6, y: 0.0 });
    assert_eq!(tasks[1].1.stages[0].pattern.name(), "Fiducial");
    // the flag nobody reads any more, and the number that is text to PyYAML
    assert!(
        notes.iter().any(|n| n.key.ends_with("cleaning_cross_section")),
        "{notes:?}"
    );
    assert!(
        notes
            .iter()
            .any(|n| n.key.starts_with("line") && n.text.contains("2e-9")),
        "{notes:?}"
    );

    let new = json!({"tasks": {"Rough": {"task_type": "MILL_ROUGH", "milling": {"mill_rough": task()}}, "Look": {"milling": {}}}});
    let (tasks, _) = MillingTask::read_all(&new).unwrap();
    assert_eq!(
        tasks.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["Rough/mill_rough"]
    );
}

#[test]
fn stages_are_edited() {
    let mut task = task();
    let names = |task: &MillingTask| task.stages.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
    assert_eq!(task.duplicate(0), Ok(1));
    assert_eq!(task.duplicate(0), Ok(1));
    assert_eq!(names(&task), ["Rough", "Rough (3)", "Rough (2)", "Fine", "Polish"]);
    task.reorder(4, 0).unwrap();
    assert_eq!(task.remove(2).unwrap().name, "Rough (3)");
    assert_eq!(names(&task), ["Polish", "Rough", "Rough (2)", "Fine"]);
    assert_eq!(task.add(stage("Fine", 1e-9)), 4);
    assert_eq!(task.stages[4].name, "Fine (2)");
    task.enable(0, false).unwrap();
    assert_eq!(task.enabled().next().map(|(i, _)| i), Some(1));
    let before = task.clone();
    let error = task.remove(5).unwrap_err();
    assert_eq!(error.to_string(), "there is no stage 6: the task has 5");
    assert!(task.duplicate(9).is_err() && task.reorder(0, 5).is_err() && task.enable(usize::MAX, true).is_err());
    assert_eq!(task, before);
}

#[test]
fn compatible_stages_are_one_pass() {
    let mut task = task();
    task.duplicate(2).unwrap();
    assert_eq!(task.compatible(1), Ok(vec![2, 3]));
    task.enable(3, false).unwrap();
    let pass = task.merge_compatible(2).unwrap();
    assert_eq!(
        (pass.stages, pass.stage.name.as_str(), pass.patterns.len()),
        (vec![2, 1], "Polish", 2)
    );
    task.stages[1].strategy = Strategy::Overtilt(Overtilt::default());
    assert_eq!(task.merge_compatible(2).unwrap().stages, [2]);
}

#[test]
fn a_task_is_checked_before_it_runs() {
    task().check(RESOLUTION).unwrap();
    type Break<'a> = (&'a dyn Fn(&mut MillingTask), &'a str);
    let broken: [Break; 11] = [
        (&|t| t.stages.clear(), "no stage is on"),
        (
            &|t| t.stages.iter_mut().for_each(|s| s.enabled = false),
            "no stage is on",
        ),
        (&|t| t.field_of_view = f64::NAN, "field of view"),
        (
            &|t| t.field_of_view = 9e-6,
            "stage `Rough`: shape 1 (rectangle) reaches",
        ),
        (&|t| t.stages[1].milling.milling_current = 0.0, "stage `Fine`"),
        (
            &|t| t.stages[1].pattern.point.y = 48e-6,
            "upper edge of the 150 um x 100 um field",
        ),
        (&|t| t.alignment.rect.width = 0.9, "alignment area"),
        (&|t| t.alignment.steps = 0, "steps"),
        (&|t| t.stages[0].pattern = Pattern::new(Bitmap::default()), "picture"),
        (
            &|t| {
                t.stages[0].strategy = Strategy::named("overtilt").unwrap();
                t.stages[0].pattern = Pattern::new(Rectangle::default());
            },
            "Overtilt mills Trench only, not Rectangle",
        ),
        (
            &|t| {
                t.stages[0].strategy = Strategy::Overtilt(Overtilt {
                    overtilt: 11.0,
                    ..Overtilt::default()
                })
            },
            "outside 0.1 to 10",
        ),
    ];
    for (break_it, says) in broken {
        let mut task = task();
        break_it(&mut task);
        let error = task.check(RESOLUTION).unwrap_err().to_string();
        assert!(error.contains(says), "{says}: {error}");
    }
    let mut off = task();
    off.stages[1].milling.milling_current = 0.0;
    off.enable(1, false).unwrap();
    off.check(RESOLUTION).unwrap();
}

#[test]
fn forms_have_only_what_counts_on_the_instrument() {
    let keys = |control| milling_fields(control).map(|f| f.key).collect::<Vec<_>>();
    assert_eq!(
        keys(MillingControl::Current),
        [
            "milling_current",
            "milling_voltage",
            "application_file",
            "patterning_mode"
        ]
    );
    assert_eq!(
        keys(MillingControl::Preset),
        [
            "preset",
            "spot_size",
            "rate",
            "spacing",
            "dwell_time",
            "patterning_mode"
        ]
    );
    let mut stage = stage("A", 1e-9);
    for field in milling_fields(MillingControl::Current).chain(milling_fields(MillingControl::Preset)) {
        let (text, before) = (crate::field::get(&stage.milling, field), stage.clone());
        crate::field::set(&mut stage.milling, field, &text).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(stage, before, "{}", field.key);
    }
    let mut task = task();
    for field in ALIGNMENT_FIELDS {
        let text = crate::field::get(&task.alignment, field);
        crate::field::set(&mut task.alignment, field, &text).unwrap_or_else(|e| panic!("{e}"));
    }
    for field in ACQUISITION_FIELDS {
        crate::field::set(&mut task.acquisition, field, "yes").unwrap_or_else(|e| panic!("{e}"));
    }
    assert_eq!(task.alignment, Alignment::default());
    assert_eq!(task.acquisition.beams(), 2);
    let mut strategy = Strategy::named("Overtilt").unwrap();
    strategy.set("overtilt", "3deg").unwrap();
    strategy.set("image_resolution", "768x512").unwrap();
    assert_eq!(
        (
            strategy.get("overtilt").unwrap(),
            strategy.get("image_resolution").unwrap()
        ),
        ("3deg".into(), "768x512".into())
    );
    assert!(strategy.set("overtilt", "30deg").is_err() && strategy.set("tilt", "1").is_err());
}

#[test]
fn the_running_estimate_begins_with_the_task_s() {
    let mut task = task();
    task.stages.truncate(1);
    let foreseen = estimate::task_duration(&task, MillingControl::Current);
    assert!((Eta::of_task(&task, MillingControl::Current).first() - foreseen).abs() < 1e-9);
    // one more change of current for another current, none for the same
    let mut three = self::task();
    three.alignment.enabled = false;
    three.stages.iter_mut().for_each(|s| {
        s.pattern = Pattern::new(Rectangle {
            time: 100.0,
            ..Rectangle::default()
        })
    });
    let picture = estimate::image_time(&three.acquisition.imaging);
    let eta = Eta::of_task(&three, MillingControl::Current);
    assert!((eta.first() - (300.0 + 3.0 * estimate::CURRENT_CHANGE + picture)).abs() < 1e-9);
    // drift correction every 30 s of 100 s: three times a stage
    three.alignment = Alignment {
        interval_enabled: true,
        ..Alignment::default()
    };
    let corrected = Eta::of_task(&three, MillingControl::Current).first();
    let alignments = (1.0 + 3.0 + 9.0) * estimate::alignment_time(&three.alignment);
    assert!((corrected - eta.first() - alignments).abs() < 1e-9);
    assert_eq!(
        Eta::of_task(
            &MillingTask {
                stages: vec![],
                acquisition: Acquisition {
                    acquire_final_image: false,
                    ..Acquisition::default()
                },
                ..MillingTask::default()
            },
            MillingControl::Current
        )
        .first(),
        0.0
    );
}

#[test]
fn a_cleaning_section_counts_less() {
    let mut stage = stage("A", 2e-9);
    let even = estimate::stage_time(&stage, MillingControl::Current);
    let Figure::Trench(trench) = &mut stage.pattern.figure else {
        panic!()
    };
    trench.cross_section = CrossSection::CleaningCrossSection;
    assert!((estimate::stage_time(&stage, MillingControl::Current) / even - 0.66).abs() < 1e-12);
    // by preset, and by the table where the preset names no current
    stage.milling.preset = "30 keV; 2nA".to_owned();
    let by_preset = estimate::stage_time(&stage, MillingControl::Preset);
    assert!((by_preset - stage.pattern.volume() * 0.66 / (1.3e-8 * 2e-9)).abs() < 1e-9 * by_preset);
    stage.milling.preset = "polish".to_owned();
    assert_eq!(
        estimate::stage_time(&stage, MillingControl::Preset),
        estimate::stage_time(&stage, MillingControl::Current)
    );
}
