// A page of recordings of which the model is sure: what looks otherwise is taken out, the others are accepted at once.

import { Plot, unpacked } from "./plot.js";
import { say } from "./words.js";

export const COLUMNS = 200;

export function likeliest(mine) {
  const said = Object.entries(mine.suggestion?.probabilities ?? {});
  return said.reduce((best, one) => (one[1] > best[1] ? one : best), ["", 0]);
}

export class Sure {
  // `accept(kept, left, label)` is called once people have looked.
  constructor($, accept) {
    this.$ = $;
    this.accept = accept;
    this.plots = [];
    $("sure-accept").onclick = () => this.done();
  }

  get isShown() { return !this.$("sure").hidden; }

  redraw() { for (const plot of this.plots) plot.draw(); }

  hide() {
    this.$("sure").hidden = true;
    this.$("single").hidden = false;
  }

  // Of what comes, all that the model takes for the class of the first.
  show(items, draw) {
    this.label = likeliest(items[0])[0];
    this.items = items.filter((one) => likeliest(one)[0] === this.label);
    this.left = new Set();
    this.plots = [];
    this.$("sure").hidden = false;
    this.$("single").hidden = true;
    this.$("sure-tiles").replaceChildren(...this.items.map((one) => this.tile(one, draw)));
    this.tell();
    this.$("sure-tiles").firstElementChild.focus();
  }

  tell() {
    this.$("sure-title").textContent = say("sure_title", { label: this.label });
    this.$("sure-how").textContent = say("sure_how");
    this.$("sure-accept").textContent = say("sure_accept", { n: this.items.length - this.left.size, label: this.label });
  }

  tile(mine, draw) {
    const tile = document.createElement("button"), canvases = [document.createElement("canvas"), document.createElement("canvas")];
    tile.type = "button";
    tile.setAttribute("aria-pressed", "true");
    tile.append(`${mine.item} · ${Math.round(100 * likeliest(mine)[1])} %`, ...canvases);
    tile.onclick = () => {
      if (!this.left.delete(mine)) this.left.add(mine);
      tile.setAttribute("aria-pressed", String(!this.left.has(mine)));
      this.tell();
    };
    const plots = canvases.map((canvas) => new Plot(canvas));
    this.plots.push(...plots);
    draw(mine.item).then((told) => {
      plots[0].show({ from: 0, to: told.waveform.stop / told.sampling_rate_hz, unit: "s",
        low: unpacked(told.waveform.low), high: unpacked(told.waveform.high) });
      plots[1].show({ from: 0, to: told.envelope.highest_hz, unit: "Hz", values: unpacked(told.envelope.values),
        lines: told.speed_rpm ? told.speed_rpm / 60 : null });
      tile.dataset.drawn = mine.item;
    }).catch(() => {});
    return tile;
  }

  // Whether a key meant something here.
  keyed(key) {
    if (key === "Enter") { this.done(); return true; }
    const tiles = [...this.$("sure-tiles").children], place = tiles.indexOf(document.activeElement);
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key];
    if (!by) return false;
    tiles[Math.min(tiles.length - 1, Math.max(0, place + by))].focus();
    return true;
  }

  done() {
    const kept = this.items.filter((one) => !this.left.has(one));
    this.hide();
    this.accept(kept, [...this.left], this.label);
  }
}
