// What both generations of the TypeScript SDK are put through: it is given the pasted URL only.

import { ask, equal, expire, mcpUrl, redirectUri, refusal, verified } from "./conversation.mjs";

/** Where the SDK keeps what it has, and how it sends the person away. */
class Provider {
  constructor(name) {
    this.redirectUrl = redirectUri;
    this.clientMetadata = { client_name: name, redirect_uris: [redirectUri] };
  }
  state() {
    return "a-state";
  }
  clientInformation() {
    return this.registration;
  }
  saveClientInformation(registration) {
    this.registration = registration;
  }
  tokens() {
    return this.kept;
  }
  saveTokens(tokens) {
    this.kept = tokens;
  }
  codeVerifier() {
    return this.verifier;
  }
  saveCodeVerifier(verifier) {
    this.verifier = verifier;
  }
  async redirectToAuthorization(url) {
    this.answer = await ask(url);
    equal(this.answer.searchParams.get("state"), "a-state");
  }
}

/**
 * Connect, use, lose the access token, use again, ask for more. `finish` hands over the answer,
 * `use` calls a tool with options, `answer` says what the person will fill in.
 */
export async function run(
  name,
  { Client, Transport, UnauthorizedError, options, finish, use, answer, isAsked },
) {
  const provider = new Provider(name);
  let transport;
  const connect = async () => {
    const client = new Client(
      { name, version: "1" },
      { capabilities: { elicitation: {} }, ...options },
    );
    answer(client, () => ({
      action: "accept",
      content: { username: "alice", email: "alice@example.com" },
    }));
    transport = new Transport(mcpUrl, { authProvider: provider });
    try {
      await client.connect(transport);
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
      await finish(transport, provider.answer.searchParams);
      return undefined;
    }
    return client;
  };
  equal(await connect(), undefined);
  let client = await connect();
  verified("connected from the pasted URL");

  const whoami = async () => {
    const told = await use(client, { name: "whoami", arguments: {} });
    equal(told.structuredContent.client, name);
    return told.structuredContent;
  };
  const names = (await client.listTools()).tools.map((tool) => tool.name);
  equal(names.includes("whoami"), true);
  await whoami();
  verified("tools listed and called");

  const failed = await use(client, { name: "test_error_handling", arguments: {} });
  equal(failed.isError, true);
  const told = /^This tool intentionally returns an error for testing Reference: \w{13}$/;
  equal(told.test(failed.content[0].text), true);
  verified("a tool's error read");

  const steps = [];
  await use(
    client,
    { name: "test_tool_with_progress", arguments: {} },
    { onprogress: ({ progress, total }) => steps.push([progress, total]) },
  );
  equal(steps, [[0, 100], [50, 100], [100, 100]]);
  verified("progress heard");

  const asked = await use(client, {
    name: "test_elicitation",
    arguments: { message: "Who are you?" },
  });
  if (isAsked) {
    equal(asked.content[0].text.includes("alice@example.com"), true);
    verified("a question answered in the middle of a call");
  } else {
    equal(asked.isError, true);
    equal(asked.content[0].text.includes("cannot ask"), true);
    verified("told that it cannot be asked");
  }

  const lose = async (token) => {
    const first = provider.kept;
    provider.kept = { ...first, access_token: token };
    await whoami();
    equal(provider.kept.refresh_token === first.refresh_token, false);
  };
  await lose("lost");
  verified("refreshed by itself after a 401");
  await lose(await expire(provider.kept.access_token));
  verified("refreshed by itself after an hour");

  const act = () => use(client, { name: "test_acting", arguments: {} });
  const refused = await refusal(act);
  if (refused instanceof UnauthorizedError) {
    await finish(transport, provider.answer.searchParams);
    verified("asked the person for more by itself");
  } else {
    // It refreshes, which gives nothing more, and gives up; people connect it again.
    await whoami();
    provider.kept = undefined;
    equal(await connect(), undefined);
    client = await connect();
    verified("went on with what it had, and was connected again for more");
  }
  equal((await act()).content[0].text, "acted");
  equal((await whoami()).scopes, ["read", "actions"]);
  verified("used what the person had added");
  await client.close();
}
