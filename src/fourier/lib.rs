//! Plans of fast Fourier transforms, each length planned once per process.
//!
//! A room of its own for one reason: rustfft's algorithms are generic, so the crate that makes a plan compiles all of them, in both
//! number types, for minutes. Here that happens once, and a change in `vision` does not pay for it again. Nothing else belongs here; what
//! is done with a plan is the caller's.

pub use rustfft::num_complex::Complex;
pub use rustfft::{Fft, FftNum};

use rustfft::FftPlanner;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// A number type whose transforms can be planned: `f32` and `f64`.
///
/// Transforms run in place on any multiple of `length` values, one after the other, unscaled: forward and inverse together multiply
/// by `length`.
pub trait Planned: FftNum + Default + PartialOrd {
    fn forward(length: usize) -> Arc<dyn Fft<Self>>;
    fn inverse(length: usize) -> Arc<dyn Fft<Self>>;
}

macro_rules! planned {
    ($($number:ty)*) => {$(
        impl Planned for $number {
            #[inline(never)]
            fn forward(length: usize) -> Arc<dyn Fft<Self>> {
                <$number>::planner(|planner| planner.plan_fft_forward(length))
            }

            #[inline(never)]
            fn inverse(length: usize) -> Arc<dyn Fft<Self>> {
                <$number>::planner(|planner| planner.plan_fft_inverse(length))
            }
        }

        impl Cached for $number {
            fn planner(plan: impl FnOnce(&mut FftPlanner<Self>) -> Arc<dyn Fft<Self>>) -> Arc<dyn Fft<Self>> {
                static PLANNER: LazyLock<Mutex<FftPlanner<$number>>> = LazyLock::new(|| Mutex::new(FftPlanner::new()));
                plan(&mut PLANNER.lock().unwrap_or_else(PoisonError::into_inner))
            }
        }
    )*};
}
planned!(f32 f64);

/// The planner of a number type, which keeps every plan it made.
trait Cached: FftNum {
    fn planner(plan: impl FnOnce(&mut FftPlanner<Self>) -> Arc<dyn Fft<Self>>) -> Arc<dyn Fft<Self>>;
}
