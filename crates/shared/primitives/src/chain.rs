// SPDX-License-Identifier: Apache-2.0
//! The parentchain's interface by its words: what pallets, calls, events, arguments and storage items are called, in
//! one place.
//!
//! Calls and events are found by their names in the chain's metadata, storage by keys that are made of names. Whoever
//! reads or writes the chain (light client, enclave, host, client) takes the words from here, so that none of them
//! can mean another thing than the others. The names are those of Integritee's chains (wire.md, "Parentchain
//! pallets") and of FRAME; a test of the light client holds them against the metadata of the live chains.
//!
//! - a module for each pallet: [`enclave_bridge`], [`teerex`], [`system`], [`grandpa`], and those that dispatch;
//! - [`argument`]: the arguments of calls and the fields of events;
//! - [`storage`]: the keys under which the chain keeps what is read.

pub mod storage;

/// Bytes of a node's longest answer, as JSON. The events of one block alone may need 32 MiB in a proof (what the light
/// client takes), two characters a byte; the rest is for what else is proven with them. RPC clients take 10 MiB by
/// default, and nodes give 15: a block full of events could not be followed.
pub const MAX_NODE_ANSWER_LEN: u32 = 96 * 1024 * 1024;

/// The bridge between the chain and its shards.
pub mod enclave_bridge {
    /// Name of the pallet.
    pub const PALLET: &str = "EnclaveBridge";

    /// Call: an operation for a shard.
    pub const INVOKE: &str = "invoke";
    /// Call: a payment into a shard.
    pub const SHIELD_FUNDS: &str = "shield_funds";
    /// Call: a payment out of a shard, by one of its enclaves.
    pub const UNSHIELD_FUNDS: &str = "unshield_funds";
    /// Call: an enclave says that it executed a block.
    pub const CONFIRM_PROCESSED_PARENTCHAIN_BLOCK: &str = "confirm_processed_parentchain_block";
    /// Call: an enclave publishes a hash.
    pub const PUBLISH_HASH: &str = "publish_hash";
    /// Call: a call in a shard's name, by one of its enclaves. Integritee's chains have none.
    pub const EXECUTE_FOR_SHARD: &str = "execute_for_shard";
    /// Call: an authority of a shard changes its configuration.
    pub const UPDATE_SHARD_CONFIG: &str = "update_shard_config";

    /// Event of [`INVOKE`].
    pub const INVOCATION_REGISTERED: &str = "IndirectInvocationRegistered";
    /// Event of [`SHIELD_FUNDS`].
    pub const FUNDS_SHIELDED: &str = "ShieldFunds";
    /// Event of [`UNSHIELD_FUNDS`], when it is honoured for the first time.
    pub const FUNDS_UNSHIELDED: &str = "UnshieldedFunds";
    /// Event of [`CONFIRM_PROCESSED_PARENTCHAIN_BLOCK`].
    pub const BLOCK_PROCESSED: &str = "ProcessedParentchainBlock";
    /// Event of [`PUBLISH_HASH`].
    pub const HASH_PUBLISHED: &str = "PublishedHash";
    /// Event of [`EXECUTE_FOR_SHARD`], whatever became of the call inside.
    pub const EXECUTED_FOR_SHARD: &str = "ExecutedForShard";
    /// Event of [`UPDATE_SHARD_CONFIG`].
    pub const SHARD_CONFIG_UPDATED: &str = "ShardConfigUpdated";

    /// Error: nobody has confirmed a block of the shard yet, so it does not live.
    pub const ERROR_SHARD_NOT_FOUND: &str = "ShardNotFound";
    /// Error: the block takes in no more RSA operations for the shard.
    pub const ERROR_TOO_MANY_RSA_OPERATIONS: &str = "TooManyRsaOperations";

    /// Storage, by shard: its configuration and the one that waits.
    pub const SHARD_CONFIG_REGISTRY: &str = "ShardConfigRegistry";
    /// Storage, by shard: which enclaves confirmed when. The shard lives when there is an entry.
    pub const SHARD_STATUS: &str = "ShardStatus";
    /// Storage, by the call's hash: payments out of shards that were honoured.
    pub const EXECUTED_UNSHIELD_CALLS: &str = "ExecutedUnshieldCalls";
}

/// The registry of enclaves.
pub mod teerex {
    /// Name of the pallet.
    pub const PALLET: &str = "Teerex";

    /// Call: an enclave registers itself.
    pub const REGISTER_SGX_ENCLAVE: &str = "register_sgx_enclave";
    /// Call: the entry of an enclave that had registered itself is removed.
    pub const UNREGISTER_SOVEREIGN_ENCLAVE: &str = "unregister_sovereign_enclave";

    /// Event of [`REGISTER_SGX_ENCLAVE`].
    pub const ENCLAVE_ADDED: &str = "AddedSgxEnclave";
    /// Event: an entry of an enclave that had registered itself is gone.
    pub const ENCLAVE_REMOVED: &str = "RemovedSovereignEnclave";

    /// Storage, by signer: enclaves that registered themselves.
    pub const SOVEREIGN_ENCLAVES: &str = "SovereignEnclaves";
    /// Storage: DER of the root certificate that quotes must end in. Integritee's chains have none.
    pub const ROOT_CERTIFICATE: &str = "RootCertificate";
    /// Storage: which patch levels are accepted. Integritee's chains have none.
    pub const TCB_POLICY: &str = "TcbPolicy";
    /// Storage: what the chain tolerates.
    pub const SECURITY_FLAGS: &str = "SecurityFlags";
    /// Storage: whether debug enclaves are registered, on chains without [`SECURITY_FLAGS`].
    pub const SGX_ALLOW_DEBUG_MODE: &str = "SgxAllowDebugMode";
}

/// FRAME's system pallet.
pub mod system {
    /// Name of the pallet.
    pub const PALLET: &str = "System";

    /// Event: all of an extrinsic was done.
    pub const EXTRINSIC_SUCCESS: &str = "ExtrinsicSuccess";
    /// Event: nothing of an extrinsic was done, but for its fee.
    pub const EXTRINSIC_FAILED: &str = "ExtrinsicFailed";

    /// Constant: the runtime's version.
    pub const VERSION: &str = "Version";
    /// Constant: prefix of the chain's addresses.
    pub const SS58_PREFIX: &str = "SS58Prefix";

    /// Storage: the events of the block that made the state.
    pub const EVENTS: &str = "Events";
    /// Storage, by account: nonce and balances.
    pub const ACCOUNT: &str = "Account";
    /// Storage, by number: the hashes of the blocks before, some hundreds of them, and that of genesis for ever.
    pub const BLOCK_HASH: &str = "BlockHash";
}

/// FRAME's fees.
pub mod transaction_payment {
    /// Name of the pallet.
    pub const PALLET: &str = "TransactionPayment";

    /// Event: an extrinsic's signer paid for it.
    pub const FEE_PAID: &str = "TransactionFeePaid";
}

/// FRAME's clock.
pub mod timestamp {
    /// Name of the pallet.
    pub const PALLET: &str = "Timestamp";
    /// Call of the block's author.
    pub const SET: &str = "set";
    /// Storage: milliseconds since the Unix epoch.
    pub const NOW: &str = "Now";
}

/// The finality gadget's pallet.
pub mod grandpa {
    /// Name of the pallet.
    pub const PALLET: &str = "Grandpa";
    /// Storage: the authorities.
    pub const AUTHORITIES: &str = "Authorities";
    /// Storage: how many times the authorities changed.
    pub const CURRENT_SET_ID: &str = "CurrentSetId";
    /// Storage: a change of the authorities that waits.
    pub const PENDING_CHANGE: &str = "PendingChange";
}

/// FRAME's accounts.
pub mod balances {
    /// Name of the pallet.
    pub const PALLET: &str = "Balances";
    /// Call: a transfer after which the sender's account may be gone.
    pub const TRANSFER_ALLOW_DEATH: &str = "transfer_allow_death";
    /// Call: a transfer that leaves the sender's account.
    pub const TRANSFER_KEEP_ALIVE: &str = "transfer_keep_alive";
    /// Constant: the least that an account has.
    pub const EXISTENTIAL_DEPOSIT: &str = "ExistentialDeposit";
}

/// FRAME's batches and other wrappings.
pub mod utility {
    /// Name of the pallet.
    pub const PALLET: &str = "Utility";

    /// Call: one after the other, up to the first failure.
    pub const BATCH: &str = "batch";
    /// Call: all or none.
    pub const BATCH_ALL: &str = "batch_all";
    /// Call: one after the other, whatever fails.
    pub const FORCE_BATCH: &str = "force_batch";
    /// Call: as an account that is derived from the caller's.
    pub const AS_DERIVATIVE: &str = "as_derivative";
    /// Call: with another weight.
    pub const WITH_WEIGHT: &str = "with_weight";
    /// Call: with another origin.
    pub const DISPATCH_AS: &str = "dispatch_as";
    /// Call: with another origin, failing with what it dispatches.
    pub const DISPATCH_AS_FALLIBLE: &str = "dispatch_as_fallible";
    /// Call: the second, if the first fails.
    pub const IF_ELSE: &str = "if_else";

    /// Event: a batch went through.
    pub const BATCH_COMPLETED: &str = "BatchCompleted";
    /// Event: a batch went through, but not all of its calls.
    pub const BATCH_COMPLETED_WITH_ERRORS: &str = "BatchCompletedWithErrors";
    /// Event: a batch stopped at a failure.
    pub const BATCH_INTERRUPTED: &str = "BatchInterrupted";
    /// Event: a call of a batch was done.
    pub const ITEM_COMPLETED: &str = "ItemCompleted";
    /// Event: a call of a batch failed.
    pub const ITEM_FAILED: &str = "ItemFailed";
    /// Event: the first of [`IF_ELSE`] was done.
    pub const IF_ELSE_MAIN_SUCCESS: &str = "IfElseMainSuccess";
    /// Event: the first of [`IF_ELSE`] failed, the second was done.
    pub const IF_ELSE_FALLBACK_CALLED: &str = "IfElseFallbackCalled";
    /// Event of [`DISPATCH_AS`].
    pub const DISPATCHED_AS: &str = "DispatchedAs";
}

/// FRAME's proxies.
pub mod proxy {
    /// Name of the pallet.
    pub const PALLET: &str = "Proxy";
    /// Call: as another account.
    pub const PROXY: &str = "proxy";
    /// Call: as another account, announced before.
    pub const PROXY_ANNOUNCED: &str = "proxy_announced";
    /// Event: what became of it.
    pub const PROXY_EXECUTED: &str = "ProxyExecuted";
}

/// FRAME's accounts of many.
pub mod multisig {
    /// Name of the pallet.
    pub const PALLET: &str = "Multisig";
    /// Call: approves, and executes when enough have approved.
    pub const AS_MULTI: &str = "as_multi";
    /// Call: executes on one approval.
    pub const AS_MULTI_THRESHOLD_1: &str = "as_multi_threshold_1";
    /// Event: what became of it.
    pub const MULTISIG_EXECUTED: &str = "MultisigExecuted";
}

/// FRAME's superuser.
pub mod sudo {
    /// Name of the pallet.
    pub const PALLET: &str = "Sudo";
    /// Call: as root.
    pub const SUDO: &str = "sudo";
    /// Call: as root, with a weight that the caller names.
    pub const SUDO_UNCHECKED_WEIGHT: &str = "sudo_unchecked_weight";
    /// Call: as any account.
    pub const SUDO_AS: &str = "sudo_as";
    /// Event of [`SUDO`].
    pub const SUDID: &str = "Sudid";
    /// Event of [`SUDO_AS`].
    pub const SUDO_AS_DONE: &str = "SudoAsDone";
}

/// Arguments of calls and fields of events.
pub mod argument {
    /// A shard.
    pub const SHARD: &str = "shard";
    /// An operation for a shard.
    pub const REQUEST: &str = "request";
    /// The envelope in a request, as the wire spells it.
    pub const CYPHERTEXT: &str = "cyphertext";
    /// The envelope of an account that is credited, in the call.
    pub const INCOGNITO_ACCOUNT_ENCRYPTED: &str = "incognito_account_encrypted";
    /// The envelope of an account that is credited, in the event.
    pub const ENCRYPTED_BENEFICIARY: &str = "encrypted_beneficiary";
    /// Who receives.
    pub const BENEFICIARY: &str = "beneficiary";
    /// How much.
    pub const AMOUNT: &str = "amount";
    /// The name of a payment, or of a call in a shard's name.
    pub const CALL_HASH: &str = "call_hash";
    /// Hash of a block.
    pub const BLOCK_HASH: &str = "block_hash";
    /// Number of a block.
    pub const BLOCK_NUMBER: &str = "block_number";
    /// The root over a block's operations and their outcomes.
    pub const TRUSTED_CALLS_MERKLE_ROOT: &str = "trusted_calls_merkle_root";
    /// Evidence of an enclave.
    pub const PROOF: &str = "proof";
    /// Where a worker is reached.
    pub const WORKER_URL: &str = "worker_url";
    /// How an enclave is attested.
    pub const ATTESTATION_METHOD: &str = "attestation_method";
    /// Whose entry is removed.
    pub const ENCLAVE_SIGNER: &str = "enclave_signer";
    /// Who registered an enclave.
    pub const REGISTERED_BY: &str = "registered_by";
    /// Number of the last block in which a call is executed.
    pub const UNTIL: &str = "until";
    /// A call within a call.
    pub const CALL: &str = "call";
    /// Calls within a call.
    pub const CALLS: &str = "calls";
    /// The first call of [`IF_ELSE`](super::utility::IF_ELSE).
    pub const MAIN: &str = "main";
    /// The second call of [`IF_ELSE`](super::utility::IF_ELSE).
    pub const FALLBACK: &str = "fallback";
    /// Position of a call in a batch.
    pub const INDEX: &str = "index";
    /// What became of a call within a call.
    pub const RESULT: &str = "result";
    /// What became of a call by root.
    pub const SUDO_RESULT: &str = "sudo_result";
}
