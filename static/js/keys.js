// Keys: Ctrl K for the palette, Esc to leave, and single keys that can be turned off. Each page works without them.
import { backToBoxes } from "./selection.js";
import { read, write } from "./storage.js";
import { setExactTimes, timesAreExact } from "./times.js";
import { dismissAll } from "./toasts.js";

const IS_MAC = /mac|iphone|ipad/i.test(navigator.platform);
const TYPING = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
const help = document.getElementById("keys");
let isOff = read("keys") === "off";

if (IS_MAC) for (const key of document.querySelectorAll("[data-mod-key]")) key.textContent = "⌘K";

// The dialog with all keys, and its two switches

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

const opener = document.querySelector("[data-palette]");
const openPalette = async () => (await import("./palette.js")).openPalette();
opener?.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  openPalette();
});

// Keys

const goTo = (element) => {
  element?.focus();
  element?.select?.();
};
const SINGLE = {
  "/": () => goTo(document.querySelector("main [data-search]")),
  n: () => document.querySelector(".pb-actions a.btn-primary")?.click(),
  t: () => setExactTimes(!timesAreExact()),
  "?": openHelp,
};

// Esc leaves what is open around the focus, and then the messages.
const leave = (from) => {
  const menu = from.closest(".pb-rail") && document.querySelector(".pb-menu[open]");
  const opened = from.closest("details[open]") ?? menu;
  const edit = from.closest("[data-edit-row]");
  const bar = from.closest("[data-do]");
  if (opened) {
    opened.open = false;
    opened.querySelector("summary").focus();
  } else if (edit) edit.querySelector("[data-cancel]").click();
  else if (!bar || !backToBoxes(bar)) dismissAll();
};

document.addEventListener("keydown", (event) => {
  const { key, target, ctrlKey, metaKey, altKey, shiftKey } = event;
  if (event.defaultPrevented || event.isComposing) return;
  const isCommand = ctrlKey || metaKey;
  const isInDialog = document.querySelector("dialog[open]") !== null;
  const isFree = !isOff && !isInDialog && !target.closest?.(TYPING);
  if (isCommand && !altKey && !shiftKey && key.toLowerCase() === "k" && opener) {
    event.preventDefault();
    openPalette();
  } else if (key === "Escape" && !isInDialog) leave(target);
  else if (isFree && help && !isCommand && !altKey && key in SINGLE) {
    event.preventDefault();
    SINGLE[key]();
  }
});
