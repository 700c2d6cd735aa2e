"use strict";
// Filters and sorts the list of submissions. Without it the page shows all of them, in the class's order.
(function () {
  const body = document.getElementById("rows");
  const rows = Array.from(body.rows);
  const search = document.getElementById("search");
  const only = document.getElementById("only-flagged");
  const shown = document.getElementById("shown");
  // Without accents and capitals, so that "zoe" finds Zoë, however her system composed the letter.
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const names = rows.map((row) => plain(row.dataset.who));
  const letters = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

  function filter() {
    const words = plain(search.value).split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach((row, index) => {
      const fits = words.every((word) => names[index].includes(word)) && (!only.checked || row.dataset.flags !== "0");
      row.hidden = !fits;
      count += fits ? 1 : 0;
    });
    shown.textContent = count + " of " + rows.length + " shown";
  }

  // Numbers begin with the highest, words with A; what is empty comes last in both directions.
  function sort(button) {
    const head = button.closest("th");
    const numbers = head.classList.contains("n");
    const before = head.getAttribute("aria-sort");
    const down = before ? before !== "descending" : numbers;
    document.querySelectorAll("#list th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const column = head.cellIndex;
    const order = rows.slice().sort((a, b) => {
      const x = a.cells[column].dataset.value, y = b.cells[column].dataset.value;
      if (x === "" || y === "") { return (x === "" ? 1 : 0) - (y === "" ? 1 : 0); }
      return (numbers ? Number(x) - Number(y) : letters.compare(x, y)) * (down ? -1 : 1);
    });
    body.replaceChildren(...order);
  }

  document.querySelector(".filter").hidden = false;
  search.addEventListener("input", filter);
  only.addEventListener("change", filter);
  document.querySelectorAll("#list th button").forEach((button) => button.addEventListener("click", () => sort(button)));
  filter();
})();
