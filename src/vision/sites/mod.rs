//! Where on a grid lamellae should be milled: cells on whole, open squares, away from bars, cracks and one another.
//!
//! `lattice` finds the mesh by what repeats in the picture, `square` looks at one opening of it: is its film whole, and what stands on
//! it. What is proposed has its reasons and a score; what was seen and is not proposed has the reason against it. Nothing here
//! knows a stage: places are pixels of the picture.

mod lattice;
mod square;

use crate::View;
use crate::filter::{Border, downsample_area, gaussian};
use lattice::Lattice;
use model::Point;
use serde::{Deserialize, Serialize};
use square::{Ground, Spot, Square};

/// What a site must have around it, m along the sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Needs {
    /// Half the width and half the length, along the picture's x and y, of what is milled: it lies in the opening.
    pub room: (f64, f64),
    /// To the nearest crack, at least.
    pub crack: f64,
    /// Widths of a cell: less is no target, more gains nothing.
    pub cell: (f64, f64),
    /// A cell longer than this is not cut through by what is milled.
    pub longest: f64,
    /// Between two sites, at least.
    pub apart: f64,
}

impl Default for Needs {
    /// Lamellae 10 um wide, with trenches that reach 15 um along the sample.
    fn default() -> Self {
        Needs {
            room: (11e-6, 15e-6),
            crack: 15e-6,
            cell: (8e-6, 14e-6),
            longest: 20e-6,
            apart: 50e-6,
        }
    }
}

/// A place for a lamella.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Site {
    /// Pixel of the picture, x right, y down.
    pub at: Point,
    /// Width and length of what is there, m.
    pub size: (f64, f64),
    /// 0..1: how good the place is by all that was measured.
    pub score: f64,
    pub reasons: Vec<String>,
}

/// Something that stands on the grid and is no site.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refused {
    pub at: Point,
    pub reason: String,
}

/// What [`sites`] found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sites {
    /// The best first, none too near to a better one.
    pub sites: Vec<Site>,
    pub refused: Vec<Refused>,
    /// Openings that the picture shows as a whole, and those of them whose film is whole.
    pub squares: (usize, usize),
}

/// Why nothing was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SitesError {
    #[error(
        "the picture shows too little: a mesh is found where at least two squares lie side by side, at 20 pixels each or more"
    )]
    Small,
    #[error("no mesh was found: nothing in the picture repeats like bars of a grid")]
    NoMesh,
}

/// What is looked at: about this large (m). Holes of a film, frost and noise are finer, cells are not.
const PIXEL: f64 = 1e-6;
/// Blur (m) that takes out the pattern of a holey film.
const BLUR: f64 = 1.2e-6;

/// A spot whose share of glare is more is frost or dirt; one with more gaps is many things.
const GLARING: f64 = 0.2;
const SOLID: f64 = 0.65;
/// Brighter than the film by this share of what bars are: less may be the ice itself; and what leaves no doubt.
const FAINT: f64 = 0.2;
const CLEAR: f64 = 0.5;

/// Sites for lamellae in a picture of a grid; `pixel`: its width and height along the sample, m.
pub fn sites<'a>(picture: impl Into<View<'a>>, pixel: (f64, f64), needs: &Needs) -> Result<Sites, SitesError> {
    let picture = picture.into();
    let factor = (PIXEL / pixel.0).round().max(1.0);
    let small = downsample_area(picture, factor as usize);
    let scale = (pixel.0 * factor, pixel.1 * factor);
    let smooth = gaussian(small.view(), BLUR / scale.0, Border::Reflect);
    let mesh = Lattice::find(smooth.view(), scale)?;
    let levels = mesh.levels(smooth.view());
    let mut found = Sites::default();
    let mut seen: Vec<Site> = Vec::new();
    // to a pixel of the picture as it was given
    let place = |at: Point| Point {
        x: (at.x + 0.5) * factor - 0.5,
        y: (at.y + 0.5) * factor - 0.5,
    };
    for middle in mesh.openings(smooth.dim()) {
        let square = Square::look(smooth.view(), &mesh, middle, &levels);
        found.squares.0 += 1;
        match &square.ground {
            Ground::Whole => found.squares.1 += 1,
            Ground::Cracked => {}
            Ground::Broken { share } => {
                found.refused.push(Refused {
                    at: place(middle),
                    reason: format!("the film of this square is broken ({:.0} % is open)", share * 100.0),
                });
                continue;
            }
        }
        for spot in &square.spots {
            match judged(&mesh, &square, spot, needs) {
                Ok((score, reasons)) => seen.push(Site {
                    at: place(spot.at),
                    size: spot.size,
                    score,
                    reasons,
                }),
                Err(reason) => found.refused.push(Refused {
                    at: place(spot.at),
                    reason,
                }),
            }
        }
    }
    seen.sort_by(|a, b| b.score.total_cmp(&a.score));
    for site in seen {
        let way = |other: &Site| ((other.at.x - site.at.x) * pixel.0).hypot((other.at.y - site.at.y) * pixel.1);
        match found.sites.iter().map(way).fold(f64::INFINITY, f64::min) {
            near if near < needs.apart => found.refused.push(Refused {
                at: site.at,
                reason: format!("a better site is {} away", um(near)),
            }),
            _ => found.sites.push(site),
        }
    }
    Ok(found)
}

fn um(length: f64) -> String {
    format!("{:.0} um", length * 1e6)
}

/// How good a spot is (0..1) and why, or what is against it.
fn judged(mesh: &Lattice, square: &Square, spot: &Spot, needs: &Needs) -> Result<(f64, Vec<String>), String> {
    let wide = spot.size.0;
    if spot.glare > GLARING {
        let share = spot.glare * 100.0;
        return Err(format!(
            "{share:.0} % of what stands here is brighter than any cell: frost or dirt"
        ));
    }
    if wide < needs.cell.0 {
        return Err(format!(
            "what stands here is {} wide: too small for a lamella",
            um(wide)
        ));
    }
    if spot.rise < FAINT {
        return Err("what stands here hardly stands out of the ice".to_owned());
    }
    if spot.solid < SOLID {
        return Err("what stands here is many small things: frost".to_owned());
    }
    if spot.size.1 > needs.longest {
        return Err(format!(
            "what stands here is {} long: too long to be milled through ({} is)",
            um(spot.size.1),
            um(needs.longest)
        ));
    }
    let room = mesh.room(square.middle, spot.at, needs.room);
    if room < 0.0 {
        return Err(format!("a bar is {} too near for what has to be milled", um(-room)));
    }
    let crack = square.crack(spot.at, mesh.pixel);
    if let Some(crack) = crack.filter(|crack| *crack < needs.crack) {
        return Err(format!("a crack is {} away", um(crack)));
    }
    let size = ((wide - needs.cell.0) / (needs.cell.1 - needs.cell.0).max(1e-9)).clamp(0.0, 1.0);
    let room_share = (room / (mesh.opening() / 4.0)).clamp(0.0, 1.0);
    let mut reasons = vec![
        format!("a cell {} wide and {} long", um(wide), um(spot.size.1)),
        format!("the nearest bar leaves {} more than is milled", um(room)),
    ];
    let whole = match crack {
        None => {
            reasons.push("the film of its square is whole".to_owned());
            1.0
        }
        Some(crack) => {
            reasons.push(format!("the film of its square is cracked, {} away", um(crack)));
            0.6
        }
    };
    // a cell that can hardly be told from the ice is a risk
    let clear = (spot.rise / CLEAR).clamp(0.0, 1.0);
    Ok((
        whole * (0.4 + 0.6 * size) * (0.6 + 0.4 * room_share) * (0.5 + 0.5 * clear),
        reasons,
    ))
}
