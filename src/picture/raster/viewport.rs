//! Which part of a picture is seen where, and the way back from a cell or a mouse pixel to the picture.

use ratatui::layout::Rect;

/// A point in picture pixels, or in canvas pixels where a name says so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Position {
    pub x: f64,
    pub y: f64,
}

impl Position {
    pub const fn new(x: f64, y: f64) -> Position {
        Position { x, y }
    }

    pub(crate) fn is_finite(self) -> bool {
        self.x.is_finite() && self.y.is_finite()
    }
}

/// What a protocol makes of a text cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Canvas pixels per cell, across and down; fractions where a picture is sent at reduced resolution.
    pub per_cell: (f64, f64),
    /// Size of a cell in screen pixels (only the ratio matters to text protocols).
    pub cell_px: (u16, u16),
    /// Largest picture in cells, either way.
    pub max_cells: u16,
}

/// What the operator looks at: `zoom` 1 shows the whole picture; `centre` in picture pixels, `None` for the middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    pub zoom: f64,
    pub centre: Option<Position>,
}

impl Default for View {
    fn default() -> Self {
        View {
            zoom: 1.0,
            centre: None,
        }
    }
}

impl View {
    pub const MAX_ZOOM: f64 = 64.0;

    /// The view zoomed by `factor` so that the picture point `at` stays where it is on the screen.
    pub fn zoomed(self, factor: f64, at: Position, viewport: &Viewport) -> View {
        let zoom = clean_zoom(self.zoom * factor);
        let ratio = clean_zoom(self.zoom) / zoom;
        let centre = viewport.centre();
        let towards = |c: f64, p: f64| p + (c - p) * ratio;
        View {
            zoom,
            centre: Some(Position::new(towards(centre.x, at.x), towards(centre.y, at.y))),
        }
    }

    /// The view moved by fractions of what is visible (0.1 = a tenth of the pane to the right / down), kept on the picture.
    pub fn panned(self, right: f64, down: f64, viewport: &Viewport) -> View {
        let (c, (w, h)) = (viewport.centre(), viewport.extent());
        let at = Position::new(c.x + right * w, c.y + down * h);
        View {
            centre: at.is_finite().then_some(at),
            ..self
        }
    }
}

fn clean_zoom(zoom: f64) -> f64 {
    if zoom.is_finite() {
        zoom.clamp(1.0, View::MAX_ZOOM)
    } else {
        1.0
    }
}

/// A picture placed in a pane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    /// The cells the picture takes, inside the pane; empty when either has no size.
    pub area: Rect,
    /// Canvas size in canvas pixels.
    pub canvas: (usize, usize),
    pub grid: Grid,
    picture: (usize, usize),
    origin: Position,
    step: (f64, f64),
}

impl Viewport {
    /// The whole picture on a canvas of its own, of so many columns and rows at most.
    pub fn of_whole(picture: (usize, usize), (columns, rows): (u16, u16), grid: Grid) -> Viewport {
        Viewport::new(picture, Rect::new(0, 0, columns, rows), grid, &View::default())
    }

    /// `picture` is (width, height) in pixels. The aspect ratio is kept; what is left of the pane stays free.
    pub fn new(picture: (usize, usize), pane: Rect, grid: Grid, view: &View) -> Viewport {
        let cols = pane.width.min(grid.max_cells);
        let rows = pane.height.min(grid.max_cells);
        let cell = (f64::from(grid.cell_px.0.max(1)), f64::from(grid.cell_px.1.max(1)));
        if cols == 0 || rows == 0 || picture.0 == 0 || picture.1 == 0 {
            let area = Rect {
                width: 0,
                height: 0,
                ..pane
            };
            return Viewport {
                area,
                canvas: (0, 0),
                grid,
                picture,
                origin: Position::default(),
                step: (1.0, 1.0),
            };
        }
        let size = (picture.0 as f64, picture.1 as f64);
        // Picture pixels per screen pixel.
        let scale =
            (size.0 / (f64::from(cols) * cell.0)).max(size.1 / (f64::from(rows) * cell.1)) / clean_zoom(view.zoom);
        let centre = view
            .centre
            .filter(|c| c.is_finite())
            .unwrap_or(Position::new(size.0 / 2.0, size.1 / 2.0));

        let (width, origin_x, extent_x) = fit(size.0, cols, cell.0 * scale, centre.x);
        let (height, origin_y, extent_y) = fit(size.1, rows, cell.1 * scale, centre.y);
        let canvas = (
            (f64::from(width) * grid.per_cell.0).floor().max(1.0) as usize,
            (f64::from(height) * grid.per_cell.1).floor().max(1.0) as usize,
        );
        Viewport {
            area: Rect {
                x: pane.x + (pane.width - width) / 2,
                y: pane.y + (pane.height - height) / 2,
                width,
                height,
            },
            canvas,
            grid,
            picture,
            origin: Position::new(origin_x, origin_y),
            step: (extent_x / canvas.0 as f64, extent_y / canvas.1 as f64),
        }
    }

    /// The view magnified to the picture's own size in pixels, for a file. Letters are a fortieth of its height.
    pub fn for_file(picture: (usize, usize), view: &View) -> Viewport {
        let size = (picture.0 as f64, picture.1 as f64);
        let zoom = clean_zoom(view.zoom);
        let centre = view
            .centre
            .filter(|c| c.is_finite())
            .unwrap_or(Position::new(size.0 / 2.0, size.1 / 2.0));
        let origin = |size: f64, centre: f64| (centre - size / zoom / 2.0).clamp(0.0, size - size / zoom);
        let letter = (size.1 / 40.0).max(1.0);
        Viewport {
            area: Rect::default(),
            canvas: picture,
            grid: Grid {
                per_cell: (letter / 2.0, letter),
                cell_px: (1, 2),
                max_cells: 0,
            },
            picture,
            origin: Position::new(origin(size.0, centre.x), origin(size.1, centre.y)),
            step: (1.0 / zoom, 1.0 / zoom),
        }
    }

    /// Picture size (width, height) in pixels.
    pub fn picture(&self) -> (usize, usize) {
        self.picture
    }

    /// Picture position of the canvas' top left corner.
    pub fn origin(&self) -> Position {
        self.origin
    }

    /// Picture pixels per canvas pixel, across and down.
    pub fn step(&self) -> (f64, f64) {
        self.step
    }

    /// Visible width and height in picture pixels, black margins included.
    pub fn extent(&self) -> (f64, f64) {
        (self.step.0 * self.canvas.0 as f64, self.step.1 * self.canvas.1 as f64)
    }

    /// The picture position in the middle of the area.
    pub fn centre(&self) -> Position {
        let (w, h) = self.extent();
        Position::new(self.origin.x + w / 2.0, self.origin.y + h / 2.0)
    }

    /// Picture position of a canvas position.
    pub fn to_picture(&self, canvas: Position) -> Position {
        Position::new(
            self.origin.x + canvas.x * self.step.0,
            self.origin.y + canvas.y * self.step.1,
        )
    }

    /// Canvas position of a picture position; may lie outside the canvas.
    pub fn to_canvas(&self, picture: Position) -> Position {
        Position::new(
            (picture.x - self.origin.x) / self.step.0,
            (picture.y - self.origin.y) / self.step.1,
        )
    }

    /// Picture position under the middle of a screen cell; `None` beside the picture.
    pub fn at_cell(&self, column: u16, row: u16) -> Option<Position> {
        self.at_fraction(f64::from(column) + 0.5, f64::from(row) + 0.5)
    }

    /// Picture position under a screen pixel (as mouse mode 1016 reports it, from 0); `None` beside the picture.
    pub fn at_screen_pixel(&self, x: u32, y: u32) -> Option<Position> {
        let cell = self.grid.cell_px;
        self.at_fraction(
            (f64::from(x) + 0.5) / f64::from(cell.0.max(1)),
            (f64::from(y) + 0.5) / f64::from(cell.1.max(1)),
        )
    }

    /// The screen cell that shows a picture position; `None` when it is not visible.
    pub fn cell_of(&self, picture: Position) -> Option<(u16, u16)> {
        let at = self.to_canvas(picture);
        let inside = at.x >= 0.0 && at.y >= 0.0 && at.x < self.canvas.0 as f64 && at.y < self.canvas.1 as f64;
        inside.then(|| {
            let column = (at.x / self.canvas.0 as f64 * f64::from(self.area.width)) as u16;
            let row = (at.y / self.canvas.1 as f64 * f64::from(self.area.height)) as u16;
            (self.area.x + column, self.area.y + row)
        })
    }

    /// Cells may be fractions: 3.5 is the middle of the fourth.
    fn at_fraction(&self, column: f64, row: f64) -> Option<Position> {
        let (x, y) = (column - f64::from(self.area.x), row - f64::from(self.area.y));
        if x < 0.0 || y < 0.0 || x >= f64::from(self.area.width) || y >= f64::from(self.area.height) {
            return None;
        }
        let (w, h) = self.extent();
        let at = Position::new(
            self.origin.x + x / f64::from(self.area.width) * w,
            self.origin.y + y / f64::from(self.area.height) * h,
        );
        let on_picture = at.x >= 0.0 && at.y >= 0.0 && at.x < self.picture.0 as f64 && at.y < self.picture.1 as f64;
        on_picture.then_some(at)
    }
}

/// Along one axis: cells taken, picture position of the first, picture pixels covered. `per_cell` in picture pixels.
fn fit(size: f64, cells: u16, per_cell: f64, centre: f64) -> (u16, f64, f64) {
    // A hair less, so that rounding does not add a cell of black.
    let wanted = (size / per_cell - 1e-6).ceil().clamp(1.0, f64::from(cells));
    let extent = wanted * per_cell;
    let origin = if extent >= size {
        (size - extent) / 2.0
    } else {
        (centre - extent / 2.0).clamp(0.0, size - extent)
    };
    (wanted as u16, origin, extent)
}
