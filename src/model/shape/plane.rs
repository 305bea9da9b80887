//! Figures of the plane that shapes are reckoned with: turns, corners, areas, distances (m, rad).

/// (x, y) turned by `angle` (rad, counter-clockwise).
pub(super) fn turned(x: f64, y: f64, angle: f64) -> (f64, f64) {
    let (sin, cos) = angle.sin_cos();
    (x * cos - y * sin, x * sin + y * cos)
}

pub(super) fn corners(cx: f64, cy: f64, width: f64, height: f64, rotation: f64) -> [(f64, f64); 4] {
    [(-0.5, 0.5), (0.5, 0.5), (0.5, -0.5), (-0.5, -0.5)].map(|(u, v)| {
        let (x, y) = turned(u * width, v * height, rotation);
        (cx + x, cy + y)
    })
}

pub(super) fn shoelace(vertices: &[(f64, f64)]) -> f64 {
    let next = vertices.iter().cycle().skip(1);
    vertices
        .iter()
        .zip(next)
        .map(|(a, b)| a.0 * b.1 - b.0 * a.1)
        .sum::<f64>()
        / 2.0
}

/// Even-odd rule.
pub(super) fn winds(vertices: &[(f64, f64)], (x, y): (f64, f64)) -> bool {
    let next = vertices.iter().cycle().skip(1);
    vertices.iter().zip(next).fold(false, |inside, (a, b)| {
        let crosses = (a.1 > y) != (b.1 > y) && x < (b.0 - a.0) * (y - a.1) / (b.1 - a.1) + a.0;
        inside ^ crosses
    })
}

pub(super) fn distance(a: (f64, f64), b: (f64, f64), p: (f64, f64)) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length2 = dx * dx + dy * dy;
    let t = if length2 > 0.0 {
        (((p.0 - a.0) * dx + (p.1 - a.1) * dy) / length2).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (p.0 - a.0 - t * dx).hypot(p.1 - a.1 - t * dy)
}
