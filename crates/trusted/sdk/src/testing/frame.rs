// SPDX-License-Identifier: Apache-2.0
//! The kit for a FRAME runtime: extrinsics signed as wallets sign them.

use super::{TestAccount, TestWorker};
use crate::{
    executor::OperationOutcome,
    frame::{
        Classic, Shard, ShardRuntime, TxExtension, UncheckedExtrinsic,
        extensions::{CheckMetadataHash, CheckNonce},
    },
    operation::Operation,
    state_transition::StateTransition,
};
use codec::{Decode, DecodeAll, Encode};
use frame_support::{dispatch::GetDispatchInfo, traits::Get};
use offstage_primitives::{H256, read::Question, receipt::Outcome, trusted::MAX_OPERATION_LEN};
use sp_runtime::{
    generic::{Era, SignedPayload},
    traits::{StaticLookup, TransactionExtension},
};

impl<R: ShardRuntime, C: Classic<Call: Clone>> TestWorker<Shard<R, C>> {
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

    /// As [`ask_for`](Self::ask_for), with the answer decoded.
    pub fn query<T: Decode>(
        &self,
        pallet: &str,
        name: &str,
        arguments: &[Vec<u8>],
        asker: Option<&TestAccount>,
    ) -> Option<T> {
        let answer = self.ask_for(pallet, name, arguments, asker)?;
        let value = T::decode_all(&mut &answer[..]);
        Some(value.unwrap_or_else(|error| panic!("{pallet}.{name} is of another type: {error}")))
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

    /// [Submits](Self::submit) a call that is executed, and returns its events. The test stops where it is not.
    #[track_caller]
    pub fn executes(
        &mut self,
        account: &TestAccount,
        call: impl Into<R::RuntimeCall>,
    ) -> Vec<R::RuntimeEvent> {
        let done = self.submit(account, call);
        assert_eq!((done.outcome, done.refusal()), (Outcome::Executed, None));
        let event = |bytes: &Vec<u8>| {
            R::RuntimeEvent::decode(&mut &bytes[..]).expect("an event of the runtime is one")
        };
        done.report.events.iter().map(event).collect()
    }

    /// [Submits](Self::submit) a call that is refused with this error, such as `Balances.InsufficientBalance`. The test
    /// stops where it is not.
    #[track_caller]
    pub fn refuses(&mut self, account: &TestAccount, call: impl Into<R::RuntimeCall>, error: &str) {
        let done = self.submit(account, call);
        assert_eq!((done.outcome, done.refusal()), (Outcome::Refused, Some(error)));
    }

    /// How often an account may make this call in one block, by the weight that it declares. A call for which this is
    /// zero is never executed.
    pub fn calls_per_block(&self, call: impl Into<R::RuntimeCall>) -> u64 {
        let call = call.into();
        let info = call.get_dispatch_info();
        let limits = R::limits();
        let weight = self.inspect(|| {
            let base = R::BlockWeights::get().get(info.class).base_extrinsic;
            let extension = tx_extension::<R>(0, Era::Immortal).weight(&call);
            info.call_weight.saturating_add(extension).saturating_add(base)
        });
        if weight.any_gt(limits.call) {
            return 0;
        }
        limits.sender.checked_div_per_component(&weight).unwrap_or(u64::MAX)
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

    /// Executes empty blocks up to this one, hooks included. The test stops where one panics.
    pub fn run_to_block(&mut self, number: u32) {
        while self.block.number < number {
            let outcome = self.keep(&[]);
            assert!(outcome.prepared, "block {}: a hook panicked", self.block.number);
        }
    }
}

/// The operation that carries these bytes of an extrinsic, as an enclave finds it in an envelope. The test stops where
/// they are more than one takes.
pub fn operation<C>(extrinsic: Vec<u8>) -> Operation<C> {
    // After its index an operation has the extrinsic as it is.
    let encoded = [&[4], &extrinsic[..]].concat();
    assert!(encoded.len() <= MAX_OPERATION_LEN, "an envelope has no room for {} bytes", encoded.len());
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
        CheckMetadataHash::new(false),
    )
}
