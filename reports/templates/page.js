"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const place = new Map(data.strings.map((text, i) => [text, i]));
const rowsOf = (table, left, right) => table[`${place.get(left)},${place.get(right)}`] || [];
const word = (i) => data.strings[i];

// Text from tables is set as text: nothing in it is ever read as markup.
function element(name, text, kind) {
  const made = document.createElement(name);
  // A name may go on in the next line after a dot.
  String(text ?? "").split(/(?<=\.)(?=[A-Za-z_])/).forEach((part, i) => made.append(...(i ? [document.createElement("wbr"), part] : [part])));
  if (kind) made.className = kind.replace(" ", "-");
  return made;
}
// kind: "stack" where a row becomes a block on a narrow screen.
function table(head, rows, kind) {
  const made = element("table", null, kind), top = made.createTHead().insertRow(), body = made.createTBody();
  for (const text of head) { const cell = element("th", text); cell.scope = "col"; top.append(cell); }
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach(([text, kind], i) => {
      const cell = line.appendChild(element(i ? "td" : "th", text, kind));
      if (i) cell.dataset.label = head[i]; else cell.scope = "row";
    });
  }
  const box = element("div", null, "scroll");
  box.append(made);
  return watched(box);
}

// What is cut at its edge says that it scrolls, and is a stop for the keyboard; what is not, neither.
const watcher = new ResizeObserver((seen) => {
  for (const { target } of seen) {
    const box = target.closest(".scroll, pre"), more = box.scrollWidth > box.clientWidth + 1;
    box.tabIndex = more || box.scrollHeight > box.clientHeight + 1 ? 0 : -1;
    const hint = box.previousElementSibling;
    if (hint?.className === "hint") hint.hidden = !more;
    else if (more && box.className.startsWith("scroll")) box.before(element("p", "Scrolls sideways →", "hint"));
  }
});
function watched(box) {
  watcher.observe(box);
  for (const inner of box.children) watcher.observe(inner);
  return box;
}
for (const box of document.querySelectorAll(".scroll, pre")) watched(box);

// Clause by backend.
const grid = byId("matrix");
if (grid) {
  const lines = [...grid.tBodies[0].rows], columns = [...grid.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
  const against = byId("against"), search = byId("search"), verdict = byId("verdict-filter"), told = byId("told");
  const kinds = ["left", "documented", "reference", "explained"];
  let current = null, drawn = "left";
  const shown = (cell) => !cell.hidden && !cell.parentElement.hidden;
  function filter() {
    const which = kinds.indexOf(against.value), text = search.value.trim().toLowerCase(), wanted = verdict.value;
    const inName = columns.map((name) => name.toLowerCase().includes(text));
    const anyName = text !== "" && inName.some(Boolean);
    let count = 0;
    for (const line of lines) {
      const inClause = line.cells[0].textContent.toLowerCase().includes(text);
      let some = false;
      for (let i = 0; i < columns.length; i++) {
        const cell = line.cells[i + 1], found = (cell.dataset.v || "").split(",")[which] || "";
        if (drawn !== against.value) {
          cell.textContent = (which ? data.signs[found] : cell.dataset.s) || data.signs[""];
          cell.className = found.replace(" ", "-");
        }
        cell.hidden = anyName && !inName[i] && !inClause;
        if (!cell.hidden && (wanted === "" || found === wanted)) some = true;
      }
      line.hidden = !((inClause || anyName) && some);
      if (!line.hidden) count++;
    }
    drawn = against.value;
    const anyClause = lines.some((line) => !line.hidden && line.cells[0].textContent.toLowerCase().includes(text));
    columns.forEach((_, i) => { grid.tHead.rows[0].cells[i + 1].hidden = anyName && !inName[i] && !anyClause; });
    told.textContent = `${count} of ${lines.length} clauses`;
    const first = lines.flatMap((line) => [...line.cells].slice(1)).find(shown);
    if (first && !(current && shown(current))) focusable(first);
  }
  function focusable(cell) {
    if (current) current.tabIndex = -1;
    current = cell;
    current.tabIndex = 0;
  }
  function open(cell) {
    const line = cell.parentElement, clause = line.cells[0].textContent.trim(), backend = columns[cell.cellIndex - 1];
    const [sentence, source] = data.clauses[clause] || ["", ""];
    const box = byId("detail"), rows = rowsOf(data.cells, clause, backend);
    box.replaceChildren(element("h3", `${clause} on ${backend}`), element("p", sentence), element("p", source && `Source: ${source}.`));
    if (cell.title) box.append(element("p", `${cell.title[0].toUpperCase()}${cell.title.slice(1)}.`, "but-for"));
    if (rows.length) {
      box.append(table(["type", "against", "verdict", "worst error / bound", "cases", "steps", "explained by", "witness"],
        rows.map(([d, a, v, e, w, ratio, cases, steps]) => [[word(d)], [word(a)], [word(v), word(v)], [ratio], [cases], [steps], [word(e)], [word(w)]]), "stack"));
      for (const name of new Set(rows.flatMap((row) => word(row[4]).split("; ")))) {
        if (data.pins[name]) {
          const said = element("p", `${name}: ${data.pins[name]} `), link = element("a", "script and issue");
          link.href = `#pin-${name}`;
          link.addEventListener("click", () => byId("cell").close());
          said.append(link);
          box.append(said, element("p", "See its witness run again:"), element("pre", `lazyadam show ${name}`));
        } else if (name.startsWith("traces/")) {
          box.append(element("p", "Judge it again, in the folder of this page:"), element("pre", `lazyadam replay ${name}`));
        }
      }
    } else {
      box.append(element("p", cell.dataset.why || "Not tried."));
    }
    byId("cell").showModal();
  }
  grid.addEventListener("click", (event) => { const cell = event.target.closest("td"); if (cell) { focusable(cell); open(cell); } });
  grid.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td");
    if (!cell) return;
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(cell); return; }
    const [down, right] = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key] || [0, 0];
    if (!down && !right) return;
    event.preventDefault();
    let row = lines.indexOf(cell.parentElement), column = cell.cellIndex;
    do { row += down; column += right; } while (lines[row]?.cells[column] && column > 0 && !shown(lines[row].cells[column]));
    const next = column > 0 && lines[row]?.cells[column];
    if (next) { focusable(next); next.focus(); }
  });
  function choices() {
    const words = against.value === "left" ? data.left : data.signs, kept = verdict.value;
    verdict.replaceChildren(...Object.keys(words).map((word) => {
      const made = element("option", against.value === "left" ? words[word] : word);
      made.value = word;
      return made;
    }).filter((made) => made.value));
    verdict.prepend(new Option("any", ""));
    verdict.value = [...verdict.options].some((option) => option.value === kept) ? kept : "";
    for (const legend of document.querySelectorAll(".legend")) legend.hidden = (legend.dataset.view === "left") !== (against.value === "left");
    filter();
  }
  search.addEventListener("input", filter);
  verdict.addEventListener("change", filter);
  against.addEventListener("change", choices);
  byId("close").addEventListener("click", () => byId("cell").close());
  byId("cell").addEventListener("close", () => { if (current && !location.hash.startsWith("#pin-")) current.focus(); });
  choices();
}

// Any two backends.
const left = byId("left"), right = byId("right");
if (left) {
  function compare() {
    const [a, b] = [left.value, right.value].sort(), out = byId("pair");
    const rows = rowsOf(data.pairs, a, b), axes = rowsOf(data.axes, a, b);
    if (a === b) { out.replaceChildren(element("p", "Choose two different backends.")); return; }
    const trainings = new Map(), never = new Map();
    for (const [sequence, steps, equal, said] of rows) {
      if (word(equal) === "not compared") {
        if (word(said)) never.set(word(said), [...(never.get(word(said)) || []), word(sequence)]);
        continue;
      }
      if (!trainings.has(sequence)) trainings.set(sequence, new Map());
      trainings.get(sequence).set(steps, [word(said), word(equal) === "yes" ? "equal" : "apart"]);
    }
    const steps = [...new Set(rows.map((row) => row[1]))].sort((x, y) => x - y);
    out.replaceChildren(element("h3", `${left.value} and ${right.value}`));
    if (trainings.size) out.append(
      element("p", "The largest difference of a weight after so many steps, as a share of how far the weight that moved most has moved: in one training of ours, and no forecast of yours; equal: to rounding."),
      table(["training", ...steps.map((k) => k.toLocaleString("en"))], [...trainings].map(([name, cells]) => [[word(name)], ...steps.map((k) => cells.get(k) || [""])]), "fit"));
    if (never.size) {
      const list = element("ul", null, "quiet");
      for (const [said, names] of never) list.append(element("li", `${names.join("; ")}: ${said}.`));
      out.append(element("p", "Not compared, or not to the end:", "quiet"), list);
    }
    out.append(element("p", axes.length ? "They differ on these axes; the effect is of that axis alone, in the training of these that shows it most:" : "They were seen to differ on no axis."));
    // The tables have a pair in one order; it is shown in the order that was chosen.
    const turned = axes.map(([axis, x, y, ...rest]) => (left.value === a ? [axis, x, y, ...rest] : [axis, y, x, ...rest]));
    if (axes.length) out.append(table(["axis", left.value, right.value, "effect after 1,000 steps", "witness"], turned.map((row) => row.map((i) => [word(i)])), "stack"));
    for (const row of axes) {
      const [axis, ...values] = row.slice(0, 3).map(word), grown = data.growth[[axis, ...values.sort()].join()];
      if (!grown) continue;
      const [about, head, lines, beside] = grown;
      out.append(element("p", `How that grows, ${about}`),
        table(head, lines.map((line) => line.map((cell) => [cell])), "stack"), element("p", beside));
    }
    for (const name of [left.value, right.value]) {
      if (!(data.known[name] || []).length) continue;
      const said = element("p", `Known divergences of ${name} from its documentation: `);
      data.known[name].forEach((pin, i) => {
        const link = element("a", pin);
        link.href = `#pin-${pin}`;
        said.append(i ? ", " : "", link);
      });
      out.append(said);
    }
  }
  for (const control of [left, right]) control.addEventListener("change", compare);
  compare();
}

for (const code of document.querySelectorAll("pre")) {
  const button = element("button", "Copy", "copy"), text = code.textContent;
  button.type = "button";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  });
  code.prepend(button);
}
