//! A picture that is in memory: `?most=N` pixels a side at most (area mean), `?format=png` (8 bit, the default) or `tiff` (as taken, with
//! its description).

use super::super::reply::{Refusal, Reply};
use super::super::rest::imaging::{tiff, unwritten};
use super::super::route::Call;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageError};
use model::Frame;

pub(super) async fn picture(call: Call) -> Result<Reply, Refusal> {
    let wrong = |what: &str| Refusal::nonsense(format!("that is no {what}"), "/v1/frames/ID?most=768&format=png");
    let id = call.word.parse().map_err(|_| wrong("number of a picture"))?;
    let most = match call.asked("most") {
        Some(text) => text.parse().map_err(|_| wrong("size"))?,
        None => 0,
    };
    let format = call.asked("format").unwrap_or("png");
    if !["png", "tiff"].contains(&format) {
        return Err(wrong("format"));
    }
    let frame = call.frame(id, most).await?;
    if format == "tiff" {
        return tiff(frame).await;
    }
    match tokio::task::spawn_blocking(move || png(&frame)).await {
        Ok(Ok(bytes)) => Ok(Reply::Bytes("image/png", bytes)),
        Ok(Err(error)) => Err(unwritten(&error)),
        Err(error) => Err(unwritten(&error)),
    }
}

fn png(frame: &Frame) -> Result<Vec<u8>, ImageError> {
    let (w, h) = frame.pixels.size();
    let grey: Vec<u8> = frame.pixels.to_u8().into_iter().collect();
    let mut bytes = Vec::with_capacity(grey.len() / 2);
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive).write_image(
        &grey,
        w as u32,
        h as u32,
        ExtendedColorType::L8,
    )?;
    Ok(bytes)
}
