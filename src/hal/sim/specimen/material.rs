//! What the sample and its holder are made of, and how bright each stuff is under either beam.
//!
//! Yields are relative: 1 is what gold gives to an electron picture at normal incidence. They follow the order measured on
//! cryo samples (metals above ice, ice above carbon at low voltage; channelling and conductivity decide under ions), not one table.

/// A stuff the beams can meet. What each is to a milling beam stands in `config/materials.yaml`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Material {
    /// Nothing: the beam goes on into the dark below.
    #[default]
    Vacuum,
    /// Holder and shuttle: machined metal.
    Holder,
    /// Grid bars.
    Gold,
    /// Support film.
    Carbon,
    /// Vitreous ice.
    Ice,
    /// Vitrified cells.
    Cell,
    /// Crystalline contamination.
    Frost,
    /// Deposited precursor (metal in a matrix of carbon: less than the metal itself gives) and fiducials.
    Platinum,
    /// Copper of a half-moon grid.
    Copper,
    /// A block of high-pressure frozen or embedded tissue.
    Tissue,
    /// A wafer, or a test piece.
    Silicon,
    /// What was sputtered elsewhere and landed here.
    Redeposit,
}

/// How a stuff answers the beams.
#[derive(Clone, Copy, Debug)]
pub struct Optical {
    pub material: Material,
    /// Secondary electrons under electrons.
    pub electron: f32,
    /// Secondary electrons under ions.
    pub ion: f32,
    /// Backscattered electrons.
    pub backscatter: f32,
    /// How far crystal grains differ under ions (channelling).
    pub grain: f32,
}

const fn row(material: Material, electron: f32, ion: f32, backscatter: f32, grain: f32) -> Optical {
    Optical {
        material,
        electron,
        ion,
        backscatter,
        grain,
    }
}

/// One row per stuff, in the order of [`Material`].
pub const OPTICAL: &[Optical] = &[
    row(Material::Vacuum, 0.05, 0.03, 0.02, 0.0),
    row(Material::Holder, 0.50, 0.60, 0.45, 0.30),
    row(Material::Gold, 1.00, 1.05, 1.30, 0.45),
    row(Material::Carbon, 0.46, 0.34, 0.16, 0.0),
    row(Material::Ice, 0.60, 0.50, 0.22, 0.0),
    row(Material::Cell, 0.54, 0.44, 0.27, 0.0),
    row(Material::Frost, 0.78, 0.72, 0.25, 0.0),
    row(Material::Platinum, 0.95, 0.95, 1.35, 0.0),
    row(Material::Copper, 0.80, 0.85, 0.85, 0.50),
    row(Material::Tissue, 0.55, 0.48, 0.35, 0.0),
    row(Material::Silicon, 0.62, 0.55, 0.48, 0.0),
    row(Material::Redeposit, 0.66, 0.58, 0.30, 0.0),
];

/// How many stuffs there are.
pub const COUNT: usize = OPTICAL.len();

/// Which electrons make the picture: the column that releases them, and how they leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Secondary electrons under the electron beam.
    #[default]
    Electron,
    /// Secondary electrons under the ion beam.
    Ion,
    /// Backscattered electrons.
    Backscatter,
}

impl Material {
    /// The name in files.
    pub fn word(self) -> &'static str {
        match self {
            Material::Vacuum => "vacuum",
            Material::Holder => "holder",
            Material::Gold => "gold",
            Material::Carbon => "carbon",
            Material::Ice => "ice",
            Material::Cell => "cell",
            Material::Frost => "frost",
            Material::Platinum => "platinum",
            Material::Copper => "copper",
            Material::Tissue => "tissue",
            Material::Silicon => "silicon",
            Material::Redeposit => "redeposit",
        }
    }

    /// The stuff of that name.
    pub fn parse(word: &str) -> Option<Material> {
        OPTICAL.iter().map(|row| row.material).find(|m| m.word() == word)
    }

    /// How bright it is, flat to the beam; gold under electrons is 1.
    #[inline]
    pub fn response(self, channel: Channel) -> f32 {
        let row = &OPTICAL[self as usize];
        match channel {
            Channel::Electron => row.electron,
            Channel::Ion => row.ion,
            Channel::Backscatter => row.backscatter,
        }
    }

    /// Share of the charge that stays where the beam leaves it, 0..1. Metals are earthed by the stage; thin carbon leaks.
    pub fn insulation(self) -> f32 {
        match self {
            Material::Ice | Material::Cell | Material::Frost | Material::Tissue => 1.0,
            Material::Carbon => 0.3,
            _ => 0.0,
        }
    }

    /// The response of one crystal of it, `orientation` in -1..1: grains show under ions, and a little under electrons.
    #[inline]
    pub fn grained(self, channel: Channel, orientation: f32) -> f32 {
        let shown = match channel {
            Channel::Electron => 0.33,
            Channel::Ion => 1.0,
            Channel::Backscatter => 0.5,
        };
        self.response(channel) * (1.0 + shown * OPTICAL[self as usize].grain * orientation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_enum() {
        for (i, row) in OPTICAL.iter().enumerate() {
            assert_eq!(row.material as usize, i);
            assert_eq!(Material::parse(row.material.word()), Some(row.material));
        }
    }
}
