// Stacked bars of groups: one bar is one run.

/** The pieces of one bar. `total` is what the whole width stands for; null: the bar fills it. */
function bar(pieces, total, label) {
  const whole = total || sum(pieces, (piece) => piece.ns);
  return h("div", { class: "bar", role: "img", "aria-label": label },
    pieces.filter((piece) => piece.ns > 0).map((piece) => {
      const part = whole > 0 ? piece.ns / whole : 0;
      return h("span", {
        class: "piece", style: { width: `${part * 100}%`, background: colour(piece.group), color: ink(piece.group) },
        ...tip.on(() => [piece.name || groupName(piece.group), `${format.percent(piece.share)} · ${format.time(piece.ns)}`,
          piece.count === undefined ? null : format.plural(piece.count, "operator")].filter(Boolean)),
      }, part > 0.06 ? h("span", { "aria-hidden": "true" }, Math.round(piece.share * 100)) : null);
    }));
}

/** All groups of a run in the order of the legend. */
function pieces(run) {
  return [...run.groups].sort((a, b) => a.group - b.group);
}

/** GEMM, mixed, everything else, unattributed. */
function coarse(run) {
  const kinds = [["gemm", "GEMM"], ["mixed", "mixed"], ["non-gemm", "non-GEMM"], ["rest", "unattributed"]];
  return kinds.map(([key, name]) => {
    const own = run.groups.filter((g) => kind(g.group) === key);
    const first = key === "non-gemm" ? data.overview.groups.findIndex((g) => g.name === "normalization") : own.length ? own[0].group : 0;
    return { name, group: first, ns: sum(own, (g) => g.ns), share: sum(own, (g) => g.share), count: sum(own, (g) => g.count) };
  });
}

const described = (list) => list.map((piece) => `${piece.name || groupName(piece.group)} ${format.percent(piece.share)}`).join(", ");

/** What the colours mean: only groups that are there. */
function legend(groups) {
  return h("ul", { class: "legend" }, groups.map((piece) =>
    h("li", null, h("span", { class: "swatch", style: { background: colour(piece.group) } }), piece.name || groupName(piece.group))));
}

function legendOf(runs, of) {
  const found = new Map();
  for (const run of runs) for (const piece of of(run)) if (piece.ns > 0 || piece.count > 0) found.set(piece.name || piece.group, piece);
  return legend([...found.values()].sort((a, b) => (a.name ? 0 : a.group - b.group)));
}
