// What both generations of the TypeScript SDK are put through: it is given the pasted URL only.

import { ask, equal, mcpUrl, redirectUri, verified } from "./conversation.mjs";

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

/** Connect, use, lose the access token, use again. `finish` hands over the answer. */
export async function run(name, { Client, Transport, UnauthorizedError, options, finish }) {
  const provider = new Provider(name);
  const connect = async () => {
    const client = new Client({ name, version: "1" }, options);
    const transport = new Transport(mcpUrl, { authProvider: provider });
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
  const client = await connect();
  verified("connected from the pasted URL");

  const whoami = async () => {
    const told = await client.callTool({ name: "whoami", arguments: {} });
    equal(told.structuredContent.client, name);
  };
  const names = (await client.listTools()).tools.map((tool) => tool.name);
  equal(names.includes("whoami"), true);
  await whoami();
  verified("tools listed and called");

  const first = provider.kept;
  provider.kept = { ...first, access_token: "lost" };
  await whoami();
  equal(provider.kept.refresh_token === first.refresh_token, false);
  verified("refreshed by itself after a 401");
  await client.close();
}
