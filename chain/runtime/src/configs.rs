// SPDX-License-Identifier: Apache-2.0
//! The configuration of every pallet.
//!
//! [`fees`](crate::fees) says what transactions cost, [`limits`](crate::limits) what fits into a block, and
//! [`reserve`](crate::reserve) for whom.

use crate::{
    AccountId, Aura, BLOCK_HASH_COUNT, Balance, Balances, Block, EXISTENTIAL_DEPOSIT, MILLI_UNIT, Nonce,
    OriginCaller, PalletInfo, Runtime, RuntimeCall, RuntimeEvent, RuntimeFreezeReason, RuntimeHoldReason,
    RuntimeOrigin, RuntimeTask, SS58_PREFIX, System, VERSION,
    block_time::{self, HalfSlot, SlotDurationFromGenesis},
    fees::{FollowsLoad, LengthFee},
    limits::{LengthOfBlock, RsaOperationsOfBlockTime, WeightsOfBlockTime},
    proxies::ProxyType,
    quote_verification::NodeQuoteVerifier,
    reserve::EventRoom,
    shard_calls::CallsOfShards,
    validators,
};
use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstBool, ConstU8, ConstU32, ConstU64, ConstU128, VariantCountOf},
    weights::{IdentityFee, constants::ParityDbWeight},
};
use offstage_primitives::teerex::RENEWAL_PERIOD_MS;
use pallet_transaction_payment::FungibleAdapter;
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_runtime::traits::BlakeTwo256;
use sp_version::RuntimeVersion;

parameter_types! {
    /// Versions of the runtime.
    pub const Version: RuntimeVersion = VERSION;
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type BaseCallFilter = EventRoom;
    type BlockWeights = WeightsOfBlockTime;
    type BlockLength = LengthOfBlock;
    type AccountId = AccountId;
    type Nonce = Nonce;
    type Hash = crate::Hash;
    type BlockHashCount = ConstU32<BLOCK_HASH_COUNT>;
    type DbWeight = ParityDbWeight;
    type Version = Version;
    type AccountData = pallet_balances::AccountData<Balance>;
    type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
    type SS58Prefix = frame_support::traits::ConstU16<SS58_PREFIX>;
    type MaxConsumers = ConstU32<16>;
}

impl block_time::Config for Runtime {}

impl pallet_timestamp::Config for Runtime {
    type Moment = u64;
    type OnTimestampSet = Aura;
    type MinimumPeriod = HalfSlot<Runtime>;
    type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_sudo::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}

impl pallet_multisig::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type Currency = Balances;
    type DepositBase = ConstU128<MULTISIG_DEPOSIT_BASE>;
    type DepositFactor = ConstU128<MULTISIG_DEPOSIT_FACTOR>;
    type MaxSignatories = ConstU32<100>;
    type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
    type BlockNumberProvider = System;
}

impl pallet_proxy::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type Currency = Balances;
    type ProxyType = ProxyType;
    type ProxyDepositBase = ConstU128<PROXY_DEPOSIT_BASE>;
    type ProxyDepositFactor = ConstU128<PROXY_DEPOSIT_FACTOR>;
    type MaxProxies = ConstU32<32>;
    type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
    type MaxPending = ConstU32<32>;
    type CallHasher = BlakeTwo256;
    type AnnouncementDepositBase = ConstU128<PROXY_DEPOSIT_BASE>;
    type AnnouncementDepositFactor = ConstU128<PROXY_ANNOUNCEMENT_DEPOSIT_FACTOR>;
    type BlockNumberProvider = System;
}

impl pallet_utility::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type PalletsOrigin = OriginCaller;
    type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

impl pallet_balances::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
    type Balance = Balance;
    type DustRemoval = ();
    type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
    type AccountStore = System;
    type ReserveIdentifier = [u8; 8];
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxLocks = ConstU32<50>;
    type MaxReserves = ConstU32<50>;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
    type DoneSlashHandler = ();
}

impl pallet_transaction_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type OnChargeTransaction = FungibleAdapter<Balances, ()>;
    type WeightToFee = IdentityFee<Balance>;
    type LengthToFee = LengthFee;
    type FeeMultiplierUpdate = FollowsLoad;
    type OperationalFeeMultiplier = ConstU8<5>;
    type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}

impl pallet_aura::Config for Runtime {
    type AuthorityId = AuraId;
    type MaxAuthorities = ConstU32<MAX_AUTHORITIES>;
    type DisabledValidators = ();
    type AllowMultipleBlocksPerSlot = ConstBool<false>;
    type SlotDuration = SlotDurationFromGenesis<Runtime>;
}

impl pallet_grandpa::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = ();
    type MaxAuthorities = ConstU32<MAX_AUTHORITIES>;
    type MaxNominators = ConstU32<0>;
    // Without staking nobody can be slashed, so equivocations are not reported on chain.
    type MaxSetIdSessionEntries = ConstU64<0>;
    type KeyOwnerProof = sp_core::Void;
    type EquivocationReportSystem = ();
}

impl validators::Config for Runtime {}

impl pallet_teerex::Config for Runtime {
    type QuoteVerifier = NodeQuoteVerifier;
    type WeightInfo = pallet_teerex::weights::MeasuredWeight<Runtime>;
    type MomentsPerDay = ConstU64<MILLISECONDS_PER_DAY>;
    type MaxAttestationRenewalPeriod = ConstU64<RENEWAL_PERIOD_MS>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarking::RegistrationOfGenesis;
}

impl pallet_enclave_bridge::Config for Runtime {
    type Currency = Balances;
    type WeightInfo = pallet_enclave_bridge::weights::MeasuredWeight<Runtime>;
    type RsaOperationsPerBlock = RsaOperationsOfBlockTime;
    type CallsOfShards = CallsOfShards;
}

/// Most validators the chain can have.
pub const MAX_AUTHORITIES: u32 = 100;

/// Deposit for opening a multisig operation.
const MULTISIG_DEPOSIT_BASE: Balance = 10 * MILLI_UNIT;

/// Deposit for each signatory of a multisig operation.
const MULTISIG_DEPOSIT_FACTOR: Balance = MILLI_UNIT;

/// Deposit for the first proxy or announcement of an account.
const PROXY_DEPOSIT_BASE: Balance = 10 * MILLI_UNIT;

/// Deposit for each proxy.
const PROXY_DEPOSIT_FACTOR: Balance = MILLI_UNIT;

/// Deposit for each announced call.
const PROXY_ANNOUNCEMENT_DEPOSIT_FACTOR: Balance = 2 * MILLI_UNIT;

/// Milliseconds of a day, the unit of chain time.
const MILLISECONDS_PER_DAY: u64 = 24 * 60 * 60 * 1_000;
