// SPDX-License-Identifier: Apache-2.0
#![no_main]

use offstage_balances_interface::{Getter, TrustedCall};

offstage_fuzz::target!(offstage_enclave::fuzzing::operation::<TrustedCall, Getter>, 64 + 100);
