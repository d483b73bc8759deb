// The line that joins a client in Node to the person in Python: one JSON object a line.

import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
// Otherwise the script would go on listening after its end.
process.stdin.unref();

function tell(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function exchange(message) {
  tell(message);
  process.stdin.ref();
  const { value, done } = await lines.next();
  process.stdin.unref();
  if (done) throw new Error("the person went away");
  return value;
}

/** Send the person's browser to this address; where it ends up. */
export async function ask(url) {
  return new URL(await exchange({ authorize: String(url) }));
}

/** The same access token as it would be hours later. */
export async function expire(token) {
  return exchange({ expire: token });
}

/** Note something that the library has checked. */
export function verified(what) {
  tell({ verified: what });
}

/** What the library says when it refuses; it is an error if it doesn't. */
export async function refusal(action) {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error("the library accepted what it must refuse");
}

export function equal(actual, expected) {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${left} is not ${right}`);
}

/** A tools/call of the revision that is sent without a handshake. */
export const whoami = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "tools/call",
  params: { name: "whoami", arguments: {} },
});

export const mcpUrl = new URL(process.argv[2]);
export const issuer = new URL(mcpUrl.origin);
export const redirectUri = "http://127.0.0.1:43117/callback";
