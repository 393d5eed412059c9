// The signer and the validator of messages that participants run, and our signer in its place. One task a line:
//   {"sign": request, "key": pem}               the SDK signs; answers the request as it is sent
//   {"validate": request, "keys": {id: pem}}    the SDK checks; answers {"good": true} or {"bad": reason}
//   {"hubseal": request, "how": "sign", "client": file, "config": {}}   ours signs by that call; answers the request, or {"bad", "code"}
import {createRequire} from "node:module";
import {createInterface} from "node:readline";
import sdk from "@mojaloop/sdk-standard-components";

const require = createRequire(import.meta.url);
const silent = {isDebugEnabled: false, debug() {}, error() {}, child: () => silent};
const signers = new Map();

async function ours({hubseal, how, client, config}) {
  const Signer = require(client);
  const name = JSON.stringify(config);
  if (!signers.has(name)) signers.set(name, new Signer(config));
  const made = await signers.get(name)[how](hubseal);
  return made === undefined ? hubseal : {made};
}

async function done(task) {
  if (task.hubseal) return ours(task);
  if (task.sign) {
    new sdk.Jws.signer({signingKey: task.key, logger: silent}).sign(task.sign);
    return task.sign;
  }
  return {good: new sdk.Jws.validator({validationKeys: task.keys, logger: silent}).validate(task.validate)};
}

for await (const line of createInterface({input: process.stdin})) {
  const answer = await done(JSON.parse(line)).catch((refused) => ({bad: refused.message, code: refused.code}));
  console.log(JSON.stringify(answer));
}
