"use strict";
// The only script of dist/demo.html: what a run changed, the keyboard, and the zoom. Text goes in as textContent.
(() => {
  const runs = JSON.parse(document.getElementById("runs").textContent);
  const details = document.getElementById("details");
  const timeline = document.querySelector(".timeline");
  const track = document.querySelector(".track");
  const bars = [...document.querySelectorAll(".lane .bar")];
  const lanes = [...document.querySelectorAll(".lane")].map((lane) => [...lane.querySelectorAll(".bar")]);

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function valueCell(value) {
    return value === null ? element("td", "none", "gone") : element("td", value, "value");
  }

  function bagTable({ title, changes }) {
    const table = element("table");
    table.append(element("caption", title));
    const head = element("tr");
    for (const heading of ["key", "before", "after"]) head.append(element("th", heading));
    table.append(head);
    for (const [key, before, after] of changes) {
      const row = element("tr");
      row.append(element("td", key, "value"), valueCell(before), valueCell(after));
      table.append(row);
    }
    return table;
  }

  function paragraph(label, texts, className) {
    return texts.length > 0 ? [element("p", `${label}: ${texts.join("; ")}`, className)] : [];
  }

  function show(bar) {
    const run = runs[Number(bar.dataset.run)];
    for (const other of document.querySelectorAll(".bar.chosen")) other.classList.remove("chosen");
    bar.classList.add("chosen");
    const facts = [
      run.about,
      `at ${(run.start / 1000).toFixed(2)} s for ${run.ms} ms`,
      run.attempt > 1 ? `attempt ${run.attempt}` : "",
      run.leader ? "leader" : "",
      run.status,
    ];
    const bags = element("div", undefined, "bags");
    bags.append(...run.bags.map(bagTable));
    details.replaceChildren(
      element("h3", `${run.unit} ${run.name}: ${run.outcome}`),
      element("p", facts.filter((fact) => fact !== "").join(" · "), "facts"),
      ...paragraph("Why", run.error === "" ? [] : [run.error, ...run.faults], "problem"),
      ...paragraph("Deferred", run.deferred),
      ...paragraph("Resumed or dropped", run.resumed),
      bags,
      ...paragraph("Stored state changed", run.state),
      ...paragraph("Hook commands", run.commands === "" ? ["none"] : [run.commands], "facts"),
    );
    details.scrollTop = 0;
  }

  // One bar of all is in the Tab order; the arrow keys move between bars.
  function focus(bar) {
    if (!bar) return;
    for (const other of bars) other.tabIndex = -1;
    bar.tabIndex = 0;
    bar.focus();
  }

  function start(bar) {
    return runs[Number(bar.dataset.run)].start;
  }

  function nearest(lane, bar) {
    const distance = (other) => Math.abs(start(other) - start(bar));
    return lane && lane.reduce((best, other) => distance(other) < distance(best) ? other : best);
  }

  function move(bar, key) {
    const row = lanes.findIndex((lane) => lane.includes(bar));
    const column = lanes[row].indexOf(bar);
    const targets = {
      ArrowLeft: () => lanes[row][column - 1],
      ArrowRight: () => lanes[row][column + 1],
      ArrowUp: () => nearest(lanes[row - 1], bar),
      ArrowDown: () => nearest(lanes[row + 1], bar),
      Home: () => lanes[row][0],
      End: () => lanes[row].at(-1),
    };
    if (!Object.hasOwn(targets, key)) return false;
    focus(targets[key]());
    return true;
  }

  // Pixels a millisecond.
  function zoomNow() {
    return Number(getComputedStyle(track).getPropertyValue("--zoom"));
  }

  // What is in the middle stays there.
  function setZoom(zoom) {
    const middle = (timeline.scrollLeft + timeline.clientWidth / 2) / zoomNow();
    track.style.setProperty("--zoom", String(Math.min(3, Math.max(0.01, zoom))));
    timeline.scrollLeft = middle * zoomNow() - timeline.clientWidth / 2;
  }

  function fittingZoom() {
    const names = track.querySelector(".unit").offsetWidth;
    const total = Number(getComputedStyle(track).getPropertyValue("--total"));
    return (timeline.clientWidth - names - 34) / Math.max(1, total);
  }

  const zooms = {
    in: () => setZoom(zoomNow() * 1.5),
    out: () => setZoom(zoomNow() / 1.5),
    fit: () => setZoom(fittingZoom()),
  };

  for (const bar of bars) {
    bar.addEventListener("mouseenter", () => show(bar));
    bar.addEventListener("focus", () => show(bar));
    bar.addEventListener("click", () => focus(bar));
    bar.addEventListener("keydown", (event) => {
      if (move(bar, event.key)) event.preventDefault();
    });
  }
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => zooms[button.dataset.zoom]());
  }
  if (bars[0]) bars[0].tabIndex = 0;
  const first = document.querySelector(".lane .bar.wrote") ?? bars[0];
  if (first) show(first);
  // A short life fills the width, a long one scrolls.
  setZoom(Math.max(fittingZoom(), zoomNow()));
})();
