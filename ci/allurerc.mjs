// Allure 3: `npx allure generate allure-results --config ci/allurerc.mjs`. History goes on where historyPath is kept.
import { existsSync, readFileSync } from "node:fs";

// Allure 3 takes categories from here alone, not from the results.
const file = `${process.env.ALLURE_RESULTS ?? "allure-results"}/categories.json`;

export default {
  name: "wdtts",
  output: process.env.ALLURE_REPORT ?? "allure-report",
  historyPath: process.env.ALLURE_HISTORY ?? "allure-history.jsonl",
  appendHistory: true,
  categories: existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined,
  plugins: {
    awesome: { options: { singleFile: true, groupBy: ["epic", "feature", "story"] } },
    dashboard: { options: { singleFile: true, layout: [
      { type: "statusDynamics", title: "Rows over the runs", limit: 20 },
      { type: "currentStatus", title: "Rows" },
    ] } },
  },
};
