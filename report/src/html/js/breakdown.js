// Bars of all runs side by side, arranged as the figures of the NonGEMM Bench paper are.

const FIGURES = [
  { id: "5", title: "Groups by model (Figures 5 and 6)", by: "model", coarse: false, fits: () => true },
  { id: "1", title: "GEMM and the rest (Figure 1)", by: "model", coarse: true, fits: () => true },
  { id: "7", title: "Flows side by side (Figure 7)", by: "model", coarse: false, several: "backend",
    fits: (runs) => new Set(runs.map((run) => run.backend)).size > 1 },
  { id: "8", title: "One flow on several machines (Figure 8)", by: "place", coarse: false,
    fits: (runs) => new Set(runs.map((run) => run.place)).size > 1 },
  { id: "b", title: "By flow", by: "backend", coarse: false, fits: (runs) => new Set(runs.map((run) => run.backend)).size > 1 },
];

const FILTERS = [["backend", "Flow"], ["device", "Device"], ["batch", "Batch"], ["dtype", "Type"], ["place", "Machine"]];

function breakdown() {
  const runs = data.overview.runs.filter((run) => run.groups.length);
  if (!runs.length) return [section("Nothing to draw", "No run has an operator breakdown.")];
  const state = { figure: FIGURES[0], time: false, filters: {}, text: "" };
  const out = h("div", { class: "bars" });
  const keys = h("div");
  const draw = () => {
    const shown = runs.filter((run) =>
      Object.entries(state.filters).every(([key, value]) => value === "" || String(run[key]) === value) &&
      state.text.split(/\s+/).every((word) => run.words.includes(word)));
    const { figure } = state;
    const of = figure.coarse ? coarse : pieces;
    let clusters = cluster(shown, figure.by);
    if (figure.several) clusters = clusters.filter(([, list]) => new Set(list.map((run) => run[figure.several])).size > 1);
    put(out, clusters.length ? clusters.map(([name, list]) => clusterOf(name, list, figure, state.time, of, shown)) : h("p", { class: "empty" }, "nothing matches"));
    put(keys, legendOf(shown, of));
  };
  const filters = FILTERS.filter(([key]) => new Set(runs.map((run) => run[key])).size > 1).map(([key, label]) =>
    choice(label, [["", "all"], ...unique(runs.map((run) => String(run[key]))).sort(natural).map((v) => [v, v])], "", (value) => {
      state.filters[key] = value;
      draw();
    }));
  const figures = FIGURES.filter((figure) => figure.fits(runs));
  queueMicrotask(draw);
  return [section("Where the time goes", "One bar for each run. Hover or focus a piece for its share and time; a bar's name opens its run.",
    h("div", { class: "tools" },
      choice("Figure", figures.map((f) => [f.id, f.title]), "5", (id) => { state.figure = figures.find((f) => f.id === id); draw(); }),
      choice("Length", [["share", "share of the run"], ["time", "time, longest of the cluster = 100%"]], "share", (value) => { state.time = value === "time"; draw(); }),
      filters, search("Filter", (text) => { state.text = text.toLowerCase().trim(); draw(); })),
    keys, out)];
}

const natural = (a, b) => a.localeCompare(b, "en", { numeric: true });

function cluster(runs, by) {
  const found = new Map();
  for (const run of runs) {
    const key = String(run[by]);
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(run);
  }
  const order = (run) => `${by === "model" ? "" : run.model} ${run.device === "cpu" ? 0 : 1} ${run.backend} ${String(run.batch).padStart(6)} ${run.dtype} ${run.id}`;
  return [...found].map(([key, list]) => [key, list.sort((a, b) => natural(order(a), order(b)))]);
}

function clusterOf(name, runs, figure, inTime, of, all) {
  const parts = differing(all).filter(([key]) => key !== figure.by && !(figure.by === "place" && key === "machine"));
  const longest = maximum(runs.map((run) => sum(run.groups, (g) => g.ns)));
  return h("div", { class: "cluster" }, h("h3", null, name), runs.map((run) => {
    const own = of(run);
    const label = [figure.by === "model" ? null : run.model, ...parts.map(([key]) => partText(run, key))].filter(Boolean).join(" ");
    const text = label || "all";
    return h("div", { class: "bar-row" },
      h("a", { href: link(run), title: run.id }, text),
      bar(own, inTime ? longest : null, `${name} ${text}: ${described(own)}`),
      h("span", { class: "number" }, format.percent(shareOf(run, "non-gemm"))),
      h("span", { class: "number quiet" }, run.latency ? format.time(run.latency.median) : ""));
  }));
}
