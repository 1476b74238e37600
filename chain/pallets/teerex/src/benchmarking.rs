// SPDX-License-Identifier: Apache-2.0
//! FRAME benchmarks: the worst case of each call. With the feature `runtime-benchmarks`; the tests run each once, with
//! its checks.
//!
//! The worst case of a call that succeeds: what it reads is as long as its limit, and all that it could need is
//! registered. Evidence and collateral must be good, so they are as long as their issuer made them; what each further
//! byte costs before a forgery is refused is measured apart
//! ([`refused_registration`](benchmarks::refused_registration)).

use crate::{
    AllowSkippingAttestation, Call, Config, Pallet, ProxiedEnclaves, QuotingEnclaveIdentities,
    RevocationLists, RootCertificate, SgxAllowDebugMode, SovereignEnclaves, TcbInfos,
    types::{AnySigner, EnclaveInstanceAddress, RegisteredRevocationLists, SignedStatement, limits},
};
use alloc::{string::String, vec, vec::Vec};
use codec::{Decode, Encode};
use frame_benchmarking::v2::*;
use frame_support::{BoundedVec, traits::Get};
use frame_system::{RawOrigin, pallet_prelude::BlockNumberFor};
use offstage_primitives::{
    AccountId32, H256, Measurement,
    attestation::{Collateral, RegistrationProof},
    teerex::{MultiEnclave, SgxAttestationMethod, SgxBuildMode, SgxEnclave, SgxReportData, SgxStatus},
};

/// What the benchmarks need from outside: evidence that the runtime's verifier accepts.
pub trait BenchmarkHelper {
    /// A registration that is accepted, with collateral and binding.
    fn registration() -> Registration;
}

/// A registration, and the chain on which it is accepted.
#[derive(Encode, Decode)]
pub struct Registration {
    /// The root CA, DER.
    pub root_certificate: Vec<u8>,
    /// Chain time, in milliseconds since the Unix epoch.
    pub now: u64,
    /// Hash of the chain's first block.
    pub genesis_hash: H256,
    /// Who sends it.
    pub signer: AccountId32,
    /// Evidence with collateral, and the binding.
    pub proof: RegistrationProof,
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn register_sgx_enclave() -> Result<(), BenchmarkError> {
        let Registration { signer, proof, .. } = chain_of_registration::<T>();
        register_all::<T>(carried(&proof)?)?;
        SovereignEnclaves::<T>::insert(&signer, longest_entry());
        let former = SovereignEnclaves::<T>::get(&signer);
        let proof = proof.to_bytes();

        #[extrinsic_call]
        _(
            RawOrigin::Signed(signer.clone()),
            proof,
            Some(longest_url()),
            SgxAttestationMethod::Dcap { proxied: false },
        );

        assert_ne!(SovereignEnclaves::<T>::get(&signer), former);
        Ok(())
    }

    #[benchmark]
    fn unregister_sovereign_enclave() {
        let signer: AccountId32 = account("enclave", 0, 0);
        SovereignEnclaves::<T>::insert(&signer, longest_entry());
        set_time::<T>(T::MaxAttestationRenewalPeriod::get().saturating_add(1));

        // By a stranger: it is too old.
        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller::<AccountId32>()), signer.clone());

        assert!(!SovereignEnclaves::<T>::contains_key(&signer));
    }

    #[benchmark]
    fn unregister_proxied_enclave() {
        let address = EnclaveInstanceAddress {
            fingerprint: Measurement([1; 32]),
            registrar: account("registrar", 0, 0),
            signer: AnySigner::Opaque(BoundedVec::truncate_from(vec![7; limits::OPAQUE_SIGNER_LEN as usize])),
        };
        ProxiedEnclaves::<T>::insert(&address, longest_entry());
        set_time::<T>(T::MaxAttestationRenewalPeriod::get().saturating_add(1));

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller::<AccountId32>()), address.clone());

        assert!(!ProxiedEnclaves::<T>::contains_key(&address));
    }

    #[benchmark]
    fn register_quoting_enclave() -> Result<(), BenchmarkError> {
        let collateral = carried(&chain_of_registration::<T>().proof)?;
        register_all::<T>(collateral.clone())?;
        lengthen_registered::<T>();

        #[extrinsic_call]
        _(
            RawOrigin::Signed(whitelisted_caller::<AccountId32>()),
            collateral.qe_identity.into_bytes(),
            collateral.qe_identity_signature,
            collateral.qe_identity_issuer_chain.into_bytes(),
        );

        assert!(QuotingEnclaveIdentities::<T>::iter_values().all(|part| part.issue_date > 0));
        Ok(())
    }

    #[benchmark]
    fn register_tcb_info() -> Result<(), BenchmarkError> {
        let collateral = carried(&chain_of_registration::<T>().proof)?;
        register_all::<T>(collateral.clone())?;
        lengthen_registered::<T>();

        #[extrinsic_call]
        _(
            RawOrigin::Signed(whitelisted_caller::<AccountId32>()),
            collateral.tcb_info.into_bytes(),
            collateral.tcb_info_signature,
            collateral.tcb_info_issuer_chain.into_bytes(),
        );

        assert!(TcbInfos::<T>::iter_values().all(|part| part.issue_date > 0));
        Ok(())
    }

    #[benchmark]
    fn set_security_flags() {
        #[extrinsic_call]
        _(RawOrigin::Root, false, true);

        assert!(SgxAllowDebugMode::<T>::get() && !AllowSkippingAttestation::<T>::get());
    }

    #[benchmark]
    fn register_revocation_lists() -> Result<(), BenchmarkError> {
        let collateral = carried(&chain_of_registration::<T>().proof)?;
        register_all::<T>(collateral.clone())?;
        lengthen_registered::<T>();

        #[extrinsic_call]
        _(
            RawOrigin::Signed(whitelisted_caller::<AccountId32>()),
            collateral.root_ca_crl,
            collateral.pck_crl,
            collateral.pck_crl_issuer_chain.into_bytes(),
        );

        assert!(RevocationLists::<T>::iter_values().all(|part| part.issue_date > 0));
        Ok(())
    }

    /// A registration whose TCB info is forged: the issuer's, and `l` bytes of further levels. It is refused, after it
    /// was decoded, copied to the verifier and read.
    #[benchmark]
    fn refused_registration(l: Linear<SHORTEST_FORGED_LEN, FORGED_LEN>) -> Result<(), BenchmarkError> {
        let Registration { signer, mut proof, .. } = chain_of_registration::<T>();
        let mut collateral = carried(&proof)?;
        collateral.tcb_info = with_further_levels(&collateral.tcb_info, l as usize);
        proof.evidence.collateral = Some(collateral);
        let proof = proof.to_bytes();
        let method = SgxAttestationMethod::Dcap { proxied: false };

        let answer;
        #[block]
        {
            let origin = RawOrigin::Signed(signer).into();
            answer = Pallet::<T>::register_sgx_enclave(origin, proof, None, method);
        }

        assert!(answer.is_err());
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, super::tests::chain(), super::tests::Test);
}

/// Makes this the chain on which the registration is accepted.
fn chain_of_registration<T: Config>() -> Registration {
    let registration = T::BenchmarkHelper::registration();
    RootCertificate::<T>::put(BoundedVec::truncate_from(registration.root_certificate.clone()));
    frame_system::Pallet::<T>::set_block_number(2u32.into());
    frame_system::BlockHash::<T>::insert(BlockNumberFor::<T>::default(), registration.genesis_hash);
    set_time::<T>(registration.now);
    registration
}

fn set_time<T: Config>(now: u64) {
    pallet_timestamp::Now::<T>::put(now);
}

fn carried(proof: &RegistrationProof) -> Result<Collateral, BenchmarkError> {
    proof.evidence.collateral.clone().ok_or(BenchmarkError::Stop("the evidence carries no collateral"))
}

/// Registers every part of the collateral.
fn register_all<T: Config>(collateral: Collateral) -> Result<(), BenchmarkError> {
    let sender = || RawOrigin::Signed(whitelisted_caller::<AccountId32>()).into();
    Pallet::<T>::register_quoting_enclave(
        sender(),
        collateral.qe_identity.into_bytes(),
        collateral.qe_identity_signature,
        collateral.qe_identity_issuer_chain.into_bytes(),
    )?;
    Pallet::<T>::register_tcb_info(
        sender(),
        collateral.tcb_info.into_bytes(),
        collateral.tcb_info_signature,
        collateral.tcb_info_issuer_chain.into_bytes(),
    )?;
    Pallet::<T>::register_revocation_lists(
        sender(),
        collateral.root_ca_crl,
        collateral.pck_crl,
        collateral.pck_crl_issuer_chain.into_bytes(),
    )?;
    Ok(())
}

/// Makes what is registered old, and as long as it can be.
fn lengthen_registered<T: Config>() {
    let longest = |former: SignedStatement| SignedStatement {
        issue_date: 0,
        text: longest(former.text),
        certificate_chain: self::longest(former.certificate_chain),
        ..former
    };
    QuotingEnclaveIdentities::<T>::translate_values(|former| Some(longest(former)));
    TcbInfos::<T>::translate_values(|former| Some(longest(former)));
    RevocationLists::<T>::translate_values(|former: RegisteredRevocationLists| {
        Some(RegisteredRevocationLists {
            issue_date: 0,
            root_ca_crl: self::longest(former.root_ca_crl),
            pck_crl: self::longest(former.pck_crl),
            pck_crl_issuer_chain: self::longest(former.pck_crl_issuer_chain),
            ..former
        })
    });
}

fn longest<Bound: Get<u32>>(former: BoundedVec<u8, Bound>) -> BoundedVec<u8, Bound> {
    let mut bytes = former.into_inner();
    bytes.resize(Bound::get() as usize, b' ');
    BoundedVec::truncate_from(bytes)
}

fn longest_entry() -> MultiEnclave {
    MultiEnclave::Sgx(SgxEnclave {
        report_data: SgxReportData { d: [7; 64] },
        mr_enclave: Measurement([1; 32]),
        mr_signer: [2; 32],
        timestamp: 0,
        url: Some(longest_url()),
        build_mode: SgxBuildMode::Production,
        attestation_method: SgxAttestationMethod::Dcap { proxied: false },
        status: SgxStatus::Ok,
    })
}

fn longest_url() -> Vec<u8> {
    vec![b'a'; limits::URL_LEN as usize]
}

/// The TCB info with its first level repeated, so that it has about `len` bytes more.
fn with_further_levels(tcb_info: &str, len: usize) -> String {
    let Some((head, levels)) = tcb_info.split_once(LEVELS) else {
        return [tcb_info, &" ".repeat(len)].concat();
    };
    let mut depth = 0usize;
    let end = levels.find(|letter| {
        match letter {
            '{' => depth = depth.saturating_add(1),
            '}' => depth = depth.saturating_sub(1),
            _ => (),
        }
        depth == 0
    });
    let first = levels.get(..=end.unwrap_or_default()).unwrap_or_default();
    let level = [first, ","].concat();
    [head, LEVELS, &level.repeat(len / level.len()), levels].concat()
}

const LEVELS: &str = "\"tcbLevels\":[";

/// Bytes of forged levels that are at least one level. Without any it is no forgery, and costs more than one.
const SHORTEST_FORGED_LEN: u32 = 4 * 1024;

/// Bytes of forged levels: with the rest, the longest TCB info that a proof has room for.
const FORGED_LEN: u32 = 32 * 1024;

#[cfg(test)]
mod tests;
