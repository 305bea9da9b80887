//! YAML that Python reads back as the same values.
