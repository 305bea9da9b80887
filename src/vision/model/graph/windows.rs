//! Attention within windows of a map, with what a pixel's place relative to another adds to its weight.

use super::proto::Attribute;
use super::{Edge, Graph, Sides};
use crate::model::checkpoint::Tensor;

/// How a map is attended to.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    pub heads: usize,
    /// The map's size, multiples of the window's.
    pub map: Sides,
    pub window: Sides,
}

impl Graph {
    /// Zeros below and to the right, up to a size.
    pub fn padded(&mut self, x: &Edge, (rows, columns): Sides, to: Sides) -> Edge {
        if (rows, columns) == to {
            return x.clone();
        }
        let pads = [0, 0, 0, 0, 0, 0, (to.0 - rows) as i64, (to.1 - columns) as i64];
        let pads = self.numbers(&pads);
        self.add(
            "Pad",
            &[&x.name, &pads],
            &[("mode", Attribute::Text("constant"))],
            x.channels,
        )
    }

    /// Every pixel attends to those of its window. `relative` are, for rows and columns, a vector of a head's length for each distance from
    /// -(window - 1) to window - 1: its product with the query is added to the weight of what lies so far before it.
    pub fn windowed(&mut self, [q, k, v]: [&Edge; 3], laid: Windows, relative: Option<&[Tensor; 2]>) -> Edge {
        let Windows { heads, map, window } = laid;
        let (each, channels) = (q.channels / heads, q.channels);
        let [y, x] = [window.0, window.1].map(|n| n as i64);
        let (down, across, n) = ((map.0 / window.0) as i64, (map.1 / window.1) as i64, y * x);
        let (h, c) = (heads as i64, each as i64);
        // heads, channels, windows down, rows, windows across, columns
        let parted = [h, c, down, y, across, x];
        let pixels_last = |graph: &mut Graph, map: &Edge| {
            let parted = graph.reshaped(map, &parted, channels);
            let parted = graph.transposed(&parted, &[2, 4, 0, 1, 3, 5]);
            graph.reshaped(&parted, &[-1, c, n], channels)
        };
        let [q, k, v] = [q, k, v].map(|map| pixels_last(self, map));
        let (q, v) = (self.transposed(&q, &[0, 2, 1]), self.transposed(&v, &[0, 2, 1]));
        let scaled = self.scaled(&q, 1.0 / (each as f32).sqrt());
        let mut scores = self.product(&scaled, &k);
        if let Some([rows, columns]) = relative {
            let own = self.reshaped(&q, &[-1, y, x, c], channels);
            let rows = self.constant(&by_distance(rows, window.0));
            let rows = self.product(&own, &rows);
            let rows = self.reshaped(&rows, &[-1, y, x, y, 1], channels);
            let turned = self.transposed(&own, &[0, 2, 1, 3]);
            let columns = self.constant(&by_distance(columns, window.1));
            let columns = self.product(&turned, &columns);
            let columns = self.transposed(&columns, &[0, 2, 1, 3]);
            let columns = self.reshaped(&columns, &[-1, y, x, 1, x], channels);
            scores = self.reshaped(&scores, &[-1, y, x, y, x], channels);
            scores = self.plus(&scores, &rows);
            scores = self.plus(&scores, &columns);
            scores = self.reshaped(&scores, &[-1, n, n], channels);
        }
        let scores = self.softmax(&scores);
        let taken = self.product(&scores, &v);
        let taken = self.reshaped(&taken, &[down, across, h, y, x, c], channels);
        let taken = self.transposed(&taken, &[2, 5, 0, 3, 1, 4]);
        self.reshaped(&taken, &[1, h * c, map.0 as i64, map.1 as i64], channels)
    }
}

/// From a vector for each distance to (own place, channels, other place).
fn by_distance(vectors: &Tensor, window: usize) -> Tensor {
    let each = vectors.shape.get(1).copied().unwrap_or(0);
    let mut data = Vec::with_capacity(window * each * window);
    for own in 0..window {
        for channel in 0..each {
            let place = |other: usize| (own + window - 1 - other) * each + channel;
            data.extend((0..window).filter_map(|other| vectors.data.get(place(other)).copied()));
        }
    }
    Tensor {
        shape: vec![window, each, window],
        data,
    }
}
