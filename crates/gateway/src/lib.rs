//! The guarded API in front of a legacy store.
