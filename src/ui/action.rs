//! What a key or a click means.
//!
//! [`ACTIONS`] is the one table: name (the word of keys.yaml), the short word of the line of next keys, the layers where it
//! means something, and what it does. Help, hints and the check of keymaps are made from it. To add an action: a row here and
//! a key in `config/keys.yaml`; then handle it in the tab or popup whose layer it names.

use crate::keys::Layer;
use std::fmt;

/// One row of [`ACTIONS`].
pub struct ActionRow {
    pub action: Action,
    /// The word of keys.yaml.
    pub name: &'static str,
    /// The word of the line of next keys; at most ten letters or so.
    pub hint: &'static str,
    /// Where it can be bound.
    pub layers: &'static [Layer],
    /// One sentence for the help screen.
    pub doc: &'static str,
}

macro_rules! actions {
    ($($variant:ident $name:literal $hint:literal [$($layer:ident)+] $doc:literal;)*) => {
        /// What a key, a click or a piece of text means. The plain ones are rows of [`ACTIONS`] and can be bound to keys;
        /// those with data are made from text, clicks and pastes.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Action {
            $(#[doc = $doc] $variant,)*
            /// A character for the text field that has the focus.
            Type(char),
            /// Pasted text; comes only while a field or the palette takes text, control characters removed.
            Paste(String),
            /// A row of a list was clicked; `zone` says which list, as the one who drew it named it.
            Pick { zone: &'static str, row: usize },
            /// The mouse did something in a picture pane (hit area made by the pane); `slot` says which pane.
            Point { slot: u8, pointer: Pointer },
        }

        /// Every action that can have a key, in the order of the help screen.
        pub const ACTIONS: &[ActionRow] = &[$(ActionRow {
            action: Action::$variant, name: $name, hint: $hint, layers: &[$(Layer::$layer),+], doc: $doc,
        },)*];
    };
}

actions! {
    Stop "stop" "STOP" [Global] "Stop everything now: motion, beams blanked, milling; then nothing moves by itself.";
    Help "help" "help" [Global Labelling] "Show every key that works here.";
    Palette "palette" "command" [Global] "Type a command with completion.";
    Notices "notices" "notices" [Global] "Show what happened; acknowledges alarms.";
    Jobs "jobs" "jobs" [Global] "Show running and ended jobs; stop one.";
    Question "question" "answer" [Global] "Open the question a job waits on.";
    TakeControl "take-control" "control" [Global] "Take control, or release it.";
    NextTheme "next-theme" "theme" [Global Labelling] "Use the next theme.";
    NextTab "next-tab" "next tab" [Global] "Go to the next tab.";
    PreviousTab "previous-tab" "prev tab" [Global] "Go to the previous tab.";
    TabConnection "tab-connection" "Connection" [Global] "Go to Connection: instrument, vacuum, beams.";
    TabImaging "tab-imaging" "Imaging" [Global] "Go to Imaging: pictures and their settings.";
    TabMovement "tab-movement" "Movement" [Global] "Go to Movement: the stage.";
    TabMilling "tab-milling" "Milling" [Global] "Go to Milling: patterns, stages, and their running.";
    TabManipulator "tab-manipulator" "Needle" [Global] "Go to Manipulator: the needle.";
    TabGis "tab-gis" "GIS" [Global] "Go to GIS: gas injection and sputtering.";
    TabDetection "tab-detection" "Detection" [Global] "Go to Detection: features in the picture.";
    TabWorkflow "tab-workflow" "Workflow" [Global] "Go to Workflow: lamellae, their tasks, and the queue.";
    TabLog "tab-log" "Log" [Global] "Go to Log: what happened, line by line.";
    Redraw "redraw" "redraw" [Global Labelling] "Draw the whole screen again.";
    Quit "quit" "quit" [Global Labelling] "Leave; asks when a job would end with it.";

    Close "close" "close" [Form Field Picture Mark Jog Log Connection Help Notices Jobs Confirm Question Palette Place Needle Labelling Pictures] "Close this, or put the old value back; never stops anything.";
    Accept "accept" "choose" [Form Field Mark Help Notices Jobs Question Palette Connection Log Place Workflow Pictures] "Edit, choose or do what is selected.";
    Yes "yes" "yes, do it" [Confirm] "Do what is asked.";
    No "no" "no" [Confirm] "Leave everything as it is.";
    Up "up" "up" [Form Field Picture Jog Log Connection Help Notices Jobs Question Palette Needle Workflow Labelling Pictures] "One up; in a field, one step more.";
    Down "down" "down" [Form Field Picture Jog Log Connection Help Notices Jobs Question Palette Needle Workflow Labelling Pictures] "One down; in a field, one step less.";
    Left "left" "left" [Form Field Picture Jog Palette Log Needle Labelling] "One to the left.";
    Right "right" "right" [Form Field Picture Jog Palette Log Needle Labelling] "One to the right.";
    PageUp "page-up" "page up" [Form Picture Jog Log Connection Help Notices Jobs Needle Workflow Labelling Pictures] "A page up; in a picture, ten steps up; in jog mode, z up.";
    PageDown "page-down" "page down" [Form Picture Jog Log Connection Help Notices Jobs Needle Workflow Labelling Pictures] "A page down; in a picture, ten steps down; in jog mode, z down.";
    Home "home" "start" [Form Field Picture Log Connection Help Notices Jobs Palette Workflow Labelling Pictures] "To the start; in a picture, to its centre.";
    End "end" "end" [Form Field Log Connection Help Notices Jobs Palette Workflow Pictures] "To the end.";
    NextField "next-field" "next" [Field Palette] "Take this value and go to the next field; complete a word.";
    PreviousField "previous-field" "previous" [Field] "Take this value and go to the field before.";
    StepMore "step-more" "+ big" [Field] "Ten steps more.";
    StepLess "step-less" "- big" [Field] "Ten steps less.";
    Backspace "backspace" "erase" [Field Palette] "Erase the character before the cursor.";
    Delete "delete" "erase" [Field Palette] "Erase the character under the cursor.";
    EraseLine "erase-line" "erase all" [Field Palette] "Erase the whole text.";
    NextPane "next-pane" "next pane" [Connection Imaging Movement Log Milling Place Manipulator Needle Detection Workflow Labelling Pictures] "To the next pane.";
    PreviousPane "previous-pane" "prev pane" [Connection Imaging Movement Log Milling Place Manipulator Needle Detection Workflow] "To the pane before.";

    Connect "connect" "connect" [Connection] "Connect to the selected instrument; only reads.";
    Disconnect "disconnect" "disconnect" [Connection] "Disconnect.";
    Pump "pump" "pump" [Connection] "Pump the chamber; asks first.";
    Vent "vent" "vent" [Connection] "Vent the chamber; asks first, refused with a beam on.";
    ElectronPower "electron-power" "SEM on/off" [Connection] "Electron beam on (asks first) or off.";
    IonPower "ion-power" "FIB on/off" [Connection] "Ion beam on (asks first) or off.";
    ElectronBlank "electron-blank" "SEM blank" [Connection] "Blank or unblank the electron beam.";
    IonBlank "ion-blank" "FIB blank" [Connection] "Blank or unblank the ion beam.";
    Plasma "plasma" "plasma" [Connection] "Change the gas of the plasma source; asks first.";
    ApplyConfiguration "apply-configuration" "apply" [Connection] "Set the instrument to its configuration; asks first.";
    ChamberPicture "chamber-picture" "camera" [Connection] "Take a picture with the chamber camera.";
    NewInstrument "new-instrument" "new" [Connection] "Fill in the form of a new instrument.";

    MoveHere "move-here" "move here" [Picture] "Centre what is under the cursor: a stable move along the sample; after `vertical`, a vertical move.";
    Vertical "vertical" "vertical" [Picture] "Make the next move from the FIB picture a vertical one: the height changes, the SEM keeps its feature.";
    FarLeft "far-left" "far left" [Picture Labelling] "Ten steps to the left.";
    FarRight "far-right" "far right" [Picture Labelling] "Ten steps to the right.";
    ZoomIn "zoom-in" "zoom" [Picture Labelling] "Magnify what is shown, around the cursor.";
    ZoomOut "zoom-out" "zoom out" [Picture Labelling] "Show more of the picture.";
    ZoomWhole "zoom-whole" "whole" [Picture Labelling] "Show the whole picture.";
    CentreView "centre-view" "centre" [Picture Labelling] "Bring the cursor to the middle of the pane; nothing moves on the instrument.";
    Ruler "ruler" "ruler" [Picture] "Start a ruler at the cursor; again: end it there; again: take it away.";
    Crosshair "crosshair" "crosshair" [Picture] "Show or hide the crosshair.";
    Overlays "overlays" "overlays" [Picture] "Show or hide scale bar, saved positions and reduced area.";
    Autogamma "autogamma" "gamma" [Picture] "Brighten dark pictures on the screen; saved pixels are never changed.";
    Spread "spread" "spread" [Picture Labelling] "Show pictures as taken, stretched, or with local contrast; saved pixels are never changed.";
    Brighter "brighter" "brighter" [Picture Labelling] "Show pictures brighter on the screen (display gamma); saved pixels are never changed.";
    Darker "darker" "darker" [Picture Labelling] "Show pictures darker on the screen (display gamma); saved pixels are never changed.";
    DrawArea "draw-area" "area" [Picture] "Draw the reduced area: one corner here, the other follows the cursor; Enter takes it.";
    FullFrame "full-frame" "full frame" [Picture] "Forget the reduced area: scan the full frame again.";
    OlderPicture "older-picture" "older" [Picture] "Show the picture before this one.";
    NewerPicture "newer-picture" "newer" [Picture] "Show the picture after this one.";
    NewestPicture "newest-picture" "newest" [Picture] "Follow the newest picture again.";
    ExportPicture "export-picture" "export" [Picture] "Export what this pane shows as PNG into the session's folder.";
    PictureFile "picture-file" "file" [Picture] "Say where this picture was saved and how it was taken.";
    Layout "layout" "layout" [Picture] "One large picture, or both side by side.";

    Acquire "acquire" "acquire" [Imaging Movement Milling Manipulator Needle Detection] "Take a picture with this beam.";
    AcquireBoth "acquire-both" "both" [Imaging Movement Milling Manipulator Needle Detection] "Take a picture with each beam.";
    References "references" "references" [Imaging] "Take the set of reference pictures: wide and narrow, both beams, saved.";
    Live "live" "live" [Imaging Movement Milling Manipulator Needle Detection] "Live view of this beam on or off; the ion beam's ends by itself.";
    Autocontrast "autocontrast" "contrast" [Imaging Movement Milling Manipulator Detection] "Set contrast and brightness of this beam's detector.";
    Autofocus "autofocus" "focus" [Imaging Movement Milling Manipulator Detection] "Set the working distance of this beam to the sharpest picture.";
    FieldLess "field-less" "field -" [Imaging Movement Milling Manipulator Needle Detection] "The next smaller field width for this beam.";
    FieldMore "field-more" "field +" [Imaging Movement Milling Manipulator Needle Detection] "The next larger field width for this beam.";
    AfterMove "after-move" "after move" [Imaging Movement Manipulator Detection] "What is taken after every move: nothing, SEM, FIB or both.";
    EditSettings "edit-settings" "settings" [Imaging] "Change how the next picture of this beam is taken.";
    EditBeam "edit-beam" "beam" [Imaging] "Change beam and detector.";
    Film "film" "session" [Imaging] "Choose a picture of this session.";
    Coincidence "coincidence" "coincide" [Imaging] "Bring the sample to the coincidence height by itself; asks first.";
    GuidedCoincidence "guided-coincidence" "guided" [Imaging] "Find coincidence step by step, asking you.";
    AlignBeam "align-beam" "align" [Imaging] "Take out the shift of the beam against its last picture, by beam shift.";

    EditTarget "edit-target" "target" [Movement] "Type a target, a step or a milling angle.";
    GoTarget "go-target" "go" [Movement] "Move to the typed target; asks first.";
    Places "places" "places" [Movement] "Choose an orientation or a saved position to go to.";
    Pose "pose" "axes" [Movement] "Choose the axis for steps.";
    StepUp "step-up" "step +" [Movement] "One step more along the chosen axis.";
    StepDown "step-down" "step -" [Movement] "One step less along the chosen axis.";
    LongerStep "longer-step" "longer" [Movement Jog Milling Manipulator Needle] "The next longer step.";
    ShorterStep "shorter-step" "shorter" [Movement Jog Milling Manipulator Needle] "The next shorter step.";
    Jog "jog" "jog" [Movement Jog] "Jog mode on or off: the stage follows the keys, one step at a time.";
    JogFrame "jog-frame" "directions" [Jog] "Jog along the picture, or along the stage's axes.";
    TurnMore "turn-more" "r +" [Jog] "One step of rotation more.";
    TurnLess "turn-less" "r -" [Jog] "One step of rotation less.";
    TiltMore "tilt-more" "t +" [Jog] "One step of tilt more.";
    TiltLess "tilt-less" "t -" [Jog] "One step of tilt less.";
    MillingAngle "milling-angle" "angle" [Movement] "Type a milling angle to tilt to; asks first.";
    SavePosition "save-position" "save" [Movement] "Save where the stage is under a name.";
    RenamePosition "rename-position" "rename" [Movement] "Give the chosen position another name.";
    DeletePosition "delete-position" "delete" [Movement] "Delete the chosen position; asks first.";
    ImportPositions "import-positions" "import" [Movement] "Add the positions of a file.";
    ExportPositions "export-positions" "export" [Movement] "Write the saved positions to a new file.";
    CaptureState "capture-state" "capture" [Movement] "Write stage, beams and detectors as they are to a new file.";
    RestoreState "restore-state" "restore" [Movement] "Come back to a captured state; asks first.";

    NeedleDrive "needle-drive" "drive" [Manipulator Needle] "Drive mode on or off: the needle follows the keys along the picture, one step at a time.";
    NeedleHere "needle-here" "tip here" [Manipulator] "Move the needle along the ruler: begun at its tip, ended at the target.";
    NeedleInsert "needle-insert" "insert" [Manipulator] "Choose where to insert the needle to; asks first.";
    NeedleRetract "needle-retract" "retract" [Manipulator Needle] "Take the needle out, at once.";
    NeedleCalibrate "needle-calibrate" "calibrate" [Manipulator] "Calibrate the needle step by step, asking you.";
    NeedleReset "needle-reset" "find tip" [Manipulator] "Find the needle's tip again, step by step, with the stage out of its way; asks first.";
    NeedleSharpen "needle-sharpen" "sharpen" [Manipulator] "Mill the needle's tip sharp, step by step; asks first.";
    NeedlePrepare "needle-prepare" "prepare" [Manipulator] "Cut the needle's end flat for lift-out, step by step; asks first.";
    NeedleExchange "needle-exchange" "exchange" [Manipulator] "Exchange the needle: out, beams off, vented, and pumped again, step by step; asks first.";
    NeedlePlaces "needle-places" "positions" [Manipulator] "Choose a needle position to go to, with the typed offset.";
    NeedleTarget "needle-target" "target" [Manipulator] "Type a place, a way, a step or an offset of the needle.";
    NeedleGo "needle-go" "go" [Manipulator] "Move the needle to the typed place or along the typed way.";
    NeedleSave "needle-save" "save" [Manipulator] "Save where the needle is under a name.";
    NeedleRemove "needle-remove" "remove" [Manipulator] "Forget the chosen saved needle position; asks first.";

    GasDeposit "gas-deposit" "deposit" [Gis] "Cryo deposition as the form says; asks first.";
    GasPattern "gas-pattern" "at pattern" [Gis] "Deposit with the beam at the loaded milling task's patterns; asks first.";
    GasSputter "gas-sputter" "sputter" [Gis] "Sputter coating as long as the form says; asks first.";
    GasRetract "gas-retract" "retract" [Gis] "Close, cool and take out every injector, at once.";

    DetectNew "detect-new" "detect" [Detection] "Take a picture of this beam and look for features in it.";
    DetectShown "detect-shown" "in this" [Detection] "Look for features in the last picture of this beam; none is taken.";
    DetectLive "detect-live" "live" [Detection] "Look again and again, each time in a new picture, until pressed again.";
    NextFeature "next-feature" "next" [Detection Keypoints] "Select the next feature and bring the cursor onto it; in Detection, Enter then moves the stage there.";
    PreviousFeature "previous-feature" "previous" [Detection Keypoints] "Select the feature before.";
    PutFeature "put-feature" "put here" [Detection Keypoints] "Put the selected feature where the cursor is.";
    AddFeature "add-feature" "add" [Detection] "Add a feature where the cursor is; its name is typed.";
    RejectFeature "reject-feature" "reject" [Detection Keypoints] "Say that the selected feature is not there.";
    ConfirmFeatures "confirm-features" "confirm" [Detection] "Say that the features are right as they are now; corrections are recorded.";
    MaskShown "mask-shown" "mask" [Detection Labelling] "Show or hide the mask over the picture.";
    MaskMore "mask-more" "mask +" [Detection Labelling] "Show the mask more densely.";
    MaskLess "mask-less" "mask -" [Detection Labelling] "Show the mask more thinly.";
    EditDetection "edit-detection" "model" [Detection] "Choose the model and which features are looked for.";

    NewExperiment "new-experiment" "new" [Workflow] "Make an experiment: its name is typed.";
    OpenExperiment "open-experiment" "open" [Workflow] "Open an experiment: its folder is typed.";
    AddLamella "add-lamella" "add here" [Workflow] "Add a lamella where the stage stands, with the beams as they are.";
    GoLamella "go-lamella" "go there" [Workflow] "Move the stage to where the selected lamella is milled; asks first.";
    MarkFailed "mark-failed" "fail it" [Workflow] "Mark the selected lamella as failed, with a note: nothing more is done to it.";
    RunQueue "run-queue" "RUN" [Workflow] "Run the queue; asks first, and tasks that say so ask you before they act.";
    RunAlone "run-alone" "RUN ALONE" [Workflow] "Run the queue and ask nobody before a cut; asks first.";
    PlanQueue "plan-queue" "plan" [Workflow] "Make the queue anew: every task that is not done.";
    QueueEarlier "queue-earlier" "earlier" [Workflow] "Do the selected item one place earlier.";
    QueueLater "queue-later" "later" [Workflow] "Do the selected item one place later.";
    QueueRemove "queue-remove" "take out" [Workflow] "Take the selected item out of the queue.";
    TaskAgain "task-again" "again" [Workflow] "Put what ended, or went wrong last, to the front of the queue once more.";

    LogMore "log-more" "more" [Log] "Show more levels of the selected target.";
    LogLess "log-less" "fewer" [Log] "Show fewer levels of the selected target.";
    LogTargets "log-targets" "targets" [Log] "Show or hide the list of targets.";
    LogFocus "log-focus" "only this" [Log] "Show only the selected target.";
    LogFollow "log-follow" "follow" [Log] "Follow the newest line again.";

    ToggleStage "toggle-stage" "on/off" [Milling] "Switch the selected stage on or off.";
    AddStage "add-stage" "add" [Milling] "Add a stage: choose its pattern from the list.";
    DuplicateStage "duplicate-stage" "duplicate" [Milling] "Put a copy of the selected stage behind it.";
    RemoveStage "remove-stage" "remove" [Milling] "Remove the selected stage; undo brings it back.";
    StageEarlier "stage-earlier" "earlier" [Milling] "Mill the selected stage one place earlier.";
    StageLater "stage-later" "later" [Milling] "Mill the selected stage one place later.";
    UndoEdit "undo-edit" "undo" [Milling] "Take back the last change of the milling task.";
    PutPattern "put-pattern" "put here" [Milling] "Put the selected stage's pattern at the cursor of the picture.";
    PutAll "put-all" "all here" [Milling] "Move all patterns together so that the selected one is at the cursor.";
    NudgeLeft "nudge-left" "nudge" [Milling] "Move the selected pattern a step to the left.";
    NudgeRight "nudge-right" "nudge" [Milling] "Move the selected pattern a step to the right.";
    NudgeUp "nudge-up" "nudge" [Milling] "Move the selected pattern a step up.";
    NudgeDown "nudge-down" "nudge" [Milling] "Move the selected pattern a step down.";
    DrawPattern "draw-pattern" "draw" [Milling] "Draw the selected pattern by two corners, with Enter or the mouse.";
    DrawAlignment "draw-alignment" "align area" [Milling] "Draw the area milling is aligned by, by two corners.";
    PatternsShown "patterns-shown" "hide/show" [Milling] "Show or hide the patterns in the picture.";
    OtherPicture "other-picture" "SEM/FIB" [Milling] "Show the other beam's picture.";
    MillTask "mill-task" "RUN" [Milling] "Mill every stage that is on, in order; asks first.";
    MillStage "mill-stage" "run one" [Milling] "Mill the selected stage alone; asks first.";
    MillMissing "mill-missing" "mill rest" [Milling] "Mill what the last run left; asks first.";
    PauseMilling "pause-milling" "pause/go" [Milling] "Pause milling, or let it go on.";
    PutBack "put-back" "put back" [Milling] "Put back what a stopped job left changed.";
    LoadTask "load-task" "load" [Milling] "Load a milling task or protocol from a file.";
    ClearTask "clear-task" "clear" [Milling] "Take the patterns off the instrument and begin an empty task; undo brings it back.";
    SaveTask "save-task" "save" [Milling] "Save the milling task to a new file.";
    SpotBurn "spot-burn" "spots" [Milling] "Place points for a spot burn on the picture.";
    RemovePoint "remove-point" "last off" [Place] "Take the last point away.";
    BurnSpots "burn-spots" "BURN" [Place] "Burn the points; asks first.";

    ToolBrush "tool-brush" "brush" [Labelling] "Draw with a round brush: drag, or Space and the arrows.";
    ToolErase "tool-erase" "erase" [Labelling] "As the brush, for the background; the right button does it with any tool.";
    ToolLine "tool-line" "line" [Labelling] "Straight lines as wide as the brush, from point to point until Esc.";
    ToolPolygon "tool-polygon" "polygon" [Labelling] "Fill an outline: a corner with each click or Enter, closed by x or the last corner once more.";
    ToolFill "tool-fill" "fill" [Labelling] "Fill what hangs together and has one class.";
    ToolSnap "tool-snap" "snap" [Labelling] "Take what hangs together and is about as bright as the pixel, within the tolerance.";
    UseTool "use-tool" "use here" [Labelling] "Use the tool at the cursor: a dab, the next corner, a fill.";
    SetPoint "set-point" "set point" [Keypoints] "Set a key point of the chosen feature at the cursor.";
    Pen "pen" "pen" [Labelling] "Put the brush down, so that it draws as the cursor moves, or lift it.";
    EndOutline "end-outline" "close it" [Labelling] "Close the outline and fill it.";
    Larger "larger" "larger" [Labelling] "A larger brush, or more tolerance.";
    Smaller "smaller" "smaller" [Labelling] "A smaller brush, or less tolerance.";
    ClassZero "class-zero" "background" [Labelling] "Draw class 0, the background.";
    ClassOne "class-one" "class 1" [Labelling] "Draw class 1.";
    ClassTwo "class-two" "class 2" [Labelling] "Draw class 2.";
    ClassThree "class-three" "class 3" [Labelling] "Draw class 3.";
    ClassFour "class-four" "class 4" [Labelling] "Draw class 4.";
    ClassFive "class-five" "class 5" [Labelling] "Draw class 5.";
    ClassSix "class-six" "class 6" [Labelling] "Draw class 6.";
    ClassSeven "class-seven" "class 7" [Labelling] "Draw class 7.";
    ClassEight "class-eight" "class 8" [Labelling] "Draw class 8.";
    ClassNine "class-nine" "class 9" [Labelling] "Draw class 9.";
    NextClass "next-class" "class +" [Labelling] "Draw the next class of the list; with key points, the next feature of the list.";
    PreviousClass "previous-class" "class -" [Labelling] "Draw the class before; with key points, the feature before.";
    Undo "undo" "undo" [Labelling] "Take the last stroke back, or the last change of the key points.";
    Redo "redo" "redo" [Labelling] "Do again what was taken back.";
    NextPicture "next-picture" "next" [Labelling] "Label the next picture.";
    PreviousPicture "previous-picture" "previous" [Labelling] "Label the picture before.";
    NextUnlabelled "next-unlabelled" "unlabelled" [Labelling] "Label the next picture that has no mask.";
    CopyPrevious "copy-previous" "copy" [Labelling] "Take the saved mask of the picture before as this one's.";
    CopyNext "copy-next" "copy next" [Labelling] "Take the saved mask of the picture behind as this one's.";
    Predict "predict" "predict" [Labelling] "Have the model make a mask; undo brings the one before back.";
    ConfirmMask "confirm-mask" "confirm" [Labelling] "Save the mask as it is: a proposal that is right, or a picture with nothing in it.";
    KeyPoints "key-points" "points" [Labelling] "Label key points, or masks again.";

    JobStop "job-stop" "stop job" [Jobs Milling Manipulator Gis Workflow] "Stop the running job, or the selected one, and restore safely.";
    JobPause "job-pause" "pause" [Jobs Workflow] "Pause or resume the running job.";
}

impl Action {
    /// This action's row; those with data have none.
    pub fn row(&self) -> Option<&'static ActionRow> {
        ACTIONS.iter().find(|row| row.action == *self)
    }

    /// The action of that name.
    pub fn parse(name: &str) -> Option<Action> {
        ACTIONS
            .iter()
            .find(|row| row.name == name)
            .map(|row| row.action.clone())
    }

    /// Its name, or what made it.
    pub fn name(&self) -> &'static str {
        match self {
            Action::Type(_) => "type",
            Action::Paste(_) => "paste",
            Action::Pick { .. } => "pick",
            Action::Point { .. } => "point",
            plain => plain.row().map_or("unknown", |row| row.name),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The mouse in a picture pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pointer {
    /// Cell on the screen, from 0.
    pub column: u16,
    pub row: u16,
    /// Pixel on the screen, from 0, where the terminal reports pixels (mode 1016).
    pub pixel: Option<(u32, u32)>,
    pub gesture: Gesture,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gesture {
    /// Left button down. Without pixel mouse this only sets the cursor.
    #[default]
    Click,
    /// Two clicks on the same cell within 400 ms.
    DoubleClick,
    /// As before with Alt held.
    AltDoubleClick,
    /// One click with Shift held, where the terminal does not keep it for itself.
    ShiftClick,
    /// One click with Ctrl and Shift held.
    CtrlShiftClick,
    /// Moved with the left button held.
    Drag,
    /// Left button up after a drag.
    Drop,
    ScrollUp,
    ScrollDown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_documented_and_named_once() {
        for (i, row) in ACTIONS.iter().enumerate() {
            assert!(row.doc.ends_with('.') && row.doc.len() > 10, "{}", row.name);
            assert!(
                !row.hint.is_empty() && row.hint.len() <= 10,
                "{}: hint `{}`",
                row.name,
                row.hint
            );
            assert!(
                row.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
                "{}",
                row.name
            );
            assert!(
                ACTIONS[..i].iter().all(|other| other.name != row.name),
                "{} twice",
                row.name
            );
            assert_eq!(Action::parse(row.name), Some(row.action.clone()));
        }
    }
}
