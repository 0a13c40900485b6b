"use strict";
// What a reader chooses: an order and a filter of the table of cells, one cell, and the theme of the figures. All
// texts are made and escaped where the page is written; what is packed here came from there, and the page's policy
// lets no other script run.
(() => {
  const byId = (id) => document.getElementById(id);
  const page = JSON.parse(byId("page-data").textContent);
  const figures = { ...page.figures }; // name -> figure; the chosen cell's come and go
  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
  let chosen = 0; // counts choices, so that a slow one does not overtake a later one

  const say = (key, values = {}) => page.words[key].replace(/<(\w+)>/g, (_, name) => values[name]);

  async function unpack(id) {
    const text = byId(id).textContent;
    // Older browsers have no decoder of their own.
    const bytes = Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }

  function trouble(error) {
    byId("trouble").textContent = say("trouble", { what: String(error) });
    byId("trouble").hidden = false;
    throw error;
  }

  // ---- figures -------------------------------------------------------------------------------------------------

  const theme = () => getComputedStyle(document.documentElement);

  /** Return a figure with every colour's name replaced by the colour that the theme has for it. */
  function painted(value, style) {
    if (typeof value === "string") return value.startsWith("var:") ? style.getPropertyValue(`--${value.slice(4)}`).trim() : value;
    if (Array.isArray(value)) return value.map((item) => painted(item, style));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, painted(item, style)]));
  }

  function template(style) {
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const axis = { gridcolor: colour("grid"), linecolor: colour("rule"), zerolinecolor: colour("rule"), showline: true, ticks: "outside", tickcolor: colour("rule") };
    return {
      layout: {
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        font: { color: colour("ink"), family: getComputedStyle(document.body).fontFamily, size: 12 },
        margin: { l: 40, r: 16, t: 30, b: 40 }, xaxis: axis, yaxis: axis, dragmode: false,
        legend: { orientation: "h", entrywidth: 0, entrywidthmode: "pixels", yref: "container", y: 0, yanchor: "bottom", x: 0 },
        title: { font: { size: 13 }, x: 0.02, xanchor: "left" },
        hoverlabel: { bgcolor: colour("card"), bordercolor: colour("rule"), font: { color: colour("ink") } },
      },
    };
  }

  const settings = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] };

  let loading = null; // Plotly, once a figure that it draws is looked at

  function plotly() {
    loading ??= unpack("plotly").then((source) => {
      const script = document.createElement("script");
      script.textContent = source;
      document.head.append(script);
    });
    return loading;
  }

  async function figureOf(name) {
    if (!figures[name] && page.shared[name]) figures[name] = JSON.parse(await unpack(page.shared[name]));
    return figures[name];
  }

  async function draw(canvas) {
    const [figure] = await Promise.all([figureOf(canvas.dataset.figure), plotly()]);
    if (!figure || !canvas.isConnected) return;
    const style = theme();
    const layout = { ...painted(figure.layout, style), template: template(style), autosize: true };
    window.Plotly.react(canvas, painted(figure.data, style), layout, settings).catch(trouble);
    canvas.dataset.drawn = "yes";
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting && !entry.target.dataset.drawn) draw(entry.target).catch(trouble);
  }, { rootMargin: "400px" });

  const canvases = (within = document) => [...within.querySelectorAll(".canvas")];
  const redraw = () => canvases().filter((canvas) => canvas.dataset.drawn).forEach((canvas) => draw(canvas).catch(trouble));

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let folded = []; // what printing unfolds, and folds again
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.theme = "light";
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((fold) => { fold.open = true; });
    if (window.Plotly) canvases().forEach((canvas) => draw(canvas).catch(trouble));
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.theme;
    folded.forEach((fold) => { fold.open = false; });
    if (window.Plotly) redraw();
  });

  /** Unfold whatever hides an element. */
  function unfold(element) {
    for (let fold = element?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  }

  // ---- one cell ------------------------------------------------------------------------------------------------

  function named() {
    const match = /^#cell=(.+)$/.exec(location.hash);
    return match ? decodeURIComponent(match[1]) : null;
  }

  /** Go to a cell: the address changes, and with it what is shown. */
  function open(name) {
    if (name) location.hash = `cell=${encodeURIComponent(name)}`;
  }

  async function show(name, isAsked) {
    const turn = ++chosen;
    const place = page.names.indexOf(name);
    if (place < 0) return trouble(say("unknown", { name }));
    const panel = byId("panel");
    const cell = JSON.parse(await unpack(`panel-${place}`));
    if (turn !== chosen) return undefined;
    canvases(panel).forEach((canvas) => canvas.dataset.drawn && window.Plotly.purge(canvas));
    panel.innerHTML = cell.html;
    Object.assign(figures, cell.figures);
    byId("choice").value = name;
    document.querySelector("#cells tr[aria-current]")?.removeAttribute("aria-current");
    document.querySelector(`#cells tr[data-name="${CSS.escape(name)}"]`)?.setAttribute("aria-current", "true");
    canvases(panel).forEach((canvas) => seen.observe(canvas));
    document.documentElement.dataset.cell = name;
    if (isAsked) {
      unfold(panel);
      byId("choice").scrollIntoView();
      byId("chosen").focus({ preventScroll: true });
    }
    return undefined;
  }

  /** Go where the address leads: to a cell, or to a part of the page that may be folded. */
  function follow() {
    if (named()) return show(named(), true);
    const element = location.hash.length > 1 && byId(decodeURIComponent(location.hash.slice(1)));
    if (!element) return undefined;
    unfold(element);
    element.open = true;
    element.scrollIntoView();
    return undefined;
  }

  // ---- the table of cells --------------------------------------------------------------------------------------

  function order(cell) {
    const value = cell.dataset.order;
    if (value === undefined) return null;
    return cell.classList.contains("number") ? Number(value) : value;
  }

  function compare(first, second, sign) {
    if (first === null || second === null) return (first === null) - (second === null); // undefined comes last
    if (typeof first === "number") return sign * (first - second);
    return sign * collator.compare(first, second);
  }

  function sortBy(heading) {
    const column = heading.cellIndex;
    const start = heading.classList.contains("number") ? "descending" : "ascending";
    const turned = { ascending: "descending", descending: "ascending" };
    const direction = turned[heading.getAttribute("aria-sort")] ?? start;
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", direction);
    const body = heading.closest("table").tBodies[0];
    const sign = direction === "ascending" ? 1 : -1;
    const rows = [...body.rows].map((row) => [order(row.cells[column]), row]);
    rows.sort(([first], [second]) => compare(first, second, sign));
    body.append(...rows.map(([, row]) => row));
  }

  function filterRows() {
    const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = [...document.querySelectorAll(".filters select")].filter((select) => select.value);
    const rows = [...byId("cells").tBodies[0].rows];
    for (const row of rows) {
      const axes = JSON.parse(row.dataset.axes);
      const text = Object.values(axes).join(" ").toLowerCase();
      row.hidden = !words.every((word) => text.includes(word)) || !wanted.every((select) => axes[select.dataset.axis] === select.value);
    }
    byId("shown").textContent = say("shown", { n: rows.filter((row) => !row.hidden).length, total: rows.length });
  }

  // ---- begin ---------------------------------------------------------------------------------------------------

  async function begin() {
    if (byId("cells")) {
      for (const heading of byId("cells").tHead.rows[0].cells) heading.firstElementChild.addEventListener("click", () => sortBy(heading));
      document.querySelector(".filters").addEventListener("input", filterRows);
      document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
      filterRows();
    }
    canvases().forEach((canvas) => seen.observe(canvas));
    addEventListener("hashchange", () => { Promise.resolve(follow()).catch(trouble); });
    if (page.default !== null) {
      byId("choice").addEventListener("change", (event) => open(event.target.value));
      if (!named()) await show(page.default, false);
    }
    await follow();
  }

  begin().then(() => { document.documentElement.dataset.state = "ready"; }).catch(trouble);
})();
