//! Milling for a lamella: asked about where somebody watches, never done twice.

use super::left::{Milled, Underway};
use super::work::{PARK, Work, malformed, parked};
use crate::milling::{self, Mill};
use crate::{JobCx, JobError};
use model::{ErrorKind, text};
use pattern::{MillingTask, Rest, StageState, Unfinished};

const MILL: &str = "mill";
const GO_ON: &str = "continue";

impl Work {
    /// What the task mills under `key`.
    pub fn milling(&self, key: &str) -> Result<MillingTask, JobError> {
        let read = self.config.milling(key).ok_or_else(|| {
            JobError::new(
                ErrorKind::Usage,
                format!("nothing to mill stands under `{key}`; nothing was milled"),
                "`fibdeck protocol check` says what a task must have",
            )
        })?;
        read.map(|(task, _)| task).map_err(|error| {
            JobError::new(
                ErrorKind::Usage,
                format!("what is to be milled under `{key}` makes no sense: {error}; nothing was milled"),
                "`fibdeck protocol check` says where",
            )
        })
    }

    /// Mills `task`, or what of it is missing since a stop or a crash. Where somebody watches they see it in the Milling tab first,
    /// and what is loaded there when they answer is milled.
    pub async fn mill(&mut self, key: &str, step: &str, mut task: MillingTask) -> Result<(), JobError> {
        let mut rest = Rest::default();
        let mut goes_on = false;
        match self.left.milling.get(key) {
            Some(Milled::Whole) => return Ok(()),
            Some(Milled::Begun) => self.in_doubt(key).await?,
            Some(Milled::Part(left)) => {
                (task, rest, goes_on) = (left.task.clone(), left.rest.clone(), true);
            }
            None => {}
        }
        self.step(step, &format!("milling {}", text::printable(&task.name)))
            .await?;
        if self.is_supervised() && !goes_on {
            match self.confirm(&mut task, "mill these patterns?", MILL_FIRST).await? {
                true => {}
                false => return self.note(key, Milled::Whole),
            }
        }
        loop {
            self.once(key, &task, std::mem::take(&mut rest)).await?;
            if !self.is_supervised()
                || !self
                    .confirm(&mut task, "milled: is it as it should be?", MILL_AGAIN)
                    .await?
            {
                return Ok(());
            }
        }
    }

    fn note(&mut self, key: &str, milled: Milled) -> Result<(), JobError> {
        self.left.milling.insert(key.to_owned(), milled);
        self.left.save(&self.folder)
    }

    async fn once(&mut self, key: &str, task: &MillingTask, rest: Rest) -> Result<(), JobError> {
        let underway = Underway {
            folder: self.folder.clone(),
            task: self.task.clone(),
            key: key.to_owned(),
            milling: task.clone(),
            rest: rest.clone(),
        };
        let before = self.left.clone();
        self.note(key, Milled::Begun)?;
        let params = Mill {
            task: task.clone(),
            path: Some(self.folder.display().to_string()),
            gas: None,
            rest: Some(rest),
        };
        let cx: JobCx = self.cx.clone();
        // a crash finds in the journal what was to be milled
        self.cx.host.mills(Some(underway)).await?;
        let attempt = milling::attempt(cx, params).await;
        let result = match attempt {
            Err(error) => {
                // nothing was begun
                self.left = before;
                self.left.save(&self.folder)?;
                Err(error)
            }
            Ok((_, Ok(()))) => {
                self.note(key, Milled::Whole)?;
                Ok(())
            }
            Ok((run, Err(error))) => {
                let done = |stage: &pattern::StageRun| matches!(stage.state, StageState::Done | StageState::Off);
                match run.unfinished {
                    Some(left) => self.note(key, Milled::Part(left))?,
                    None if run.stages.iter().all(done) => self.note(key, Milled::Whole)?,
                    // not known: it stays begun
                    None => {}
                }
                Err(error)
            }
        };
        self.cx.host.mills(None).await?;
        result
    }

    /// It was being milled when everything ended, and neither journal nor instrument said how far that came.
    async fn in_doubt(&mut self, key: &str) -> Result<(), JobError> {
        let doubt = JobError::new(
            ErrorKind::Unknown,
            format!(
                "`{key}` was being milled when the engine ended, and how far it came is not known; nothing more was milled"
            ),
            "look at it; `lamella.edit name=... forget=true` lets it be milled from the beginning",
        );
        if !self.is_supervised() {
            return Err(doubt);
        }
        let choices = [(MILL, "from the beginning: it may be milled twice"), PARK];
        parked(&self.ask("how far was it milled?", &doubt.what, &choices).await?)
    }

    /// Shows what is to be milled and asks; `false`: go on without. What the person made of it is in `task` then.
    async fn confirm(&self, task: &mut MillingTask, text: &str, choices: [(&str, &str); 2]) -> Result<bool, JobError> {
        self.cx.host.plans(task);
        let detail = "The patterns are loaded in the Milling tab; as they are there when you answer they are milled. The instrument is yours until then.";
        let [mill, go_on] = choices;
        let answer = self.ask(text, detail, &[mill, go_on, PARK]).await?;
        parked(&answer)?;
        if let Some(planned) = self.cx.host.planned() {
            *task = planned;
        }
        if let Some(given) = answer.data {
            (*task, _) = MillingTask::read(&given).map_err(|error| malformed("milling task", &error))?;
        }
        Ok(answer.choice == MILL)
    }
}

const MILL_FIRST: [(&str, &str); 2] = [(MILL, "mills them"), (GO_ON, "goes on without milling")];
const MILL_AGAIN: [(&str, &str); 2] = [(MILL, "mills them once more"), (GO_ON, "goes on")];

/// What is missing of a milling that a crash cut off, as a task finds it when it goes on.
pub fn settle(underway: &Underway, left: Option<Unfinished>) -> Result<(), JobError> {
    let mut found = super::Left::load(&underway.folder, &underway.task)?;
    if found.milling.get(&underway.key) != Some(&Milled::Begun) {
        return Ok(());
    }
    let milled = match left {
        Some(left) => Milled::Part(Box::new(left)),
        None => Milled::Whole,
    };
    found.milling.insert(underway.key.clone(), milled);
    found.save(&underway.folder)
}
