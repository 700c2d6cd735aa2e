"use strict";
// Keeps points and comments in this browser, and writes them as a table. Without it the answers can be read.
(function () {
  const main = document.getElementById("answers");
  const question = main.dataset.question;
  const cards = Array.from(document.querySelectorAll("section.answer")).map((card) => ({
    id: card.dataset.id,
    key: ["hand", main.dataset.course, question, card.dataset.id].join("/"),
    points: card.querySelector("input"),
    comment: card.querySelector("textarea"),
  }));

  function keep(card) {
    try {
      const empty = card.points.value === "" && card.comment.value === "" && !card.points.validity.badInput;
      if (empty) {
        localStorage.removeItem(card.key);
      } else {
        localStorage.setItem(card.key, JSON.stringify([card.points.value, card.comment.value]));
      }
    } catch (error) {
      document.getElementById("forgets").hidden = false;
    }
  }

  function recall(card) {
    try {
      const kept = JSON.parse(localStorage.getItem(card.key) || "null");
      if (kept) {
        card.points.value = kept[0];
        card.comment.value = kept[1];
      }
    } catch (error) {
      document.getElementById("forgets").hidden = false;
    }
  }

  function quoted(text) {
    return '"' + text.replace(/\r\n?/g, "\n").replace(/"/g, '""') + '"';
  }

  function table() {
    const rows = cards.filter((card) => card.points.value !== "" || card.comment.value !== "");
    const lines = rows.map((card) => [card.id, question, card.points.value, card.comment.value].map(quoted).join(","));
    return ["id,question,points,comment"].concat(lines).join("\n") + "\n";
  }

  function show() {
    const done = cards.filter((card) => card.points.value !== "").length;
    document.getElementById("count").textContent = done + " of " + cards.length + " graded";
    document.getElementById("csv").textContent = table();
  }

  document.getElementById("save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
    link.download = "hand-" + question + ".csv";
    link.click();
    URL.revokeObjectURL(link.href);
  });
  cards.forEach((card) => {
    recall(card);
    // A wheel or an arrow that was meant to move the page would count a typed number up or down, unseen.
    card.points.addEventListener("wheel", () => card.points.blur(), { passive: true });
    card.points.addEventListener("keydown", (event) => {
      if (event.key === "ArrowUp" || event.key === "ArrowDown") { event.preventDefault(); }
    });
    [card.points, card.comment].forEach((field) => field.addEventListener("input", () => { keep(card); show(); }));
  });
  show();
})();
