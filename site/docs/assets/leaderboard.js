// The leaderboard: filters, choice of columns, sorting, CSV, and an address for each view.
//
//   ?task=kws&mode=measured&core=cortex-m4&clock-max=200&sort=latency&order=asc&search=words&cols=system,latency
//
// The address holds what differs from the first view; the controls are what it is made from, and set by.
"use strict";
for (const board of document.querySelectorAll(".tb-board")) {
  const { MODES, cell, element, results, sortKey } = tinybench;
  const MOST_COMPARED = 6;

  const form = board.querySelector("form");
  const actions = board.querySelector(".tb-actions");
  const status = actions.querySelector("[role=status]");
  const button = (name) => actions.querySelector(`[data-do=${name}]`);
  const { task, root } = board.dataset;
  const columns = JSON.parse(board.dataset.columns);
  const title = task ? `Results of ${task}` : "All results";
  const choosable = columns.filter((column) => !(task && column.key === "task"));
  const rows = results();
  if (!rows.length) continue;

  // --- controls -------------------------------------------------------------------------------------------------

  const filters = [...form.querySelectorAll("select[data-of]")];
  const NOT_STATED = "not stated";
  const textOf = (value) => (value === null ? NOT_STATED : String(value));
  const collator = new Intl.Collator("en", { numeric: true });

  for (const select of filters) {
    // Sources spell one name in small and in capital letters: that is one choice, shown as it is spelled most often.
    const counts = new Map();
    for (const row of rows) {
      const text = textOf(row[select.dataset.of]);
      counts.set(text, (counts.get(text) ?? 0) + 1);
    }
    const ordered = [...counts.keys()].sort((a, b) => counts.get(a) - counts.get(b) || collator.compare(b, a));
    const values = [...new Map(ordered.map((text) => [text.toLowerCase(), text])).values()];
    select.append(...values.sort(collator.compare).map((value) => new Option(value, value)));
  }

  const boxes = choosable.map((column) => {
    const box = element("input", { type: "checkbox", value: column.key });
    form.querySelector("fieldset").append(element("label", {}, box, ` ${column.title}`));
    return box;
  });
  const firstColumns = choosable.filter((column) => column.shown).map((column) => column.key);
  const firstMode = form.elements.mode.value;
  const firstOrder = [...(task ? [] : [["task", "asc"]]), ["latency", "asc"]];

  // --- the table ------------------------------------------------------------------------------------------------

  const wordsOf = (row) =>
    (row.words ??= columns
      .filter((column) => !numeric(column) && column.key !== "id")
      .map((column) => row[column.key] ?? "")
      .join("\n")
      .toLowerCase());
  const compared = new Set();
  const CLASSES = { badge: "tb-badge", figure: "tb-number", number: "tb-number", word: "tb-word" };
  const numeric = (column) => column.kind === "figure" || column.kind === "number";
  const keyOf = (row, column) => {
    if (column.kind === "figure") return sortKey(row, column);
    if (column.kind === "number") return textOf(row[column.key] ?? "");
    return column.key === "mode" ? MODES.indexOf(row.mode) : textOf(row[column.key]).toLowerCase();
  };
  const checkbox = (row) => {
    const box = element("input", { type: "checkbox", "aria-label": `Compare ${row.system}, ${row.task}, ${row.id}` });
    box.checked = compared.has(row.id);
    box.addEventListener("change", () => {
      compared[box.checked ? "add" : "delete"](row.id);
      showCompared();
    });
    return box;
  };

  // DataTables would take a caption that it is given for markup; one that is there stays as it is.
  const table = element("table", { class: "tb-table" }, element("caption", {}, title));
  const scroll = element("div", { class: "tb-scroll", role: "region", tabindex: "0", "aria-label": title }, table);
  board.querySelector(".tb-static").replaceWith(scroll);
  tinybench.orderFigures();
  let wanted = () => true;

  // The bundle's extension for selecting rows looks at every cell after every change; nothing here is selected.
  DataTable.select.init = () => {};
  const indexOf = (key) => 1 + columns.findIndex((column) => column.key === key);
  const data = new DataTable(table, {
    autoWidth: false,
    columns: [
      {
        data: null,
        orderable: false,
        searchable: false,
        title: '<span class="tb-hidden">Compare</span>',
        render: (_, type, row) => (type === "display" ? checkbox(row) : ""),
      },
      ...columns.map((column) => ({
        ariaTitle: column.title,
        cellType: column.key === "system" ? "th" : "td",
        className: column.key === "system" ? "tb-key" : (CLASSES[column.kind] ?? ""),
        createdCell: (td) => column.key === "system" && td.setAttribute("scope", "row"),
        data: null,
        name: column.key,
        orderSequence: column.key === "accuracy" ? ["desc", "asc"] : ["asc", "desc"],
        render: (_, type, row) => (type === "display" ? cell(row, column, root) : keyOf(row, column)),
        searchable: false, // `wanted` is what searches
        title: column.title + (column.unit ? ` <span class="tb-unit">${column.unit}</span>` : ""),
        type: numeric(column) ? "figure" : column.key === "mode" ? "num" : "string",
        visible: column.shown,
      })),
    ],
    deferRender: true,
    info: false,
    layout: { topStart: null, topEnd: null, bottomStart: "paging", bottomEnd: "pageLength" },
    lengthMenu: [50, 200, 1000],
    language: { lengthMenu: "Rows on a page _MENU_" },
    order: [],
    pageLength: 50,
    rowGroup: { enable: false, dataSrc: "mode", startRender: (_, mode) => `Mode: ${mode}` },
  });
  for (const head of data.columns().header().toArray()) head.setAttribute("scope", "col");
  data.search.fixed("wanted", (_, row) => wanted(row));
  data.rows.add(rows);

  // --- the view: what the controls say, and the address ---------------------------------------------------------

  const inputs = [...form.elements].filter((control) => control.name);
  const first = Object.fromEntries(inputs.map(({ name }) => [name, name === "mode" ? firstMode : ""]));
  let sorted = null; // [key, direction], or null: as at first

  const addressOf = () => {
    const view = new URLSearchParams();
    for (const { name, value } of inputs) if (value !== first[name]) view.set(name, value);
    if (sorted) {
      view.set("sort", sorted[0]);
      view.set("order", sorted[1]);
    }
    const shown = boxes.filter((box) => box.checked).map((box) => box.value);
    if (String(shown) !== String(firstColumns)) view.set("cols", shown.join(","));
    return String(view).replaceAll("%2C", ",");
  };

  const readAddress = () => {
    const view = new URLSearchParams(location.search);
    for (const control of inputs) {
      const value = view.get(control.name) ?? first[control.name];
      control.value = value;
      // A view may ask for what no result has any more: it stays empty rather than showing something else.
      if (control.value !== value && control.tagName === "SELECT") {
        control.add(new Option(value, value));
        control.value = value;
      }
    }
    const shown = view.has("cols") ? view.get("cols").split(",") : firstColumns;
    for (const box of boxes) box.checked = shown.includes(box.value);
    const column = choosable.find(({ key }) => key === view.get("sort"));
    sorted = column ? [column.key, view.get("order") === "desc" ? "desc" : "asc"] : null;
  };

  const predicate = () => {
    const { mode, search } = form.elements;
    const equal = filters
      .filter((select) => select.value)
      .map((select) => [select.dataset.of, select.value.toLowerCase()]);
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const from = Number(form.elements["clock-min"].value || 0) * 1e6;
    const to = Number(form.elements["clock-max"].value || Infinity) * 1e6;
    const anyClock = from === 0 && to === Infinity;
    const inAnyMode = (row) =>
      equal.every(([key, value]) => textOf(row[key]).toLowerCase() === value) &&
      words.every((word) => wordsOf(row).includes(word)) &&
      (anyClock || (row.clock !== null && row.clock >= from && row.clock <= to));
    return { inAnyMode, inMode: (row) => mode.value === "all" || row.mode === mode.value };
  };

  const showCompared = () => {
    const compare = button("compare");
    compare.disabled = compared.size < 2 || compared.size > MOST_COMPARED;
    compare.textContent = compared.size ? `Compare (${compared.size})` : "Compare";
  };

  const show = () => {
    const { inAnyMode, inMode } = predicate();
    const found = rows.filter(inAnyMode);
    const shown = found.filter(inMode).length;
    const others = found.length - shown;
    status.textContent =
      `${shown} of ${rows.length} results` + (others ? `; ${others} more in other modes` : "");
    wanted = (row) => inAnyMode(row) && inMode(row);
    for (const box of boxes) data.column(`${box.value}:name`).visible(box.checked, false);
    // Modes are never mixed: all of them are shown in groups.
    const grouped = form.elements.mode.value === "all";
    data.order.fixed(grouped ? { pre: [[indexOf("mode"), "asc"]] } : {});
    data.rowGroup().enable(grouped);
    table.caption.textContent = `${title}: ${grouped ? "all modes, in groups" : form.elements.mode.value}`;
    data.order((sorted ? [sorted] : firstOrder).map(([key, direction]) => [indexOf(key), direction]));
    data.draw();
  };

  // One step back leads to the view before; while somebody types, there is one view.
  const writeAddress = (how) => {
    const query = addressOf();
    history[how](null, "", `${location.pathname}${query ? `?${query}` : ""}${location.hash}`);
  };

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    if (!event.target.matches("input:not([type=checkbox])")) return;
    show();
    writeAddress("replaceState");
  });
  form.addEventListener("change", (event) => {
    if (!event.target.matches("select, [type=checkbox]")) return;
    show();
    writeAddress("pushState");
  });
  addEventListener("popstate", () => {
    readAddress();
    show();
  });
  // DataTables names the first column of the order, which in groups is the mode and not what the reader chose.
  data.on("draw", () => {
    const [[index, direction]] = data.order();
    for (const th of table.querySelectorAll("thead th[aria-sort]")) th.removeAttribute("aria-sort");
    const header = data.column(index);
    if (header.visible()) header.header().setAttribute("aria-sort", direction === "asc" ? "ascending" : "descending");
  });

  // A reader who sorts by a header: DataTables has done it, the address follows.
  data.on("order", () => {
    const [[index, direction]] = data.order();
    const now = [columns[index - 1].key, direction];
    if (String(now) === String(sorted ?? firstOrder[0])) return;
    sorted = now;
    writeAddress("pushState");
  });

  // --- buttons --------------------------------------------------------------------------------------------------

  button("reset").addEventListener("click", () => {
    for (const control of inputs) control.value = first[control.name];
    for (const box of boxes) box.checked = firstColumns.includes(box.value);
    sorted = null;
    show();
    writeAddress("pushState");
  });

  button("link").addEventListener("click", async ({ currentTarget }) => {
    try {
      await navigator.clipboard.writeText(location.href);
      currentTarget.textContent = "Copied";
    } catch {
      currentTarget.textContent = "Copy it from the address bar";
    }
    setTimeout(() => (currentTarget.textContent = "Copy link"), 2500);
  });

  button("compare").addEventListener("click", () => {
    location.href = `${board.dataset.compare}?ids=${[...compared].join(",")}`;
  });

  // Texts that a spreadsheet would take for a formula get an apostrophe; numbers stay numbers.
  const quoted = (value) => {
    if (value === null || value === undefined) return "";
    if (typeof value !== "string") return String(value);
    const safe = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };

  const csv = () => {
    const always = ["mode", "tier", "id"]; // no figure without how it came to be
    const chosen = columns.filter(({ key }) => always.includes(key) || data.column(`${key}:name`).visible());
    const fields = chosen.flatMap((column) => {
      const value = [column.source, (row) => row[column.key]];
      if (column.kind !== "figure") return [value];
      const mode = [`${column.key}_mode`, (row) => (row[column.key] === null ? null : row[`${column.key}_note`])];
      if (column.key !== "accuracy") return [value, mode];
      return [["metric", (row) => row.metric], value, mode, ["decisive", (row) => row.decisive]];
    });
    const lines = data.rows({ order: "applied", search: "applied" }).data().toArray();
    const all = [fields.map(([name]) => name), ...lines.map((row) => fields.map(([, value]) => value(row)))];
    return all.map((line) => `${line.map(quoted).join(",")}\r\n`).join("");
  };

  button("csv").addEventListener("click", () => {
    const url = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
    const download = element("a", { href: url, download: task ? `tinybench-${task}.csv` : "tinybench.csv" });
    download.click();
    URL.revokeObjectURL(url);
  });

  readAddress();
  show();
  form.hidden = false;
  actions.hidden = false;
  board.dataset.tbReady = "";
}
