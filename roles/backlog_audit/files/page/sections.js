/* The other sections. Each returns [id, title, how many, content], or null when it has nothing to say. */

function overview() {
  const { counts } = report;
  const unknown = Object.values(counts.unknown).reduce((sum, each) => sum + each, 0);
  const tile = (kind, number, href, label) => {
    const word = el("span", { class: "label" }, icon(kind), label ?? WORDS[kind]);
    const look = `tile of-${kind}${number ? "" : " is-none"}`;
    return el("li", null, el("a", { href, class: look }, el("span", { class: "figure" }, thousands.format(number)), word));
  };
  const tiles = [
    ...SEVERITIES.map((each) => tile(each, counts[each], stateHash({ severity: [each] }))),
    tile("unknown", unknown, "#unknown"),
    tile("waived", counts.waived, "#waivers", "Waived"),
    tile("lost", counts.hosts.unreachable + counts.hosts.failed, "#hosts"),
  ];
  const text = `${verdictText(report.diagnoses ?? [])} ${leadText(worstOfHosts(report.hosts, report.findings))}`.trim();
  const lead = el("h2", { id: "overview", class: "lead", tabindex: "-1" }, text);
  return el("section", { "aria-labelledby": "overview" }, lead, gaps(unknown), el("ul", { class: "tiles" }, tiles), fleetOverview());
}

/* Verdicts come first: they say what is going on, findings what may be wrong. */
function verdictText(diagnoses) {
  if (!diagnoses.length) return "";
  const told = diagnoses.filter((each) => each.verdict !== "unknown");
  const sick = told.filter((each) => each.verdict !== "healthy").length;
  const untold = diagnoses.length - told.length;
  const all = `of ${count(diagnoses.length, "listener")}`;
  const rest = untold ? `${sick ? `, ${thousands.format(untold)}` : `${thousands.format(untold)} ${all}`} cannot be told.` : sick ? "." : "";
  if (!sick) return rest || `${diagnoses.length === 1 ? "The listener is" : `All ${count(diagnoses.length, "listener")} are`} healthy.`;
  return `${thousands.format(sick)} ${all} ${sick === 1 ? "is" : "are"} not healthy${rest}`;
}

function leadText(hosts) {
  const { counts } = report;
  const of = (number, what) => `${thousands.format(number)} of ${thousands.format(hostCount)} hosts ${number === 1 ? "has" : "have"} ${what}.`;
  if (counts.critical) return several ? of(hosts.critical, "critical findings") : `${count(counts.critical, "critical finding")}.`;
  if (counts.warning) return `Nothing critical. ${several ? of(hosts.warning, "warnings") : `${count(counts.warning, "warning")}.`}`;
  if (!(counts.hosts.audited + counts.hosts.partial)) return "Nothing was audited.";
  if (counts.info) return `Nothing critical and no warnings, ${counts.info} for information.`;
  return report.diagnoses?.length ? "No rule found anything." : "Nothing was found.";
}

/* What the lead does not cover: it is no good news that something was not looked at. */
function gaps(unknown) {
  const { unreachable, failed, partial } = report.counts.hosts;
  const parts = [];
  if (unreachable + failed) parts.push(`${count(unreachable + failed, "host")} could not be audited`);
  if (partial) parts.push(`${parts.length ? thousands.format(partial) : count(partial, "host")} could be seen in part only`);
  if (unknown) parts.push(`${count(unknown, "check")} had no result`);
  const whole = `${several ? "Every host" : "The host"} was audited in full, and every check had a result.`;
  return el("p", { class: "gaps" }, parts.length ? `${parts.join(", ")}: what was not seen is not known to be fine.` : whole);
}

function fleetOverview() {
  if (!several) return null;
  const labels = { ok: "nothing found", partial: "nothing found, but seen in part only", lost: "not audited" };
  const parts = Object.entries(worstOfHosts(report.hosts, [...report.findings, ...(report.diagnoses ?? [])])).filter(([, number]) => number);
  const item = ([kind, number]) => {
    const shape = icon(kind === "partial" ? "unknown" : kind);
    return el("li", { class: `of-${kind}` }, shape, el("b", null, thousands.format(number)), labels[kind] ?? kind);
  };
  const legend = el("ul", { class: "legend" }, parts.map(item));
  return el("figure", { class: "fleet-box" }, el("figcaption", null, "Hosts by the worst that was found"), fleetBar(parts, hostCount), legend);
}

/* --- listeners */

function limitWord(queue) {
  if (queue.stale_limit) return "older than the settings";
  if (queue.limited_by === "somaxconn") return "capped by somaxconn";
  if (queue.limited_by === "backlog") return "the program's backlog";
  return queue.at_cap ? "at the cap" : queue.at_cap === false ? "below the cap" : "unknown";
}

function queuesSection() {
  const list = report.queues ?? [];
  if (!list.length) return null;
  const total = Object.values(report.hosts).reduce((sum, host) => sum + (host.listeners ?? 0), 0);
  const threshold = report.thresholds.fill ?? 0.5;
  const known = (row) => Number.isFinite(row.accept_queue_length) && Number.isFinite(row.accept_queue_limit);
  const fill = (row) => (known(row) ? row.accept_queue_length / Math.max(row.accept_queue_limit, 1) : null);
  const waiting = (row) => {
    const numbers = `${shown(row.accept_queue_length)} / ${shown(row.accept_queue_limit)}`;
    return el("span", { class: "with-bar" }, queueBar(row.accept_queue_length, row.accept_queue_limit, threshold), el("span", null, numbers));
  };
  const drops = (row) => {
    if (!("drops" in row)) return el("span", { class: "quiet" }, "has no counter");
    const recent = row.drops_in_window ? el("b", { class: "is-critical", title: "in the sample" }, `+${shown(row.drops_in_window)}`) : null;
    return el("span", { class: "with-bar" }, dropsBar(row.drops, row.drops_in_window), el("span", { class: "figure" }, shown(row.drops)), recent);
  };
  const grid = new Grid({
    caption: "Listeners with the most drops or the fullest queues",
    noun: "listener",
    rows: list,
    rowHead: "listener",
    columns: [
      hostColumn,
      listenerColumn,
      programColumn,
      { id: "waiting", title: "Waiting / limit", cell: waiting, value: fill },
      { id: "drops", title: "Drops", cell: drops, value: (row) => row.drops ?? null },
      { id: "limit", title: "What sets the limit", cell: limitWord, value: limitWord },
    ],
  });
  const text = [
    total > list.length ? `The ${list.length} of ${thousands.format(total)} with the most drops or the fullest queues. ` : null,
    `A bar is the share of its limit that waits now, with a tick at ${Math.round(threshold * 100)} %. `,
    "Drops are packets since the socket exists, drawn in powers of ten; + is what came in the sample.",
  ];
  return ["queues", "Listeners", total, [el("p", { class: "note" }, text), grid.element]];
}

/* --- hosts and rules */

function matrixSection() {
  if (!several || !report.findings.length) return null;
  const unknown = new Map();
  for (const each of report.unknown) unknown.set(each.rule, (unknown.get(each.rule) ?? 0) + each.count);
  const found = new Set(report.findings.map((each) => each.rule));
  const hosts = new Set(report.findings.map((each) => each.host));
  const order = (one, other) => rank(one.severity) - rank(other.severity) || collator.compare(one.id, other.id);
  const rules = report.rules.filter((each) => found.has(each.id) || unknown.has(each.id)).sort(order);
  const seen = Object.entries(report.hosts).filter(([, each]) => each.status === "audited" || each.status === "partial");
  const clean = seen.map(([host]) => host).filter((host) => !hosts.has(host)).sort(collator.compare);
  const matrix = new Matrix(matrixRows(report), rules, unknown, clean);
  const [silent, lost] = [report.rules.length - rules.length, hostCount - seen.length];
  const note = [
    "Numbers are findings; an empty cell is no finding.",
    matrix.isGrouped ? " Hosts with findings of the same rules share a row." : null,
    unknown.size ? " The last row counts the checks that had no result." : null,
    silent ? ` ${count(silent, "rule")} found nothing anywhere and ${silent === 1 ? "has" : "have"} no column.` : null,
    lost ? ` ${count(lost, "host")} could not be audited and ${lost === 1 ? "has" : "have"} no row.` : null,
  ];
  return ["matrix", "Hosts and rules", null, [el("p", { class: "note" }, note), matrix.element]];
}

/* --- the fleet, and what changed */

function fleetSection() {
  const list = report.fleet ?? [];
  if (!list.length) return null;
  const grid = searchable({
    caption: "Outliers",
    noun: "outlier",
    rows: list,
    rowHead: "host",
    columns: [
      { ...hostColumn, shown: true, cell: (row) => hostLink(row.host) },
      { id: "metric", title: "Measured", cell: (row) => el("code", null, breakable(row.metric)), value: (row) => row.metric },
      { id: "value", title: "This host", number: true, cell: (row) => shown(row.value), value: (row) => row.value },
      { id: "median", title: "Median of peers", number: true, cell: (row) => shown(row.peers_median), value: (row) => row.peers_median },
      { id: "peers", title: "Peers", number: true, cell: (row) => shown(row.peers), value: (row) => row.peers },
      { id: "summary", title: "In words", cell: (row) => el("span", { class: "said" }, visible(row.text)) },
    ],
  });
  return ["fleet", "Unlike their peers", list.length, grid];
}

function titled(title, number, ...content) {
  return number ? [el("h3", null, title, " ", el("span", { class: "how-many" }, thousands.format(number))), content] : null;
}

const REASONS = {
  waiver_ended: "its waiver ended",
  more_severe: "more severe than before",
  rule_added: "by a rule that was not used before",
  host_added: "on a new host",
  not_judged_before: "not judged before",
  waived: "waived now",
  rule_removed: "its rule is not used now",
  not_known: "could not be judged now",
};

function driftSection() {
  const { drift } = report;
  if (!drift) return null;
  const { baseline = {}, hosts_gone: gone = [], hosts_new: added = [], hosts_not_compared: lost = [] } = drift;
  const [fresh, resolved, unjudged, changed] = [drift.new ?? [], drift.resolved ?? [], drift.not_judged ?? [], alike(drift.changed ?? [])];
  const findings = (title, rows) => {
    const isExplained = rows.some((row) => REASONS[row.drift]);
    const reason = { id: "why", title: "Why", shown: isExplained, cell: (row) => REASONS[row.drift] ?? "", value: (row) => REASONS[row.drift] ?? null };
    const columns = [severityColumn, ruleColumn, hostColumn, listenerColumn, reason, seenColumn];
    return titled(title, rows.length, rows.length ? searchable({ caption: title, noun: "finding", rows, rowHead: "rule", columns }) : null);
  };
  const value = (each) => el("span", { class: "name" }, each === null ? "none" : shown(each));
  const states = [
    { id: "before", title: "Before", cell: (row) => value(row.before) },
    { id: "after", title: "After", cell: (row) => value(row.after) },
  ];
  const on = (row) => (row.hosts.length > 1 ? more(el("span", null, count(row.hosts.length, "host")), () => nameList(row.hosts, 200)) : name(row.host, 60));
  const what = { id: "what", title: "Value", cell: (row) => el("code", null, breakable(row.what)), value: (row) => row.what };
  const onColumn = { ...hostColumn, cell: on, value: (row) => row.hosts.length };
  const values = { caption: "Changed values", noun: "value", rows: changed, rowHead: "what", columns: [what, ...states, onColumn, listenerColumn] };
  const blind = { caption: "Hosts not compared", noun: "host", rows: lost, rowHead: "host", columns: [{ ...hostColumn, shown: true }, ...states] };
  const number = [fresh, resolved, unjudged, changed, gone, added, lost].reduce((sum, each) => sum + each.length, 0);
  const file = baseline.path ? [" in ", name(baseline.path)] : null;
  const compared = ["Compared with the audit of ", at(baseline.generated_at), file, number ? "." : ": nothing changed."];
  return ["drift", "Since the baseline", number, [
    el("p", { class: "note" }, compared),
    findings("New findings", fresh),
    findings("Resolved", resolved),
    findings("Not judged again", unjudged),
    titled("Changed values", changed.length, changed.length ? searchable(values) : null),
    titled("Hosts not compared", lost.length, lost.length ? searchable(blind) : null),
    titled("Hosts that are gone", gone.length, nameList(gone, 200)),
    titled("New hosts", added.length, nameList(added, 200)),
  ]];
}

/* --- hosts */

const STATUSES = ["unreachable", "failed", "partial", "audited"];

function hostRows() {
  const found = byHost(report.findings);
  const severities = new Map(report.rules.map((each) => [each.id, each.severity]));
  const rows = Object.entries(report.hosts).map(([host, each]) => {
    const rules = found.get(host) ?? new Map();
    const findings = [...rules.values()].reduce((sum, number) => sum + number, 0);
    const isLost = each.status === "unreachable" || each.status === "failed";
    return { ...each, host, findings: isLost ? null : findings, worst: worst([...rules.keys()].map((rule) => severities.get(rule))) };
  });
  return rows.sort((one, other) => STATUSES.indexOf(one.status) - STATUSES.indexOf(other.status));
}

function hostsSection() {
  const rows = hostRows();
  const gaps = rows.filter((row) => row.status !== "audited" || row.problems?.length);
  const status = { id: "status", title: "Status", cell: (row) => mark(row.status), value: (row) => STATUSES.indexOf(row.status) };
  const host = { id: "name", title: "Host", cell: (row) => name(row.host, 60), value: (row) => row.host };
  const found = (row) => el("a", { href: stateHash({ host: row.host }) }, mark(row.worst, thousands.format(row.findings)));
  const all = searchable({
    caption: "All hosts",
    noun: "host",
    rows,
    rowHead: "name",
    columns: [
      status,
      host,
      { id: "findings", title: "Findings", number: true, cell: (row) => (row.findings ? found(row) : shown(row.findings)), value: (row) => row.findings },
      { id: "listeners", title: "Listeners", number: true, cell: (row) => shown(row.listeners), value: (row) => row.listeners ?? null },
      { id: "namespaces", title: "Namespaces", number: true, cell: (row) => shown(row.namespaces), value: (row) => row.namespaces ?? null },
      { id: "kernel", title: "Kernel", cell: (row) => name(row.kernel ?? "unknown", 40), value: (row) => row.kernel ?? null },
      { id: "collected", title: "Looked at", cell: (row) => (row.collected_at ? at(row.collected_at) : "never"), value: (row) => row.collected_at ?? null },
    ],
  });
  if (!gaps.length) return ["hosts", "Hosts", rows.length, all];
  const lost = titled("Not, or not fully, audited", gaps.length, gapsGrid(gaps, status, host));
  return ["hosts", "Hosts", rows.length, [lost, titled("All hosts", rows.length, all)]];
}

/* What is missing of a host, and why: the reason in short, all problems on demand. */
function gapsGrid(rows, status, host) {
  const problem = (each) => `${visible(each.message ?? each.code)}${each.count > 1 ? ` (${each.count} times)` : ""}`;
  const reason = (row) => el("span", { class: "said" }, visible(row.reason ?? problem(row.problems[0])));
  const problems = (row) => part("What could not be read", el("ul", { class: "lines" }, row.problems.map((each) => el("li", null, problem(each)))));
  return searchable({
    caption: "Hosts not, or not fully, audited",
    noun: "host",
    rows,
    rowHead: "name",
    opens: (row) => (row.problems?.length ? () => problems(row) : null),
    columns: [status, host, { id: "summary", title: "What is missing, and why", cell: reason }],
  });
}

/* --- what was not judged, and what was accepted */

function unknownSection() {
  const { unknown: list, not_sampled: unsampled } = report;
  if (!list.length && !unsampled.length) return null;
  const such = (row) => {
    const left = row.host_count - row.hosts.length;
    return [commas(row.hosts.map((each) => name(each, 60))), left > 0 ? ` and ${thousands.format(left)} more` : null];
  };
  const grid = () => new Grid({
    caption: "Checks without a result",
    noun: "kind",
    rows: list,
    rowHead: "rule",
    columns: [
      severityColumn,
      ruleColumn,
      { id: "missing", title: "What is not known", cell: (row) => el("span", { class: "name" }, row.missing.map(visible).join(", ")) },
      { id: "checks", title: "Checks", number: true, cell: (row) => thousands.format(row.count), value: (row) => row.count },
      { id: "on", title: "Hosts", number: true, cell: (row) => thousands.format(row.host_count), value: (row) => row.host_count },
      { id: "summary", title: "Such as", shown: several, cell: such },
    ],
  });
  const rules = commas(unsampled.map((each) => ruleName(each.rule)));
  const hint = [rules, " looked at nothing on hosts without a sample: set ", el("code", null, "backlog_audit_sample"), " to some seconds."];
  const note = el("p", { class: "note" }, "What these rules have to know could not be read. That is no good news and no bad news.");
  return ["unknown", "Not judged", list.reduce((sum, each) => sum + each.count, 0), [
    list.length ? [note, grid().element] : null,
    unsampled.length ? [el("h3", null, "Not sampled"), el("p", { class: "note" }, hint)] : null,
  ]];
}

function waiversSection() {
  const { waived, expired_waivers: expired, unused_waivers: unused } = report;
  if (!waived.length && !expired.length && !unused.length) return null;
  const where = (row) => ["host", "namespace", "listener"].filter((key) => key in row).map((key) => `${key} ${visible(row[key])}`).join(", ") || "everywhere";
  const until = (waiver) => ({ id: "until", title: "Until", cell: (row) => visible(waiver(row)?.expires), value: (row) => waiver(row)?.expires ?? null });
  const columns = (isExpired) => [
    ruleColumn,
    { id: "where", title: "Where", cell: where },
    until((row) => row),
    { id: "covers", title: "Would cover", number: true, shown: isExpired, cell: (row) => shown(row.covers), value: (row) => row.covers },
    { id: "reason", title: "Reason", cell: (row) => el("span", { class: "said" }, visible(row.reason)) },
  ];
  const box = (title, text, rows, isExpired) => {
    const grid = rows.length ? searchable({ caption: title, noun: "waiver", rows, rowHead: "rule", columns: columns(isExpired) }) : null;
    return titled(title, rows.length, el("p", { class: "note" }, text), grid);
  };
  const findings = () => searchable({
    caption: "Waived findings",
    noun: "finding",
    rows: waived,
    rowHead: "rule",
    opens: (row) => () => findingBody(row),
    columns: [severityColumn, ruleColumn, hostColumn, listenerColumn, until((row) => row.waiver), seenColumn],
  });
  return ["waivers", "Waivers", waived.length || null, [
    titled("Waived findings", waived.length, waived.length ? findings() : null),
    box("Expired waivers", "They do not apply any more: what they covered is among the findings.", expired, true),
    box("Unused waivers", "They cover nothing that was found.", unused, false),
  ]];
}

function methodSection() {
  const found = new Set(report.findings.map((each) => each.rule));
  const did = (row) => (found.has(row.rule) ? el("a", { href: stateHash({ rule: row.rule }) }, "yes") : "no");
  const rules = () => new Grid({
    caption: "All rules",
    noun: "rule",
    rows: report.rules.map((each) => ({ ...each, rule: each.id })),
    rowHead: "rule",
    columns: [
      severityColumn,
      ruleColumn,
      { id: "did", title: "Found something", cell: did },
      { id: "summary", title: "File", cell: (row) => name(row.source, 200) },
    ],
  }).element;
  const thresholds = () => facts(Object.entries(report.thresholds).map(([key, value]) => [`thresholds.${key}`, value]));
  return ["method", "How it was judged", null, [more("Thresholds", thresholds), more(`All ${count(report.rules.length, "rule")}`, rules)]];
}
