//! A driver that tells what it read a while ago: asked again before anything is decided.

use super::over::Over;
use super::*;
use std::collections::VecDeque;

#[tokio::test(start_paused = true)]
async fn what_is_old_is_asked_for_again_and_nothing_is_decided_on_what_stays_old() {
    let clock = Arc::new(TokioClock::new(0.0, 1.0));
    // one a read; afterwards the last of them
    let (ages, log) = (Arc::new(Mutex::new(VecDeque::new())), Arc::new(Log::default()));
    let opening = Opening {
        instrument: Instrument::default(),
        clock: clock.clone(),
        world: None,
    };
    let mut slow = Over::new(sim::open(&opening).unwrap());
    let told = Arc::clone(&ages);
    slow.age = Box::new(move || {
        let mut ages = lock(&told);
        let next = if ages.len() > 1 { ages.pop_front() } else { None };
        next.unwrap_or_else(|| ages[0])
    });
    let scope = Scope::new(Box::new(slow), None, clock, log.clone());
    let hand = scope.hand("test").0;
    let tell = |told: &[f64]| *lock(&ages) = told.iter().copied().collect();
    // a second old is still good; older is asked for again
    for told in [&[1.0, 0.0][..], &[30.0, 4.0, 0.5, 0.0]] {
        tell(told);
        hand.act(to(Axis::X, 1e-6 * told.len() as f64)).await.unwrap();
    }
    let before = lock(&log.lines).len();
    for told in [&[2.0][..], &[f64::NAN], &[1.1]] {
        tell(told);
        let error = hand.act(to(Axis::X, 0.0)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Interlock, "{error}");
        assert!(error.what.contains("nothing was sent"), "{error}");
    }
    assert_eq!(lock(&log.lines).len(), before, "nothing was about to go out");
}
