//! The thread that makes pictures for the terminal. It has one order at a time; while it works, newer wishes replace each
//! other at the one who sends them, so that the newest wins.

use crate::canvas::PictureKey;
use engine::event::FrameId;
use model::Pixels;
use picture::{Budget, Encoded, Graphics, InkTable, Painter};
use ratatui::layout::Rect;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use vision::contrast::Spread;

/// What pictures are made with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Manner {
    pub graphics: Graphics,
    pub budget: Budget,
    pub inks: InkTable,
}

/// What should be on the screen.
pub struct Order {
    /// Another manner than before: everything is made anew.
    pub manner: Option<Manner>,
    pub pictures: Vec<(Rect, PictureKey, Arc<Pixels>)>,
    /// Panes that are no longer there.
    pub gone: Vec<u8>,
}

/// What came of an order.
pub struct Painted {
    /// Pane, its area, and its picture; none where the one before it is as good in this area.
    pub pictures: Vec<(u8, Rect, Option<Encoded>)>,
    /// Pane, and the bytes that take its picture away.
    pub gone: Vec<(u8, Vec<u8>)>,
}

/// The near end of the painting thread.
pub struct Painting {
    orders: Sender<Work>,
    busy: bool,
}

enum Work {
    Paint(Order),
    /// Take all pictures away; the bytes that do go back here.
    End(Sender<Vec<u8>>),
}

impl Painting {
    /// Starts the thread; `done` is called on it after every order.
    pub fn start(manner: Manner, done: impl Fn(Painted) + Send + 'static) -> io::Result<Painting> {
        let (orders, inbox) = channel();
        std::thread::Builder::new()
            .name("pictures".to_owned())
            .spawn(move || paint(manner, &inbox, done))?;
        Ok(Painting { orders, busy: false })
    }

    pub fn is_idle(&self) -> bool {
        !self.busy
    }

    /// Hands an order over; to be called only when idle.
    pub fn send(&mut self, order: Order) {
        // without its thread the screen goes on without pictures
        self.busy = self.orders.send(Work::Paint(order)).is_ok();
    }

    /// `done` was called.
    pub fn done(&mut self) {
        self.busy = false;
    }

    /// What takes all pictures away, for the end; nothing when the thread does not say in time.
    pub fn farewell(self, patience: Duration) -> Vec<u8> {
        let (reply, answer) = channel();
        let asked = self.orders.send(Work::End(reply));
        asked
            .ok()
            .and_then(|()| answer.recv_timeout(patience).ok())
            .unwrap_or_default()
    }
}

/// The encoder's ids begin at 1.
fn id(slot: u8) -> u32 {
    u32::from(slot) + 1
}

/// What was spread last in each pane: a cursor that moves over a picture does not have it spread again.
#[derive(Default)]
struct Spreads(HashMap<u8, (FrameId, Spread, Arc<Pixels>)>);

impl Spreads {
    fn of(&mut self, key: &PictureKey, taken: Arc<Pixels>) -> Arc<Pixels> {
        if let Some((frame, spread, pixels)) = self.0.get(&key.slot)
            && (*frame, *spread) == (key.frame, key.spread)
        {
            return pixels.clone();
        }
        let Some(pixels) = key.spread.of(&taken) else {
            self.0.remove(&key.slot);
            return taken;
        };
        let pixels = Arc::new(pixels);
        self.0.insert(key.slot, (key.frame, key.spread, pixels.clone()));
        pixels
    }
}

fn paint(manner: Manner, inbox: &Receiver<Work>, done: impl Fn(Painted)) {
    let mut painter = Painter::new(manner.graphics, manner.budget, manner.inks);
    let mut spread = Spreads::default();
    for work in inbox {
        let order = match work {
            Work::Paint(order) => order,
            Work::End(reply) => {
                // who asked may have lost patience
                let _ = reply.send(painter.clear_all());
                return;
            }
        };
        let mut painted = Painted {
            pictures: Vec::new(),
            gone: Vec::new(),
        };
        for slot in order.gone {
            spread.0.remove(&slot);
            painted.gone.push((slot, painter.erase(id(slot))));
        }
        if let Some(manner) = order.manner {
            for (_, key, _) in &order.pictures {
                painted.gone.push((key.slot, painter.erase(id(key.slot))));
            }
            painter.configure(manner.graphics, manner.budget, manner.inks);
        }
        for (pane, key, pixels) in order.pictures {
            let scene = key.scene(spread.of(&key, pixels));
            let encoded = painter.paint(id(key.slot), &scene, pane);
            painted.pictures.push((key.slot, pane, encoded));
        }
        done(painted);
    }
}
