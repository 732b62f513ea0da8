"use strict";

const part = (id) => document.getElementById(id);
let player = null;
let talk = null;

// One exchange: what was asked, and all that came back.
class Talk {
  constructor(mode, prompt, key) {
    this.mode = mode;
    this.prompt = prompt;
    this.id = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
    this.units = [];
    this.seq = 0;
    this.startedAt = performance.now();
    this.ended = false;
    this.cancelled = false;
    const query = key ? `?api_key=${encodeURIComponent(key)}` : "";
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/${mode}${query}`);
    this.socket.onopen = () => this.open();
    this.socket.onmessage = ({ data }) => this.hear(JSON.parse(data));
    this.socket.onclose = ({ code }) => {
      if (!this.ended) this.end("中斷", `連線中斷 (${code})：服務未回應、金鑰不符，或服務已停止。`);
    };
  }

  open() {
    const format = { session_id: this.id, audio_format: "pcm16_wav", sample_rate: 16000, channels: 1 };
    if (this.mode === "chat") {
      this.send({ prompt: this.prompt, ...format });
      return;
    }
    this.send({ type: "start", ...format });
    this.send({ type: "text_delta", session_id: this.id, seq: this.seq++, text: this.prompt });
    this.send({ type: "text_end", session_id: this.id, seq: this.seq++ });
    this.write(this.prompt);
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  hear(message) {
    switch (message.type) {
      case "llm_delta":
        part("state").textContent = "回答中";
        this.write(message.delta);
        break;
      case "audio_chunk":
        if (!this.cancelled) this.sound(message);
        break;
      case "tts_end":
        this.end(message.cancelled ? "已取消" : "完成");
        break;
      case "error":
      case "orchestrator_error":
        this.end("錯誤", `${message.code}: ${message.message}`);
        break;
    }
  }

  // A unit is a code point: the spread splits a string into just those.
  write(text) {
    for (const unit of [...text]) {
      const span = document.createElement("span");
      span.textContent = unit;
      part("text").append(span);
      this.units.push(span);
    }
    part("units").textContent = this.units.length;
  }

  sound(chunk) {
    if (part("ttfa").textContent === "–") {
      part("ttfa").textContent = `${Math.round(performance.now() - this.startedAt)} ms`;
    }
    part("state").textContent = "播放中";
    const seconds = player.play(chunk);
    part("seconds").textContent = `${player.seconds.toFixed(1)} s`;
    const row = part("chunks").insertRow();
    const range = `${chunk.unit_index_start}–${chunk.unit_index_end}`;
    for (const value of [chunk.chunk_seq, range, chunk.units_text, `${seconds.toFixed(2)} s`]) {
      row.insertCell().textContent = value;
    }
  }

  // All may have come and still sound for long: then there is only the player to stop.
  cancel() {
    this.cancelled = true;
    if (this.ended) part("state").textContent = "已停止";
    else if (this.socket.readyState === WebSocket.OPEN) {
      this.send({ type: "cancel", session_id: this.id, seq: this.seq++ });
    }
    player.reset();
    this.offerCancel();
  }

  offerCancel() {
    part("cancel").disabled = this.cancelled || (this.ended && !player.playing);
  }

  end(state, error = "") {
    this.ended = true;
    part("state").textContent = state;
    part("error").textContent = error;
    part("error").hidden = !error;
    this.offerCancel();
    this.socket.close();
  }
}

async function ask(event) {
  event.preventDefault();
  player ??= new Player();
  if (talk && !talk.ended) talk.end("");
  player.reset();
  for (const id of ["text", "chunks"]) part(id).replaceChildren();
  part("error").hidden = true;
  part("ttfa").textContent = "–";
  part("units").textContent = "0";
  part("seconds").textContent = "0.0 s";
  part("state").textContent = "連線中";
  part("cancel").disabled = false;
  await player.wake();
  const mode = document.querySelector("[name=mode]:checked").value;
  talk = new Talk(mode, part("prompt").value, part("key").value);
}

// Draws what the analyser hears and marks the unit that sounds: from the audio clock, not from a timer's guess.
function draw() {
  requestAnimationFrame(draw);
  const canvas = part("wave");
  const pen = canvas.getContext("2d");
  const { width, height } = canvas;
  pen.clearRect(0, 0, width, height);
  pen.strokeStyle = getComputedStyle(canvas).color;
  pen.lineWidth = 1.5;
  pen.beginPath();
  if (player) {
    const samples = new Float32Array(player.analyser.fftSize);
    player.analyser.getFloatTimeDomainData(samples);
    samples.forEach((sample, i) => pen.lineTo((i / samples.length) * width, (0.5 - sample / 2) * height));
  } else {
    pen.moveTo(0, height / 2);
    pen.lineTo(width, height / 2);
  }
  pen.stroke();
  if (!talk || !player) return;
  talk.offerCancel();
  const now = player.unitNow;
  if (now < 0) return;
  talk.units.forEach((span, index) => {
    span.className = index === now ? "now" : index < now ? "spoken" : "";
  });
}

part("ask").addEventListener("submit", ask);
part("cancel").addEventListener("click", () => talk?.cancel());
part("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) part("ask").requestSubmit();
});
draw();
