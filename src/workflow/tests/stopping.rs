//! Stop and cancel at every act of a workflow.

use super::{Moment, Rig};
use crate::align::{Coincidence, coincidence};
use crate::autofocus::{AutoFocus, autofocus};
use crate::contrast::{AutoContrast, autocontrast};
use crate::{JobCx, JobError, movement};
use futures::FutureExt;
use futures::future::BoxFuture;
use model::{Beam, ErrorKind, Key, Value};
use vision::focus::FocusPass;

type Workflow = fn(JobCx) -> BoxFuture<'static, Result<(), JobError>>;

const WORKFLOWS: &[(&str, Workflow)] = &[
    ("flat to the ion beam", |cx| {
        movement::flat_to(cx, Beam::Ion).map(|r| r.map(drop)).boxed()
    }),
    ("autofocus", |cx| {
        let passes = Some(vec![FocusPass {
            range: 400e-6,
            step: 80e-6,
        }]);
        autofocus(
            cx,
            AutoFocus {
                passes,
                ..AutoFocus::of(Beam::Electron)
            },
        )
        .map(|r| r.map(drop))
        .boxed()
    }),
    ("autocontrast", |cx| {
        autocontrast(cx, AutoContrast::of(Beam::Electron))
            .map(|r| r.map(drop))
            .boxed()
    }),
    ("coincidence", |cx| {
        let params = Coincidence {
            resolution: (384, 256),
            fields: vec![400e-6, 120e-6],
            ..Coincidence::default()
        };
        coincidence(cx, params).map(|r| r.map(drop)).boxed()
    }),
];

fn rig() -> Rig {
    Rig::with(|i| i.twin.errors.coincidence = 20e-6)
}

/// How many acts the workflow makes when nobody stops it.
async fn acts_of(workflow: Workflow) -> usize {
    let rig = rig();
    rig.cx
        .set(Beam::Electron, Key::DetectorBrightness, Value::Number(0.8))
        .await
        .unwrap();
    let before = rig.record.count();
    workflow(rig.cx.clone()).await.unwrap();
    rig.record.count() - before
}

#[tokio::test(start_paused = true)]
async fn after_stop_nothing_moves_and_nothing_is_begun() {
    for (name, workflow) in WORKFLOWS {
        for number in 1..=acts_of(*workflow).await {
            for moment in [Moment::Intent, Moment::Outcome] {
                let rig = rig();
                rig.cx
                    .set(Beam::Electron, Key::DetectorBrightness, Value::Number(0.8))
                    .await
                    .unwrap();
                let scope = rig.scope.clone();
                rig.inject(moment, number + 1, move || scope.stop().unwrap());
                let what = format!("{name}, act {number} at its {moment:?}");
                let result = workflow(rig.cx.clone()).await;
                let begun = rig.record.count();
                assert!(begun <= number + 1, "{what}: {begun} acts were begun");
                if let Err(error) = result {
                    assert!(
                        matches!(error.kind, ErrorKind::Stopped | ErrorKind::Unknown),
                        "{what}: {error:?}"
                    );
                }
                let pose = rig.world.truth()["pose"].clone();
                tokio::time::sleep(std::time::Duration::from_secs(30)).await;
                assert_eq!(rig.world.truth()["pose"], pose, "{what}: the stage still moves");
                assert_eq!(rig.record.count(), begun, "{what}: something was begun later");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_job_puts_back_what_it_changed_for_a_while() {
    for (name, workflow, key) in [
        ("autofocus", WORKFLOWS[1].1, Key::WorkingDistance),
        ("autocontrast", WORKFLOWS[2].1, Key::DetectorBrightness),
    ] {
        for number in 1..acts_of(workflow).await {
            let rig = rig();
            rig.cx
                .set(Beam::Electron, Key::DetectorBrightness, Value::Number(0.8))
                .await
                .unwrap();
            let before = rig.scope.get(key, Some(Beam::Electron)).await.unwrap();
            let release = rig.release.clone();
            rig.inject(Moment::Intent, number + 1, move || release.cancel());
            let error = workflow(rig.cx.clone()).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Stopped, "{name} {number}: {error}");
            assert_eq!(
                rig.scope.get(key, Some(Beam::Electron)).await.unwrap(),
                before,
                "{name}, act {number}"
            );
        }
    }
}
