/* What was found: what a finding, a rule and a diagnosis say, and which findings are shown. */

const report = JSON.parse(document.getElementById("model").textContent);
const hostCount = Object.keys(report.hosts).length;
const several = hostCount > 1;
let state = parseState(location.hash);

function at(time) {
  return el("time", { datetime: visible(time) }, visible(time).replace("T", " ").replace(/:\d\dZ$/, " UTC"));
}

function hostLink(host) {
  return el("a", { href: stateHash({ host: String(host) }) }, name(host, 60));
}

function place(row) {
  const isInside = row.namespace && row.namespace !== "host";
  const inside = isInside ? el("span", { class: "inside" }, row.listener ? "in " : null, name(row.namespace, 60)) : null;
  if (!row.listener) return inside ?? el("span", { class: "quiet" }, row.namespace === "host" ? "the host" : "–");
  return [name(row.listener, 80), inside];
}

const severityColumn = { id: "severity", title: "Severity", cell: (row) => mark(row.severity), value: (row) => rank(row.severity) };
const ruleColumn = { id: "rule", title: "Rule", cell: (row) => ruleName(row.rule), value: (row) => row.rule };
const hostColumn = { id: "host", title: "Host", shown: several, cell: (row) => name(row.host, 60), value: (row) => String(row.host) };
const listenerColumn = { id: "listener", title: "Listener", cell: place, value: (row) => row.listener ?? null };
const programColumn = { id: "program", title: "Program", cell: (row) => name(row.program ?? "unknown", 40), value: (row) => row.program ?? null };
const seenColumn = { id: "summary", title: "What was seen", cell: (row) => el("span", { class: "said" }, remainder(row)) };

/* --- what is shown on demand */

function advice(fix) {
  const warning = fix.do_not_raise ? el("p", null, mark("warning", "Do not raise the limit.")) : null;
  return [warning, el("p", null, rich(fix.advice))];
}

function commandsPart(places) {
  return places.size ? part("Commands", commands(places)) : null;
}

function references(list) {
  const item = (each) => {
    const [, address, rest] = /^(https:\/\/[^\s"'<>]+)(.*)$/s.exec(each) ?? [];
    if (!address) return el("li", null, visible(each));
    return el("li", null, el("a", { href: address, rel: "noreferrer", target: "_blank" }, visible(address)), visible(rest));
  };
  return list?.length ? part("References", el("ul", { class: "lines" }, list.map((each) => item(String(each))))) : null;
}

function findingBody(finding) {
  const text = report.texts[finding.rule] ?? {};
  const fix = text.fix ?? {};
  const { waiver } = finding;
  const evidence = [
    waiver ? part("Waived", el("p", null, `${visible(waiver.reason)} (until ${visible(waiver.expires)})`)) : null,
    part("Evidence", facts(Object.entries(finding.evidence ?? {}))),
    text.because ? part("Why it matters", el("p", null, rich(text.because))) : null,
  ];
  const action = [fix.advice ? part("What to do", advice(fix)) : null, commandsPart(commandsOf(fix, finding)), references(text.references)];
  return [el("div", null, evidence), el("div", null, action)];
}

/* The commands are those of one finding, on the host itself where there is one: for another they name another process. */
function ruleBody(row) {
  const text = report.texts[row.rule] ?? {};
  const findings = report.findings.filter((each) => each.rule === row.rule);
  const first = findings.find((each) => (each.namespace ?? "host") === "host") ?? findings[0];
  const names = [...row.names].sort(collator.compare);
  const fix = text.fix ?? {};
  const hosts = several ? part(count(names.length, "host"), nameList(names, 20, hostLink), copyNames(names)) : null;
  const action = [fix.advice ? part("What to do", advice(fix)) : null, commandsPart(commandsOf(fix, first))];
  const why = text.because ? part("Why it matters", el("p", null, rich(text.because))) : null;
  return [el("div", null, action), el("div", null, why, hosts, references(text.references))];
}

/* Names for --limit and -e target=; one that Ansible would read as a pattern is left out, and counted. */
function copyNames(names) {
  const safe = names.filter(pattern);
  const left = names.length - safe.length;
  const rest = left ? ` ${count(left, "name")} left out: not plain host names` : null;
  return el("p", null, copyButton(safe.join(","), `Copy ${count(safe.length, "name")}`), rest);
}

/* --- rules */

function rulesSection() {
  const rules = byRule(report.findings);
  if (!rules.length) return null;
  const step = (row) => el("span", { class: "said" }, rich(gist(report.texts[row.rule]?.fix)));
  const found = (row) => {
    const label = `${count(row.findings, "finding")} of ${row.rule}`;
    return el("a", { href: stateHash({ rule: row.rule }), "aria-label": label }, thousands.format(row.findings));
  };
  const hosts = (row) => shareBar(row.hosts, hostCount, row.severity);
  const grid = new Grid({
    caption: "Rules that found something",
    noun: "rule",
    rows: rules,
    rowHead: "rule",
    opens: (row) => () => ruleBody(row),
    opener: "rule",
    columns: [
      severityColumn,
      ruleColumn,
      { id: "step", title: "First step", cell: step },
      { id: "findings", title: "Findings", number: true, cell: found, value: (row) => row.findings },
      { id: "hosts", title: "Hosts", number: true, shown: several, cell: hosts, value: (row) => row.hosts },
    ],
  });
  return ["rules", "What to do", rules.length, grid.element];
}

/* --- findings */

let findingsGrid = null;
const controls = {};

function findingsSection() {
  const list = report.findings;
  if (!list.length) return null;
  findingsGrid = new Grid({
    caption: "Findings",
    noun: "finding",
    rows: chosen(list, state, report.hosts),
    total: list.length,
    rowHead: "rule",
    sort: { id: state.sort, descending: state.descending },
    onSort: (sort) => choose({ sort: sort.id, descending: sort.descending }, false),
    opens: (row) => () => findingBody(row),
    columns: [severityColumn, ruleColumn, hostColumn, listenerColumn, seenColumn],
  });
  findingsGrid.status.after(findingsActions());
  return ["findings", "Findings", list.length, [findingsTools(list), el("div", { class: "with-actions" }, findingsGrid.element)]];
}

function findingsTools(list) {
  const search = (placeholder) => el("input", { type: "search", autocomplete: "off", spellcheck: "false", placeholder });
  const options = byRule(list).map((each) => el("option", { value: each.rule }, `${visible(each.rule)} (${thousands.format(each.findings)})`));
  controls.severity = SEVERITIES.map((each) => el("input", { type: "checkbox", value: each, disabled: !report.counts[each] }));
  controls.rule = el("select", null, el("option", { value: "" }, "All rules"), options);
  controls.host = search("name or part of it");
  controls.text = search("words");
  for (const each of ["host", "text"]) controls[each].addEventListener("input", () => choose({ [each]: controls[each].value }));
  controls.rule.addEventListener("change", () => choose({ rule: controls.rule.value }));
  const picked = () => controls.severity.filter((box) => box.checked).map((box) => box.value);
  for (const each of controls.severity) each.addEventListener("change", () => choose({ severity: picked() }));
  const toggle = (box) => {
    const number = el("span", { class: "how-many" }, thousands.format(report.counts[box.value]));
    return el("label", { class: `toggle is-${box.value}` }, box, el("span", null, icon(box.value), WORDS[box.value], number));
  };
  const named = [field("Rule", controls.rule), several ? field("Host", controls.host) : null, field("Text", controls.text)];
  const severity = el("fieldset", { class: "toggles" }, el("legend", null, "Severity"), el("div", null, controls.severity.map(toggle)));
  return el("div", { class: "tools", role: "search", "aria-label": "Filter the findings" }, severity, named);
}

function findingsActions() {
  controls.clear = el("button", { type: "button", class: "plain" }, "Clear the filters");
  controls.clear.addEventListener("click", () => {
    choose({ severity: [], rule: "", host: "", text: "" });
    controls.text.focus();
  });
  const names = () => [...new Set(findingsGrid.rows.map((each) => String(each.host)))].sort(collator.compare).filter(pattern).join(",");
  const copies = several ? copyButton(names, "Copy host names", "Copy the names of the hosts of these findings") : null;
  return el("div", { class: "actions" }, controls.clear, copies);
}

/* Change what is shown; the address follows, so that it can be sent to somebody. */
function choose(changes, isRedrawn = true) {
  state = { ...state, ...changes };
  const hash = stateHash(state);
  history.replaceState(null, "", hash === "#" ? location.href.split("#")[0] : hash);
  drawFindings(isRedrawn);
}

function drawFindings(isRedrawn = true) {
  if (!findingsGrid) return;
  for (const each of ["rule", "host", "text"]) if (controls[each].value !== state[each]) controls[each].value = state[each];
  for (const box of controls.severity) box.checked = state.severity.includes(box.value);
  controls.clear.hidden = !isFiltered(state);
  if (isRedrawn) findingsGrid.update(chosen(report.findings, state, report.hosts), { id: state.sort, descending: state.descending });
}

/* --- diagnoses */

const VERDICTS = {
  healthy: "Healthy",
  limit_too_small: "Limit too small",
  application_too_slow: "Application too slow",
  burst: "Burst",
  syn_queue: "SYN queue",
  listen_drops_without_overflow: "Drops without overflow",
  not_the_queue: "Not the queue",
  unknown: "Cannot be told",
};
const CONFIDENCES = ["high", "medium", "low"];

function verdictWord(verdict) {
  return VERDICTS[verdict] ?? visible(verdict).replaceAll("_", " ");
}

function diagnosesSection() {
  const list = report.diagnoses ?? [];
  if (!list.length) return null;
  const numbers = Object.entries(report.diagnosis_counts ?? {}).filter(([, number]) => number);
  const item = ([verdict, number]) => el("li", null, el("b", null, thousands.format(number)), verdictWord(verdict));
  const counts = el("ul", { class: "legend" }, numbers.map(item));
  const grid = searchable({
    caption: "Diagnoses",
    noun: "listener",
    rows: list,
    rowHead: "listener",
    opens: (row) => (row.verdict === "healthy" ? null : () => diagnosisBody(row)),
    columns: [
      { id: "verdict", title: "Verdict", cell: (row) => mark(row.severity ?? "ok", verdictWord(row.verdict)), value: (row) => rank(row.severity) },
      hostColumn,
      listenerColumn,
      programColumn,
      { id: "confidence", title: "Confidence", cell: (row) => visible(row.confidence ?? "–"), value: (row) => CONFIDENCES.indexOf(row.confidence) },
      { ...seenColumn, title: "What is going on" },
    ],
  });
  return ["diagnoses", "Diagnoses", list.length, [counts, grid]];
}

/* Many lines that say that all is well there: on demand. */
function notSeen(list) {
  const lines = () => el("ul", { class: "lines" }, list.map((each) => el("li", null, visible(each.text ?? each.cause))));
  return list.length ? part("What it is not", more(`${count(list.length, "cause")} looked for and not seen`, lines)) : null;
}

function diagnosisBody(row) {
  const shared = (list) => (list ?? []).map((each) => (typeof each === "number" ? report.shared[each] : each));
  const lines = (title, list, text) => (list?.length ? part(title, el("ul", { class: "lines" }, list.map((each) => el("li", null, text(each))))) : null);
  const fix = (each) => el("li", null, advice(each), commands(commandsOf(each, row, true)));
  const text = (lines) => el("pre", null, el("code", null, lines.map((each) => visible(each)).join("\n")));
  const size = Object.entries(row.size ?? {}).filter(([key]) => key !== "text");
  const action = [
    row.fixes?.length ? part("What to do, in this order", el("ol", { class: "fixes" }, shared(row.fixes).map(fix))) : null,
    row.size ? part("What size", el("p", null, visible(row.size.text)), facts(size)) : null,
    row.because ? part("Why", el("p", null, rich(report.shared[row.because] ?? row.because))) : null,
    references(row.references),
  ];
  const evidence = [
    part("Evidence", facts(Object.entries(row.evidence ?? {}))),
    row.log?.length ? part("nginx error log in the window", text(row.log)) : null,
    lines("Also true", row.also, (each) => [ruleName(each.cause), ` ${visible(each.summary)}`]),
    notSeen(shared(row.not_seen)),
    lines("Could not be told", row.unknown, (each) => [ruleName(each.cause), ` needs ${shown(each.missing)}`]),
    lines("Where this was read", row.sources, visible),
  ];
  return [el("div", null, action), el("div", null, evidence)];
}
