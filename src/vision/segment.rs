//! A picture that has been segmented: a class for each pixel, and how sure of it the model was.

use ndarray::{Array2, ArrayView3, Axis, Zip};

/// A class id per pixel.
#[derive(Clone, Debug, PartialEq)]
pub struct Segmented {
    pub labels: Array2<u8>,
    /// The probability of that class, 0 to 1, of the same shape; `None` for a mask that no model made.
    pub certainty: Option<Array2<f32>>,
}

/// A class in a mask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassSeen {
    pub class: u8,
    pub pixels: usize,
    /// The mean probability over its pixels, 0 to 1.
    pub certainty: Option<f64>,
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
            Zip::from(&mut best)
                .and(&mut labels)
                .and(plane)
                .par_for_each(|best, label, v| {
                    if *v > *best {
                        (*best, *label) = (*v, class);
                    }
                });
        }
        let mut sum = Array2::<f32>::zeros((h, w));
        for plane in logits.outer_iter() {
            Zip::from(&mut sum)
                .and(&best)
                .and(plane)
                .par_for_each(|sum, best, v| *sum += (v - best).exp());
        }
        Segmented {
            labels,
            certainty: Some(sum.mapv(f32::recip)),
        }
    }

    /// The classes there are, lowest first.
    pub fn classes(&self) -> Vec<ClassSeen> {
        let mut seen = [(0usize, 0.0f64); 256];
        match &self.certainty {
            Some(certainty) => self.labels.iter().zip(certainty).for_each(|(class, p)| {
                let (pixels, sum) = &mut seen[usize::from(*class)];
                (*pixels, *sum) = (*pixels + 1, *sum + f64::from(*p));
            }),
            None => self.labels.iter().for_each(|class| seen[usize::from(*class)].0 += 1),
        }
        let seen = (0u8..=u8::MAX).zip(seen).filter(|(_, (pixels, _))| *pixels > 0);
        seen.map(|(class, (pixels, sum))| ClassSeen {
            class,
            pixels,
            certainty: self.certainty.as_ref().map(|_| sum / pixels as f64),
        })
        .collect()
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
        let [first, second] = made.classes()[..] else {
            panic!("two classes")
        };
        assert_eq!((first.class, first.pixels, second.class, second.pixels), (0, 1, 1, 1));
        assert!((second.certainty.unwrap() - 0.5).abs() < 1e-3);
        let drawn = Segmented::from(array![[0u8, 3, 3]]).classes();
        assert_eq!((drawn[1].class, drawn[1].pixels, drawn[1].certainty), (3, 2, None));
    }
}
