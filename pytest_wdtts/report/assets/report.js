"use strict";
// Charts of one run, or of two. All figures come from the JSON in the page; nothing is computed here but shapes.
const data = JSON.parse(document.getElementById("data").textContent);
const words = JSON.parse(document.getElementById("words").textContent);
const root = document.documentElement;
const hash = new URLSearchParams(location.hash.slice(1));
const charts = {};
const TOO_SMALL_FOR_LOG_MS = 0.01;

const language = () => root.dataset.lang;
const word = (key) => (words[key] ? words[key][language() === "zh" ? 1 : 0] : key);
const isDark = () => root.dataset.theme === "dark"
  || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);

function palette() {
  return isDark()
    ? { ink: "#e6e9ed", soft: "#9aa4af", line: "#333b45", panel: "#181d23", good: "#4cc26b", bad: "#ff7b72", mild: "#e0b23c",
        series: ["#6cb0ff", "#f0a04b", "#ff7b72", "#7ee0b8", "#c8a2ff", "#e6d35c", "#9aa4af", "#ff9ecf"], lane: "#2f4a63", shade: 0.16 }
    : { ink: "#1b1f24", soft: "#59636e", line: "#d5d9de", panel: "#fff", good: "#1a7f37", bad: "#cf222e", mild: "#9a6700",
        series: ["#0b62c4", "#c4680b", "#cf222e", "#0f8a6d", "#7a43c2", "#8a7400", "#6e7781", "#c2338a"], lane: "#b9d4f1", shade: 0.13 };
}

const faultColour = { cancel: 4, slow_reader: 5 };
const colourOfFault = (fault, colours) => colours.series[faultColour[fault] ?? 1];

/** Overlapping intervals of one fault become one shaded area. */
function shades(colours) {
  const areas = [];
  const byFault = {};
  for (const interval of data.fault_intervals || []) (byFault[interval.fault] ||= []).push(interval);
  for (const [fault, intervals] of Object.entries(byFault)) {
    let last = null;
    for (const { start_s, end_s } of intervals) {
      if (last && start_s <= last[1]) last[1] = Math.max(last[1], end_s);
      else areas.push([fault, (last = [start_s, Math.max(end_s, start_s + 0.02)])]);
    }
  }
  return areas.map(([fault, [from, to]]) => [
    { name: fault, xAxis: from, itemStyle: { color: colourOfFault(fault, colours), opacity: colours.shade } }, { xAxis: to }]);
}

const number = (value) => (value == null ? "-" : Number(value.toPrecision(4)).toLocaleString("en-US"));
const middle = (window) => (window.start_s + window.end_s) / 2;

function frame(colours, unit) {
  return {
    animation: false, aria: { enabled: true }, color: colours.series,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 8, right: 16, top: 34, bottom: 8, containLabel: true },
    legend: { top: 4, type: "scroll", textStyle: { color: colours.ink }, pageTextStyle: { color: colours.ink }, itemWidth: 18, itemHeight: 8 },
    tooltip: { trigger: "axis", confine: true, backgroundColor: colours.panel, borderColor: colours.line, textStyle: { color: colours.ink, fontSize: 12 },
      valueFormatter: (value) => `${number(value)} ${unit}` },
  };
}

function axis(colours, more) {
  return { axisLabel: { color: colours.soft, hideOverlap: true }, axisLine: { lineStyle: { color: colours.line } },
    splitLine: { lineStyle: { color: colours.line, opacity: 0.5 } }, nameTextStyle: { color: colours.soft }, ...more };
}

function overTime(colours, unit, series, more = {}) {
  const end = data.summary.duration_s;
  if (series.length) series[0].markArea = { silent: true, label: { show: false }, data: shades(colours) };
  return { ...frame(colours, unit), grid: { left: 8, right: 16, top: 34, bottom: 34, containLabel: true },
    xAxis: axis(colours, { type: "value", min: 0, max: Math.ceil(end * 10) / 10, axisPointer: { label: { formatter: ({ value }) => `${value.toFixed(2)} s` } },
      axisLabel: { color: colours.soft, hideOverlap: true, formatter: (value) => `${number(value)} s` } }),
    yAxis: axis(colours, { type: "value", min: 0 }),
    dataZoom: [{ type: "slider", height: 14, bottom: 6, showDetail: false, brushSelect: false, borderColor: colours.line,
      fillerColor: "rgba(110,150,200,0.2)", handleSize: "120%", dataBackground: { lineStyle: { opacity: 0 }, areaStyle: { opacity: 0 } },
      selectedDataBackground: { lineStyle: { opacity: 0 }, areaStyle: { opacity: 0 } } }],
    series, ...more };
}

function windowLines(measure, figures, colours) {
  const filled = data.windows.filter((window) => window[measure].count);
  return overTime(colours, "ms", !filled.length ? [] : figures.map((figure, place) => ({
    name: figure, type: "line", symbol: "circle", symbolSize: 4, lineStyle: { width: 2 }, color: colours.series[place],
    data: filled.map((window) => [middle(window), window[measure][figure]]) })));
}

function stacked(colours, unit, names, value) {
  return overTime(colours, unit, names.map((name) => ({ name: word(name), type: "bar", stack: "all", barWidth: "70%",
    data: data.windows.map((window) => [middle(window), value(window, name)]) })), {});
}

function percentileChart(colours) {
  const sources = data.both || [["", data.percentile_curves]];
  const shown = data.both ? ["unit_latency_ms", "service_time_ms", "probe_ttfa_ms"]
    : ["unit_latency_ms", "flush_wait_ms", "service_time_ms", "probe_ttfa_ms", "send_lateness_ms"];
  const series = [];
  shown.forEach((measure, place) => sources.forEach(([label, curves], which) => {
    if (curves[measure]) series.push({ name: (label ? `${label}: ` : "") + word(measure), type: "line", symbol: "none", color: colours.series[place],
      lineStyle: { width: 2, type: which ? "solid" : data.both ? "dashed" : "solid" },
      data: curves[measure].map(([at, ms]) => [100 / (100 - at), Math.max(ms, TOO_SMALL_FOR_LOG_MS), at]) });
  }));
  const percentile = (x) => `${Number((100 - 100 / x).toPrecision(7))}%`;
  const base = frame(colours, "ms");
  return { ...base, legend: { ...base.legend, type: "plain" }, grid: { ...base.grid, top: 52 },
    xAxis: axis(colours, { type: "log", min: 1, axisLabel: { color: colours.soft, formatter: percentile }, axisPointer: { label: { formatter: ({ value }) => percentile(value) } } }),
    yAxis: axis(colours, { type: "log", axisLabel: { color: colours.soft, formatter: number } }), series };
}

function laneChart(colours) {
  const lanes = data.lanes;
  const place = Object.fromEntries(lanes.map((lane, at) => [lane.id, at]));
  const segments = (list) => list.flatMap(([from, to, lane]) => [[from, lane], [Math.max(to, from + 0.03), lane], [null, lane]]);
  const thick = (name, color, list, width, opacity = 1) => ({ name, type: "line", symbol: "none", connectNulls: false, silent: true, color,
    lineStyle: { width, color, opacity, cap: "butt" }, data: segments(list) });
  const marks = (name, color, symbol, size, list) => ({ name, type: "scatter", color, symbol, symbolSize: size, data: list, z: 4 });
  const kinds = (...wanted) => lanes.flatMap((lane, at) => lane.events.filter(([, kind]) => wanted.includes(kind)).map(([s, kind, detail]) => [s, at, kind, detail]));
  const faults = {};
  for (const { fault, session, start_s, end_s } of data.fault_intervals)
    if (session in place && fault !== "cancel") (faults[fault] ||= []).push([start_s, end_s, place[session]]);
  const shown = Math.min(lanes.length, 40);
  const series = [thick(word("alive"), colours.lane, lanes.flatMap((lane, at) => lane.alive_s.map(([a, b]) => [a, b, at])), 8),
    ...Object.entries(faults).map(([fault, list], turn) => thick(fault, colours.series[[1, 5, 4, 7][turn % 4]], list, 8, 0.75)),
    { ...marks(word("chunk"), colours.series[0], "rect", [1.5, 8], lanes.flatMap((lane, at) => lane.chunks_at_s.map((s) => [s, at, "chunk", ""]))), large: false },
    marks(word("cancel"), colours.series[4], "diamond", 11, kinds("cancel_sent")),
    marks(word("resume"), colours.series[3], "triangle", 10, kinds("resume_sent")),
    marks(word("evidence"), colours.bad, "pin", 16, data.rows.flatMap((row) => row.evidence
      .filter((piece) => piece.session in place).map((piece) => [piece.at_s, place[piece.session], row.id, piece.what]))),
    marks(word("error"), colours.bad, "circle", 10, kinds("error", "failed", "violation", "end_violation"))]
    .filter((one) => one.data.length);
  const option = overTime(colours, "", series, {
    tooltip: { ...frame(colours, "").tooltip, trigger: "item", formatter: ({ data: [s, at, kind, detail] }) =>
      echarts.format.encodeHTML(`${lanes[at].id} · ${s.toFixed(3)} s · ${kind}${detail ? `: ${detail}` : ""}`) },
    yAxis: axis(colours, { type: "category", inverse: true, data: lanes.map((lane) => lane.id), splitLine: { show: false }, axisTick: { show: false },
      axisLabel: { interval: 0, fontSize: 10, formatter: (id) => `${id.slice(-6)}`,
        color: (id) => (lanes[place[id]] && (lanes[place[id]].trouble || lanes[place[id]].failing) ? colours.bad : colours.soft) } }) });
  delete series[0]?.markArea;
  if (lanes.length > shown) {
    option.grid.right = 34;
    option.dataZoom.push({ type: "slider", yAxisIndex: 0, width: 14, right: 6, startValue: 0, endValue: shown - 1, showDetail: false, brushSelect: false,
      borderColor: colours.line, fillerColor: "rgba(110,150,200,0.2)" });
  }
  option.height_px = 90 + shown * 15;
  return option;
}

function cpuOption(colours) {
  const samples = data.gateway_samples.filter((sample) => sample.cpu_s >= 0);
  const points = samples.slice(1).map((now, at) => [now.at_s, (100 * (now.cpu_s - samples[at].cpu_s)) / Math.max(now.at_s - samples[at].at_s, 1e-9)]);
  return overTime(colours, "%", points.length ? [{ name: "CPU", type: "line", symbol: "none", areaStyle: { opacity: 0.15 }, data: points }] : []);
}

function rssOption(colours) {
  const points = data.gateway_samples.filter((sample) => sample.rss_bytes >= 0 && sample.at_s >= 0).map((sample) => [sample.at_s, sample.rss_bytes / 1e6]);
  const option = overTime(colours, "MB", points.length ? [{ name: "RSS", type: "line", symbol: "none", color: colours.series[4], areaStyle: { opacity: 0.15 }, data: points }] : []);
  return option;
}

const DRAWN = {
  ttfa_ms: (c) => windowLines("ttfa_ms", ["p50", "p95", "p99"], c),
  unit_latency_ms: (c) => windowLines("unit_latency_ms", ["p50", "p95", "p99"], c),
  flush_wait_ms: (c) => windowLines("flush_wait_ms", ["p50", "p95", "p99"], c),
  service_time_ms: (c) => windowLines("service_time_ms", ["p50", "p95", "p99"], c),
  split: (c) => stacked(c, "ms", data.latency.unit_latency_ms.count ? ["flush_wait_ms", "service_time_ms"] : [],
    (window, name) => (name === "flush_wait_ms" ? window.mean_flush_wait_ms : window.mean_service_ms)),
  percentiles: percentileChart,
  lanes: laneChart,
  errors: (c) => stacked(c, "", Object.keys(data.errors_by_code), (window, code) => window.errors_by_code[code] || 0),
  lateness: (c) => windowLines("send_lateness_ms", ["p50", "p95", "p99"], c),
  cpu: cpuOption,
  rss: rssOption,
};
const TIMED = Object.keys(DRAWN).filter((id) => id !== "percentiles");

function draw() {
  const colours = palette();
  for (const [id, optionOf] of Object.entries(DRAWN)) {
    const box = document.getElementById(id);
    if (!box) continue;
    const option = optionOf(colours);
    if (!option.series.length) {
      charts[id]?.dispose();
      delete charts[id];
      box.style.height = "auto";
      box.className = "chart soft";
      box.textContent = word(id === "errors" ? "no_errors" : "nothing");
      continue;
    }
    if (option.height_px) box.style.height = `${option.height_px}px`;
    charts[id] ||= echarts.init(box, null, { renderer: "canvas", devicePixelRatio: Math.max(2, devicePixelRatio) });
    charts[id].resize();
    charts[id].setOption(option, true);
    if (TIMED.includes(id)) charts[id].group = "time";
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
  chart.dispatchAction({ type: "dataZoom", dataZoomIndex: 0, start: Math.max(0, start), end: Math.min(100, end) });
}

function speak(chosen) {
  root.dataset.lang = chosen;
  root.lang = chosen === "zh" ? "zh-Hant" : "en";
  document.getElementById("language").textContent = chosen === "zh" ? "English" : "中文";
  draw();
}

document.getElementById("language").addEventListener("click", () => speak(language() === "zh" ? "en" : "zh"));
document.getElementById("theme").addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; draw(); });
for (const box of document.querySelectorAll(".chart")) box.addEventListener("keydown", zoomByKey);
addEventListener("resize", () => Object.values(charts).forEach((chart) => chart.resize()));
let shownTheme;
addEventListener("beforeprint", () => { shownTheme = root.dataset.theme; root.dataset.theme = "light"; draw(); });
addEventListener("afterprint", () => { if (shownTheme) root.dataset.theme = shownTheme; else delete root.dataset.theme; draw(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
const began = document.getElementById("began");
if (began) began.textContent = new Date(began.dataset.unixS * 1000).toISOString().replace("T", " ").slice(0, 19) + " UTC";
if (hash.get("theme")) root.dataset.theme = hash.get("theme");
speak(hash.get("lang") || (navigator.language.startsWith("zh") ? "zh" : "en"));
