//! The lock of the halves. The crate that tries their interleavings has loom's in this file's place.

pub(super) use std::sync::{Arc, Mutex, MutexGuard};
