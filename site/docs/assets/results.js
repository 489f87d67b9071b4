// The results of the data scripts, and how their cells look. Everything that comes from a submission becomes a text
// node, never markup.
"use strict";

const tinybench = (() => {
  const MODES = ["measured", "simulated", "predicted"];

  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
  const digitOf = new Uint8Array(128);
  [...DIGITS].forEach((digit, value) => (digitOf[digit.charCodeAt(0)] = value));

  // Rows as objects: a key for each column of the data, and `<key>_note` beside each figure. leaderboard/columnar.py
  // says how they are packed.
  const results = () => {
    let all = [];
    for (const { codes, figures } of globalThis.tinybenchResults ?? []) {
      const rows = figures.id.map((id) => ({ id }));
      for (const [key, packed] of Object.entries(codes)) {
        const values = globalThis.tinybenchValues[key];
        let width = 0;
        while (64 ** width < values.length) width += 1;
        rows.forEach((row, index) => {
          let code = 0;
          for (let place = 0; place < width; place += 1) {
            code = code * 64 + digitOf[packed.charCodeAt(index * width + place)];
          }
          row[key] = values[code];
        });
      }
      for (const [key, values] of Object.entries(figures)) rows.forEach((row, index) => (row[key] = values[index]));
      all = all.concat(rows);
    }
    return all;
  };

  // Four significant digits, or all before the point of less than 1e15: as `rounded` in leaderboard/cells.py.
  const rounded = (value) =>
    String(value >= 1000 && value < 1e15 ? Math.round(value) : Number(value.toPrecision(4)));

  // Why a figure is not ranked with the others; empty if it is.
  const apart = (row, column) => {
    if (row[column.key] === null) return "";
    if (column.key === "accuracy" && !row.decisive) return "not decisive";
    const mode = row[`${column.key}_note`];
    return mode === row.mode ? "" : mode;
  };

  const missing = (reason) =>
    element(
      "span",
      { class: "tb-missing", title: reason },
      element("span", { "aria-hidden": "true" }, "–"),
      element("span", { class: "tb-hidden" }, reason),
    );

  // Of a mode or a trust tier (`kind`: "mode" or "tier").
  const badge = (kind, value) =>
    element("span", { class: `tb-${kind} tb-${kind}-${value.replaceAll(" ", "-")}` }, value);

  // What stands beside a figure: why it is not ranked with the others, and that an accuracy misses its target.
  const marks = (row, column) => {
    const below = column.key === "accuracy" && row.decisive && row.target_met === false;
    return [apart(row, column), below ? "below target" : ""].filter(Boolean);
  };

  const figureText = (row, column) => {
    const value = row[column.key];
    if (column.key !== "accuracy") return rounded(value * column.factor);
    return row.metric === "auc" ? `AUC ${rounded(value)}` : `${rounded(value * 100)} %`;
  };

  const figure = (row, column) => {
    if (row[column.key] === null) return missing(row[`${column.key}_note`]);
    const shown = element("span", {}, figureText(row, column));
    for (const mark of marks(row, column)) shown.append(" ", element("span", { class: "tb-mark" }, mark));
    return shown;
  };

  // What a cell shows: a node.
  const cell = (row, column, root) => {
    const value = row[column.key];
    if (column.kind === "figure") return figure(row, column);
    if (value === null) return missing("not stated");
    if (column.kind === "number") return document.createTextNode(rounded(value * column.factor));
    if (column.kind === "badge") return badge(column.key, value);
    if (column.key === "system" || column.key === "id") {
      return element("a", { href: `${root}results/${row.id}/index.html` }, value);
    }
    return document.createTextNode(value);
  };

  // Sort key of a figure: `value` or, where it is not ranked with the others, `value;rank`; empty if it is missing.
  // An AUC is not ranked with top-1 accuracies.
  const sortKey = (row, column) => {
    const value = row[column.key];
    if (value === null) return "";
    const rank = (column.key === "accuracy" && row.metric === "auc" ? 2 : 0) + (apart(row, column) ? 1 : 0);
    return rank ? `${value};${rank}` : String(value);
  };

  // For DataTables: by rank, then by value; what is missing is last in both directions.
  const orderFigures = () => {
    const { order } = DataTable.ext.type;
    const by = (sign) => (a, b) => a.rank - b.rank || sign * (a.value - b.value) || 0;
    order["figure-pre"] = (key) => {
      const [value, rank = "0"] = String(key).split(";");
      return value === "" ? { value: 0, rank: 4 } : { value: Number(value), rank: Number(rank) };
    };
    order["figure-asc"] = by(1);
    order["figure-desc"] = by(-1);
  };

  return { MODES, badge, cell, element, figureText, marks, missing, orderFigures, results, rounded, sortKey };
})();
