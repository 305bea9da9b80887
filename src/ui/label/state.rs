//! The state of the screen, and what a key does to it.

use super::hand::{Grip, RADII, TOLERANCES, TOOLS, Tool};
use super::points::Marks;
use super::save::{Saved, Sheet};
use super::{Assist, Task};
use crate::action::Action;
use crate::keys::{Chord, Keymap, Layer};
use crate::popup::Help;
use crate::setup::Files;
use crate::theme::{Theme, Themes};
use crate::widget::list::Selection;
use learn::classes::Classes;
use learn::label::{Desk, Edit, Known, Origin};
use model::{Pixels, Severity};
use ndarray::Array2;
use picture::{ColourDepth, Grid, Position};
use ratatui::layout::Rect;
use std::cell::Cell;
use std::sync::Arc;
use vision::contrast::Spread;

/// Everything the screen knows.
pub struct Labelling {
    pub(super) name: String,
    pub(super) desk: Desk,
    pub(super) marks: Marks,
    pub(super) classes: Classes,
    pub(super) ids: Vec<u8>,
    pub(super) colours: Arc<[[u8; 3]]>,
    pub(super) assist: Option<Assist>,
    skip: bool,
    pub(super) keymap: Keymap,
    themes: Themes,
    pub(super) theme: Theme,
    no_colour: bool,
    pub(super) depth: ColourDepth,
    pub(super) tool: Tool,
    pub(super) class: u8,
    /// Places in the lists of radii and tolerances.
    pub(super) radius: usize,
    pub(super) tolerance: usize,
    /// Picture pixels.
    pub(super) cursor: Position,
    /// The brush is down and draws as the cursor goes.
    pub(super) pen: bool,
    /// Of the line or outline that is begun.
    pub(super) corners: Vec<learn::label::Pixel>,
    pub(super) grip: Grip,
    pub(super) level: Option<i8>,
    pub(super) centre: Option<Position>,
    pub(super) masked: bool,
    pub(super) opacity: f64,
    pub(super) brighter: i32,
    pub(super) spread: Spread,
    /// The list of pictures, where it has the focus.
    pub(super) listing: Option<Selection>,
    pub(super) help: Option<Help>,
    pub(super) says: Option<(Severity, String)>,
    /// Which picture is looked for: one that could not be opened is gone past from there.
    wanted: usize,
    /// Handed over and not yet written.
    pub(super) saving: usize,
    pub(super) failed: bool,
    /// The picture that the model looks at.
    pub(super) predicting: Option<usize>,
    /// Leaving although something could not be saved.
    forsaken: bool,
    pub(super) pixels: Arc<Pixels>,
    /// Where the picture was drawn last.
    pub(super) place: Cell<Rect>,
    pub(super) grid: Grid,
    pub(super) hits: Vec<(Rect, Action)>,
    /// Size of a cell where the mouse tells pixels.
    pub(super) cell: (u16, u16),
}

/// What must be done.
#[derive(Clone, Debug)]
pub enum Effect {
    Save(Sheet),
    /// When all is saved: open this picture.
    Turn(usize),
    Predict {
        at: usize,
        picture: Array2<u8>,
    },
    Theme,
    Redraw,
    /// When all is saved: leave.
    Quit,
}

/// Share of a step of the mask's opacity.
const OPACITY_STEP: f64 = 0.1;
/// Steps of gamma either way.
const BRIGHTER: i32 = 6;
/// Steps of a far step.
const FAR: f64 = 10.0;
/// Class keys, from 0 on.
const CLASSES: [Action; 10] = [
    Action::ClassZero,
    Action::ClassOne,
    Action::ClassTwo,
    Action::ClassThree,
    Action::ClassFour,
    Action::ClassFive,
    Action::ClassSix,
    Action::ClassSeven,
    Action::ClassEight,
    Action::ClassNine,
];
/// Names the rows in [`Action::Pick`].
pub(super) const PICTURES: &str = "pictures";
pub(super) const CLASS: &str = "classes";
pub(super) const FEATURES: &str = "features";

impl Labelling {
    /// A screen with the desk's first picture, and what must be done first.
    pub fn new(task: Task, files: Files, depth: ColourDepth, grid: Grid) -> (Labelling, Vec<Effect>) {
        let ids: Vec<u8> = task.classes.ids().collect();
        let says = task.remarks.into_iter().chain(files.problems).next();
        let mut state = Labelling {
            name: task.name,
            marks: Marks::new(task.points, task.features),
            class: ids.iter().copied().find(|id| *id > 0).unwrap_or(0),
            ids,
            colours: Arc::from([]),
            classes: task.classes,
            assist: task.assist,
            skip: task.skip,
            keymap: files.keymap,
            themes: files.themes,
            theme: files.theme,
            no_colour: files.no_colour,
            depth,
            tool: Tool::Brush,
            radius: 6,
            tolerance: 4,
            cursor: Position::default(),
            pen: false,
            corners: Vec::new(),
            grip: Grip::None,
            level: None,
            centre: None,
            masked: true,
            opacity: 0.3,
            brighter: 0,
            spread: Spread::AsTaken,
            listing: None,
            help: None,
            says: says.map(|words| (Severity::Warning, words)),
            wanted: task.desk.at(),
            saving: 0,
            failed: false,
            predicting: None,
            forsaken: false,
            pixels: Arc::new(Pixels::U8(Array2::zeros((0, 0)))),
            place: Cell::new(Rect::ZERO),
            grid,
            hits: Vec::new(),
            cell: (0, 0),
            desk: task.desk,
        };
        let said = state.says.take();
        let effects = state.begin();
        state.says = said.or(state.says);
        (state, effects)
    }

    /// The layers of the innermost focus.
    pub(super) fn layers(&self) -> Vec<Layer> {
        match (&self.help, self.listing, self.marks.on) {
            (Some(_), ..) => vec![Layer::Help],
            (None, Some(_), _) => vec![Layer::Pictures, Layer::Labelling],
            (None, None, true) => vec![Layer::Keypoints, Layer::Labelling],
            (None, None, false) => vec![Layer::Labelling],
        }
    }

    /// The next keys for this state.
    pub(super) fn next(&self) -> Vec<Action> {
        use Action::*;
        if self.help.is_some() {
            return vec![Down, PageDown, Close];
        }
        let mut next = match (self.listing, self.marks.on) {
            (Some(_), _) => vec![Accept, Up, Down, Close],
            (None, true) => vec![
                Help,
                NextPicture,
                SetPoint,
                NextClass,
                PutFeature,
                RejectFeature,
                NextFeature,
                Undo,
            ],
            (None, false) => vec![Help, NextPicture, Undo],
        };
        if self.listing.is_none() && !self.marks.on {
            if !self.corners.is_empty() {
                let end = if self.tool == Tool::Polygon { EndOutline } else { Close };
                next = vec![UseTool, end, Close, Undo];
            }
            if matches!(self.desk.origin(), Origin::Predicted | Origin::Recorded | Origin::Empty) {
                next.push(ConfirmMask);
            }
            match self.tool {
                Tool::Brush | Tool::Erase => next.extend([Pen, Larger, Smaller]),
                Tool::Line | Tool::Snap => next.extend([UseTool, Larger, Smaller]),
                Tool::Polygon | Tool::Fill => next.push(UseTool),
            }
            if self.assist.is_some() {
                next.push(Predict);
            }
        }
        next.extend([ZoomIn, MaskShown, KeyPoints, NextPane, CopyPrevious, Quit]);
        next
    }

    pub fn key(&mut self, chord: Chord) -> Vec<Effect> {
        match self.keymap.action(chord, &self.layers()) {
            Some(Action::Stop) => {
                self.say(
                    Severity::Info,
                    "no instrument is at work here: there is nothing to stop",
                );
                Vec::new()
            }
            Some(action) => {
                self.says = None;
                self.act(&action)
            }
            None => Vec::new(),
        }
    }

    pub(super) fn act(&mut self, action: &Action) -> Vec<Effect> {
        if *action != Action::Quit {
            self.forsaken = false;
        }
        if let Some(help) = &mut self.help {
            match action {
                Action::Close => self.help = None,
                other => help.scroll(other),
            }
            return Vec::new();
        }
        if let Some(effects) = self.list(action) {
            return effects;
        }
        if let Some(effects) = self.mark(action) {
            return effects;
        }
        if let Some(tool) = TOOLS.iter().find(|row| row.1 == *action) {
            return self.take(tool.0);
        }
        if let Some(class) = CLASSES.iter().position(|a| a == action) {
            self.choose(class as u8);
            return Vec::new();
        }
        match action {
            Action::Left => self.go(-1.0, 0.0),
            Action::Right => self.go(1.0, 0.0),
            Action::Up => self.go(0.0, -1.0),
            Action::Down => self.go(0.0, 1.0),
            Action::FarLeft => self.go(-FAR, 0.0),
            Action::FarRight => self.go(FAR, 0.0),
            Action::PageUp => self.go(0.0, -FAR),
            Action::PageDown => self.go(0.0, FAR),
            Action::Home => {
                self.centre_cursor();
                self.follow();
            }
            Action::UseTool => return self.apply(),
            Action::Pen => return self.pen(),
            Action::EndOutline => return self.close_outline(),
            Action::Larger | Action::Smaller => self.resize(*action == Action::Larger),
            Action::NextClass => self.step_class(1),
            Action::PreviousClass => self.step_class(-1),
            Action::Pick { zone: CLASS, row } => {
                if let Some(id) = self.ids.get(*row) {
                    self.class = *id;
                }
            }
            Action::Undo | Action::Redo => {
                let saved = self.lift();
                let sheet = self.desk.sheet_mut();
                let (done, words) = match action {
                    Action::Undo => (sheet.undo(), "there is nothing to take back"),
                    _ => (sheet.redo(), "there is nothing to do again"),
                };
                if !done {
                    self.say(Severity::Info, words);
                }
                return [saved, self.save()].concat();
            }
            Action::NextPicture => return self.turn(self.wanted + 1),
            Action::PreviousPicture => match self.wanted.checked_sub(1) {
                Some(at) => return self.turn(at),
                None => self.say(Severity::Info, "this is the first picture"),
            },
            Action::NextUnlabelled => {
                let images = self.desk.images();
                let from = self.desk.at();
                let mut behind = (from + 1..images.len()).chain(0..from);
                match behind.find(|at| images[*at].1 == Known::Unlabelled) {
                    Some(at) => return self.turn(at),
                    None => self.say(Severity::Info, "every other picture has a mask"),
                }
            }
            Action::CopyPrevious | Action::CopyNext => {
                let step = if *action == Action::CopyNext { 1 } else { -1 };
                return match self.desk.copy_from_neighbour(step) {
                    Ok(_) => self.save(),
                    Err(error) => self.refuse(error),
                };
            }
            Action::Predict => return self.predict(),
            Action::ConfirmMask => {
                let save = Sheet::Mask(self.desk.confirm());
                self.saving += 1;
                return vec![Effect::Save(save)];
            }
            Action::MaskShown => self.masked = !self.masked,
            Action::MaskMore => self.fade(OPACITY_STEP),
            Action::MaskLess => self.fade(-OPACITY_STEP),
            Action::ZoomIn => self.zoom(true, self.cursor),
            Action::ZoomOut => self.zoom(false, self.cursor),
            Action::ZoomWhole => self.level = None,
            Action::CentreView => self.centre = Some(self.cursor),
            Action::Brighter => self.brighter = (self.brighter + 1).min(BRIGHTER),
            Action::Darker => self.brighter = (self.brighter - 1).max(-BRIGHTER),
            Action::Spread => self.spread = self.spread.next(),
            Action::NextPane => {
                self.listing = Some(Selection { row: self.desk.at() });
            }
            Action::Help => self.help = Some(Help::of(&self.layers(), &self.keymap)),
            Action::NextTheme => {
                let name = self.themes.after(&self.theme.name);
                let theme = self.themes.get(&name).0;
                self.theme = if self.no_colour { theme.without_colour() } else { theme };
                return vec![Effect::Theme];
            }
            Action::Redraw => return vec![Effect::Redraw],
            Action::Close => {
                self.corners.clear();
                return self.lift();
            }
            Action::Quit => return self.quit(),
            _ => {}
        }
        Vec::new()
    }

    /// What the list of pictures makes of an action.
    fn list(&mut self, action: &Action) -> Option<Vec<Effect>> {
        if let Action::Pick { zone: PICTURES, row } = action {
            self.listing = None;
            return Some(self.turn(*row));
        }
        let listing = self.listing.as_mut()?;
        let (rows, page) = (self.desk.images().len(), 10);
        if listing.update(action, PICTURES, rows, page) {
            return Some(Vec::new());
        }
        let row = listing.row;
        match action {
            Action::Accept => {
                self.listing = None;
                Some(self.turn(row))
            }
            Action::Close | Action::NextPane => {
                self.listing = None;
                Some(Vec::new())
            }
            _ => None,
        }
    }

    fn choose(&mut self, class: u8) {
        match self.ids.contains(&class) {
            true => self.class = class,
            false => {
                let words = format!("there is no class {class}; the classes are listed beside the picture");
                self.say(Severity::Warning, &words);
            }
        }
    }

    fn step_class(&mut self, by: isize) {
        let at = self.ids.iter().position(|id| *id == self.class).unwrap_or(0);
        let at = at.saturating_add_signed(by).min(self.ids.len().saturating_sub(1));
        self.class = self.ids.get(at).copied().unwrap_or(0);
    }

    fn resize(&mut self, larger: bool) {
        let (at, most) = match self.tool {
            Tool::Snap => (&mut self.tolerance, TOLERANCES.len() - 1),
            _ => (&mut self.radius, RADII.len() - 1),
        };
        *at = match larger {
            true => (*at + 1).min(most),
            false => at.saturating_sub(1),
        };
    }

    fn fade(&mut self, by: f64) {
        self.opacity = ((self.opacity + by) * 10.0).round().clamp(0.0, 10.0) / 10.0;
        self.masked = true;
    }

    fn centre_cursor(&mut self) {
        let (w, h) = self.size();
        self.put_cursor(Position::new(w as f64 / 2.0, h as f64 / 2.0));
    }

    pub(super) fn say(&mut self, severity: Severity, words: &str) {
        self.says = Some((severity, words.to_owned()));
    }

    pub(super) fn refuse(&mut self, error: impl ToString) -> Vec<Effect> {
        self.say(Severity::Error, &error.to_string());
        Vec::new()
    }

    /// What is unsaved goes to the disk; nothing where nothing is.
    pub(super) fn save(&mut self) -> Vec<Effect> {
        let Some(save) = self.desk.hand_over() else {
            return Vec::new();
        };
        self.saving += 1;
        vec![Effect::Save(Sheet::Mask(save))]
    }

    /// Something was written, or could not be.
    pub fn saved(&mut self, saved: Saved) {
        self.saving = self.saving.saturating_sub(saved.count);
        match saved.result {
            Ok(()) => self.failed = false,
            Err(error) => {
                self.failed = true;
                match &saved.what {
                    Sheet::Mask(save) if save.at == self.desk.at() => self.desk.not_saved(),
                    Sheet::Mask(_) => {}
                    Sheet::Points(_) => self.marks.not_saved(),
                }
                let words = format!("NOT SAVED: {error}; it is tried again with the next stroke");
                self.say(Severity::Alarm, &words);
            }
        }
    }

    /// Goes to another picture, once what is drawn is saved.
    fn turn(&mut self, at: usize) -> Vec<Effect> {
        if at >= self.desk.images().len() {
            self.say(Severity::Info, "this is the last picture");
            return Vec::new();
        }
        let mut effects = self.lift();
        effects.extend(self.save_points());
        effects.push(Effect::Turn(at));
        effects
    }

    /// Opens the picture: everything handed over is on the disk now, or was told to have failed.
    pub fn turned(&mut self, at: usize) -> Vec<Effect> {
        if self.failed {
            // the message that says why stands
            return Vec::new();
        }
        let back = at < self.wanted;
        self.wanted = at;
        match self.desk.turn_to(at) {
            Ok(()) => self.begin(),
            Err(error) => {
                let next = if back { at.checked_sub(1) } else { Some(at + 1) };
                let next = next.filter(|next| self.skip && *next < self.desk.images().len());
                let words = match next {
                    Some(_) => format!("passed over: {error}"),
                    None => format!(
                        "{error}; the picture on the desk stays, {} goes past it",
                        if back { "p" } else { "n" }
                    ),
                };
                self.say(Severity::Error, &words);
                next.map_or_else(Vec::new, |next| {
                    let said = self.says.take();
                    let effects = self.turned(next);
                    self.says = said.or(self.says.take());
                    effects
                })
            }
        }
    }

    /// A picture came onto the desk.
    fn begin(&mut self) -> Vec<Effect> {
        self.wanted = self.desk.at();
        self.corners.clear();
        (self.level, self.centre, self.grip, self.pen) = (None, None, Grip::None, false);
        self.centre_cursor();
        self.pixels = Arc::new(Pixels::U8(self.desk.sheet().picture().clone()));
        let unknown = self.desk.unknown(&self.classes);
        let most = self.ids.iter().chain(&unknown).max().copied().unwrap_or(0);
        self.colours = (0..=most.max(1)).map(|id| self.classes.colour(id)).collect();
        self.marks.open(self.desk.image());
        if !unknown.is_empty() {
            let ids: Vec<String> = unknown.iter().map(u8::to_string).collect();
            let words = format!(
                "the mask has classes nobody named: {}; they are kept as they are",
                ids.join(", ")
            );
            self.say(Severity::Warning, &words);
        }
        match self.desk.origin() {
            Origin::Empty if self.assist.is_some() => self.predict(),
            _ => Vec::new(),
        }
    }

    fn predict(&mut self) -> Vec<Effect> {
        if self.assist.is_none() {
            self.say(
                Severity::Warning,
                "no model was named; `fibdeck label DIR --model NAME` has one propose masks",
            );
            return Vec::new();
        }
        let (at, picture) = (self.desk.at(), self.desk.sheet().picture().clone());
        self.predicting = Some(at);
        vec![Effect::Predict { at, picture }]
    }

    /// The model has looked at a picture. On one that was empty it is a proposal, in no file until it is confirmed or drawn on; on another a
    /// stroke that can be taken back.
    pub fn predicted(&mut self, at: usize, result: Result<Array2<u8>, String>) -> Vec<Effect> {
        if self.predicting == Some(at) {
            self.predicting = None;
        }
        if at != self.desk.at() {
            return Vec::new();
        }
        let labels = match result {
            Ok(labels) => labels,
            Err(error) => return self.refuse(format!("the model made no mask: {error}; the mask is as it was")),
        };
        match self.desk.suggest(labels.clone()) {
            Ok(true) => {
                self.say(
                    Severity::Info,
                    "the model's proposal: C confirms it, any stroke makes it yours",
                );
                Vec::new()
            }
            Ok(false) => self.edit(&Edit::Replace { labels }),
            Err(error) => self.refuse(error),
        }
    }

    fn quit(&mut self) -> Vec<Effect> {
        let mut effects = self.lift();
        effects.extend(self.save_points());
        effects.push(Effect::Quit);
        effects
    }

    /// Everything handed over is on the disk now, or was told to have failed: whether to leave. Asked twice, it leaves what cannot be saved.
    pub fn leaves(&mut self) -> bool {
        if self.failed && !self.forsaken {
            self.forsaken = true;
            let words = self.says.take().map_or_else(String::new, |(_, words)| words);
            self.say(Severity::Alarm, &format!("{words}; leaving once more gives it up"));
            return false;
        }
        true
    }

    /// Something could not be saved in the end.
    pub fn lost(&self) -> bool {
        self.failed
    }
}
