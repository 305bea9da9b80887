//! The geometry against the camera model of openFIBSEM's moves, kind of stage by kind.

use super::*;

const MM: f64 = 1e-3;

fn twin(stage: StageKind) -> TwinGeometry {
    let mut nominal = Geometry {
        stage,
        ..Geometry::default()
    };
    if stage == StageKind::Compustage {
        nominal.pre_tilt = 0.0;
        nominal.rotation_180 = 0.0;
    }
    TwinGeometry::new(nominal, [7.0 * MM, 16.5 * MM])
}

/// Content of the picture moves by this much (right, up) when the stage moves by `d` (x, y, z).
fn content(g: &TwinGeometry, beam: Beam, at: Pose, d: [f64; 3]) -> [f64; 2] {
    let to = Pose {
        x: at.x + d[0],
        y: at.y + d[1],
        z: at.z + d[2],
        ..at
    };
    let p = [12e-6, -7e-6, 3e-6];
    let (a, b) = (g.in_view(beam, &at, p).0, g.in_view(beam, &to, p).0);
    [b.x - a.x, b.y - a.y]
}

fn assert_shift(seen: [f64; 2], wanted: [f64; 2], what: &str) {
    assert!(
        (seen[0] - wanted[0]).abs() < 1e-12 && (seen[1] - wanted[1]).abs() < 1e-12,
        "{what}: {seen:?} {wanted:?}"
    );
}

#[test]
fn home_has_the_sample_at_coincidence_and_flat() {
    for stage in [StageKind::Tilting, StageKind::Compustage, StageKind::ChamberFixed] {
        let g = twin(stage);
        for beam in Beam::ALL {
            let (at, depth) = g.in_view(beam, &g.home(), [0.0; 3]);
            assert_shift([at.x, at.y], [0.0, 0.0], "home");
            assert!(depth.abs() < 1e-12);
        }
        let flat = g.sample_to_chamber(&g.home()).rotation * Vector3::z();
        assert!((flat - Vector3::z()).norm() < 1e-12);
    }
}

#[test]
fn raw_moves_shift_the_picture_as_the_camera_model_says() {
    let g = twin(StageKind::Tilting);
    for (r, t) in [(0.0, 35f64), (180.0, 17.0), (0.0, 12.0), (0.0, -10.0), (180.0, 60.0)] {
        let at = Pose {
            x: 0.2 * MM,
            y: -0.1 * MM,
            z: 3.9 * MM,
            r: f64::to_radians(r),
            t: t.to_radians(),
        };
        let d = [11e-6, -23e-6, 17e-6];
        let (s, c) = at.t.sin_cos();
        let (h, u) = (d[1] * c - d[2] * s, d[1] * s + d[2] * c);
        let f = 52f64.to_radians();
        assert_shift(content(&g, Beam::Electron, at, d), [-d[0], -h], "SEM");
        assert_shift(
            content(&g, Beam::Ion, at, d),
            [-d[0], -(h * f.cos() + u * f.sin())],
            "FIB",
        );
    }
}

/// A stable move as openFIBSEM computes it: raw (y, z) for an offset `dy` up in the picture.
fn stable(g: &TwinGeometry, beam: Beam, at: Pose, dy: f64, turned: bool) -> [f64; 3] {
    let n = &g.nominal;
    let v = if beam == Beam::Ion { n.ion_column_tilt } else { 0.0 };
    let mut sign = if turned { -1.0 } else { 1.0 };
    let (mut t, mut e) = (at.t, dy);
    if n.stage == StageKind::Compustage {
        t += std::f64::consts::PI;
        let fib = (at.t - (n.ion_column_tilt - n.pre_tilt - std::f64::consts::PI)).abs() < 0.1;
        sign = if fib { -1.0 } else { 1.0 };
        e = if fib { dy } else { -dy };
    }
    let p = sign * (n.pre_tilt + n.electron_column_tilt);
    if n.stage == StageKind::ChamberFixed {
        let i = at.t - p;
        let d = dy / (i - v).cos();
        return [0.0, -d * i.cos() / at.t.cos(), d * p.sin() / at.t.cos()];
    }
    let d = e / (t - p - v).cos();
    [0.0, d * p.cos(), -d * p.sin()]
}

#[test]
fn stable_moves_stay_on_the_sample_plane_and_shift_the_picture_by_what_was_asked() {
    let dy = 20e-6;
    for stage in [StageKind::Tilting, StageKind::ChamberFixed, StageKind::Compustage] {
        let g = twin(stage);
        let poses: &[(f64, f64)] = match stage {
            StageKind::Compustage => &[(0.0, 0.0), (0.0, -23.0), (0.0, 12.0), (0.0, -128.0), (0.0, -125.0)],
            _ => &[(0.0, 35.0), (180.0, 17.0), (0.0, 12.0), (180.0, 35.0)],
        };
        for &(r, t) in poses {
            let at = Pose {
                r: r.to_radians(),
                t: t.to_radians(),
                ..g.home()
            };
            for beam in Beam::ALL {
                let d = stable(&g, beam, at, dy, r > 90.0);
                assert_shift(
                    content(&g, beam, at, d),
                    [0.0, -dy],
                    &format!("{stage:?} {beam} r {r} t {t}"),
                );
                // On the plane: the sample's normal does not see the move.
                let to = Pose {
                    y: at.y + d[1],
                    z: at.z + d[2],
                    ..at
                };
                let (a, b) = (g.sample_to_chamber(&at), g.sample_to_chamber(&to));
                let along = (a.rotation * Vector3::z()).dot(&(b.translation.vector - a.translation.vector));
                assert!(along.abs() < 1e-12, "{stage:?} leaves the plane by {along}");
            }
        }
    }
}

#[test]
fn x_runs_left_on_a_tilting_stage_and_right_on_a_chamber_fixed_one() {
    let d = [5e-6, 0.0, 0.0];
    let tilting = twin(StageKind::Tilting);
    assert_shift(
        content(&tilting, Beam::Electron, tilting.home(), d),
        [-5e-6, 0.0],
        "tilting",
    );
    let fixed = twin(StageKind::ChamberFixed);
    assert_shift(
        content(&fixed, Beam::Electron, fixed.home(), d),
        [5e-6, 0.0],
        "chamber-fixed",
    );
}

#[test]
fn vertical_moves_show_in_fib_only() {
    let u = 9e-6;
    let f = 52f64.to_radians();
    for t in [0.0, 12.0, 35.0] {
        let t = f64::to_radians(t);
        let g = twin(StageKind::Tilting);
        let at = Pose { t, ..g.home() };
        let d = [0.0, u * t.sin(), u * t.cos()];
        assert_shift(content(&g, Beam::Electron, at, d), [0.0, 0.0], "SEM");
        assert_shift(content(&g, Beam::Ion, at, d), [0.0, -u * f.sin()], "FIB");
        let g = twin(StageKind::ChamberFixed);
        let at = Pose { t, ..g.home() };
        // openFIBSEM's vertical move for an offset dy up in the FIB picture: z += -dy / sin F.
        let dy = 4e-6;
        assert_shift(
            content(&g, Beam::Electron, at, [0.0, 0.0, -dy / f.sin()]),
            [0.0, 0.0],
            "SEM fixed",
        );
        assert_shift(
            content(&g, Beam::Ion, at, [0.0, 0.0, -dy / f.sin()]),
            [0.0, -dy],
            "FIB fixed",
        );
    }
    // A compustage upside down: openFIBSEM turns dy round, because its axes are the specimen's.
    let g = twin(StageKind::Compustage);
    let t = -128f64.to_radians();
    let dy = 4e-6;
    let zm = -dy / f.sin();
    let at = Pose { t, ..g.home() };
    let d = [0.0, zm * t.sin(), zm * t.cos()];
    assert_shift(content(&g, Beam::Electron, at, d), [0.0, 0.0], "SEM upside down");
    assert_shift(content(&g, Beam::Ion, at, d), [0.0, -dy], "FIB upside down");
}

#[test]
fn orientations_face_the_beams() {
    let g = twin(StageKind::Tilting);
    let normal = |r: f64, t: f64| {
        let at = Pose {
            r: r.to_radians(),
            t: t.to_radians(),
            ..g.home()
        };
        g.sample_to_chamber(&at).rotation * Vector3::z()
    };
    assert!((normal(0.0, 35.0).dot(&g.column(Beam::Electron).toward) - 1.0).abs() < 1e-12);
    assert!((normal(180.0, 17.0).dot(&g.column(Beam::Ion).toward) - 1.0).abs() < 1e-12);
    let grazing = normal(0.0, 12.0).dot(&g.column(Beam::Ion).toward);
    assert!(
        (grazing - 15f64.to_radians().sin()).abs() < 1e-12,
        "milling angle 15 deg"
    );
    let c = twin(StageKind::Compustage);
    let at = Pose {
        t: -128f64.to_radians(),
        ..c.home()
    };
    let down = c.sample_to_chamber(&at).rotation * -Vector3::z();
    assert!(
        (down.dot(&c.column(Beam::Ion).toward) - 1.0).abs() < 1e-12,
        "the underside faces the ion beam"
    );
}

#[test]
fn a_point_of_a_picture_lies_on_its_beamline() {
    let g = twin(StageKind::Tilting);
    let at = Pose {
        x: 40e-6,
        y: -25e-6,
        t: 0.2,
        ..g.home()
    };
    let drift = Vector3::new(2e-6, -1e-6, 3e-6);
    for beam in Beam::ALL {
        let view = g.column(beam);
        let landing = Point { x: 3e-6, y: -2e-6 };
        let line = g.beamline(beam, &at, 0.4, landing, drift);
        assert!((line.right.cross(&line.up) + line.along).norm() < 1e-12);
        // Seen in the column's own picture, then turned, shifted and drifted as a shown picture is.
        let p = line.point(5e-6, 7e-6, 11e-6);
        let (seen, _) = g.in_view(beam, &at, [p.x, p.y, p.z]);
        let (x, y) = (seen.x + drift.dot(&view.right), seen.y + drift.dot(&view.up));
        let (s, c) = 0.4f64.sin_cos();
        assert_shift(
            [c * x + s * y + landing.x, c * y - s * x + landing.y],
            [5e-6, 7e-6],
            "beamline",
        );
    }
    let line = g.beamline(
        Beam::Ion,
        &Pose {
            t: 12f64.to_radians(),
            ..g.home()
        },
        0.0,
        Point::default(),
        Vector3::zeros(),
    );
    assert!(
        (line.along.z + 15f64.to_radians().sin()).abs() < 1e-12,
        "milling angle 15 deg"
    );
}

#[test]
fn half_turns_go_round_the_rotation_axis() {
    let mut g = twin(StageKind::Tilting);
    g.rotation_axis = [30e-6, -20e-6];
    let p = [100e-6, 50e-6, 0.0];
    let flat = Pose { t: 0.0, ..g.home() };
    let seen = g.in_view(Beam::Electron, &flat, p).0;
    let centred = Pose {
        x: seen.x,
        y: seen.y,
        ..flat
    };
    let o = g.in_view(Beam::Electron, &centred, p).0;
    assert_shift([o.x, o.y], [0.0, 0.0], "centred");
    let turned = Pose {
        x: 2.0 * 30e-6 - centred.x,
        y: 2.0 * -20e-6 - centred.y,
        r: std::f64::consts::PI,
        ..centred
    };
    let o = g.in_view(Beam::Electron, &turned, p).0;
    assert_shift([o.x, o.y], [0.0, 0.0], "compucentric half turn");
    g.runout = 2e-6;
    let o = g.in_view(Beam::Electron, &turned, p).0;
    assert!((o.x.hypot(o.y) - 2e-6).abs() < 1e-9, "runout shows after half a turn");
}

#[test]
fn a_height_error_is_the_loss_of_coincidence() {
    let mut g = twin(StageKind::Tilting);
    g.height_error = 30e-6;
    let f = 52f64.to_radians();
    let (sem, fib) = (
        g.in_view(Beam::Electron, &g.home(), [0.0; 3]).0,
        g.in_view(Beam::Ion, &g.home(), [0.0; 3]).0,
    );
    assert_shift([sem.x, sem.y], [0.0, 0.0], "SEM");
    assert_shift([fib.x, fib.y], [0.0, -30e-6 * f.sin()], "FIB");
    assert!((g.coincidence_error(&g.home()).unwrap() - 30e-6).abs() < 1e-12);
}
