"use strict";
// What all pages share: data and words from the page, colours, axes, drawing, language, theme, zoom by keyboard, print.
// A page's own script fills DRAWN (chart id to a function of the colours that returns an option) and calls `begin`.
const data = JSON.parse(document.getElementById("data").textContent);
const words = JSON.parse(document.getElementById("words").textContent);
const root = document.documentElement;
const hash = new URLSearchParams(location.hash.slice(1));
const charts = {};
const DRAWN = {};
const TOO_SMALL_FOR_LOG_MS = 0.01;

const language = () => root.dataset.lang;
const word = (key) => (words[key] ? words[key][language() === "zh" ? 1 : 0] : key);
const isDark = () => root.dataset.theme === "dark"
  || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);

/** Colours that colour-blind eyes keep apart (after Okabe and Ito), by what they stand for. */
function palette() {
  return isDark()
    ? { ink: "#e6e9ed", soft: "#9aa4af", line: "#2c343d", panel: "#181d23", bad: "#ff8a5c", lane: "#2a4258", fault: "#e0a63f", shade: 0.22,
        service: "#6cb0ff", ttfa: "#43c59e", unit: "#d7dbe0", flush: "#c8a2ff", own: "#e6d35c", gateway: "#6cb0ff",
        series: ["#ff8a5c", "#6cb0ff", "#e6d35c", "#c8a2ff", "#43c59e", "#9aa4af"] }
    : { ink: "#1b1f24", soft: "#59636e", line: "#dde1e6", panel: "#fff", bad: "#b93005", lane: "#c3d8ef", fault: "#d98e1a", shade: 0.2,
        service: "#0b62c4", ttfa: "#0a7055", unit: "#3b4450", flush: "#8250b8", own: "#8a6d00", gateway: "#0b62c4",
        series: ["#b93005", "#0b62c4", "#8a6d00", "#8250b8", "#0a7055", "#6e7781"] };
}

const number = (value) => (value == null ? "-" : Number(value.toPrecision(4)).toLocaleString("en-US"));
const middle = (window) => (window.start_s + window.end_s) / 2;

function frame(colours, unit) {
  return {
    animation: false, aria: { enabled: true }, color: colours.series,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 46, right: 24, top: 12, bottom: 22 },
    legend: { show: false },
    tooltip: { trigger: "axis", confine: true, backgroundColor: colours.panel, borderColor: colours.line, textStyle: { color: colours.ink, fontSize: 12 },
      valueFormatter: (value) => `${number(value)} ${unit}` },
  };
}

const legend = (colours, more) => ({ show: true, top: 0, left: 0, icon: "roundRect", itemWidth: 14, itemHeight: 6, textStyle: { color: colours.ink }, ...more });

function axis(colours, more) {
  return { axisLabel: { color: colours.soft, hideOverlap: true, fontSize: 11 }, axisLine: { lineStyle: { color: colours.line } }, axisTick: { show: false },
    splitLine: { lineStyle: { color: colours.line, opacity: 0.6 } }, splitNumber: 3, nameTextStyle: { color: colours.soft }, ...more };
}

const secondsLabel = (colours) => ({ color: colours.soft, hideOverlap: true, showMaxLabel: false, fontSize: 11, formatter: (value) => `${number(value)} s` });

/** Time goes from left to right through all charts of a page, and all zoom together. */
function overTime(colours, unit, series, end_s, more = {}) {
  return { ...frame(colours, unit),
    xAxis: axis(colours, { type: "value", min: 0, max: Math.ceil(end_s * 10) / 10, splitNumber: 6, splitLine: { show: false },
      axisPointer: { label: { formatter: ({ value }) => `${value.toFixed(2)} s` } }, axisLabel: secondsLabel(colours) }),
    yAxis: axis(colours, { type: "value", min: 0 }),
    dataZoom: [{ id: "time", type: "inside", xAxisIndex: 0, filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseMove: false }],
    series, ...more };
}

const slider = (colours) => ({ id: "time", type: "slider", xAxisIndex: 0, filterMode: "none", height: 16, bottom: 2, showDetail: false, brushSelect: false,
  borderColor: colours.line, fillerColor: "rgba(110,150,200,0.2)", handleSize: "110%", showDataShadow: false });

/** One measure, one hue: p99 strong, p95 thin, p50 dotted; the page says so once. */
const FIGURES = { p99: { width: 2.2, type: "solid" }, p95: { width: 1.3, type: "solid" }, p50: { width: 1.3, type: "dotted" } };

function windowSeries(windows, measure, colour, figures = FIGURES) {
  const filled = windows.filter((window) => window[measure].count);
  return !filled.length ? [] : Object.entries(figures).map(([figure, lineStyle]) => ({
    name: figure, type: "line", symbol: "circle", symbolSize: 4, showSymbol: filled.length < 3, lineStyle, color: colour,
    data: filled.map((window) => [middle(window), window[measure][figure]]) }));
}

function percentileOption(colours, series) {
  const percentile = (x) => `${Number((100 - 100 / x).toPrecision(7))}%`;
  return { ...frame(colours, "ms"), legend: legend(colours, { icon: undefined, itemWidth: 26, itemHeight: 8 }), grid: { left: 52, right: 20, top: 46, bottom: 24 },
    xAxis: axis(colours, { type: "log", min: 1, splitNumber: 5, axisLabel: { color: colours.soft, fontSize: 11, formatter: percentile }, axisPointer: { label: { formatter: ({ value }) => percentile(value) } } }),
    yAxis: axis(colours, { type: "log", splitNumber: 6, axisLabel: { color: colours.soft, fontSize: 11, formatter: number } }), series };
}

const percentileLine = (name, curve, color, type = "solid") => ({ name, type: "line", symbol: "none", color, lineStyle: { width: 2, type },
  data: curve.map(([at, ms]) => [100 / (100 - at), Math.max(ms, TOO_SMALL_FOR_LOG_MS), at]) });

function draw() {
  const colours = palette();
  for (const [id, optionOf] of Object.entries(DRAWN)) {
    const box = document.getElementById(id);
    if (!box) continue;
    const option = optionOf(colours);
    if (!option.series.length) {
      charts[id]?.dispose();
      delete charts[id];
      box.className = "chart none";
      box.removeAttribute("tabindex");
      box.textContent = word(option.nothing || "nothing");
      continue;
    }
    if (option.height_px) box.style.height = `${option.height_px}px`;
    charts[id] ||= echarts.init(box, null, { renderer: "canvas", devicePixelRatio: Math.max(2, devicePixelRatio) });
    charts[id].resize();
    charts[id].setOption(option, true);
    if (option.dataZoom) charts[id].group = "time";
  }
  echarts.connect("time");
}

/** Arrow keys move the shared span of time, + and - change it, 0 shows the whole run. */
function zoomByKey(event) {
  const chart = charts[event.currentTarget.id];
  const zoom = chart?.getOption().dataZoom?.[0];
  if (!zoom) return;
  const width = zoom.end - zoom.start;
  const step = width / 10;
  const spans = { ArrowLeft: [-step, -step], ArrowRight: [step, step], "+": [step, -step], "=": [step, -step], "-": [-step, step], 0: [-100, 100] };
  const change = spans[event.key];
  if (!change) return;
  event.preventDefault();
  let [start, end] = [zoom.start + change[0], zoom.end + change[1]];
  if (change[0] === change[1]) {
    const back = Math.max(0, -start) - Math.max(0, end - 100);
    [start, end] = [start + back, end + back];
  }
  chart.dispatchAction({ type: "dataZoom", dataZoomId: "time", start: Math.max(0, start), end: Math.min(100, end) });
}

function speak(chosen) {
  root.dataset.lang = chosen;
  root.lang = chosen === "zh" ? "zh-Hant" : "en";
  document.getElementById("language").textContent = chosen === "zh" ? "English" : "中文";
  for (const box of document.querySelectorAll(".chart"))
    box.setAttribute("aria-label", box.previousElementSibling?.innerText ?? "");
  draw();
}

/** For print: light, as wide as the paper, what is folded open; afterwards all is as it was. */
function readyForPrint() {
  const theme = root.dataset.theme;
  const folded = [...document.querySelectorAll("details.evidence:not([open])")];
  root.dataset.theme = "light";
  root.classList.add("printing");
  for (const one of folded) one.open = true;
  draw();
  addEventListener("afterprint", () => {
    if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
    root.classList.remove("printing");
    for (const one of folded) one.open = false;
    draw();
  }, { once: true });
}

function begin() {
  document.getElementById("language").addEventListener("click", () => speak(language() === "zh" ? "en" : "zh"));
  document.getElementById("theme").addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; draw(); });
  for (const box of document.querySelectorAll(".chart")) box.addEventListener("keydown", zoomByKey);
  addEventListener("resize", () => Object.values(charts).forEach((chart) => chart.resize()));
  addEventListener("beforeprint", readyForPrint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  const began = document.getElementById("began");
  if (began) began.textContent = new Date(began.dataset.unixS * 1000).toISOString().replace("T", " ").slice(0, 19) + " UTC";
  if (hash.get("theme")) root.dataset.theme = hash.get("theme");
  speak(hash.get("lang") || (navigator.language.startsWith("zh") ? "zh" : "en"));
}
