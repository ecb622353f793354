// What the page holds: two documents, compressed. The overview is small and comes first; the operators of
// all runs follow when they are needed.

const data = { overview: null, operators: null };

async function unpack(id) {
  const text = document.getElementById(id).textContent.trim();
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

let unpacking = null;

/** The operators of all runs; read once. */
function operators() {
  unpacking = unpacking || unpack("operators").then((all) => (data.operators = all));
  return unpacking;
}

/** A group's index to its colour. */
const colour = (group) => `var(--g${group})`;
const ink = (group) => `var(--t${group})`;
const groupName = (group) => data.overview.groups[group].name;

/** `gemm`, `mixed`, `non-gemm` or `rest`. */
const kind = (group) => data.overview.groups[group].kind;

/** The share of a kind of groups in a run. */
function shareOf(run, wanted) {
  return sum(run.groups.filter((g) => kind(g.group) === wanted), (g) => g.share);
}

/** The non-GEMM group that takes most of a run's time. */
function topGroup(run) {
  const others = run.groups.filter((g) => kind(g.group) === "non-gemm");
  return others.reduce((best, g) => (best === null || g.ns > best.ns ? g : best), null);
}

/** What a specification is made of, in the order in which it is read. */
const PARTS = [
  ["backend", "flow"], ["device", "device"], ["dtype", "dtype"], ["batch", "batch"], ["seq", "seq"],
  ["image", "image"], ["threads", "threads"], ["weights", "weights"], ["dataset", "dataset"],
  ["settings", "settings"], ["machine", "machine"],
];

/** The parts in which runs of one model differ: what tells runs apart. */
function differing(runs) {
  return PARTS.filter(([key]) => {
    const first = new Map();
    return runs.some((run) => {
      if (!first.has(run.model)) first.set(run.model, run[key]);
      return first.get(run.model) !== run[key];
    });
  });
}

function partText(run, key) {
  const value = run[key];
  if (value === null || value === "") return "–";
  if (key === "batch") return `b${value}`;
  if (key === "seq") return `seq ${value}`;
  if (key === "image") return `${value} px`;
  if (key === "threads") return format.plural(value, "thread");
  if (key === "machine") return data.overview.machines[value].short;
  return String(value);
}

/** Rows of a run as objects; columns are shared between runs that have the same. */
function rowsOf(run) {
  const { strings, columns, runs } = data.operators;
  const own = runs[run.index];
  if (!own) return [];
  const column = (name) => columns[own[name]];
  const text = (name) => column(name).map((id) => (id < 0 ? null : strings[id]));
  const [id, op, scope, parent, attrs, inputs, outputs, fused, provider] =
    ["id", "op", "scope", "parent", "attrs", "inputs", "outputs", "fused", "provider"].map(text);
  const [group, part, flops, bytes] = ["group", "part", "flops", "bytes"].map(column);
  const on = own.device ? own.device : own.host;
  const wall = run.profile.wall;
  return op.map((_, i) => ({
    position: i, id: id[i], op: op[i], scope: scope[i], parent: parent[i], attrs: attrs[i], inputs: inputs[i],
    outputs: outputs[i], fused: fused[i], provider: provider[i], group: group[i], part: part[i], calls: 1,
    flops: flops[i] < 0 ? null : flops[i], bytes: bytes[i] < 0 ? null : bytes[i],
    ns: on[i], host: own.host[i], mad: own.mad[i], share: on[i] / wall,
  }));
}

/** Equal calls (operator, shapes, attributes, group, parent) as one row each. */
function added(rows) {
  const byKey = new Map();
  for (const row of rows) {
    const key = [row.op, row.group, row.part, row.inputs, row.outputs, row.attrs, row.parent, row.fused, row.provider].join("\u0000");
    const known = byKey.get(key);
    if (!known) {
      byKey.set(key, { ...row });
      continue;
    }
    known.calls += 1;
    for (const field of ["ns", "host", "share"]) known[field] += row[field];
    for (const field of ["flops", "bytes"]) known[field] = known[field] === null || row[field] === null ? null : known[field] + row[field];
    known.mad = null;
    if (known.scope !== row.scope) known.scope = commonScope(known.scope, row.scope);
  }
  return [...byKey.values()];
}

/** `h.0.mlp` and `h.1.mlp` are `h.*.mlp`; others what they begin with. */
function commonScope(a, b) {
  const [x, y] = [a.split("."), b.split(".")];
  if (x.length === y.length) {
    const parts = x.map((part, i) => (part === y[i] ? part : /^(\d+|\*)$/.test(part) && /^\d+$/.test(y[i]) ? "*" : null));
    if (!parts.includes(null)) return parts.join(".");
  }
  let same = 0;
  while (same < x.length && same < y.length && x[same] === y[same]) same++;
  return [...x.slice(0, same), "…"].join(".");
}
