//! A second look at a pair that is refused as it is, such as one of a holey film, which repeats: both pictures blurred.

use super::{Method, Options, RegisterError, Registration, register};
use crate::filter::{Border, gaussian};
use ndarray::Array2;

/// Most blur, as a share of a picture's shorter side: of wider blots there are too few to tell one picture from another.
pub const MOST_BLUR: f64 = 0.03;

/// Registers two pictures; a pair that is refused, once more blurred by so many pixels (0: not), which takes out a pattern finer than that.
/// What is left must convince like any other picture, always by cross-correlation: the spectrum of a blurred picture is nearly all noise,
/// and phases alone would tell of that. With the blur that it was measured with. Errors: as of [`register`].
pub fn register_blurred(
    [old, new]: [&Array2<f32>; 2],
    method: Method,
    options: &Options,
    blur: f64,
) -> Result<(Registration, f64), RegisterError> {
    let found = register(old.view(), new.view(), method, options)?;
    let (h, w) = old.dim();
    if found.accepted || blur <= 0.0 || blur > MOST_BLUR * h.min(w) as f64 {
        return Ok((found, 0.0));
    }
    let [old, new] = [old, new].map(|picture| gaussian(picture.view(), blur, Border::Reflect));
    let found = register(old.view(), new.view(), Method::CrossCorrelation, options)?;
    Ok((found, blur))
}
