// SPDX-License-Identifier: GPL-3.0-only
//! Puts the parts of a node together.
//!
//! [`assemble`] makes what every command needs: database, client, transaction pool and the import queue, in which Aura
//! checks who made a block and GRANDPA follows its authority sets. [`run`] adds what a running node needs: network,
//! JSON-RPC, block making and voting.
//!
//! Blocks are opaque here: extrinsics are bytes. Together with runtime calls by name this lets the node run every
//! Aura + GRANDPA chain with 32-byte sr25519 authors, `u32` block numbers and BLAKE2 hashes.

use crate::rpc;
use offstage_node::settings;
use offstage_runtime::{
    apis::RuntimeApi,
    opaque::{Block, Hash},
    quote_verification::quote_verification,
};
use sc_client_api::{Backend, BlockBackend};
use sc_consensus::{DefaultImportQueue, LongestChain};
use sc_consensus_aura::{ImportQueueParams, SlotProportion, StartAuraParams};
use sc_consensus_grandpa::{
    FinalityProofProvider, GrandpaBlockImport, GrandpaParams, LinkHalf, SharedVoterState, VotingRulesBuilder,
};
use sc_executor::WasmExecutor;
use sc_network::{NetworkBackend, config::FullNetworkConfiguration};
use sc_service::{
    BuildNetworkParams, ChainType, Configuration, Error as ServiceError, PartialComponents, SpawnTasksParams,
    TFullBackend, TFullClient, TaskManager, WarpSyncConfig,
};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sc_transaction_pool::TransactionPoolHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_consensus_aura::sr25519::AuthorityPair as AuraPair;
use std::sync::Arc;

/// What the node does for the runtime: everything that Substrate defines, and the verification of quotes.
pub(crate) type HostFunctions = (sp_io::SubstrateHostFunctions, quote_verification::HostFunctions);

/// The client: chain and state.
pub(crate) type FullClient = TFullClient<Block, RuntimeApi, WasmExecutor<HostFunctions>>;

/// The database.
pub(crate) type FullBackend = TFullBackend<Block>;

type SelectChain = LongestChain<FullBackend, Block>;

/// What [`assemble`] makes.
pub(crate) type Assembled = PartialComponents<
    FullClient,
    FullBackend,
    SelectChain,
    DefaultImportQueue<Block>,
    TransactionPoolHandle<Block, FullClient>,
    (
        GrandpaBlockImport<FullBackend, Block, FullClient, SelectChain>,
        LinkHalf<Block, FullClient, SelectChain>,
        Option<Telemetry>,
    ),
>;

/// Opens the database and makes the parts that every command needs.
///
/// # Errors
/// When the database cannot be opened or belongs to another chain, or when the chain's runtime lacks the interfaces of
/// Aura and GRANDPA.
pub(crate) fn assemble(
    configuration: &Configuration,
    justification_period: u32,
) -> Result<Assembled, ServiceError> {
    let telemetry = configuration
        .telemetry_endpoints
        .clone()
        .filter(|endpoints| !endpoints.is_empty())
        .map(|endpoints| -> Result<_, sc_telemetry::Error> {
            let worker = TelemetryWorker::new(16)?;
            let telemetry = worker.handle().new_telemetry(endpoints);
            Ok((worker, telemetry))
        })
        .transpose()?;

    let executor = sc_service::new_wasm_executor::<HostFunctions>(&configuration.executor);
    let (client, backend, keystore_container, task_manager) =
        sc_service::new_full_parts::<Block, RuntimeApi, _>(
            configuration,
            telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()),
            executor,
            Vec::new(),
        )?;
    let client = Arc::new(client);
    let telemetry = telemetry.map(|(worker, telemetry)| {
        task_manager.spawn_handle().spawn("telemetry", None, worker.run());
        telemetry
    });

    let select_chain = LongestChain::new(backend.clone());
    let transaction_pool = Arc::from(
        sc_transaction_pool::Builder::new(
            task_manager.spawn_essential_handle(),
            client.clone(),
            configuration.role.is_authority().into(),
        )
        .with_options(configuration.transaction_pool.clone())
        .with_prometheus(configuration.prometheus_registry())
        .build(),
    );

    let (grandpa_block_import, grandpa_link) = sc_consensus_grandpa::block_import(
        client.clone(),
        justification_period,
        &client,
        select_chain.clone(),
        telemetry.as_ref().map(|telemetry| telemetry.handle()),
    )?;

    let inherents_client = client.clone();
    let import_queue = sc_consensus_aura::import_queue::<AuraPair, _, _, _, _, _>(ImportQueueParams {
        block_import: grandpa_block_import.clone(),
        justification_import: Some(Box::new(grandpa_block_import.clone())),
        client: client.clone(),
        create_inherent_data_providers: move |parent, ()| {
            let inherents_client = inherents_client.clone();
            async move {
                let slot_duration =
                    sc_consensus_aura::standalone::slot_duration_at(&*inherents_client, parent)?;
                let timestamp = sp_timestamp::InherentDataProvider::from_system_time();
                let slot =
                    sp_consensus_aura::inherents::InherentDataProvider::from_timestamp_and_slot_duration(
                        *timestamp,
                        slot_duration,
                    );
                Ok((slot, timestamp))
            }
        },
        spawner: &task_manager.spawn_essential_handle(),
        registry: configuration.prometheus_registry(),
        check_for_equivocation: Default::default(),
        telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
        compatibility_mode: Default::default(),
    })?;

    Ok(PartialComponents {
        client,
        backend,
        task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other: (grandpa_block_import, grandpa_link, telemetry),
    })
}

/// Starts a node on the network stack `N`.
///
/// # Errors
/// As [`assemble`], and when the network or the JSON-RPC server cannot start.
pub(crate) fn run<N: NetworkBackend<Block, Hash>>(
    configuration: Configuration,
    justification_period: u32,
) -> Result<TaskManager, ServiceError> {
    let PartialComponents {
        client,
        backend,
        mut task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other: (block_import, grandpa_link, mut telemetry),
    } = assemble(&configuration, justification_period)?;

    let mut network_configuration = FullNetworkConfiguration::<Block, Hash, N>::new(
        &configuration.network,
        configuration.prometheus_registry().cloned(),
    );
    let metrics = N::register_notification_metrics(configuration.prometheus_registry());
    let genesis_hash = client
        .block_hash(0)?
        .ok_or_else(|| ServiceError::Other("the database has no genesis block: purge the chain".into()))?;
    let grandpa_protocol_name =
        sc_consensus_grandpa::protocol_standard_name(&genesis_hash, &configuration.chain_spec);
    let (grandpa_protocol, grandpa_notifications) = sc_consensus_grandpa::grandpa_peers_set_config::<_, N>(
        grandpa_protocol_name.clone(),
        metrics.clone(),
        network_configuration.peer_store_handle(),
    );
    network_configuration.add_notification_protocol(grandpa_protocol);
    let warp_sync = Arc::new(sc_consensus_grandpa::warp_proof::NetworkProvider::new(
        backend.clone(),
        grandpa_link.shared_authority_set().clone(),
        Vec::new(),
    ));

    let (network, system_rpc_tx, transactions_controller, sync_service, _bitswap) =
        sc_service::build_network(BuildNetworkParams {
            config: &configuration,
            net_config: network_configuration,
            client: client.clone(),
            transaction_pool: transaction_pool.clone(),
            spawn_handle: task_manager.spawn_handle(),
            spawn_essential_handle: task_manager.spawn_essential_handle(),
            import_queue,
            block_announce_validator_builder: None,
            warp_sync_config: Some(WarpSyncConfig::WithProvider(warp_sync)),
            block_relay: None,
            metrics,
            gap_sync_body_policy: None,
        })?;

    if configuration.offchain_worker.enabled {
        let workers = sc_offchain::OffchainWorkers::new(sc_offchain::OffchainWorkerOptions {
            runtime_api_provider: client.clone(),
            is_validator: configuration.role.is_authority(),
            keystore: Some(keystore_container.keystore()),
            offchain_db: backend.offchain_storage(),
            transaction_pool: Some(OffchainTransactionPoolFactory::new(transaction_pool.clone())),
            network_provider: Arc::new(network.clone()),
            enable_http_requests: true,
            custom_extensions: |_| vec![],
        })?;
        let notifications = workers.run(client.clone(), task_manager.spawn_handle());
        task_manager.spawn_handle().spawn("offchain-workers-runner", "offchain-worker", notifications);
    }

    let role = configuration.role;
    let name = configuration.network.node_name.clone();
    let force_authoring = configuration.force_authoring;
    let enable_grandpa = !configuration.disable_grandpa;
    let is_development = configuration.chain_spec.chain_type() == ChainType::Development;
    let prometheus_registry = configuration.prometheus_registry().cloned();
    let slot_duration = sc_consensus_aura::slot_duration(&*client)?;
    let voter_state = SharedVoterState::empty();

    let grandpa_parts = rpc::GrandpaParts {
        voter_state: voter_state.clone(),
        authority_set: grandpa_link.shared_authority_set().clone(),
        justifications: grandpa_link.justification_stream(),
        finality_proofs: FinalityProofProvider::new_for_service(
            backend.clone(),
            Some(grandpa_link.shared_authority_set().clone()),
        ),
    };
    let rpc_builder = {
        let (client, pool) = (client.clone(), transaction_pool.clone());
        Box::new(move |executor| {
            rpc::methods(client.clone(), pool.clone(), grandpa_parts.clone(), executor).map_err(Into::into)
        })
    };
    let _rpc_handlers = sc_service::spawn_tasks(SpawnTasksParams {
        network: network.clone(),
        client: client.clone(),
        keystore: keystore_container.keystore(),
        task_manager: &mut task_manager,
        transaction_pool: transaction_pool.clone(),
        rpc_builder,
        backend,
        system_rpc_tx,
        tx_handler_controller: transactions_controller,
        sync_service: sync_service.clone(),
        config: configuration,
        telemetry: telemetry.as_mut(),
        tracing_execute_block: None,
    })?;

    if role.is_authority() {
        let proposer_factory = sc_basic_authorship::ProposerFactory::new(
            task_manager.spawn_handle(),
            client.clone(),
            transaction_pool.clone(),
            prometheus_registry.as_ref(),
            telemetry.as_ref().map(|telemetry| telemetry.handle()),
        );
        let aura =
            sc_consensus_aura::start_aura::<AuraPair, _, _, _, _, _, _, _, _, _, _>(StartAuraParams {
                slot_duration,
                client,
                select_chain,
                block_import,
                proposer_factory,
                create_inherent_data_providers: move |_, ()| async move {
                    let timestamp = sp_timestamp::InherentDataProvider::from_system_time();
                    let slot =
                        sp_consensus_aura::inherents::InherentDataProvider::from_timestamp_and_slot_duration(
                            *timestamp,
                            slot_duration,
                        );
                    Ok((slot, timestamp))
                },
                force_authoring,
                // Blocks go on when finality stalls: workers cope with long gaps, and transactions are not lost.
                backoff_authoring_blocks: None::<()>,
                keystore: keystore_container.keystore(),
                sync_oracle: sync_service.clone(),
                justification_sync_link: sync_service.clone(),
                block_proposal_slot_portion: SlotProportion::new(2f32 / 3f32),
                max_block_proposal_slot_portion: None,
                telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
                compatibility_mode: Default::default(),
            })?;
        task_manager.spawn_essential_handle().spawn_blocking("aura", Some("block-authoring"), aura);
    }

    if enable_grandpa {
        let keystore = role.is_authority().then(|| keystore_container.keystore());
        // Validators apart vote for blocks that have some others on top, because the newest may still be replaced. A
        // single validator has nobody to disagree with.
        let voting_rule = if is_development {
            VotingRulesBuilder::new().build()
        } else {
            VotingRulesBuilder::default().build()
        };
        let voter = sc_consensus_grandpa::run_grandpa_voter(GrandpaParams {
            config: sc_consensus_grandpa::Config {
                gossip_duration: settings::gossip_duration(slot_duration.as_duration()),
                justification_generation_period: justification_period,
                name: Some(name),
                observer_enabled: false,
                keystore,
                local_role: role,
                telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
                protocol_name: grandpa_protocol_name,
            },
            link: grandpa_link,
            network,
            sync: sync_service,
            notification_service: grandpa_notifications,
            voting_rule,
            prometheus_registry,
            shared_voter_state: voter_state,
            telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
            offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(transaction_pool),
        })?;
        task_manager.spawn_essential_handle().spawn_blocking("grandpa-voter", None, voter);
    }

    Ok(task_manager)
}
