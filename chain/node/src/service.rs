// SPDX-License-Identifier: GPL-3.0-only
//! Puts the parts of a node together.
//!
//! [`assemble`] makes what every command needs: database, client, transaction pool and the import queue, in which Aura
//! checks who made a block and GRANDPA follows its authority sets. [`run`] adds what a running node needs: network,
//! JSON-RPC, and what validators do ([`validating`](crate::validating)).
//!
//! Blocks are opaque here: extrinsics are bytes. Together with runtime calls by name this lets the node run every
//! Aura + GRANDPA chain with 32-byte sr25519 authors, `u32` block numbers and BLAKE2 hashes.

use crate::{
    rpc,
    validating::{self, Validating, Voting},
};
use offstage_runtime::{
    apis::RuntimeApi,
    opaque::{Block, Hash},
    quote_verification::quote_verification,
};
use sc_client_api::{Backend, BlockBackend};
use sc_consensus::{DefaultImportQueue, LongestChain};
use sc_consensus_aura::ImportQueueParams;
use sc_consensus_grandpa::{GrandpaBlockImport, LinkHalf, SharedVoterState};
use sc_executor::WasmExecutor;
use sc_network::{
    NetworkBackend, NotificationMetrics, NotificationService, ProtocolName, config::FullNetworkConfiguration,
    service::traits::NetworkService,
};
use sc_service::{
    BuildNetworkParams, ChainType, Configuration, Error as ServiceError, KeystoreContainer,
    PartialComponents, SpawnTasksParams, TFullBackend, TFullClient, TaskManager, WarpSyncConfig,
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

/// The chain to build on: the longest.
pub(crate) type SelectChain = LongestChain<FullBackend, Block>;

/// What imports blocks: it keeps GRANDPA's authority sets with them.
pub(crate) type BlockImport = GrandpaBlockImport<FullBackend, Block, FullClient, SelectChain>;

/// What [`assemble`] makes.
pub(crate) type Assembled = PartialComponents<
    FullClient,
    FullBackend,
    SelectChain,
    DefaultImportQueue<Block>,
    TransactionPoolHandle<Block, FullClient>,
    (BlockImport, LinkHalf<Block, FullClient, SelectChain>, Option<Telemetry>),
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
                Ok(validating::inherent_data(slot_duration))
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

    let GrandpaOnNetwork { network_configuration, metrics, protocol, notifications } =
        GrandpaOnNetwork::<N>::prepare(&configuration, &client)?;
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
        start_offchain_workers(
            &configuration,
            &task_manager,
            client.clone(),
            &backend,
            &keystore_container,
            transaction_pool.clone(),
            network.clone(),
        )?;
    }

    let (force_authoring, enable_grandpa) = (configuration.force_authoring, !configuration.disable_grandpa);
    let voter_state = SharedVoterState::empty();
    let grandpa_parts = rpc::GrandpaParts::of(&grandpa_link, voter_state.clone(), backend.clone());
    let voting = Voting {
        link: grandpa_link,
        notifications,
        protocol,
        node_name: configuration.network.node_name.clone(),
        justification_period,
        is_development: configuration.chain_spec.chain_type() == ChainType::Development,
        state: voter_state,
    };
    let validating = Validating {
        client: client.clone(),
        transaction_pool: transaction_pool.clone(),
        network: network.clone(),
        sync: sync_service.clone(),
        role: configuration.role,
        slot_duration: sc_consensus_aura::slot_duration(&*client)?,
        prometheus: configuration.prometheus_config.clone(),
        telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
        keystore: keystore_container,
    };

    let (rpc_client, rpc_pool) = (client.clone(), transaction_pool.clone());
    let rpc_builder = move |executor| {
        rpc::methods(rpc_client.clone(), rpc_pool.clone(), grandpa_parts.clone(), executor)
            .map_err(Into::into)
    };
    let _rpc_handlers = sc_service::spawn_tasks(SpawnTasksParams {
        network,
        client,
        keystore: validating.keystore.keystore(),
        task_manager: &mut task_manager,
        transaction_pool,
        rpc_builder: Box::new(rpc_builder),
        backend,
        system_rpc_tx,
        tx_handler_controller: transactions_controller,
        sync_service,
        config: configuration,
        telemetry: telemetry.as_mut(),
        tracing_execute_block: None,
    })?;

    if validating.role.is_authority() {
        validating.make_blocks(&task_manager, select_chain, block_import, force_authoring)?;
    }
    if enable_grandpa {
        validating.vote(&task_manager, voting)?;
    }

    Ok(task_manager)
}

/// The network's configuration with GRANDPA's protocol in it, and the node's end of that protocol.
struct GrandpaOnNetwork<N: NetworkBackend<Block, Hash>> {
    network_configuration: FullNetworkConfiguration<Block, Hash, N>,
    metrics: NotificationMetrics,
    protocol: ProtocolName,
    notifications: Box<dyn NotificationService>,
}

impl<N: NetworkBackend<Block, Hash>> GrandpaOnNetwork<N> {
    fn prepare(configuration: &Configuration, client: &FullClient) -> Result<Self, ServiceError> {
        let registry = configuration.prometheus_registry();
        let mut network_configuration =
            FullNetworkConfiguration::new(&configuration.network, registry.cloned());
        let metrics = N::register_notification_metrics(registry);
        let genesis_hash = client.block_hash(0)?.ok_or_else(|| {
            ServiceError::Other("the database has no genesis block: purge the chain".into())
        })?;
        let protocol = sc_consensus_grandpa::protocol_standard_name(&genesis_hash, &configuration.chain_spec);
        let (grandpa, notifications) = sc_consensus_grandpa::grandpa_peers_set_config::<_, N>(
            protocol.clone(),
            metrics.clone(),
            network_configuration.peer_store_handle(),
        );
        network_configuration.add_notification_protocol(grandpa);
        Ok(Self { network_configuration, metrics, protocol, notifications })
    }
}

/// Starts what a runtime asks to have done off chain.
fn start_offchain_workers(
    configuration: &Configuration,
    tasks: &TaskManager,
    client: Arc<FullClient>,
    backend: &FullBackend,
    keystore: &KeystoreContainer,
    transaction_pool: Arc<TransactionPoolHandle<Block, FullClient>>,
    network: Arc<dyn NetworkService>,
) -> Result<(), ServiceError> {
    let workers = sc_offchain::OffchainWorkers::new(sc_offchain::OffchainWorkerOptions {
        runtime_api_provider: client.clone(),
        is_validator: configuration.role.is_authority(),
        keystore: Some(keystore.keystore()),
        offchain_db: backend.offchain_storage(),
        transaction_pool: Some(OffchainTransactionPoolFactory::new(transaction_pool)),
        network_provider: Arc::new(network),
        enable_http_requests: true,
        custom_extensions: |_| vec![],
    })?;
    let notifications = workers.run(client, tasks.spawn_handle());
    tasks.spawn_handle().spawn("offchain-workers-runner", "offchain-worker", notifications);
    Ok(())
}
