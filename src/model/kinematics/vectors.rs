//! The recorded movements of openFIBSEM 0.5.3 (`tests/vectors/movement_*.json`), field by field.
//!
//! `FIBDECK_VECTORS=folder` runs the same tests on another folder of the same shape, which may lack some of the files.

use super::project::View;
use super::tiles::{Grid, TileOrder};
use super::*;
use crate::Point;
use serde_json::Value;
use std::path::PathBuf;

/// Runs `check` on every case of one file and says how many there were.
fn each_case(name: &str, check: impl Fn(&Case)) {
    let own = std::env::var_os("FIBDECK_VECTORS").map(PathBuf::from);
    let folder = own
        .clone()
        .unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors")));
    let path = folder.join(format!("movement_{name}.json"));
    if own.is_some() && !path.exists() {
        println!("vectors: {} is not there, skipped", path.display());
        return;
    }
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let number = |key: &str| {
        file["tolerance"][key]
            .as_f64()
            .unwrap_or_else(|| panic!("{name}: no tolerance.{key}"))
    };
    let cases = file["cases"].as_array().unwrap_or_else(|| panic!("{name}: no cases"));
    assert!(!cases.is_empty(), "{name} has no cases");
    for value in cases {
        check(&Case {
            name,
            value,
            absolute: number("abs"),
            relative: number("rel"),
        });
    }
    println!("vectors: {name}: {} cases", cases.len());
}

/// One recorded case.
struct Case<'a> {
    name: &'a str,
    value: &'a Value,
    absolute: f64,
    relative: f64,
}

impl Case<'_> {
    fn at(&self, path: &str) -> &Value {
        self.value
            .pointer(path)
            .unwrap_or_else(|| panic!("{} {}: no {path}", self.name, self.value["id"]))
    }

    fn number(&self, path: &str) -> f64 {
        self.at(path)
            .as_f64()
            .unwrap_or_else(|| panic!("{} {}: {path} is no number", self.name, self.value["id"]))
    }

    fn text(&self, path: &str) -> &str {
        self.at(path)
            .as_str()
            .unwrap_or_else(|| panic!("{} {}: {path} is no text", self.name, self.value["id"]))
    }

    fn flag(&self, path: &str) -> bool {
        self.at(path)
            .as_bool()
            .unwrap_or_else(|| panic!("{} {}: {path} is no bool", self.name, self.value["id"]))
    }

    fn point(&self, path: &str) -> Point {
        Point {
            x: self.number(&format!("{path}/0")),
            y: self.number(&format!("{path}/1")),
        }
    }

    fn size(&self, path: &str) -> (u32, u32) {
        (
            self.number(&format!("{path}/0")) as u32,
            self.number(&format!("{path}/1")) as u32,
        )
    }

    fn position(&self, path: &str) -> StagePosition {
        let mut position = StagePosition::default();
        for axis in Axis::ALL {
            position.set(axis, self.at(path).get(axis.name()).and_then(Value::as_f64));
        }
        position
    }

    fn pose(&self, path: &str) -> Pose {
        Pose::try_from(&self.position(path))
            .unwrap_or_else(|e| panic!("{} {}: {path}: {e}", self.name, self.value["id"]))
    }

    fn beam(&self) -> Beam {
        self.text("/beam").parse().unwrap()
    }

    fn geometry(&self) -> Geometry {
        let degrees = |key: &str| self.number(&format!("/config/{key}_deg")).to_radians();
        Geometry {
            electron_column_tilt: degrees("electron_column_tilt"),
            ion_column_tilt: degrees("ion_column_tilt"),
            pre_tilt: degrees("pre_tilt"),
            rotation_reference: degrees("rotation_reference"),
            rotation_180: degrees("rotation_180"),
            milling_angle: degrees("milling_angle"),
            stage: if self.flag("/config/is_compustage") {
                StageKind::Compustage
            } else {
                StageKind::Tilting
            },
        }
    }

    fn setup<'g>(&self, geometry: &'g Geometry) -> Setup<'g> {
        let scan_rotation = ScanRotation {
            electron: self.number("/scan_rotation/ELECTRON"),
            ion: self.number("/scan_rotation/ION"),
        };
        Setup {
            geometry,
            pose: self.pose("/stage"),
            scan_rotation,
        }
    }

    #[track_caller]
    fn same(&self, what: &str, got: f64, want: f64) {
        self.within(what, got, want, self.relative);
    }

    /// For inverses and projections, which amplify rounding near 90 deg.
    #[track_caller]
    fn same_inverse(&self, what: &str, got: f64, want: f64) {
        self.within(what, got, want, self.relative.max(1e-8));
    }

    #[track_caller]
    fn within(&self, what: &str, got: f64, want: f64, relative: f64) {
        let allowed = self.absolute + relative * got.abs().max(want.abs());
        assert!(
            (got - want).abs() <= allowed,
            "{} {}: {what} is {got}, not {want}",
            self.name,
            self.value["id"]
        );
    }

    #[track_caller]
    fn same_pose(&self, path: &str, got: Pose) {
        self.same_position(path, &got.into());
    }

    /// Every axis is null in both or the same in both; an axis that is not recorded is not compared.
    #[track_caller]
    fn same_position(&self, path: &str, got: &StagePosition) {
        let recorded = self.at(path);
        for axis in Axis::ALL.into_iter().filter(|axis| recorded.get(axis.name()).is_some()) {
            match (got.get(axis), recorded[axis.name()].as_f64()) {
                (Some(got), Some(want)) => self.same(&format!("{path}/{axis}"), got, want),
                (got, want) => assert_eq!(got, want, "{} {}: {path}/{axis}", self.name, self.value["id"]),
            }
        }
    }

    #[track_caller]
    fn same_displacement(&self, path: &str, got: Displacement) {
        for (axis, value) in [("x", got.x), ("y", got.y), ("z", got.z)] {
            self.same(&format!("{path}/{axis}"), value, self.number(&format!("{path}/{axis}")));
        }
    }

    #[track_caller]
    fn same_plane_point(&self, path: &str, got: Point) {
        let want = self.point(path);
        self.same_inverse(path, got.x, want.x);
        self.same_inverse(path, got.y, want.y);
    }

    /// The recorded `calls` are these absolute moves, in this order, and lead from `stage` to `out`.
    #[track_caller]
    fn same_absolute_calls(&self, moves: &[StagePosition]) {
        let calls = self.at("/calls").as_array().unwrap();
        assert_eq!(
            calls.len(),
            moves.len(),
            "{} {}: number of moves",
            self.name,
            self.value["id"]
        );
        for (i, step) in moves.iter().enumerate() {
            self.same_position(&format!("/calls/{i}/absolute"), step);
        }
        self.same_pose(
            "/out",
            moves.iter().fold(self.pose("/stage"), |pose, step| step.resolve(pose)),
        );
    }
}

#[test]
fn vectors_angles() {
    each_case("angles", |case| {
        let (a, b) = (case.number("/a"), case.number("/b"));
        case.same("difference", angles::difference(a, b), case.number("/difference"));
        assert_eq!(angles::near(a, b), case.flag("/smaller_5deg"), "{}", case.value);
        assert_eq!(angles::far(a, b), case.flag("/larger_90deg"), "{}", case.value);
    });
}

#[test]
fn vectors_y_correction() {
    each_case("y_correction", |case| {
        let (geometry, pose, beam) = (case.geometry(), case.pose("/stage"), case.beam());
        let (dy, dz) = (case.number("/dy"), case.number("/dz"));
        let (y, z) = sample_plane::to_stage(&geometry, &pose, beam, dy);
        for recorded in ["/forward", "/forward_from_geometry"] {
            case.same(recorded, y, case.number(&format!("{recorded}/y")));
            case.same(recorded, z, case.number(&format!("{recorded}/z")));
        }
        let inverse = sample_plane::to_picture(&geometry, &pose, beam, dy, dz);
        case.same_inverse("inverse", inverse, case.number("/inverse"));
        let round_trip = sample_plane::to_picture(&geometry, &pose, beam, y, z);
        case.same_inverse("round_trip", round_trip, case.number("/round_trip"));
    });
}

#[test]
fn vectors_stable_move() {
    each_case("stable_move", |case| {
        let (geometry, beam) = (case.geometry(), case.beam());
        let setup = case.setup(&geometry);
        let (dx, dy) = (case.number("/dx"), case.number("/dy"));
        case.same_pose("/out", stable::displacement(&setup, beam, dx, dy).from(setup.pose));
        let (y, z) = sample_plane::to_stage(&geometry, &setup.pose, beam, dy);
        case.same("y", y, case.number("/yz_move_without_scan_rotation/y"));
        case.same("z", z, case.number("/yz_move_without_scan_rotation/z"));
        let before = case.number("/wd_before/ELECTRON");
        // The demo instrument's eucentric height, which the file does not repeat.
        let eucentric = case.flag("/static_wd").then_some(7e-3);
        let after = stable::working_distance_after(&setup, before, eucentric).unwrap_or(before);
        case.same("wd", after, case.number("/wd_after/ELECTRON"));
    });
}

#[test]
fn vectors_project_stable_move() {
    each_case("project_stable_move", |case| {
        let geometry = case.geometry();
        let base = StagePosition {
            name: Some("base".into()),
            ..case.position("/base")
        };
        let (dx, dy) = (case.number("/dx"), case.number("/dy"));
        let out = stable::project(&case.setup(&geometry), case.beam(), dx, dy, &base).unwrap();
        case.same_position("/out", &out);
        assert_eq!(out.name, base.name);
    });
}

#[test]
fn vectors_vertical_move() {
    each_case("vertical_move", |case| {
        let geometry = case.geometry();
        let setup = case.setup(&geometry);
        let moved = vertical::displacement(&setup, case.number("/dx"), case.number("/dy"));
        case.same_pose("/out", moved.from(setup.pose));
        let reset = vertical::resets_ion_focus(&setup, &moved);
        let ion = case.number(if reset {
            "/ion_eucentric_height"
        } else {
            "/wd_before/ION"
        });
        case.same("ion wd", ion, case.number("/wd_after/ION"));
    });
}

#[test]
fn vectors_coincident_from_sem() {
    each_case("coincident_from_sem", |case| {
        let geometry = case.geometry();
        let setup = case.setup(&geometry);
        let correction = coincident::from_sem(&setup, case.number("/dx"), case.number("/dy"));
        let moves: Vec<_> = [Some(correction.slide), correction.rise]
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(case.at("/calls").as_array().unwrap().len(), moves.len());
        for (i, step) in moves.into_iter().enumerate() {
            case.same_displacement(&format!("/calls/{i}/relative"), step);
        }
        case.same_pose("/out", correction.total().from(setup.pose));
    });
}

#[test]
fn vectors_absolute_relative_safe() {
    each_case("absolute_relative_safe", |case| {
        let (geometry, current, target) = (case.geometry(), case.pose("/stage"), case.position("/position"));
        match case.text("/kind") {
            "absolute" => {
                case.same_position("/calls/0/absolute", &target);
                case.same_pose("/out", target.resolve(current));
            }
            "relative" => {
                case.same_position("/calls/0/relative", &target);
                case.same_pose("/out", current.moved_by(&target));
                case.same_position("/out", &StagePosition::from(current).plus(&target).unwrap());
            }
            "safe_absolute" => match safe::moves(&geometry, current, &target) {
                Ok(moves) => case.same_absolute_calls(&moves),
                Err(refused) => {
                    assert_eq!(case.text("/error"), "TypeError", "{refused}");
                    assert!(target.r.is_none());
                }
            },
            other => panic!("kind {other}"),
        }
    });
}

#[test]
fn vectors_flat_to_beam() {
    each_case("flat_to_beam", |case| {
        let (geometry, current) = (case.geometry(), case.pose("/stage"));
        let orientation = match case.text("/call") {
            "move_flat_to_beam" => Orientation::flat_to(case.beam()),
            "move_to_orientation" => case.text("/orientation").parse().unwrap(),
            other => panic!("call {other}"),
        };
        let target = orientation.target(&geometry);
        let moves = match case.value.get("safe").and_then(Value::as_bool) {
            Some(false) => vec![target],
            _ => safe::moves(&geometry, current, &target).unwrap(),
        };
        case.same_absolute_calls(&moves);
    });
}

#[test]
fn vectors_orientations() {
    each_case("orientations", |case| {
        let (geometry, pose) = (case.geometry(), case.pose("/stage"));
        let name = Orientation::of(&geometry, &pose).map_or("NONE", Orientation::name);
        assert_eq!(name, case.text("/stage_orientation"), "{}", case.value);
        for orientation in Orientation::ALL {
            case.same_position(&format!("/orientations/{orientation}"), &orientation.target(&geometry));
        }
        let angle = milling_angle::of(&geometry, &pose);
        case.same(
            "milling angle",
            angle.to_degrees(),
            case.number("/current_milling_angle_deg"),
        );
        let query = case.number("/query_angle_deg").to_radians();
        let is_at = milling_angle::is_at(&geometry, &pose, query, milling_angle::TOLERANCE);
        assert_eq!(is_at, case.flag("/is_close"), "{}", case.value);
        let orientation: Orientation = case.text("/target_orientation").parse().unwrap();
        match orientation::target_position(&geometry, pose, orientation, Point::default()) {
            Ok(target) => case.same_pose("/target_position", target),
            Err(refused) => {
                let theirs = match refused {
                    orientation::OrientationError::Unknown => "Unknown orientation. Cannot convert stage position.",
                    orientation::OrientationError::FmNeedsCompustage => {
                        "Cannot move to FM position on non-compustage systems."
                    }
                };
                assert_eq!(case.text("/target_error"), theirs, "{}", case.value);
            }
        }
    });
}

#[test]
fn vectors_milling_angle() {
    each_case("milling_angle", |case| {
        let (geometry, current) = (case.geometry(), case.pose("/stage"));
        let angle = case.number("/milling_angle_rad");
        let tilt = milling_angle::stage_tilt(&geometry, angle);
        case.same("tilt", tilt, case.number("/stage_tilt_for_angle"));
        case.same(
            "back",
            milling_angle::at_tilt(&geometry, tilt),
            case.number("/back_to_angle"),
        );
        let of_stage = milling_angle::at_tilt(&geometry, current.t);
        case.same("of the stage", of_stage, case.number("/current_angle_of_stage_rad"));
        let target = milling_angle::target(&geometry, angle, case.at("/rotation").as_f64());
        let moves = safe::moves(&geometry, current, &target).unwrap();
        case.same_absolute_calls(&moves);
        let after = milling_angle::of(&geometry, &case.pose("/out")).to_degrees();
        case.same("after", after, case.number("/milling_angle_after_deg"));
        // openFIBSEM compares degrees with radians here; our answer is `milling_angle::is_at`.
        assert_eq!(
            angles::is_close(after, angle, 2.0),
            case.flag("/returned"),
            "{}",
            case.value
        );
    });
}

#[test]
fn vectors_projection() {
    each_case("projection", |case| {
        let mut geometry = case.geometry();
        if case.text("/manufacturer") == "Tescan" {
            geometry.stage = StageKind::ChamberFixed;
        }
        let (setup, beam) = (case.setup(&geometry), case.beam());
        let view = View {
            scan_rotation: setup.scan_rotation.of(beam),
            ..View::new(&geometry, beam, setup.pose)
        };
        let (position, size) = (case.pose("/position"), case.size("/resolution"));
        let pixel_size = case.number("/pixel_size");
        case.same_plane_point("/pixel", view.to_pixel(position, size, pixel_size));
        case.same_plane_point("/pixel_legacy", view.to_pixel_legacy(position, size, pixel_size));
        case.same_plane_point("/to_plane", view.to_plane(position));
        case.same_pose("/from_plane", view.from_plane(case.point("/plane_in")));
        case.same_inverse("foreshortening", view.foreshortening(), case.number("/foreshortening"));
    });
}

#[test]
fn vectors_tescan() {
    each_case("tescan", |case| {
        let geometry = Geometry {
            stage: StageKind::ChamberFixed,
            ..case.geometry()
        };
        let (setup, beam) = (case.setup(&geometry), case.beam());
        let (dx, dy) = (case.number("/dx"), case.number("/dy"));
        let stable = stable::displacement(&setup, beam, dx, dy).from(setup.pose);
        case.same_pose("/stable_move", stable);
        for (i, axis) in Axis::ALL.into_iter().enumerate() {
            let sent = if axis.is_angle() {
                stable.get(axis).to_degrees()
            } else {
                stable.get(axis) * 1e3
            };
            case.same("vendor call", sent, case.number(&format!("/vendor_call_mm_deg/{i}")));
        }
        case.same_pose(
            "/vertical_move",
            vertical::displacement(&setup, dx, dy).from(setup.pose),
        );
        case.same_pose(
            "/coincident_from_sem",
            coincident::from_sem(&setup, dx, dy).total().from(setup.pose),
        );
        let projected = stable::project(&setup, beam, dx, dy, &setup.pose.into()).unwrap();
        case.same_position("/project_stable_move", &projected);
        let inverse = sample_plane::to_picture(&geometry, &setup.pose, beam, dy, case.number("/dz"));
        case.same_inverse("inverse", inverse, case.number("/inverse"));
    });
}

#[test]
fn vectors_pixels() {
    each_case("pixels", |case| {
        let (height, width) = case.size("/shape_hw");
        let (size, pixel_size, subpixel) = ((width, height), case.number("/pixel_size"), case.flag("/subpixel"));
        let centre = pixels::centre(size, subpixel);
        case.same("centre y", centre.y, case.number("/centre_yx/0"));
        case.same("centre x", centre.x, case.number("/centre_yx/1"));
        let metres = pixels::to_metres(case.point("/pixel"), size, pixel_size, subpixel);
        case.same("x", metres.x, case.number("/metres/0"));
        case.same("y", metres.y, case.number("/metres/1"));
        let pixel = pixels::from_metres(case.point("/metres_in"), size, pixel_size, subpixel);
        case.same("column", pixel.x, case.number("/pixel_out/0"));
        case.same("row", pixel.y, case.number("/pixel_out/1"));
        let length = pixels::length(case.number("/metres_in/0"), pixel_size);
        assert_eq!(
            Some(length),
            case.at("/metres_to_pixels_int").as_i64(),
            "{}",
            case.value
        );
    });
}

#[test]
fn vectors_manipulator() {
    each_case("manipulator", |case| {
        let read = |path: &str| Displacement {
            x: case.number(&format!("{path}/x")),
            y: case.number(&format!("{path}/y")),
            z: case.number(&format!("{path}/z")),
        };
        let (beam, tilt) = (case.beam(), case.number("/stage_tilt"));
        let (dx, dy) = (case.number("/dx"), case.number("/dy"));
        case.same_displacement("/thermo_relative", manipulator::corrected(beam, tilt, dx, dy));
        let park = Displacement {
            x: 0.0,
            y: 0.0,
            z: 180e-6,
        };
        case.same_displacement(
            "/demo_position_after_insert_then_move",
            park + manipulator::uncorrected(dx, dy),
        );
        let (saved, offset) = (read("/saved"), read("/offset"));
        case.same_displacement(
            "/thermo_offset_target",
            manipulator::offset_position(saved, offset, tilt),
        );
        case.same_displacement("/demo_offset_target", saved + offset);
    });
}

#[test]
fn vectors_tiles() {
    each_case("tiles", |case| {
        let count = |path: &str| case.number(path) as usize;
        let size = case.size("/resolution");
        let grid = Grid::new(
            count("/nrows"),
            count("/ncols"),
            size,
            case.number("/hfw"),
            case.number("/overlap"),
        )
        .unwrap();
        let (width, height) = grid.total_fov();
        case.same("field x", width, case.number("/total_fov/0"));
        case.same("field y", height, case.number("/total_fov/1"));
        let (x, y) = grid.centre_offset();
        case.same("centre x", x, case.number("/centre_offset/0"));
        case.same("centre y", y, case.number("/centre_offset/1"));
        let order: TileOrder = serde_json::from_value(case.at("/tile_order").clone()).unwrap();
        let mask: Option<Vec<Vec<bool>>> = serde_json::from_value(case.at("/mask").clone()).unwrap();
        let tiles = grid.ordered(order, mask.as_deref()).unwrap();
        assert_eq!(
            tiles.len(),
            case.at("/ordered").as_array().unwrap().len(),
            "{}",
            case.value
        );
        for (i, tile) in tiles.iter().enumerate() {
            let got = [
                tile.row as f64,
                tile.col as f64,
                tile.dx,
                tile.dy,
                tile.canvas.0 as f64,
                tile.canvas.1 as f64,
            ];
            for (j, got) in got.into_iter().enumerate() {
                case.same("tile", got, case.number(&format!("/ordered/{i}/{j}")));
            }
        }
    });
}
