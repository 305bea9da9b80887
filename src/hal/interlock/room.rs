//! The room of the chamber shared out: stage, pole pieces, needle and injectors keep apart, wherever the limits let them go.
//!
//! Rules of a driver that describes its room; without one, keeping apart is the instrument's own work.

use super::apart::{Body, V, first_below, gap, plates, poles, tilted};
use super::{Readings, refuse};
use crate::HalError;
use model::room::{HandBody, HandName, Room};
use model::{Capabilities, ManipulatorPosition, Pose, units, units::Unit};

/// What is kept free between the stage and a pole piece, a hand and a pole piece, and two hands (m).
const BEFORE_POLES: f64 = 0.5e-3;
const HAND_TO_POLE: f64 = 0.2e-3;
const HAND_TO_HAND: f64 = 0.1e-3;
/// What is kept free over the sample unless a person has looked (m): more than samples stand out of their plane, less than
/// where needles park.
pub(super) const OVER_SAMPLE: f64 = 100e-6;
/// Rounding of a way must not make what stays as near as it was nearer (m).
const ROUNDING: f64 = 1e-9;

pub(super) fn of(capabilities: &Capabilities) -> Option<&Room> {
    capabilities.stage.as_ref()?.room.as_ref()
}

fn show(length: f64) -> String {
    units::format(length.max(0.0), Unit::Metre)
}

/// The stage passes the pole pieces. One that stands nearer already may only go away.
pub(super) fn stage_passes(from: &Pose, to: &Pose, room: &Room) -> Result<(), HalError> {
    for (pole, body) in poles(room) {
        let clear = |pose: &Pose| {
            let gaps = plates(room, pose, false).map(|plate| gap(&body, &plate));
            gaps.fold(f64::INFINITY, f64::min)
        };
        let need = BEFORE_POLES.min(clear(from) - ROUNDING);
        if let Some((pose, left)) = first_below(room, (from, to), need, clear) {
            return Err(refuse(
                format!(
                    "the stage would come within {} of the {} pole piece, at {pose}; nothing moved",
                    show(left),
                    pole.beam
                ),
                "lower the stage (z) first, or go there by another way: flat, then turned, then tilted (stage.safe-move)",
            ));
        }
    }
    Ok(())
}

/// Where the needle's tip is in the chamber.
fn tip(at: &ManipulatorPosition, pose: &Pose, capabilities: &Capabilities) -> V {
    let p = V::new(at.x, at.y, at.z);
    let follows = capabilities.manipulator.as_ref().is_some_and(|m| m.stage_frame);
    if follows { tilted(pose) * p } else { p }
}

fn needle_of(room: &Room) -> Option<&HandBody> {
    room.hands.iter().find(|body| body.hand == HandName::Needle)
}

fn injector_of<'a>(room: &'a Room, port: &str, position: Option<&str>) -> Option<&'a HandBody> {
    let mut of_port = room.hands.iter().filter(move |body| match &body.hand {
        HandName::Injector { port: name, .. } => name == port,
        HandName::Needle => false,
    });
    // where no position is named, the instrument takes its first
    of_port.find(|body| match &body.hand {
        HandName::Injector { position: known, .. } => position.is_none() || known.as_deref() == position,
        HandName::Needle => false,
    })
}

fn injector(body: &HandBody) -> Body<'_> {
    Body::Hand {
        tips: [V::from(body.shaft) * body.place; 2],
        body,
    }
}

/// The hands that are in, but for the needle where `but_needle`.
fn inside<'a>(room: &'a Room, now: &Readings, capabilities: &Capabilities, but_needle: bool) -> Vec<Body<'a>> {
    let ports = now.gas.iter().flat_map(|gas| gas.ports.iter().filter(|p| p.inserted));
    let mut bodies: Vec<Body> = ports
        .filter_map(|p| injector_of(room, &p.port, p.position.as_deref()))
        .map(injector)
        .collect();
    if let (Some(needle), Some(stage), Some(body), false) = (&now.needle, now.stage, needle_of(room), but_needle)
        && needle.inserted
    {
        let at = tip(&needle.position, &stage.pose, capabilities);
        bodies.push(Body::Hand { tips: [at; 2], body });
    }
    bodies
}

fn over_stage(room: &Room, pose: &Pose, hand: &Body) -> f64 {
    plates(room, pose, true)
        .map(|plate| gap(hand, &plate))
        .fold(f64::INFINITY, f64::min)
}

/// The first pose of a way of the stage at which it has come nearer to a hand that is in than `rise` (m) beyond what it was at
/// `anchor`, and how much nearer that is.
pub(super) fn nearer_to_hands(
    (from, to): (&Pose, &Pose),
    anchor: &Pose,
    rise: f64,
    now: &Readings,
    capabilities: &Capabilities,
) -> Option<f64> {
    let room = of(capabilities)?;
    inside(room, now, capabilities, false).iter().find_map(|hand| {
        let clear = |pose: &Pose| over_stage(room, pose, hand);
        let at_anchor = clear(anchor);
        let need = (at_anchor - rise).min(clear(from)) - ROUNDING;
        first_below(room, (from, to), need, clear).map(|(_, left)| at_anchor - left)
    })
}

/// How near a hand that comes `from` a place may come to something: `most`, or as near as it stands already (m).
fn nearest(from: Option<&Body>, other: &Body, most: f64) -> f64 {
    from.map_or(most, |from| most.min(gap(other, from) - ROUNDING))
}

/// There is room for a hand on its way: no pole piece, no other hand. One that stands nearer already may go away.
fn has_room(hand: &Body, from: Option<&Body>, others: &[Body], room: &Room, what: &str) -> Result<(), HalError> {
    for (pole, body) in poles(room) {
        let left = gap(&body, hand);
        if left < nearest(from, &body, HAND_TO_POLE) {
            return Err(refuse(
                format!(
                    "{what} would come within {} of the {} pole piece; nothing moved",
                    show(left),
                    pole.beam
                ),
                "choose a place farther from the columns",
            ));
        }
    }
    beside_others(hand, from, others, what)
}

/// As [`has_room`], of the other hands alone.
fn beside_others(hand: &Body, from: Option<&Body>, others: &[Body], what: &str) -> Result<(), HalError> {
    for other in others {
        let left = gap(other, hand);
        if left >= nearest(from, other, HAND_TO_HAND) {
            continue;
        }
        return Err(refuse(
            format!(
                "{what} would come within {} of what is inserted beside it; nothing moved",
                show(left)
            ),
            "retract the other one first",
        ));
    }
    Ok(())
}

fn over_sample(hand: &Body, pose: &Pose, room: &Room, what: &str) -> Result<(), HalError> {
    // turned over, what is worked on lies behind the stage, and a hand would meet the stage itself
    if (tilted(pose) * V::z()).z <= 0.0 {
        return Err(refuse(
            format!("with the stage at {pose} the sample faces away from {what}; nothing moved"),
            "turn the stage to an orientation of the work first (stage.orientation)",
        ));
    }
    let left = over_stage(room, pose, hand);
    if left >= OVER_SAMPLE {
        return Ok(());
    }
    let how = match left > 0.0 {
        true => format!("end {} from the sample", show(left)),
        false => "strike the sample or the stage".to_owned(),
    };
    Err(refuse(
        format!(
            "with the stage at {pose} {what} would {how} and not {} over it; nothing moved",
            show(OVER_SAMPLE)
        ),
        "lower the stage (z) first, or turn it to an orientation of the work (stage.orientation)",
    ))
}

/// The needle goes in to a place that it remembers.
pub(super) fn needle_inserts(
    place: &ManipulatorPosition,
    now: &Readings,
    capabilities: &Capabilities,
) -> Result<(), HalError> {
    let (Some(room), Some(stage)) = (of(capabilities), now.stage) else {
        return Ok(());
    };
    let Some(body) = needle_of(room) else { return Ok(()) };
    let at = tip(place, &stage.pose, capabilities);
    let hand = Body::Hand { tips: [at; 2], body };
    has_room(&hand, None, &inside(room, now, capabilities, true), room, "the needle")?;
    over_sample(&hand, &stage.pose, room, "the needle")
}

/// The needle goes out, straight or by where it parks: not through an injector.
pub(super) fn needle_leaves(now: &Readings, capabilities: &Capabilities) -> Result<(), HalError> {
    let (Some(room), Some(stage), Some(needle)) = (of(capabilities), now.stage, &now.needle) else {
        return Ok(());
    };
    let others = inside(room, now, capabilities, true);
    let Some(body) = needle_of(room).filter(|_| needle.inserted && !others.is_empty()) else {
        return Ok(());
    };
    let at = |place: &ManipulatorPosition| tip(place, &stage.pose, capabilities);
    let (here, out) = (at(&needle.position), V::from(body.shaft) * body.place);
    let stands = Body::Hand { tips: [here; 2], body };
    for to in now.saved.as_ref().map(at).into_iter().chain([out]) {
        let way = Body::Hand { tips: [here, to], body };
        beside_others(&way, Some(&stands), &others, "the needle on its way out")?;
    }
    Ok(())
}

/// An injector goes in.
pub(super) fn injector_inserts(
    port: &str,
    position: Option<&str>,
    now: &Readings,
    capabilities: &Capabilities,
) -> Result<(), HalError> {
    let (Some(room), Some(stage)) = (of(capabilities), now.stage) else {
        return Ok(());
    };
    let Some(body) = injector_of(room, port, position) else {
        return Ok(());
    };
    let (hand, what) = (injector(body), format!("the injector of {port}"));
    has_room(&hand, None, &inside(room, now, capabilities, false), room, &what)?;
    over_sample(&hand, &stage.pose, room, &what)
}

/// A way of the needle passes everything but the sample, of which it tells how near it comes: least on the way, now, and at its end (m).
pub(super) fn needle_passes(
    to: &ManipulatorPosition,
    now: &Readings,
    capabilities: &Capabilities,
) -> Result<Option<[f64; 3]>, HalError> {
    let (Some(room), Some(stage), Some(needle)) = (of(capabilities), now.stage, &now.needle) else {
        return Ok(None);
    };
    let Some(body) = needle_of(room) else { return Ok(None) };
    let (from, to) = (
        tip(&needle.position, &stage.pose, capabilities),
        tip(to, &stage.pose, capabilities),
    );
    let hand = |tips| Body::Hand { tips, body };
    let (way, here, there) = (hand([from, to]), hand([from; 2]), hand([to; 2]));
    has_room(
        &way,
        Some(&here),
        &inside(room, now, capabilities, true),
        room,
        "the needle",
    )?;
    Ok(Some(
        [way, here, there].map(|hand| over_stage(room, &stage.pose, &hand)),
    ))
}
