"use strict";

// Plays s16le PCM as it comes, each chunk right after the one before, and knows which one sounds now.
class Player {
  static LEAD_S = 0.05; // so that the first chunk is whole before it is due

  constructor() {
    this.context = new AudioContext();
    this.analyser = this.context.createAnalyser();
    this.analyser.fftSize = 2048;
    this.analyser.connect(this.context.destination);
    this.reset();
  }

  reset() {
    for (const { source } of this.queue ?? []) source.stop();
    this.queue = [];
    this.endsAt = 0;
    this.seconds = 0;
  }

  // The browser lets a page sound only after a gesture: call it from one.
  wake() {
    return this.context.resume();
  }

  play(chunk) {
    const bytes = Uint8Array.from(atob(chunk.audio_base64), (character) => character.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const frames = Math.floor(bytes.length / 2 / chunk.channels);
    if (frames === 0) return 0;
    const buffer = this.context.createBuffer(chunk.channels, frames, chunk.sample_rate);
    for (let channel = 0; channel < chunk.channels; channel++) {
      const samples = buffer.getChannelData(channel);
      for (let frame = 0; frame < frames; frame++) {
        samples[frame] = view.getInt16(2 * (frame * chunk.channels + channel), true) / 32768;
      }
    }
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.analyser);
    const startsAt = Math.max(this.context.currentTime + Player.LEAD_S, this.endsAt);
    source.start(startsAt);
    this.endsAt = startsAt + buffer.duration;
    this.seconds += buffer.duration;
    this.queue.push({ source, startsAt, endsAt: this.endsAt, first: chunk.unit_index_start, last: chunk.unit_index_end });
    return buffer.duration;
  }

  // The unit that sounds now, by its share of the chunk's time; -1 in silence.
  get unitNow() {
    const now = this.context.currentTime;
    const one = this.queue.find(({ startsAt, endsAt }) => startsAt <= now && now < endsAt);
    if (!one) return -1;
    return one.first + Math.floor(((now - one.startsAt) / (one.endsAt - one.startsAt)) * (one.last - one.first + 1));
  }

  get playing() {
    return this.context.currentTime < this.endsAt;
  }

  get peak() {
    const samples = new Float32Array(this.analyser.fftSize);
    this.analyser.getFloatTimeDomainData(samples);
    return samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  }
}
