"use strict";
/* The pure half of the page: records and text in, records and text out. Nothing here knows the document.
   Text of hosts (names, processes, paths, reasons) may be hostile. It is never evaluated and never parsed as HTML. */

const SEVERITIES = ["critical", "warning", "info"];
const ALONE = 30; // up to so many hosts the matrix has one row for each; beyond, hosts with the same rules share one

const INVISIBLE = /[\p{C}\p{Z}]/gu; // what Python's isprintable() refuses, too
const collator = new Intl.Collator("en", { numeric: true });
const thousands = new Intl.NumberFormat("en");

/* One line without control, direction or other invisible characters: those are written as \u202e. */
function visible(value) {
  return String(value ?? "").replace(INVISIBLE, (each) => {
    const code = each.codePointAt(0);
    if (code === 32) return each;
    return code < 256 ? "\\x" + code.toString(16).padStart(2, "0") : "\\u" + code.toString(16).padStart(4, "0");
  });
}

/* A value of the evidence. Unknown is said, never left out. */
function shown(value) {
  if (value === null || value === undefined) return "unknown";
  if (value === true || value === false) return value ? "yes" : "no";
  if (typeof value === "number") return Number.isInteger(value) ? thousands.format(value) : String(Math.round(value * 1e4) / 1e4);
  if (Array.isArray(value)) return value.map(shown).join(", ") || "none";
  if (typeof value === "object") {
    return Object.entries(value).map(([name, each]) => `${visible(name)} ${typeof each === "number" ? each : shown(each)}`).join(" · ");
  }
  return visible(value);
}

function count(number, word) {
  return `${thousands.format(number)} ${word}${number === 1 ? "" : "s"}`;
}

function clipped(text, most) {
  return text.length <= most ? text : text.slice(0, most - 1).trimEnd() + "…";
}

/* [{text, code}] of a text in which backquotes mark code. */
function spans(text) {
  return String(text ?? "").trim().replace(/\s+/g, " ").split("`").map((each, index) => ({ text: visible(each), code: index % 2 === 1 }));
}

function rank(severity) {
  const index = SEVERITIES.indexOf(severity);
  return index < 0 ? SEVERITIES.length : index;
}

function worst(severities) {
  return SEVERITIES.find((each) => severities.includes(each)) ?? "ok";
}

/* A new list in the order of `value(row)`, unknown last; equal rows keep their order. */
function sorted(rows, value, descending) {
  const unique = [...new Set(rows.map(value))];
  const known = unique.filter((each) => each !== null && each !== undefined);
  const numbers = known.every((each) => typeof each === "number");
  known.sort(numbers ? (one, other) => one - other : (one, other) => collator.compare(String(one), String(other)));
  if (descending) known.reverse();
  const places = new Map(known.map((each, index) => [each, index]));
  const place = (row) => places.get(value(row)) ?? known.length;
  return rows.map((row, index) => [place(row), index, row]).sort((one, other) => one[0] - other[0] || one[1] - other[1]).map((each) => each[2]);
}

/* --- which findings are shown: the part of the address after # */

function parseState(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const sort = given.get("sort") ?? "";
  return {
    severity: (given.get("severity") ?? "").split(",").filter((each) => SEVERITIES.includes(each)),
    rule: given.get("rule") ?? "",
    host: given.get("host") ?? "",
    text: given.get("text") ?? "",
    sort: sort.replace(/^-/, ""),
    descending: sort.startsWith("-"),
  };
}

function stateHash(state) {
  const given = new URLSearchParams();
  if (state.severity?.length) given.set("severity", state.severity.join(","));
  for (const name of ["rule", "host", "text"]) if (state[name]) given.set(name, state[name]);
  if (state.sort) given.set("sort", (state.descending ? "-" : "") + state.sort);
  return "#" + given;
}

function isFiltered(state) {
  return Boolean(state.severity.length || state.rule || state.host || state.text);
}

/* The text a row is searched by, in lower case; made once. */
const SEARCHED = "rule severity verdict cause host namespace listener program summary metric what text drift status reason kernel".split(" ");
const haystacks = new WeakMap();
function haystack(row) {
  let text = haystacks.get(row);
  if (text === undefined) {
    const processes = Array.isArray(row.evidence?.processes) ? row.evidence.processes.map((each) => `${each?.name} ${each?.unit ?? ""}`) : [];
    text = [...SEARCHED.map((name) => row[name]), ...processes].filter((each) => typeof each === "string").join("\n").toLowerCase();
    haystacks.set(row, text);
  }
  return text;
}

/* Every word must be there. */
function matching(rows, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return words.length ? rows.filter((row) => words.every((word) => haystack(row).includes(word))) : rows;
}

/* The name of a host means that host alone; anything else is a part of names. */
function chosen(findings, state, hosts) {
  const host = state.host.toLowerCase();
  const exact = Object.hasOwn(hosts, state.host);
  const kept = findings.filter(
    (each) =>
      (!state.severity.length || state.severity.includes(each.severity)) &&
      (!state.rule || each.rule === state.rule) &&
      (!host || (exact ? each.host === state.host : String(each.host).toLowerCase().includes(host))),
  );
  return matching(kept, state.text);
}

/* --- summaries */

/* {severity, rule, findings, hosts} of each rule that found something, most severe first. */
function byRule(findings) {
  const rules = new Map();
  for (const each of findings) {
    let entry = rules.get(each.rule);
    if (!entry) rules.set(each.rule, (entry = { rule: each.rule, severity: each.severity, findings: 0, names: new Set() }));
    entry.findings += 1;
    entry.names.add(each.host);
  }
  const entries = [...rules.values()].map((entry) => ({ ...entry, hosts: entry.names.size }));
  const order = (one, other) => rank(one.severity) - rank(other.severity) || other.hosts - one.hosts || collator.compare(one.rule, other.rule);
  return entries.sort(order);
}

/* host -> Map of rule -> number of findings */
function byHost(findings) {
  const hosts = new Map();
  for (const each of findings) {
    let rules = hosts.get(each.host);
    if (!rules) hosts.set(each.host, (rules = new Map()));
    rules.set(each.rule, (rules.get(each.rule) ?? 0) + 1);
  }
  return hosts;
}

/* How many hosts have what as the worst of `found` ({host, severity}): critical, warning, info, ok, partial (nothing in what was seen), lost. */
function worstOfHosts(hosts, found) {
  const severities = new Map();
  for (const each of found) severities.set(each.host, Math.min(rank(each.severity), severities.get(each.host) ?? SEVERITIES.length));
  const counts = { critical: 0, warning: 0, info: 0, ok: 0, partial: 0, lost: 0 };
  for (const [name, host] of Object.entries(hosts)) {
    const without = host.status === "partial" ? "partial" : "ok";
    const isLost = host.status === "unreachable" || host.status === "failed";
    counts[isLost ? "lost" : SEVERITIES[severities.get(name)] ?? without] += 1;
  }
  return counts;
}

/* Rows of the matrix: {hosts, rules: Map of rule -> findings, worst}. Many hosts with the same rules share a row. */
function matrixRows(report) {
  const severities = new Map(report.rules.map((each) => [each.id, each.severity]));
  const found = byHost(report.findings);
  const alone = found.size <= ALONE;
  const rows = new Map();
  for (const [host, rules] of found) {
    const key = alone ? host : [...rules.keys()].sort().join(" ");
    let row = rows.get(key);
    if (!row) rows.set(key, (row = { hosts: [], rules: new Map(), worst: worst([...rules.keys()].map((rule) => severities.get(rule))) }));
    row.hosts.push(host);
    for (const [rule, number] of rules) row.rules.set(rule, (row.rules.get(rule) ?? 0) + number);
  }
  const list = [...rows.values()];
  for (const row of list) row.hosts.sort(collator.compare);
  const keys = (row) => [rank(row.worst), -row.rules.size, -row.hosts.length];
  return list.sort((one, other) => {
    const [here, there] = [keys(one), keys(other)];
    const index = here.findIndex((each, place) => each !== there[place]);
    return index < 0 ? collator.compare(one.hosts[0], other.hosts[0]) : here[index] - there[index];
  });
}

/* The same change on many hosts is one row, with `hosts`. */
function alike(changes) {
  const rows = new Map();
  for (const each of changes) {
    const key = JSON.stringify([each.what, each.before, each.after, each.namespace, each.listener]);
    if (rows.has(key)) rows.get(key).hosts.push(each.host);
    else rows.set(key, { ...each, hosts: [each.host] });
  }
  return [...rows.values()];
}

/* --- commands that somebody pastes into a shell: nothing in them may be the word of a host */

const PROGRAMS = new Set(
  ("ansible ansible-playbook cat dmesg docker grep ip iptables journalctl kubectl make nft nginx nsenter nstat perf podman ps ss strace sysctl " +
    "systemctl top").split(" "),
);
const PLAYBOOKS = { backlog_tune: "netops.listen_queue.tune", backlog_audit: "netops.listen_queue.audit" };

/* One word for a POSIX shell. Control characters have no place in it: a terminal may act on them. */
function shellWord(text) {
  if (/\p{C}/u.test(text)) return null;
  return /^[\w@%+=:,./-]+$/.test(text) ? text : "'" + text.replaceAll("'", "'\\''") + "'";
}

/* The name of a host as an Ansible pattern; null where it would mean something else. */
function pattern(host) {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(host) ? host : null;
}

/* Commands quoted in the advice that fit the place. In a container they need one of its processes; a sysctl of the host would miss it. */
function quotedCommands(advice, finding) {
  const quoted = spans(advice).filter((each) => each.code && PROGRAMS.has(each.text.split(" ")[0]) && each.text.includes(" "));
  const texts = quoted.map((each) => each.text).filter((each) => !each.includes("..."));
  if (!finding.namespace || finding.namespace === "host") return [...new Set(texts.filter((each) => !/^(nsenter|docker|podman) /.test(each)))];
  const pid = Array.isArray(finding.evidence?.processes) ? finding.evidence.processes[0]?.pid : null;
  const inside = texts.filter((each) => !each.startsWith("sysctl ")).map((each) => (/^(ss|nstat|ip) /.test(each) ? `nsenter -t PID -n ${each}` : each));
  return [...new Set(inside.map((each) => (Number.isInteger(pid) ? each.replace(/\bPID\b/g, String(pid)) : each)))];
}

/* What Ansible does for this host. Null when there is no role, or a name or value cannot be put into a command: Ansible would evaluate
   a template in the variables, here on the control node. */
function roleCommand(fix, host) {
  const target = pattern(String(host));
  if (!fix.role || target === null) return null;
  const role = String(fix.role).replace(/^netops\.listen_queue\./, "");
  const json = Object.keys(fix.variables ?? {}).length ? JSON.stringify(fix.variables) : "";
  const variables = json && shellWord(json);
  if (variables === null || /\{[{%#]/.test(json) || !/^\w+$/.test(role)) return null;
  const extra = variables ? ` -e ${variables}` : "";
  if (Object.hasOwn(PLAYBOOKS, role)) return `ansible-playbook ${PLAYBOOKS[role]} -i inventory.ini --become -e target=${target}${extra}`;
  return `ansible ${target} -i inventory.ini --become -m ansible.builtin.include_role -a name=netops.listen_queue.${role}${extra}`;
}

/* A command in which values of the host were filled in: those are numbers and plain names, or it is none. */
function plainCommand(text) {
  return typeof text === "string" && /^[\w@%+=:,./ -]+$/.test(text) ? text : null;
}

/* {where: [command]} of everything to paste for one finding, the most complete first. Advice that was rendered with values of the host
   is no source of commands: a backquote in a path would make one. */
function commandsOf(fix, finding, isRendered = false) {
  const [control, host] = ["On the control node", `On ${visible(finding.host)}`];
  const all = [
    [control, roleCommand(fix, finding.host)],
    [host, plainCommand(fix.command)],
  ];
  for (const text of isRendered ? [] : quotedCommands(fix.advice, finding)) all.push([/^(ansible|kubectl)/.test(text) ? control : host, text]);
  const places = new Map();
  for (const [where, text] of all) if (text) places.set(where, [...(places.get(where) ?? []), text]);
  return places;
}

/* The summary without what the columns beside it say already. */
function remainder(finding) {
  const summary = visible(finding.summary);
  const namespace = visible(finding.namespace);
  const known = [`${visible(finding.listener)} in ${namespace}: `, `namespace ${namespace}: `].find((each) => summary.startsWith(each));
  return known ? summary.slice(known.length) : summary;
}

/* The first step of an advice: its first clause, without what stands in brackets. */
function gist(fix) {
  const words = String(fix?.advice ?? "").trim().replace(/\s+/g, " ").replace(/ \([^()]*\)/g, "");
  return /^.+?(?=[.:;](\s|$))/.exec(words)?.[0] ?? words;
}
