// SPDX-License-Identifier: Apache-2.0
// @polkadot/api composes and signs extrinsics of the default logic's runtime, with nothing but its metadata and what a
// wallet knows of a chain. The result is saved, and the client's tests let the runtime execute it. Run it with
// `make vectors` after a change of the runtime.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { merkleizeMetadata } from "@polkadot-api/merkleize-metadata";
import { ApiPromise, Keyring } from "@polkadot/api";

const folder = new URL("../../../crates/client/src/shard_runtime/tests/", import.meta.url);
const metadata = readFileSync(new URL("balances.scale", folder));
const shard = JSON.parse(readFileSync(new URL("shard.json", folder), "utf8"));

// What the library asks of a node when it begins. Nothing else is there.
const answers = {
  chain_getBlockHash: () => shard.genesisHash,
  rpc_methods: () => ({ methods: Object.keys(answers) }),
  state_getMetadata: () => `0x${metadata.toString("hex")}`,
  state_getRuntimeVersion: () => ({ ...shard.version, apis: [], authoringVersion: 1, implName: shard.version.specName, implVersion: 1 }),
  system_chain: () => "Shard",
  system_properties: () => ({ tokenSymbol: shard.token.symbol, tokenDecimals: shard.token.decimals }),
};
const provider = {
  hasSubscriptions: true,
  isClonable: false,
  isConnected: true,
  connect: async () => {},
  disconnect: async () => {},
  on: (event, tell) => {
    if (event === "connected") setTimeout(tell, 0);
    return () => {};
  },
  send: async (method) => {
    assert.ok(answers[method], `${method} is asked for`);
    return answers[method]();
  },
  subscribe: async () => 1,
  unsubscribe: async () => true,
};

const api = await ApiPromise.create({ provider });
const alice = new Keyring({ type: "sr25519" }).addFromUri("//Alice");
const bob = new Keyring({ type: "sr25519" }).addFromUri("//Bob").address;
const digest = merkleizeMetadata(metadata, { decimals: shard.token.decimals, tokenSymbol: shard.token.symbol }).digest();
const metadataHash = `0x${Buffer.from(digest).toString("hex")}`;
const era = api.createType("ExtrinsicEra", { current: shard.block.number, period: 64 });
const variants = [
  ["immortal", { era: 0 }],
  ["mortal", { era, blockHash: shard.block.hash }],
  ["with the metadata's digest", { era: 0, mode: 1, metadataHash }],
];
const extrinsics = [];
for (const [nonce, [what, options]] of variants.entries()) {
  const signed = await api.tx.balances.transferAllowDeath(bob, 25).signAsync(alice, { nonce, ...options });
  assert.equal(signed.version & 0x7f, 4);
  extrinsics.push({ what, extrinsic: signed.toHex() });
}
writeFileSync(new URL("polkadot_api.json", folder), `${JSON.stringify({ metadataHash, extrinsics }, null, 2)}\n`);
await api.disconnect();
process.exit(0);
