//! Injectors by commands.

use super::Here;
use crate::command::parse;
use crate::link::Request;
use model::ErrorKind;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn what_a_stop_left_in_is_taken_out_by_hand_when_its_way_back_was_forgotten() {
    let here = Here::connected(|_| {}).await;
    let scope = here.core.scope().unwrap();
    let run = here.link.run(parse::line("gis.deposit time=60s").unwrap());
    let press = async {
        while !scope.gas().await.unwrap().value.open() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        here.core.press("test");
    };
    let (ended, ()) = tokio::join!(run, press);
    assert_eq!(ended.unwrap_err().kind, ErrorKind::Stopped);
    here.run("job.restore forget=true").await.unwrap();
    assert_eq!(here.core.snapshot().owed, Vec::<String>::new());
    let left = scope.gas().await.unwrap().value;
    assert!(left.inserted() && !left.open(), "{left:?}");

    let failure = here.run("gis.retract port=NOWHERE").await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::OutOfRange, "{failure}");
    assert!(failure.hint.contains(&left.ports[0].port), "{failure}");
    assert!(scope.gas().await.unwrap().value.inserted());

    for _ in 0..2 {
        let told = here.run("gis.retract").await.unwrap();
        assert_eq!(told["ports"][0]["inserted"], false, "{told}");
        let now = scope.gas().await.unwrap().value;
        assert!(
            now.ports
                .iter()
                .all(|port| !port.inserted && !port.open && !port.heater),
            "{now:?}"
        );
    }
    here.run("stage.move-relative x=5mm").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn openfibsems_settings_of_a_deposition_are_taken_in_both_formats() {
    let here = Here::connected(|_| {}).await;
    let old = r#"{"application_file": "cryo_Pt_dep", "gas": "Pt cryo", "position": "cryo", "hfw": 3.0e-05, "length": 7.0e-06, "beam_current": 1.0e-8, "time": 4}"#;
    let new = r#"{"port": "Multichem", "gas": "Pt cryo", "duration": 3, "insert_position": "cryo"}"#;
    for (settings, seconds) in [(old, 4.0), (new, 3.0)] {
        let done = here.run(&format!("gis.deposit settings='{settings}'")).await.unwrap();
        assert_eq!(
            (&done["gas"], &done["seconds"]),
            (&"Pt cryo".into(), &seconds.into()),
            "{done}"
        );
    }
    let done = here
        .run(&format!("gis.deposit settings='{old}' time=2s"))
        .await
        .unwrap();
    assert_eq!(done["seconds"], 2.0, "what is named goes first");
    for wrong in [r#"{"gass": "Pt cryo"}"#, r#"{"time": "long"}"#, "[1]"] {
        let failure = here.run(&format!("gis.deposit settings='{wrong}'")).await.unwrap_err();
        assert_eq!(failure.kind, ErrorKind::Usage, "{wrong}: {failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn gas_that_flows_by_hand_ends_with_the_engine_and_with_the_connection() {
    for leave in ["end", "disconnect"] {
        let here = Here::connected(|_| {}).await;
        let scope = here.core.scope().unwrap();
        for line in [
            "gis.insert port=Multichem",
            "gis.heat port=Multichem on=true",
            "system.wait seconds=600",
            "gis.valve port=Multichem open=true",
        ] {
            here.run(line).await.unwrap_or_else(|e| panic!("{line}: {e}"));
        }
        assert!(scope.gas().await.unwrap().value.open());
        if leave == "end" {
            here.link.requests.send(Request::End).unwrap();
            while here.core.scope().is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        } else {
            here.run("system.disconnect").await.unwrap();
        }
        let left = scope.gas().await.unwrap().value;
        assert!(!left.open() && left.inserted(), "{leave}: {left:?}");
        let told = &here.core.snapshot().notices;
        assert!(
            told.iter()
                .any(|n| n.notice.title.contains("gas flowed from Multichem")),
            "{leave}: {told:?}"
        );
    }
}
