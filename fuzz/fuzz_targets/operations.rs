// SPDX-License-Identifier: Apache-2.0
#![no_main]

offstage_fuzz::target!(offstage_light_client::fuzzing::operations_of_block, 256 + 400);
