// SPDX-License-Identifier: Apache-2.0
//! The one list of methods.

/// Makes [`Method`] and what is known of each method from one row: name on the wire, parameters, value, when it is
/// answered.
macro_rules! methods {
    ($(
        $(#[$documentation:meta])*
        $variant:ident: $name:literal, $parameters:ident, $value:literal, $answered:ident;
    )+) => {
        /// What a worker can be asked. In the order of the names on the wire.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Method {
            $($(#[$documentation])* $variant,)+
        }

        impl Method {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name on the wire.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The method with this name on the wire.
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// What it takes.
            pub const fn parameters(self) -> Parameters {
                match self {
                    $(Self::$variant => Parameters::$parameters,)+
                }
            }

            /// The SCALE type of its value, for readers.
            pub const fn value(self) -> &'static str {
                match self {
                    $(Self::$variant => $value,)+
                }
            }

            /// When it is answered.
            pub const fn answered(self) -> Answered {
                match self {
                    $(Self::$variant => Answered::$answered,)+
                }
            }
        }
    };
}

methods! {
    /// The enclave's measurement.
    Fingerprint: "author_getFingerprint", Nothing, "`[u8; 32]`: MRENCLAVE", Always;
    /// Where peers reach the enclave.
    MutualAttestationUrl: "author_getMuRaUrl", Nothing, "`String`", Always;
    /// The shard that it serves.
    Shard: "author_getShard", Nothing, "`H256`", Always;
    /// The public half of the key to which operations are encrypted.
    ShieldingKey: "author_getShieldingKey", Nothing, "`String`: the JSON form of the key", Serving;
    /// Where its host says that it is reached.
    UntrustedUrl: "author_getUntrustedUrl", Nothing, "`String`", Always;
    /// Of the classic wire: there is no pool.
    PendingExtrinsics: "author_pendingExtrinsics", Anything, "an error", Never;
    /// Of the classic wire: there is no direct invocation, workers would diverge.
    SubmitAndWatchExtrinsic: "author_submitAndWatchExtrinsic", Anything, "an error", Never;
    /// Of the classic wire: there is no direct invocation, workers would diverge.
    SubmitExtrinsic: "author_submitExtrinsic", Anything, "an error", Never;
    /// A method of the author's own, asked as an account.
    WithPermit: "offstage_callWithPermit", Permitted, "what the method answers, in JSON", Serving;
    /// The value of a getter and the block that it holds for.
    GetterAtBlock: "offstage_executeGetter", Getter, "`GetterAnswer`: the value, and the block it holds for", Serving;
    /// The evidence in the enclave's TLS certificate.
    Evidence: "offstage_getEvidence", Nothing, "`CertificateEvidence`", Always;
    /// An account's own operations.
    History: "offstage_getHistory", History, "`HistoryAnswer`: the asker's own operations, newest first", Serving;
    /// The metadata of the business logic's runtime, in the newest version of the format.
    NewestMetadata: "offstage_getMetadata", Nothing, "the same, of a FRAME runtime in version 16", Always;
    /// What became of an operation.
    Receipt: "offstage_getReceipt", Operation, "`Option<Receipt>`", Serving;
    /// What an operation's sender may learn of its execution.
    OperationResult: "offstage_getResult", OperationResult, "`ResultAnswer`: to the operation's sender alone", Serving;
    /// How far the worker is.
    Status: "offstage_getStatus", Nothing, "`WorkerStatus`: phase, executed block, final block", Always;
    /// A storage item or a view function of the logic's runtime.
    Read: "offstage_read", Read, "`GetterAnswer`: the value, and the block it holds for", Serving;
    /// The names of all methods.
    Methods: "rpc_methods", Nothing, "`Vec<String>`", Always;
    /// The value of a getter.
    Getter: "state_executeGetter", Getter, "`Option<Vec<u8>>`", Serving;
    /// The metadata of the business logic's runtime.
    Metadata: "state_getMetadata", Nothing, "the business logic's `RuntimeMetadataPrefixed`", Always;
    /// How the worker is, in words.
    Health: "system_health", Nothing, "`String`", Always;
    /// The program's name.
    Name: "system_name", Nothing, "`String`", Always;
    /// The program's version.
    Version: "system_version", Nothing, "`String`", Always;
}

/// What a method takes. Parameters are always an array.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Parameters {
    /// The empty array.
    Nothing,
    /// The hexadecimal form of a [`Request`](crate::enclave_bridge::Request) whose `cyphertext` is a bare getter:
    /// it travels in TLS that ends in the enclave.
    Getter,
    /// The hexadecimal form of a [`ReadRequest`](crate::read::ReadRequest).
    Read,
    /// The hexadecimal form of a [`Permit`](crate::read::Permit), the name of a method of the author's own, and that
    /// method's parameters, if it has any.
    Permitted,
    /// The hexadecimal form of an operation's hash.
    Operation,
    /// The hexadecimal form of a [`ResultRequest`](crate::result::ResultRequest).
    OperationResult,
    /// The hexadecimal form of a [`HistoryRequest`](crate::result::HistoryRequest).
    History,
    /// Whatever: it is not looked at.
    Anything,
}

/// When a method is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answered {
    /// In every phase.
    Always,
    /// In [`Phase::Serving`](super::Phase::Serving) alone; before, the answer is an error.
    Serving,
    /// Not at all: the answer is an error.
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::String, vec::Vec};

    fn row(method: Method) -> String {
        let parameters = match method.parameters() {
            Parameters::Nothing => "",
            Parameters::Getter => "hex of a `Request` whose `cyphertext` is a bare getter",
            Parameters::Read => "hex of a `ReadRequest`",
            Parameters::Permitted => "hex of a `Permit`, an own method's name, its parameters",
            Parameters::Operation => "hex of an operation hash",
            Parameters::OperationResult => "hex of a `ResultRequest`",
            Parameters::History => "hex of a `HistoryRequest`",
            Parameters::Anything => "any",
        };
        let answered = match method.answered() {
            Answered::Always => "always",
            Answered::Serving => "serving",
            Answered::Never => "never",
        };
        format!("| `{}` | {parameters} | {} | {answered} |", method.name(), method.value()).replace("  ", " ")
    }

    #[test]
    fn the_table_in_the_documentation_is_this_list() {
        let text = include_str!("../../../../../docs/src/wire.md");
        let section = text.split("\n## ").find(|section| section.starts_with("RPC methods\n")).unwrap();
        let table: Vec<&str> = section
            .lines()
            .skip_while(|line| !line.starts_with("|---"))
            .skip(1)
            .take_while(|line| line.starts_with('|'))
            .collect();
        let list: Vec<String> = Method::ALL.iter().map(|method| row(*method)).collect();
        assert_eq!(table, list, "\n{}\n", list.join("\n"));
    }

    #[test]
    fn names_are_found_and_in_order() {
        assert!(Method::ALL.windows(2).all(|pair| pair[0].name() < pair[1].name()));
        for method in Method::ALL {
            assert_eq!(Method::named(method.name()), Some(*method));
        }
        for name in ["", "author_getshard", "author_getShard ", "chain_getBlock"] {
            assert_eq!(Method::named(name), None);
        }
    }
}
