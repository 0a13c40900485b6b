// What one item shows: three plots, what is known of it, what the model says, and its motor.

import { Plot, drawSpectrogram, unpacked } from "./plot.js";
import { known, say } from "./words.js";

function made(name, text = "", attributes = {}) {
  const one = document.createElement(name);
  one.textContent = text;
  return Object.assign(one, attributes);
}

function key(letter, text, act, isChosen) {
  const button = made("button", "", { type: "button", className: isChosen ? "chosen" : "" });
  button.append(made("kbd", letter), ` ${text}`);
  button.onclick = act;
  return button;
}

// Of a spectrum small lines count, too: levels below the highest.
function inDecibels(amplitudes) {
  const greatest = amplitudes.reduce((a, b) => Math.max(a, b), 1e-30);
  return { values: amplitudes.map((one) => Math.max(-100, 20 * Math.log10(one / greatest || 1e-6))), range: [-100, 3] };
}

export class Screen {
  constructor($) { this.$ = $; }

  listen(acts) {
    this.acts = acts;
    const cursor = (plot, x) => this.cursor(plot, x);
    this.of = {
      waveform: new Plot(this.$("waveform"), { cursor, zoomed: acts.zoom }),
      spectrum: new Plot(this.$("spectrum"), { cursor }),
      envelope: new Plot(this.$("envelope"), { cursor }),
      trend: new Plot(this.$("trend")),
      "partner-spectrum": new Plot(this.$("partner-spectrum"), { cursor }),
      "partner-envelope": new Plot(this.$("partner-envelope"), { cursor }),
    };
  }

  redraw() {
    for (const plot of Object.values(this.of ?? {})) plot.draw();
    if (!this.$("spectrogram-figure").hidden) drawSpectrogram(this.$("spectrogram"), this.levels);
  }

  cursor(plot, x) {
    const { unit, lines } = plot.curve ?? {};
    const order = lines && x !== null ? ` · ${say("at_order", { order: (x / lines).toFixed(2) })}` : "";
    this.$("cursor").textContent = x === null || !unit ? "" : say("cursor", { x: x.toPrecision(5), unit }) + order;
  }

  mark(kind) {
    const plot = this.of.envelope.cursor !== null ? this.of.envelope : this.of.spectrum;
    plot.mark(kind);
  }

  facts(mine, classes, done) {
    this.$("item").textContent = mine.item;
    const chosen = done ?? mine.answer.label ?? mine.answer.action;
    const acts = this.acts;
    this.$("answers").replaceChildren(
      ...classes.map((name, n) => key(n < 9 ? n + 1 : "", name, () => acts.decide("label", name), chosen === name)),
      key("0", say("unsure"), () => acts.decide("unsure"), chosen === "unsure"),
      key("x", say("bad"), () => acts.decide("bad"), chosen === "bad"),
      key("z", say("undo"), acts.undo), key("b", say("same"), acts.sameForMotor),
      key("p", say("previous"), () => acts.go(-1)), key("n", say("next"), () => acts.go(1)),
      key("␣", say("play"), acts.play),
    );
    this.suggestion(mine, classes);
    this.list("neighbours", (mine.suggestion?.neighbours ?? []).map((one) => `${one.item}: ${one.label ?? say("none")}`));
  }

  suggestion(mine, classes) {
    const { probabilities, unlike } = mine.suggestion ?? {};
    const rows = [];
    for (const name of probabilities ? classes : []) {
      const row = made("div", "", { className: "bar" });
      row.append(made("span", name), made("meter", "", { value: probabilities[name] ?? 0 }),
        made("span", `${Math.round(100 * (probabilities[name] ?? 0))} %`));
      rows.push(row);
    }
    if (unlike !== undefined) rows.push(made("p", `${say("unlike")}: ${unlike.toFixed(2)}`));
    if (mine.answers) {
      rows.push(made("p", say(mine.adjudicates ? "two_say" : "models_say")), ...Object.entries(mine.answers).map(([who, label]) => made("p", `${who}: ${label}`)));
    }
    const text = mine.is_blind ? say("blind") : say("no_suggestion");
    this.$("suggestion").replaceChildren(...(rows.length ? rows : [made("p", text, { className: "empty" })]));
  }

  plots(mine, told) {
    this.waveform(told.waveform, told.sampling_rate_hz);
    this.spectra(told);
    this.$("spectrogram-figure").hidden = this.$("partner").hidden = true;
    this.known(mine, told);
  }

  spectra(told, whose = "") {
    const shaft = told.speed_rpm ? told.speed_rpm / 60 : null;
    for (const name of ["spectrum", "envelope"]) {
      const amplitudes = unpacked(told[name].values), drawn = name === "spectrum" ? inDecibels(amplitudes) : { values: amplitudes };
      const curve = { from: 0, to: told[name].highest_hz, unit: "Hz", ...drawn }, plot = this.of[whose + name];
      plot.marks = null;
      plot.show({ ...curve, lines: name === "envelope" ? shaft : null });
    }
  }

  // What the other sensor recorded at the same moment, below.
  async partner(mine, recordings, fetched, isCurrent) {
    const moment = recordings.find((one) => one.name === mine.item)?.moment ?? null;
    const other = recordings.find((one) => moment !== null && one.moment === moment && one.domain !== mine.domain);
    if (!other) return;
    const told = await fetched(other.name);
    if (!isCurrent()) return;
    this.$("partner").hidden = false;
    this.$("partner-item").textContent = `${other.name} · ${other.domain}`;
    this.spectra(told, "partner-");
  }

  waveform(told, rate) {
    const curve = { from: told.start / rate, to: told.stop / rate, unit: "s" };
    this.of.waveform.show({ ...curve, low: unpacked(told.low), high: unpacked(told.high) });
  }

  known(mine, told) {
    const reason = known(`reason_${mine.reason}`) ? say(`reason_${mine.reason}`) : mine.reason;
    const rows = [
      ["domain", mine.domain], ["side", say(`side_${mine.side}`)], ["reason", reason],
      ["rate", `${told.sampling_rate_hz} Hz`],
      ["length", `${(told.n_samples / told.sampling_rate_hz).toPrecision(3)} s · ${told.n_samples} ${say("samples")}`],
      ["speed", told.speed_rpm ? `${Math.round(told.speed_rpm)} rpm` : say("none")],
    ];
    this.$("facts").replaceChildren(...rows.flatMap(([name, value]) => [made("dt", say(name)), made("dd", value)]));
  }

  async sideInformation(mine, get, fetched, isCurrent) {
    const { motor, recordings } = await get().catch(() => ({ motor: mine.motor, recordings: [] }));
    if (!isCurrent()) return;
    this.list("recordings", recordings.map((one) =>
      `${one.name === mine.item ? "▸ " : ""}${one.name} · ${one.domain} · RMS ${one.rms.toPrecision(3)}${one.label ? ` · ${one.label}` : ""}`));
    const levels = recordings.filter((one) => one.domain === mine.domain).map((one) => one.rms);
    if (levels.length > 1) this.of.trend.show({ from: 0, to: levels.length, unit: "", values: Float32Array.from(levels) });
    this.$("trend").hidden = levels.length < 2;
    this.$("trend").title = motor;
    await this.partner(mine, recordings, fetched, isCurrent).catch(() => {});
  }

  list(id, texts) {
    const rows = texts.length ? texts.map((text) => made("li", text)) : [made("li", say("none"), { className: "empty" })];
    this.$(id).replaceChildren(...rows);
  }

  spectrogram(told) {
    const figure = this.$("spectrogram-figure");
    figure.hidden = !figure.hidden;
    this.levels = told;
    if (!figure.hidden) drawSpectrogram(this.$("spectrogram"), told);
  }

  end(text) {
    this.$("item").textContent = text;
    for (const plot of Object.values(this.of)) plot.show(null);
    this.$("partner").hidden = true;
    for (const id of ["answers", "facts", "suggestion", "neighbours", "recordings"]) this.$(id).replaceChildren();
    document.body.dataset.drawn = "";
  }
}
