//! The native library inside a Python wheel, which is a ZIP.

use flate2::read::DeflateDecoder;
use model::library::is_runtime;
use std::io::Read;
use vision::model::archive::members;

/// The largest library that is unpacked; those of today are 15 to 30 MB, with a graphics card's code some 300.
const MOST_BYTES: usize = 1 << 30;

/// Name and bytes of the runtime in a wheel; `None`: the file is no ZIP.
///
/// Errors: a damaged ZIP, or one without a runtime.
pub fn library(bytes: &[u8]) -> Result<Option<(String, Vec<u8>)>, String> {
    if !bytes.starts_with(b"PK\x03\x04") {
        return Ok(None);
    }
    let members = members(bytes).map_err(|_| "the wheel is damaged; fetch it again".to_owned())?;
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let found = members.into_iter().find(|member| is_runtime(&name(&member.name)));
    let member = found.ok_or("there is no ONNX Runtime in this wheel; the package is called onnxruntime")?;
    if member.length > MOST_BYTES {
        return Err(format!(
            "its library claims {} bytes, which no runtime has",
            member.length
        ));
    }
    let packed = &bytes[member.at];
    let mut library = Vec::new();
    let unpacked = match member.method {
        0 => {
            library.extend_from_slice(packed);
            Ok(library.len())
        }
        8 => DeflateDecoder::new(packed)
            .take(member.length as u64 + 1)
            .read_to_end(&mut library),
        other => {
            return Err(format!(
                "its library is packed in a way (method {other}) that is not known here"
            ));
        }
    };
    match unpacked {
        Ok(n) if n == member.length => Ok(Some((name(&member.name), library))),
        _ => Err("the wheel is damaged; fetch it again".to_owned()),
    }
}
