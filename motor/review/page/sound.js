// A recording to listen to: looped, and slowed to a tenth, by which it is lower, too.

const SPEEDS = [0.1, 0.25, 0.5, 1];

export class Sound {
  constructor() {
    this.speed = 1;
    this.source = null;
  }

  async toggle(item) {
    if (this.stop()) return;
    this.context ??= new AudioContext();
    const bytes = await (await fetch(`/api/sound?item=${encodeURIComponent(item)}`)).arrayBuffer();
    const buffer = await this.context.decodeAudioData(bytes);
    this.source = this.context.createBufferSource();
    Object.assign(this.source, { buffer, loop: true });
    this.source.playbackRate.value = this.speed;
    this.source.connect(this.context.destination);
    this.source.start();
  }

  stop() {
    if (!this.source) return false;
    this.source.stop();
    this.source = null;
    return true;
  }

  change(by) {
    const place = Math.min(SPEEDS.length - 1, Math.max(0, SPEEDS.indexOf(this.speed) + by));
    this.speed = SPEEDS[place];
    if (this.source) this.source.playbackRate.value = this.speed;
    return this.speed;
  }
}
