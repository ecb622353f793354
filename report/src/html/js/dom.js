// Building elements. Text from records only ever becomes text nodes and attributes, never markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, v] of Object.entries(value)) element.style.setProperty(key, v);
    else if (name === "value" || name === "checked" || name === "selected") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(4)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** An HTML element: `h("p", { class: "note" }, "text", child)`. */
function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. */
function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Puts children in place of what an element holds. */
function put(element, ...children) {
  element.replaceChildren();
  return fill(element, null, children);
}

let fields = 0;

/** A labelled `select`: options are [value, text]. */
function choice(label, options, value, change) {
  const id = `field-${++fields}`;
  return h("span", { class: "field" },
    h("label", { for: id }, label),
    h("select", { id, onchange: (event) => change(event.target.value) },
      options.map(([key, text]) => h("option", { value: key, selected: key === value }, text))));
}

/** A labelled box to tick. */
function tick(label, checked, change) {
  return h("label", { class: "tick" },
    h("input", { type: "checkbox", checked, onchange: (event) => change(event.target.checked) }), label);
}

/** A labelled field to search with. */
function search(label, input) {
  const id = `field-${++fields}`;
  return h("span", { class: "field grow" },
    h("label", { for: id }, label),
    h("input", { id, type: "search", autocomplete: "off", spellcheck: "false", oninput: (event) => input(event.target.value) }));
}

/** A section with a heading and, if given, one sentence on what is seen. */
function section(title, about, ...children) {
  return h("section", { class: "card" }, h("h2", null, title), about && h("p", { class: "about" }, about), children);
}

/** One tooltip for all marks: shown on hover and on focus. */
const tip = {
  element: h("div", { class: "tip", role: "tooltip", hidden: true }),
  show(event, lines) {
    put(this.element, lines.map((line, i) => h("div", { class: i === 0 ? "strong" : null }, line)));
    this.element.hidden = false;
    const box = event.currentTarget.getBoundingClientRect();
    const x = event.clientX || box.left + box.width / 2;
    const y = event.clientY || box.bottom;
    const { offsetWidth: width, offsetHeight: height } = this.element;
    this.element.style.left = `${Math.max(4, Math.min(x + 12, innerWidth - width - 8))}px`;
    this.element.style.top = `${y + 16 + height > innerHeight ? Math.max(4, y - height - 10) : y + 16}px`;
  },
  hide() {
    this.element.hidden = true;
  },
  /** Attributes that give an element a tooltip. */
  on(lines) {
    const show = (event) => tip.show(event, lines());
    const hide = () => tip.hide();
    return { onmousemove: show, onmouseleave: hide, onfocus: show, onblur: hide };
  },
};
