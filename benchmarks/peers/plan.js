// The plan that every client carries out, and what it cost: node's clients alike.
"use strict";

const { readFileSync, writeFileSync } = require("node:fs");

const load = JSON.parse(process.env.BENCH_LOAD);
const plan = JSON.parse(readFileSync(load.plan_path, "utf8"));

/** Counts of one client, filled by it; `begin` starts the clocks, `sessionOver` writes the result after the last. */
class Tally {
  latenessMs = [];
  unitsSent = 0;
  chunks = 0;
  over = 0;

  begin(leadMs = 0) {
    this.spent = process.cpuUsage();
    this.originMs = performance.now() + leadMs;
  }

  dueMs(ns) {
    return this.originMs + ns / 1e6;
  }

  heard(frame) {
    if (JSON.parse(frame).type === "audio_chunk") this.chunks += 1;
  }

  sessionOver() {
    this.over += 1;
    if (this.over < plan.length) return;
    const { user, system } = process.cpuUsage(this.spent);
    this.latenessMs.sort((a, b) => a - b);
    const cost = {
      cpu_s: (user + system) / 1e6,
      units_sent: this.unitsSent,
      chunks_received: this.chunks,
      lateness_p99_ms: this.latenessMs[Math.floor(this.latenessMs.length * 0.99)],
    };
    writeFileSync(load.result_path, JSON.stringify(cost));
  }
}

module.exports = { load, plan, Tally };
