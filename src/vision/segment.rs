//! A picture that has been segmented: a class for each pixel, and how sure of it the model was.

use ndarray::{Array2, ArrayView3, Axis};

/// A class id per pixel.
#[derive(Clone, Debug, PartialEq)]
pub struct Segmented {
    pub labels: Array2<u8>,
    /// The probability of that class, 0 to 1, of the same shape; `None` for a mask that no model made.
    pub certainty: Option<Array2<f32>>,
}

impl From<Array2<u8>> for Segmented {
    fn from(labels: Array2<u8>) -> Self {
        Segmented {
            labels,
            certainty: None,
        }
    }
}

impl Segmented {
    /// From logits (classes x rows x columns): the largest, the lowest class of equal ones, and its softmax.
    pub fn from_logits(logits: ArrayView3<f32>) -> Self {
        let (_, h, w) = logits.dim();
        let mut best = logits.index_axis(Axis(0), 0).to_owned();
        let mut labels = Array2::<u8>::zeros((h, w));
        for (class, plane) in (0u8..=u8::MAX).zip(logits.outer_iter()).skip(1) {
            ndarray::Zip::from(&mut best)
                .and(&mut labels)
                .and(plane)
                .for_each(|best, label, v| {
                    if *v > *best {
                        (*best, *label) = (*v, class);
                    }
                });
        }
        let mut sum = Array2::<f32>::zeros((h, w));
        for plane in logits.outer_iter() {
            ndarray::Zip::from(&mut sum)
                .and(&best)
                .and(plane)
                .for_each(|sum, best, v| *sum += (v - best).exp());
        }
        Segmented {
            labels,
            certainty: Some(sum.mapv(f32::recip)),
        }
    }

    /// Mean probability over the pixels of a class; `None` when there are none, or no probabilities.
    pub fn certainty_of(&self, class: u8) -> Option<f64> {
        let certainty = self.certainty.as_ref()?;
        let (mut sum, mut n) = (0.0, 0usize);
        for (label, p) in self.labels.iter().zip(certainty) {
            if *label == class {
                sum += f64::from(*p);
                n += 1;
            }
        }
        (n > 0).then(|| sum / n as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_lowest_of_equal_classes_wins_and_probabilities_are_softmax() {
        let logits = array![[[1.0f32, 90.0]], [[1.0, 100.0]], [[0.0, 100.0]]];
        let made = Segmented::from_logits(logits.view());
        assert_eq!(made.labels, array![[0u8, 1]]);
        let p = made.certainty.as_ref().unwrap();
        assert!((p[[0, 0]] - 1.0 / (2.0 + (-1.0f32).exp())).abs() < 1e-6);
        assert!((p[[0, 1]] - 0.5).abs() < 1e-3);
        assert_eq!(made.certainty_of(2), None);
        assert!((made.certainty_of(1).unwrap() - 0.5).abs() < 1e-3);
    }
}
