//! The native libraries inside a Python wheel, which is a ZIP.

use flate2::read::DeflateDecoder;
use model::library::is_runtime;
use std::io::Read;
use vision::model::archive::{Member, members};

/// The largest library that is unpacked; those of today are 15 to 30 MB, with a graphics card's code some 300.
const MOST_BYTES: usize = 1 << 30;

/// A library as it lay in the wheel, without its folder.
pub struct Unpacked {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// The runtime in a wheel, which is the first, and what lies beside it and computes on other devices; `None`: the file is no ZIP.
///
/// Errors: a damaged ZIP, or one without a runtime.
pub fn libraries(bytes: &[u8]) -> Result<Option<Vec<Unpacked>>, String> {
    if !bytes.starts_with(b"PK\x03\x04") {
        return Ok(None);
    }
    let members = members(bytes).map_err(|_| "the wheel is damaged; fetch it again".to_owned())?;
    let runtime = members.iter().find(|member| is_runtime(split(&member.name).1));
    let runtime = runtime.ok_or("there is no ONNX Runtime in this wheel; the package is called onnxruntime")?;
    let folder = split(&runtime.name).0;
    let others = members.iter().filter(|member| {
        let (place, name) = split(&member.name);
        place == folder && is_library(name) && !is_runtime(name)
    });
    let unpack = |member: &Member| {
        Ok(Unpacked {
            name: split(&member.name).1.to_owned(),
            bytes: unpacked(bytes, member)?,
        })
    };
    std::iter::once(runtime)
        .chain(others)
        .map(unpack)
        .collect::<Result<_, _>>()
        .map(Some)
}

/// A shared library of some system, but for Python's own.
fn is_library(name: &str) -> bool {
    let ending = name.ends_with(".dll") || name.ends_with(".dylib") || name.ends_with(".so") || name.contains(".so.");
    ending && !name.contains("pybind")
}

/// Folder and file.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn unpacked(bytes: &[u8], member: &Member) -> Result<Vec<u8>, String> {
    if member.length > MOST_BYTES {
        return Err(format!(
            "its library claims {} bytes, which no runtime has",
            member.length
        ));
    }
    let packed = &bytes[member.at.clone()];
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
        Ok(n) if n == member.length => Ok(library),
        _ => Err("the wheel is damaged; fetch it again".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ZIP of files that are not packed.
    fn stored(files: &[(&str, &[u8])]) -> Vec<u8> {
        let (mut zip, mut directory) = (Vec::new(), Vec::new());
        for (name, bytes) in files {
            let sizes = [0, bytes.len() as u32, bytes.len() as u32];
            let sizes: Vec<u8> = sizes.iter().flat_map(|n| n.to_le_bytes()).collect();
            let name_length = (name.len() as u16).to_le_bytes();
            let at = zip.len() as u32;
            zip.extend(*b"PK\x03\x04");
            zip.extend([20, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            zip.extend(&sizes);
            zip.extend(name_length);
            zip.extend([0; 2]);
            zip.extend(name.as_bytes());
            zip.extend(*bytes);
            directory.extend(*b"PK\x01\x02");
            directory.extend([20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            directory.extend(&sizes);
            directory.extend(name_length);
            directory.extend([0; 12]);
            directory.extend(at.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let (count, at) = ((files.len() as u16).to_le_bytes(), zip.len() as u32);
        zip.extend(&directory);
        zip.extend(*b"PK\x05\x06\0\0\0\0");
        zip.extend(count);
        zip.extend(count);
        zip.extend((directory.len() as u32).to_le_bytes());
        zip.extend(at.to_le_bytes());
        zip.extend([0; 2]);
        zip
    }

    #[test]
    fn the_runtime_comes_with_what_computes_on_devices_and_without_pythons_own() {
        let wheel = stored(&[
            ("onnxruntime/capi/onnxruntime_pybind11_state.so", b"python"),
            ("onnxruntime/capi/libonnxruntime_providers_cuda.so", b"cuda"),
            ("onnxruntime/capi/libonnxruntime.so.1.31.1", b"runtime"),
            ("onnxruntime/capi/libtbb.so.12", b"threads"),
            ("onnxruntime/tools/libother.so", b"other"),
            ("onnxruntime/capi/__init__.py", b""),
        ]);
        let found = libraries(&wheel).unwrap().unwrap();
        let found: Vec<(&str, &[u8])> = found.iter().map(|u| (u.name.as_str(), &u.bytes[..])).collect();
        let expected: [(&str, &[u8]); 3] = [
            ("libonnxruntime.so.1.31.1", b"runtime"),
            ("libonnxruntime_providers_cuda.so", b"cuda"),
            ("libtbb.so.12", b"threads"),
        ];
        assert_eq!(found, expected);
        assert!(libraries(&stored(&[("numpy/a.so", b"")])).is_err());
        assert!(libraries(&wheel[..wheel.len() - 30]).is_err());
        assert!(libraries(b"\x7fELF").unwrap().is_none());
    }
}
