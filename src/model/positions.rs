//! Saved stage positions: openFIBSEM's `positions.yaml` and `saved-positions.yaml`.
