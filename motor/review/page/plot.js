// Curves on a canvas: a band from least to greatest, or a line; a cursor with harmonics and sidebands.

const LEFT = 46, BOTTOM = 18, TOP = 5, RIGHT = 6;

export function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim(); }

function ticks(from, to, most) {
  const rough = (to - from) / most, power = 10 ** Math.floor(Math.log10(rough || 1));
  const step = power * ([1, 2, 5, 10].find((one) => one * power >= rough) ?? 10);
  const found = [];
  for (let n = Math.ceil(from / step); n * step <= to + step * 1e-6; n++) found.push(n * step);
  return found;
}

function shown(value, span) {
  if (value === 0) return "0";
  if (Math.abs(value) >= 1e5 || span < 1e-3) return value.toExponential(0);
  return String(Number(value.toFixed(Math.max(0, 1 - Math.floor(Math.log10(span))))));
}

export class Plot {
  // `told` has: cursor(plot, x), zoomed(from, to) for a plot that can be zoomed.
  constructor(canvas, told = {}) {
    this.canvas = canvas;
    this.told = told;
    this.cursor = null;
    this.marks = null;
    this.drag = null;
    canvas.addEventListener("pointermove", (event) => this.moved(event));
    canvas.addEventListener("pointerleave", () => this.point(null));
    canvas.addEventListener("pointerdown", (event) => { this.drag = this.at(event); });
    canvas.addEventListener("pointerup", (event) => this.released(event));
    canvas.addEventListener("dblclick", () => told.zoomed?.(null, null));
    canvas.addEventListener("keydown", (event) => this.keyed(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  // `curve`: from, to, unit, and low with high, or values; `lines`: orders of the shaft, if any.
  show(curve) {
    this.curve = curve;
    this.draw();
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const share = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
    return this.curve ? this.curve.from + Math.min(1, Math.max(0, share)) * (this.curve.to - this.curve.from) : 0;
  }

  moved(event) { this.point(this.at(event)); }

  released(event) {
    const to = this.at(event), from = this.drag;
    this.drag = null;
    if (from === null || !this.curve || Math.abs(to - from) < (this.curve.to - this.curve.from) / 200) return;
    this.told.zoomed?.(Math.min(from, to), Math.max(from, to));
  }

  keyed(event) {
    if (!this.curve || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const step = (this.curve.to - this.curve.from) / (event.shiftKey ? 40 : 400);
    const x = (this.cursor ?? this.curve.from) + (event.key === "ArrowLeft" ? -step : step);
    this.point(Math.min(this.curve.to, Math.max(this.curve.from, x)));
    event.preventDefault();
  }

  point(x) {
    this.cursor = x;
    this.told.cursor?.(this, x);
    this.draw();
  }

  mark(kind) {
    this.marks = this.marks?.kind === kind || this.cursor === null ? null : { kind, x: this.cursor };
    this.draw();
  }

  draw() {
    const { canvas, curve } = this, ratio = devicePixelRatio || 1, box = canvas.getBoundingClientRect();
    canvas.width = box.width * ratio;
    canvas.height = box.height * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.clearRect(0, 0, box.width, box.height);
    if (!curve) return;
    const [least, greatest] = this.range();
    this.x = (value) => LEFT + (value - curve.from) / (curve.to - curve.from) * (box.width - LEFT - RIGHT);
    this.y = (value) => TOP + (greatest - value) / (greatest - least || 1) * (box.height - TOP - BOTTOM);
    this.drawAxes(pen, box, least, greatest);
    this.drawOrders(pen, box);
    if (curve.values) this.drawLine(pen); else this.drawBand(pen);
    this.drawCursor(pen, box);
  }

  range() {
    const { curve } = this;
    if (curve.range) return curve.range;
    if (curve.values) return [0, curve.values.reduce((a, b) => Math.max(a, b), 1e-12) * 1.05];
    const low = curve.low.reduce((a, b) => Math.min(a, b), Infinity);
    const high = curve.high.reduce((a, b) => Math.max(a, b), -Infinity);
    const rim = (high - low) * 0.04 || 1;
    return [low - rim, high + rim];
  }

  drawAxes(pen, box, least, greatest) {
    const { curve } = this;
    pen.font = "11px system-ui, sans-serif";
    pen.lineWidth = 1;
    pen.strokeStyle = colour("line");
    pen.fillStyle = colour("faint");
    pen.textAlign = "center";
    pen.textBaseline = "bottom";
    pen.beginPath();
    for (const value of ticks(curve.from, curve.to, box.width / 90)) {
      pen.moveTo(this.x(value), TOP);
      pen.lineTo(this.x(value), box.height - BOTTOM);
      pen.fillText(`${shown(value, curve.to - curve.from)} ${curve.unit}`, Math.min(this.x(value), box.width - 24), box.height - 2);
    }
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const value of ticks(least, greatest, box.height / 40)) {
      pen.moveTo(LEFT, this.y(value));
      pen.lineTo(box.width - RIGHT, this.y(value));
      pen.fillText(shown(value, greatest - least), LEFT - 4, this.y(value));
    }
    pen.stroke();
  }

  drawOrders(pen, box) {
    const { lines, from, to } = this.curve;
    if (!lines) return;
    pen.strokeStyle = colour("mark");
    pen.fillStyle = colour("mark");
    pen.textAlign = "center";
    pen.globalAlpha = 0.55;
    pen.setLineDash([2, 3]);
    pen.beginPath();
    const every = Math.max(1, Math.ceil((to - from) / lines / (box.width / 26)));
    for (let order = every; order * lines <= to; order += every) {
      pen.moveTo(this.x(order * lines), TOP);
      pen.lineTo(this.x(order * lines), box.height - BOTTOM);
      pen.fillText(`${order}×`, this.x(order * lines), TOP + 6);
    }
    pen.stroke();
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  }

  drawLine(pen) {
    const { values, from, to } = this.curve, step = (to - from) / values.length;
    pen.strokeStyle = colour("signal");
    pen.beginPath();
    for (let n = 0; n < values.length; n++) pen.lineTo(this.x(from + (n + 0.5) * step), this.y(values[n]));
    pen.stroke();
  }

  drawBand(pen) {
    const { low, high, from, to } = this.curve, step = (to - from) / low.length;
    pen.strokeStyle = colour("signal");
    pen.beginPath();
    for (let n = 0; n < low.length; n++) {
      const x = this.x(from + (n + 0.5) * step);
      pen.lineTo(x, this.y(low[n]));
      pen.lineTo(x, this.y(high[n]));
    }
    pen.stroke();
  }

  drawCursor(pen, box) {
    pen.strokeStyle = colour("mark");
    for (const x of this.markedAt()) this.upright(pen, box, x, 0.8);
    if (this.cursor !== null) this.upright(pen, box, this.cursor, 1);
  }

  markedAt() {
    if (!this.marks) return [];
    const { kind, x } = this.marks, { from, to, lines } = this.curve;
    const places = kind === "harmonics"
      ? Array.from({ length: 40 }, (_, n) => x * (n + 1))
      : Array.from({ length: 9 }, (_, n) => x + (n - 4) * (lines || (to - from) / 50));
    return places.filter((place) => place > from && place < to);
  }

  upright(pen, box, x, alpha) {
    pen.globalAlpha = alpha;
    pen.beginPath();
    pen.moveTo(this.x(x), TOP);
    pen.lineTo(this.x(x), box.height - BOTTOM);
    pen.stroke();
    pen.globalAlpha = 1;
  }
}

// Time to the right in seconds, frequency upwards in hertz.
export function drawSpectrogram(canvas, told) {
  const ratio = devicePixelRatio || 1, box = canvas.getBoundingClientRect(), pen = canvas.getContext("2d");
  canvas.width = box.width * ratio;
  canvas.height = box.height * ratio;
  pen.scale(ratio, ratio);
  const width = box.width - LEFT - RIGHT, height = box.height - TOP - BOTTOM;
  pen.drawImage(imageOf(told), LEFT, TOP, width, height);
  pen.font = "11px system-ui, sans-serif";
  pen.fillStyle = colour("faint");
  pen.strokeStyle = colour("faint");
  pen.beginPath();
  pen.textAlign = "center";
  pen.textBaseline = "bottom";
  for (const value of ticks(0, told.seconds, box.width / 90)) {
    const x = LEFT + value / told.seconds * width;
    pen.moveTo(x, TOP + height);
    pen.lineTo(x, TOP + height + 3);
    pen.fillText(`${shown(value, told.seconds)} s`, Math.min(x, box.width - 24), box.height - 2);
  }
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const value of ticks(0, told.highest_hz, box.height / 40)) {
    const y = TOP + height - value / told.highest_hz * height;
    pen.moveTo(LEFT - 3, y);
    pen.lineTo(LEFT, y);
    pen.fillText(value >= 1000 ? `${value / 1000} kHz` : `${shown(value, told.highest_hz)} Hz`, LEFT - 4, Math.max(y, TOP + 5));
  }
  pen.stroke();
}

function imageOf(told) {
  const levels = Uint8Array.from(atob(told.levels), (letter) => letter.charCodeAt(0));
  const canvas = new OffscreenCanvas(told.n_times, told.n_bins), pen = canvas.getContext("2d");
  const image = pen.createImageData(told.n_times, told.n_bins);
  for (let time = 0; time < told.n_times; time++) {
    for (let bin = 0; bin < told.n_bins; bin++) {
      const level = levels[time * told.n_bins + bin] / 255, place = 4 * ((told.n_bins - 1 - bin) * told.n_times + time);
      image.data.set([255 * Math.min(1, level * 1.6), 255 * level * level, 255 * (0.35 + 0.3 * level), 255], place);
    }
  }
  pen.putImageData(image, 0, 0);
  return canvas;
}
