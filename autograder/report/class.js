"use strict";
// Filters and sorts the list of submissions. Without it the page shows all of them, in the class's order.
(function () {
  const body = document.getElementById("rows");
  const rows = Array.from(body.rows);
  const search = document.getElementById("search");
  const only = document.getElementById("only-flagged");
  const shown = document.getElementById("shown");
  const names = rows.map((row) => row.dataset.who);

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach((row, index) => {
      const fits = words.every((word) => names[index].includes(word)) && (!only.checked || row.dataset.flags !== "0");
      row.hidden = !fits;
      count += fits ? 1 : 0;
    });
    shown.textContent = count + " of " + rows.length + " shown";
  }

  function value(row, column) {
    const text = row.cells[column].dataset.value;
    const number = parseFloat(text);
    return Number.isNaN(number) ? text : number;
  }

  function sort(button) {
    const head = button.closest("th");
    const down = head.getAttribute("aria-sort") !== "descending";
    document.querySelectorAll("#list th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const column = head.cellIndex;
    const order = rows.slice().sort((a, b) => {
      const x = value(a, column), y = value(b, column);
      if (typeof x !== typeof y) { return typeof x === "number" ? -1 : 1; }
      return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
    });
    body.replaceChildren(...order);
  }

  document.querySelector(".filter").hidden = false;
  search.addEventListener("input", filter);
  only.addEventListener("change", filter);
  document.querySelectorAll("#list th button").forEach((button) => button.addEventListener("click", () => sort(button)));
  filter();
})();
