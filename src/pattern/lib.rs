//! Milling patterns: parameters in, shapes out. Pure: no instrument, no clock, no screen.
