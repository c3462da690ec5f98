// Row selection: count, select all, Shift ranges. The selection survives a swap.
let last = null;
let ticked = new Set();

const boxesOf = (form, kind) => {
  const wanted = kind ? `[data-tick="${kind}"]` : "[data-tick]";
  return [...form.elements].filter((box) => box.matches(wanted));
};
const boxOf = (form, value) => boxesOf(form).find((box) => box.value === value);
const tick = (boxes, isTicked) => boxes.forEach((box) => (box.checked = isTicked));

const count = (form) => {
  const number = boxesOf(form).filter((box) => box.checked).length;
  form.querySelector("[data-ticked]").textContent = number ? `${number} selected` : "";
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

// Enter on a box goes to what can be done with what is ticked; leaving that leads back to the box.
document.addEventListener("keydown", (event) => {
  const box = event.target;
  if (event.key !== "Enter" || !box.matches?.("input:is([data-tick], [data-tick-all])")) return;
  event.preventDefault();
  if (box.matches("[data-tick]")) last = box.value;
  box.form.querySelector("[data-do] :is(button, input, select)")?.focus();
});
export const backToBoxes = (bar) => {
  const box = last && boxOf(bar.closest("form"), last);
  box?.focus();
  return Boolean(box);
};

document.addEventListener("htmx:beforeSwap", () => {
  ticked = new Set([...document.querySelectorAll("[data-tick]:checked")].map((box) => box.value));
});
export const tickAgain = (part) => {
  const boxes = [...part.querySelectorAll("[data-tick]")].filter((box) => ticked.has(box.value));
  tick(boxes, true);
  if (boxes.length) count(boxes[0].form);
};

addEventListener("pageshow", () => {
  for (const words of document.querySelectorAll("form [data-ticked]")) count(words.closest("form"));
});
