//! Instrument time. The engine decides what it is made of: real time, real time made faster, or virtual time.

/// A clock that only goes forward.
pub trait Clock: Send + Sync {
    /// Instrument seconds since this clock was made.
    fn now(&self) -> f64;

    /// POSIX seconds at `now() == 0`, for time stamps in files.
    fn epoch(&self) -> f64;

    /// Instrument seconds per second of the runtime's timers.
    fn speed(&self) -> f64 {
        1.0
    }
}

/// Instrument time from the runtime's clock: real, `speed` times faster, or (on a paused runtime) virtual.
#[derive(Debug)]
pub struct TokioClock {
    /// Threads outside of the runtime know no pause, so it is entered for each look.
    runtime: Option<tokio::runtime::Handle>,
    start: tokio::time::Instant,
    epoch: f64,
    speed: f64,
}

impl TokioClock {
    /// Starts now, on the runtime it is made on. `epoch`: POSIX seconds of this moment; `speed`: instrument seconds per
    /// runtime second, more than 0.
    pub fn new(epoch: f64, speed: f64) -> TokioClock {
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        let runtime = tokio::runtime::Handle::try_current().ok();
        TokioClock {
            runtime,
            start: tokio::time::Instant::now(),
            epoch,
            speed,
        }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> f64 {
        let _inside = self.runtime.as_ref().map(tokio::runtime::Handle::enter);
        self.start.elapsed().as_secs_f64() * self.speed
    }

    fn epoch(&self) -> f64 {
        self.epoch
    }

    fn speed(&self) -> f64 {
        self.speed
    }
}

/// A clock that a test moves by hand.
#[derive(Debug, Default)]
pub struct ManualClock(std::sync::Mutex<f64>);

impl ManualClock {
    pub fn advance(&self, seconds: f64) {
        let mut now = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *now += seconds.max(0.0);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> f64 {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn epoch(&self) -> f64 {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn virtual_time_is_the_same_on_every_thread() {
        let clock = Arc::new(TokioClock::new(1e9, 4.0));
        assert_eq!((clock.now(), clock.epoch()), (0.0, 1e9));
        tokio::time::sleep(Duration::from_secs(10)).await;
        let here = clock.now();
        assert!((here - 40.0).abs() < 0.1, "four times faster: {here}");
        let other = clock.clone();
        let there = std::thread::spawn(move || other.now()).join().unwrap();
        let inside = clock.clone();
        let blocking = tokio::task::spawn_blocking(move || inside.now()).await.unwrap();
        assert_eq!((there, blocking), (here, here));
    }
}
