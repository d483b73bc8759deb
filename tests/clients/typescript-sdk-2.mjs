// @modelcontextprotocol/client, the second generation, as it comes: with a handshake.

import {
  Client,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from "@modelcontextprotocol/client";
import { run } from "./typescript-sdk.mjs";

await run("TypeScript SDK 2", {
  Client,
  Transport: StreamableHTTPClientTransport,
  UnauthorizedError,
  use: (client, call, options) => client.callTool(call, options),
  answer: (client, fillIn) => client.setRequestHandler("elicitation/create", fillIn),
  finish: (transport, answer) => transport.finishAuth(answer.get("code"), answer.get("iss")),
});
