"use strict";
// Charts of one run. All figures come from the JSON in the page; nothing is computed here but shapes.
const end_s = data.report.summary.duration_s;
const report = data.report;
const faultWord = (fault) => (words[`fault_${fault}`] ? word(`fault_${fault}`) : fault);
const spoken = (text) => (language() === "zh" && data.chinese[text]) || text;

/** Overlapping intervals of faults become one shaded area, so that shade means "something was broken on purpose". */
function shades(colours) {
  const spans = [];
  for (const { start_s, end_s: to_s } of report.fault_intervals) {
    const last = spans.at(-1);
    if (last && start_s <= last[1]) last[1] = Math.max(last[1], to_s);
    else spans.push([start_s, Math.max(to_s, start_s + end_s / 400)]);
  }
  return { silent: true, label: { show: false }, itemStyle: { color: colours.fault, opacity: colours.shade },
    data: spans.map(([from, to]) => [{ xAxis: from }, { xAxis: to }]) };
}

function timed(colours, unit, series, more = {}) {
  if (series.length) series[0].markArea = shades(colours);
  return overTime(colours, unit, series, end_s, more);
}

const measured = (measure, colour) => (colours) => timed(colours, "ms", windowSeries(report.windows, measure, colours[colour]));

function overviewOption(colours) {
  const counts = new Array(Math.ceil(end_s) + 1).fill(0);
  for (const row of report.rows) for (const at_s of row.when_s) counts[Math.min(at_s, counts.length - 1)] += 1;
  const option = timed(colours, "", [{ name: word("evidence_count"), type: "bar", color: colours.bad, barWidth: "90%",
    data: counts.map((count, at) => [at + 0.5, count]) }]);
  option.yAxis.minInterval = 1;
  option.yAxis.max = Math.max(1, ...counts);
  return { ...option, grid: { ...option.grid, bottom: 44 }, dataZoom: [slider(colours)] };
}

function stacked(colours, unit, parts) {
  const series = parts.map(([name, color, value]) => ({ name, type: "bar", stack: "all", barWidth: "80%", color,
    data: report.windows.map((window) => [middle(window), value(window)]) }));
  const option = timed(colours, unit, series, { legend: legend(colours) });
  return { ...option, grid: { ...option.grid, top: 26 } };
}

const splitOption = (colours) => stacked(colours, "ms", !report.latency.unit_latency_ms.count ? [] : [
  [word("flush_wait_ms"), colours.flush, (window) => window.mean_flush_wait_ms],
  [word("service_time_ms"), colours.service, (window) => window.mean_service_ms]]);

const errorsOption = (colours) => ({ nothing: "no_errors", ...stacked(colours, "",
  Object.keys(report.errors_by_code).map((code, at) => [code, colours.series[at % colours.series.length], (window) => window.errors_by_code[code] || 0])) });

function percentilesOption(colours) {
  const shown = [["unit_latency_ms", "unit"], ["flush_wait_ms", "flush"], ["service_time_ms", "service"], ["probe_ttfa_ms", "ttfa"], ["send_lateness_ms", "own"]];
  return percentileOption(colours, shown.filter(([measure]) => report.percentile_curves[measure])
    .map(([measure, colour]) => percentileLine(word(measure), report.percentile_curves[measure], colours[colour])));
}

function lanesOption(colours) {
  const lanes = report.lanes;
  const place = Object.fromEntries(lanes.map((lane, at) => [lane.id, at]));
  const segments = (list) => list.flatMap(([from, to, lane]) => [[from, lane], [Math.max(to, from + 0.03), lane], [null, lane]]);
  const thick = (name, color, list, width) => ({ name, type: "line", symbol: "none", connectNulls: false, silent: true, color,
    lineStyle: { width, color, cap: "butt" }, data: segments(list) });
  const marks = (name, color, symbol, size, list) => ({ name, type: "scatter", color, symbol, symbolSize: size, data: list, z: 4,
    itemStyle: { borderColor: colours.panel, borderWidth: size[0] ? 0 : 1 } });
  const kinds = (...wanted) => lanes.flatMap((lane, at) => lane.events.filter(([, kind]) => wanted.includes(kind))
    .map(([s, kind, detail]) => [s, at, word(`event_${kind}`), spoken(detail)]));
  const faults = report.fault_intervals.filter(({ fault, session }) => session in place && fault !== "cancel");
  const series = [thick(word("alive"), colours.lane, lanes.flatMap((lane, at) => lane.alive_s.map(([a, b]) => [a, b, at])), 9),
    thick(word("event_fault"), colours.fault, faults.map(({ session, start_s, end_s: to_s }) => [start_s, to_s, place[session]]), 9),
    marks(word("chunk"), colours.service, "rect", [1.5, 9], lanes.flatMap((lane, at) => lane.chunks_at_s.map((s) => [s, at, word("chunk"), ""]))),
    { ...marks(word("event_fault"), colours.fault, "circle", 3, faults.map(({ fault, session, start_s }) => [start_s, place[session], word("event_fault"), faultWord(fault)])) },
    marks(word("cancel"), colours.flush, "diamond", 11, kinds("cancel_sent")),
    marks(word("resume"), colours.ttfa, "triangle", 10, kinds("resume_sent")),
    marks(word("evidence"), colours.bad, "pin", 17, report.rows.flatMap((row) => row.evidence
      .filter((piece) => piece.session in place).map((piece) => [piece.at_s, place[piece.session], row.id, spoken(piece.what)]))),
    marks(word("error"), colours.bad, "circle", 10, kinds("error", "failed", "violation", "end_violation"))]
    .filter((one) => one.data.length);
  const shown = Math.min(lanes.length, 40);
  const troubled = (id) => lanes[place[id]] && (lanes[place[id]].trouble || lanes[place[id]].failing);
  const option = timed(colours, "", series, { legend: legend(colours, { icon: undefined, itemHeight: 9 }),
    tooltip: { ...frame(colours, "").tooltip, trigger: "item", formatter: ({ data: [s, at, kind, detail] }) =>
      echarts.format.encodeHTML(`${lanes[at].id} · ${s.toFixed(3)} s · ${kind}${detail ? `: ${detail}` : ""}`) },
    yAxis: axis(colours, { type: "category", inverse: true, data: lanes.map((lane) => lane.id), splitLine: { show: false },
      axisLabel: { interval: 0, fontSize: 10, formatter: (id) => (troubled(id) ? `{bad|${id.split("-").at(-1)}}` : id.split("-").at(-1)),
        color: colours.soft, rich: { bad: { color: colours.bad, fontWeight: "bold", fontSize: 10 } } } }) });
  if (series.length) series[0].markArea = undefined;
  option.grid = { left: 46, right: 24, top: 34, bottom: 24 };
  if (lanes.length > shown) option.dataZoom.push({ type: "slider", yAxisIndex: 0, right: 0, width: 12, startValue: 0, endValue: shown - 1, showDetail: false,
    brushSelect: false, showDataShadow: false, borderColor: colours.line, fillerColor: "rgba(110,150,200,0.2)" });
  option.height_px = 74 + shown * 15;
  return option;
}

function cpuOption(colours) {
  const samples = report.gateway_samples.filter((sample) => sample.cpu_s >= 0);
  const points = samples.slice(1).map((now, at) => [now.at_s, (100 * (now.cpu_s - samples[at].cpu_s)) / Math.max(now.at_s - samples[at].at_s, 1e-9)]);
  return area(colours, "%", "CPU", points);
}

const rssOption = (colours) => area(colours, "MB", "RSS", report.gateway_samples
  .filter((sample) => sample.rss_bytes >= 0 && sample.at_s >= 0).map((sample) => [sample.at_s, sample.rss_bytes / 1e6]));

const area = (colours, unit, name, points) => timed(colours, unit, !points.length ? []
  : [{ name, type: "line", symbol: "none", color: colours.gateway, lineStyle: { width: 1.5 }, areaStyle: { opacity: 0.12 }, data: points }]);

/** Of a figure that counts up in seconds, how fast it goes: one line for each container. A new start counts from 0. */
function containersOption(colours, figure) {
  const byService = Object.groupBy(report.container_samples, ({ service }) => service);
  const series = Object.entries(byService).map(([service, samples]) => ({ name: service, type: "line", symbol: "none", lineStyle: { width: 1.5 },
    data: samples.slice(1).map((now, at) => [now.at_s,
      Math.max(0, (100 * (now[figure] - samples[at][figure])) / Math.max(now.at_s - samples[at].at_s, 1e-9))]) }));
  const option = timed(colours, "%", series, { legend: legend(colours) });
  option.grid = { ...option.grid, top: 34 };
  return option;
}

Object.assign(DRAWN, {
  container_cpu: (colours) => containersOption(colours, "cpu_s"),
  throttled: (colours) => containersOption(colours, "throttled_s"),
  overview: overviewOption,
  service_time_ms: measured("service_time_ms", "service"),
  ttfa_ms: measured("ttfa_ms", "ttfa"),
  unit_latency_ms: measured("unit_latency_ms", "unit"),
  flush_wait_ms: measured("flush_wait_ms", "flush"),
  lateness: measured("send_lateness_ms", "own"),
  split: splitOption, cpu: cpuOption, rss: rssOption, errors: errorsOption, lanes: lanesOption, percentiles: percentilesOption,
});
begin();
