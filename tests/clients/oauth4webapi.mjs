// oauth4webapi, with no check loosened: every response goes through the library's own validation.

import * as oauth from "oauth4webapi";
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

const call = (token) =>
  oauth.protectedResourceRequest(
    token,
    "POST",
    mcpUrl,
    new Headers({ "content-type": "application/json", accept: "application/json" }),
    whoami,
  );

const challenged = await refusal(() => call("nonsense"));
equal(challenged.constructor.name, "WWWAuthenticateChallengeError");
const [challenge] = challenged.cause;
equal([challenge.scheme, challenge.parameters.error], ["bearer", "invalid_token"]);
verified("WWW-Authenticate of the 401 (RFC 6750)");

const resource = await oauth.processResourceDiscoveryResponse(
  mcpUrl,
  await oauth.resourceDiscoveryRequest(mcpUrl),
);
equal(resource.authorization_servers, [issuer.origin]);
const linked = await fetch(challenge.parameters.resource_metadata);
equal(await linked.json(), resource);
verified("protected resource metadata (RFC 9728)");

const as = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: "oauth2" }),
);
verified("authorization server metadata (RFC 8414)");

const openid = await oauth.discoveryRequest(issuer, { algorithm: "oidc" });
equal([openid.status, openid.headers.get("content-type")], [404, "application/json"]);
await refusal(() => oauth.processDiscoveryResponse(issuer, openid));
verified("no OpenID provider, said cleanly");

const client = await oauth.processDynamicClientRegistrationResponse(
  await oauth.dynamicClientRegistrationRequest(as, {
    client_name: "oauth4webapi",
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    token_endpoint_auth_method: "none",
  }),
);
verified("registration response (RFC 7591)");

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const url = new URL(as.authorization_endpoint);
url.search = new URLSearchParams({
  client_id: client.client_id,
  redirect_uri: redirectUri,
  response_type: "code",
  scope: "read",
  state,
  resource: resource.resource,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
});
const answer = await ask(url);
const without = new URL(answer);
without.searchParams.delete("iss");
await refusal(() => oauth.validateAuthResponse(as, client, without, state));
const parameters = oauth.validateAuthResponse(as, client, answer, state);
verified("authorization response with state and iss (RFC 9207)");

const tokens = await oauth.processAuthorizationCodeResponse(
  as,
  client,
  await oauth.authorizationCodeGrantRequest(
    as,
    client,
    oauth.None(),
    parameters,
    redirectUri,
    verifier,
    { additionalParameters: { resource: resource.resource } },
  ),
);
equal([tokens.token_type, tokens.scope], ["bearer", "read"]);
verified("token response (RFC 6749, RFC 7636)");

const bearing = (token) =>
  new Request(mcpUrl, { headers: { authorization: `Bearer ${token}` } });
const claims = await oauth.validateJwtAccessToken(as, bearing(tokens.access_token), mcpUrl.href, {
  signingAlgorithms: ["ES256"],
});
equal([claims.aud, claims.client_id, claims.scope], [mcpUrl.href, client.client_id, "read"]);
await refusal(() =>
  oauth.validateJwtAccessToken(as, bearing(tokens.access_token), issuer.origin, {
    signingAlgorithms: ["ES256"],
  }),
);
verified("JWT access token against the key set (RFC 9068)");

const answered = await call(tokens.access_token);
equal([answered.status, (await answered.json()).result.isError], [200, false]);
verified("protected resource request");

const refreshed = await oauth.processRefreshTokenResponse(
  as,
  client,
  await oauth.refreshTokenGrantRequest(as, client, oauth.None(), tokens.refresh_token),
);
equal(refreshed.refresh_token === tokens.refresh_token, false);
equal((await call(refreshed.access_token)).status, 200);
verified("refresh with rotation (RFC 6749 §6)");

await oauth.processRevocationResponse(
  await oauth.revocationRequest(as, client, oauth.None(), refreshed.refresh_token),
);
const ended = await refusal(() => call(refreshed.access_token));
equal(ended.cause[0].parameters.error, "invalid_token");
const again = await refusal(async () =>
  oauth.processRefreshTokenResponse(
    as,
    client,
    await oauth.refreshTokenGrantRequest(as, client, oauth.None(), refreshed.refresh_token),
  ),
);
equal(again.error, "invalid_grant");
verified("revocation, and nothing works afterwards (RFC 7009)");
