// Plots of one run: its samples in order and by value, its operators against the machine's ceilings.

const WIDE = 900;
const TALL = 250;

/** Round values for an axis between two numbers. */
function ticks(low, high, wanted) {
  const raw = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((m) => m >= raw);
  const list = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) list.push(at);
  return list;
}

function axisTime(low, high, y) {
  return ticks(low, high, 4).map((value) => s("g", { class: "axis" },
    s("line", { x1: 78, x2: WIDE - 130, y1: y(value), y2: y(value) }),
    s("text", { x: 72, y: y(value) + 4, "text-anchor": "end" }, format.time(value))));
}

/** Samples in order, with the median, its interval, and how they are distributed. */
function samples(run) {
  const { samples: list, median, ci, mad, min, outliers, disturbed, stop, warmup } = run.latency;
  const odd = new Set(outliers);
  const taken = new Set(disturbed);
  const [low, high] = [Math.min(...list, ci[0]), Math.max(...list, ci[1])];
  const space = (high - low || high * 0.01 || 1) * 0.06;
  const y = (ns) => 14 + ((high + space - ns) / (high - low + 2 * space || 1)) * (TALL - 40);
  const x = (i) => 84 + ((i + 0.5) / list.length) * (WIDE - 84 - 140);
  const dots = (wanted) => list.map((ns, i) => (wanted(i) ? `M${x(i).toFixed(1)} ${y(ns).toFixed(1)}h0` : "")).join("");
  const right = WIDE - 130;
  const plot = s("svg", { class: "plot", viewBox: `0 0 ${WIDE} ${TALL}`, role: "img",
    "aria-label": `${list.length} samples, median ${format.time(median)}, fastest ${format.time(min)}, slowest ${format.time(high)}` },
  axisTime(low, high, y),
  s("rect", { class: "interval", x: 78, width: right - 78, y: y(ci[1]), height: Math.max(1, y(ci[0]) - y(ci[1])) }),
  s("line", { class: "median", x1: 78, x2: right, y1: y(median), y2: y(median) }),
  s("path", { class: "dots", d: dots((i) => !odd.has(i) && !taken.has(i)) }),
  s("path", { class: "dots taken", d: dots((i) => taken.has(i) && !odd.has(i)) }),
  s("path", { class: "dots odd", d: dots((i) => odd.has(i)) }),
  histogram(list, y, low, high, right + 14),
  s("text", { class: "note", x: 84, y: TALL - 6 }, "samples in order"),
  s("text", { class: "note", x: right + 14, y: TALL - 6 }, "distribution"));
  return section("Samples", `${format.plural(list.length, "sample")} of uninstrumented runs after ${format.plural(warmup, "warm-up run")}; ${stop}.`,
    plot, h("ul", { class: "legend" },
      h("li", null, h("span", { class: "swatch line-median" }), `median ${format.time(median)}, 95% interval ${format.time(ci[0])} to ${format.time(ci[1])}`),
      h("li", null, `MAD ${format.time(mad)}`), h("li", null, `fastest ${format.time(min)}`),
      odd.size ? h("li", null, h("span", { class: "swatch dot-odd" }), `${format.plural(odd.size, "outlier")}, kept`) : null,
      taken.size ? h("li", null, h("span", { class: "swatch dot-taken" }), `${taken.size} disturbed from outside`) : null));
}

function histogram(list, y, low, high, left) {
  const bins = Math.max(5, Math.min(30, Math.ceil(Math.sqrt(list.length) * 1.5)));
  const counts = new Array(bins).fill(0);
  const size = (high - low || 1) / bins;
  for (const ns of list) counts[Math.min(bins - 1, Math.floor((ns - low) / size))] += 1;
  const most = maximum(counts);
  return counts.map((count, i) => {
    const [top, bottom] = [y(low + (i + 1) * size), y(low + i * size)];
    return s("rect", { class: "bin", x: left, y: top, height: Math.max(0.5, bottom - top - 1), width: (count / most) * 110 },
      s("title", null, `${count}: ${format.time(low + i * size)} to ${format.time(low + (i + 1) * size)}`));
  });
}

/** What bounds an operator at a machine's ceilings, and its time at the roofline. */
function against(row, roof) {
  if (row.flops === null || row.bytes === null || !roof) return null;
  const compute = (row.flops / roof.flops_per_s) * 1e9;
  const memory = (row.bytes / roof.bytes_per_s) * 1e9;
  const ns = Math.max(compute, memory);
  return { ns, bound: ns < roof.overhead_below * row.ns ? "overhead" : compute > memory ? "compute" : "memory" };
}

/** Operators (equal calls added up) by arithmetic intensity and attained rate. */
function roofline(run, rows) {
  const roof = run.roofline;
  if (!roof || roof.missing) return section("Roofline", (roof && roof.missing) || "This run has no ceilings.");
  const points = rows.filter((row) => row.flops > 0 && row.bytes > 0 && row.ns > 0).map((row) => ({
    row, intensity: row.flops / row.bytes, rate: row.flops / (row.ns / 1e9), ...against(row, roof),
  }));
  const ridge = roof.flops_per_s / roof.bytes_per_s;
  const lows = points.map((p) => p.rate);
  const log = Math.log10;
  const [x0, x1] = [Math.floor(log(Math.min(ridge / 10, ...points.map((p) => p.intensity)))), Math.ceil(log(Math.max(ridge * 10, ...points.map((p) => p.intensity))))];
  const [y0, y1] = [Math.floor(log(Math.min(roof.flops_per_s / 1e3, ...lows))), Math.ceil(log(Math.max(roof.flops_per_s * 1.2, ...lows)))];
  const height = 420;
  const x = (v) => 84 + ((log(v) - x0) / (x1 - x0)) * (WIDE - 100);
  const y = (v) => 12 + ((y1 - log(v)) / (y1 - y0)) * (height - 56);
  const decades = (a, b) => Array.from({ length: b - a + 1 }, (_, i) => 10 ** (a + i));
  const plot = s("svg", { class: "plot", viewBox: `0 0 ${WIDE} ${height}`, role: "img", "aria-label": `roofline of ${points.length} operators` },
    decades(x0, x1).map((v) => s("g", { class: "axis" }, s("line", { x1: x(v), x2: x(v), y1: 12, y2: height - 44 }), s("text", { x: x(v), y: height - 28, "text-anchor": "middle" }, v >= 1 ? format.count(v) : String(Number(v.toPrecision(1)))))),
    decades(y0, y1).map((v) => s("g", { class: "axis" }, s("line", { x1: 84, x2: WIDE - 16, y1: y(v), y2: y(v) }), s("text", { x: 78, y: y(v) + 4, "text-anchor": "end" }, format.rate(v, "FLOP/s")))),
    s("path", { class: "roof", d: `M${x(10 ** x0)} ${y(roof.bytes_per_s * 10 ** x0)}L${x(ridge)} ${y(roof.flops_per_s)}L${x(10 ** x1)} ${y(roof.flops_per_s)}` }),
    s("text", { class: "note", x: WIDE / 2, y: height - 6, "text-anchor": "middle" }, "arithmetic intensity, FLOPs per byte"),
    points.sort((a, b) => b.row.ns - a.row.ns).map((p) => s("circle", {
      cx: x(p.intensity), cy: y(p.rate), r: Math.max(3, Math.min(16, 26 * Math.sqrt(p.row.share))), class: "op", style: { fill: colour(p.row.group) }, tabindex: "0", role: "img",
      "aria-label": `${p.row.op} ${p.row.inputs || ""}: ${p.bound}-bound`,
      ...tip.on(() => [`${p.row.op} ${p.row.inputs || ""}`, `${p.bound}-bound · ${format.percent(p.row.share)} of the time · ${format.plural(p.row.calls, "call")}`,
        `${format.rate(p.rate, "FLOP/s")} at ${p.intensity.toPrecision(3)} FLOP/B`, `${format.time(p.row.ns)}, ${format.time(p.ns)} at the roofline`]),
    })));
  return section("Roofline", roof.about, plot, roofTable(roof));
}

function roofTable(roof) {
  const share = (ns, total) => (total > 0 ? format.percent(ns / total) : "–");
  return h("div", { class: "scroll" }, h("table", null,
    h("thead", null, h("tr", null, ["group", "time", "compute-bound", "memory-bound", "overhead-bound", "unknown cost", "at the roofline", "headroom"].map((t, i) =>
      h("th", { scope: "col", class: i ? "number" : null }, t)))),
    h("tbody", null, roof.groups.map((g) => h("tr", null,
      h("th", { scope: "row" }, h("span", { class: "swatch", style: { background: colour(g.group) } }), groupName(g.group)),
      [format.time(g.ns), share(g.compute_ns, g.ns), share(g.memory_ns, g.ns), share(g.overhead_ns, g.ns), share(g.unknown_ns, g.ns),
        format.time(g.roof_ns), g.headroom === null ? "–" : format.times(g.headroom)].map((t) => h("td", { class: "number" }, t)))))));
}
