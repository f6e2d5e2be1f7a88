/* Tables. What a table does not show it counts. */

const ROWS = 100; // at first, and with every "more"
const GROUPS = 40; // of the matrix, at first
let drawnRows = 0; // for ids

/* A table that sorts by its headings and shows its rows a page at a time.

   columns  [{id, title, cell(row), value(row) where it can be sorted by, number, shown: false to leave it out}]
   rowHead  id of the column that names a row
   opens    makes what a row shows on demand, or null where there is nothing; the button is in the column `opener`
   onSort   is told {id, descending}
   update(rows, sort) gives it other rows. */
class Grid {
  constructor({ caption, columns, rowHead, rows, noun, total, sort, onSort, opens, opener = "summary" }) {
    Object.assign(this, { rowHead, rows, noun, onSort, opens, opener, total: total ?? rows.length, limit: ROWS });
    this.columns = columns.filter((each) => each.shown !== false);
    this.sort = sort ?? { id: "", descending: false };
    this.opened = new Set();
    this.heads = new Map(this.columns.map((column) => [column.id, this.head(column)]));
    this.body = el("tbody", { role: "rowgroup" });
    const head = el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, [...this.heads.values()]));
    this.table = el("table", { role: "table", class: "grid" }, el("caption", { class: "unseen" }, caption), head, this.body);
    this.status = el("p", { class: "shown", role: "status" });
    this.pager = el("p", { class: "pager" });
    this.element = el("div", null, this.status, this.table, this.pager);
    this.draw();
  }

  head(column) {
    const attributes = { scope: "col", role: "columnheader", class: cellClass(column) };
    if (!column.value) return el("th", attributes, column.title);
    const arrows = [svg("path", { class: "up", d: "M4 0l3.4 4H.6z" }), svg("path", { class: "down", d: "M4 10L.6 6h6.8z" })];
    const arrow = svg("svg", { class: "arrow", "aria-hidden": "true", width: 8, height: 10, viewBox: "0 0 8 10" }, arrows);
    const button = el("button", { type: "button", class: "sort" }, column.title, arrow);
    button.addEventListener("click", () => this.sortBy(column.id));
    return el("th", attributes, button);
  }

  /* First upwards, then downwards, then the order of the report again. */
  sortBy(id) {
    const isSame = this.sort.id === id;
    this.sort = isSame && this.sort.descending ? { id: "", descending: false } : { id, descending: isSame };
    this.onSort?.(this.sort);
    this.draw();
  }

  update(rows, sort) {
    Object.assign(this, { rows, limit: ROWS, sort: sort ?? this.sort });
    this.draw();
  }

  draw() {
    const column = this.columns.find((each) => each.id === this.sort.id && each.value);
    const rows = column ? sorted(this.rows, column.value, this.sort.descending) : this.rows;
    const seen = rows.slice(0, this.limit);
    for (const each of this.columns.filter((one) => one.value)) {
      const direction = each !== column ? "none" : this.sort.descending ? "descending" : "ascending";
      this.heads.get(each.id).setAttribute("aria-sort", direction);
    }
    this.body.replaceChildren(...seen.flatMap((row) => this.row(row)));
    this.table.hidden = !rows.length;
    this.drawStatus(rows.length, seen.length);
    this.drawPager(rows.length, seen.length);
  }

  drawStatus(all, seen) {
    const number = all === this.total ? count(all, this.noun) : `${thousands.format(all)} of ${count(this.total, this.noun)}`;
    this.status.textContent = seen < all ? `${number}; the first ${thousands.format(seen)} are shown` : number;
    this.status.classList.toggle("is-obvious", seen === this.total);
  }

  drawPager(all, seen) {
    this.pager.hidden = seen === all;
    const button = (label, limit) => {
      const made = el("button", { type: "button", class: "plain" }, label);
      made.addEventListener("click", () => this.show(limit, seen));
      return made;
    };
    const next = Math.min(ROWS, all - seen);
    const buttons = [[`Show ${thousands.format(next)} more`, this.limit + ROWS], [`Show all ${thousands.format(all)}`, Infinity]];
    this.pager.replaceChildren(...buttons.slice(0, all - seen > next ? 2 : 1).map(([label, limit]) => button(label, limit)));
  }

  /* The keyboard goes on where the new rows begin. */
  show(limit, from) {
    this.limit = limit;
    this.draw();
    const first = [...this.body.children].filter((each) => !each.classList.contains("opened"))[from];
    first?.setAttribute("tabindex", "-1");
    first?.focus({ preventScroll: true });
  }

  /* One row, or two when it is open. */
  row(row) {
    const canOpen = this.opens && this.opens(row) !== null;
    const button = canOpen ? el("button", { type: "button", class: "opener", "aria-expanded": "false" }) : null;
    const cells = this.columns.map((column) => {
      const content = button && column.id === this.opener ? el("div", { class: "with-opener" }, button, el("div", null, column.cell(row))) : column.cell(row);
      const attributes = { class: cellClass(column), "data-label": column.title };
      if (column.id === this.rowHead) return el("th", { ...attributes, scope: "row", role: "rowheader" }, content);
      return el("td", { ...attributes, role: "cell" }, content);
    });
    const line = el("tr", { role: "row" }, cells);
    if (!button) return [line];
    const text = (id) => line.querySelector(`.col-${id}`)?.textContent ?? "";
    button.setAttribute("aria-label", `Details: ${clipped(`${text(this.rowHead)} ${text("host")}`.trim(), 80)}`);
    const place = line.querySelector(`.col-${this.opener}`);
    place.classList.add("opens");
    place.addEventListener("click", (event) => {
      const isText = !event.target.closest("a, button") && getSelection().isCollapsed;
      if (isText || event.target.closest("button") === button) this.toggle(row, line, button);
    });
    return this.opened.has(row) ? [line, this.details(row, button)] : [line];
  }

  toggle(row, line, button) {
    if (this.opened.delete(row)) {
      line.nextElementSibling.remove();
      button.setAttribute("aria-expanded", "false");
      button.removeAttribute("aria-controls");
    } else {
      this.opened.add(row);
      line.after(this.details(row, button));
    }
  }

  details(row, button) {
    const id = `row-${(drawnRows += 1)}`;
    button.setAttribute("aria-expanded", "true");
    button.setAttribute("aria-controls", id);
    const body = el("div", { class: "body" }, this.opens(row)());
    return el("tr", { role: "row", class: "opened", id }, el("td", { role: "cell", colspan: this.columns.length }, body));
  }
}

function cellClass(column) {
  return `col-${column.id}${column.number ? " number" : ""}`;
}

/* A grid with a field to search its rows by, where there are many. */
function searchable(options) {
  const grid = new Grid(options);
  if (options.rows.length <= 12) return grid.element;
  const input = el("input", { type: "search", autocomplete: "off", spellcheck: "false", placeholder: "words" });
  input.addEventListener("input", () => grid.update(matching(options.rows, input.value)));
  return [el("div", { class: "tools" }, field(`Filter ${options.caption.toLowerCase()}`, input)), grid.element];
}

/* Hosts and rules: `rows` of matrixRows(), `rules` as columns, `unknown` checks by rule, `clean` hosts without findings. */
class Matrix {
  constructor(rows, rules, unknown, clean) {
    Object.assign(this, { rows, rules, clean, limit: GROUPS, isGrouped: rows.some((each) => each.hosts.length > 1) });
    this.body = el("tbody");
    this.status = el("p", { class: "shown", role: "status" });
    this.button = el("button", { type: "button", class: "plain" }, `Show all ${thousands.format(rows.length)}`);
    this.button.addEventListener("click", () => {
      this.limit = Infinity;
      this.draw();
      this.body.rows[GROUPS].querySelector("a, summary").focus();
    });
    const table = el("table", { class: "matrix" }, el("caption", { class: "unseen" }, "Findings by host and rule"), this.head(), this.body, this.foot(unknown));
    const box = el("div", { class: "scroll", role: "region", "aria-label": "Findings by host and rule", tabindex: "0" }, table);
    this.element = el("div", null, this.status, box, el("p", { class: "pager" }, this.button));
    this.draw();
  }

  head() {
    const rule = (each) => {
      const word = el("span", { class: "unseen" }, `${WORDS[each.severity]}: `);
      return el("th", { scope: "col", class: `upright is-${each.severity}` }, el("span", null, icon(each.severity), word, visible(each.id)));
    };
    return el("thead", null, el("tr", null, el("th", { scope: "col" }, "Host"), this.rules.map(rule)));
  }

  foot(unknown) {
    if (!unknown.size) return null;
    const link = (each) => el("a", { href: "#unknown", class: "cell is-unknown" }, thousands.format(unknown.get(each.id)));
    const cells = this.rules.map((each) => el("td", null, unknown.has(each.id) ? link(each) : null));
    return el("tfoot", null, el("tr", null, el("th", { scope: "row" }, mark("unknown")), cells));
  }

  draw() {
    const seen = this.rows.slice(0, this.limit);
    const hosts = this.rows.reduce((sum, each) => sum + each.hosts.length, 0);
    const all = this.isGrouped ? `${count(this.rows.length, "group")} of ${count(hosts, "host")} with findings` : `${count(hosts, "host")} with findings`;
    const isCut = seen.length < this.rows.length;
    this.status.textContent = isCut ? `${all}; the first ${seen.length} are shown` : all;
    this.button.hidden = !isCut;
    const nothing = el("td", { colspan: this.rules.length }, mark("ok", "Nothing found"));
    const rest = this.clean.length ? [el("tr", { class: "clean" }, el("th", { scope: "row" }, this.names(this.clean)), nothing)] : [];
    this.body.replaceChildren(...seen.map((row) => this.row(row)), ...rest);
  }

  names(hosts) {
    if (hosts.length === 1) return hostLink(hosts[0]);
    const others = el("span", { class: "quiet" }, ` and ${thousands.format(hosts.length - 1)} more`);
    return more(el("span", null, name(hosts[0], 40), others), () => [nameList(hosts, 200, hostLink), copyNames(hosts)]);
  }

  row(row) {
    const cell = (rule) => {
      const number = row.rules.get(rule.id);
      if (!number) return null;
      const label = `${count(number, `${rule.severity} finding`)} of ${rule.id}`;
      const inside = [icon(rule.severity), el("span", { "aria-hidden": "true" }, thousands.format(number)), el("span", { class: "unseen" }, label)];
      const look = { class: `cell is-${rule.severity}`, title: label };
      if (row.hosts.length > 1) return el("span", look, inside);
      return el("a", { ...look, href: stateHash({ rule: rule.id, host: String(row.hosts[0]) }) }, inside);
    };
    return el("tr", null, el("th", { scope: "row" }, this.names(row.hosts)), this.rules.map((rule) => el("td", null, cell(rule))));
  }
}
