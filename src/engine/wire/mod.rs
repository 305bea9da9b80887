//! What goes over a line between an engine and a client in another process: packets, and what they say.
//!
//! `packet` is the envelope (length, kind, body), `message` what both sides say in JSON, `pixels` a picture's way through
//! packets. Nothing here opens a socket or knows a client. To say something new: a variant in `message`, and a line of it
//! in `tests/wire`; a change that an older program would misunderstand also needs another [`PROTOCOL`].

pub mod message;
pub mod packet;
pub mod pixels;
pub(crate) mod shared;

pub use message::{Hello, Picture, Said, Told, Welcome};
pub use packet::{Kind, Packet, WireError};

/// The number of what is spoken here. Another number on the other side leaves status and stop.
pub const PROTOCOL: u32 = 1;
