//! What an operator does with the stages of a task.

use super::{MillingStage, MillingTask};
use crate::Pattern;

/// Why the stages were left as they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("there is no stage {number}: the task has {count}")]
    NoStage {
        /// Counted from 1, as an operator counts.
        number: usize,
        count: usize,
    },
}

/// Patterns that are milled together, with the beam and strategy of one stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Pass<'a> {
    /// The stage whose settings count.
    pub stage: &'a MillingStage,
    /// Which stages it mills, by their place in the list.
    pub stages: Vec<usize>,
    pub patterns: Vec<&'a Pattern>,
}

impl MillingTask {
    fn index(&self, index: usize) -> Result<usize, EditError> {
        match index < self.stages.len() {
            true => Ok(index),
            false => Err(EditError::NoStage {
                number: index.saturating_add(1),
                count: self.stages.len(),
            }),
        }
    }

    /// The stage at `index` (from 0).
    pub fn stage(&self, index: usize) -> Result<&MillingStage, EditError> {
        self.index(index).map(|i| &self.stages[i])
    }

    pub fn stage_mut(&mut self, index: usize) -> Result<&mut MillingStage, EditError> {
        self.index(index).map(|i| &mut self.stages[i])
    }

    /// Adds a stage at the end, under a name of its own; returns its index.
    pub fn add(&mut self, mut stage: MillingStage) -> usize {
        stage.name = self.free_name(&stage.name);
        self.stages.push(stage);
        self.stages.len() - 1
    }

    pub fn remove(&mut self, index: usize) -> Result<MillingStage, EditError> {
        self.index(index).map(|i| self.stages.remove(i))
    }

    /// Puts a copy right behind the stage, under a name of its own; returns its index.
    pub fn duplicate(&mut self, index: usize) -> Result<usize, EditError> {
        let mut copy = self.stage(index)?.clone();
        copy.name = self.free_name(&copy.name);
        self.stages.insert(index + 1, copy);
        Ok(index + 1)
    }

    /// Moves a stage so that it is at `to` afterwards.
    pub fn reorder(&mut self, from: usize, to: usize) -> Result<(), EditError> {
        let (from, to) = (self.index(from)?, self.index(to)?);
        let stage = self.stages.remove(from);
        self.stages.insert(to, stage);
        Ok(())
    }

    pub fn enable(&mut self, index: usize, enabled: bool) -> Result<(), EditError> {
        self.stage_mut(index).map(|stage| stage.enabled = enabled)
    }

    /// `name`, or with the first number that makes it unlike the others': pictures are filed by it.
    fn free_name(&self, name: &str) -> String {
        let taken = |name: &str| self.stages.iter().any(|stage| stage.name == name);
        let numbered = (2..).map(|n| format!("{name} ({n})"));
        std::iter::once(name.to_owned())
            .chain(numbered)
            .find(|name| !taken(name))
            .unwrap_or_default()
    }

    /// The other stages that could be milled together with this one, by their place in the list.
    pub fn compatible(&self, index: usize) -> Result<Vec<usize>, EditError> {
        let reference = self.stage(index)?;
        let others = self.stages.iter().enumerate().filter(|(i, _)| *i != index);
        Ok(others
            .filter(|(_, s)| s.is_compatible_with(reference))
            .map(|(i, _)| i)
            .collect())
    }

    /// This stage and all that are compatible and on, as one pass: its own pattern first. The task stays as it is. (The original
    /// also takes stages that are off, and leaves the merged ones in the list, where they are milled again.)
    pub fn merge_compatible(&self, index: usize) -> Result<Pass<'_>, EditError> {
        let mut stages = vec![self.index(index)?];
        stages.extend(self.compatible(index)?.into_iter().filter(|i| self.stages[*i].enabled));
        Ok(Pass {
            stage: &self.stages[index],
            patterns: stages.iter().map(|i| &self.stages[*i].pattern).collect(),
            stages,
        })
    }
}
