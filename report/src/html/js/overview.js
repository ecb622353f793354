// All runs: what they are, how long they take, where the time goes.

function facts(runs) {
  const ok = runs.filter((run) => run.groups.length);
  const shares = ok.map((run) => shareOf(run, "non-gemm")).sort((a, b) => a - b);
  const models = unique(runs.map((run) => run.model)).length;
  const flows = unique(runs.map((run) => run.backend)).length;
  const failed = runs.filter((run) => run.status === "failed").length;
  const warned = runs.filter((run) => run.warnings.length).length;
  const fact = (value, name, note) => h("div", { class: "fact" }, h("b", null, value), h("span", null, name), note && h("small", null, note));
  const tops = new Map();
  for (const run of ok) {
    const top = topGroup(run);
    if (top) tops.set(top.group, (tops.get(top.group) || 0) + 1);
  }
  const common = [...tops].sort((a, b) => b[1] - a[1])[0];
  return h("div", { class: "facts" },
    fact(runs.length, "runs", failed ? `${failed} failed` : null),
    fact(models, models === 1 ? "model" : "models", `${format.plural(flows, "flow")}`),
    shares.length ? fact(format.percent(shares[Math.floor((shares.length - 1) / 2)]), "non-GEMM, median run",
      `${format.percent(shares[0])} to ${format.percent(shares[shares.length - 1])}`) : null,
    common ? fact(groupName(common[0]), "most expensive non-GEMM group", `in ${common[1]} of ${format.plural(ok.length, "run")}`) : null,
    fact(warned, warned === 1 ? "run with warnings" : "runs with warnings", warned ? "marked ! below" : "nothing to distrust"));
}

function runColumns(runs) {
  const parts = differing(runs).filter(([key]) => key !== "backend" && key !== "device");
  const latency = (run) => (run.latency ? run.latency.median : null);
  const precision = (run) => (run.latency ? (run.latency.ci[1] - run.latency.ci[0]) / 2 / run.latency.median : null);
  return [
    { title: "", width: "34px", hint: "warnings", value: (run) => -run.warnings.length, render: (run) => marks(run) },
    { title: "model", width: "minmax(120px, 1.4fr)", value: (run) => run.model, text: (run) => run.model,
      render: (run) => h("a", { href: link(run), tabindex: "-1" }, run.model) },
    { title: "flow", width: "minmax(84px, .9fr)", value: (run) => run.backend, text: (run) => run.backend },
    { title: "device", width: "74px", value: (run) => run.device, text: (run) => run.device },
    ...parts.map(([key, title]) => ({
      title, width: key === "settings" ? "minmax(90px, 1fr)" : "minmax(64px, .6fr)", value: (run) => run[key], text: (run) => partText(run, key),
    })),
    { title: "latency", width: "92px", numeric: true, hint: "median of uninstrumented runs", value: latency,
      text: (run) => (run.status === "failed" ? "failed" : format.time(latency(run))) },
    { title: "±95%", width: "66px", numeric: true, hint: "half the 95% confidence interval of the median", value: precision,
      text: (run) => (run.latency ? "±" + format.percent(precision(run)) : "") },
    { title: "non-GEMM", width: "86px", numeric: true, value: (run) => (run.groups.length ? shareOf(run, "non-gemm") : null),
      text: (run) => (run.groups.length ? format.percent(shareOf(run, "non-gemm")) : "") },
    { title: "groups", width: "minmax(170px, 2fr)", hint: "share of each group; sorted by GEMM",
      value: (run) => (run.groups.length ? shareOf(run, "gemm") : null),
      render: (run) => (run.groups.length ? bar(pieces(run), null, described(pieces(run))) : h("span", { class: "quiet" }, run.error || "")) },
    { title: "top non-GEMM", width: "minmax(130px, 1fr)", value: (run) => (topGroup(run) ? groupName(topGroup(run).group) : null),
      text: (run) => (topGroup(run) ? `${groupName(topGroup(run).group)} ${format.percent(topGroup(run).share)}` : "") },
  ];
}

function marks(run) {
  if (run.status === "failed") return h("span", { class: "mark bad", role: "img", "aria-label": "failed" }, "✕");
  if (!run.warnings.length) return null;
  return h("span", { class: "mark", role: "img", "aria-label": `warnings: ${run.warnings.join("; ")}`, ...tip.on(() => run.warnings) }, "!");
}

const link = (run) => `#/run/${encodeURIComponent(run.id)}`;

function overview() {
  const { runs } = data.overview;
  if (!runs.length) return [section("No runs", "The folders hold no run records.")];
  const table = grid({
    label: "runs", columns: runColumns(runs), sort: { by: 1, descending: false }, height: 620,
    open: (run) => { location.hash = link(run); },
  });
  const count = h("output", { class: "quiet" });
  const show = (text) => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    table.rows(runs.filter((run) => words.every((word) => run.words.includes(word))));
    count.textContent = `${table.count} of ${runs.length}`;
  };
  queueMicrotask(() => show(""));
  return [
    facts(runs),
    section("Runs", "Latency is the median of runs in which nothing is instrumented; shares come from separate instrumented runs and, with what no operator accounts for, add up to 100%. Open a run with Enter or a click on its model.",
      h("div", { class: "tools" }, search("Filter", show), count), table.element, legendOf(runs, pieces)),
    legendNote(runs),
  ];
}

function legendNote(runs) {
  const failed = runs.filter((run) => run.status === "failed");
  if (!failed.length) return null;
  return section("Failed", null, h("ul", { class: "plain" }, failed.map((run) => h("li", null, h("code", null, run.id), " ", run.error || ""))));
}
