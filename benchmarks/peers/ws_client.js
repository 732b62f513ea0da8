// A bare client of node's `ws`: a timer a unit, parse and count, no more.
"use strict";

const WebSocket = require("ws");
const { load, plan, Tally } = require("./plan.js");

const tally = new Tally();
tally.begin(500);

function at(ns, act) {
  const dueMs = tally.dueMs(ns);
  setTimeout(() => act(performance.now() - dueMs), Math.max(0, dueMs - performance.now()));
}

function converse(session) {
  const line = new WebSocket(load.url, { perMessageDeflate: false });
  const units = Array.from(session.text);
  const say = (message) => line.send(JSON.stringify({ ...message, session_id: session.session_id }));
  const type = (seq) =>
    at(session.first_unit_ns + seq * session.interval_ns, (lateMs) => {
      tally.latenessMs.push(lateMs);
      say({ type: "text_delta", seq, text: units[seq] });
      tally.unitsSent += 1;
      if (seq + 1 < units.length) type(seq + 1);
      else say({ type: "text_end", seq: units.length });
    });
  line.on("open", () => {
    say({ type: "start", audio_format: "pcm16_wav", sample_rate: 16000, channels: 1 });
    type(0);
  });
  line.on("message", (frame) => tally.heard(frame));
  line.on("error", (error) => {
    console.error(error);
    process.exit(1);
  });
  line.on("close", () => tally.sessionOver());
}

for (const session of plan) at(session.open_ns, () => converse(session));
