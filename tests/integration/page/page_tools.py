# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the page share: the table of findings as text, the accessibility tree, contrast."""

from pathlib import Path

OUTPUT = Path(__file__).parents[2] / "output" / "page"
COLUMNS = {"severity": 1, "rule": 2, "host": 3, "listener": 4, "summary": 5}
SECTION = "section[aria-labelledby=%s]"


def section(page, name):
    return page.locator(SECTION % name)


def column(page, name, inside="findings"):
    """The texts of a column of the table of findings, without the rows that are opened."""
    rows = section(page, inside).locator("table.grid > tbody > tr:not(.opened)")
    return rows.evaluate_all("(rows, place) => rows.map((row) => row.children[place - 1].innerText.trim().replace(/\\s+/g, ' '))", COLUMNS[name])


def shown(page, inside="findings"):
    """The sentence above a table."""
    return section(page, inside).locator(".shown").first.text_content()


def heading(page, name, inside="findings"):
    return section(page, inside).locator("thead th.col-%s" % name)


def accessibility_tree(page):
    """Nodes of the tree that a screen reader gets: {role, name, level, ...properties}, those that are ignored left out."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return [_node(each) for each in nodes if not each.get("ignored")]


def _node(each):
    properties = {item["name"]: item["value"].get("value") for item in each.get("properties", ())}
    return {**properties, "role": each["role"]["value"], "name": each.get("name", {}).get("value", "")}


# Every element with text of its own: its colour against what is behind it, both as the browser computed them (WCAG 2, 1.4.3); and
# for each control that has a border, that border against what is around it (1.4.11).
CONTRAST = """() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const over = ([r, g, b, a = 1], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) layers.push(parts(getComputedStyle(each).backgroundColor));
    return layers.reverse().reduce((below, layer) => (layer.length < 4 || layer[3] > 0 ? over(layer, below) : below), [255, 255, 255]);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((each) => (each /= 255) <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const found = [];
  let looked = 0;
  for (const element of document.body.querySelectorAll("*")) {
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (style.visibility !== "visible" || style.opacity === "0" || box.width < 2 || element.closest("script, .skip, symbol, option")) continue;
    const back = behind(element);
    const hasText = [...element.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    const color = element.matches("svg.icon, svg.icon *") || hasText ? over(parts(style.color), back) : null;
    if (color) {
      looked += 1;
      const size = parseFloat(style.fontSize);
      const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) || element.closest("svg");
      const got = ratio(color, back);
      if (got < (isLarge ? 3 : 4.5)) found.push([element.tagName, element.getAttribute("class"), element.textContent.slice(0, 30), got.toFixed(2)]);
    }
    if (element.matches("input[type=search], select, .toggle > span") && !element.parentElement.querySelector("input:disabled")) {
      const got = ratio(parts(style.borderTopColor), behind(element.parentElement));
      if (got < 3) found.push(["border of", element.tagName, got.toFixed(2)]);
    }
  }
  return [looked, found];
}"""
