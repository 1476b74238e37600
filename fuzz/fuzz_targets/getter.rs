// SPDX-License-Identifier: Apache-2.0
#![no_main]

offstage_fuzz::target!(offstage_balances_interface::fuzzing::getter, 64 + 100);
