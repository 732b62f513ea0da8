"use strict";
// Two runs over each other: A dashed, B solid, in one hue for each measure.
const sides = [["A", data.before, "dashed"], ["B", data.after, "solid"]];

const overlaid = (measure, colour) => (colours) => overTime(colours, "ms", sides.flatMap(([label, run, type]) =>
  windowSeries(run.windows, measure, colours[colour], { p99: { width: 2, type } }).map((one) => ({ ...one, name: label }))),
Math.max(...sides.map(([, run]) => run.duration_s)));

function percentilesOption(colours) {
  const shown = [["unit_latency_ms", "unit"], ["service_time_ms", "service"], ["probe_ttfa_ms", "ttfa"]];
  return percentileOption(colours, shown.flatMap(([measure, colour]) => sides.filter(([, run]) => run.percentile_curves[measure])
    .map(([label, run, type]) => percentileLine(`${label}: ${word(measure)}`, run.percentile_curves[measure], colours[colour], type))));
}

Object.assign(DRAWN, {
  service_time_ms: overlaid("service_time_ms", "service"),
  ttfa_ms: overlaid("ttfa_ms", "ttfa"),
  unit_latency_ms: overlaid("unit_latency_ms", "unit"),
  lateness: overlaid("send_lateness_ms", "own"),
  percentiles: percentilesOption,
});
begin();
