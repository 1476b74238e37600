// SPDX-License-Identifier: Apache-2.0
//! A chain with the registry, and a verifier that believes what test quotes claim, except for the rules it is
//! there to exercise: root, time and platform.

use crate::{self as pallet_teerex, QuoteVerifier, weights::MeasuredWeight};
use codec::{Decode, Encode};
use frame_support::{derive_impl, parameter_types, traits::ConstU64};
use offstage_primitives::{
    AccountId32, H256, Measurement,
    attestation::{Collateral, TcbPolicy, TcbStatus, TeeType, VerifiedQuote},
    collateral::{
        PckAuthority, QeTcb, QuoteError, QuotePlatform, SgxQuotingEnclave, SgxTcbInfoOnChain,
        TcbVersionStatus, VerifiedQuotingEnclaveIdentity, VerifiedRevocationLists, VerifiedTcbInfo,
    },
    teerex::RENEWAL_PERIOD_MS,
};
use sp_runtime::{BuildStorage, traits::IdentityLookup};

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system = 0,
        Timestamp: pallet_timestamp = 3,
        Teerex: pallet_teerex = 50,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountId = AccountId32;
    type Lookup = IdentityLookup<AccountId32>;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {}

parameter_types! {
    pub const MaxAttestationRenewalPeriod: u64 = RENEWAL_PERIOD_MS;
}

impl pallet_teerex::Config for Test {
    type QuoteVerifier = ClaimedQuotes;
    type WeightInfo = MeasuredWeight<Test>;
    type MomentsPerDay = ConstU64<86_400_000>;
    type MaxAttestationRenewalPeriod = MaxAttestationRenewalPeriod;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = ClaimedQuotes;
}

/// A fresh chain at block 1, at [`NOW`], with a known genesis hash.
pub(crate) fn chain() -> sp_io::TestExternalities {
    chain_with(&ROOT, false)
}

/// Like [`chain`], with another root and debug rule.
pub(crate) fn chain_with(root: &[u8], sgx_allow_debug_mode: bool) -> sp_io::TestExternalities {
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    let genesis = pallet_teerex::GenesisConfig::<Test> {
        root_certificate: root.to_vec(),
        tcb_policy: TcbPolicy::default(),
        sgx_allow_debug_mode,
        ..Default::default()
    };
    genesis.assimilate_storage(&mut storage).unwrap();
    let mut externalities = sp_io::TestExternalities::new(storage);
    externalities.execute_with(|| {
        frame_system::BlockHash::<Test>::insert(0, GENESIS_HASH);
        System::set_block_number(1);
        set_time(NOW);
    });
    externalities
}

/// Sets chain time, in milliseconds since the Unix epoch.
pub(crate) fn set_time(now: u64) {
    pallet_timestamp::Now::<Test>::put(now);
}

/// A quote of the mock's format: it claims everything itself.
#[derive(Clone, Encode, Decode)]
pub(crate) struct ClaimedQuote {
    /// The root that its certificate chain ends in.
    pub root: Vec<u8>,
    /// Its platform.
    pub fmspc: [u8; 6],
    /// What its verification would answer.
    pub verified: VerifiedQuote,
}

impl ClaimedQuote {
    /// A healthy quote whose report data starts with `signer`.
    pub(crate) fn of(signer: &AccountId32) -> Self {
        let mut report_data = [0; 64];
        report_data[..32].copy_from_slice(signer.as_ref());
        Self {
            root: ROOT.to_vec(),
            fmspc: FMSPC,
            verified: VerifiedQuote {
                tee: TeeType::Sgx,
                mr_enclave: MEASUREMENT,
                mr_signer: [0; 32],
                report_data,
                debug: false,
                tcb_status: TcbStatus::UpToDate,
                advisory_ids: Vec::new(),
            },
        }
    }

    /// The quote's bytes: version 3, then the claims.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        (3u16, self).encode()
    }
}

/// A statement of the mock's format: `(fmspc, issue date and next update in ms, evaluation number, status)`, as hex so
/// that it is text.
pub(crate) fn statement(issue_date: u64, next_update: u64, evaluation: u32, status: TcbStatus) -> Vec<u8> {
    let claims = (FMSPC, issue_date, next_update, evaluation, status).encode();
    claims.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes()
}

/// Collateral of which every part is [`statement`]`(NOW, next_update, 1, UpToDate)`.
pub(crate) fn collateral(next_update: u64) -> Collateral {
    let part = String::from_utf8(statement(NOW, next_update, 1, TcbStatus::UpToDate)).unwrap();
    Collateral {
        pck_crl_issuer_chain: "chain".into(),
        root_ca_crl: vec![1],
        pck_crl: part.clone().into_bytes(),
        tcb_info_issuer_chain: "chain".into(),
        tcb_info: part.clone(),
        tcb_info_signature: SIGNATURE.to_vec(),
        qe_identity_issuer_chain: "chain".into(),
        qe_identity: part,
        qe_identity_signature: SIGNATURE.to_vec(),
        pck_certificate_chain: None,
    }
}

/// The mock verifier.
pub struct ClaimedQuotes;

#[cfg(feature = "runtime-benchmarks")]
impl crate::benchmarking::BenchmarkHelper for ClaimedQuotes {
    fn registration() -> crate::benchmarking::Registration {
        unreachable!("benchmarks run on a chain that verifies for real")
    }
}

impl QuoteVerifier for ClaimedQuotes {
    fn verify(
        quote: &[u8],
        collateral: &Collateral,
        root: &[u8],
        now_secs: u64,
    ) -> Result<VerifiedQuote, QuoteError> {
        let quote = claims_of(quote)?;
        if quote.root != root {
            return Err(QuoteError::UntrustedRoot);
        }
        let mut verified = quote.verified;
        for part in [collateral.tcb_info.as_bytes(), collateral.qe_identity.as_bytes(), &collateral.pck_crl] {
            let (fmspc, _, _, _, status) = in_force(part, &SIGNATURE, root, now_secs)?;
            if fmspc != quote.fmspc {
                return Err(QuoteError::PlatformMismatch);
            }
            if status != TcbStatus::UpToDate {
                verified.tcb_status = status;
            }
        }
        Ok(verified)
    }

    fn quote_platform(quote: &[u8]) -> Result<QuotePlatform, QuoteError> {
        let quote = claims_of(quote)?;
        Ok(QuotePlatform {
            tee: quote.verified.tee,
            fmspc: quote.fmspc,
            pck_authority: PckAuthority::Platform,
        })
    }

    fn verify_quoting_enclave_identity(
        enclave_identity: &[u8],
        signature: &[u8],
        _certificate_chain: &[u8],
        root: &[u8],
        now_secs: u64,
    ) -> Result<VerifiedQuotingEnclaveIdentity, QuoteError> {
        let (_, issue_date, next_update, tcb_evaluation_data_number, _) =
            in_force(enclave_identity, signature, root, now_secs)?;
        let tcb = vec![QeTcb { isvsvn: 8 }];
        let quoting_enclave = SgxQuotingEnclave { issue_date, next_update, tcb, ..Default::default() };
        Ok(VerifiedQuotingEnclaveIdentity { tee: TeeType::Sgx, tcb_evaluation_data_number, quoting_enclave })
    }

    fn verify_tcb_info(
        tcb_info: &[u8],
        signature: &[u8],
        _certificate_chain: &[u8],
        root: &[u8],
        now_secs: u64,
    ) -> Result<VerifiedTcbInfo, QuoteError> {
        let (fmspc, issue_date, next_update, tcb_evaluation_data_number, tcb_status) =
            in_force(tcb_info, signature, root, now_secs)?;
        let tcb_levels = vec![TcbVersionStatus { cpusvn: [1; 16], pcesvn: 1, tcb_status }];
        let on_chain_info = SgxTcbInfoOnChain { issue_date, next_update, tcb_levels };
        Ok(VerifiedTcbInfo { tee: TeeType::Sgx, fmspc, tcb_evaluation_data_number, on_chain_info })
    }

    fn verify_revocation_lists(
        _root_ca_crl: &[u8],
        pck_crl: &[u8],
        _pck_crl_issuer_chain: &[u8],
        root: &[u8],
        now_secs: u64,
    ) -> Result<VerifiedRevocationLists, QuoteError> {
        let (_, issue_date, next_update, ..) = in_force(pck_crl, &SIGNATURE, root, now_secs)?;
        Ok(VerifiedRevocationLists { pck_authority: PckAuthority::Platform, issue_date, next_update })
    }
}

fn claims_of(quote: &[u8]) -> Result<ClaimedQuote, QuoteError> {
    match <(u16, ClaimedQuote)>::decode(&mut &quote[..]) {
        Ok((3, claims)) => Ok(claims),
        _ => Err(QuoteError::MalformedQuote),
    }
}

fn in_force(
    part: &[u8],
    signature: &[u8],
    root: &[u8],
    now_secs: u64,
) -> Result<([u8; 6], u64, u64, u32, TcbStatus), QuoteError> {
    if root != ROOT {
        return Err(QuoteError::UntrustedRoot);
    }
    if signature != SIGNATURE {
        return Err(QuoteError::InvalidSignature);
    }
    let text = core::str::from_utf8(part).map_err(|_| QuoteError::MalformedCollateral)?;
    let bytes: Option<Vec<u8>> = (0..text.len() / 2)
        .map(|index| u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok())
        .collect();
    let claims = bytes.and_then(|bytes| <([u8; 6], u64, u64, u32, TcbStatus)>::decode(&mut &bytes[..]).ok());
    let claims = claims.ok_or(QuoteError::MalformedCollateral)?;
    if claims.2 <= now_secs * 1000 { Err(QuoteError::Expired) } else { Ok(claims) }
}

/// Chain time of a fresh chain, in milliseconds since the Unix epoch.
pub(crate) const NOW: u64 = 1_800_000_000_000;
/// 30 days, in milliseconds: how long collateral holds.
pub(crate) const MONTH: u64 = 30 * 86_400_000;
pub(crate) const ROOT: [u8; 3] = [9, 9, 9];
pub(crate) const FMSPC: [u8; 6] = [1, 2, 3, 4, 5, 6];
pub(crate) const MEASUREMENT: Measurement = Measurement([0x11; 32]);
pub(crate) const SIGNATURE: [u8; 64] = [7; 64];
pub(crate) const GENESIS_HASH: H256 = H256::repeat_byte(0x6e);
