//! Overviews on the twin.

use super::*;
use crate::overview::{Focusing, Overview, overview};
use hal::sim::Faults;
use model::kinematics::tiles::TileOrder;

fn small(rows: usize, columns: usize) -> Overview {
    Overview {
        rows,
        columns,
        overlap: 0.2,
        options: crate::acquire::PictureOptions {
            hfw: Some(150e-6),
            autocontrast: Some(false),
            ..Default::default()
        },
        ..Overview::default()
    }
}

/// The tiles that were kept, by their names.
fn tiles(rig: &Rig) -> Vec<String> {
    let name = |frame: &Frame| frame.metadata.as_ref().map(|m| m.image.filename.clone());
    let all = rig.kept();
    all.iter()
        .filter_map(name)
        .filter(|name| name.starts_with("tile_"))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_overview_is_what_one_wide_picture_shows_and_the_stage_is_back() {
    let rig = Rig::with(|i| i.twin.errors.repeatability = 1e-6);
    let before = rig.scope.stage().await.unwrap().value.pose;
    let made = overview(rig.cx.clone(), small(2, 2)).await.unwrap();
    // 384 + 307 by 256 + 205, but for what matching moved
    assert!(
        made.size.0.abs_diff(691) < 20 && made.size.1.abs_diff(461) < 20,
        "{:?}",
        made.size
    );
    assert!(made.moved > 0.1e-6 && made.moved < 8e-6, "{made:?}");
    assert_eq!(tiles(&rig), ["tile_0_0", "tile_0_1", "tile_1_1", "tile_1_0"]);
    assert_eq!(rig.scope.stage().await.unwrap().value.pose, before);
    let laid = rig.kept().pop().unwrap();
    let wide = rig.look(Beam::Electron, 150e-6).await;
    // the part of it around where its middle says it is
    let (w, h) = made.size;
    let middle = made.centre.unwrap();
    let pixel = made.pixel_size;
    let off = (
        (middle.x.unwrap() - before.x) / pixel,
        (middle.y.unwrap() - before.y) / pixel,
    );
    let part = |pixels: ndarray::Array2<f32>| {
        let (x, y) = ((w / 2) as f64 - off.0.round() - 192.0, (h / 2) as f64 - 128.0);
        pixels
            .slice(ndarray::s![y as usize..y as usize + 256, x as usize..x as usize + 384])
            .to_owned()
    };
    let options = vision::register::Options::default();
    let (part, wide) = (part(laid.pixels.to_f32()), wide.pixels.to_f32());
    let found = vision::register::register(part.view(), wide.view(), Default::default(), &options).unwrap();
    assert!(found.accepted, "{found:?}");
    assert!(found.dx_px.hypot(found.dy_px) * pixel < 5e-6, "{found:?}, {off:?}");
}

#[tokio::test(start_paused = true)]
async fn tiles_are_taken_in_order_and_a_spiral_is_focused_at_each() {
    let rig = Rig::new();
    let params = Overview {
        order: TileOrder::Spiral,
        autofocus: Focusing::EachRow,
        mask: Some(vec![vec![true, true], vec![false, true]]),
        ..small(2, 2)
    };
    let focus = rig
        .scope
        .get(model::Key::WorkingDistance, Some(Beam::Electron))
        .await
        .unwrap();
    let made = overview(rig.cx.clone(), params).await.unwrap();
    assert_eq!(tiles(&rig), ["tile_1_1", "tile_0_0", "tile_0_1"]);
    assert_eq!(made.tiles.len(), 3);
    let acts = rig.record.acts.lock().unwrap().clone();
    let before_tiles = acts.windows(2).filter(|pair| {
        matches!(&pair[1], Act::Acquire { settings } if settings.save) && matches!(pair[0], Act::BeamSet { .. })
    });
    assert_eq!(before_tiles.count(), 3, "each tile comes after a focus was set");
    let after = rig
        .scope
        .get(model::Key::WorkingDistance, Some(Beam::Electron))
        .await
        .unwrap();
    assert_eq!(after, focus, "it is put back");
}

#[tokio::test(start_paused = true)]
async fn a_tile_that_is_lost_is_taken_again() {
    let rig = Rig::new();
    rig.world
        .set_faults(Faults::parse("- {on: acquire, nth: 2, kind: dropped-frame}").unwrap());
    let made = overview(rig.cx.clone(), small(1, 3)).await.unwrap();
    assert_eq!(made.tiles.len(), 3);
    let notices = rig.host.notices.lock().unwrap();
    assert!(
        notices.iter().any(|n| n.hint.contains("column 2 is taken again")),
        "{notices:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_overview_that_cannot_be_reached_or_makes_no_sense_moves_nothing() {
    let rig = Rig::new();
    let far = Overview {
        options: crate::acquire::PictureOptions {
            hfw: Some(900e-6),
            ..Default::default()
        },
        ..small(1, 400)
    };
    let refused = overview(rig.cx.clone(), far).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::OutOfRange, "{refused}");
    let none = Overview {
        mask: Some(vec![vec![false]]),
        ..small(1, 1)
    };
    for nonsense in [
        none,
        Overview {
            overlap: 1.0,
            ..small(2, 2)
        },
        small(0, 2),
    ] {
        let refused = overview(rig.cx.clone(), nonsense).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Usage, "{refused}");
    }
    assert_eq!(rig.record.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_called_off_keeps_its_tiles_and_brings_the_stage_back() {
    let rig = Rig::new();
    let before = rig.scope.stage().await.unwrap().value.pose;
    let release = rig.release.clone();
    // the second tile's picture
    rig.inject(Moment::Intent, 4, move || release.cancel());
    let ended = overview(rig.cx.clone(), small(2, 2)).await.unwrap_err();
    assert_eq!(ended.kind, ErrorKind::Stopped, "{ended}");
    assert_eq!(tiles(&rig), ["tile_0_0"]);
    assert_eq!(rig.scope.stage().await.unwrap().value.pose, before);
}
