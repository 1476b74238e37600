// SPDX-License-Identifier: Apache-2.0
#![no_main]

offstage_fuzz::target!(offstage_light_client::fuzzing::follower, 64 + 200);
