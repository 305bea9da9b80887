//! Pictures between and after the stages (openFIBSEM's MillingTaskAcquisitionSettings).

use crate::field::Field;
use crate::read::{ReadError, Reader};
use model::ImageSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Acquisition {
    pub acquire_sem: bool,
    pub acquire_fib: bool,
    /// One picture at the end where no others are taken. Off for a last polish, which a picture at high voltage would spoil.
    pub acquire_final_image: bool,
    pub imaging: ImageSettings,
}

impl Default for Acquisition {
    fn default() -> Self {
        Acquisition {
            acquire_sem: false,
            acquire_fib: false,
            acquire_final_image: true,
            imaging: ImageSettings::default(),
        }
    }
}

pub const ACQUISITION_FIELDS: &[Field] = &[
    Field::flag(
        "acquire_sem",
        "SEM pictures",
        "an electron picture before the first and after each stage",
    ),
    Field::flag(
        "acquire_fib",
        "FIB pictures",
        "an ion picture before the first and after each stage",
    ),
    Field::flag(
        "acquire_final_image",
        "Final picture",
        "an ion picture at the end, where no others are taken",
    ),
];

impl Acquisition {
    /// How many pictures are taken each time.
    pub fn beams(&self) -> u32 {
        u32::from(self.acquire_sem) + u32::from(self.acquire_fib)
    }

    pub(crate) fn read_with(reader: &mut Reader, value: Option<&Value>) -> Result<Acquisition, ReadError> {
        match value.filter(|v| !v.is_null()) {
            None => Ok(Acquisition::default()),
            Some(value) => {
                let map = reader.map(value)?;
                reader.record(map, ACQUISITION_FIELDS, &[])
            }
        }
    }
}
