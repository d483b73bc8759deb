// @modelcontextprotocol/sdk, the first generation: always a handshake.

import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { run } from "./typescript-sdk.mjs";

await run("TypeScript SDK 1", {
  Client,
  Transport: StreamableHTTPClientTransport,
  UnauthorizedError,
  use: (client, call, options) => client.callTool(call, undefined, options),
  answer: (client, fillIn) => client.setRequestHandler(ElicitRequestSchema, fillIn),
  finish: (transport, answer) => transport.finishAuth(answer.get("code")),
});
