//! Connected parts of a mask's classes, as runs of pixels.

use super::Box2;
use ndarray::{Array2, ArrayView2, s};

/// Pixels x0..x1 (end excluded) of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub y: usize,
    pub x0: usize,
    pub x1: usize,
}

/// What is connected, diagonals included, of one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    pub class: u8,
    /// 1, 2, ... within the class, in the row-major order of the first pixels.
    pub number: usize,
    /// Number of pixels.
    pub area: usize,
    /// In row-major order.
    pub runs: Vec<Run>,
}

impl Component {
    /// The box about it.
    pub fn bounds(&self) -> Box2 {
        let of = |run: &Run| Box2 {
            y0: run.y,
            y1: run.y,
            x0: run.x0,
            x1: run.x1 - 1,
        };
        self.runs.iter().map(of).reduce(Box2::with).unwrap_or_default()
    }

    /// A mask as large as its box, with this part as 1 and nothing else.
    pub fn alone(&self) -> Array2<u8> {
        let b = self.bounds();
        let mut mask = Array2::zeros((b.y1 - b.y0 + 1, b.x1 - b.x0 + 1));
        for run in &self.runs {
            mask.slice_mut(s![run.y - b.y0, run.x0 - b.x0..run.x1 - b.x0]).fill(1);
        }
        mask
    }
}

/// The 8-connected components of every class but 0, ordered by class, then by number.
pub fn components(labels: ArrayView2<u8>) -> Vec<Component> {
    let mut runs: Vec<(Run, u8)> = Vec::new();
    // Root of each run; the root of a tree is its first run.
    let mut parent: Vec<usize> = Vec::new();
    let mut above = 0..0;
    for (y, row) in labels.outer_iter().enumerate() {
        let start = runs.len();
        let mut candidate = above.start;
        let mut x = 0;
        while x < row.len() {
            let (class, x0) = (row[x], x);
            while x < row.len() && row[x] == class {
                x += 1;
            }
            if class == 0 {
                continue;
            }
            let this = runs.len();
            runs.push((Run { y, x0, x1: x }, class));
            parent.push(this);
            // Runs above that end left of this one's diagonal neighbour cannot touch what follows either.
            while candidate < above.end && runs[candidate].0.x1 < x0 {
                candidate += 1;
            }
            let touching = (candidate..above.end).take_while(|i| runs[*i].0.x0 <= x);
            let touching: Vec<usize> = touching.filter(|i| runs[*i].1 == class).collect();
            touching.into_iter().for_each(|other| join(&mut parent, this, other));
        }
        above = start..runs.len();
    }
    let mut found: Vec<Component> = Vec::new();
    let mut of_root = vec![usize::MAX; runs.len()];
    let mut counts = [0; 256];
    for (i, (run, class)) in runs.iter().enumerate() {
        let root = root(&mut parent, i);
        if of_root[root] == usize::MAX {
            of_root[root] = found.len();
            counts[usize::from(*class)] += 1;
            found.push(Component {
                class: *class,
                number: counts[usize::from(*class)],
                area: 0,
                runs: Vec::new(),
            });
        }
        let component = &mut found[of_root[root]];
        component.area += run.x1 - run.x0;
        component.runs.push(*run);
    }
    found.sort_by_key(|c| (c.class, c.number));
    found
}

fn root(parent: &mut [usize], mut i: usize) -> usize {
    while parent[i] != i {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    i
}

fn join(parent: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parent, a), root(parent, b));
    parent[a.max(b)] = a.min(b);
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn diagonals_join_and_classes_do_not() {
        let labels = array![[1u8, 0, 2, 0, 1], [0, 1, 2, 1, 0], [3, 0, 0, 0, 3], [0, 3, 3, 3, 0]];
        let found = components(labels.view());
        let shape: Vec<_> = found.iter().map(|c| (c.class, c.number, c.area)).collect();
        assert_eq!(shape, [(1, 1, 2), (1, 2, 2), (2, 1, 2), (3, 1, 5)]);
    }

    #[test]
    fn a_comb_is_one_component() {
        // Many prongs that only the last row joins.
        let labels = ndarray::Array2::from_shape_fn((20, 601), |(y, x)| u8::from(y == 19 || x % 2 == 0));
        let found = components(labels.view());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].area, 601 + 19 * 301);
    }
}
