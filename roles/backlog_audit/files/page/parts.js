/* Small parts of the document. Everything is made by createElement and text nodes: no string is ever parsed as HTML. */

const SVG = "http://www.w3.org/2000/svg";
const WORDS = {
  critical: "Critical",
  warning: "Warning",
  info: "Info",
  ok: "Healthy",
  unknown: "Not judged",
  lost: "Not audited",
  audited: "Audited",
  partial: "Partly audited",
  unreachable: "Unreachable",
  failed: "Failed",
};
const SHAPES = { audited: "ok", partial: "unknown", unreachable: "lost", failed: "lost" };

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

function el(name, attributes, ...children) {
  return build(document.createElement(name), attributes, children);
}

function svg(name, attributes, ...children) {
  return build(document.createElementNS(SVG, name), attributes, children);
}

function icon(shape) {
  return svg("svg", { class: "icon", "aria-hidden": "true", width: 14, height: 14 }, svg("use", { href: "#shape-" + shape }));
}

/* A shape, a colour and a word: none of them has to be seen alone. */
function mark(kind, word) {
  return el("span", { class: `mark is-${SHAPES[kind] ?? kind}` }, icon(SHAPES[kind] ?? kind), el("span", null, word ?? WORDS[kind] ?? visible(kind)));
}

/* A name that came from a host: one line, its text direction kept to itself. */
function name(text, most = 120) {
  const seen = visible(text);
  return el("span", { class: "name", title: seen.length > most ? clipped(seen, 2000) : null }, clipped(seen, most));
}

/* An identifier, which may break after an underline or a full stop. */
function breakable(text) {
  return visible(text).split(/(?<=[_.])/).map((each, index) => [index ? el("wbr") : null, each]);
}

function ruleName(id) {
  return el("code", { class: "rule" }, breakable(id));
}

function rich(text) {
  return spans(text).map((each) => (each.code ? el("code", null, each.text) : each.text));
}

function findingsLink(state, ...children) {
  return el("a", { class: "to-findings", href: stateHash(state) }, children);
}

/* A disclosure whose body is made when it is first opened. */
function more(summary, makeBody, attributes) {
  const details = el("details", attributes, el("summary", null, summary));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(el("div", { class: "body" }, makeBody()));
  });
  return details;
}

function facts(pairs) {
  const values = (value) => (Array.isArray(value) && value.some((each) => each instanceof Object) ? value : [value]);
  const row = ([term, value]) => el("div", null, el("dt", null, breakable(term)), values(value).map((each) => el("dd", null, shown(each))));
  return el("dl", { class: "facts" }, pairs.map(row));
}

function commas(list) {
  return list.map((each, index) => [index ? ", " : null, each]);
}

/* Names as a text; those beyond `most` are counted. */
function nameList(names, most, one = (each) => name(each, 60)) {
  return el("p", { class: "names" }, commas(names.slice(0, most).map(one)), names.length > most ? ` and ${thousands.format(names.length - most)} more` : null);
}

/* An input and its name, which is not in one label with it: the choices of a list would belong to the name. */
let fields = 0;
function field(label, input) {
  input.id = `field-${(fields += 1)}`;
  return el("div", { class: "field" }, el("label", { for: input.id }, label), input);
}

function part(title, ...children) {
  return el("section", { class: "part" }, el("h4", null, title), children);
}

function say(text) {
  const place = document.getElementById("said");
  place.textContent = "";
  setTimeout(() => (place.textContent = text), 50);
}

/* --- copying */

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
    const focused = document.activeElement;
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return done;
  }
}

function copyButton(text, label, what) {
  const button = el("button", { type: "button", class: "copy", "aria-label": what }, label);
  button.addEventListener("click", async () => {
    const done = await copy(typeof text === "function" ? text() : text);
    button.textContent = done ? "Copied" : "Not copied";
    say(done ? "Copied" : "The browser did not allow to copy");
    setTimeout(() => (button.textContent = label), 1600);
  });
  return button;
}

/* The commands of commandsOf(), by the place where they are to be run. */
function commands(places) {
  const line = (text) => {
    const button = copyButton(text, "Copy", "Copy " + clipped(text, 80));
    return el("div", { class: "line" }, el("pre", null, el("code", null, text)), button);
  };
  const hint = (texts) => (texts.some((each) => /\bPID\b/.test(each)) ? "; PID is a process of the program or container" : null);
  return [...places].map(([where, texts]) => el("div", { class: "commands" }, el("p", { class: "where" }, where, hint(texts)), texts.map(line)));
}

/* --- bars */

/* A queue beside its limit; the tick is where pressure begins. A queue of limit N holds N + 1, so it can be over the end. */
function queueBar(length, limit, threshold) {
  if (!Number.isFinite(length) || !Number.isFinite(limit)) return null;
  const share = length / Math.max(limit, 1);
  const kind = length > limit ? "critical" : share >= threshold ? "warning" : "calm";
  const filled = length ? Math.max(1.5, Math.min(share, 1) * 116) : 0;
  return svg(
    "svg", { class: "bar", "aria-hidden": "true", width: 120, height: 12, viewBox: "0 0 120 12" },
    svg("rect", { class: "track", x: 0, y: 3, width: 116, height: 6, rx: 1.5 }),
    svg("rect", { class: `fill is-${kind}`, x: 0, y: 3, width: filled, height: 6, rx: 1.5 }),
    length > limit ? svg("path", { class: "fill is-critical", d: "M116 1.5h4v9h-4z" }) : null,
    svg("path", { class: "tick", d: `M${Math.round(threshold * 116) + 0.5} 1v10` }),
  );
}

/* Drops in powers of ten: one is a dot, ten million fills the bar. */
function dropsBar(drops, recent) {
  const width = (number) => (number > 0 ? Math.min(72, 6 + Math.log10(number) * 9.4) : 0);
  return svg(
    "svg", { class: "bar", "aria-hidden": "true", width: 72, height: 12, viewBox: "0 0 72 12" },
    svg("rect", { class: "fill is-drops", x: 0, y: 3, width: width(drops ?? 0), height: 6, rx: 1.5 }),
    recent > 0 ? svg("rect", { class: "fill is-critical", x: 0, y: 3, width: Math.min(width(recent), width(drops)), height: 6, rx: 1.5 }) : null,
  );
}

/* A number of a whole, such as the hosts that a rule concerns. */
function shareBar(number, total, kind) {
  const width = Math.max(1.5, (number / total) * 72);
  const shape = { x: 0, y: 3, height: 6, rx: 1.5 };
  const bars = [svg("rect", { ...shape, class: "track", width: 72 }), svg("rect", { ...shape, class: `fill is-${kind}`, width })];
  const bar = svg("svg", { class: "bar", "aria-hidden": "true", width: 72, height: 12, viewBox: "0 0 72 12" }, bars);
  return el("span", { class: "with-bar" }, bar, el("span", { class: "figure" }, thousands.format(number)));
}

/* One bar for the fleet; `parts` are [kind, number]. Its legend has the same numbers as text. */
function fleetBar(parts, total) {
  let x = 0;
  const pieces = parts.flatMap(([kind, number]) => {
    const width = (number / total) * 1000;
    const place = { x, y: 0, width: Math.max(width - 1.5, 1), height: 12 };
    x += width;
    const isUnknown = kind === "lost" || kind === "partial";
    return [svg("rect", { ...place, class: `fill is-${kind}` }), isUnknown ? svg("rect", { ...place, class: "hatched", fill: "url(#shape-hatch)" }) : null];
  });
  return svg("svg", { class: "fleet", "aria-hidden": "true", viewBox: "0 0 1000 12", preserveAspectRatio: "none" }, pieces);
}
