//! Batch normalisation as part of the convolution before it.

use crate::model::checkpoint::{CheckpointError, Tensor, Weights};

/// PyTorch's default for batch normalisation.
pub(super) const EPSILON: f32 = 1e-5;

/// One of the vectors of a normalisation (`weight`, `bias`, `running_mean`, `running_var`), as long as the convolution has outputs.
pub(super) fn vector(weights: &Weights, norm: &str, part: &str, outputs: usize) -> Result<Vec<f32>, CheckpointError> {
    let name = format!("{norm}.{part}");
    let values = weights.vector(&name)?;
    if values.len() != outputs {
        return Err(CheckpointError::Shape {
            name,
            shape: vec![values.len()],
            expected: "as many numbers as the convolution before has outputs",
        });
    }
    Ok(values)
}

/// Scales the kernels by what training left in the normalisation; the bias that remains.
pub(super) fn folded(weights: &Weights, kernels: &mut Tensor, norm: &str) -> Result<Vec<f32>, CheckpointError> {
    let outputs = kernels.shape[0];
    let vector = |part: &str| vector(weights, norm, part, outputs);
    let (scale, shift) = (vector("weight")?, vector("bias")?);
    let (mean, variance) = (vector("running_mean")?, vector("running_var")?);
    let gain = |(s, v): (&f32, &f32)| f64::from(*s) / f64::from(v + EPSILON).sqrt();
    let gains: Vec<f64> = scale.iter().zip(&variance).map(gain).collect();
    let each = kernels.data.len() / outputs;
    for (kernel, gain) in kernels.data.chunks_exact_mut(each).zip(&gains) {
        kernel.iter_mut().for_each(|v| *v = (f64::from(*v) * gain) as f32);
    }
    let bias = |((b, m), g): ((&f32, &f32), &f64)| (f64::from(*b) - f64::from(*m) * g) as f32;
    Ok(shift.iter().zip(&mean).zip(&gains).map(bias).collect())
}
