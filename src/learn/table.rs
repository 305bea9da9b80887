//! openFIBSEM's tables of points, by the names of their columns: what the data engine records (`data.csv`) and key points made by hand.
//!
//! Rows are kept as they were written, so that a part of a table has the same columns and the same text as the whole. Older names of columns
//! are understood: `image` or `filename` for `fname`, and `corrected`, which is `is_correct` the other way round.

use crate::LearnError;
use csv::StringRecord;
use model::file::{self, Durability};
use model::{Beam, Point};
use std::collections::BTreeMap;
use std::path::Path;

/// Columns of key points, in openFIBSEM's order.
pub const KEYPOINTS: [&str; 8] = [
    "filename",
    "feature",
    "px.x",
    "px.y",
    "pixelsize",
    "corrected",
    "method",
    "experiment",
];
const PICTURE: [&str; 3] = ["fname", "filename", "image"];

/// A point of a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The picture as the table names it: with an ending or without.
    pub picture: String,
    /// Empty in a row that only says that the picture has no point.
    pub feature: String,
    /// Pixels, x right, y down.
    pub px: Option<Point>,
    /// Where it was first found, less where it is: pixels, y down.
    pub moved: Option<Point>,
    /// A person put it elsewhere, or there at all.
    pub corrected: bool,
    /// m per pixel.
    pub pixel_size: Option<f64>,
    pub beam: Option<Beam>,
    pub checkpoint: String,
    pub method: String,
    pub experiment: String,
}

/// A table with its rows, read and as written.
#[derive(Clone, Debug, Default)]
pub struct Table {
    head: StringRecord,
    written: Vec<StringRecord>,
    pub rows: Vec<Row>,
    /// Lines that were left out, and why.
    pub odd: Vec<(u64, String)>,
}

/// The name of a picture without the ending of an image file. A dot elsewhere belongs to the name.
pub fn stem(name: &str) -> &str {
    let lower = name.to_ascii_lowercase();
    let ending = [".tif", ".tiff", ".png", ".bmp"].iter().find(|e| lower.ends_with(*e));
    ending.map_or(name, |e| &name[..name.len() - e.len()])
}

impl Table {
    /// Reads a table. A line that makes no sense, as the last one of a file that was cut off, is left out and named in `odd`.
    ///
    /// Errors: a file that cannot be read, or that names no pictures.
    pub fn load(path: &Path) -> Result<Table, LearnError> {
        let bytes = std::fs::read(path).map_err(|e| LearnError::file(path, format!("cannot be read ({e})")))?;
        Table::parse(&bytes).map_err(|what| LearnError::file(path, what))
    }

    fn parse(bytes: &[u8]) -> Result<Table, String> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
        let head = reader.headers().map_err(|e| format!("is no table ({e})"))?.clone();
        let column = |names: &[&str]| names.iter().find_map(|n| head.iter().position(|h| h.trim() == *n));
        let (picture, feature) = (column(&PICTURE), column(&["feature"]));
        let Some(picture) = picture else {
            return Err(format!(
                "has no column {} that names the pictures; it was left alone: is it the right file?",
                PICTURE.join(" or ")
            ));
        };
        let (x, y) = (column(&["px.x", "px_x"]), column(&["px.y", "px_y"]));
        let (dx, dy) = (column(&["dpx.x", "dpx_x"]), column(&["dpx.y", "dpx_y"]));
        let (corrected, correct) = (column(&["corrected"]), column(&["is_correct"]));
        let others = ["pixelsize", "beam_type", "checkpoint", "method", "experiment"].map(|name| column(&[name]));
        let mut table = Table {
            head: head.clone(),
            ..Table::default()
        };
        for record in reader.into_records() {
            let record = match record {
                Ok(record) => record,
                Err(e) => {
                    table
                        .odd
                        .push((e.position().map_or(0, csv::Position::line), e.to_string()));
                    continue;
                }
            };
            let line = record.position().map_or(0, csv::Position::line);
            if record.len() != head.len() {
                let what = format!("{} fields instead of {}, perhaps cut off", record.len(), head.len());
                table.odd.push((line, what));
                continue;
            }
            let text = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default().trim();
            let point = |x, y| -> Result<Option<Point>, String> {
                match (number(text(x))?, number(text(y))?) {
                    (Some(x), Some(y)) => Ok(Some(Point { x, y })),
                    _ => Ok(None),
                }
            };
            let row = || -> Result<Row, String> {
                let [size, beam, checkpoint, method, experiment] = others.map(text);
                Ok(Row {
                    picture: text(Some(picture)).to_owned(),
                    feature: text(feature).to_owned(),
                    px: point(x, y)?,
                    moved: point(dx, dy)?,
                    corrected: match (corrected, correct) {
                        (Some(at), _) => yes(text(Some(at)), false)?,
                        (None, Some(at)) => !yes(text(Some(at)), true)?,
                        (None, None) => false,
                    },
                    pixel_size: number(size)?.filter(|size| *size > 0.0),
                    beam: match beam {
                        "ELECTRON" => Some(Beam::Electron),
                        "ION" => Some(Beam::Ion),
                        _ => None,
                    },
                    checkpoint: checkpoint.to_owned(),
                    method: method.to_owned(),
                    experiment: experiment.to_owned(),
                })
            };
            match row() {
                Ok(row) if row.picture.is_empty() => table.odd.push((line, "names no picture".to_owned())),
                Ok(row) => {
                    table.rows.push(row);
                    table.written.push(record);
                }
                Err(what) => table.odd.push((line, what)),
            }
        }
        Ok(table)
    }

    /// One of key points, without a row.
    pub fn keypoints() -> Table {
        Table {
            head: StringRecord::from(KEYPOINTS.to_vec()),
            ..Table::default()
        }
    }

    /// It has columns of recorded detections: by how much they were off.
    pub fn is_recorded(&self) -> bool {
        self.head.iter().any(|name| name.trim().starts_with("dpx"))
    }

    /// The table as text, with these rows in the place of those of their pictures (by name without ending); a picture without rows keeps one that
    /// says so. All other rows are as they were written.
    pub fn with(&self, changed: &BTreeMap<String, Vec<Row>>) -> Result<Vec<u8>, LearnError> {
        let mut left: BTreeMap<&String, &Vec<Row>> = changed.iter().collect();
        let mut records = Vec::new();
        let rows_of = |rows: &[Row], picture: &str, other: Option<&StringRecord>| -> Vec<StringRecord> {
            let none = Row {
                picture: picture.to_owned(),
                ..Row::default()
            };
            match rows.is_empty() {
                true => vec![record(&none, &self.head, other)],
                false => rows.iter().map(|row| record(row, &self.head, other)).collect(),
            }
        };
        for (row, written) in self.rows.iter().zip(&self.written) {
            let name = stem(&row.picture);
            match (left.remove(&name.to_owned()), changed.contains_key(name)) {
                (Some(rows), _) => records.extend(rows_of(rows, &row.picture, Some(written))),
                // its rows were written where its first one stood
                (None, true) => {}
                (None, false) => records.push(written.clone()),
            }
        }
        // a picture that had no row and got none needs none
        for (name, rows) in left.into_iter().filter(|(_, rows)| !rows.is_empty()) {
            records.extend(rows_of(rows, name, None));
        }
        text(&self.head, records.into_iter())
    }

    /// The rows that `wanted` takes, as text with the table's own columns.
    pub fn part(&self, mut wanted: impl FnMut(&Row) -> bool) -> Result<Vec<u8>, LearnError> {
        let rows = self.rows.iter().zip(&self.written).filter(|(row, _)| wanted(row));
        text(&self.head, rows.map(|(_, written)| written.clone()))
    }
}

/// Key points as openFIBSEM has them: whole pixels, `corrected` for those made by hand.
pub fn keypoints<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Result<Vec<u8>, LearnError> {
    let head = StringRecord::from(KEYPOINTS.to_vec());
    let records = rows.into_iter().map(|row| record(row, &head, None));
    text(&head, records)
}

/// A row under these columns; what a row does not know is as in another record of its picture.
fn record(row: &Row, head: &StringRecord, other: Option<&StringRecord>) -> StringRecord {
    let whole = |v: Option<f64>| v.map_or_else(String::new, |v| format!("{}", v.round()));
    let python = |yes: bool| if yes { "True" } else { "False" }.to_owned();
    let field = |(at, name): (usize, &str)| match name.trim() {
        name if PICTURE.contains(&name) => row.picture.clone(),
        "feature" => row.feature.clone(),
        "px.x" | "px_x" => whole(row.px.map(|p| p.x)),
        "px.y" | "px_y" => whole(row.px.map(|p| p.y)),
        "pixelsize" => row.pixel_size.map_or_else(String::new, model::yaml::float),
        "corrected" => python(row.corrected),
        "is_correct" => python(!row.corrected),
        "method" => row.method.clone(),
        "experiment" if !row.experiment.is_empty() => row.experiment.clone(),
        _ => other.and_then(|o| o.get(at)).unwrap_or_default().to_owned(),
    };
    head.iter().enumerate().map(field).collect()
}

/// Writes key points to a new file; never over one.
pub fn save_new(path: &Path, bytes: &[u8]) -> Result<(), LearnError> {
    Ok(file::create_exact(path, Durability::Synced, bytes)?)
}

fn text(head: &StringRecord, rows: impl Iterator<Item = StringRecord>) -> Result<Vec<u8>, LearnError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |e: csv::Error| LearnError::Refused(format!("the table cannot be written ({e})"));
    writer.write_record(head).map_err(failed)?;
    for row in rows {
        writer.write_record(&row).map_err(failed)?;
    }
    writer
        .into_inner()
        .map_err(|e| LearnError::Refused(format!("the table cannot be written ({e})")))
}

fn number(text: &str) -> Result<Option<f64>, String> {
    match text {
        "" | "None" | "nan" | "NaN" => Ok(None),
        text => match text.parse::<f64>() {
            Ok(v) if v.is_finite() => Ok(Some(v)),
            _ => Err(format!("`{}` is no number", model::text::printable(text))),
        },
    }
}

fn yes(text: &str, without: bool) -> Result<bool, String> {
    match text {
        "True" | "true" | "1" => Ok(true),
        "False" | "false" | "0" => Ok(false),
        "" => Ok(without),
        text => Err(format!("`{}` is neither True nor False", model::text::printable(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = "msg,fname,feature,is_correct,beam_type,pixelsize,checkpoint,px.x,px.y,dpx.x,dpx.y,dm.x,dm.y\n\
        feature_detection,ml-1,NeedleTip,True,ION,1e-08,\"a,b.pt\",100.0,50.5,0.0,0.0,0.0,0.0\n\
        feature_detection,ml-2,NeedleTip,False,ELECTRON,,a.pt,90.0,60.5,-10.0,10.0,,\n\
        feature_detection,ml-3,Needle";

    #[test]
    fn what_was_recorded_is_read_and_a_line_that_was_cut_off_is_named() {
        let table = Table::parse(RECORDED.as_bytes()).unwrap();
        let [first, second] = &table.rows[..] else {
            panic!("{table:?}")
        };
        assert_eq!((first.corrected, second.corrected), (false, true));
        assert_eq!((first.beam, first.checkpoint.as_str()), (Some(Beam::Ion), "a,b.pt"));
        assert_eq!(second.moved, Some(Point { x: -10.0, y: 10.0 }));
        assert_eq!((first.pixel_size, second.pixel_size), (Some(1e-8), None));
        assert_eq!(table.odd.len(), 1);
        assert_eq!(table.odd[0].0, 4);
        let part = String::from_utf8(table.part(|row| row.corrected).unwrap()).unwrap();
        let lines: Vec<&str> = RECORDED.lines().collect();
        assert_eq!(part, format!("{}\n{}\n", lines[0], lines[2]));
    }

    #[test]
    fn older_columns_mean_the_same_and_key_points_come_back() {
        let old = Table::parse(b"image,corrected\na.tif,True\nb.tif,False\nc.tif,perhaps\n").unwrap();
        assert_eq!(old.rows.iter().map(|r| r.corrected).collect::<Vec<_>>(), [true, false]);
        assert_eq!(old.odd.len(), 1);
        let row = Row {
            picture: "a.tif".to_owned(),
            feature: "LamellaCentre".to_owned(),
            px: Some(Point { x: 10.4, y: 20.6 }),
            corrected: true,
            pixel_size: Some(2.5e-8),
            method: "autolamella".to_owned(),
            ..Row::default()
        };
        let without = Row {
            picture: "b.tif".to_owned(),
            ..Row::default()
        };
        let text = keypoints([&row, &without]).unwrap();
        let again = Table::parse(&text).unwrap();
        assert_eq!(again.rows[0].px, Some(Point { x: 10.0, y: 21.0 }));
        assert_eq!((again.rows[1].px, again.rows[1].feature.as_str()), (None, ""));
        assert_eq!(again.head, StringRecord::from(KEYPOINTS.to_vec()));
        assert!(Table::parse(b"a,b\n1,2\n").is_err());
    }

    #[test]
    fn an_ending_is_cut_and_nothing_else() {
        assert_eq!(["a.b.TIF", "0.5um", "x.png"].map(stem), ["a.b", "0.5um", "x"]);
    }
}
