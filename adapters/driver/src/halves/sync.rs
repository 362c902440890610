//! The lock of the halves: std's, or loom's when interleavings are tried (`--cfg asyncnet_loom`).

#[cfg(asyncnet_loom)]
pub(super) use loom::sync::{Arc, Mutex, MutexGuard};
#[cfg(not(asyncnet_loom))]
pub(super) use std::sync::{Arc, Mutex, MutexGuard};
