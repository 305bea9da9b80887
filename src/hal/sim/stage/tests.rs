//! The stage alone: times, speeds, halts, errors.

use super::*;
use rand::SeedableRng;

const START: Pose = Pose {
    x: 0.0,
    y: 0.0,
    z: 4e-3,
    r: 0.0,
    t: 0.6,
};

fn stage(errors: TwinErrors) -> StageSim {
    StageSim::new(START, errors, ChaCha8Rng::seed_from_u64(1))
}

fn plan(stage: &mut StageSim, ticket: u64, purpose: Purpose, to: Pose, start: f64) -> f64 {
    let order = Order {
        ticket,
        purpose,
        points: &[to],
        start,
        stuck: None,
        late: 0.0,
        lie: 0.0,
    };
    stage.plan(&order, |_| None).end
}

fn go(stage: &mut StageSim, to: Pose, now: f64) -> f64 {
    let end = plan(stage, 1, Purpose::Move, to, now);
    assert!(stage.settle(end).is_some());
    end
}

#[test]
fn a_move_of_twenty_microns_takes_a_second_and_follows_a_trapezoid() {
    let mut stage = stage(TwinErrors::default());
    let target = Pose { x: 20e-6, ..START };
    let end = plan(&mut stage, 1, Purpose::Move, target, 10.0);
    assert!((0.9..1.1).contains(&(end - 10.0)), "{end}");
    assert_eq!(stage.pose(10.0), START);
    let half = 10.0 + (end - SETTLING - 10.0) / 2.0;
    assert!(
        (stage.pose(half).x - 10e-6).abs() < 1e-12,
        "half of the way at half of the time"
    );
    assert!(stage.moving(end - 1e-9) && !stage.moving(end));
    assert!(stage.settle(end - 1e-9).is_none());
    assert_eq!(stage.settle(end).unwrap().1, Ending::Arrived);
    assert_eq!(stage.pose(end), target);
}

#[test]
fn full_speed_is_never_exceeded_and_axes_arrive_together() {
    let leg = Leg::new(
        START,
        Pose {
            x: 5e-3,
            y: -1e-3,
            t: 0.0,
            ..START
        },
        0.0,
    );
    let steps = 2000;
    let dt = leg.duration() / f64::from(steps);
    for i in 0..steps {
        let (a, b) = (leg.pose(f64::from(i) * dt), leg.pose(f64::from(i + 1) * dt));
        for axis in Axis::ALL {
            let v = (b.get(axis) - a.get(axis)).abs() / dt;
            assert!(v <= dynamics(axis).0 * 1.001, "{axis}: {v}");
        }
        let share = a.x / 5e-3;
        assert!((a.y + 1e-3 * share).abs() < 1e-12, "the way is straight");
    }
}

#[test]
fn the_time_of_a_place_is_the_inverse_of_the_place_at_a_time() {
    for way in [20e-6, 3e-3] {
        let leg = Leg::new(START, Pose { y: way, ..START }, 3.0);
        for i in 1..100 {
            let share = f64::from(i) / 100.0;
            assert!((leg.share(leg.when(share)) - share).abs() < 1e-9);
        }
    }
}

#[test]
fn halting_leaves_the_stage_where_it_is() {
    let mut stage = stage(TwinErrors::default());
    plan(&mut stage, 7, Purpose::Move, Pose { x: 1e-3, ..START }, 0.0);
    let here = stage.pose(0.7);
    assert!(here.x > 0.0 && here.x < 1e-3);
    assert_eq!(stage.halt(0.7).unwrap().ticket, 7);
    assert_eq!(stage.pose(100.0), here);
}

#[test]
fn errors_are_in_the_true_pose_only() {
    let mut exact = stage(TwinErrors::default());
    let end = go(
        &mut exact,
        Pose {
            x: 1e-4,
            r: 1.0,
            ..START
        },
        0.0,
    );
    assert_eq!(exact.true_pose(end), exact.pose(end));

    let mut slack = stage(TwinErrors {
        backlash: 2e-6,
        ..TwinErrors::default()
    });
    let end = go(&mut slack, Pose { x: 1e-4, ..START }, 0.0);
    let end = go(&mut slack, Pose { x: 2e-4, ..START }, end);
    assert!((slack.true_pose(end).x - (2e-4 - 1e-6)).abs() < 1e-15);
    let end = go(&mut slack, Pose { x: 1e-4, ..START }, end);
    assert!(
        (slack.true_pose(end).x - (1e-4 + 1e-6)).abs() < 1e-15,
        "lost motion shows on reversal"
    );
    assert_eq!(slack.pose(end).x, 1e-4);

    let mut loose = stage(TwinErrors {
        repeatability: 1e-7,
        ..TwinErrors::default()
    });
    let (mut end, mut square) = (0.0, 0.0);
    for i in 0..200 {
        end = go(
            &mut loose,
            Pose {
                x: 1e-6 * f64::from(i % 2 + 1),
                ..START
            },
            end,
        );
        square += (loose.true_pose(end).x - loose.pose(end).x).powi(2);
    }
    let deviation = (square / 200.0).sqrt();
    assert!((0.8e-7..1.2e-7).contains(&deviation), "{deviation}");
}

#[test]
fn homing_broken_off_loses_the_reference() {
    let mut stage = stage(TwinErrors::default());
    let end = plan(&mut stage, 1, Purpose::Home, Pose::default(), 0.0);
    stage.halt(1.0);
    assert!(!stage.homed && !stage.linked);
    let end = plan(&mut stage, 2, Purpose::Home, Pose::default(), end);
    stage.settle(end);
    assert!(stage.homed && !stage.linked);
    assert_eq!(stage.pose(end), Pose::default());
}
