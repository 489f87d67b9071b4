// Results side by side: ?ids=r-..,r-..  The first is what the others are compared with, where they can be.
"use strict";
for (const place of document.querySelectorAll(".tb-comparison")) {
  const { badge, cell, element, figureText, marks, missing, results, rounded } = tinybench;
  const MOST = 6;

  const { root } = place.dataset;
  const columns = JSON.parse(place.dataset.columns).filter((column) => column.key !== "system");
  const asked = (new URLSearchParams(location.search).get("ids") ?? "").split(",").filter(Boolean);
  const known = new Map(results().map((row) => [row.id, row]));
  const rows = [...new Set(asked)].filter((id) => known.has(id)).slice(0, MOST).map((id) => known.get(id));
  const unknown = asked.filter((id) => !known.has(id));

  // How a figure relates to that of the first result.
  const relation = (row, column) => {
    const [first] = rows;
    if (row === first || column.kind !== "figure" || column.key === "accuracy") return "";
    if (row[column.key] === null || !first[column.key]) return "";
    if (row.task !== first.task) return "other task: not compared";
    // The models of the open division are others.
    if (row.division !== first.division) return "other division: not compared";
    if (row[`${column.key}_note`] !== first[`${column.key}_note`]) return "other mode: not compared";
    return `${rounded(row[column.key] / first[column.key])} times the first`;
  };

  const without = (row) => `?ids=${rows.filter((other) => other !== row).map(({ id }) => id).join(",")}`;

  const figure = (row, column) => {
    const mode = row[`${column.key}_note`];
    if (row[column.key] === null) return [missing(mode)];
    const others = marks(row, column).filter((mark) => mark !== mode); // the badge says the mode
    return [
      `${figureText(row, column)}${column.unit ? ` ${column.unit}` : ""} `,
      badge("mode", mode),
      ...others.flatMap((mark) => [" ", element("span", { class: "tb-mark" }, mark)]),
    ];
  };

  const shown = (row, column) => {
    const td = element("td", {});
    td.append(...(column.kind === "figure" ? figure(row, column) : [cell(row, column, root)]));
    if (column.kind === "number" && row[column.key] !== null) td.append(` ${column.unit}`);
    const related = relation(row, column);
    if (related) td.append(element("div", { class: "tb-mark" }, related));
    return td;
  };

  const table = () => {
    const heads = rows.map((row) =>
      element(
        "th",
        { scope: "col" },
        element("a", { href: `${root}results/${row.id}/index.html` }, row.system),
        " ",
        element("a", { class: "tb-mark", href: without(row), "aria-label": `Take ${row.system} out` }, "take out"),
      ),
    );
    const lines = columns
      .filter((column) => rows.some((row) => row[column.key] !== null))
      .map((column) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, column.title),
          ...rows.map((row) => shown(row, column)),
        ),
      );
    return element(
      "table",
      { class: "tb-table tb-side-by-side" },
      element("caption", {}, `${rows.length} results`),
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "System"), ...heads)),
      element("tbody", {}, ...lines),
    );
  };

  const say = (text) => place.append(element("p", { class: "tb-note" }, text));
  if (!asked.length) {
    say("No result is chosen. Tick some in a leaderboard, or follow “compare with” on the page of a result.");
  }
  if (unknown.length) say(`There is no such result here: ${unknown.slice(0, MOST).join(", ")}`);
  if (asked.length - unknown.length > MOST) say(`The first ${MOST} are shown.`);
  if (rows.length) place.append(element("div", { class: "tb-scroll" }, table()));
  for (const note of document.querySelectorAll(".tb-needs-scripts")) note.hidden = true;
  place.dataset.tbReady = "";
}
