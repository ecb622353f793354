// A table of any length: only the rows in view are elements. Sorted by its headings, filtered by its owner,
// walked through with the keyboard.

const ROW = 30;
const GAP = 10;

/**
 * `columns`: { title, width, value(row) to sort by, text(row) or render(row), numeric, hint }.
 * `select(row)` is called for the row that is chosen. Returns { element, rows(list), count }.
 */
function grid({ label, columns, sort, height, select, open }) {
  const state = { rows: [], shown: [], sort: { ...sort }, chosen: -1 };
  const template = columns.map((column) => column.width).join(" ");
  // The narrowest that all columns fit in: below it the table scrolls sideways.
  const narrowest = sum(columns, (column) => Number(/\d+/.exec(column.width)[0]) + GAP) + 24;
  const heads = columns.map((column, i) => h("div", { role: "columnheader", class: column.numeric ? "number" : null },
    h("button", { type: "button", title: column.hint || null, onclick: () => sortBy(i) }, column.title, h("span", { class: "arrow", "aria-hidden": "true" }))));
  const head = h("div", { class: "grid-head", role: "row", style: { "grid-template-columns": template } }, heads);
  const body = h("div", { class: "grid-body", role: "rowgroup" });
  const scroller = h("div", {
    class: "grid", role: "grid", tabindex: "0", "aria-label": label, "aria-colcount": columns.length,
    onscroll: () => draw(), onkeydown: key, style: { "max-height": `${height || 480}px`, "--narrowest": `${narrowest}px` },
  }, head, body);
  const name = `grid-${++fields}`;

  function sortBy(index) {
    const descending = state.sort.by === index ? !state.sort.descending : Boolean(columns[index].numeric);
    state.sort = { by: index, descending };
    arrange();
  }

  function arrange() {
    const { by, descending } = state.sort;
    const value = columns[by].value;
    const sign = descending ? -1 : 1;
    const keyed = state.rows.map((row, i) => ({ row, i, key: value(row) }));
    keyed.sort((a, b) => {
      if (a.key === b.key) return a.i - b.i;
      if (a.key === null || a.key === undefined) return 1;
      if (b.key === null || b.key === undefined) return -1;
      return (a.key < b.key ? -1 : 1) * sign;
    });
    state.shown = keyed.map((entry) => entry.row);
    state.chosen = -1;
    heads.forEach((element, i) => element.setAttribute("aria-sort", i !== by ? "none" : descending ? "descending" : "ascending"));
    scroller.setAttribute("aria-rowcount", state.shown.length + 1);
    body.style.height = `${state.shown.length * ROW}px`;
    draw();
  }

  function draw() {
    const from = Math.max(0, Math.floor(scroller.scrollTop / ROW) - 6);
    const to = Math.min(state.shown.length, from + Math.ceil((scroller.clientHeight || 480) / ROW) + 14);
    const rows = [];
    for (let i = from; i < to; i++) rows.push(line(state.shown[i], i));
    put(body, rows.length ? rows : h("p", { class: "empty" }, "nothing matches"));
    if (state.chosen >= 0) scroller.setAttribute("aria-activedescendant", `${name}-${state.chosen}`);
    else scroller.removeAttribute("aria-activedescendant");
  }

  function line(row, i) {
    return h("div", {
      role: "row", id: `${name}-${i}`, class: i === state.chosen ? "line chosen" : "line", "aria-rowindex": i + 2,
      "aria-selected": i === state.chosen ? "true" : "false", style: { "grid-template-columns": template, top: `${i * ROW}px` },
      onclick: () => choose(i), ondblclick: () => open && open(row),
    }, columns.map((column) => {
      const text = column.text ? column.text(row) : null;
      return h("div", { role: "gridcell", class: column.numeric ? "number" : null, title: text }, column.render ? column.render(row) : text);
    }));
  }

  function choose(index) {
    if (!state.shown.length) return;
    state.chosen = Math.max(0, Math.min(state.shown.length - 1, index));
    const top = state.chosen * ROW;
    const view = scroller.clientHeight - head.offsetHeight - ROW;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top > scroller.scrollTop + view) scroller.scrollTop = top - view;
    draw();
    if (select) select(state.shown[state.chosen]);
  }

  function key(event) {
    if (event.target !== scroller) return;
    const page = Math.max(1, Math.floor(scroller.clientHeight / ROW) - 2);
    const moves = {
      ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity,
    };
    if (event.key === "Enter" && state.chosen >= 0 && open) open(state.shown[state.chosen]);
    else if (event.key in moves) choose(Math.max(0, Math.min(state.shown.length - 1, state.chosen + moves[event.key])));
    else return;
    event.preventDefault();
  }

  return {
    element: scroller,
    rows(list) {
      state.rows = list;
      scroller.scrollTop = 0;
      arrange();
    },
    get count() {
      return state.shown.length;
    },
  };
}
