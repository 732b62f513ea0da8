// What Artillery's users know of the plan; the times and the counts of all of them.
"use strict";

const { readFileSync, writeFileSync } = require("node:fs");

const load = JSON.parse(process.env.BENCH_LOAD);
const plan = JSON.parse(readFileSync(load.plan_path, "utf8"));
const latenessMs = [];
let spent = null;
let originMs = 0;
let begun = 0;
let unitsSent = 0;
let chunks = 0;
let over = 0;

async function until(ns) {
  const dueMs = originMs + ns / 1e6;
  await new Promise((wake) => setTimeout(wake, Math.max(0, dueMs - performance.now())));
  return performance.now() - dueMs;
}

function dial(connection, context, done) {
  connection.target = load.url;
  done();
}

async function begin(context) {
  if (spent === null) {
    spent = process.cpuUsage();
    originMs = performance.now();
  }
  const session = plan[begun++];
  Object.assign(context.vars, { id: session.session_id, seq: -1, units: Array.from(session.text), session });
  context.vars.closed = new Promise((done) => context.ws.on("close", done));
  context.ws.on("message", (frame) => {
    if (JSON.parse(frame).type === "audio_chunk") chunks += 1;
  });
  await until(session.open_ns);
}

async function untilDue(context) {
  const { session, units } = context.vars;
  const seq = ++context.vars.seq;
  latenessMs.push(await until(session.first_unit_ns + seq * session.interval_ns));
  context.vars.unit = units[seq];
  unitsSent += 1;
}

function typing(context, next) {
  return next(context.vars.seq + 1 < context.vars.units.length);
}

async function end(context) {
  await context.vars.closed;
  over += 1;
  if (over === plan.length) report();
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

module.exports = { dial, begin, untilDue, typing, end };
