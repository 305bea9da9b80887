//! What a milling beam does to each stuff: the table of `config/materials.yaml`, checked when it is read.

use crate::sim::specimen::Material;
use crate::sim::specimen::material::{COUNT, OPTICAL};
use model::yaml::{Document, Node, YamlError};

/// The table that comes with the program.
const SHIPPED: &str = include_str!("../../../../config/materials.yaml");

/// The ions of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Ions {
    /// `Ga`, `Xe`, `Ar`, `O` or `N`, as in the table.
    pub species: String,
    /// V.
    pub voltage: f64,
}

impl Default for Ions {
    fn default() -> Self {
        Ions {
            species: "Ga".to_owned(),
            voltage: 30e3,
        }
    }
}

/// One stuff under a milling beam.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stuff {
    /// Volume per charge, gallium at the reference voltage and normal incidence (m3/C); 0: never milled.
    pub rate: f64,
    /// Share that lands again in a deep blind hole.
    pub redeposition: f64,
    /// Where the rate comes from.
    pub source: String,
}

/// The whole table.
#[derive(Clone, Debug, PartialEq)]
pub struct Materials {
    stuffs: [Stuff; COUNT],
    species: Vec<(String, f64)>,
    reference_voltage: f64,
    energy_exponent: f64,
    incidence: Incidence,
}

/// Yamamura's dependence on the angle of incidence.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Incidence {
    exponent: f64,
    /// Cosine of the angle at which sputtering peaks.
    peak: f64,
    least: f64,
    most: f64,
}

/// Rates for one kind of ion: what marching needs, by [`Material`] as a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rates {
    /// m3/C at normal incidence.
    pub rate: [f64; COUNT],
    pub redeposition: [f64; COUNT],
    incidence: Incidence,
}

impl Rates {
    /// Times the rate at normal incidence, where the beam meets a surface under `cosine` to its normal.
    pub fn incidence(&self, cosine: f64) -> f64 {
        self.incidence.factor(cosine)
    }

    /// These, none faster than `most` (m3/C).
    pub fn at_most(&self, most: f64) -> Rates {
        Rates {
            rate: self.rate.map(|rate| rate.min(most)),
            ..*self
        }
    }

    /// The fastest there can be (m3/C): how deep a dose may reach at most.
    pub fn most(&self) -> f64 {
        self.incidence.most * self.rate.iter().copied().fold(0.0, f64::max)
    }
}

impl Incidence {
    fn factor(&self, cosine: f64) -> f64 {
        let t = 1.0 / cosine.clamp(1e-3, 1.0);
        // t^exponent exp(exponent peak (1 - t)), asked for by every ray
        let factor = (self.exponent * (t.ln() + self.peak * (1.0 - t))).exp();
        factor.clamp(self.least, self.most)
    }
}

impl Materials {
    /// The table that comes with the program.
    pub fn shipped() -> Result<Materials, YamlError> {
        Materials::parse(SHIPPED, "config/materials.yaml")
    }

    /// A table; errors name file, line and what is wrong.
    pub fn parse(text: &str, origin: &str) -> Result<Materials, YamlError> {
        let root = Document::parse(text, origin)?.root;
        only(
            &root,
            &[
                "reference_voltage",
                "incidence",
                "energy_exponent",
                "species",
                "materials",
            ],
        )?;
        let angle = child(&root, "incidence")?;
        only(angle, &["exponent", "peak", "least", "most"])?;
        let incidence = Incidence {
            exponent: number(angle, "exponent", 0.0..=5.0)?,
            peak: number(angle, "peak", 0.0..=89.0)?.to_radians().cos(),
            least: number(angle, "least", 0.0..=1.0)?,
            most: number(angle, "most", 1.0..=20.0)?,
        };
        let mut species = Vec::new();
        for (name, row) in child(&root, "species")?.entries() {
            only(row, &["factor", "source"])?;
            sourced(row)?;
            species.push((name.word().to_owned(), number(row, "factor", 0.01..=10.0)?));
        }
        let mut stuffs: [Stuff; COUNT] = Default::default();
        for (name, row) in child(&root, "materials")?.entries() {
            let known = Material::parse(name.word()).filter(|m| *m != Material::Vacuum);
            let material = known.ok_or_else(|| {
                let names: Vec<&str> = OPTICAL.iter().skip(1).map(|o| o.material.word()).collect();
                let shown = model::text::printable(name.word());
                YamlError::at(
                    name,
                    format!("`{shown}` is no material: say one of {}", names.join(", ")),
                )
            })?;
            only(row, &["rate", "redeposition", "source"])?;
            stuffs[material as usize] = Stuff {
                rate: number(row, "rate", 0.001..=100.0)? * 1e-9,
                redeposition: number(row, "redeposition", 0.0..=0.9)?,
                source: sourced(row)?,
            };
        }
        if let Some(missing) = OPTICAL.iter().skip(1).find(|o| stuffs[o.material as usize].rate == 0.0) {
            let what = format!("`{}` has no row: add its rate", missing.material.word());
            return Err(YamlError::at(child(&root, "materials")?, what));
        }
        Ok(Materials {
            stuffs,
            species,
            reference_voltage: number(&root, "reference_voltage", 100.0..=1e6)?,
            energy_exponent: number(&root, "energy_exponent", 0.0..=2.0)?,
            incidence,
        })
    }

    pub fn stuff(&self, material: Material) -> &Stuff {
        &self.stuffs[material as usize]
    }

    /// Volume per charge at normal incidence (m3/C). Ions the table does not know mill as gallium does.
    pub fn rate(&self, material: Material, ions: &Ions) -> f64 {
        self.stuff(material).rate * self.strength(ions)
    }

    pub(super) fn rates(&self, ions: &Ions) -> Rates {
        let strength = self.strength(ions);
        Rates {
            rate: std::array::from_fn(|i| self.stuffs[i].rate * strength),
            redeposition: std::array::from_fn(|i| self.stuffs[i].redeposition),
            incidence: self.incidence,
        }
    }

    fn strength(&self, ions: &Ions) -> f64 {
        let known = |(name, _): &&(String, f64)| name.eq_ignore_ascii_case(&ions.species);
        let factor = self.species.iter().find(known).map_or(1.0, |(_, factor)| *factor);
        factor * (ions.voltage.clamp(100.0, 1e6) / self.reference_voltage).powf(self.energy_exponent)
    }
}

fn child<'a>(node: &'a Node, key: &str) -> Result<&'a Node, YamlError> {
    node.get(key)
        .ok_or_else(|| YamlError::at(node, format!("`{key}` is missing")))
}

fn number(node: &Node, key: &str, range: std::ops::RangeInclusive<f64>) -> Result<f64, YamlError> {
    let value = child(node, key)?;
    match value.number() {
        Some(x) if range.contains(&x) => Ok(x),
        _ => {
            let shown = model::text::printable(value.word());
            let what = format!("`{key}: {shown}` is not between {} and {}", range.start(), range.end());
            Err(YamlError::at(value, what))
        }
    }
}

fn sourced(row: &Node) -> Result<String, YamlError> {
    let source = child(row, "source")?;
    match source.word().trim() {
        "" => Err(YamlError::at(
            source,
            "a rate without a source: say where it comes from",
        )),
        text => Ok(text.to_owned()),
    }
}

/// Refuses keys that nobody reads.
fn only(node: &Node, keys: &[&str]) -> Result<(), YamlError> {
    match node.entries().iter().find(|(key, _)| !keys.contains(&key.word())) {
        Some((key, _)) => {
            let shown = model::text::printable(key.word());
            Err(YamlError::at(
                key,
                format!("no key `{shown}` here: {}", keys.join(", ")),
            ))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_is_sound_and_every_rate_has_a_source() {
        let table = Materials::shipped().unwrap();
        for row in OPTICAL.iter().skip(1) {
            assert!(!table.stuff(row.material).source.is_empty(), "{}", row.material.word());
        }
        let rate = |m| table.rate(m, &Ions::default());
        assert!((rate(Material::Silicon) - 0.27e-9).abs() < 1e-15);
        assert!(
            rate(Material::Ice) > 5.0 * rate(Material::Silicon),
            "a silicon file mills deeper in ice"
        );
        let xenon = Ions {
            species: "xe".into(),
            voltage: 30e3,
        };
        assert!(table.rate(Material::Ice, &xenon) > rate(Material::Ice));
    }

    #[test]
    fn sputtering_peaks_at_a_slant_and_dies_out_at_grazing() {
        let rates = Materials::shipped().unwrap().rates(&Ions::default());
        let at = |deg: f64| rates.incidence(deg.to_radians().cos());
        assert!((at(0.0) - 1.0).abs() < 1e-12);
        assert!(at(75.0) > 3.0 && at(80.0) > at(70.0) && at(80.0) > at(85.0) && at(89.5) < 0.5);
    }

    #[test]
    fn a_wrong_table_is_refused_by_file_and_line() {
        let broken = |from: &str, to: &str| {
            assert!(SHIPPED.contains(from));
            Materials::parse(&SHIPPED.replacen(from, to, 1), "m.yaml")
                .unwrap_err()
                .to_string()
        };
        for (from, to, says) in [
            ("rate: 0.27", "rate: -1", "m.yaml:30:"),
            ("gold:", "golt:", "no material"),
            ("factor: 1.3", "factr: 1.3", "no key `factr`"),
            ("source: \"as ice\"", "source: \"\"", "without a source"),
            ("rate: 2.4", "rate: many", "is not between"),
            ("    copper:", "    #", "`copper` has no row"),
        ] {
            let error = broken(from, to);
            assert!(error.starts_with("m.yaml:") && error.contains(says), "{from}: {error}");
        }
    }
}
