// Row selection: count, select all, Shift ranges. A swap preserves it. Loaded by the pages that have rows.
let last = null;
let ticked = new Set();

const boxesOf = (form, kind) => {
  const wanted = kind ? `[data-tick="${kind}"]` : "[data-tick]";
  return [...form.elements].filter((box) => box.matches(wanted));
};
const boxOf = (form, value) => boxesOf(form).find((box) => box.value === value);
const tick = (boxes, isTicked) => boxes.forEach((box) => (box.checked = isTicked));

// Shows the number of selected rows in a button. `data-counts` is the kind of row that disables it, if any.
const countOn = (way, ticked) => {
  const button = way.querySelector("button");
  button.dataset.word ??= button.textContent;
  const isRefused = ticked.some((box) => box.dataset.tick === way.dataset.counts);
  button.disabled = !ticked.length || isRefused;
  button.textContent = button.disabled ? button.dataset.word : `${button.dataset.word} (${ticked.length})`;
};

const count = (form) => {
  const boxes = boxesOf(form).filter((box) => box.checked);
  const mapped = boxes.filter((box) => box.dataset.tick === "mapped").length;
  const words = boxes.length ? `${boxes.length} selected` : "";
  form.querySelector("[data-ticked]").textContent = mapped ? `${words}, ${mapped} already imported` : words;
  for (const way of form.querySelectorAll("[data-counts]")) countOn(way, boxes);
  for (const all of form.elements) {
    if (!all.matches("input[data-tick-all]")) continue;
    const boxes = boxesOf(form, all.dataset.tickAll);
    all.checked = boxes.length > 0 && boxes.every((box) => box.checked);
    all.indeterminate = !all.checked && boxes.some((box) => box.checked);
  }
};

const tickAll = (all) => {
  const boxes = boxesOf(all.form, all.dataset.tickAll);
  tick(boxes, boxes.some((box) => !box.checked));
  count(all.form);
};

const tickOne = (box, isRange) => {
  const boxes = boxesOf(box.form);
  const from = (isRange && last && boxOf(box.form, last)) || box;
  const [start, end] = [from, box].map((each) => boxes.indexOf(each)).sort((a, b) => a - b);
  tick(boxes.slice(start, end + 1), box.checked);
  last = box.value;
  count(box.form);
};

document.addEventListener("click", ({ target, shiftKey }) => {
  const all = target.closest?.("[data-tick-all]");
  if (all) tickAll(all);
  else if (target.matches?.("[data-tick]")) tickOne(target, shiftKey);
});

// Enter on a checkbox focuses the bulk actions; Esc there focuses the checkbox again.
document.addEventListener("keydown", (event) => {
  const box = event.target;
  if (event.key !== "Enter" || !box.matches?.("input:is([data-tick], [data-tick-all])")) return;
  event.preventDefault();
  if (box.matches("[data-tick]")) last = box.value;
  box.form.querySelector("[data-do] :is(button, input, select)")?.focus();
});
document.addEventListener(
  "keydown",
  (event) => {
    const bar = event.key === "Escape" && !event.target.closest("details[open]") && event.target.closest("[data-do]");
    const box = bar && last && boxOf(bar.closest("form"), last);
    if (!box || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    box.focus();
  },
  true,
);

document.addEventListener("htmx:beforeSwap", () => {
  ticked = new Set([...document.querySelectorAll("[data-tick]:checked")].map((box) => box.value));
});
document.addEventListener("htmx:load", ({ detail: { elt: part } }) => {
  const boxes = [...part.querySelectorAll("[data-tick]")].filter((box) => ticked.has(box.value));
  tick(boxes, true);
  for (const words of part.querySelectorAll("form [data-ticked]")) count(words.closest("form"));
  if (boxes.length) count(boxes[0].form);
});

addEventListener("pageshow", () => {
  for (const words of document.querySelectorAll("form [data-ticked]")) count(words.closest("form"));
});
