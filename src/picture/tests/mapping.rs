//! From the screen to the picture and back.

use super::*;
use proptest::prelude::*;

fn grids() -> impl Strategy<Value = Grid> {
    (0usize..EVERY_PROTOCOL.len() - 1, 1u16..5, 4u16..20, 8u16..40).prop_map(|(protocol, scale, w, h)| {
        let budget = Budget {
            scale,
            ..Budget::default()
        };
        Graphics {
            cell_px: (w, h),
            ..graphics(EVERY_PROTOCOL[protocol])
        }
        .grid(&budget)
    })
}

fn viewports() -> impl Strategy<Value = Viewport> {
    let pane = (0u16..50, 0u16..20, 1u16..250, 1u16..80).prop_map(|(x, y, w, h)| Rect::new(x, y, w, h));
    let view = (0.5f64..80.0, -100.0f64..7000.0, -100.0f64..5000.0);
    (grids(), pane, 1usize..6144, 1usize..4096, view).prop_map(|(grid, pane, w, h, (zoom, x, y))| {
        Viewport::new(
            (w, h),
            pane,
            grid,
            &View {
                zoom,
                centre: Some(Position::new(x, y)),
            },
        )
    })
}

proptest! {
    #[test]
    fn canvas_and_picture_round_trip(viewport in viewports(), u in 0.0f64..1.0, v in 0.0f64..1.0) {
        let canvas = Position::new(u * viewport.canvas.0 as f64, v * viewport.canvas.1 as f64);
        let back = viewport.to_canvas(viewport.to_picture(canvas));
        prop_assert!((back.x - canvas.x).abs() < 1e-6 && (back.y - canvas.y).abs() < 1e-6);
    }

    #[test]
    fn a_cell_maps_to_a_point_that_it_shows(viewport in viewports(), u in 0.0f64..1.0, v in 0.0f64..1.0) {
        let area = viewport.area;
        let column = area.x + (u * f64::from(area.width)) as u16;
        let row = area.y + (v * f64::from(area.height)) as u16;
        if let Some(at) = viewport.at_cell(column, row) {
            prop_assert_eq!(viewport.cell_of(at), Some((column, row)));
            prop_assert!(at.x >= 0.0 && at.x <= viewport.picture().0 as f64);
        }
        prop_assert!(viewport.at_cell(area.right(), row).is_none());
    }

    #[test]
    fn the_area_lies_in_the_pane_and_keeps_the_aspect(grid in grids(), w in 1u16..250, h in 1u16..80) {
        let pane = Rect::new(3, 4, w, h);
        let viewport = Viewport::new((1536, 1024), pane, grid, &View::default());
        prop_assert_eq!(viewport.area.intersection(pane), viewport.area);
        let (step, cell) = (viewport.step(), grid.cell_px);
        // Picture pixels per screen pixel, across and down.
        let across = step.0 * viewport.canvas.0 as f64 / (f64::from(viewport.area.width) * f64::from(cell.0));
        let down = step.1 * viewport.canvas.1 as f64 / (f64::from(viewport.area.height) * f64::from(cell.1));
        prop_assert!((across / down - 1.0).abs() < 1e-9);
        let (width, height) = viewport.extent();
        prop_assert!(width >= 1535.9 && height >= 1023.9, "the whole picture is seen");
    }

    #[test]
    fn zooming_keeps_the_point_under_the_cursor(factor in 1.1f64..3.0, u in 0.3f64..0.7, v in 0.3f64..0.7) {
        let grid = graphics(Protocol::Kitty { placeholders: true }).grid(&Budget::default());
        let view = View { zoom: 4.0, centre: None };
        let before = Viewport::new((1536, 1024), PANE, grid, &view);
        let at = before.to_picture(Position::new(u * before.canvas.0 as f64, v * before.canvas.1 as f64));
        let after = Viewport::new((1536, 1024), PANE, grid, &view.zoomed(factor, at, &before));
        let (a, b) = (before.to_canvas(at), after.to_canvas(at));
        prop_assert!((a.x - b.x).abs() < 1e-6 && (a.y - b.y).abs() < 1e-6);
    }
}

#[test]
fn a_pixel_mouse_is_finer_than_cells() {
    let grid = graphics(Protocol::Kitty { placeholders: true }).grid(&Budget::default());
    let viewport = Viewport::new(
        (1536, 1024),
        Rect::new(10, 5, 100, 30),
        grid,
        &View {
            zoom: 10.0,
            centre: None,
        },
    );
    let (x, y) = (
        (u32::from(viewport.area.x) + 7) * 9,
        (u32::from(viewport.area.y) + 3) * 20,
    );
    let (a, b) = (
        viewport.at_screen_pixel(x, y).unwrap(),
        viewport.at_screen_pixel(x + 1, y).unwrap(),
    );
    assert!(
        (b.x - a.x - viewport.step().0 / 2.0).abs() < 1e-9,
        "half a canvas pixel at half resolution"
    );
    assert_eq!(viewport.cell_of(a), viewport.cell_of(b));
}

#[test]
fn panning_stops_at_the_edge() {
    let grid = graphics(Protocol::Sixel).grid(&Budget::default());
    let mut view = View {
        zoom: 4.0,
        centre: None,
    };
    for _ in 0..50 {
        view = view.panned(0.5, 0.5, &Viewport::new((1536, 1024), PANE, grid, &view));
    }
    let viewport = Viewport::new((1536, 1024), PANE, grid, &view);
    let (origin, extent) = (viewport.origin(), viewport.extent());
    assert!((origin.x + extent.0 - 1536.0).abs() < 1e-6 && (origin.y + extent.1 - 1024.0).abs() < 1e-6);
}
