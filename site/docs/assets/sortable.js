// Plain tables whose rows are in the page: headers that sort them.
"use strict";
{
  tinybench.orderFigures();
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    new DataTable(table, {
      autoWidth: false,
      columnDefs: [{ targets: ".tb-number", type: "figure" }, { targets: "_all", orderSequence: ["asc", "desc"] }],
      info: false,
      layout: { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null },
      order: [],
      paging: false,
      searching: false,
    });
    table.dataset.tbReady = "";
  }
}
