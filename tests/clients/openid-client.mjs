// openid-client as an application uses it: discovery and registration in one step, no option.

import * as client from "openid-client";
import {
  ask,
  equal,
  issuer,
  mcpUrl,
  redirectUri,
  refusal,
  verified,
  whoami,
} from "./conversation.mjs";

await refusal(() => client.discovery(issuer, "anybody", undefined, client.None()));
verified("no OpenID provider, said cleanly");

const config = await client.dynamicClientRegistration(
  issuer,
  { client_name: "openid-client", redirect_uris: [redirectUri] },
  client.None(),
  { algorithm: "oauth2" },
);
equal(config.serverMetadata().issuer, issuer.origin);
equal(config.serverMetadata().supportsPKCE(), true);
verified("authorization server metadata and registration (RFC 8414, RFC 7591)");

const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const answer = await ask(
  client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: "read",
    state,
    resource: mcpUrl.href,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  }),
);
const checks = { pkceCodeVerifier: verifier, expectedState: state };
const forged = new URL(answer);
forged.searchParams.set("iss", "https://attacker.example");
await refusal(() => client.authorizationCodeGrant(config, forged, checks));
const tokens = await client.authorizationCodeGrant(config, answer, checks, {
  resource: mcpUrl.href,
});
equal([tokens.token_type, tokens.scope, tokens.expiresIn() > 3500], ["bearer", "read", true]);
verified("authorization response, code and PKCE (RFC 9207, RFC 7636)");

const headers = new Headers({ "content-type": "application/json" });
const call = (token) =>
  client.fetchProtectedResource(config, token, mcpUrl, "POST", whoami, headers);
const answered = await call(tokens.access_token);
equal([answered.status, (await answered.json()).result.isError], [200, false]);
verified("protected resource request");

const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, {
  resource: mcpUrl.href,
});
equal(refreshed.refresh_token === tokens.refresh_token, false);
equal((await call(refreshed.access_token)).status, 200);
verified("refresh with rotation (RFC 6749 §6)");

await client.tokenRevocation(config, refreshed.refresh_token);
const ended = await refusal(() => call(refreshed.access_token));
equal(ended.cause[0].parameters.error, "invalid_token");
const again = await refusal(() => client.refreshTokenGrant(config, refreshed.refresh_token));
equal([again.status, again.error], [400, "invalid_grant"]);
verified("revocation, and nothing works afterwards (RFC 7009)");
