//! Tests of the vision room: recorded results of the original (`vectors`), and pictures with a known truth (`truth`).

#![allow(clippy::unwrap_used)]

mod pictures;
mod truth;
mod vectors;
