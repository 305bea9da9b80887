//! What leaving would end. Where the engine lives in this process, what runs ends with it: the question says what that is and
//! in which state it leaves the instrument, which depends on the job.

use crate::cx::Cx;
use crate::effect::{Ask, Effect};
use engine::Command;
use engine::command::{Lane, rows};
use model::{Danger, text};

/// What a command's early end leaves behind.
struct End {
    /// Commands whose names begin so; the first row that fits counts.
    prefix: &'static str,
    ends: &'static str,
    stays: &'static str,
}

const fn end(prefix: &'static str, ends: &'static str, stays: &'static str) -> End {
    End { prefix, ends, stays }
}

/// Every job there is. A new kind of job needs a row.
const ENDS: &[End] = &[
    end(
        "stage.",
        "The stage halts on its way.",
        "It stays there and does not go back.",
    ),
    end(
        "position.",
        "The stage halts on its way.",
        "It stays there and does not go back.",
    ),
    end(
        "system.home",
        "The stage halts on its way.",
        "It stays there and is not referenced.",
    ),
    end(
        "system.restore",
        "What was not yet restored is left out.",
        "What was restored by then stays so.",
    ),
    end(
        "system.",
        "What was not yet set is left out.",
        "What was set by then stays so.",
    ),
    end(
        "image.autofocus",
        "The focus series ends.",
        "The working distance of before is set again.",
    ),
    end(
        "image.autocontrast",
        "The series of pictures ends.",
        "Contrast and brightness of before are set again.",
    ),
    end(
        "image.",
        "The scan ends; its picture is lost.",
        "Pictures taken before it stay.",
    ),
    end(
        "overview.",
        "The tile under way is lost; the overview is not made.",
        "The stage goes back to where it began; tiles taken before stay.",
    ),
    end(
        "manipulator.calibrate",
        "The calibration ends; its position is not saved.",
        "The needle stays where it then is.",
    ),
    end(
        "manipulator.",
        "The needle halts on its way.",
        "It stays there, near the sample: look before anything moves.",
    ),
    end(
        "milling.spot-burn",
        "The beam is blanked and put back as it was.",
        "Points burned by then stay.",
    ),
    end(
        "milling.",
        "The beam is blanked and put back as it was; the stage at work stays unfinished.",
        "What was milled by then is gone from the sample.",
    ),
    end(
        "patterning.",
        "The beam is blanked; what it was drawing stays unfinished.",
        "What was milled by then is gone from the sample; the current stays as it was set.",
    ),
    end(
        "queue.",
        "The task under way ends as it would at a stop; the tasks after it wait.",
        "The experiment keeps what is done; queue.run goes on from there.",
    ),
    end(
        "gis.pattern",
        "The beam is blanked, the valve closed, the injector retracted.",
        "What was deposited by then stays.",
    ),
    end(
        "gis.sputter",
        "The coater is stopped and recovered.",
        "What was coated by then stays.",
    ),
    end(
        "gis.",
        "The valve is closed, the heater turned off, the injector retracted.",
        "The stage stays lowered; what was deposited by then stays.",
    ),
    end(
        "job.recover",
        "What a crash left open stays open.",
        "What is milled again ends as milling does, and is put back.",
    ),
    end(
        "job.restore",
        "What was not yet put back is left out.",
        "What was put back by then stays so.",
    ),
    end("chamber.picture", "The picture is lost.", "Nothing else changes."),
    end(
        "chamber.",
        "fibdeck follows it no further.",
        "The instrument may go on with it by itself: look at its vacuum.",
    ),
    end(
        "detect.",
        "The picture or the search in it ends; nothing was found.",
        "Pictures taken before it stay.",
    ),
    end(
        "align.stage",
        "The stage halts where it is.",
        "It does not go back to where it stood.",
    ),
    end(
        "align.eucentric",
        "The stage halts on its way.",
        "It does not go back to where it stood.",
    ),
    end(
        "align.coincidence",
        "The stage halts where it is.",
        "It does not go back to where the search began.",
    ),
    end(
        "align.",
        "The alignment ends.",
        "The beam shift of before is set again.",
    ),
    end(
        "beam.plasma",
        "The change of gas is cancelled where the source allows it.",
        "The source may be left between two gases: look at it.",
    ),
    end(
        "beam.",
        "What was not yet sent is left out.",
        "The beams stay as they then are.",
    ),
];

fn of(name: &str) -> Option<&'static End> {
    ENDS.iter().find(|row| name.starts_with(row.prefix))
}

/// Commands that would be cut off: those that do something to the instrument.
fn acts(command: &Command) -> bool {
    rows()
        .find(|row| row.name == command.name)
        .is_some_and(|row| row.lane != Lane::Now || row.danger > Danger::None)
}

/// The question before leaving, as things are now; `None` = nothing would end.
pub fn ask(cx: &Cx) -> Option<Ask> {
    let running = cx.snapshot.jobs.iter().filter(|job| job.end.is_none());
    let mut ending: Vec<(String, &Command)> = running.map(|job| (text::printable(&job.title), &job.command)).collect();
    // sent a moment ago, and the engine has not yet said that it began
    for command in cx.pending.commands().filter(|command| acts(command)) {
        if !ending.iter().any(|(_, begun)| *begun == command) {
            ending.push((command.name.clone(), command));
        }
    }
    let gas = cx.snapshot.gas.as_ref();
    let open = gas
        .into_iter()
        .flat_map(|gas| gas.value.ports.iter().filter(|port| port.open));
    let flows: Vec<String> = open
        .map(|port| format!("gas flows from {}", text::printable(&port.port)))
        .collect();
    if ending.is_empty() && flows.is_empty() {
        return None;
    }
    let title = match ending.is_empty() {
        true => "Leave while gas flows?",
        false => "Leave and end the running job?",
    };
    let said = ending.iter().flat_map(|(title, command)| {
        let said = of(&command.name).map(|row| format!("  {} {}", row.ends, row.stays));
        [Some(title.clone()), said].into_iter().flatten()
    });
    let mut lines: Vec<String> = said.collect();
    for flow in flows {
        lines.extend([
            flow,
            "  Its valve is closed; the injector and its heater stay as they are.".to_owned(),
        ]);
    }
    Some(Ask {
        title: title.to_owned(),
        lines,
        danger: Danger::Sample,
        then: vec![Effect::Quit],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_says_what_its_early_end_leaves_behind() {
        for row in rows().filter(|row| row.lane != Lane::Now) {
            assert!(of(row.name).is_some(), "{} needs a row in ENDS", row.name);
        }
    }
}
