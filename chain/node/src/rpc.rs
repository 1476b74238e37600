// SPDX-License-Identifier: GPL-3.0-only
//! JSON-RPC methods beside those that every Substrate node serves: nonces, fees, and GRANDPA's justifications.

use crate::service::{FullBackend, FullClient, SelectChain};
use jsonrpsee::RpcModule;
use offstage_runtime::{AccountId, Balance, Nonce, opaque::Block};
use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use sc_consensus_grandpa::{
    FinalityProofProvider, GrandpaJustificationStream, LinkHalf, SharedAuthoritySet, SharedVoterState,
};
use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
use sc_transaction_pool::TransactionPoolHandle;
use sp_core::{H256, traits::SpawnNamed};
use std::{error::Error, sync::Arc};
use substrate_frame_rpc_system::{System, SystemApiServer};

/// What GRANDPA's methods answer from.
#[derive(Clone)]
pub(crate) struct GrandpaParts {
    /// State of the voter's rounds.
    pub(crate) voter_state: SharedVoterState,
    /// The present authorities and the history of sets.
    pub(crate) authority_set: SharedAuthoritySet<H256, u32>,
    /// Justifications as they are made.
    pub(crate) justifications: GrandpaJustificationStream<Block>,
    /// Justifications that were kept.
    pub(crate) finality_proofs: Arc<FinalityProofProvider<FullBackend, Block>>,
}

impl GrandpaParts {
    /// What the voter of this link, whose rounds are in `voter_state`, and the database tell.
    pub(crate) fn of(
        link: &LinkHalf<Block, FullClient, SelectChain>,
        voter_state: SharedVoterState,
        backend: Arc<FullBackend>,
    ) -> Self {
        let authority_set = link.shared_authority_set().clone();
        Self {
            voter_state,
            finality_proofs: FinalityProofProvider::new_for_service(backend, Some(authority_set.clone())),
            authority_set,
            justifications: link.justification_stream(),
        }
    }
}

/// The methods.
///
/// # Errors
/// When two methods have one name.
pub(crate) fn methods(
    client: Arc<FullClient>,
    pool: Arc<TransactionPoolHandle<Block, FullClient>>,
    grandpa: GrandpaParts,
    executor: Arc<dyn SpawnNamed>,
) -> Result<RpcModule<()>, Box<dyn Error + Send + Sync>> {
    let mut module = RpcModule::new(());
    module.merge(SystemApiServer::<H256, AccountId, Nonce>::into_rpc(System::new(client.clone(), pool)))?;
    module.merge(TransactionPaymentApiServer::<
        H256,
        pallet_transaction_payment::RuntimeDispatchInfo<Balance>,
    >::into_rpc(TransactionPayment::new(client)))?;
    module.merge(
        Grandpa::new(
            executor,
            grandpa.authority_set,
            grandpa.voter_state,
            grandpa.justifications,
            grandpa.finality_proofs,
        )
        .into_rpc(),
    )?;
    Ok(module)
}
