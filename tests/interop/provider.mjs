// An OpenID provider (the npm package oidc-provider) for the tests of hubseal-agent.
//   node provider.mjs CALLBACK_URL
// Says "ready ISSUER" when it listens. GET /test/user/NAME chooses who is logged in without further questions.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const callback = process.argv[2];
const users = {
  alice: { name: 'Alice Admin', email: 'alice@hub.example', groups: ['/Application/PTA'] },
  bob: { name: 'Bob Bank', email: 'bob@bank1.example', groups: ['/Application/DFSP:bank1'] },
};
const groupsOfClients = {
  operator: ['/Application/PTA'],
  bank1: ['/Application/DFSP:bank1'], bank2: ['/Application/DFSP:bank2'], bank3: ['/Application/DFSP:bank3'],
};
let user = 'alice';

function signingKey(kid) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' };
}

function makeProvider(issuer) {
  return new Provider(issuer, {
    jwks: { keys: [signingKey('key-1')] },
    cookies: { keys: ['for tests only'] },
    clients: [
      {
        client_id: 'hub-portal', client_secret: 'portal secret: 100%', redirect_uris: [callback],
        post_logout_redirect_uris: [new URL('/bye', callback).href],
        grant_types: ['authorization_code'], response_types: ['code'], token_endpoint_auth_method: 'client_secret_basic',
      },
      ...Object.keys(groupsOfClients).map((name) => ({
        client_id: name, client_secret: `${name}-secret`, redirect_uris: [], response_types: [],
        grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_post',
      })),
    ],
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], profile: ['name', 'groups'], email: ['email'] },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...users[id] }) }),
    extraTokenClaims: (ctx, token) => ({ groups: groupsOfClients[token.clientId] }),
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx) => (groupsOfClients[ctx.oidc.client?.clientId] ? 'urn:mcm' : undefined),
        getResourceServerInfo: () => ({
          scope: '', audience: 'connection-manager-api', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
}

/** Logs `user` in and agrees to everything. */
async function interact(provider, request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login')
    return provider.interactionFinished(request, response, { login: { accountId: user } });
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope('openid profile email');
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } },
    { mergeWithLastSubmission: true });
}

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = makeProvider(issuer);
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (request.url.startsWith('/test/user/')) {
      user = request.url.split('/').pop();
      response.end();
    } else if (request.url.startsWith('/interaction/')) {
      interact(provider, request, response).catch((problem) => { response.statusCode = 500; response.end(String(problem)); });
    } else {
      answer(request, response);
    }
  });
  console.log(`ready ${issuer}`);
});
