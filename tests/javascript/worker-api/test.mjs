// SPDX-License-Identifier: Apache-2.0
// @encointer/worker-api, the published JavaScript client of Integritee's worker, with our worker and node: it reads
// the shielding key, nonces and balances, and it composes, signs and seals indirect calls.
//
// The chain is read and signed for with the @polkadot/api 16 of the folder beside this one: the 11 that the client
// brings cannot read blocks with extrinsics of version 5, which are those of each chain of today.
//
// It verifies no quote: it takes whichever certificate and key it gets. So do its users' tests, which is why the
// certificate is not looked at here. That is no way to treat a worker with funds.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { IntegriteeWorker } from "@encointer/worker-api";
import { createTrustedCall } from "@encointer/worker-api/requests";
import { encryptWithPublicKey } from "@encointer/worker-api/webCryptoRSA";
import { Keyring } from "@polkadot/keyring";
import bs58 from "bs58";
import websocket from "websocket";
import { connect, eventually, finalized, find, setting } from "../polkadot-api/chain.mjs";

const shard = setting("OFFSTAGE_SHARD");
const hex = (bytes) => `0x${Buffer.from(bytes).toString("hex")}`;
const shardHex = hex(bs58.decode(shard));
const { api, keyring: publicKeyring } = await connect();
const keyring = new Keyring({ type: "sr25519" });
// Accounts that nobody has used, so that the test can be run again on the same shard.
const [alice, bob] = ["Alice", "Bob"].map((name) => keyring.addFromUri(`//${name}//${randomUUID()}`));
const [payer, ferdie] = ["//Alice", "//Ferdie"].map((name) => publicKeyring.addFromUri(name));

const worker = new IntegriteeWorker(setting("OFFSTAGE_WORKER_URL"), {
  keyring,
  createWebSocket: (url) =>
    new websocket.w3cwebsocket(url, undefined, undefined, undefined, { rejectUnauthorized: false }),
});
const shieldingKey = await worker.getShieldingKey();
assert.equal(shieldingKey.algorithm.modulusLength, 3072);

const balance = async (account) => BigInt((await worker.getBalance(account, shard)).toString());
const nonce = async (account) => (await worker.getNonce(account, shard)).toNumber();
const seal = async (bytes) => new Uint8Array(await encryptWithPublicKey(bytes, shieldingKey));

/// A signed call in an indirect operation, not sealed yet. The shard is named after its enclave's measurement.
async function operation(variant, type, author, parameters) {
  const shardT = worker.createType("ShardIdentifier", bs58.decode(shard));
  const nonce = await worker.getNonce(author, shard);
  const call = createTrustedCall(worker, [variant, type], author, shardT, shard, nonce, worker.createType(type, parameters));
  return worker.createType("IntegriteeTrustedOperation", { indirect_call: call }).toU8a();
}
const transfer = (amount) => operation("balance_transfer", "BalanceTransferArgs", alice, [alice.address, bob.address, amount]);
const invoke = (sealed) => finalized(api, api.tx.enclaveBridge.invoke({ shard: shardHex, cyphertext: hex(sealed) }), payer);

assert.equal(await balance(alice), 0n);
assert.equal(await nonce(alice), 0);
const shielded = await finalized(api, api.tx.enclaveBridge.shieldFunds(shardHex, hex(await seal(alice.publicKey)), 50_000_000_000n), payer);
assert.equal(find(shielded, api.events.enclaveBridge.ShieldFunds).data.amount.toBigInt(), 50_000_000_000n);
await eventually(api, "Alice's balance after shielding", 50_000_000_000n, () => balance(alice));
console.log("reading and shielding: passed");

await invoke(await seal(await transfer(25_000_000_000)));
await eventually(api, "Bob's balance after the transfer", 25_000_000_000n, () => balance(bob));
assert.equal(await balance(alice), 25_000_000_000n);
assert.equal(await nonce(alice), 1);
console.log("an indirect transfer: passed");

// The client's own `encrypt` drops leading zero bytes: of what it seals, and an indirect operation begins with one, its
// tag; and of the ciphertext, where one in 256 has one. What is left is another operation or no envelope: it stays
// unexecuted, and nothing of the account is used up. The whole is executed.
const plain = await transfer(1_000);
assert.equal(plain[0], 0);
await invoke((await worker.encrypt(plain)).toU8a(true));
let sealed = await seal(plain);
while (sealed[0] !== 0) sealed = await seal(plain);
await invoke(sealed.slice(1));
await invoke(sealed);
await eventually(api, "Bob's balance after the whole ciphertext", 25_000_001_000n, () => balance(bob));
assert.equal(await nonce(alice), 2);
console.log("an operation or ciphertext without its leading zero is not executed, the whole one is: passed");

const before = (await api.query.system.account(ferdie.address)).data.free.toBigInt();
await invoke(
  await seal(await operation("balance_unshield", "BalanceUnshieldArgs", alice, [alice.address, ferdie.address, 15_000_000_000, shardHex])),
);
const publicly = async () => (await api.query.system.account(ferdie.address)).data.free.toBigInt();
await eventually(api, "Ferdie's public balance after the unshielding", before + 15_000_000_000n, publicly);
assert.equal(await balance(alice), 9_999_999_000n);
console.log("an unshielding: passed");

// Direct invocation, which this client does by itself, is refused: an off-chain worker takes calls from the chain.
const refused = await new Promise((resolve) => {
  process.once("uncaughtException", resolve);
  worker.trustedBalanceTransfer(alice, shard, shard, alice.address, bob.address, 1).then(() => resolve(undefined), resolve);
});
assert.match(`${refused?.message}`, /RPC Error/);
assert.equal(await nonce(alice), 3);
console.log("a direct call is refused: passed");

await worker.close();
await api.disconnect();
