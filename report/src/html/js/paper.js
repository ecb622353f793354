// The tables of the NonGEMM Bench paper, made of these runs, and these runs beside the paper's numbers.

function plainTable(head, rows, label) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, h("table", null,
    h("thead", null, h("tr", null, head.map(([text, numeric]) => h("th", { scope: "col", class: numeric ? "number" : null }, text)))),
    h("tbody", null, rows.map((cells) => h("tr", null, cells.map((cell, i) => h("td", { class: head[i][1] ? "number" : null }, cell)))))));
}

function paper() {
  return [replication(), expensive(), characteristics()];
}

/** Table 4: the most expensive non-GEMM group of each run. */
function expensive() {
  const runs = data.overview.runs.filter((run) => topGroup(run));
  if (!runs.length) return null;
  const parts = differing(runs).filter(([key]) => key !== "batch");
  const order = [...runs].sort((a, b) => natural(a.model, b.model) || natural(a.backend, b.backend) || a.batch - b.batch);
  return section("Table 4: most expensive non-GEMM group", "Of each run, with its share of the time.",
    plainTable([["model"], ...parts.map(([, name]) => [name]), ["batch", true], ["group"], ["share", true], ["non-GEMM", true]],
      order.map((run) => {
        const top = topGroup(run);
        return [h("a", { href: link(run) }, run.model), ...parts.map(([key]) => partText(run, key)), run.batch,
          [h("span", { class: "swatch", style: { background: colour(top.group) } }), groupName(top.group)], format.percent(top.share), format.percent(shareOf(run, "non-gemm"))];
      }), "most expensive non-GEMM groups"));
}

/** Table 2: the non-GEMM operators with their characteristics and the shapes they were seen at. */
function characteristics() {
  const { table2 } = data.overview;
  if (!table2.length) return null;
  const yes = (value) => (value === null ? "–" : value ? h("span", { role: "img", "aria-label": "yes" }, "●") : h("span", { role: "img", "aria-label": "no", class: "quiet" }, "○"));
  const out = h("div");
  const draw = (text) => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = table2.filter((row) => words.every((word) => `${groupName(row.group)} ${row.op} ${row.model}`.toLowerCase().includes(word)));
    put(out, plainTable([["group"], ["operator"], ["model"], ["single operation"], ["single operand"], ["non-linear"], ["dynamic"], ["reduction"], ["example input"], ["calls", true]],
      rows.map((row) => [[h("span", { class: "swatch", style: { background: colour(row.group) } }), groupName(row.group)], row.op, row.model, ...row.traits.map(yes), row.input, row.calls]), "non-GEMM operators"));
  };
  draw("");
  return section("Table 2: non-GEMM operators", "Each non-GEMM operator of each model, with the input of its most expensive call. – where the operator's definition is not known (a node of another library).",
    h("div", { class: "tools" }, search("Filter", draw)), out);
}

/** Measured shares beside the paper's. */
function replication() {
  const { replication: found } = data.overview;
  if (!found) return null;
  const verdict = { agrees: "agrees", differs: "differs", "other group": "other group" };
  return section("Beside the paper", found.about,
    h("ul", { class: "plain" }, found.summary.map((line) => h("li", null, line))),
    plainTable([["what"], ["model"], ["batch", true], ["paper", true], ["measured", true], ["", false], ["run"], ["configuration that differs"]],
      found.rows.map((row) => [row.what, row.model, row.batch, row.paper, row.measured,
        h("span", { class: `verdict ${row.verdict === "agrees" ? "good" : "bad"}` }, verdict[row.verdict] || row.verdict),
        h("a", { href: `#/run/${encodeURIComponent(row.run)}` }, row.flow), row.differs]), "replication"));
}
