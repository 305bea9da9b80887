//! Which samples of a dataset are meant.

use super::{Dataset, Part, Sample};
use crate::picture;
use model::Beam;

/// What a sample must have; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub part: Option<Part>,
    /// Part of the picture's name.
    pub name: Option<String>,
    pub feature: Option<String>,
    /// Part of the name of the model that found something in it.
    pub checkpoint: Option<String>,
    pub beam: Option<Beam>,
    pub corrected: Option<bool>,
    /// Somewhere in the mask.
    pub class: Option<u8>,
    pub masked: Option<bool>,
}

impl Filter {
    /// Keeps the samples that have all of it. A mask or picture that is damaged has no class and no beam.
    pub fn keep(&self, dataset: &mut Dataset) {
        dataset.samples.retain(|sample| self.takes(sample));
    }

    fn takes(&self, sample: &Sample) -> bool {
        let any = |test: &dyn Fn(&crate::table::Row) -> bool| sample.rows.iter().any(test);
        self.part.is_none_or(|part| part == sample.part)
            && self.name.as_ref().is_none_or(|name| sample.name.contains(name))
            && self.feature.as_ref().is_none_or(|f| any(&|row| row.feature == *f))
            && self
                .checkpoint
                .as_ref()
                .is_none_or(|c| any(&|row| row.checkpoint.contains(c)))
            && self.corrected.is_none_or(|corrected| sample.corrected() == corrected)
            && self.masked.is_none_or(|masked| sample.mask.is_some() == masked)
            && self.beam.is_none_or(|beam| beam_of(sample) == Some(beam))
            && self.class.is_none_or(|class| has(sample, class))
    }
}

/// The beam it was taken with: by the tables, else by the picture.
pub(super) fn beam_of(sample: &Sample) -> Option<Beam> {
    let told = sample.rows.iter().find_map(|row| row.beam);
    told.or_else(|| picture::header(&sample.image).ok()?.metadata.map(|m| m.image.beam_type))
}

fn has(sample: &Sample, class: u8) -> bool {
    let mask = sample.mask.as_ref().and_then(|path| picture::read_mask(path).ok());
    mask.is_some_and(|mask| mask.iter().any(|id| *id == class))
}
