//! Where things appear, against a camera model written down here on its own.

use super::*;
use crate::sim::specimen::{Landmark, hash};

const F: f64 = 52.0 * std::f64::consts::PI / 180.0;

/// Picture offset (m, right and up) of a point of the sample, by plane trigonometry: wedge, half turn, raw move, tilt, column.
fn camera(stage: StageKind, beam: Beam, pose: &Pose, p: [f64; 3]) -> [f64; 2] {
    let pre = if stage == StageKind::Compustage {
        0.0
    } else {
        35f64.to_radians()
    };
    let (mut x, mut y, mut z) = (
        p[0],
        p[1] * pre.cos() - p[2] * pre.sin(),
        p[1] * pre.sin() + p[2] * pre.cos(),
    );
    if stage != StageKind::Compustage {
        let (s, c) = pose.r.sin_cos();
        (x, y) = (c * x - s * y, s * x + c * y);
    }
    let mut sunk = 0.0;
    match stage {
        StageKind::Tilting => {
            (x, y, z) = (x - pose.x, y - pose.y, z + pose.z - 4e-3);
        }
        StageKind::Compustage => {
            let side = if pose.t < -90f64.to_radians() { -1.0 } else { 1.0 };
            (x, y, z) = (x - pose.x, y - side * pose.y, z + side * pose.z);
        }
        StageKind::ChamberFixed => {
            (x, y) = (x + pose.x, y + pose.y);
            sunk = pose.z - 4e-3;
        }
    }
    let (s, c) = pose.t.sin_cos();
    let (h, u) = (y * c + z * s, z * c - y * s - sunk);
    match beam {
        Beam::Electron => [x, h],
        Beam::Ion => [x, h * F.cos() - u * F.sin()],
    }
}

fn pixel(shot: &Shot, at: [f64; 2]) -> [f64; 2] {
    let (w, h) = shot.settings.resolution;
    let px = shot.settings.pixel_size();
    [f64::from(w) / 2.0 + at[0] / px, f64::from(h) / 2.0 - at[1] / px]
}

/// Raw x and y that bring `p` to `offset` in the picture.
fn bring(stage: StageKind, beam: Beam, pose: &mut Pose, p: [f64; 3], offset: [f64; 2]) {
    for _ in 0..2 {
        let here = camera(stage, beam, pose, p);
        let step = Pose {
            x: pose.x + 1e-6,
            y: pose.y + 1e-6,
            ..*pose
        };
        let there = camera(stage, beam, &step, p);
        pose.x += (offset[0] - here[0]) / (there[0] - here[0]) * 1e-6;
        pose.y += (offset[1] - here[1]) / (there[1] - here[1]) * 1e-6;
    }
}

#[test]
fn landmarks_appear_where_an_independent_camera_says() {
    let unit = |n: i64, k: i64| (hash(99, n, k) >> 11) as f64 / (1u64 << 53) as f64;
    let (mut seen, mut hidden, mut worst) = (0, 0, 0.0f64);
    for stage in [StageKind::Tilting, StageKind::Compustage, StageKind::ChamberFixed] {
        for beam in Beam::ALL {
            let mut s = shot("grid", stage, beam, 70e-6, (384, 256));
            let marks: Vec<_> = s
                .matter
                .specimen()
                .landmarks()
                .iter()
                .filter(|m| m.radius < 1e-6)
                .cloned()
                .collect();
            for n in 0..20i64 {
                let turned = n % 2 == 1;
                let u = |k: i64| unit(n + 100 * stage as i64 + 1000 * beam as i64, k);
                let lean = |lo: f64, hi: f64| (lo + (hi - lo) * u(0)).to_radians();
                let (r, t, under) = match (stage, turned, beam) {
                    (StageKind::Compustage, true, _) => (0.0, lean(-148.0, -110.0), true),
                    (StageKind::Compustage, false, Beam::Electron) => (0.0, lean(-40.0, 12.0), false),
                    (StageKind::Compustage, false, Beam::Ion) => (0.0, lean(-20.0, 12.0), false),
                    (_, false, Beam::Electron) => (0.0, lean(0.0, 60.0), false),
                    (_, false, Beam::Ion) => (0.0, lean(14.0, 60.0), false),
                    (_, true, Beam::Electron) => (180.0, lean(-10.0, 20.0), false),
                    (_, true, Beam::Ion) => (180.0, lean(-10.0, 45.0), false),
                };
                let home = s.geometry.home();
                let mut pose = Pose {
                    r: f64::to_radians(r),
                    t,
                    z: home.z + 60e-6 * (u(1) - 0.5),
                    ..home
                };
                let place = |m: &Landmark| if under { m.under } else { m.top };
                let middle = place(&marks[(u(2) * marks.len() as f64) as usize]);
                bring(
                    stage,
                    beam,
                    &mut pose,
                    middle,
                    [8e-6 * (u(3) - 0.5), 6e-6 * (u(4) - 0.5)],
                );
                s.pose = pose;
                s.seed = n as u64;
                let picture = take(&s);
                // From below, bars that stand 20 um out hide what lies close beside them.
                let open = |v: f64| (v - 125e-6 * (v / 125e-6).round()).abs() < 24e-6;
                let visible = |m: &&Landmark| !under || (open(m.top[0]) && open(m.top[1]));
                for m in marks.iter().filter(visible) {
                    let at = pixel(&s, camera(stage, beam, &pose, place(m)));
                    let radius = m.radius / s.settings.pixel_size();
                    let border = 2.2 * radius + 5.0;
                    if at[0] < border || at[1] < border || at[0] > 384.0 - border || at[1] > 256.0 - border {
                        continue;
                    }
                    assert!(
                        (project(&s, place(m))[1] - at[1]).abs() < 1e-6,
                        "project agrees with the independent camera"
                    );
                    match disc(&picture, at, radius) {
                        None => hidden += 1,
                        Some(found) => {
                            let off = (found[0] - at[0]).hypot(found[1] - at[1]);
                            assert!(
                                off < 1.0,
                                "{stage:?} {beam} pose {pose:?}: {} is {off:.2} px off",
                                m.name
                            );
                            worst = worst.max(off);
                            seen += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(seen > 300, "{seen} seen");
    assert!(hidden * 12 < seen, "{hidden} hidden, {seen} seen");
    assert!(worst > 0.0);
}

#[test]
fn a_stable_move_shifts_the_scene_by_what_was_asked() {
    // openFIBSEM's y-corrected move at the SEM orientation: d = dy / cos(t - p - v), (dy, dz) = d (cos p, -sin p).
    let p = 35f64.to_radians();
    for (beam, dx, dy) in [
        (Beam::Electron, 20e-6, 0.0),
        (Beam::Electron, 0.0, 20e-6),
        (Beam::Ion, 0.0, 20e-6),
    ] {
        let mut s = shot("grid", StageKind::Tilting, beam, 150e-6, (1536, 1024));
        s.settings.reduced_area = None;
        let before = take(&s);
        let v = if beam == Beam::Ion { F } else { 0.0 };
        let d = dy / (s.pose.t - p - v).cos();
        s.pose = Pose {
            x: s.pose.x + dx,
            y: s.pose.y + d * p.cos(),
            z: s.pose.z - d * p.sin(),
            ..s.pose
        };
        let after = take(&s);
        let px = 150e-6 / 1536.0;
        let (sx, sy) = (-dx / px, dy / px);
        assert!((sx.hypot(sy) - 204.8).abs() < 1e-6);
        for from in [[768, 400], [900, 560], [640, 300]] {
            let expected = [from[0] + sx.round() as i64, from[1] + sy.round() as i64];
            let found = find_patch(&before, &after, from, expected, 40);
            let (ex, ey) = (found[0] - from[0] as f64 - sx, found[1] - from[1] as f64 - sy);
            assert!(ex.abs() < 1.0 && ey.abs() < 1.0, "{beam} {from:?}: {ex:.2} {ey:.2}");
        }
    }
}

#[test]
fn tilt_foreshortens_by_the_cosine() {
    let mut s = shot("grid", StageKind::Tilting, Beam::Electron, 70e-6, (512, 512));
    let radius = 0.5e-6 / s.settings.pixel_size();
    let mut rows = Vec::new();
    for lean in [0.0, 40.0] {
        s.pose.t = s.geometry.home().t + f64::to_radians(lean);
        let picture = take(&s);
        let found: Vec<Option<f64>> = s
            .matter
            .specimen()
            .landmarks()
            .iter()
            .map(|m| {
                disc(&picture, project(&s, m.top), radius)
                    .filter(|_| m.radius < 1e-6)
                    .map(|d| 256.0 - d[1])
            })
            .collect();
        rows.push(found);
    }
    let lean = 40f64.to_radians();
    let mut measured = 0;
    for ((flat, tilted), m) in rows[0].iter().zip(&rows[1]).zip(s.matter.specimen().landmarks()) {
        let (Some(flat), Some(tilted)) = (flat, tilted) else {
            continue;
        };
        // What stands above the plane leans over when it is tilted.
        let leaning = m.top[2] * lean.sin() / s.settings.pixel_size();
        assert!(
            (tilted - leaning - flat * lean.cos()).abs() < 1.0,
            "{}: {flat} {tilted}",
            m.name
        );
        measured += usize::from(flat.abs() > 100.0);
    }
    assert!(measured >= 5, "{measured} landmarks far from the axis");
}

#[test]
fn coincidence_centres_a_feature_in_both_and_a_height_error_shows_in_fib_only() {
    let mut s = shot("grid", StageKind::Tilting, Beam::Electron, 70e-6, (512, 384));
    let px = s.settings.pixel_size();
    let radius = 0.5e-6 / px;
    let mark = s
        .matter
        .specimen()
        .landmarks()
        .iter()
        .find(|m| m.radius < 1e-6)
        .unwrap()
        .clone();
    let mut pose = s.geometry.home();
    bring(StageKind::Tilting, Beam::Electron, &mut pose, mark.top, [0.0, 0.0]);
    // Along the film, so that the feature stays at the height of the coincidence point.
    let home = s.geometry.home();
    let along = mark.top[1];
    pose.y = home.y + along * 35f64.to_radians().cos();
    pose.z = home.z - along * 35f64.to_radians().sin();
    s.pose = pose;
    let middle = [256.0, 192.0];
    let look = |s: &Shot, at: [f64; 2]| disc(&take(s), at, radius).expect("the mark is seen");
    let ion = |s: &Shot| {
        let mut i = s.clone();
        i.settings.beam_type = Beam::Ion;
        i.beam.settings.beam_type = Beam::Ion;
        i.beam.settings.working_distance = 16.5e-3;
        i
    };
    let close = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let stands = mark.top[2] * F.sin() / px;
    assert!(close(look(&s, middle), middle) < 1.0);
    assert!(close(look(&ion(&s), middle), [256.0, 192.0 + stands]) < 1.0);
    let u = 8e-6;
    s.geometry = Arc::new(TwinGeometry {
        height_error: u,
        ..(*s.geometry).clone()
    });
    assert!(close(look(&s, middle), middle) < 1.0, "nothing in SEM");
    let lower = [256.0, 192.0 + u * F.sin() / px + stands];
    assert!(close(look(&ion(&s), lower), lower) < 1.0, "u sin F in FIB");
}

#[test]
fn scan_rotation_and_beam_shift_move_the_picture_as_they_say() {
    let mut s = shot("grid", StageKind::Tilting, Beam::Electron, 80e-6, (512, 512));
    let px = s.settings.pixel_size();
    let radius = 0.5e-6 / px;
    let marks: Vec<_> = s
        .matter
        .specimen()
        .landmarks()
        .iter()
        .filter(|m| m.radius < 1e-6)
        .cloned()
        .collect();
    for (turn, shift, gain) in [
        (180.0, [0.0; 2], 1.0),
        (30.0, [0.0; 2], 1.0),
        (0.0, [5e-6, -3e-6], 1.0),
        (180.0, [4e-6, 2e-6], 1.1),
    ] {
        let phi = f64::to_radians(turn);
        s.beam.settings.scan_rotation = phi;
        s.beam.settings.shift = Point {
            x: shift[0],
            y: shift[1],
        };
        s.flaws.shift_gain = gain;
        let picture = take(&s);
        let mut seen = 0;
        for m in &marks {
            // The scan turns anticlockwise, so the content turns clockwise; shift carries the content along.
            let (x, y) = (m.top[0], m.top[1]);
            let at = [
                256.0 + (x * phi.cos() + y * phi.sin() + gain * shift[0]) / px,
                256.0 - (y * phi.cos() - x * phi.sin() + gain * shift[1]) / px,
            ];
            if at.iter().all(|v| (20.0..492.0).contains(v))
                && let Some(found) = disc(&picture, at, radius)
            {
                assert!(
                    (found[0] - at[0]).hypot(found[1] - at[1]) < 1.0,
                    "{turn} {shift:?}: {found:?} {at:?}"
                );
                seen += 1;
            }
        }
        assert!(seen >= 8, "{turn} {shift:?}: {seen}");
    }
}

#[test]
fn a_reduced_area_is_that_part_of_the_frame() {
    let mut s = shot("grid", StageKind::Tilting, Beam::Ion, 150e-6, (480, 320));
    let full = take(&s);
    s.settings.reduced_area = Some(model::Rect {
        left: 0.25,
        top: 0.5,
        width: 0.5,
        height: 0.25,
    });
    let part = take(&s);
    assert_eq!(part.dim(), (80, 240));
    let crop = full.slice(ndarray::s![160..240, 120..360]);
    let off = part.iter().zip(crop).filter(|(a, b)| a.abs_diff(**b) > 12).count();
    assert!(off * 100 < part.len(), "{off} pixels differ");
}

#[test]
fn near_things_hide_what_lies_behind_them() {
    // Seen at 15 degrees, a cell of 4 um height hides some 15 um of film behind it; from above it hides nothing.
    let mut s = shot("grid", StageKind::Tilting, Beam::Ion, 60e-6, (300, 200));
    s.pose.t = 12f64.to_radians();
    let camera = Camera::of(&s, nalgebra::Vector3::zeros());
    let window = Window {
        col: 0,
        row: 0,
        width: 300,
        height: 200,
    };
    let pass = relief::look(&camera, window, &s.matter, &Cones::default(), &Detector::of(&s.beam));
    let [d0, _, per_row, _] = camera.depth;
    // On a bare plane depth grows evenly with the row; a cell stands out of it.
    let (bw, _) = pass.blocks();
    let most = pass
        .depth
        .iter()
        .enumerate()
        .map(|(k, d)| f64::from(*d) - d0 - per_row * ((k / bw) as f64 * 16.0 + 7.5))
        .fold(0.0f64, f64::max);
    assert!(most > 3e-6, "{most}");
}
