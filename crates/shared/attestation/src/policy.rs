// SPDX-License-Identifier: Apache-2.0
//! Whose evidence counts, as a parentchain says it in its storage: read in one way by enclaves and clients.
//!
//! # What is read
//! | storage of the pallet `Teerex` | means | when it is absent |
//! |---|---|---|
//! | `RootCertificate` | the certificate that every quote's chain ends in | Intel's |
//! | `TcbPolicy` | the accepted patch levels | [`TcbPolicy::default`] |
//! | `SecurityFlags`, or where a chain has none, `SgxAllowDebugMode` | whether enclaves that a debugger can read count | they do not |
//!
//! # Attacks
//! The values must be proven, which this module cannot know: it is the caller who reads them. One that is of an
//! unknown form is an error and never a default: a policy that is not understood must not become a laxer one.

use crate::EvidencePolicy;
use codec::{Decode, Encode};
use offstage_primitives::{
    attestation::{DEVELOPMENT_ROOT, INTEL_ROOT, TcbPolicy},
    bounded::decode_bounded,
    chain::storage,
    teerex::SecurityFlags,
};

/// Which platforms a chain trusts. With a time it is an [`EvidencePolicy`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ChainPolicy {
    root: Vec<u8>,
    tcb: TcbPolicy,
    allow_debug: bool,
}

impl ChainPolicy {
    /// The storage keys that [`from_storage`](Self::from_storage) reads.
    pub fn storage_keys() -> Vec<Vec<u8>> {
        vec![
            storage::root_certificate(),
            storage::tcb_policy(),
            storage::security_flags(),
            storage::sgx_allow_debug_mode(),
        ]
    }

    /// Reads the policy. `value` returns for each of [`storage_keys`](Self::storage_keys) the proven value, or
    /// the proven absence of one.
    ///
    /// # Errors
    /// [`ChainPolicyError`] when a value has a form that is not known here.
    pub fn from_storage<'a>(value: impl Fn(&[u8]) -> Option<&'a [u8]>) -> Result<Self, ChainPolicyError> {
        let flags = decoded::<SecurityFlags>(value(&storage::security_flags()), "the security flags")?;
        let debug_mode = decoded::<bool>(value(&storage::sgx_allow_debug_mode()), "the debug flag")?;
        Ok(Self {
            root: decoded(value(&storage::root_certificate()), "the root certificate")?
                .unwrap_or_else(|| INTEL_ROOT.to_vec()),
            tcb: decoded(value(&storage::tcb_policy()), "the TCB policy")?.unwrap_or_default(),
            allow_debug: flags
                .map_or_else(|| debug_mode.unwrap_or_default(), |flags| flags.sgx_allow_debug_mode),
        })
    }

    /// A policy in full, for tests and for whoever has no chain.
    pub fn new(root: Vec<u8>, tcb: TcbPolicy, allow_debug: bool) -> Self {
        Self { root, tcb, allow_debug }
    }

    /// The policy at a moment, in seconds since the Unix epoch: chain time.
    pub fn at(&self, now_secs: u64) -> EvidencePolicy<'_> {
        EvidencePolicy { root: &self.root, tcb: &self.tcb, allow_debug: self.allow_debug, now_secs }
    }

    /// DER certificate in which every quote's chain must end.
    pub fn root(&self) -> &[u8] {
        &self.root
    }

    /// Whether the chain trusts the development root, whose private key everybody knows.
    pub fn trusts_development_root(&self) -> bool {
        self.root == DEVELOPMENT_ROOT
    }

    /// Whether enclaves that a debugger can read count.
    pub fn allows_debug(&self) -> bool {
        self.allow_debug
    }
}

/// The chain keeps a part of its policy in another form than is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chain stores {0} in a form that is not known here; use a version that was made for this chain")]
pub struct ChainPolicyError(pub &'static str);

fn decoded<T: Decode>(bytes: Option<&[u8]>, what: &'static str) -> Result<Option<T>, ChainPolicyError> {
    bytes.map(|bytes| decode_bounded(bytes, MAX_VALUE_LEN)).transpose().map_err(|_| ChainPolicyError(what))
}

/// The longest of the values is a root certificate of about 1 KB.
const MAX_VALUE_LEN: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use offstage_primitives::attestation::TcbStatus;
    use std::collections::BTreeMap;

    fn read(entries: &[(Vec<u8>, Vec<u8>)]) -> Result<ChainPolicy, ChainPolicyError> {
        let state: BTreeMap<_, _> = entries.iter().cloned().collect();
        ChainPolicy::from_storage(|key| state.get(key).map(Vec::as_slice))
    }

    fn flags(sgx_allow_debug_mode: bool) -> (Vec<u8>, Vec<u8>) {
        let flags = SecurityFlags { allow_skipping_attestation: false, sgx_allow_debug_mode };
        (storage::security_flags(), flags.encode())
    }

    #[test]
    fn a_chain_that_says_nothing_trusts_intel_and_no_debug_enclave() {
        let policy = read(&[]).unwrap();
        assert_eq!(policy, ChainPolicy::new(INTEL_ROOT.to_vec(), TcbPolicy::default(), false));
        assert!(!policy.trusts_development_root());
        let at = policy.at(17);
        assert_eq!((at.root, at.now_secs, at.allow_debug), (INTEL_ROOT, 17, false));
    }

    #[test]
    fn what_a_chain_says_counts() {
        let tcb = TcbPolicy { accepted: vec![TcbStatus::OutOfDate] };
        let policy = read(&[
            (storage::root_certificate(), DEVELOPMENT_ROOT.encode()),
            (storage::tcb_policy(), tcb.encode()),
            flags(true),
        ]);
        assert_eq!(policy, Ok(ChainPolicy::new(DEVELOPMENT_ROOT.to_vec(), tcb, true)));
        assert!(policy.unwrap().trusts_development_root());
    }

    #[test]
    fn the_flags_count_before_the_older_flag() {
        let older = |allow: bool| (storage::sgx_allow_debug_mode(), allow.encode());
        for (entries, allowed) in [
            (vec![older(true)], true),
            (vec![older(false)], false),
            (vec![flags(false), older(true)], false),
            (vec![flags(true), older(false)], true),
        ] {
            assert_eq!(read(&entries).unwrap().allows_debug(), allowed, "{entries:?}");
        }
    }

    #[test]
    fn a_policy_of_an_unknown_form_is_an_error() {
        for key in ChainPolicy::storage_keys() {
            for value in [vec![], vec![1; 200], vec![0, 0, 0]] {
                assert!(read(&[(key.clone(), value.clone())]).is_err(), "{value:?}");
            }
        }
    }
}
