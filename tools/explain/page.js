"use strict";
// A link into something that is folded opens what is around it.
function reveal() {
  const id = decodeURIComponent(location.hash.slice(1));
  const target = id && document.getElementById(id);
  if (!target) return;
  for (let e = target; e; e = e.parentElement)
    if (e.tagName === "DETAILS") e.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", reveal);
addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (!link) return;
  event.stopPropagation();
  if (link.hash === location.hash) reveal();
});

// Tables sort by a click on the head of a column; a second click turns the order round.
for (const head of document.querySelectorAll("table.sortable th")) {
  head.addEventListener("click", () => {
    const body = head.closest("table").tBodies[0];
    const column = [...head.parentElement.children].indexOf(head);
    const turn = head.dataset.order === "down" ? 1 : -1;
    for (const other of head.parentElement.children) delete other.dataset.order;
    head.dataset.order = turn < 0 ? "down" : "up";
    const key = (row) => {
      const cell = row.cells[column];
      const number = parseFloat(cell.dataset.v ?? cell.textContent);
      return Number.isNaN(number) ? cell.textContent : number;
    };
    const rows = [...body.rows].sort((a, b) => {
      const x = key(a), y = key(b);
      return turn * (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y)));
    });
    body.append(...rows);
  });
}

// Remarks by pass and by text.
const text = document.getElementById("remark-text"), pass = document.getElementById("remark-pass");
function filterRemarks() {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of document.querySelectorAll("#remarks-table tbody tr")) {
    const all = row.textContent.toLowerCase();
    row.hidden = (pass.value && row.dataset.pass !== pass.value) || !words.every((w) => all.includes(w));
  }
}
if (text) {
  text.addEventListener("input", filterRemarks);
  pass.addEventListener("change", filterRemarks);
}

// The chart tells what is under the pointer, and a click goes to the launch.
const chart = document.getElementById("memory-chart"), tip = document.getElementById("tip");
if (chart) {
  const data = JSON.parse(document.getElementById("memory-data").textContent);
  const cursor = chart.querySelector(".cursor");
  const launchAt = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
    const at = Math.floor((point.x - data.left) / data.step);
    return at >= 0 && at < data.alive.length ? at : -1;
  };
  chart.addEventListener("mousemove", (event) => {
    const at = launchAt(event);
    tip.style.display = cursor.style.display = at < 0 ? "none" : "block";
    if (at < 0) return;
    const x = data.left + (at + 0.5) * data.step;
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    tip.textContent = `launch ${at}: ${data.names[at]}, ${(data.alive[at] / 1048576).toFixed(1)} MiB alive, ` +
      `${(data.kept[at] / 1048576).toFixed(1)} of them for the backward pass`;
    tip.style.left = Math.min(event.clientX + 14, innerWidth - 430) + "px";
    tip.style.top = event.clientY + 16 + "px";
  });
  chart.addEventListener("mouseleave", () => { tip.style.display = cursor.style.display = "none"; });
  chart.addEventListener("click", (event) => {
    const at = launchAt(event);
    if (at >= 0) location.hash = `l0-${at}`;
  });
}
reveal();
