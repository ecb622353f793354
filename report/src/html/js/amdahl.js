// What a run would take if groups were faster: Amdahl's law on its groups.

/** New time = sum of each group's time divided by its speed-up, plus what no operator accounts for. */
function projected(run, speedups) {
  return sum(run.groups, (g) => (kind(g.group) === "rest" ? g.ns : g.ns / (speedups.get(g.group) || 1)));
}

/** A slider's position, 0 to 100, is a speed-up of 1 to 100 on a logarithmic scale; 101 is no time at all. */
const speedupAt = (position) => (position > 100 ? Infinity : 10 ** (position / 50));

function amdahl(run) {
  const groups = pieces(run).filter((g) => kind(g.group) !== "rest" && g.ns > 0);
  const speedups = new Map();
  const before = sum(run.groups, (g) => g.ns);
  const result = h("output", { class: "projection", "aria-live": "polite" });
  const after = h("div");
  const draw = () => {
    const now = projected(run, speedups);
    const gone = new Map([...speedups].filter(([, x]) => x > 1).map(([group]) => [group, Infinity]));
    const limit = before / projected(run, gone);
    const scaledGroups = run.groups.map((g) => {
      const ns = kind(g.group) === "rest" ? g.ns : g.ns / (speedups.get(g.group) || 1);
      return { ...g, ns, share: ns / now };
    }).sort((a, b) => a.group - b.group);
    put(result, h("b", null, format.times(before / now)), ` ${format.time(before)} → ${format.time(now)}`,
      gone.size ? h("span", { class: "quiet" }, ` · limit ${format.times(limit)} if these took no time`) : null,
      h("span", { class: "quiet" }, ` · non-GEMM ${format.percent(shareOf(run, "non-gemm"))} → ${format.percent(sum(scaledGroups.filter((g) => kind(g.group) === "non-gemm"), (g) => g.share))}`));
    put(after, bar(pieces(run), before, `before: ${described(pieces(run))}`), bar(scaledGroups, before, `projected: ${described(scaledGroups)}`));
  };
  const sliders = [];
  const row = (g) => {
    const id = `field-${++fields}`;
    const text = h("output", { for: id }, "×1.00");
    const slider = h("input", { id, type: "range", min: "0", max: "101", step: "1", value: "0", "aria-valuetext": "×1.00",
      oninput: () => {
        const x = speedupAt(Number(slider.value));
        speedups.set(g.group, x);
        text.textContent = isFinite(x) ? format.times(x) : "no time";
        slider.setAttribute("aria-valuetext", text.textContent);
        draw();
      } });
    sliders.push(slider);
    return h("div", { class: "slider" },
      h("label", { for: id }, h("span", { class: "swatch", style: { background: colour(g.group) } }), groupName(g.group)), slider, text,
      h("span", { class: "number quiet" }, format.percent(g.share)));
  };
  const reset = () => {
    for (const slider of sliders) {
      slider.value = 0;
      slider.dispatchEvent(new Event("input"));
    }
  };
  draw();
  return section("What if", "Amdahl's law on the measured groups: each group's time is divided by its speed-up, what no operator accounts for stays.",
    result, after, h("div", { class: "sliders" }, groups.map(row)), h("button", { type: "button", class: "button", onclick: reset }, "Reset"));
}
