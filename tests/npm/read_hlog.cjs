// TOOLS FILE: reads an HdrHistogram log with hdr-histogram-js, merges it by tag, prints [count, max, p99 by rank] in us.
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const [tools, file] = process.argv.slice(2);
const { HistogramLogReader } = createRequire(`${tools}/`)("hdr-histogram-js");
const reader = new HistogramLogReader(readFileSync(file, "utf8"));
const merged = {};
for (let one = reader.nextIntervalHistogram(); one; one = reader.nextIntervalHistogram()) {
  if (merged[one.tag]) merged[one.tag].add(one);
  else merged[one.tag] = one;
}
const figures = Object.entries(merged).map(([tag, one]) => [tag, [one.totalCount, one.maxValue, one.getValueAtPercentile(99)]]);
console.log(JSON.stringify(Object.fromEntries(figures)));
