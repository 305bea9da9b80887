//! The tabs, as one table. A tab owns its own cursor, selection and edited fields, and nothing of the instrument: what it
//! shows comes from the snapshot, what it wants goes out as effects.
//!
//! To add a tab: a file here with a type that implements [`Tab`], a row in [`TABS`], a `tab-...` row in ACTIONS with its key.

use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::keys::Layer;
use crate::theme::Theme;
use engine::{Command, Failure};
use model::Capabilities;
use ratatui::layout::Rect;
use serde_json::Value;

pub mod after_move;
pub mod connection;
pub mod detection;
pub mod gis;
pub mod imaging;
pub mod log;
pub mod manipulator;
pub mod milling;
pub mod movement;
pub mod running;
pub mod taking;
pub mod workflow;

/// Which tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TabId {
    Connection,
    Imaging,
    Movement,
    Milling,
    Manipulator,
    Gis,
    Detection,
    Workflow,
    Log,
}

/// Why a tab has nothing to show on this instrument: one sentence with a way out.
pub type Reason = &'static str;

/// One row of [`TABS`].
pub struct TabRow {
    pub id: TabId,
    /// The word of `--tab` and of the kept state.
    pub name: &'static str,
    /// The title in the tab bar.
    pub title: &'static str,
    /// The key shown in the tab bar.
    pub digit: char,
    /// What opens it.
    pub action: Action,
    pub make: fn(&Cx) -> Box<dyn Tab>,
}

/// The tabs there are, in the order of the tab bar.
pub const TABS: &[TabRow] = &[
    TabRow {
        id: TabId::Connection,
        name: "connection",
        title: "Connection",
        digit: '1',
        action: Action::TabConnection,
        make: |cx| Box::new(connection::Connection::new(cx)),
    },
    TabRow {
        id: TabId::Imaging,
        name: "imaging",
        title: "Imaging",
        digit: '2',
        action: Action::TabImaging,
        make: |cx| Box::new(imaging::Imaging::new(cx)),
    },
    TabRow {
        id: TabId::Movement,
        name: "movement",
        title: "Movement",
        digit: '3',
        action: Action::TabMovement,
        make: |cx| Box::new(movement::Movement::new(cx)),
    },
    TabRow {
        id: TabId::Milling,
        name: "milling",
        title: "Milling",
        digit: '4',
        action: Action::TabMilling,
        make: |cx| Box::new(milling::Milling::new(cx)),
    },
    TabRow {
        id: TabId::Manipulator,
        name: "manipulator",
        title: "Manipulator",
        digit: '5',
        action: Action::TabManipulator,
        make: |cx| Box::new(manipulator::Manipulator::new(cx)),
    },
    TabRow {
        id: TabId::Gis,
        name: "gis",
        title: "GIS",
        digit: '6',
        action: Action::TabGis,
        make: |cx| Box::new(gis::Gis::new(cx)),
    },
    TabRow {
        id: TabId::Detection,
        name: "detection",
        title: "Detection",
        digit: '7',
        action: Action::TabDetection,
        make: |cx| Box::new(detection::Detection::new(cx)),
    },
    TabRow {
        id: TabId::Workflow,
        name: "workflow",
        title: "Workflow",
        digit: '9',
        action: Action::TabWorkflow,
        make: |cx| Box::new(workflow::Workflow::new(cx)),
    },
    TabRow {
        id: TabId::Log,
        name: "log",
        title: "Log",
        digit: '0',
        action: Action::TabLog,
        make: |cx| Box::new(log::Log::new(cx)),
    },
];

impl TabId {
    pub fn row(self) -> Option<&'static TabRow> {
        TABS.iter().find(|row| row.id == self)
    }
}

/// One tab. Made once at the start; keeps its state while another tab is open.
pub trait Tab {
    fn id(&self) -> TabId;

    /// Whether this instrument has what the tab works with; otherwise the reason is shown in its place. `None` =
    /// not connected.
    fn available(&self, _capabilities: Option<&Capabilities>) -> Result<(), Reason> {
        Ok(())
    }

    /// The layers keys are looked up through, innermost first: `[Layer::Form, Layer::Connection]`. Global comes by itself.
    fn layers(&self, cx: &Cx) -> Vec<Layer>;

    /// The actions that make sense for exactly this focus and state, most useful first: the line of next keys. Those
    /// without a key in [`Tab::layers`] are left out; command, help and Stop come by themselves.
    fn next(&self, cx: &Cx) -> Vec<Action>;

    /// Handles an action: a key's, a click's ([`Action::Pick`], [`Action::Point`]), or text. Unknown ones are ignored.
    fn update(&mut self, action: &Action, cx: &Cx) -> Vec<Effect>;

    /// The snapshot changed: bring what is kept from it (form values) up to date. Called before the next draw, for every
    /// tab, open or not.
    fn refresh(&mut self, _cx: &Cx) {}

    /// A command that this tab sent (it was open when it went out) has ended.
    fn ended(&mut self, _command: &Command, _end: &Result<Value, Failure>, _cx: &Cx) -> Vec<Effect> {
        Vec::new()
    }

    /// The tab was opened, or left. Jog mode ends here, for one.
    fn shown(&mut self, _open: bool, _cx: &Cx) -> Vec<Effect> {
        Vec::new()
    }

    /// When this tab wants to be called again without any news, in seconds from now: blinking, a lease to renew. Its
    /// [`Tab::tick`] is then called.
    fn wake(&self, _cx: &Cx) -> Option<f64> {
        None
    }

    /// The time asked for by [`Tab::wake`] is up.
    fn tick(&mut self, _cx: &Cx) -> Vec<Effect> {
        Vec::new()
    }

    /// Draws itself into `area`. Cannot fail; any size down to 1x1 must do.
    fn draw(&self, cx: &Cx, theme: &Theme, area: Rect, canvas: &mut Canvas);
}
