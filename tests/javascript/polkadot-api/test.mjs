// SPDX-License-Identifier: Apache-2.0
// @polkadot/api on our node, without types of one's own: a transfer, its events, and calls, storage and errors of our
// pallets, all by the chain's metadata.
import assert from "node:assert/strict";
import bs58 from "bs58";
import { connect, finalized, find, setting } from "./chain.mjs";

const { api, keyring } = await connect();
const [alice, bob] = ["//Alice", "//Bob"].map((name) => keyring.addFromUri(name));
const shard = `0x${bs58.decode(setting("OFFSTAGE_SHARD")).toString("hex")}`;

// A transfer and its events.
const before = (await api.query.system.account(bob.address)).data.free.toBigInt();
const events = await finalized(api, api.tx.balances.transferKeepAlive(bob.address, 12_345_678n), alice);
const transfer = find(events, api.events.balances.Transfer);
assert.equal(transfer.data.amount.toBigInt(), 12_345_678n);
assert.equal(transfer.data.to.toString(), bob.address);
const after = (await api.query.system.account(bob.address)).data.free.toBigInt();
assert.equal(after - before, 12_345_678n);
console.log("a transfer and its events: passed");

// The enclave that is registered, and that the shard counts.
const enclaves = await api.query.teerex.sovereignEnclaves.entries();
assert.equal(enclaves.length, 1);
const [key, enclave] = enclaves[0];
const signer = key.args[0].toString();
const sgx = enclave.unwrap().asSgx;
assert.equal(sgx.mrEnclave.toHex(), shard);
assert.ok(sgx.attestationMethod.isDcap && sgx.buildMode.isProduction, `${sgx}`);
assert.match(sgx.url.unwrap().toUtf8(), /^wss:\/\//);
const status = (await api.query.enclaveBridge.shardStatus(shard)).unwrap();
assert.deepEqual(status.map(({ signer }) => signer.toString()), [signer]);
console.log("the registry and the shard's status: passed");

// Confirmations among the events of some final block.
const head = await api.rpc.chain.getFinalizedHead();
let number = (await api.rpc.chain.getHeader(head)).number.toNumber();
let confirmed;
for (; number > 0 && !confirmed; number -= 1) {
  const at = await api.at(await api.rpc.chain.getBlockHash(number));
  const records = await at.query.system.events();
  confirmed = records.map(({ event }) => event).find((event) => api.events.enclaveBridge.ProcessedParentchainBlock.is(event));
}
assert.ok(confirmed, "no worker has confirmed a block");
assert.equal(confirmed.data.shard.toHex(), shard);
assert.ok(confirmed.data.blockNumber.toNumber() >= number);
console.log("a confirmation: passed");

// A call of ours, and its event; and an error of ours by its name.
const invoked = await finalized(api, api.tx.enclaveBridge.invoke({ shard, cyphertext: "0x00" }), bob);
assert.equal(find(invoked, api.events.enclaveBridge.IndirectInvocationRegistered).data[0].toHex(), shard);
const nobody = `0x${"07".repeat(32)}`;
await assert.rejects(finalized(api, api.tx.enclaveBridge.invoke({ shard: nobody, cyphertext: "0x00" }), bob), {
  message: "ShardNotFound",
});
await assert.rejects(finalized(api, api.tx.teerex.registerSgxEnclave("0x00", null, { Skip: { proxied: false } }), bob));
console.log("calls and errors of our pallets: passed");

await api.disconnect();
