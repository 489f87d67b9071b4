// Plain tables whose rows are in the page: headers that sort them.
"use strict";
{
  tinybench.orderFigures();
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    new DataTable(table, {
      autoWidth: false,
      columns: [...table.tHead.rows[0].cells].map((head) => ({
        ariaTitle: head.textContent,
        orderSequence: ["asc", "desc"],
        type: head.matches(".tb-number") ? "figure" : "string",
      })),
      info: false,
      layout: { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null },
      order: [],
      paging: false,
      searching: false,
    });
    table.dataset.tbReady = "";
  }
}
