// SPDX-License-Identifier: Apache-2.0
//! The calls that execute other calls, as data: one row each, with the way in which the chain's events tell what they
//! executed.
//!
//! A call that is not here and executes others cannot be followed: invocations inside it are executed by nobody.

use offstage_primitives::chain::{argument, multisig, proxy, sudo, utility};

/// A call that executes others.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    pub(crate) pallet: &'static str,
    pub(crate) call: &'static str,
    /// Its arguments that are calls; [`argument::CALLS`] is a list of them.
    pub(crate) inner: &'static [&'static str],
    pub(crate) way: Way,
}

/// How a call executes those inside, and what says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// One after the other, up to the first failure.
    Batch,
    /// All or none.
    BatchAll,
    /// One after the other, whatever fails.
    ForceBatch,
    /// The one inside shares its fate, and nothing is said.
    Shared,
    /// An event tells the result of the one inside.
    Reported(Report),
    /// The second, if the first fails.
    IfElse,
    /// When enough have approved, which an event tells by the call's hash.
    Approved {
        /// Executes always; older pallets deposit no event then.
        always: bool,
    },
}

/// An event that tells the result of a call, of the pallet whose call executed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) event: &'static str,
    /// Its field with the result.
    pub(crate) field: &'static str,
}

/// The row of a call.
pub(crate) fn dispatcher(pallet: &str, call: &str) -> Option<&'static Dispatcher> {
    DISPATCHERS.iter().find(|row| row.pallet == pallet && row.call == call)
}

/// The report that an event is, if it is one.
pub(crate) fn report(pallet: &str, event: &str) -> Option<Report> {
    DISPATCHERS.iter().filter(|row| row.pallet == pallet).find_map(|row| match row.way {
        Way::Reported(report) if report.event == event => Some(report),
        _ => None,
    })
}

const fn row(
    pallet: &'static str,
    call: &'static str,
    inner: &'static [&'static str],
    way: Way,
) -> Dispatcher {
    Dispatcher { pallet, call, inner, way }
}

const fn reported(event: &'static str, field: &'static str) -> Way {
    Way::Reported(Report { event, field })
}

const ONE: &[&str] = &[argument::CALL];
const LIST: &[&str] = &[argument::CALLS];
const TWO: &[&str] = &[argument::MAIN, argument::FALLBACK];

/// The table.
pub(crate) const DISPATCHERS: &[Dispatcher] = &[
    row(utility::PALLET, utility::BATCH, LIST, Way::Batch),
    row(utility::PALLET, utility::BATCH_ALL, LIST, Way::BatchAll),
    row(utility::PALLET, utility::FORCE_BATCH, LIST, Way::ForceBatch),
    row(utility::PALLET, utility::AS_DERIVATIVE, ONE, Way::Shared),
    row(utility::PALLET, utility::WITH_WEIGHT, ONE, Way::Shared),
    row(utility::PALLET, utility::DISPATCH_AS, ONE, reported(utility::DISPATCHED_AS, argument::RESULT)),
    row(
        utility::PALLET,
        utility::DISPATCH_AS_FALLIBLE,
        ONE,
        reported(utility::DISPATCHED_AS, argument::RESULT),
    ),
    row(utility::PALLET, utility::IF_ELSE, TWO, Way::IfElse),
    row(proxy::PALLET, proxy::PROXY, ONE, reported(proxy::PROXY_EXECUTED, argument::RESULT)),
    row(proxy::PALLET, proxy::PROXY_ANNOUNCED, ONE, reported(proxy::PROXY_EXECUTED, argument::RESULT)),
    row(multisig::PALLET, multisig::AS_MULTI, ONE, Way::Approved { always: false }),
    row(multisig::PALLET, multisig::AS_MULTI_THRESHOLD_1, ONE, Way::Approved { always: true }),
    row(sudo::PALLET, sudo::SUDO, ONE, reported(sudo::SUDID, argument::SUDO_RESULT)),
    row(sudo::PALLET, sudo::SUDO_UNCHECKED_WEIGHT, ONE, reported(sudo::SUDID, argument::SUDO_RESULT)),
    row(sudo::PALLET, sudo::SUDO_AS, ONE, reported(sudo::SUDO_AS_DONE, argument::SUDO_RESULT)),
];
