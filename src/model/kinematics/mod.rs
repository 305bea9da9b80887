//! Movement mathematics: pure functions from poses and picture offsets to stage moves, and back.
