// SPDX-License-Identifier: Apache-2.0
//! Accounts: how people name them, and the keys behind them.
//!
//! An account is named by
//! - a derivation from the development phrase that everybody knows: `//Alice`;
//! - an address in ss58 form, whose key, when one is needed, is in a [`Keystore`](crate::keystore::Keystore);
//! - a secret: a mnemonic phrase of 12 to 24 words or a seed of 32 bytes (`0x…`), each optionally followed by
//!   derivations such as `//stash`;
//! - a place to read one of these from, so that a secret does not stand on the command line: `-` (the next line of
//!   standard input), `@file`, or `env:NAME` (a variable of the environment).
//!
//! Keys are sr25519.
//!
//! # Threats
//! 32 bytes in hexadecimal may be a seed or a public key. Where a key signs, they are a seed. Where an account only
//! receives or is looked at, they are refused: taken for a seed, a public key would name an account whose secret
//! everybody has read. For the same reason accounts are never shown in hexadecimal ([`ss58`]).

use crate::secret;
use offstage_primitives::{
    AccountId32, MultiSignature,
    ss58::{self as addresses, GENERIC_PREFIX},
};
use sp_core::{
    Pair as _,
    crypto::{PublicError, SecretStringError, Ss58Codec},
    sr25519,
};
use std::{fmt, io, path::Path};
use subxt::{config::PolkadotConfig, transactions::Signer, utils};
use thiserror::Error;
use zeroize::Zeroizing;

/// An account together with its secret key. It has no `Debug` output and is not cloned.
pub struct Account {
    pair: sr25519::Pair,
}

impl Account {
    /// A new key, and the mnemonic phrase that it can be made from again.
    pub fn generate() -> (Self, Zeroizing<String>) {
        let (pair, phrase, _) = sr25519::Pair::generate_with_phrase(None);
        (Self { pair }, Zeroizing::new(phrase))
    }

    /// Reads a secret: `//Name`, a mnemonic phrase or a `0x` seed, with derivations.
    ///
    /// # Errors
    /// [`AccountError`]; it never quotes the text, which is a secret.
    pub fn from_secret(text: &str) -> Result<Self, AccountError> {
        let pair = sr25519::Pair::from_string(text, None).map_err(|error| match error {
            SecretStringError::InvalidSeed | SecretStringError::InvalidSeedLength => AccountError::Seed,
            SecretStringError::InvalidPhrase if text.starts_with("0x") => AccountError::Seed,
            SecretStringError::InvalidPhrase | SecretStringError::InvalidPassword => AccountError::Phrase,
            SecretStringError::InvalidFormat(_) | SecretStringError::InvalidPath => AccountError::Derivation,
        })?;
        Ok(Self { pair })
    }

    /// The account's public name.
    pub fn id(&self) -> AccountId32 {
        AccountId32::new(self.pair.public().0)
    }

    /// Signs a message as the account.
    pub fn sign(&self, message: &[u8]) -> MultiSignature {
        self.pair.sign(message).into()
    }
}

impl Account {
    /// The same in the type of subxt.
    pub(crate) fn sign_for_subxt(&self, payload: &[u8]) -> utils::MultiSignature {
        utils::MultiSignature::Sr25519(self.pair.sign(payload).0)
    }
}

impl Signer<PolkadotConfig> for Account {
    fn account_id(&self) -> utils::AccountId32 {
        utils::AccountId32(self.pair.public().0)
    }

    fn sign(&self, payload: &[u8]) -> utils::MultiSignature {
        self.sign_for_subxt(payload)
    }
}

/// An account as somebody named it.
pub enum NamedAccount {
    /// By its secret.
    Key(Box<Account>),
    /// By its address alone.
    Address(AccountId32),
}

impl NamedAccount {
    /// Reads any of the forms of this [module](self).
    ///
    /// # Errors
    /// [`AccountError`] that says what is wrong with the form that was meant.
    pub fn parse(text: &str) -> Result<Self, AccountError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AccountError::Empty);
        }
        if text.starts_with('/') || text.starts_with("0x") || text.contains(char::is_whitespace) {
            return Account::from_secret(text).map(|account| Self::Key(Box::new(account)));
        }
        let (id, _) = AccountId32::from_ss58check_with_version(text).map_err(|error| match error {
            PublicError::InvalidChecksum => AccountError::Checksum,
            _ => AccountError::Unreadable,
        })?;
        Ok(Self::Address(id))
    }

    /// The account's public name.
    pub fn id(&self) -> AccountId32 {
        match self {
            Self::Key(account) => account.id(),
            Self::Address(id) => id.clone(),
        }
    }
}

/// An account in ss58 form with the generic prefix 42, which every Substrate chain reads. Where a chain is known, its
/// prefix counts ([`Parentchain::address`](crate::parentchain::Parentchain::address)).
pub fn ss58(account: &AccountId32) -> String {
    addresses::ss58(account, GENERIC_PREFIX)
}

/// The text of an account on a command line, or the place where it is. It may be a secret, so `Debug` hides it and it
/// is wiped when dropped.
#[derive(Clone)]
pub struct AccountText(Zeroizing<String>);

impl AccountText {
    /// Reads the account. What comes from standard input is read once, so this is to be called once.
    ///
    /// # Errors
    /// As [`NamedAccount::parse`], and [`AccountError::Place`] when the place cannot be read.
    pub fn parse(&self) -> Result<NamedAccount, AccountError> {
        NamedAccount::parse(&self.text()?)
    }

    /// Reads an account that signs nothing here: it receives, or it is looked at. Hexadecimal is refused. The same
    /// holds for it as for [`parse`](Self::parse).
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and [`AccountError::Hexadecimal`].
    pub fn parse_recipient(&self) -> Result<AccountId32, AccountError> {
        let text = self.text()?;
        if !is_hexadecimal(&text) {
            return NamedAccount::parse(&text).map(|account| account.id());
        }
        // An address says as much as the public key. What was hidden stays hidden: it may be a seed.
        let bytes = text.trim().strip_prefix("0x").and_then(|digits| hex::decode(digits).ok());
        let key =
            bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).filter(|_| is_hexadecimal(&self.0));
        Err(AccountError::Hexadecimal { address: key.map(|key| ss58(&AccountId32::new(key))) })
    }

    /// What is written there, or in the place that is.
    fn text(&self) -> Result<Zeroizing<String>, AccountError> {
        let text = self.0.trim();
        let place = |error: io::Error| AccountError::Place {
            place: if text == "-" { "standard input".to_owned() } else { text.to_owned() },
            reason: error.to_string(),
        };
        if text == "-" {
            secret::from_stdin("account (not shown): ").map_err(place)
        } else if let Some(path) = text.strip_prefix('@') {
            secret::from_file(Path::new(path)).map_err(place)
        } else if let Some(name) = text.strip_prefix("env:") {
            secret::from_environment(name).map_err(place)
        } else {
            Ok(self.0.clone())
        }
    }

    /// Whether the command line itself shows a secret that is worth something: a seed or a phrase, and not a
    /// development account, whose key everybody has.
    pub fn shows_secret(&self) -> bool {
        let text = self.0.trim();
        text.starts_with("0x") || (!text.starts_with(['@', '/']) && text.contains(char::is_whitespace))
    }
}

impl From<&str> for AccountText {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl From<String> for AccountText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for AccountText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountText(…)")
    }
}

fn is_hexadecimal(text: &str) -> bool {
    text.trim().starts_with("0x")
}

/// Why a text names no account.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AccountError {
    /// Nothing at all.
    #[error("the account is empty: name it as //Alice, an ss58 address, a 0x seed or a mnemonic phrase")]
    Empty,
    /// An address with a typing error.
    #[error("the account's address has a wrong checksum: copy it again, one character differs")]
    Checksum,
    /// Neither an address nor a secret.
    #[error(
        "this is no account: name it as //Alice (two slashes), an ss58 address, a 0x seed or a mnemonic phrase"
    )]
    Unreadable,
    /// A phrase with wrong words or checksum.
    #[error("this is no mnemonic phrase: it needs 12, 15, 18, 21 or 24 English words of the BIP-39 list")]
    Phrase,
    /// A seed of another length or with other characters.
    #[error("this is no seed: it needs 0x and 64 hexadecimal digits")]
    Seed,
    /// A seed or a public key, where neither belongs.
    #[error(
        "this account is in hexadecimal, which may be a public key or a seed; if it is a public key, name the account \
        by its address{}; if it is a seed, it belongs only where a key signs, and here the address of its account, \
        which `offstage import` prints",
        .address.as_ref().map(|address| format!(", {address}")).unwrap_or_default()
    )]
    Hexadecimal {
        /// The address of the account whose public key it would be, unless it was hidden or has another length.
        address: Option<String>,
    },
    /// A malformed derivation.
    #[error("the account's derivation is malformed: it is //hard or /soft, for example //Alice//stash")]
    Derivation,
    /// The place of the account cannot be read.
    #[error("cannot read the account from {place}: {reason}")]
    Place {
        /// Where it was looked for.
        place: String,
        /// Why there is none.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sp_core::crypto::Ss58AddressFormat;
    use sp_runtime::traits::Verify;

    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    const PHRASE: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

    #[test]
    fn the_forms_of_one_account_agree() {
        let seed = "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";
        for text in ["//Alice", ALICE, seed, &format!("{PHRASE}//Alice"), " //Alice "] {
            assert_eq!(ss58(&NamedAccount::parse(text).ok().unwrap().id()), ALICE, "{text}");
        }
    }

    #[test]
    fn addresses_of_other_chains_are_read() {
        let id = NamedAccount::parse("//Bob").ok().unwrap().id();
        for prefix in [0, 2, 13, 252] {
            let text = id.to_ss58check_with_version(Ss58AddressFormat::custom(prefix));
            assert_eq!(NamedAccount::parse(&text).ok().unwrap().id(), id);
        }
    }

    #[test]
    fn malformed_accounts_say_why() {
        let mut mistyped = ALICE.to_owned();
        mistyped.replace_range(10..11, "x");
        for (text, error) in [
            ("", AccountError::Empty),
            ("Alice", AccountError::Unreadable),
            (&mistyped, AccountError::Checksum),
            ("0x1234", AccountError::Seed),
            ("0xzz", AccountError::Seed),
            ("bottom drive obey", AccountError::Phrase),
            ("one two three four five six seven eight nine ten eleven twelve", AccountError::Phrase),
        ] {
            assert_eq!(NamedAccount::parse(text).err(), Some(error), "{text}");
        }
    }

    #[test]
    fn errors_and_debug_output_do_not_quote_secrets() {
        let text = AccountText::from("bottom drive secretword");
        assert!(!format!("{text:?} {}", text.parse().err().unwrap()).contains("secretword"));
    }

    #[test]
    fn h23_a_secret_is_read_from_a_file_or_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, format!("{PHRASE}//Alice\n")).unwrap();
        let id = |text: String| AccountText::from(text).parse().map(|named| ss58(&named.id()));
        assert_eq!(id(format!("@{}", path.display())), Ok(ALICE.to_owned()));
        // Cargo's own, so that no test changes the environment of the others.
        assert_eq!(id("env:CARGO_PKG_NAME".to_owned()), Err(AccountError::Unreadable));
        for nowhere in ["env:OFFSTAGE_TEST_NOT_SET", "@/nowhere"] {
            let error = id(nowhere.to_owned()).unwrap_err();
            assert!(error.to_string().contains(nowhere), "{error}");
        }
    }

    #[test]
    fn hexadecimal_is_a_seed_for_who_signs_and_refused_with_both_readings_for_others() {
        let seed = "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";
        let public = NamedAccount::parse("//Bob").ok().unwrap().id();
        let text = format!("0x{}", hex::encode(AsRef::<[u8]>::as_ref(&public)));
        let error = AccountText::from(text.as_str()).parse_recipient().unwrap_err();
        assert_eq!(error, AccountError::Hexadecimal { address: Some(ss58(&public)) });
        let told = error.to_string();
        for words in [&ss58(&public), "public key", "seed", "where a key signs", "import"] {
            assert!(told.contains(words), "{told}");
        }
        assert_eq!(ss58(&AccountText::from(seed).parse().ok().unwrap().id()), ALICE);
        for other in ["0x12", "0xzz", " 0x", &format!("{seed}//Alice")] {
            let error = AccountText::from(other).parse_recipient().unwrap_err();
            assert_eq!(error, AccountError::Hexadecimal { address: None }, "{other}");
        }
        for named in ["//Alice", ALICE, &format!("{PHRASE}//Alice")] {
            assert_eq!(AccountText::from(named).parse_recipient().map(|id| ss58(&id)), Ok(ALICE.into()));
        }
    }

    /// It may be a seed, and as an address it could be read as well.
    #[test]
    fn hexadecimal_that_was_hidden_is_not_shown_as_an_address() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seed");
        std::fs::write(&path, format!("0x{}\n", "ab".repeat(32))).unwrap();
        let error = AccountText::from(format!("@{}", path.display())).parse_recipient().unwrap_err();
        assert_eq!(error, AccountError::Hexadecimal { address: None });
    }

    #[test]
    fn h23_what_shows_a_secret_on_the_command_line_is_told_from_what_does_not() {
        for shown in ["0x12", PHRASE, &format!("{PHRASE}//Alice"), " 0x12"] {
            assert!(AccountText::from(shown).shows_secret(), "{shown}");
        }
        for hidden in ["//Alice", "//Alice//stash", ALICE, "-", "@my file", "env:SEED"] {
            assert!(!AccountText::from(hidden).shows_secret(), "{hidden}");
        }
    }

    #[test]
    fn signatures_verify_for_the_account() {
        let (account, phrase) = Account::generate();
        let again = Account::from_secret(&phrase).ok().unwrap();
        assert_eq!(again.id(), account.id());
        assert!(Account::sign(&again, b"message").verify(&b"message"[..], &account.id()));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            let _ = NamedAccount::parse(&text);
        }
    }
}
