//! The envelope: four bytes of length (little endian), one of kind, then the body.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest bodies, bytes: a greeting; what a client says (a milling task with its bitmaps); what an engine says.
pub const MOST_HELLO: usize = 64 << 10;
pub const MOST_SAID: usize = 16 << 20;
pub const MOST_TOLD: usize = 64 << 20;
/// Room that is made for a body before any of it has come: a length is a claim until then.
const FIRST_ROOM: usize = 64 << 10;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Json = 1,
    /// A piece of a picture, see [`super::pixels`].
    Pixels = 2,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// As it came: a kind that is not known here is skipped.
    pub kind: u8,
    pub body: Vec<u8>,
}

/// Why a line cannot be read on. What was done before stays done.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("the line is cut ({0})")]
    Line(#[from] io::Error),
    #[error("a packet of {length} bytes where {most} are allowed: whoever speaks there is no fibdeck")]
    TooLong { length: usize, most: usize },
    #[error("what came makes no sense here ({0})")]
    Nonsense(#[from] serde_json::Error),
}

/// The next packet; `None` where the line ended between two packets.
pub async fn read(from: &mut (impl AsyncRead + Unpin), most: usize) -> Result<Option<Packet>, WireError> {
    let mut head = [0; 5];
    if from.read(&mut head[..1]).await? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut head[1..]).await?;
    let [a, b, c, d, kind] = head;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > most {
        return Err(WireError::TooLong { length, most });
    }
    let mut body = Vec::with_capacity(length.min(FIRST_ROOM));
    from.take(length as u64).read_to_end(&mut body).await?;
    if body.len() < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(Some(Packet { kind, body }))
}

/// Writes one packet, its body in parts.
pub async fn write(to: &mut (impl AsyncWrite + Unpin), kind: Kind, body: &[&[u8]]) -> io::Result<()> {
    let length: usize = body.iter().map(|part| part.len()).sum();
    let length = u32::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut bytes = Vec::with_capacity(5 + length as usize);
    bytes.extend(length.to_le_bytes());
    bytes.push(kind as u8);
    body.iter().for_each(|part| bytes.extend_from_slice(part));
    to.write_all(&bytes).await?;
    to.flush().await
}

/// Writes something as JSON.
pub async fn say(to: &mut (impl AsyncWrite + Unpin), what: &impl Serialize) -> Result<(), WireError> {
    let json = serde_json::to_vec(what)?;
    Ok(write(to, Kind::Json, &[&json]).await?)
}

/// Reads a greeting: a JSON packet of at most [`MOST_HELLO`] bytes.
pub async fn greeting<T: DeserializeOwned>(from: &mut (impl AsyncRead + Unpin)) -> Result<T, WireError> {
    let packet = read(from, MOST_HELLO).await?;
    let packet = packet.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    Ok(serde_json::from_slice(&packet.body)?)
}
