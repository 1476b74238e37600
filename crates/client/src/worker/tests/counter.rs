// SPDX-License-Identifier: Apache-2.0
//! The library with another business logic than balances: each account counts in secret. It brings words of its own,
//! and nothing of the library is changed for them.

use super::*;
use offstage_primitives::trusted;

#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
enum CounterCall {
    Add(AccountId32, u64),
}

impl trusted::TrustedCall for CounterCall {
    fn sender(&self) -> Option<&AccountId32> {
        let Self::Add(account, _) = self;
        Some(account)
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
enum CounterQuestion {
    Nonce(AccountId32),
    Count(AccountId32),
}

impl trusted::TrustedGetter for CounterQuestion {
    fn nonce(account: AccountId32) -> Self {
        Self::Nonce(account)
    }

    fn sender(&self) -> &AccountId32 {
        match self {
            Self::Nonce(account) | Self::Count(account) => account,
        }
    }
}

/// It knows the bound form only.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
struct CounterGetter(BoundGetterSigned<CounterQuestion>);

impl trusted::Getter for CounterGetter {
    type Trusted = CounterQuestion;

    fn bound(signed: BoundGetterSigned<CounterQuestion>) -> Self {
        Self(signed)
    }
}

fn counter(getter: &[u8], block: BlockId) -> RpcReturnValue {
    let CounterGetter(signed) = CounterGetter::decode(&mut &getter[..]).unwrap();
    let may_read = signed.verify(&DOMAIN, VERIFIED_AT);
    let value = may_read.then(|| match signed.getter {
        CounterQuestion::Nonce(_) => 7u32.encode(),
        CounterQuestion::Count(_) => 42u64.encode(),
    });
    RpcReturnValue::ok((value, block.number, block.hash))
}

#[tokio::test]
async fn another_logic_uses_the_library_with_its_own_words() {
    let enclave = Enclave::honest();
    let served = serve(enclave.certificate(), &enclave.tls_key, enclave.shielding_key.clone(), counter).await;
    let pin = Pin::shard(SHARD.into());
    let mut worker = Worker::connect(&enclave.chain(), &served.address, &pin).await.unwrap();
    let alice = Account::from_secret("//Alice").ok().unwrap();
    let bob = Account::from_secret("//Bob").ok().unwrap();

    let nonce = worker.nonce::<CounterGetter>(&alice).await.unwrap();
    assert_eq!(nonce, 7);
    let question = CounterQuestion::Count(alice.id());
    assert_eq!(worker.read::<CounterGetter, u64>(question.clone(), &alice).await.unwrap(), 42);
    // Nobody but its owner is told.
    let asked = worker.read::<CounterGetter, u64>(question, &bob).await;
    assert!(matches!(asked, Err(WorkerError::NoAnswer { .. })));

    let call = CounterCall::Add(alice.id(), 2);
    let identity = worker.identity();
    let composed =
        workflow::compose_trusted_call::<_, CounterGetter>(call.clone(), nonce, &alice, identity).unwrap();
    let envelope = workflow::encode_and_encrypt(&composed, identity).unwrap();
    let opened = SHIELDING_KEY.open(&envelope).unwrap();
    let opened = TrustedOperation::<CounterCall, CounterGetter>::decode(&mut &opened[..]).unwrap();
    let TrustedOperation::BoundCall(signed) = opened else { panic!("not a bound call") };
    assert!(signed.call == call && signed.nonce == 7 && signed.verify(&DOMAIN));
}
