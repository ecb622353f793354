// The module tree of a run: each module is as wide as the time in it, its operators at the bottom.

const LEVEL = 26;

/** The tree of modules. `folded`: repeated layers (`h.0`, `h.1`) are one. */
function moduleTree(rows, folded) {
  const node = (name, path) => ({ name, path, ns: 0, calls: 0, children: new Map(), groups: new Map(), leaf: null });
  const root = node("all", "");
  for (const row of rows) {
    let at = root;
    const visit = (name, leaf) => {
      if (!at.children.has(name)) at.children.set(name, node(name, at.path ? `${at.path}.${name}` : name));
      at = at.children.get(name);
      at.leaf = leaf;
    };
    const count = () => {
      at.ns += row.ns;
      at.calls += 1;
      at.groups.set(row.group, (at.groups.get(row.group) || 0) + row.ns);
    };
    count();
    for (const part of row.scope ? row.scope.split(".") : []) {
      visit(folded && /^\d+$/.test(part) ? "*" : part, null);
      count();
    }
    visit(row.op, row.group);
    count();
  }
  return root;
}

function icicle(run, rows) {
  const unattributed = run.profile.unattributed;
  const state = { root: null, top: null, folded: true, focus: "" };
  const area = h("div", { class: "icicle", role: "tree", "aria-label": "time by module" });
  const path = h("div", { class: "crumbs" });
  const build = () => {
    state.root = moduleTree(rows, state.folded);
    state.top = [state.root];
    draw();
  };
  const zoom = (chain) => {
    state.top = chain;
    draw();
    const first = area.querySelector("[tabindex='0']");
    if (first) first.focus();
  };
  const draw = () => {
    const top = state.top[state.top.length - 1];
    const width = area.clientWidth || 900;
    const boxes = [];
    const depth = place(boxes, top, state.top, 0, 0, width, top.ns);
    area.style.height = `${(depth + 1) * LEVEL}px`;
    put(area, boxes.map((box, i) => boxElement(box, i === 0, run, zoom)));
    put(path, state.top.map((node, i) => h("button", { type: "button", onclick: () => zoom(state.top.slice(0, i + 1)) }, node.name)),
      h("span", { class: "quiet" }, `${format.time(top.ns)} · ${format.percent(top.ns / run.profile.wall)} of the run`,
        state.top.length === 1 ? `, ${format.time(unattributed)} unattributed not shown` : ""));
  };
  area.addEventListener("keydown", (event) => moveIn(area, event, () => state.top.length > 1 && zoom(state.top.slice(0, -1))));
  // Drawing changes the height; only another width calls for drawing anew, which would lose the focus.
  let drawn = 0;
  new ResizeObserver(() => {
    if (area.clientWidth === drawn) return;
    drawn = area.clientWidth;
    draw();
  }).observe(area);
  build();
  return section("Modules", "Each module is as wide as the time spent in it. Click or press Enter to zoom in, Escape to zoom out, arrow keys to walk.",
    h("div", { class: "tools" }, path, tick("add up repeated layers", true, (on) => { state.folded = on; build(); })), area);
}

/** Boxes of what is at least two pixels wide; returns the deepest level. */
function place(boxes, node, chain, level, left, width, whole) {
  boxes.push({ node, chain, level, left, width });
  let deepest = level;
  let at = left;
  for (const child of node.children.values()) {
    const own = whole > 0 ? (width * child.ns) / node.ns : 0;
    if (own >= 2) deepest = Math.max(deepest, place(boxes, child, [...chain, child], level + 1, at, own, whole));
    at += own;
  }
  return deepest;
}

/** The groups in a module as stripes. */
function stripes(groups) {
  const list = [...groups].sort((a, b) => a[0] - b[0]);
  const total = sum(list, (g) => g[1]);
  let at = 0;
  return list.map(([group, ns]) => {
    const from = at;
    at += total > 0 ? (ns / total) * 100 : 0;
    return `${colour(group)} ${from.toFixed(2)}% ${at.toFixed(2)}%`;
  }).join(", ");
}

function boxElement({ node, chain, level, left, width }, first, run, zoom) {
  const leaf = node.leaf !== null;
  const share = format.percent(node.ns / run.profile.wall);
  const top = [...node.groups].sort((a, b) => b[1] - a[1]).slice(0, 4).map(([group, ns]) => `${groupName(group)} ${format.percent(ns / node.ns)}`);
  const style = { left: `${left}px`, top: `${level * LEVEL}px`, width: `${Math.max(1, width - 1)}px` };
  if (leaf) Object.assign(style, { background: colour(node.leaf), color: ink(node.leaf) });
  else style["border-image"] = `linear-gradient(to right, ${stripes(node.groups)}) 1`;
  return h("button", {
    type: "button", role: "treeitem", class: leaf ? "box leaf" : "box", style, tabindex: first ? "0" : "-1", "data-level": level,
    "aria-level": level + 1, "aria-label": `${node.path || "all"}: ${share}, ${format.time(node.ns)}`,
    onclick: () => !leaf && zoom(chain),
    ...tip.on(() => [node.path || "all", `${share} · ${format.time(node.ns)} · ${format.plural(node.calls, "call")}`, ...(leaf ? [groupName(node.leaf)] : top)]),
  }, width > 28 ? h("span", null, node.name) : null);
}

/** Arrow keys among boxes: left and right on a level, up and down between levels. */
function moveIn(area, event, out) {
  const boxes = [...area.children];
  const at = boxes.indexOf(document.activeElement);
  if (event.key === "Escape") out();
  if (at < 0) return;
  const level = (box) => Number(box.dataset.level);
  const here = boxes[at];
  const near = {
    ArrowRight: () => boxes.slice(at + 1).find((box) => level(box) === level(here)),
    ArrowLeft: () => boxes.slice(0, at).reverse().find((box) => level(box) === level(here)),
    ArrowDown: () => (boxes[at + 1] && level(boxes[at + 1]) === level(here) + 1 ? boxes[at + 1] : null),
    ArrowUp: () => boxes.slice(0, at).reverse().find((box) => level(box) === level(here) - 1),
  }[event.key];
  const next = near && near();
  if (!next) return;
  event.preventDefault();
  here.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
