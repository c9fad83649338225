// Judges a file of speedscope's by the schema that speedscope ships: nothing to say, or what is wrong with it and status 1.
// Usage: node speedscope_schema.js < FILE, with NODE_PATH set.
const fs = require("fs");
const Ajv = require("ajv");

const schema = JSON.parse(fs.readFileSync(require.resolve("speedscope/dist/release/file-format-schema.json")));
const validate = new Ajv({ allErrors: true }).compile(schema);
if (!validate(JSON.parse(fs.readFileSync(0)))) {
  console.log(JSON.stringify(validate.errors));
  process.exitCode = 1;
}
