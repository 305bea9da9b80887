//! Tests of the vision room: recorded results of the original (`vectors`), and pictures with a known truth (`truth`).

mod pictures;
mod truth;
mod vectors;
