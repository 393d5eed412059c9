'use strict';
// Messages of the hub, signed by hubseald (docs/JWS.md): in place of the class `Jws.signer` of @mojaloop/sdk-standard-components,
// with the same calls. Needs Node 18 and no package.
//
//   const Signer = require('./hubseal-signer.js');
//   const signer = new Signer({key: 'hub-jws'});
//   signer.sign(requestOptions);                      // as the SDK's: waits, and no other code runs meanwhile
//   await signer.signAsync(requestOptions);           // the same, while other code runs

const net = require('node:net');
const {MessageChannel, Worker, isMainThread, receiveMessageOnPort, workerData} = require('node:worker_threads');

const MAX_REPLY = 1 << 20; // characters of a line, as docs/PROTOCOL.md has it
const START_OF_A_THREAD = 5000; // milliseconds, at most

/** hubseald said no; `code` is a word of docs/PROTOCOL.md, "Errors". */
class Refused extends Error {
  constructor(code, message) {
    super(`hubseald refused to sign: ${code}: ${message}`);
    this.code = code;
  }
}

/** A thread is of no use any more. */
class Gone extends Error {}

/** One connection: lines out, lines in, answered in the order in which they were asked. */
class Connection {
  constructor(path, timeout) {
    this.waiting = [];
    this.rest = '';
    this.socket = net.connect(path).setEncoding('utf8').setTimeout(timeout);
    this.socket.on('data', (text) => this.take(text));
    this.socket.on('timeout', () => this.waiting.length > 0 && this.socket.destroy(new Error('hubseald did not answer in time')));
    this.socket.on('error', (error) => this.end(error));
    this.socket.on('close', () => this.end(new Error('hubseald closed the connection before it answered')));
    this.socket.unref();
  }

  get usable() {
    return !this.socket.destroyed && this.socket.writable;
  }

  ask(line) {
    return new Promise((resolve, reject) => {
      this.waiting.push({resolve, reject});
      this.socket.ref();
      this.socket.write(line);
    });
  }

  take(text) {
    this.rest += text;
    for (let end = this.rest.indexOf('\n'); end >= 0; end = this.rest.indexOf('\n')) {
      this.waiting.shift()?.resolve(this.rest.slice(0, end));
      this.rest = this.rest.slice(end + 1);
    }
    if (this.waiting.length === 0) this.socket.unref();
    if (this.rest.length > MAX_REPLY) this.socket.destroy(new Error('hubseald answered with a line that is too long'));
  }

  end(error) {
    for (const {reject} of this.waiting.splice(0)) reject(error);
  }
}

/** Asks over a connection that is kept. */
class Line {
  constructor({path, timeout}) {
    this.settings = [path, timeout];
  }

  async ask(line) {
    const kept = this.connection?.usable;
    try {
      return await this.usable().ask(line);
    } catch (error) {
      // hubseald closes what was idle for long, and a restart ends all. Signing twice does no harm.
      if (!kept) throw error;
      return this.usable().ask(line); // one connection for all that waited over the other
    }
  }

  usable() {
    if (!this.connection?.usable) this.connection = new Connection(...this.settings);
    return this.connection;
  }
}

/** The same for code that cannot await: a thread has the connection, and this one sleeps until it has the answer. */
class WaitingLine {
  constructor(settings) {
    const {port1, port2} = new MessageChannel();
    this.port = port1;
    this.patience = 2 * settings.timeout + START_OF_A_THREAD; // an answer, or a second one over another connection
    this.bell = new Int32Array(new SharedArrayBuffer(4));
    this.worker = new Worker(__filename, {workerData: {hubseal: settings, port: port2, bell: this.bell}, transferList: [port2]});
    this.worker.unref();
    this.port.unref();
  }

  ask(line) {
    Atomics.store(this.bell, 0, 0);
    this.port.postMessage(line);
    if (Atomics.wait(this.bell, 0, 0, this.patience) === 'timed-out') {
      this.worker.terminate(); // a late answer must not be taken for the next one
      throw new Gone('the thread that asks hubseald has ended, or does not answer');
    }
    const {message: {answer, problem}} = receiveMessageOnPort(this.port);
    if (problem) throw new Error(problem);
    return answer;
  }
}

function serve({hubseal, port, bell}) {
  const line = new Line(hubseal);
  port.on('message', async (asked) => {
    const reply = await line.ask(asked).then((answer) => ({answer}), (error) => ({problem: error.message}));
    port.postMessage(reply);
    Atomics.store(bell, 0, 1);
    Atomics.notify(bell, 0);
  });
}

/** As the SDK writes a body that is no string: names in order. Its validator writes the body that it has parsed anew, in this way. */
function bodyText(value) {
  const inOrder = (part) => {
    if (Array.isArray(part)) return `[${part.map(inOrder).join(',')}]`;
    if (part === null || typeof part !== 'object') return JSON.stringify(part);
    return `{${Object.keys(part).sort().map((name) => `${JSON.stringify(name)}:${inOrder(part[name])}`).join(',')}}`;
  };
  return typeof value === 'string' ? value : inOrder(JSON.parse(JSON.stringify(value)));
}

/** How the name of this header is spelt there, in whatever letter case; `name` itself where it is not there. */
function spelt(headers, name) {
  const names = Object.keys(headers).filter((there) => there.toLowerCase() === name);
  if (names.length > 1) throw new Error(`${name} stands there twice: ${names.join(', ')}`);
  return names[0] ?? name;
}

const valueOf = (headers, name) => headers[spelt(headers, name)];

class HubSealSigner {
  /** @param config {key, path?, timeout?}: label of the key at hubseald; its socket; milliseconds for one signature. */
  constructor(config) {
    if (!config?.key) throw new Error('the label of a key of hubseald must be given: {key: "hub-jws"}');
    this.key = config.key;
    this.settings = {path: config.path ?? '/run/hubseal/jws.sock', timeout: config.timeout ?? 10000};
  }

  /** Makes the body a string, and adds fspiop-http-method, fspiop-uri and fspiop-signature to the headers. */
  sign(requestOptions) {
    this.apply(requestOptions, this.askAndWait(requestOptions));
  }

  async signAsync(requestOptions) {
    this.line ??= new Line(this.settings);
    this.apply(requestOptions, this.read(await this.line.ask(this.request(requestOptions))));
  }

  /** The value of fspiop-signature alone. The body that is sent must be that string, or what bodyText makes of an object. */
  getSignature(requestOptions) {
    const headers = this.askAndWait(requestOptions);
    const uri = valueOf(requestOptions.headers, 'fspiop-uri');
    if (uri && uri !== headers['FSPIOP-URI']) throw new Error(`fspiop-uri is ${uri}, and ${headers['FSPIOP-URI']} was signed`);
    return headers['FSPIOP-Signature'];
  }

  askAndWait(requestOptions) {
    this.waitingLine ??= new WaitingLine(this.settings);
    try {
      return this.read(this.waitingLine.ask(this.request(requestOptions)));
    } catch (error) {
      if (error instanceof Gone) this.waitingLine = undefined;
      throw error;
    }
  }

  request({headers, method, uri, url, body, data}) {
    const payload = body || data;
    if (!payload) throw new Error('Cannot sign with no body');
    const source = valueOf(headers, 'fspiop-source');
    if (!source) throw new Error('Cannot sign: the headers have no fspiop-source');
    const asked = {
      v: 1, id: '1', op: 'sign_fspiop', key: this.key, method: method.toUpperCase(), uri: uri || url, source,
      body: Buffer.from(bodyText(payload)).toString('base64url'),
    };
    const destination = valueOf(headers, 'fspiop-destination');
    if (destination) asked.destination = destination;
    const date = valueOf(headers, 'date');
    if (date) asked.date = date;
    return `${JSON.stringify(asked)}\n`;
  }

  read(line) {
    const {ok, error} = JSON.parse(line);
    if (error) throw new Refused(error.code, error.message);
    return ok.headers;
  }

  apply(requestOptions, headers) {
    if (requestOptions.body) requestOptions.body = bodyText(requestOptions.body);
    if (requestOptions.data) requestOptions.data = bodyText(requestOptions.data);
    for (const name of ['FSPIOP-HTTP-Method', 'FSPIOP-URI', 'FSPIOP-Signature']) {
      delete requestOptions.headers[spelt(requestOptions.headers, name.toLowerCase())];
      requestOptions.headers[name.toLowerCase()] = headers[name];
    }
  }
}

if (!isMainThread && workerData?.hubseal) serve(workerData);
module.exports = HubSealSigner;
module.exports.Refused = Refused;
