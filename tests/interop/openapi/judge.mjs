// Says whether the file named first is a good OpenAPI document, as @seriousme/openapi-schema-validator sees it.
import {readFileSync} from "node:fs";
import {Validator} from "@seriousme/openapi-schema-validator";

const validator = new Validator();
const {valid, errors} = await validator.validate(JSON.parse(readFileSync(process.argv[2], "utf8")));
if (!valid) {
  console.error(JSON.stringify(errors, null, 2));
  process.exit(1);
}
validator.resolveRefs(); // throws where one leads nowhere
console.log(`good: OpenAPI ${validator.version}`);
