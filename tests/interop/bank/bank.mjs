// A bank that onboards itself with the client that banks use (the npm package @mojaloop/mcm-client), for the tests of
// hubseal-agent.
//   node bank.mjs API BANK BITS [ISSUER]
// API: the address that ends in /api. BANK: its id, and its name at the OpenID provider ISSUER, where its secret is "BANK-secret";
// without ISSUER it logs in nowhere. BITS: of its RSA keys.
// Writes lines "bank JSON" between what the client logs: {states} and {config} (what the connector is told) after each change,
// until its input ends. A line of its input is an event that the bank's people or its operator send the client, as JSON.
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import mcm from '@mojaloop/mcm-client';
import { Vault } from './vault.mjs';

const [hubEndpoint, dfspId, bits, hubIamProviderUrl] = process.argv.slice(2);
const auth = { enabled: Boolean(hubIamProviderUrl), creds: { clientId: dfspId, clientSecret: `${dfspId}-secret` } };

// What goes wrong is told to this only; of axios' errors the whole request would follow.
const brief = (one) => (one instanceof Error ? `${one.message} ${JSON.stringify(one.response?.data)}` : one);
const tell = (...what) => console.error(...what.map(brief));
const logger = { push: () => logger, child: () => logger, debug() {}, verbose() {}, info() {}, warn: tell, error: tell };

const write = (what) => process.stdout.write(`bank ${JSON.stringify(what)}\n`);
const ControlServer = { changeConfig: async (config) => write({ config }), notifyPeerJWS: async () => {} };

await new mcm.AuthModel({ auth, logger, hubIamProviderUrl }).login();
const to = { dfspId, hubEndpoint, logger };
const vault = new Vault(logger, `${dfspId}.example`, Number(bits));
const machine = new mcm.ConnectionStateMachine({
  logger, vault, ControlServer, dfspId, hubEndpoint,
  dfspCertificateModel: new mcm.DFSPCertificateModel(to),
  hubCertificateModel: new mcm.HubCertificateModel(to),
  dfspEndpointModel: new mcm.DFSPEndpointModel(to),
  refreshIntervalSeconds: 1,
  reportStatesStatusIntervalSeconds: 1,
  config: {
    callbackURL: `https://${dfspId}.example/fspiop`, whitelistIP: ['192.0.2.10', '198.51.100.0/24'],
    dfspServerCsrParameters: { subject: { CN: `${dfspId}.example` }, extensions: { subjectAltName: { dns: [`${dfspId}.example`] } } },
  },
});

async function reached(done) {
  for (let last; ; await pause(50)) {
    const states = machine.getState(true);
    const text = JSON.stringify(states);
    if (text !== last) write({ states });
    last = text;
    if (done(states)) return;
  }
}

createInterface({ input: process.stdin }).on('line', (line) => machine.sendEvent(JSON.parse(line))).on('close', () => process.exit(0));
await machine.start();
await reached(({ DFSP_CA }) => DFSP_CA.status === 'completed'); // that there is none yet
machine.sendEvent({ type: 'CREATE_INT_CA', subject: { CN: `${dfspId} CA`, O: dfspId, C: 'KE' } });
const { publicKey, createdAt } = vault.createJWS(); // of somebody beyond the hub, whom the connector tells of
machine.sendEvent({ type: 'UPLOAD_PEER_JWS', data: [{ dfspId: `beyond-${dfspId}`, publicKey, createdAt }] });
await reached(() => false);
