// One run: everything that its record holds.

function runPage(id) {
  const run = data.overview.runs.find((other) => other.id === id);
  if (!run) return [section("No such run", `There is no run ${id} in this report.`)];
  const title = h("div", { class: "title" }, h("h1", { tabindex: "-1" }, run.model, " ", h("span", { class: "quiet" }, `on ${run.backend}`)),
    h("p", { class: "chips" }, specification(run).map(([name, value]) => h("span", { class: "chip", title: String(value) }, h("span", { class: "quiet" }, name), " ", value))),
    neighbours(run));
  if (run.status === "failed") return [title, section("Failed", null, h("pre", { class: "error" }, run.error || "no reason recorded")), conditions(run)];
  const detail = h("div", { class: "stack" }, h("p", { class: "loading" }, "reading operators …"));
  if (run.profile) operators().then(() => put(detail, operatorViews(run)), (error) => put(detail, failure(error)));
  else put(detail);
  return [
    title, warnings(run), headline(run),
    run.groups.length ? section("Groups", closureText(run), bar(pieces(run), null, described(pieces(run))), groupTable(run)) : null,
    detail,
    run.latency ? samples(run) : null,
    run.groups.length ? amdahl(run) : null,
    conditions(run),
  ];
}

function specification(run) {
  const list = PARTS.filter(([key]) => key !== "backend" && key !== "machine").map(([key, name]) => [name, run[key]]);
  return [...list.filter(([, value]) => value !== null && value !== ""), ["started", run.started]];
}

function neighbours(run) {
  const alike = data.overview.runs.filter((other) => other.model === run.model && other.id !== run.id);
  if (!alike.length) return null;
  const parts = differing([run, ...alike]);
  return h("p", { class: "about" }, "Same model: ", alike.slice(0, 24).map((other, i) =>
    [i ? " · " : "", h("a", { href: link(other) }, parts.map(([key]) => partText(other, key)).join(" ") || other.id)]));
}

function warnings(run) {
  if (!run.warnings.length) return null;
  return h("section", { class: "card warn", "aria-label": "warnings" }, h("h2", null, "Take with care"), h("ul", { class: "plain" }, run.warnings.map((w) => h("li", null, w))));
}

function headline(run) {
  const fact = (value, name, note) => h("div", { class: "fact" }, h("b", null, value), h("span", null, name), note && h("small", null, note));
  const { latency, profile } = run;
  const top = topGroup(run);
  const width = latency && (latency.ci[1] - latency.ci[0]) / 2 / latency.median;
  return h("div", { class: "facts" },
    latency && fact(format.time(latency.median), "latency, median", `±${format.percent(width)} · ${(run.batch / (latency.median / 1e9)).toPrecision(4)} inputs/s`),
    run.groups.length ? fact(format.percent(shareOf(run, "gemm")), "GEMM", shareOf(run, "mixed") ? `${format.percent(shareOf(run, "mixed"))} mixed` : null) : null,
    run.groups.length ? fact(format.percent(shareOf(run, "non-gemm")), "non-GEMM", top && `most: ${groupName(top.group)} ${format.percent(top.share)}`) : null,
    profile && fact(format.percent(profile.unattributed / profile.wall), "in no operator", format.time(profile.unattributed)),
    profile && fact(format.change(profile.perturbation), "slower by instrumenting", `95% interval ${format.change(profile.pci[0])} to ${format.change(profile.pci[1])}`));
}

function closureText(run) {
  const { wall, unattributed, n, device } = run.profile;
  return `${format.time(wall - unattributed)} in operators + ${format.time(unattributed)} unattributed = ${format.time(wall)} wall time${device ? " on the device" : ""} of the median of ${format.plural(n, "instrumented run")}.`;
}

function groupTable(run) {
  const longest = maximum(run.groups.map((g) => g.share));
  return h("div", { class: "scroll" }, h("table", { class: "groups" },
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "group"), h("th", { scope: "col", class: "number" }, "share"), h("th", { "aria-hidden": "true" }), h("th", { scope: "col", class: "number" }, "time"), h("th", { scope: "col", class: "number" }, "operators"))),
    h("tbody", null, [...run.groups].sort((a, b) => (kind(a.group) === "rest") - (kind(b.group) === "rest") || b.ns - a.ns).map((g) => h("tr", null,
      h("th", { scope: "row" }, h("span", { class: "swatch", style: { background: colour(g.group) } }), groupName(g.group)),
      h("td", { class: "number" }, format.percent(g.share)),
      h("td", { class: "meter", "aria-hidden": "true" }, h("span", { style: { width: `${(100 * g.share) / (longest || 1)}%`, background: colour(g.group) } })),
      h("td", { class: "number" }, format.time(g.ns)), h("td", { class: "number" }, kind(g.group) === "rest" ? "" : g.count))))));
}

function operatorViews(run) {
  const rows = rowsOf(run);
  return [operatorTable(run, rows), icicle(run, rows), roofline(run, added(rows))];
}

function operatorColumns(run) {
  const rate = (row, amount) => (amount === null || row.ns <= 0 ? null : amount / (row.ns / 1e9));
  const roof = run.roofline && !run.roofline.missing ? run.roofline : null;
  const room = (row) => { const at = against(row, roof); return at && at.ns > 0 ? row.ns / at.ns : null; };
  const columns = [
    { title: "#", width: "52px", numeric: true, hint: "order of execution", value: (row) => row.position, text: (row) => String(row.position + 1) },
    { title: "operator", width: "minmax(120px, 1fr)", value: (row) => row.op, text: (row) => row.op,
      render: (row) => [h("span", { class: "swatch", style: { background: colour(row.group) } }), row.op] },
    { title: "group", width: "106px", value: (row) => groupName(row.group), text: (row) => groupName(row.group) },
    { title: run.profile.device ? "device" : "self time", width: "88px", numeric: true, value: (row) => row.ns, text: (row) => format.time(row.ns) },
    { title: "share", width: "62px", numeric: true, value: (row) => row.share, text: (row) => format.percent(row.share) },
    { title: "calls", width: "56px", numeric: true, value: (row) => row.calls, text: (row) => String(row.calls) },
    { title: "inputs", width: "minmax(150px, 1.6fr)", value: (row) => row.inputs || "", text: (row) => row.inputs || "" },
    { title: "FLOPs", width: "74px", numeric: true, value: (row) => row.flops, text: (row) => format.count(row.flops) },
    { title: "bytes", width: "84px", numeric: true, value: (row) => row.bytes, text: (row) => format.bytes(row.bytes) },
    { title: "GB/s", width: "62px", numeric: true, value: (row) => rate(row, row.bytes), text: (row) => (rate(row, row.bytes) === null ? "–" : (rate(row, row.bytes) / 1e9).toPrecision(3)) },
    { title: "parent", width: "minmax(80px, .7fr)", hint: "the composite that it is a part of", value: (row) => row.parent || "", text: (row) => row.parent || "" },
    { title: "module", width: "minmax(130px, 1.3fr)", value: (row) => row.scope || "", text: (row) => row.scope || "" },
  ];
  if (run.profile.device) columns.splice(4, 0, { title: "host", width: "88px", numeric: true, hint: "time on the host; never added to device time", value: (row) => row.host, text: (row) => format.time(row.host) });
  if (roof) columns.splice(columns.length - 2, 0,
    { title: "bound", width: "80px", value: (row) => { const at = against(row, roof); return at && at.bound; }, text: (row) => { const at = against(row, roof); return at ? at.bound : "–"; } },
    { title: "headroom", width: "80px", numeric: true, hint: "time over time at the roofline", value: room, text: (row) => (room(row) === null ? "–" : format.times(room(row))) });
  return columns;
}

function operatorTable(run, rows) {
  const state = { text: "", group: "", added: true };
  const total = added(rows);
  const detail = h("div", { class: "detail", "aria-live": "polite" }, h("p", { class: "quiet" }, "Choose a row for all that is known of it."));
  const columns = operatorColumns(run);
  const table = grid({
    label: `operators of ${run.model}`, columns, sort: { by: columns.findIndex((c) => c.title === "share"), descending: true },
    select: (row) => put(detail, rowDetail(run, row)),
  });
  const count = h("output", { class: "quiet" });
  const show = () => {
    const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
    const list = (state.added ? total : rows).filter((row) => {
      if (state.group !== "" && row.group !== Number(state.group)) return false;
      if (!words.length) return true;
      const text = [row.op, row.scope, row.parent, row.inputs, row.id, row.fused, row.provider, groupName(row.group)].join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    });
    table.rows(list);
    count.textContent = `${format.plural(list.length, "row")}, ${format.percent(sum(list, (row) => row.share))}`;
  };
  queueMicrotask(show);
  const groups = unique(rows.map((row) => row.group)).sort((a, b) => a - b);
  return section("Operators", "Self time in the median run. Headings sort; arrow keys walk through rows.",
    h("div", { class: "tools" },
      search("Filter", (text) => { state.text = text; show(); }),
      choice("Group", [["", "all"], ...groups.map((g) => [String(g), groupName(g)])], "", (value) => { state.group = value; show(); }),
      tick("add up equal calls", true, (on) => { state.added = on; show(); }), count),
    table.element, detail);
}

function rowDetail(run, row) {
  const facts = [
    ["operator", row.op], ["module", row.scope], ["id", row.calls > 1 ? null : row.id], ["calls", row.calls], ["group", groupName(row.group)],
    ["group of the part alone", row.part < 0 ? null : groupName(row.part)], ["part of", row.parent], ["fused", row.fused], ["provider", row.provider],
    ["inputs", row.inputs], ["outputs", row.outputs], ["attributes", row.attrs],
    [run.profile.device ? "device time" : "self time", `${format.time(row.ns)}${row.mad === null || run.profile.device ? "" : `, MAD ${format.time(row.mad)}`}`],
    ["host time", run.profile.device ? format.time(row.host) : null], ["FLOPs", row.flops === null ? "not known" : format.count(row.flops)],
    ["bytes", row.bytes === null ? "not known" : format.bytes(row.bytes)],
  ];
  return h("dl", null, facts.filter(([, value]) => value !== null && value !== "").map(([name, value]) => [h("dt", null, name), h("dd", null, value)]));
}

function conditions(run) {
  const software = data.overview.software[run.software];
  const list = [...run.facts, ...software.facts, ["Run", run.id]];
  return section("Conditions", "What the machine did meanwhile, and what ran.", h("dl", { class: "facts-list" }, list.map(([name, value]) => [h("dt", null, name), h("dd", null, value)])));
}
