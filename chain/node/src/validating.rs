// SPDX-License-Identifier: GPL-3.0-only
//! What validators do: make blocks with Aura, and vote with GRANDPA. A node that is no validator follows the votes.

use crate::service::{BlockImport, FullClient, SelectChain};
use offstage_node::settings;
use offstage_runtime::opaque::Block;
use sc_consensus_aura::{SlotDuration, SlotProportion, StartAuraParams};
use sc_consensus_grandpa::{GrandpaParams, LinkHalf, SharedVoterState, VotingRulesBuilder};
use sc_network::{NotificationService, ProtocolName, service::traits::NetworkService};
use sc_network_sync::SyncingService;
use sc_service::{Error as ServiceError, KeystoreContainer, Role, TaskManager, config::PrometheusConfig};
use sc_telemetry::TelemetryHandle;
use sc_transaction_pool::TransactionPoolHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_consensus_aura::{
    inherents::InherentDataProvider as SlotInherent, sr25519::AuthorityPair as AuraPair,
};
use sp_timestamp::InherentDataProvider as TimestampInherent;
use std::sync::Arc;

/// What making blocks and voting share.
pub(crate) struct Validating {
    pub(crate) client: Arc<FullClient>,
    pub(crate) transaction_pool: Arc<TransactionPoolHandle<Block, FullClient>>,
    pub(crate) network: Arc<dyn NetworkService>,
    pub(crate) sync: Arc<SyncingService<Block>>,
    pub(crate) keystore: KeystoreContainer,
    pub(crate) role: Role,
    pub(crate) slot_duration: SlotDuration,
    pub(crate) prometheus: Option<PrometheusConfig>,
    pub(crate) telemetry: Option<TelemetryHandle>,
}

/// What voting needs besides.
pub(crate) struct Voting {
    pub(crate) link: LinkHalf<Block, FullClient, SelectChain>,
    pub(crate) notifications: Box<dyn NotificationService>,
    pub(crate) protocol: ProtocolName,
    pub(crate) node_name: String,
    /// Number of blocks after which a justification is kept at the latest.
    pub(crate) justification_period: u32,
    pub(crate) is_development: bool,
    pub(crate) state: SharedVoterState,
}

impl Validating {
    /// Starts to make blocks whenever it is this validator's turn.
    ///
    /// # Errors
    /// When the chain's runtime lacks the interface of Aura.
    pub(crate) fn make_blocks(
        &self,
        tasks: &TaskManager,
        select_chain: SelectChain,
        block_import: BlockImport,
        force_authoring: bool,
    ) -> Result<(), ServiceError> {
        let proposer_factory = sc_basic_authorship::ProposerFactory::new(
            tasks.spawn_handle(),
            self.client.clone(),
            self.transaction_pool.clone(),
            self.prometheus.as_ref().map(|prometheus| &prometheus.registry),
            self.telemetry.clone(),
        );
        let slot_duration = self.slot_duration;
        let aura =
            sc_consensus_aura::start_aura::<AuraPair, _, _, _, _, _, _, _, _, _, _>(StartAuraParams {
                slot_duration,
                client: self.client.clone(),
                select_chain,
                block_import,
                proposer_factory,
                create_inherent_data_providers: move |_, ()| async move { Ok(inherent_data(slot_duration)) },
                force_authoring,
                // Blocks go on when finality stalls: workers cope with long gaps, and transactions are not lost.
                backoff_authoring_blocks: None::<()>,
                keystore: self.keystore.keystore(),
                sync_oracle: self.sync.clone(),
                justification_sync_link: self.sync.clone(),
                block_proposal_slot_portion: SlotProportion::new(2f32 / 3f32),
                max_block_proposal_slot_portion: None,
                telemetry: self.telemetry.clone(),
                compatibility_mode: Default::default(),
            })?;
        tasks.spawn_essential_handle().spawn_blocking("aura", Some("block-authoring"), aura);
        Ok(())
    }

    /// Starts to follow GRANDPA's votes, and to vote if this is a validator.
    ///
    /// # Errors
    /// When the voter cannot be started on the state that the database has of it.
    pub(crate) fn vote(&self, tasks: &TaskManager, voting: Voting) -> Result<(), ServiceError> {
        // Validators apart vote for blocks that have some others on top, because the newest may still be replaced. A
        // single validator has nobody to disagree with.
        let voting_rule = if voting.is_development {
            VotingRulesBuilder::new().build()
        } else {
            VotingRulesBuilder::default().build()
        };
        let voter = sc_consensus_grandpa::run_grandpa_voter(GrandpaParams {
            config: sc_consensus_grandpa::Config {
                gossip_duration: settings::gossip_duration(self.slot_duration.as_duration()),
                justification_generation_period: voting.justification_period,
                name: Some(voting.node_name),
                observer_enabled: false,
                keystore: self.role.is_authority().then(|| self.keystore.keystore()),
                local_role: self.role,
                telemetry: self.telemetry.clone(),
                protocol_name: voting.protocol,
            },
            link: voting.link,
            network: self.network.clone(),
            sync: self.sync.clone(),
            notification_service: voting.notifications,
            voting_rule,
            prometheus_registry: self.prometheus.as_ref().map(|prometheus| prometheus.registry.clone()),
            shared_voter_state: voting.state,
            telemetry: self.telemetry.clone(),
            offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(self.transaction_pool.clone()),
        })?;
        tasks.spawn_essential_handle().spawn_blocking("grandpa-voter", None, voter);
        Ok(())
    }
}

/// What each block holds besides transactions: the slot and the time, by this machine's clock.
pub(crate) fn inherent_data(slot_duration: SlotDuration) -> (SlotInherent, TimestampInherent) {
    let timestamp = TimestampInherent::from_system_time();
    (SlotInherent::from_timestamp_and_slot_duration(*timestamp, slot_duration), timestamp)
}
