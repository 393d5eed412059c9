// The bank's own Vault, in memory: the client's class with nothing changed but where its questions go.
import { randomBytes } from 'node:crypto';
import mcm from '@mojaloop/mcm-client';
import forge from 'node-forge';

const { pki } = forge;
const DAY = 24 * 60 * 60 * 1000;

function certify({ publicKey, subject, extensions, days, issuer, signWith }) {
  const certificate = pki.createCertificate();
  certificate.publicKey = publicKey;
  certificate.serialNumber = `4${randomBytes(16).toString('hex').slice(1)}`;
  certificate.validity.notBefore = new Date(Date.now() - 30 * 1000); // as Vault does
  certificate.validity.notAfter = new Date(Date.now() + days * DAY);
  certificate.setSubject(subject);
  certificate.setIssuer(issuer);
  certificate.setExtensions(extensions);
  certificate.sign(signWith, forge.md.sha256.create());
  return certificate;
}

function leafExtensions(altNames, use) {
  return [
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true, keyAgreement: true },
    { name: 'extKeyUsage', [use]: true },
    { name: 'subjectKeyIdentifier' },
    ...(altNames.length ? [{ name: 'subjectAltName', altNames }] : []),
  ];
}

/** What HTTP calls to a Vault with a kv and a pki engine answer. */
class Server {
  secrets = new Map();

  ca = null;

  constructor(bits) { this.bits = bits; }

  async read(path) {
    if (!this.secrets.has(path)) throw Object.assign(new Error('no such secret'), { response: { statusCode: 404 } });
    return { data: JSON.parse(this.secrets.get(path)) };
  }

  async write(path, value) { this.secrets.set(path, JSON.stringify(value)); }

  async delete(path) { this.secrets.delete(path); }

  async request({ method, path, json }) {
    const answers = {
      'GET /pki/ca/pem': () => this.ca?.pem, // 204 where there is none
      'DELETE /pki/root': () => { this.ca = null; },
      'POST /pki/root/generate/exported': () => this.makeRoot(json),
      'POST /pki/issue/server': () => this.issueServer(json),
      'POST /pki/sign/client': () => this.signClient(json),
    };
    return answers[`${method} ${path}`]();
  }

  makeRoot({ common_name, organization, country }) {
    const { privateKey, publicKey } = pki.rsa.generateKeyPair(this.bits);
    const subject = [{ shortName: 'C', value: country }, { shortName: 'O', value: organization }, { shortName: 'CN', value: common_name }];
    const extensions = [
      { name: 'basicConstraints', critical: true, cA: true },
      { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
      { name: 'subjectKeyIdentifier' },
    ];
    const certificate = certify({ publicKey, subject, extensions, days: 365, issuer: subject, signWith: privateKey });
    const keyIdentifier = certificate.generateSubjectKeyIdentifier().getBytes();
    this.ca = { privateKey, subject, keyIdentifier, pem: pki.certificateToPem(certificate).trim().replaceAll('\r', '') };
    return { data: { certificate: this.ca.pem, private_key: pki.privateKeyToPem(privateKey) } };
  }

  certify({ publicKey, subject, altNames, use }) {
    if (!this.ca) throw new Error('no CA');
    const { keyIdentifier, subject: issuer, privateKey: signWith } = this.ca;
    const extensions = [...leafExtensions(altNames, use), { name: 'authorityKeyIdentifier', keyIdentifier }];
    const certificate = certify({ publicKey, subject, extensions, days: 30, issuer, signWith });
    return pki.certificateToPem(certificate).trim().replaceAll('\r', '');
  }

  issueServer({ common_name, alt_names }) {
    const { privateKey, publicKey } = pki.rsa.generateKeyPair(this.bits);
    const certificate = this.certify({
      publicKey, subject: [{ shortName: 'CN', value: common_name }], use: 'serverAuth',
      altNames: alt_names.split(',').map((value) => ({ type: 2, value })),
    });
    const expiration = Math.floor(Date.now() / 1000) + 30 * DAY / 1000;
    return { data: { certificate, issuing_ca: this.ca.pem, private_key: pki.privateKeyToPem(privateKey), expiration } };
  }

  /** Of the subject only CN is the CSR's, as in a Vault whose role says no more. */
  signClient({ csr }) {
    const request = pki.certificationRequestFromPem(csr);
    if (!request.verify()) throw new Error('the CSR is not signed by its key');
    const { value } = request.subject.getField('CN');
    const { altNames = [] } = request.getAttribute({ name: 'extensionRequest' })?.extensions.find((e) => e.name === 'subjectAltName') ?? {};
    const { publicKey } = request;
    return { data: { certificate: this.certify({ publicKey, subject: [{ shortName: 'CN', value }], altNames, use: 'clientAuth' }) } };
  }
}

export class Vault extends mcm.Vault {
  constructor(logger, commonName, bits) {
    super({
      logger, commonName, endpoint: 'memory', auth: {}, mounts: { pki: 'pki', kv: 'secrets' },
      pkiServerRole: 'server', pkiClientRole: 'client', keyLength: bits, keyAlgorithm: 'rsa',
    });
    this.client = new Server(bits);
  }
}
