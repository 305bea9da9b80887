//! What time does to a picture: drift, vibration, line order, integration and drift correction.

use super::*;

fn drifting(pixels_per_second: [f64; 2]) -> Shot {
    let mut s = shot("grid", StageKind::Tilting, Beam::Electron, 60e-6, (384, 256));
    let px = s.settings.pixel_size();
    // Chamber X and Y are right and up of the SEM picture.
    s.motion.velocity = [pixels_per_second[0] * px, -pixels_per_second[1] * px, 0.0];
    s
}

/// A landmark well inside the picture: its pixel, and the radius of its disc.
fn mark(s: &Shot) -> ([f64; 2], f64) {
    let inside = |p: &[f64; 2]| (60.0..324.0).contains(&p[0]) && (110.0..200.0).contains(&p[1]);
    let m = s.matter.specimen().landmarks().iter().filter(|m| m.radius < 1e-6);
    let at = m
        .map(|m| project(s, m.top))
        .find(|p| inside(p))
        .expect("a landmark in the middle");
    (at, 0.5e-6 / s.settings.pixel_size())
}

#[test]
fn a_line_shows_the_sample_where_it_was_when_the_line_was_drawn() {
    let mut s = drifting([0.0, 0.0]);
    let (at, radius) = mark(&s);
    // 384 pixels of 1 ms: 0.384 s a line.
    for line_integration in [1, 2] {
        let rate = 0.1 / f64::from(line_integration);
        let moving = drifting([rate, 0.0]);
        s.motion = moving.motion;
        s.settings.line_integration = Some(line_integration);
        let found = disc(
            &take(&s),
            [at[0] + rate * 0.384 * f64::from(line_integration) * at[1], at[1]],
            radius,
        )
        .unwrap();
        let expected = at[0] + rate * 0.384 * f64::from(line_integration) * at[1];
        assert!(
            (found[0] - expected).abs() < 1.0 && (found[1] - at[1]).abs() < 1.0,
            "{found:?} {expected}"
        );
    }
}

#[test]
fn earlier_drift_is_where_the_picture_begins() {
    let mut s = drifting([0.0, 0.0]);
    let (at, radius) = mark(&s);
    let px = s.settings.pixel_size();
    s.motion.offset = [9.0 * px, -6.0 * px, 0.0];
    let found = disc(&take(&s), [at[0] + 9.0, at[1] + 6.0], radius).unwrap();
    assert!((found[0] - at[0] - 9.0).hypot(found[1] - at[1] - 6.0) < 1.0);
    let projected = project(&s, s.matter.specimen().landmarks()[20].top);
    s.motion.offset = [0.0; 3];
    assert!((projected[0] - project(&s, s.matter.specimen().landmarks()[20].top)[0] - 9.0).abs() < 1e-6);
}

#[test]
fn a_drifted_view_is_remembered_and_exact_to_a_tenth_of_a_pixel() {
    let mut s = drifting([0.0, 0.0]);
    let (px, radius) = (s.settings.pixel_size(), 0.5e-6 / s.settings.pixel_size());
    let marks = s.matter.specimen().landmarks().iter().filter(|m| m.radius < 1e-6);
    let places: Vec<[f64; 2]> = marks.map(|m| project(&s, m.top)).collect();
    let renderer = Renderer::new();
    let origin = renderer.render(&s).unwrap();
    // Mean displacement of all discs that are seen in both.
    let mut moved = |dx: f64, dy: f64| {
        s.motion.offset = [dx * px, -dy * px, 0.0];
        let picture = renderer.render(&s).unwrap();
        let shifts = places.iter().filter_map(|&at| {
            let (before, after) = (
                disc(&origin, at, radius)?,
                disc(&picture, [at[0] + dx, at[1] + dy], radius)?,
            );
            Some([after[0] - before[0], after[1] - before[1]])
        });
        let shifts: Vec<_> = shifts.collect();
        assert!(shifts.len() >= 3, "{} discs", shifts.len());
        [0, 1].map(|i| shifts.iter().map(|s| s[i]).sum::<f64>() / shifts.len() as f64)
    };
    for [dx, dy] in [[0.37, -0.21], [5.5, 3.25], [-11.8, 14.1], [15.6, -9.45], [70.3, 0.0]] {
        let [x, y] = moved(dx, dy);
        assert!((x - dx).hypot(y - dy) < 0.1, "{dx} {dy}: {x:.3} {y:.3}");
    }
    let looked = renderer.passes.lock().unwrap().len();
    assert_eq!(looked, 3, "where it stood, round there, and further away");
}

#[test]
fn interlacing_combs_a_drifting_picture_and_leaves_a_still_one_alone() {
    let mut still = drifting([0.0, 0.0]);
    let plain = take(&still);
    still.settings.scan_interlacing = Some(2);
    assert_eq!(plain, take(&still));

    // 12 px to the right during the frame: odd lines are drawn half a frame later, 6 px further.
    let mut s = drifting([12.0 / (384.0 * 256.0 * 1e-3), 0.0]);
    s.settings.scan_interlacing = Some(2);
    let combed = take(&s);
    let rows = |odd: usize| combed.slice(ndarray::s![odd..;2, ..]).to_owned();
    let (even, odd) = (rows(0), rows(1));
    let wide = |a: &Array2<u8>| a.iter().map(|&v| f32::from(v)).collect::<Vec<f32>>();
    let [dx, dy] = register::displacement(&wide(&even), &wide(&odd), 384);
    assert!((dx - 6.0).abs() < 0.8 && dy.abs() < 0.8, "{dx} {dy}");
}

#[test]
fn vibration_wobbles_lines() {
    let mut s = drifting([0.0, 0.0]);
    let plain = take(&s);
    let px = s.settings.pixel_size();
    s.motion.vibration = [3.0 * px, 0.0, 0.0];
    s.motion.frequency = 0.61;
    let shaken = take(&s);
    assert!(
        sharpness(&shaken)[1] > 1.5 * sharpness(&plain)[1],
        "lines no longer fit to each other"
    );
    s.start_time = 0.4;
    assert_ne!(shaken, take(&s), "the phase follows the clock");
}

#[test]
fn drift_correction_registers_frames_before_it_adds_them() {
    let frame = 384.0 * 256.0 * 2e-5;
    let mut s = drifting([5.0 / frame, 3.0 / frame]);
    s.settings.dwell_time = 2e-5;
    s.beam.detector.contrast = 0.36;
    s.settings.frame_integration = Some(6);
    let smeared = take(&s);
    s.settings.drift_correction = true;
    let corrected = take(&s);
    let sum = |a: &Array2<u8>| sharpness(a).iter().sum::<f64>();
    assert!(
        sum(&corrected) > 1.5 * sum(&smeared),
        "{} {}",
        sum(&corrected),
        sum(&smeared)
    );
    // Everything lies where the first frame saw it.
    let (at, radius) = mark(&s);
    let passed = at[1] / 256.0;
    let expected = [at[0] + 5.0 * passed, at[1] + 3.0 * passed];
    let found = disc(&corrected, expected, radius).unwrap();
    assert!(
        (found[0] - expected[0]).hypot(found[1] - expected[1]) < 1.2,
        "{found:?} {expected:?}"
    );
}
