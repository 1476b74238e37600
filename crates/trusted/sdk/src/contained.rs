// SPDX-License-Identifier: Apache-2.0
//! Running business logic so that its panic hurts only the call that panicked.
//!
//! # Details
//! [`contain`] catches the unwinding. A panic's message is made of what the code had in its hands, a balance for
//! example, and Rust's default hook would print it where the host reads. So [`install_silent_hook`] puts a hook before
//! the one that is there: while a thread runs contained code nothing is printed; other panics go on to the previous
//! hook. Whoever sets a hook of their own must do so before the first executor is made.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

// A panic that aborts cannot be contained: one bad call would stop every worker of the shard, again at each restart.
#[cfg(not(panic = "unwind"))]
compile_error!("offstage-sdk contains panics of business logic; build with panic = \"unwind\"");

/// Contained code panicked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Panicked;

/// Runs `work`; its panic becomes an error and its message is dropped unseen.
///
/// The caller must throw away everything that `work` may have left half done. That is why asserting unwind safety is
/// right here: all that business logic can change is the storage overlay, of which the caller rolls back the
/// transaction it opened for `work`, and caches of trie nodes, which are found by their content's hash and so cannot be
/// half true.
pub(crate) fn contain<R>(work: impl FnOnce() -> R) -> Result<R, Panicked> {
    let _silence = Silence::begin();
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|_message| Panicked)
}

/// Installs the hook that keeps panics of contained code out of the log. Does so once, however often it is called.
pub(crate) fn install_silent_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| panic::set_hook(quiet(panic::take_hook())));
}

/// A hook that passes on to `previous` what is not contained.
fn quiet(previous: Hook) -> Hook {
    Box::new(move |info| {
        if !CONTAINED.get() {
            previous(info);
        }
    })
}

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync>;

/// Marks the thread as running contained code as long as it lives.
struct Silence {
    before: bool,
}

impl Silence {
    fn begin() -> Self {
        Self { before: CONTAINED.replace(true) }
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        CONTAINED.set(self.before);
    }
}

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn h13_a_contained_panic_reaches_no_hook_and_others_do() {
        static SEEN: AtomicUsize = AtomicUsize::new(0);
        let previous = panic::take_hook();
        panic::set_hook(quiet(Box::new(|info| {
            // Other tests of this process may panic meanwhile.
            if info.payload_as_str().is_some_and(|message| message.starts_with("hook test")) {
                SEEN.fetch_add(1, Ordering::SeqCst);
            }
        })));
        assert_eq!(contain(|| panic!("hook test: secret")), Err::<(), _>(Panicked));
        assert_eq!(SEEN.load(Ordering::SeqCst), 0);
        assert_eq!(contain(|| 7), Ok(7));
        assert!(panic::catch_unwind(|| panic!("hook test: not contained")).is_err());
        assert_eq!(SEEN.load(Ordering::SeqCst), 1);
        panic::set_hook(previous);
    }
}
