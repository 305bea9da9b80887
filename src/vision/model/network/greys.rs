//! How nnU-Net brings grey values into the range that its networks learnt from: its normalisation schemes.

use crate::model::ModelError;
use crate::model::checkpoint::{Id, Node, Pickle};
use ndarray::Array2;

/// One of nnU-Net's schemes, by what it does to a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Greys {
    /// `NoNormalization`.
    AsTheyAre,
    /// `ZScoreNormalization`: mean 0 and variance 1 of the picture at hand.
    Standardised,
    /// `CTNormalization`: cut to what most of the training's foreground was, then by its mean and spread.
    Clipped {
        low: f64,
        high: f64,
        mean: f64,
        spread: f64,
    },
    /// `RescaleTo01Normalization`: the picture's darkest to 0, its brightest to 1.
    Stretched,
    /// `RGBTo01Normalization`: eight bits to 0 .. 1.
    Bytes,
}

/// What nnU-Net divides by at least.
const LEAST: f64 = 1e-8;

impl Greys {
    /// What the plans say of the first channel.
    pub(super) fn of(pickle: &Pickle, plans: Id, configured: Id) -> Result<Greys, ModelError> {
        let first = |key: &str| pickle.list(pickle.get(configured, key)?)?.first().copied();
        if first("use_mask_for_norm").is_some_and(|id| *pickle.node(id) == Node::Bool(true)) {
            let within = "grey values normalised within a mask".to_owned();
            return Err(ModelError::UnknownNetwork(within));
        }
        let scheme = first("normalization_schemes").and_then(|id| pickle.text(id));
        match scheme.unwrap_or_default() {
            "NoNormalization" => Ok(Greys::AsTheyAre),
            "ZScoreNormalization" => Ok(Greys::Standardised),
            "RescaleTo01Normalization" => Ok(Greys::Stretched),
            "RGBTo01Normalization" => Ok(Greys::Bytes),
            "CTNormalization" => clipped(pickle, plans).ok_or_else(|| {
                ModelError::UnknownNetwork("CTNormalization without what its foreground was like".to_owned())
            }),
            other => Err(ModelError::UnknownNetwork(format!("the normalisation {other}"))),
        }
    }

    pub fn apply(self, picture: Array2<f32>) -> Array2<f32> {
        let (shift, by) = match self {
            Greys::AsTheyAre => return picture,
            Greys::Standardised => {
                let values = picture.mapv(f64::from);
                (values.mean().unwrap_or(0.0), values.std(0.0))
            }
            Greys::Clipped { mean, spread, .. } => (mean, spread),
            Greys::Stretched => {
                let end =
                    |from: f32, pick: fn(f32, f32) -> f32| f64::from(picture.iter().fold(from, |a, b| pick(a, *b)));
                let (low, high) = (end(f32::INFINITY, f32::min), end(f32::NEG_INFINITY, f32::max));
                (low, high - low)
            }
            Greys::Bytes => (0.0, 255.0),
        };
        let (low, high) = match self {
            Greys::Clipped { low, high, .. } => (low, high),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        };
        picture.mapv_into(|v| ((f64::from(v).max(low).min(high) - shift) / by.max(LEAST)) as f32)
    }
}

/// What the foreground of the training's pictures was like.
fn clipped(pickle: &Pickle, plans: Id) -> Option<Greys> {
    let channels = pickle.get(plans, "foreground_intensity_properties_per_channel")?;
    let channel = pickle.get(channels, "0")?;
    let number = |key: &str| {
        let id = pickle.get(channel, key)?;
        match pickle.node(id) {
            Node::Float(value) => Some(*value).filter(|v| v.is_finite()),
            _ => pickle.int(id).map(|value| value as f64),
        }
    };
    Some(Greys::Clipped {
        low: number("percentile_00_5")?,
        high: number("percentile_99_5")?,
        mean: number("mean")?,
        spread: number("std")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// Plans with one configuration `c` that names a scheme, as pickle (protocol 2).
    fn plans(scheme: &str, foreground: bool) -> Vec<u8> {
        let text = |text: &str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
        let float = |value: f64| [b"G", &value.to_be_bytes()[..]].concat();
        let configured = [
            b"}".to_vec(),
            text("normalization_schemes"),
            b"]".to_vec(),
            text(scheme),
            b"as".to_vec(),
        ]
        .concat();
        let mut all = [b"\x80\x02}".to_vec(), text("c"), configured, b"s".to_vec()].concat();
        if foreground {
            all.extend(
                [
                    text("foreground_intensity_properties_per_channel"),
                    b"}".to_vec(),
                    text("0"),
                    b"}".to_vec(),
                ]
                .concat(),
            );
            for (key, value) in [
                ("mean", 100.5),
                ("std", 20.0),
                ("percentile_00_5", 10.0),
                ("percentile_99_5", 200.0),
            ] {
                all.extend([text(key), float(value), b"s".to_vec()].concat());
            }
            all.extend(b"ss");
        }
        all.push(b'.');
        all
    }

    fn read(scheme: &str, foreground: bool) -> Result<Greys, ModelError> {
        let (pickle, _) = Pickle::read(&plans(scheme, foreground)).unwrap();
        Greys::of(&pickle, pickle.root, pickle.get(pickle.root, "c").unwrap())
    }

    #[test]
    fn every_scheme_of_nnunet_does_what_it_does_there() {
        let picture = || array![[0.0f32, 50.0], [100.0, 250.0]];
        let close = |greys: Greys, wanted: [f32; 4]| {
            let made = greys.apply(picture());
            assert!(
                made.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6),
                "{greys:?}: {made}"
            );
        };
        close(read("NoNormalization", false).unwrap(), [0.0, 50.0, 100.0, 250.0]);
        close(
            read("RGBTo01Normalization", false).unwrap(),
            [0.0, 50.0 / 255.0, 100.0 / 255.0, 250.0 / 255.0],
        );
        close(read("RescaleTo01Normalization", false).unwrap(), [0.0, 0.2, 0.4, 1.0]);
        close(
            read("ZScoreNormalization", false).unwrap(),
            [-1.069_045, -0.534_522_5, 0.0, 1.603_567_5],
        );
        let foreground = read("CTNormalization", true).unwrap();
        close(foreground, [-4.525, -2.525, -0.025, 4.975]);
        assert_eq!(Greys::Stretched.apply(array![[7.0f32, 7.0]]), array![[0.0f32, 0.0]]);
        assert!(read("CTNormalization", false).is_err() && read("OtherNormalization", false).is_err());
    }
}
