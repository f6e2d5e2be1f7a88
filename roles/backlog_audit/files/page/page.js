/* The page: head, sections, and the address that remembers what was chosen. */

const SECTIONS = [
  diagnosesSection, driftSection, rulesSection, findingsSection, queuesSection, matrixSection, fleetSection,
  hostsSection, unknownSection, waiversSection, methodSection,
];
const THEME = "netops.listen_queue.theme";

function drawHead() {
  const seconds = Object.values(report.hosts).map((each) => each.sample_seconds).filter(Number.isFinite).map(Math.round);
  const [least, most] = [Math.min(...seconds), Math.max(...seconds)];
  const sample = !seconds.length ? "" : least === most ? `, watched for ${count(most, "second")}` : `, watched for ${least} to ${most} seconds`;
  const who = several ? `${thousands.format(hostCount)} hosts` : name(Object.keys(report.hosts)[0] ?? "no host");
  const { name: collection, version } = report.collection;
  document.getElementById("made").replaceChildren(who, sample, " · ", at(report.generated_at), ` · ${visible(collection)} ${visible(version)}`);
}

function drawSections() {
  const [main, nav] = [document.getElementById("main"), document.getElementById("sections")];
  const made = SECTIONS.map((each) => each()).filter(Boolean);
  const number = (each) => (each === null ? null : [" ", el("span", { class: "how-many" }, thousands.format(each))]);
  const section = ([id, title, many, content]) => el("section", { "aria-labelledby": id }, el("h2", { id, tabindex: "-1" }, title, number(many)), content);
  const link = ([id, title, many]) => el("li", null, el("a", { href: "#" + id }, el("span", null, title), number(many)));
  main.replaceChildren(overview(), ...made.map(section));
  nav.replaceChildren(el("ul", null, [["overview", "Overview", null], ...made].map(link)));
  nav.hidden = false;
  watchSections(nav, main);
}

/* Marks the section that is read in the list of sections. */
function watchSections(nav, main) {
  const links = new Map([...nav.querySelectorAll("a")].map((each) => [each.hash.slice(1), each]));
  const seen = new Set();
  const watch = (entries) => {
    for (const each of entries) each.isIntersecting ? seen.add(each.target) : seen.delete(each.target);
    const current = [...main.children].find((each) => seen.has(each))?.getAttribute("aria-labelledby");
    for (const [id, link] of links) id === current ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
  };
  const watcher = new IntersectionObserver(watch, { rootMargin: "-10% 0px -60% 0px" });
  for (const each of main.children) watcher.observe(each);
}

/* A section that has nothing to say is not there; then the overview says so. */
function go(id) {
  const heading = document.getElementById(id) ?? document.getElementById("overview");
  heading.scrollIntoView();
  heading.focus({ preventScroll: true });
}

/* Links within the page: those with a = say which findings to show, the others name a section. */
function onClick(event) {
  const link = event.target.closest("a[href^='#']");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const hash = link.getAttribute("href");
  if (!hash.includes("=")) return go(hash.slice(1));
  history.pushState(null, "", hash);
  readAddress();
  go("findings");
}

function readAddress() {
  if (location.hash && !location.hash.includes("=")) return go(location.hash.slice(1));
  state = parseState(location.hash);
  drawFindings();
}

/* Auto follows the system. A browser that keeps nothing for files forgets the choice, which is no fault. */
function setUpTheme() {
  const box = document.getElementById("theme");
  const use = (theme) => (document.documentElement.dataset.theme = theme ?? "auto");
  const keep = (theme) => {
    try {
      localStorage.setItem(THEME, theme);
    } catch { /* not allowed here */ }
  };
  let kept = null;
  try {
    kept = localStorage.getItem(THEME);
  } catch { /* not allowed here */ }
  for (const input of box.querySelectorAll("input")) {
    input.checked = input.value === (kept ?? "auto");
    input.addEventListener("change", () => {
      use(input.value);
      keep(input.value);
    });
  }
  use(kept);
  box.hidden = false;
}

/* On paper there is nothing to press: all findings that the filters leave. */
function setUpPrinting() {
  let limit = ROWS;
  const draw = (wanted) => {
    findingsGrid.limit = wanted;
    findingsGrid.draw();
  };
  addEventListener("beforeprint", () => {
    limit = findingsGrid.limit;
    draw(Infinity);
  });
  addEventListener("afterprint", () => draw(limit));
}

setUpTheme();
drawHead();
drawSections();
drawFindings(false);
if (findingsGrid) setUpPrinting();
document.addEventListener("click", onClick);
addEventListener("popstate", readAddress);
if (location.hash) go(location.hash.includes("=") ? "findings" : location.hash.slice(1));
performance.mark("drawn");
