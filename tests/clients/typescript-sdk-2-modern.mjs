// @modelcontextprotocol/client, the second generation, asked to negotiate: without a handshake.

import {
  Client,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from "@modelcontextprotocol/client";
import { run } from "./typescript-sdk.mjs";

await run("TypeScript SDK 2, modern", {
  Client,
  Transport: StreamableHTTPClientTransport,
  UnauthorizedError,
  options: { versionNegotiation: { mode: "auto" } },
  isAsked: true,
  use: (client, call, options) => client.callTool(call, options),
  answer: (client, fillIn) => client.setRequestHandler("elicitation/create", fillIn),
  finish: (transport, answer) => transport.finishAuth(answer.get("code"), answer.get("iss")),
});
