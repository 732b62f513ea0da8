// What Artillery's users know of the plan; the times and the counts of all of them.
"use strict";

const { load, plan, Tally } = require("./plan.js");

const tally = new Tally();
let begun = 0;

async function until(ns) {
  const dueMs = tally.dueMs(ns);
  await new Promise((wake) => setTimeout(wake, Math.max(0, dueMs - performance.now())));
  return performance.now() - dueMs;
}

function dial(connection, context, done) {
  connection.target = load.url;
  done();
}

async function begin(context) {
  if (begun === 0) tally.begin();
  const session = plan[begun++];
  Object.assign(context.vars, { id: session.session_id, seq: -1, units: Array.from(session.text), session });
  context.vars.closed = new Promise((done) => context.ws.on("close", done));
  context.ws.on("message", (frame) => tally.heard(frame));
  await until(session.open_ns);
}

async function untilDue(context) {
  const { session, units } = context.vars;
  const seq = ++context.vars.seq;
  tally.latenessMs.push(await until(session.first_unit_ns + seq * session.interval_ns));
  context.vars.unit = units[seq];
  tally.unitsSent += 1;
}

function typing(context, next) {
  return next(context.vars.seq + 1 < context.vars.units.length);
}

async function end(context) {
  await context.vars.closed;
  tally.sessionOver();
}

module.exports = { dial, begin, untilDue, typing, end };
