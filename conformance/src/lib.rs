//! What every adapter of asyncnet must do, as cases that run against any of them.
pub mod properties;
