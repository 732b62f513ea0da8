// A bare client of node's `ws`: a timer a unit, parse and count, no more.
"use strict";

const { readFileSync, writeFileSync } = require("node:fs");
const WebSocket = require("ws");

const load = JSON.parse(process.env.BENCH_LOAD);
const plan = JSON.parse(readFileSync(load.plan_path, "utf8"));
const spent = process.cpuUsage();
const originMs = performance.now() + 500;
const latenessMs = [];
let unitsSent = 0;
let chunks = 0;
let over = 0;

function at(ns, act) {
  const dueMs = originMs + ns / 1e6;
  setTimeout(() => act(performance.now() - dueMs), Math.max(0, dueMs - performance.now()));
}

function converse(session) {
  const line = new WebSocket(load.url, { perMessageDeflate: false });
  const units = Array.from(session.text);
  const say = (message) => line.send(JSON.stringify({ ...message, session_id: session.session_id }));
  const type = (seq) =>
    at(session.first_unit_ns + seq * session.interval_ns, (lateMs) => {
      latenessMs.push(lateMs);
      say({ type: "text_delta", seq, text: units[seq] });
      unitsSent += 1;
      if (seq + 1 < units.length) type(seq + 1);
      else say({ type: "text_end", seq: units.length });
    });
  line.on("open", () => {
    say({ type: "start", audio_format: "pcm16_wav", sample_rate: 16000, channels: 1 });
    type(0);
  });
  line.on("message", (frame) => {
    if (JSON.parse(frame).type === "audio_chunk") chunks += 1;
  });
  line.on("error", (error) => {
    console.error(error);
    process.exit(1);
  });
  line.on("close", () => {
    over += 1;
    if (over === plan.length) report();
  });
}

function report() {
  const { user, system } = process.cpuUsage(spent);
  latenessMs.sort((a, b) => a - b);
  const cost = {
    cpu_s: (user + system) / 1e6,
    units_sent: unitsSent,
    chunks_received: chunks,
    lateness_p99_ms: latenessMs[Math.floor(latenessMs.length * 0.99)],
  };
  writeFileSync(load.result_path, JSON.stringify(cost));
}

for (const session of plan) at(session.open_ns, () => converse(session));
