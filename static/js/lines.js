// The table of numbers: its search, and editing and keys of its rows. It also works without JavaScript.
import { onKey } from "./keys.js";
import { announce } from "./toasts.js";

const form = document.getElementById("filter");

// The first key searches immediately, further ones after a pause.
const PAUSE = 50;
let typedAt = -Infinity;
let search = 0;
form?.elements.q.addEventListener("input", ({ timeStamp }) => {
  clearTimeout(search);
  search = setTimeout(() => form.requestSubmit(), timeStamp - typedAt < PAUSE ? PAUSE : 0);
  typedAt = timeStamp;
});

document.addEventListener("mouseover", ({ target }) => {
  const isCut = target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight;
  if (isCut && target.matches?.("[data-row] bdi")) target.title = target.textContent;
});

// An undo redirects to the table, which drops the header that updates the counts beside it.
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.target.id === "endpoints" && detail.requestConfig?.verb === "post") htmx.trigger("body", "changed");
});

// Keys apply to the row with the focus, or else under the pointer.

const LINE = "tr[data-row]";
const focused = () => document.activeElement.closest(LINE);
const current = () => focused() ?? document.querySelector(`${LINE}:hover`);
const step = (by) => {
  const lines = [...document.querySelectorAll(LINE)];
  const at = lines.indexOf(focused());
  const next = at < 0 ? lines.at(by > 0 ? 0 : -1) : lines[at + by];
  next?.querySelector(".pb-num").focus();
};
const press = (part) => () => current()?.querySelector(part)?.click();
onKey("j", () => step(1));
onKey("k", () => step(-1));
onKey("x", press("[data-tick]"));
onKey("e", press("[data-edit]"));
onKey("c", press("[data-copy]"));
onKey("r", press(".pb-repair"));
document.addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by || event.ctrlKey || event.metaKey || event.altKey || !event.target.matches?.(`${LINE} .pb-num`)) return;
  event.preventDefault();
  step(by);
});

// Rows are edited and activated in place.

const isPlain = (event) => !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
document.addEventListener("click", (event) => {
  const source = event.target.closest?.(`${LINE} :is([data-edit], .pb-toggle)`);
  if (!source || !isPlain(event)) return;
  event.preventDefault();
  if (source.matches(".htmx-request")) return;
  const [verb, path] = source.matches("a") ? ["get", source.href] : ["post", source.formAction];
  const line = source.closest(LINE);
  line.id = `endpoint-${line.dataset.row}`;
  htmx.ajax(verb, path, { source, event, target: line, swap: "outerHTML" });
});

// Restores the focus in a row after a swap: the focused control and its replacement get the same id.

const controlsOf = (cell) => [...(cell?.querySelectorAll("a, button, input") ?? [])];
const noted = new Map();
let last = null;
document.addEventListener("focusin", ({ target }) => {
  const cell = target.closest(`${LINE} > *`);
  last = cell && target;
  if (!cell || target.id) return;
  const place = controlsOf(cell).indexOf(target);
  target.id = `focus-${cell.parentElement.dataset.row}-${cell.cellIndex}-${place}`;
  noted.set(target.id, [`[data-row="${cell.parentElement.dataset.row}"]`, cell.cellIndex, place]);
});
document.addEventListener("htmx:beforeSwap", () => {
  if (document.activeElement !== last) last = null;
});
document.addEventListener("htmx:load", () => {
  for (const [id, [line, at, place]] of noted) {
    if (document.getElementById(id)) continue;
    const control = controlsOf(document.querySelector(line)?.cells[at])[place];
    if (control) control.id = id;
  }
  if (!last || document.activeElement !== document.body) return;
  document.getElementById(last.id)?.focus({ preventScroll: true });
});

// One row is edited at a time. Another edit or a refresh does not discard what was typed in it.

const opened = () => document.querySelector("[data-edit-row]");
const isTyped = (field) => field.value !== field.defaultValue || field.checked !== field.defaultChecked;
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt } = event.detail;
  const edited = opened();
  if (edited && elt.matches("[data-refresh]")) event.preventDefault();
  if (!edited || !elt.matches("[data-edit]")) return;
  if ([...edited.querySelectorAll("input:not([type=hidden])")].some(isTyped)) {
    event.preventDefault();
    edited.querySelector("input:not([type=hidden])").focus();
    announce("Save or cancel this edit first.");
  } else edited.querySelector("[data-cancel]").click();
});

// A live number is deactivated only after a dialog that shows it.

const dialog = document.getElementById("goes-down");
const fill = (line) => {
  const directions = [...line.querySelectorAll(".pb-l-agents small")];
  const agents = directions.map((word) => [word.textContent, word.nextElementSibling.textContent]);
  const words = { label: line.querySelector(".pb-l-main bdi")?.textContent, ...Object.fromEntries(agents) };
  dialog.querySelector("[data-of=number]").textContent = line.querySelector(".pb-num").textContent;
  for (const name of ["label", "in", "out"]) {
    const place = dialog.querySelector(`[data-of=${name}]`);
    place.hidden = !words[name];
    place.querySelector("bdi").textContent = words[name] ?? "";
  }
};
document.addEventListener("htmx:confirm", (event) => {
  const { elt, issueRequest } = event.detail;
  if (event.defaultPrevented || !elt.matches("[data-goes-down]")) return;
  event.preventDefault();
  fill(elt.closest(LINE));
  dialog.returnValue = "";
  dialog.addEventListener(
    "close",
    () => {
      if (dialog.returnValue !== "yes") return;
      elt.form.insertAdjacentHTML("beforeend", '<input type="hidden" name="confirmed" value="yes">');
      issueRequest(true);
      elt.form.lastElementChild.remove();
    },
    { once: true },
  );
  dialog.showModal();
});
