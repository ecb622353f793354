// The page: views by the fragment of the address, light and dark.

const VIEWS = [
  ["", "Runs", overview], ["groups", "Groups", breakdown], ["paper", "Paper", paper], ["machines", "Machines", machines],
];

function machines() {
  const list = (title, entries, of) => section(title, null, entries.map((entry, i) => {
    const runs = data.overview.runs.filter((run) => run[of] === i);
    return h("div", { class: "entry" }, h("h3", null, entry.name), h("p", { class: "quiet" }, format.plural(runs.length, "run")),
      h("dl", { class: "facts-list" }, entry.facts.map(([name, value]) => [h("dt", null, name), h("dd", null, value)])));
  }));
  return [list("Machines", data.overview.machines, "machine"), list("Software", data.overview.software, "software")];
}

function failure(error) {
  return h("section", { class: "card warn", role: "alert" }, h("h2", null, "This report cannot be shown"),
    h("p", null, typeof DecompressionStream === "undefined" ? "This browser cannot decompress the data; open the file in a browser of 2023 or later." : String(error)));
}

function show() {
  const [view, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  const main = document.getElementById("main");
  tip.hide();
  const found = VIEWS.find(([id]) => id === view) || VIEWS[0];
  const isRun = view === "run";
  let id = rest.join("/");
  try {
    id = decodeURIComponent(id);
  } catch {
    // A fragment that was typed by hand: taken as it is.
  }
  put(main, isRun ? runPage(id) : found[2]());
  for (const item of document.querySelectorAll("nav a")) {
    if (!isRun && item.getAttribute("href") === `#/${found[0]}`) item.setAttribute("aria-current", "page");
    else item.removeAttribute("aria-current");
  }
  document.title = isRun ? `${id} · nongemm` : `${found[1]} · nongemm`;
  scrollTo(0, 0);
  const heading = isRun && main.querySelector("h1");
  if (heading) heading.focus({ preventScroll: true });
}

const THEMES = { auto: "system colours", light: "light", dark: "dark" };

function themeButton() {
  const stored = () => {
    try {
      return localStorage.getItem("nongemm-theme") || "auto";
    } catch {
      return "auto"; // Storage may be forbidden where a file is opened.
    }
  };
  let theme = stored() in THEMES ? stored() : "auto";
  const button = h("button", { type: "button", class: "button", id: "theme", onclick: () => {
    const names = Object.keys(THEMES);
    theme = names[(names.indexOf(theme) + 1) % names.length];
    try {
      localStorage.setItem("nongemm-theme", theme);
    } catch {
      // It holds until the page is closed.
    }
    apply();
  } });
  const apply = () => {
    if (theme === "auto") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.setAttribute("data-theme", theme);
    button.textContent = `Theme: ${theme}`;
    button.setAttribute("aria-label", `colours: ${THEMES[theme]}; change`);
  };
  apply();
  return button;
}

async function start() {
  document.getElementById("bar").append(h("nav", { "aria-label": "views" }, VIEWS.map(([id, title]) => h("a", { href: `#/${id}` }, title))), themeButton());
  document.body.append(tip.element);
  addEventListener("keydown", (event) => event.key === "Escape" && tip.hide());
  try {
    data.overview = await unpack("overview");
    data.overview.runs.forEach((run, i) => {
      run.index = i;
      run.place = `${data.overview.machines[run.machine].short} · ${run.device}`;
      run.words = [run.id, run.model, run.backend, run.device, run.dtype, `b${run.batch}`, run.settings, run.status].join(" ").toLowerCase();
      run.groups = run.groups.map(([group, ns, share, count]) => ({ group, ns, share, count }));
    });
    addEventListener("hashchange", show);
    show();
    document.documentElement.setAttribute("data-ready", "");
  } catch (error) {
    put(document.getElementById("main"), failure(error));
  }
}

start();
