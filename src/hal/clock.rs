//! Instrument time. The engine decides what it is made of: real time, real time made faster, or virtual time.

/// A clock that only goes forward.
pub trait Clock: Send + Sync {
    /// Instrument seconds since this clock was made.
    fn now(&self) -> f64;

    /// POSIX seconds at `now() == 0`, for time stamps in files.
    fn epoch(&self) -> f64;
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
