// SPDX-License-Identifier: Apache-2.0
//! Reads finalized blocks as an outside observer does, by the chain's own metadata.

use anyhow::{Context, Result, ensure};
use codec::Decode;
use offstage_primitives::{
    AccountId32, BlockHash, H256, ShardIdentifier, chain::enclave_bridge, enclave_bridge::ShardSignerStatus,
};
use std::collections::BTreeMap;
use subxt::{OnlineClient, PolkadotConfig, dynamic, events::Phase};

/// What an observer noted about a range of finalized blocks.
#[derive(Debug, Default)]
pub struct Notes {
    /// Confirmed block -> who confirmed it with which root.
    pub confirmations: BTreeMap<BlockHash, Vec<(AccountId32, H256)>>,
    /// Fees in the smallest unit that each account paid.
    pub fees: BTreeMap<AccountId32, u128>,
    /// The whole bytes of each extrinsic that holds an invocation.
    pub invocations: Vec<Vec<u8>>,
    /// What the shards paid out: beneficiary and amount.
    pub unshielded: Vec<(AccountId32, u128)>,
}

/// What an account signed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signed {
    /// Extrinsics.
    pub extrinsics: usize,
    /// Payments out of a shard that it asked for, within batches or alone.
    pub payments: usize,
}

/// An observer of a chain.
pub struct Auditor {
    client: OnlineClient<PolkadotConfig>,
}

impl Auditor {
    /// Connects to a node.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn connect(url: &str) -> Result<Self> {
        Ok(Self {
            client: OnlineClient::from_insecure_url(url)
                .await
                .context("the auditor cannot reach the node")?,
        })
    }

    /// Hash of the chain's genesis header.
    pub fn genesis(&self) -> BlockHash {
        self.client.genesis_hash().0.into()
    }

    /// Number of the newest finalized block.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn finalized(&self) -> Result<u64> {
        Ok(self.client.at_current_block().await?.block_number())
    }

    /// Free balance of an account after the block with this number.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn free_balance(&self, account: &AccountId32, number: u64) -> Result<u128> {
        let at = self.client.at_block(number).await?;
        let address = subxt::dynamic::storage::<([u8; 32],), subxt::dynamic::Value>("System", "Account");
        let Some(value) = at.storage().try_fetch(address, (*AsRef::<[u8; 32]>::as_ref(account),)).await?
        else {
            return Ok(0);
        };
        // AccountInfo: four u32, then AccountData, which starts with the free balance.
        let bytes = value.bytes();
        let free = bytes.get(16..32).context("an account's record is too short")?;
        Ok(u128::decode(&mut &free[..])?)
    }

    /// The enclaves that hold a slot of the shard after the block with this number.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn slots(&self, shard: ShardIdentifier, number: u64) -> Result<Vec<ShardSignerStatus>> {
        let found = self.of_shard(enclave_bridge::SHARD_STATUS, shard, number).await?;
        Ok(found.map(|bytes| Decode::decode(&mut &bytes[..])).transpose()?.unwrap_or_default())
    }

    /// How many RSA operations the block with this number caused for the shard.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn rsa_operations(&self, shard: ShardIdentifier, number: u64) -> Result<u32> {
        let Some(bytes) = self.of_shard("RsaOperations", shard, number).await? else { return Ok(0) };
        let (block, operations) = <(u32, u32)>::decode(&mut &bytes[..])?;
        Ok(if u64::from(block) == number { operations } else { 0 })
    }

    async fn of_shard(&self, entry: &str, shard: ShardIdentifier, number: u64) -> Result<Option<Vec<u8>>> {
        let at = self.client.at_block(number).await?;
        let address = dynamic::storage::<([u8; 32],), dynamic::Value>(enclave_bridge::PALLET, entry);
        let value = at.storage().try_fetch(address, (shard.0.0,)).await?;
        Ok(value.map(|value| value.into_bytes()))
    }

    /// Notes what happened in the blocks after `from` up to and including `to`.
    ///
    /// # Errors
    /// When the node does not answer or a block cannot be read.
    pub async fn notes(&self, from: u64, to: u64) -> Result<Notes> {
        let mut notes = Notes::default();
        for number in from + 1..=to {
            self.note_block(number, &mut notes)
                .await
                .with_context(|| format!("cannot audit block {number}"))?;
        }
        Ok(notes)
    }

    /// What each account signed in the blocks after `from` up to and including `to`, and how many payments out of the
    /// shard it asked for.
    ///
    /// # Errors
    /// When the node does not answer or a block cannot be read.
    pub async fn signed(
        &self,
        shard: ShardIdentifier,
        from: u64,
        to: u64,
    ) -> Result<BTreeMap<AccountId32, Signed>> {
        let mut signed = BTreeMap::<_, Signed>::new();
        for number in from + 1..=to {
            let at = self.client.at_block(number).await?;
            let pallet = at.metadata_ref().pallet_by_name(enclave_bridge::PALLET).context("no bridge")?;
            let call = pallet.call_variant_by_name(enclave_bridge::UNSHIELD_FUNDS).context("no such call")?;
            // What each such call begins with, wherever it stands.
            let payment = [&[pallet.call_index(), call.index][..], shard.as_bytes()].concat();
            for extrinsic in at.extrinsics().fetch().await?.iter() {
                let extrinsic = extrinsic?;
                let Some([0, account @ ..]) = extrinsic.address_bytes() else { continue };
                let bytes = extrinsic.call_data_bytes();
                let entry = signed.entry(AccountId32::decode(&mut &account[..])?).or_default();
                entry.extrinsics += 1;
                entry.payments += bytes.windows(payment.len()).filter(|part| *part == payment).count();
            }
        }
        Ok(signed)
    }

    async fn note_block(&self, number: u64, notes: &mut Notes) -> Result<()> {
        let at = self.client.at_block(number).await?;
        let extrinsics = at.extrinsics().fetch().await?;
        let mut signers = BTreeMap::new();
        for extrinsic in extrinsics.iter() {
            let extrinsic = extrinsic?;
            // MultiAddress::Id: a zero and 32 bytes.
            if let Some([0, account @ ..]) = extrinsic.address_bytes() {
                signers.insert(extrinsic.index() as u32, AccountId32::decode(&mut &account[..])?);
            }
            if extrinsic.pallet_name() == "EnclaveBridge" && extrinsic.call_name() == "invoke" {
                notes.invocations.push(extrinsic.bytes().to_vec());
            }
        }
        for event in at.events().fetch().await?.iter() {
            let event = event?;
            let signer = match event.phase() {
                Phase::ApplyExtrinsic(index) => signers.get(&index),
                _ => None,
            };
            let mut fields = event.field_bytes();
            match (event.pallet_name(), event.event_name()) {
                ("EnclaveBridge", "ProcessedParentchainBlock") => {
                    let (_shard, block, root, _number) =
                        <(ShardIdentifier, BlockHash, H256, u32)>::decode(&mut fields)?;
                    let signer = signer.context("a confirmation that nobody signed")?.clone();
                    notes.confirmations.entry(block).or_default().push((signer, root));
                }
                ("EnclaveBridge", "UnshieldedFunds") => {
                    let (_shard, beneficiary, amount) =
                        <(ShardIdentifier, AccountId32, u128)>::decode(&mut fields)?;
                    notes.unshielded.push((beneficiary, amount));
                }
                ("TransactionPayment", "TransactionFeePaid") => {
                    let (who, fee, _tip) = <(AccountId32, u128, u128)>::decode(&mut fields)?;
                    *notes.fees.entry(who).or_default() += fee;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Notes {
    /// Fails when two workers published different roots for a block. Returns the number of blocks that more than one
    /// worker confirmed.
    ///
    /// # Errors
    /// With the block and the roots.
    pub fn require_equal_roots(&self) -> Result<usize> {
        for (block, confirmations) in &self.confirmations {
            let first = confirmations.first().context("a block without confirmations")?.1;
            ensure!(
                confirmations.iter().all(|(_, root)| *root == first),
                "workers disagree about block {block:?}: {confirmations:?}"
            );
        }
        Ok(self.confirmations.values().filter(|confirmations| distinct(confirmations) > 1).count())
    }

    /// How many workers confirmed the block.
    pub fn confirmed_by(&self, block: &BlockHash) -> usize {
        self.confirmations.get(block).map_or(0, |confirmations| distinct(confirmations))
    }
}

fn distinct(confirmations: &[(AccountId32, H256)]) -> usize {
    confirmations.iter().map(|(signer, _)| signer).collect::<std::collections::BTreeSet<_>>().len()
}
