// Numbers for people: four significant digits at most, sensible units.

const NBSP = "\u00a0";
const TIMES = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];
const SIZES = [["TiB", 2 ** 40], ["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10], ["B", 1]];
const COUNTS = [["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3], ["", 1]];

function scaled(units, value, digits) {
  const size = Math.abs(value);
  const [unit, scale] = units.find((u) => size >= u[1] * 0.99995) || units[units.length - 1];
  const number = value / scale;
  const integer = Math.abs(number) >= 999.95 ? 4 : Math.abs(number) >= 99.995 ? 3 : Math.abs(number) >= 9.9995 ? 2 : 1;
  const text = number.toFixed(scale === 1 && Number.isInteger(value) ? 0 : Math.max(0, digits - integer));
  return unit ? text + NBSP + unit : text;
}

const format = {
  time: (ns) => (ns === null || ns === undefined ? "–" : scaled(TIMES, ns, ns !== 0 && Math.abs(ns) < 1000 ? 3 : 4)),
  bytes: (n) => (n === null || n === undefined ? "–" : scaled(SIZES, n, 4)),
  count: (n) => (n === null || n === undefined ? "–" : scaled(COUNTS, n, 4)),
  rate: (n, unit) => (n === null || n === undefined || !isFinite(n) ? "–" : scaled(COUNTS, n, 3) + unit),
  percent: (share) => {
    const text = (share * 100).toFixed(1);
    return (text === "-0.0" ? "0.0" : text) + "%";
  },
  change: (ratio) => (ratio > 0.0005 ? "+" : "") + format.percent(ratio),
  times: (ratio) => "×" + (isFinite(ratio) ? ratio.toFixed(ratio < 9.995 ? 2 : ratio < 99.95 ? 1 : 0) : "∞"),
  plural: (n, noun) => `${n}${NBSP}${noun}${n === 1 ? "" : "s"}`,
};

const sum = (list, of) => list.reduce((total, item) => total + of(item), 0);
const unique = (list) => [...new Set(list)];
const maximum = (list) => list.reduce((most, value) => Math.max(most, value), 0);
