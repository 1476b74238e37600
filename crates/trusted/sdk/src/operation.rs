// SPDX-License-Identifier: Apache-2.0
//! What the executor executes, and the token that says a call is authentic.

use codec::Encode;
use offstage_primitives::{
    AccountId32, H256,
    receipt::Outcome,
    trusted::{BoundCallSigned, Domain, TrustedCall, TrustedCallSigned, TrustedOperation},
};

/// One operation of a block, in the form in which it reaches the executor.
///
/// Also what failed before execution is an operation: it keeps its place in the block and gets a receipt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation<C> {
    /// A user's call with a good signature.
    Call(Authenticated<C>),
    /// An extrinsic of the logic's runtime, with its length before it. Its signature is not checked yet: what it must
    /// be good for depends on the shard's state.
    Extrinsic {
        /// Name of the operation in its receipt.
        hash: H256,
        /// The extrinsic.
        extrinsic: Vec<u8>,
    },
    /// Money that the parentchain provably took in for the shard.
    Shield {
        /// Name of the operation in its receipt.
        hash: H256,
        /// The account in the shard that is credited.
        beneficiary: AccountId32,
        /// In the parentchain's smallest unit.
        amount: u128,
    },
    /// An operation that an earlier stage found to be bad. Nothing is executed.
    Failed {
        /// Name of the operation in its receipt.
        hash: H256,
        /// What is wrong with it.
        outcome: Outcome,
    },
}

impl<C: TrustedCall> Operation<C> {
    /// Authenticates a decrypted operation that came through the parentchain.
    ///
    /// `domain` is where signatures must be good, `block_number` the number of the block that the operation is in.
    ///
    /// Gives [`Operation::Extrinsic`] for an extrinsic, unchecked. Gives [`Operation::Failed`] with
    /// [`Outcome::NotIndirect`] for anything else but an indirect call; with
    /// [`Outcome::Unauthorised`] for a call that no user may make or that its sender did not sign for this domain; and
    /// with [`Outcome::Expired`] for one that its sender did sign, but not for a block as late as this.
    pub fn authenticate<G: Encode>(
        operation: TrustedOperation<C, G>,
        domain: &Domain,
        block_number: u32,
    ) -> Self {
        let hash = operation.hash();
        let authenticated = match operation {
            TrustedOperation::IndirectCall(signed) => Authenticated::classic(signed, hash, domain),
            TrustedOperation::BoundCall(signed) => Authenticated::bound(signed, hash, domain, block_number),
            TrustedOperation::Extrinsic(extrinsic) => {
                return Self::Extrinsic { hash, extrinsic: extrinsic.encode() };
            }
            TrustedOperation::DirectCall(_) | TrustedOperation::Get(_) => Err(Outcome::NotIndirect),
        };
        match authenticated {
            Ok(call) => Self::Call(call),
            Err(outcome) => Self::Failed { hash, outcome },
        }
    }

    /// Name of the operation in its receipt.
    pub fn hash(&self) -> H256 {
        match self {
            Self::Call(call) => call.hash,
            Self::Extrinsic { hash, .. } | Self::Shield { hash, .. } | Self::Failed { hash, .. } => *hash,
        }
    }
}

/// A call that its sender provably signed for this shard and measurement. Only the check of the signature makes one,
/// so business logic cannot be run with anything else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authenticated<C> {
    call: C,
    sender: AccountId32,
    nonce: u32,
    hash: H256,
}

impl<C: TrustedCall> Authenticated<C> {
    /// Checks the signature of a call in the classic form. `hash` is the hash of the whole operation.
    fn classic(signed: TrustedCallSigned<C>, hash: H256, domain: &Domain) -> Result<Self, Outcome> {
        if !signed.verify(&domain.measurement, &domain.shard) {
            return Err(Outcome::Unauthorised);
        }
        let sender = signed.call.sender().ok_or(Outcome::Unauthorised)?.clone();
        Ok(Self { call: signed.call, sender, nonce: signed.nonce, hash })
    }

    /// Checks the signature of a call in the bound form, and that it comes in time.
    fn bound(
        signed: BoundCallSigned<C>,
        hash: H256,
        domain: &Domain,
        block_number: u32,
    ) -> Result<Self, Outcome> {
        if !signed.verify(domain) {
            return Err(Outcome::Unauthorised);
        }
        if signed.is_expired(block_number) {
            return Err(Outcome::Expired);
        }
        let sender = signed.call.sender().ok_or(Outcome::Unauthorised)?.clone();
        Ok(Self { call: signed.call, sender, nonce: signed.nonce, hash })
    }
}

impl<C> Authenticated<C> {
    /// What is to be done.
    pub fn call(&self) -> &C {
        &self.call
    }

    /// Who signed.
    pub fn sender(&self) -> &AccountId32 {
        &self.sender
    }

    /// The nonce the sender signed. The executor checks it.
    pub fn nonce(&self) -> u32 {
        self.nonce
    }

    /// Hash of the operation.
    pub fn hash(&self) -> H256 {
        self.hash
    }
}
