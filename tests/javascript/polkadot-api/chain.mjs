// SPDX-License-Identifier: Apache-2.0
// What the tests need: the chain through @polkadot/api, with no types of our own, and patience that counts blocks.
import assert from "node:assert/strict";
import { ApiPromise, Keyring, WsProvider } from "@polkadot/api";

// What the library cannot read of a chain it says in warnings. There must be none. What it says of JSON-RPC methods and
// runtime interfaces that are newer than itself is no matter of types, and it says it of every chain.
const warnings = [];
for (const level of ["warn", "error"]) {
  const print = console[level];
  console[level] = (...words) => {
    const text = words.map(String).join(" ");
    if (/unknown|unable|could not/i.test(text) && !/not decorat(ed|ing)/i.test(text)) warnings.push(text);
    print(...words);
  };
}

/// What `make test-javascript` says: where the node and the worker are, and which shard.
export function setting(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: run this with \`make test-javascript\``);
  return value;
}

/// The chain, and a keyring of its accounts.
export async function connect() {
  const api = await ApiPromise.create({ provider: new WsProvider(setting("OFFSTAGE_NODE_URL")) });
  assert.deepEqual(warnings, [], "the chain needs types of its own");
  return { api, keyring: new Keyring({ type: "sr25519" }) };
}

/// Sends a call and waits until its block is final. Fails when the call does. Resolves with its events.
export function finalized(api, call, signer) {
  return new Promise((resolve, reject) => {
    call
      .signAndSend(signer, ({ status, events, dispatchError }) => {
        if (!status.isFinalized) return;
        if (!dispatchError) return resolve(events.map(({ event }) => event));
        const name = dispatchError.isModule ? api.registry.findMetaError(dispatchError.asModule).name : `${dispatchError}`;
        reject(new Error(name));
      })
      .catch(reject);
  });
}

/// Asks again with each final block, until the answer is right or so many blocks have come.
export async function eventually(api, what, expected, ask) {
  let last;
  for (let blocks = 0; blocks < 60; blocks += 1) {
    last = await ask();
    if (last === expected) return;
    await new Promise((resolve) => {
      let first = true;
      const subscription = api.rpc.chain.subscribeFinalizedHeads(() => {
        if (!first) subscription.then((end) => end()).then(resolve);
        first = false;
      });
    });
  }
  assert.fail(`${what}: expected ${expected}, found ${last} after 60 blocks`);
}

/// The events of a kind that are in one call's.
export function find(events, kind) {
  const event = events.find((event) => kind.is(event));
  assert.ok(event, `an event is missing among ${events.map(({ section, method }) => `${section}.${method}`)}`);
  return event;
}
