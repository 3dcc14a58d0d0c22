//! An allocator that counts what the thread allocates. A test includes this file by its path, so that no
//! other test runs on it.
#![allow(dead_code)] // each test binary uses its own share
#![allow(unsafe_code)] // a `GlobalAlloc` cannot be written without

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static NOW: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn add(bytes: isize) {
    let now = NOW.get() + bytes;
    NOW.set(now);
    MOST.set(MOST.get().max(now));
}

fn count(layout: Layout) {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
    add(layout.size() as isize);
}

// SAFETY: every call is passed on to `System` as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        add(-(layout.size() as isize));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns the number of allocations that `run` makes.
pub(crate) fn allocations(run: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    run();
    ALLOCATIONS.get() - before
}

/// Returns by how many bytes `run` changes the allocated memory, and the most bytes that it needs.
pub(crate) fn memory(run: impl FnOnce()) -> (isize, isize) {
    let before = NOW.get();
    MOST.set(before);
    run();
    (NOW.get() - before, MOST.get() - before)
}

/// Returns the number of bytes that are allocated.
pub(crate) fn allocated() -> isize {
    NOW.get()
}
