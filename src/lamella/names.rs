//! What is called how: lamellae, their pictures and folders, as openFIBSEM names them; and identities.
//!
//! Names of pictures are without their beam's ending; saving adds it and never writes over a file ([`model::Frame::save`]
//! counts up). What Windows forbids in a name is replaced, so a file may be called less than its task.

use crate::protocol::LamellaDefaults;
use jiff::civil::DateTime;
use model::Beam;
use model::frame::{beam_file_name, safe_name};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The picture that later tasks are aligned by.
pub const ALIGNMENT_REFERENCE: &str = "ref_alignment";
/// The picture by which a lamella's place is found again: what an overview showed around it.
pub const POSITION_REFERENCE: &str = "ref_position";
/// The small picture of a lamella in lists.
pub const THUMBNAIL: &str = "thumbnail.png";

/// A UUID (version 8) of these words; the same words give the same. What must be unique has its time among them.
pub fn identity(words: &[&str]) -> String {
    let mut hash = Sha256::new();
    for word in words {
        hash.update(word.as_bytes());
        hash.update([0]);
    }
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

const FIRST: [&str; 32] = [
    "amber", "brave", "brisk", "calm", "clear", "copper", "crisp", "dapper", "deep", "early", "fair", "fleet",
    "frosty", "gentle", "glad", "golden", "hardy", "hidden", "keen", "lively", "lucky", "mellow", "merry", "noble",
    "patient", "placid", "quick", "quiet", "steady", "sunny", "swift", "wise",
];
const SECOND: [&str; 32] = [
    "badger", "beaver", "bison", "crane", "curlew", "dipper", "egret", "falcon", "finch", "gannet", "hare", "heron",
    "ibex", "jackdaw", "kestrel", "lapwing", "lynx", "marten", "newt", "otter", "owl", "petrel", "plover", "puffin",
    "raven", "robin", "seal", "shrike", "stoat", "swift", "tern", "wren",
];

/// The name of a new lamella: `07-quiet-heron`, `Lamella-07`, with the protocol's prefix. `seed` chooses the words.
pub fn lamella(defaults: &LamellaDefaults, number: u32, seed: &str) -> String {
    let prefix = match defaults.name_prefix.as_str() {
        "" => String::new(),
        prefix => format!("{prefix}-"),
    };
    if !defaults.use_petname {
        return format!("{prefix}Lamella-{number:02}");
    }
    let hash = Sha256::digest(format!("{seed}/{number}"));
    let (first, second) = (
        FIRST[usize::from(hash[0]) % FIRST.len()],
        SECOND[usize::from(hash[1]) % SECOND.len()],
    );
    format!("{prefix}{number:02}-{first}-{second}")
}

/// When in a task a picture is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Start,
    Final,
    Other,
}

impl Phase {
    /// The role of a picture in a task's outputs: `final_fib`.
    pub fn role(self, beam: Beam) -> &'static str {
        match (self, beam) {
            (Phase::Start, Beam::Electron) => "start_sem",
            (Phase::Start, Beam::Ion) => "start_fib",
            (Phase::Final, Beam::Electron) => "final_sem",
            (Phase::Final, Beam::Ion) => "final_fib",
            (Phase::Other, Beam::Electron) => "other_sem",
            (Phase::Other, Beam::Ion) => "other_fib",
        }
    }
}

/// `ref_<task>_start`.
pub fn start(task: &str) -> String {
    safe_name(&format!("ref_{task}_start"))
}

/// `ref_<task>_final_res_0N`, counted from 1: the widest field first.
pub fn last(task: &str, n: usize) -> String {
    safe_name(&format!("ref_{task}_final_res_{n:02}"))
}

/// `ref_<task>_section_0N`, ours: a polished lamella end on, counted from 1.
pub fn section(task: &str, n: usize) -> String {
    safe_name(&format!("ref_{task}_section_{n:02}"))
}

/// `ref_<name>-<HH-MM-SS>_res_0N` of pictures taken in between, named by hand or after the last task.
pub fn reference(name: Option<&str>, last_task: Option<&str>, time: DateTime, n: usize) -> String {
    let after = || format!("ReferenceImage-{}", last_task.unwrap_or("None").replace(' ', "-"));
    let name = name.map_or_else(after, str::to_owned);
    safe_name(&format!("ref_{name}-{}_res_{n:02}", clock(time)))
}

/// `<name>-<HH-MM-SS>_ib.tif` and the like: pictures taken by hand, kept with a lamella.
pub fn manual(name: &str, time: DateTime, beam: Beam) -> String {
    beam_file_name(&format!("{name}-{}", clock(time)), beam)
}

/// The folder of one alignment below a lamella's: `Alignment/<lamella> - <task>-<HH-MM-SS>`.
pub fn alignment_folder(lamella: &str, task: &str, time: DateTime) -> PathBuf {
    Path::new("Alignment").join(safe_name(&format!("{lamella} - {task}-{}", clock(time))))
}

/// The folder of one milling task's pictures below a lamella's: `Milling/<Task-Name>`.
pub fn milling_folder(milling_task: &str) -> PathBuf {
    Path::new("Milling").join(safe_name(&milling_task.replace(' ', "-")))
}

/// `<task>-<stage>_finished_<HH-MM-SS>`, blanks as dashes.
pub fn finished(milling_task: &str, stage: &str, time: DateTime) -> String {
    safe_name(&format!("{milling_task}-{stage}_finished_{}", clock(time)).replace(' ', "-"))
}

/// `overview-image-<YYYY-mm-dd_HH-MM-SS>`: the stitched picture, and the folder of its tiles.
pub fn overview(time: DateTime) -> String {
    format!("overview-image-{}", time.strftime("%Y-%m-%d_%H-%M-%S"))
}

/// `tile_<row>_<column>`.
pub fn tile(row: usize, column: usize) -> String {
    format!("tile_{row}_{column}")
}

fn clock(time: DateTime) -> String {
    time.strftime("%H-%M-%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: DateTime = jiff::civil::date(2026, 11, 22).at(0, 58, 9, 0);

    #[test]
    fn names_are_those_of_the_samples() {
        assert_eq!(
            beam_file_name(&start("Mill Fiducial"), Beam::Ion),
            "ref_Mill Fiducial_start_ib.tif"
        );
        assert_eq!(
            beam_file_name(&last("Polishing", 2), Beam::Electron),
            "ref_Polishing_final_res_02_eb.tif"
        );
        let folder = alignment_folder("01-meet-ocelot", "Mill Fiducial", AT);
        assert_eq!(folder, Path::new("Alignment/01-meet-ocelot - Mill Fiducial-00-58-09"));
        assert_eq!(milling_folder("Rough Milling"), Path::new("Milling/Rough-Milling"));
        assert_eq!(overview(AT), "overview-image-2026-11-22_00-58-09");
        assert_eq!(
            reference(None, Some("Rough Milling"), AT, 1),
            "ref_ReferenceImage-Rough-Milling-00-58-09_res_01"
        );
        assert_eq!(start("a/b: c"), "ref_a_b_ c_start");
    }

    #[test]
    fn lamellae_are_named_by_number_and_two_words() {
        let defaults = LamellaDefaults::default();
        let name = lamella(&defaults, 7, "x");
        assert_eq!(name, lamella(&defaults, 7, "x"));
        assert!(name.starts_with("07-") && name.split('-').count() == 3, "{name}");
        let plain = LamellaDefaults {
            use_petname: false,
            name_prefix: "grid1".to_owned(),
            ..defaults
        };
        assert_eq!(lamella(&plain, 7, "x"), "grid1-Lamella-07");
        let id = identity(&["a", "b"]);
        assert!(
            id.len() == 36 && id != identity(&["ab"]) && id.as_bytes()[14] == b'8',
            "{id}"
        );
    }
}
