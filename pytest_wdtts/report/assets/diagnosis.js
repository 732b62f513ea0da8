"use strict";
// Charts of one diagnosis: the ladder, every step as it ran, the split, the memory.
const STEP_FIGURES = [["service_time_ms", "p50"], ["service_time_ms", "p95"], ["service_time_ms", "p99"], ["ttfa_ms", "p95"]];
const HUES = { service_time_ms: "service", ttfa_ms: "ttfa", ladder: "service", slow_readers: "own", flush: "flush" };
const ladderWord = (measure, figure) => word(`ladder_${measure === "ttfa_ms" ? "ttfa" : "service"}_${figure}`);
const stepsOf = (experiment) => data.steps.map((line) => line.seen).filter((one) => !experiment || one.step.experiment === experiment);
const logAxis = (colours) => axis(colours, { type: "log", min: (value) => 10 ** Math.floor(Math.log10(Math.max(value.min, 0.1))),
  axisLabel: { color: colours.soft, formatter: (value) => `${number(value)} ms` } });
const stepNames = (colours, names) => axis(colours, { type: "category", data: names, axisLabel: { color: colours.soft, fontSize: 11, hideOverlap: true, formatter: (name) => name.split(":")[0] } });
const labelled = (colours, unit) => ({ ...frame(colours, unit), legend: legend(colours), grid: { left: 62, right: 24, top: 30, bottom: 24 } });
const placeOf = new Map(data.steps.map((line, place) => [line.seen.journal, place + 1]));
const short = (one) => `${placeOf.get(one.journal)}: ` + `${one.step.sessions}×${one.step.cps}${one.step.slow_share ? "*" : ""}`;

/** Latency against sessions: the line through the best of each load, a point for every try. */
function ladderCurve(colours) {
  const steps = stepsOf("ladder").filter((one) => one.valid && one.figures.service_time_ms.count);
  const loads = [...new Set(steps.map((one) => one.step.sessions))].sort((a, b) => a - b);
  const value = (one, measure, figure) => Math.max(one.figures[measure][figure], 0.1);
  const series = STEP_FIGURES.flatMap(([measure, figure]) => {
    const colour = colours[HUES[measure]];
    const tries = steps.map((one) => [one.step.sessions, value(one, measure, figure)]);
    const bests = loads.map((load) => [load, Math.min(...tries.filter(([sessions]) => sessions === load).map((pair) => pair[1]))]);
    const name = ladderWord(measure, figure);
    return [{ name, type: "line", symbol: "none", lineStyle: FIGURES[figure], color: colour, data: bests },
      { name, type: "scatter", symbolSize: 8, color: colour, data: tries }];
  });
  const { held, broken } = data.capacity;
  if (series.length && broken) series[0].markArea = { silent: true, label: { show: false },
    data: [[{ xAxis: held, itemStyle: { color: colours.bad, opacity: colours.shade } }, { xAxis: broken }]] };
  return { ...labelled(colours, "ms"), legend: legend(colours, { icon: undefined, itemWidth: 22 }),
    tooltip: { ...frame(colours, "ms").tooltip, trigger: "item", formatter: ({ seriesName, data: [load, ms] }) => `${seriesName}<br>${load}: ${number(ms)} ms` },
    xAxis: axis(colours, { type: "value", min: 0, max: Math.max(...loads, 1) }), yAxis: logAxis(colours), series };
}

function inOrder(colours) {
  const steps = stepsOf("");
  const kinds = ["ladder", "slow_readers", "flush"].filter((kind) => steps.some((one) => one.step.experiment === kind));
  return { ...labelled(colours, "ms"), xAxis: stepNames(colours, steps.map(short)), yAxis: logAxis(colours),
    series: steps.length ? kinds.map((kind) => ({ name: word(`experiment_${kind}`), type: "bar", barGap: "-100%", color: colours[HUES[kind]],
      data: steps.map((one) => (one.step.experiment === kind ? Math.max(one.figures.service_time_ms.p99, 0.1) : null)) })) : [] };
}

function stepSplit(colours) {
  const steps = stepsOf("").filter((one) => one.split);
  return { ...labelled(colours, "ms"), xAxis: stepNames(colours, steps.map(short)), yAxis: axis(colours, { type: "value", min: 0 }),
    series: !steps.length ? [] : [
      { name: word("flush_wait_ms"), type: "bar", stack: "p99", color: colours.flush, data: steps.map((one) => one.split.flush_wait * one.split.unit_latency_p99_ms) },
      { name: word("service_time_ms"), type: "bar", stack: "p99", color: colours.service,
        data: steps.map((one) => one.split.service_time * one.split.unit_latency_p99_ms) },
      { name: word("floor"), type: "scatter", symbol: "rect", symbolSize: [22, 3], color: colours.ink, data: steps.map((one) => one.flush_floor_ms.p99) }] };
}

function idleMemory(colours) {
  const looks = [...stepsOf("").map((one) => [short(one), one.before.rss_bytes]), ["end", data.after.rss_bytes]].filter((pair) => pair[1] >= 0);
  return { ...frame(colours, "MiB"), xAxis: stepNames(colours, looks.map((pair) => pair[0])), yAxis: axis(colours, { type: "value", scale: true }),
    series: looks.length ? [{ name: "RSS", type: "line", color: colours.gateway, data: looks.map((pair) => pair[1] / 1048576) }] : [] };
}

Object.assign(DRAWN, { ladder: ladderCurve, in_order: inOrder, step_split: stepSplit, memory: idleMemory });
begin();
