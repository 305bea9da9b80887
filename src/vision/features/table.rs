//! The features openFIBSEM knows, in its order; and features of the user's own.

use super::rule::{Corner, Hand, Rule, Side};
use crate::classes::{COPPER_ADAPTOR, LAMELLA, LANDING_POST, MANIPULATOR, VOLUME_BLOCK};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Something to find in a mask: a class and a rule.
///
/// Written in YAML as `{name: PostTop, class: 3, colour: cyan, rule: {extreme: top}}`; `many: true` for one per instance, `longest: 40e-6` for
/// objects that are never longer than 40 um.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    pub name: Cow<'static, str>,
    /// The class id it is looked for in.
    #[serde(default)]
    pub class: u8,
    /// A CSS colour name.
    #[serde(default = "white")]
    pub colour: Cow<'static, str>,
    pub rule: Rule,
    /// Whether the class may occur several times and each is asked. Only for rules that can ask one instance.
    #[serde(default)]
    pub many: bool,
    /// Longest side that its object has, m. What is longer is believed less.
    #[serde(default)]
    pub longest: Option<f64>,
}

fn white() -> Cow<'static, str> {
    Cow::Borrowed("white")
}

/// Why a feature of the user's own cannot be used. Nothing has been looked for then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeatureError {
    #[error("a feature needs a name")]
    NoName,
    #[error("the feature {0} exists already; give yours another name")]
    Taken(String),
    #[error("the feature {name} is looked for in class {class}, which is background; use a class from 1 to 255")]
    Background { name: String, class: u8 },
    #[error(
        "the rule of the feature {0} cannot be asked of one instance; leave out `many`, or use centre or median-edge"
    )]
    NotByInstance(String),
    #[error(
        "the objects of the feature {0} are to be no longer than nothing; `longest` is metres above 0, or is left out"
    )]
    Length(String),
    #[error(
        "a feature of your own makes no sense: {0}; write it like {{name: PostTop, class: 3, rule: {{extreme: top}}}}"
    )]
    Unread(String),
    #[error("there is no feature `{name}`{nearest}; `fibdeck detect --list` shows those there are")]
    Unknown { name: String, nearest: String },
}

impl Feature {
    /// Errors: no name, or that of a row of [`FEATURES`]; background as its class; `many` with a rule that cannot; a length that is none.
    pub fn check(&self) -> Result<(), FeatureError> {
        let name = || self.name.to_string();
        if self.name.trim().is_empty() {
            return Err(FeatureError::NoName);
        }
        if feature(&self.name).is_some() {
            return Err(FeatureError::Taken(name()));
        }
        if self.class == 0 && self.rule != Rule::ImageCentre {
            return Err(FeatureError::Background {
                name: name(),
                class: self.class,
            });
        }
        if self.many && !self.rule.by_instance() {
            return Err(FeatureError::NotByInstance(name()));
        }
        if self
            .longest
            .is_some_and(|longest| !(longest.is_finite() && longest > 0.0))
        {
            return Err(FeatureError::Length(name()));
        }
        Ok(())
    }
}

/// The feature of that name, as openFIBSEM spells it.
pub fn feature(name: &str) -> Option<&'static Feature> {
    FEATURES.iter().find(|f| f.name == name)
}

/// Features of the user's own, as a settings file has them, checked.
pub fn own(written: &[serde_json::Value]) -> Result<Vec<Feature>, FeatureError> {
    let mut own: Vec<Feature> = Vec::new();
    for value in written {
        let feature: Feature =
            serde_json::from_value(value.clone()).map_err(|e| FeatureError::Unread(e.to_string()))?;
        feature.check()?;
        if own.iter().any(|other| other.name == feature.name) {
            return Err(FeatureError::Taken(feature.name.to_string()));
        }
        own.push(feature);
    }
    Ok(own)
}

/// Every feature: the table's, then the user's own.
pub fn known(own: &[Feature]) -> impl Iterator<Item = &Feature> {
    FEATURES.iter().chain(own)
}

/// Features by their names, in the order asked for.
pub fn named(names: &[&str], own: &[Feature]) -> Result<Vec<Feature>, FeatureError> {
    let one = |name: &&str| {
        let found = known(own).find(|feature| feature.name == *name);
        found.cloned().ok_or_else(|| FeatureError::Unknown {
            name: model::text::printable(name),
            nearest: model::text::nearest(name, known(own).map(|f| &*f.name))
                .map_or_else(String::new, |near| format!(" (nearest: {near})")),
        })
    };
    names.iter().map(one).collect()
}

const fn row(name: &'static str, class: u8, colour: &'static str, rule: Rule, many: bool) -> Feature {
    Feature {
        name: Cow::Borrowed(name),
        class,
        colour: Cow::Borrowed(colour),
        rule,
        many,
        longest: None,
    }
}

const fn one(name: &'static str, class: u8, colour: &'static str, rule: Rule) -> Feature {
    row(name, class, colour, rule, false)
}

const fn many(name: &'static str, class: u8, colour: &'static str, rule: Rule) -> Feature {
    row(name, class, colour, rule, true)
}

/// Of a lamella, which is milled out of what fits between the bars of a grid; squares and bars themselves are longer.
const LONGEST_LAMELLA: f64 = 40e-6;

const fn lamella(name: &'static str, rule: Rule) -> Feature {
    let mut feature = many(name, LAMELLA, "red", rule);
    feature.longest = Some(LONGEST_LAMELLA);
    feature
}

/// In models that see only lamellae and manipulators under this number, class 2 is the lamella.
const ADAPTIVE_LAMELLA: u8 = 2;

pub const FEATURES: &[Feature] = &[
    one("ImageCentre", 0, "white", Rule::ImageCentre),
    one("NeedleTip", MANIPULATOR, "green", Rule::Extreme(Side::Right)),
    lamella("LamellaCentre", Rule::Centre),
    lamella("LamellaLeftEdge", Rule::MedianEdge(Side::Left)),
    lamella("LamellaRightEdge", Rule::MedianEdge(Side::Right)),
    one("LandingPost", LANDING_POST, "cyan", Rule::Closest),
    one("LandingGridCentre", LANDING_POST, "cyan", Rule::Centre),
    one("LandingGridLeftEdge", LANDING_POST, "cyan", Rule::GridEdge(Hand::Left)),
    one(
        "LandingGridRightEdge",
        LANDING_POST,
        "cyan",
        Rule::GridEdge(Hand::Right),
    ),
    many("CoreFeature", LAMELLA, "white", Rule::Centre),
    lamella("LamellaTopEdge", Rule::MedianEdge(Side::Top)),
    lamella("LamellaBottomEdge", Rule::MedianEdge(Side::Bottom)),
    one("NeedleTipBottom", MANIPULATOR, "green", Rule::Extreme(Side::Bottom)),
    one("CopperAdapterCentre", COPPER_ADAPTOR, "gold", Rule::Centre),
    one(
        "CopperAdapterTopEdge",
        COPPER_ADAPTOR,
        "gold",
        Rule::MedianEdge(Side::Top),
    ),
    one(
        "CopperAdapterBottomEdge",
        COPPER_ADAPTOR,
        "gold",
        Rule::MedianEdge(Side::Bottom),
    ),
    one("VolumeBlockCentre", VOLUME_BLOCK, "magenta", Rule::Centre),
    one(
        "VolumeBlockTopEdge",
        VOLUME_BLOCK,
        "magenta",
        Rule::MedianEdge(Side::Top),
    ),
    one(
        "VolumeBlockBottomEdge",
        VOLUME_BLOCK,
        "magenta",
        Rule::MedianEdge(Side::Bottom),
    ),
    one(
        "VolumeBlockTopLeftCorner",
        VOLUME_BLOCK,
        "magenta",
        Rule::Corner(Corner::TopLeft),
    ),
    one(
        "VolumeBlockTopRightCorner",
        VOLUME_BLOCK,
        "magenta",
        Rule::Corner(Corner::TopRight),
    ),
    one(
        "VolumeBlockBottomLeftCorner",
        VOLUME_BLOCK,
        "magenta",
        Rule::Corner(Corner::BottomLeft),
    ),
    one(
        "VolumeBlockBottomRightCorner",
        VOLUME_BLOCK,
        "magenta",
        Rule::Corner(Corner::BottomRight),
    ),
    many("AdaptiveLamellaCentre", ADAPTIVE_LAMELLA, "green", Rule::Centre),
];
