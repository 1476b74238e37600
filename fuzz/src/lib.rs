// SPDX-License-Identifier: Apache-2.0
//! What the fuzz targets share: the [`target!`] macro and the bound on memory.
//!
//! A target is a name, a function that takes any bytes and panics when a property does not hold (`fuzzing` modules of
//! the crates), and how much memory the function may have at its worst for an input of so many bytes.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

/// Declares the program of a target: `target!(function, kilobytes + bytes per byte of input)`.
#[macro_export]
macro_rules! target {
    ($function:path, $fixed_kilobytes:literal + $per_byte:literal) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            $crate::within($fixed_kilobytes * 1024 + $per_byte * data.len(), || $function(data))
        });
    };
}

/// Runs `work` and panics when it needs more bytes at once than `limit`. What is made once for all inputs does not
/// count, so work that is over the limit gets a second chance.
pub fn within(limit: usize, work: impl Fn()) {
    if needed(&work) > limit {
        let needed = needed(&work);
        assert!(
            needed <= limit,
            "{needed} bytes of memory are more than the {limit} that this input may take"
        );
    }
}

fn needed(work: impl Fn()) -> usize {
    let before = HELD.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    work();
    PEAK.load(Ordering::Relaxed).saturating_sub(before)
}

/// Counts what Rust code holds, and at most held.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // Both are there while one is copied to the other.
        count(new_size);
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, new_size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn count(size: usize) {
    let held = HELD.fetch_add(size, Ordering::Relaxed).saturating_add(size);
    PEAK.fetch_max(held, Ordering::Relaxed);
}
