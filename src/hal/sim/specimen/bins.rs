//! Scattered objects found fast: a square of the sample plane divided into bins, each with the objects that reach into it.

/// Something with a place and a reach on the sample plane.
pub trait Placed {
    /// Centre (m).
    fn centre(&self) -> [f32; 2];
    /// Radius of influence (m).
    fn reach(&self) -> f32;
}

/// Objects by bin. An object is stored in every bin it reaches into.
#[derive(Clone, Debug)]
pub struct Bins<T> {
    half: f32,
    per_metre: f32,
    side: usize,
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T: Placed + Clone> Bins<T> {
    /// Bins of size `bin` (m) over a square of half width `half` (m) round the origin.
    pub fn new(objects: &[T], half: f32, bin: f32) -> Self {
        let side = ((2.0 * half / bin).ceil() as usize).max(1);
        let per_metre = side as f32 / (2.0 * half);
        let index = |v: f32| index(v, half, per_metre, side);
        let span = |o: &T| {
            let ([x, y], r) = (o.centre(), o.reach());
            (index(x - r), index(x + r), index(y - r), index(y + r))
        };
        let mut counts = vec![0u32; side * side + 1];
        for o in objects {
            let (x0, x1, y0, y1) = span(o);
            for row in y0..=y1 {
                for col in x0..=x1 {
                    counts[row * side + col + 1] += 1;
                }
            }
        }
        for i in 1..counts.len() {
            counts[i] += counts[i - 1];
        }
        let mut order = vec![0u32; counts[side * side] as usize];
        let mut next = counts.clone();
        for (i, o) in objects.iter().enumerate() {
            let (x0, x1, y0, y1) = span(o);
            for row in y0..=y1 {
                for col in x0..=x1 {
                    let slot = &mut next[row * side + col];
                    order[*slot as usize] = i as u32;
                    *slot += 1;
                }
            }
        }
        let items = order.iter().map(|&i| objects[i as usize].clone()).collect();
        Bins {
            half,
            per_metre,
            side,
            starts: counts,
            items,
        }
    }

    /// The objects that may reach into the box between two corners (m), each once.
    #[inline]
    pub fn within(&self, low: [f32; 2], high: [f32; 2]) -> impl Iterator<Item = &T> {
        let index = |v: f32| index(v, self.half, self.per_metre, self.side);
        let (left, right) = (index(low[0]), index(high[0]));
        let (bottom, top) = (index(low[1]), index(high[1]));
        (bottom..=top)
            .flat_map(move |row| (left..=right).map(move |col| (col, row)))
            .flat_map(move |(col, row)| {
                let bin = row * self.side + col;
                let items = &self.items[self.starts[bin] as usize..self.starts[bin + 1] as usize];
                // An object of many bins is met in the first of them that belongs to the box.
                items.iter().filter(move |o| {
                    let ([x, y], r) = (o.centre(), o.reach());
                    index(x - r).max(left) == col && index(y - r).max(bottom) == row
                })
            })
    }
}

/// The bin of a coordinate; beyond the border, the last one.
#[inline]
fn index(v: f32, half: f32, per_metre: f32, side: usize) -> usize {
    (((v + half) * per_metre) as usize).min(side - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Disc(f32, f32, f32);

    impl Placed for Disc {
        fn centre(&self) -> [f32; 2] {
            [self.0, self.1]
        }
        fn reach(&self) -> f32 {
            self.2
        }
    }

    #[test]
    fn every_object_is_found_once_wherever_it_reaches() {
        let discs = [Disc(0.0, 0.0, 0.3), Disc(0.9, -0.9, 0.4), Disc(-0.5, 0.2, 0.05)];
        let bins = Bins::new(&discs, 1.0, 0.1);
        for i in -99..100 {
            for j in -99..100 {
                let (x, y) = (i as f32 / 100.0, j as f32 / 100.0);
                for wide in [0.0, 0.004, 0.37] {
                    let reaching = |d: &&Disc| (d.0 - x).hypot(d.1 - y) < d.2;
                    let found = bins.within([x - wide, y - wide], [x + wide, y + wide]).filter(reaching);
                    assert_eq!(found.count(), discs.iter().filter(reaching).count(), "{x} {y} {wide}");
                }
            }
        }
        assert_eq!(bins.within([0.3, 0.5], [0.4, 0.6]).count(), 0);
    }
}
