// SPDX-License-Identifier: Apache-2.0
//! The kit for a FRAME runtime: extrinsics signed as wallets sign them.

use super::{TestAccount, TestWorker};
use crate::{
    executor::OperationOutcome,
    frame::{Classic, Shard, ShardRuntime, TxExtension, UncheckedExtrinsic, extensions::CheckNonce},
    operation::Operation,
    state_transition::StateTransition,
};
use codec::Encode;
use offstage_primitives::{H256, read::Question};
use sp_runtime::{
    generic::{Era, SignedPayload},
    traits::{StaticLookup, TransactionExtension},
};

impl<R: ShardRuntime, C: Classic> TestWorker<Shard<R, C>> {
    /// Asks for a storage item or a view function, with a permit of `asker`. `arguments` are SCALE of each key or
    /// argument.
    pub fn ask_for(
        &self,
        pallet: &str,
        name: &str,
        arguments: &[Vec<u8>],
        asker: Option<&TestAccount>,
    ) -> Option<Vec<u8>> {
        let question =
            Question::Item { pallet: pallet.into(), name: name.into(), arguments: arguments.to_vec() };
        self.ask(question, asker)
    }

    /// Stops where a rule of the runtime's read policy names something that is not there: such a rule opens nothing.
    pub fn check_read_policy() {
        let errors = crate::frame::reads::check::<R>();
        assert!(
            errors.is_empty(),
            "{}",
            errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        );
    }

    /// Signs a call with the account's next nonce and executes it in a block of its own. For a runtime whose extrinsics
    /// have the SDK's extensions alone; others use [`extrinsic_with`](Self::extrinsic_with).
    pub fn submit(&mut self, account: &TestAccount, call: impl Into<R::RuntimeCall>) -> OperationOutcome {
        let extrinsic = self.extrinsic(account, call, self.nonce(account));
        self.run_alone(extrinsic)
    }

    /// An operation with an extrinsic signed by `account`, good for ever.
    pub fn extrinsic(
        &self,
        account: &TestAccount,
        call: impl Into<R::RuntimeCall>,
        nonce: u32,
    ) -> Operation<C::Call> {
        self.extrinsic_with(account, call, tx_extension::<R>(nonce, Era::Immortal))
    }

    /// An operation with an extrinsic that has these extensions.
    pub fn extrinsic_with<E: TransactionExtension<R::RuntimeCall>>(
        &self,
        account: &TestAccount,
        call: impl Into<R::RuntimeCall>,
        extensions: E,
    ) -> Operation<C::Call> {
        operation(self.signed_extrinsic(account, call, extensions))
    }

    /// The bytes of an extrinsic that `account` signed for the next block, as a wallet makes them.
    pub fn signed_extrinsic<E: TransactionExtension<R::RuntimeCall>>(
        &self,
        account: &TestAccount,
        call: impl Into<R::RuntimeCall>,
        extensions: E,
    ) -> Vec<u8> {
        let next = self.next_block();
        let signed = self.executor().inspect(&self.store, self.root, || {
            <Shard<R, C> as StateTransition>::enter_block(&next, None);
            let payload =
                SignedPayload::new(call.into(), extensions).expect("what is signed with it is known");
            let signature = payload.using_encoded(|bytes| account.sign(bytes));
            let (call, extensions, _) = payload.deconstruct();
            let address = R::Lookup::unlookup(account.id());
            UncheckedExtrinsic::<R, E>::new_signed(call, address, signature, extensions).encode()
        });
        signed.unwrap_or_else(|error| panic!("signing: {error}"))
    }

    /// Executes empty blocks up to this one, hooks included.
    pub fn run_to_block(&mut self, number: u32) {
        while self.block.number < number {
            self.run_block(&[]);
        }
    }
}

/// The operation that carries these bytes of an extrinsic, as an enclave finds it in an envelope.
pub fn operation<C>(extrinsic: Vec<u8>) -> Operation<C> {
    // After its index an operation has the extrinsic as it is.
    let encoded = [&[4], &extrinsic[..]].concat();
    Operation::Extrinsic { hash: H256(sp_crypto_hashing::blake2_256(&encoded)), extrinsic }
}

/// The SDK's extensions with this nonce and era.
pub fn tx_extension<R: ShardRuntime>(nonce: u32, era: Era) -> TxExtension<R> {
    (
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckMortality::from(era),
        CheckNonce::from(nonce),
        frame_metadata_hash_extension::CheckMetadataHash::new(false),
    )
}
