//! How a feature is found: the kinds of rule, and which of them can be asked of one instance alone.

use super::{centre, closest, corner, extreme, grid, median};
use crate::mask::{Region, Scene};
use model::Point;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Corner {
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
}

/// Left or right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hand {
    Left,
    Right,
}

/// A kind of rule, with what it needs to know. Each has a file of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The middle of the picture, whatever the mask.
    ImageCentre,
    /// The mean of the class's pixels.
    Centre,
    /// Where the row, or the column, through that mean ends on this side.
    MedianEdge(Side),
    /// The outermost point of the largest connected part on this side.
    Extreme(Side),
    /// The pixel nearest to the middle of the picture, in its central fifth.
    Closest,
    /// The inner edge of the bar on this hand of a grid square.
    GridEdge(Hand),
    /// A corner of the box about the first object of the class.
    Corner(Corner),
}

impl Rule {
    /// Whether one instance of several can be asked. The other rules choose among connected parts by themselves, or
    /// look at the whole picture.
    pub fn by_instance(self) -> bool {
        matches!(self, Rule::Centre | Rule::MedianEdge(_))
    }

    /// In pixels; `None` when what is needed is not in the mask.
    pub(super) fn find(self, scene: &Scene, class: u8) -> Option<Point> {
        match self {
            Rule::ImageCentre => Some(centre::of_picture(scene.size())),
            Rule::Extreme(side) => extreme::find(scene.components(), class, side),
            Rule::Corner(corner) => corner::find(scene, class, corner),
            Rule::Closest => closest::find(&scene.class(class)),
            Rule::GridEdge(hand) => grid::find(&scene.class(class), hand),
            Rule::Centre | Rule::MedianEdge(_) => self.find_in(&scene.class(class)),
        }
    }

    /// As [`Rule::find`] in one instance; `None` for the rules that cannot be asked so.
    pub(super) fn find_in(self, region: &Region) -> Option<Point> {
        match self {
            Rule::Centre => centre::find(region),
            Rule::MedianEdge(side) => median::find(region, side),
            _ => None,
        }
    }
}

/// A point on a pixel.
pub(super) fn at(x: usize, y: usize) -> Point {
    Point {
        x: x as f64,
        y: y as f64,
    }
}
