// Keyboard: Ctrl K opens the palette, Esc closes; single keys can be turned off. Each page works without them.
import { read, write } from "./storage.js";
import { setExactTimes, timesAreExact } from "./times.js";
import { dismissAll } from "./toasts.js";

const IS_MAC = /mac|iphone|ipad/i.test(navigator.platform);
const TYPING = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
const help = document.getElementById("keys");
let isOff = read("keys") === "off";

if (IS_MAC) for (const key of document.querySelectorAll("[data-mod-key]")) key.textContent = "⌘K";

// The dialog with all shortcuts and two settings

const SWITCHES = {
  keys: [() => !isOff, (isOn) => write("keys", (isOff = !isOn) ? "off" : "on")],
  times: [timesAreExact, setExactTimes],
};
const openHelp = () => {
  for (const box of help.querySelectorAll("input")) box.checked = SWITCHES[box.name][0]();
  help.showModal();
};
help?.addEventListener("change", ({ target }) => SWITCHES[target.name][1](target.checked));
document.addEventListener("click", ({ target }) => {
  if (target.closest?.("[data-keys-help]")) openHelp();
});

// The palette, which is loaded when it is first opened

const opener = document.querySelector("[data-palette=find]");
const openPalette = async (from) => {
  const [typed, end] = typedMeanwhile();
  try {
    await (await import("./palette.js")).openPalette(from, typed);
  } finally {
    end();
  }
};

// Collects the keys typed until the dialog is loaded; Esc cancels it. Returns the text, and a function that stops this.
const typedMeanwhile = () => {
  const typed = { text: "", isLeft: false };
  const keep = (event) => {
    if (typed.isLeft || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") typed.isLeft = true;
    else if (event.key.length === 1) typed.text += event.key;
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  document.addEventListener("keydown", keep, { capture: true });
  return [typed, () => document.removeEventListener("keydown", keep, { capture: true })];
};
document.addEventListener("click", (event) => {
  const from = event.target.closest?.("[data-palette]");
  if (!from || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  openPalette(from);
});

// Keys

const goTo = (element) => {
  element?.focus();
  element?.select?.();
};
// The dialog lists these from app/web/shell/shortcuts.py.
const SINGLE = {
  "/": () => goTo(document.querySelector("main [data-search]")),
  n: () => document.querySelector(".pb-actions a.btn-primary")?.click(),
  t: () => setExactTimes(!timesAreExact()),
  "?": openHelp,
};
export const onKey = (key, act) => (SINGLE[key] = act);

// `g`, then the letter of a page, opens it
const GO_WITHIN = 1500;
let goesSince = -Infinity;
const go = (key) => {
  const isSecond = performance.now() - goesSince < GO_WITHIN;
  goesSince = !isSecond && key === "g" ? performance.now() : -Infinity;
  if (isSecond) document.querySelector(`[data-go="${CSS.escape(key)}"]`)?.click();
  return isSecond || key === "g";
};

// Esc closes the menu or the edited row around the focus, else the messages.
const leave = (from) => {
  const menu = from.closest(".pb-rail") && document.querySelector(".pb-menu[open]");
  const opened = from.closest("details[open]") ?? menu;
  const edit = from.closest("[data-edit-row]");
  if (opened) {
    opened.open = false;
    opened.querySelector("summary").focus();
  } else if (edit) edit.querySelector("[data-cancel]").click();
  else dismissAll();
};

document.addEventListener("keydown", (event) => {
  const { key, target, ctrlKey, metaKey, altKey, shiftKey } = event;
  if (event.defaultPrevented || event.isComposing) return;
  const isCommand = ctrlKey || metaKey;
  const isInDialog = document.querySelector("dialog[open]") !== null;
  const isFree = !isOff && !isInDialog && !target.closest?.(TYPING);
  if (isCommand && !altKey && !shiftKey && key.toLowerCase() === "k" && opener) {
    event.preventDefault();
    openPalette(opener);
  } else if (key === "Escape" && !isInDialog) leave(target);
  else if (isFree && help && !isCommand && !altKey) {
    const isPage = go(key);
    if (!isPage && !(key in SINGLE)) return;
    event.preventDefault();
    if (!isPage) SINGLE[key]();
  }
});
