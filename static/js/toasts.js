// Messages over the page. The server appends them to #toasts (hx-swap-oob); the browser's own are created here.
import { focusOn } from "./focus.js";

const SECONDS = 6;
const region = document.getElementById("toasts");

// Announces a text to screen readers only; inside an open dialog, because they ignore the page around it.
export const announce = (text) => {
  const place = document.querySelector("dialog[open] [data-announce]") ?? document.getElementById("announce");
  place.textContent = "";
  setTimeout(() => (place.textContent = text), 50);
};

export const complain = (text) => {
  const box = document.getElementById("toast").content.firstElementChild.cloneNode(true);
  box.querySelector(".pb-toast-text").textContent = text;
  region.append(box);
};

const dismiss = (box) => {
  const hadFocus = box.contains(document.activeElement);
  box.remove();
  if (!hadFocus) return;
  const from = box.cameFrom;
  focusOn((from?.isConnected ? from : from?.id && document.getElementById(from.id)) || document.getElementById("main"));
};

export const dismissAll = () => region.querySelectorAll(".pb-toast").forEach(dismiss);

// A success message disappears, unless it has the pointer or the focus.
const expire = (box) => setTimeout(leave, SECONDS * (box.querySelector("a") ? 2000 : 1000), box);
const leave = (box) => (box.matches(":hover, :focus-within") ? expire(box) : box.remove());

new MutationObserver((changes) => {
  for (const box of changes.flatMap(({ addedNodes }) => [...addedNodes])) {
    if (box.matches?.(".pb-toast.pb-ok")) expire(box);
  }
}).observe(region, { childList: true });

region.addEventListener("focusin", ({ target, relatedTarget }) => {
  const box = target.closest(".pb-toast");
  if (relatedTarget && !box.contains(relatedTarget)) box.cameFrom = relatedTarget;
});
region.addEventListener("click", ({ target }) => {
  if (target.closest("[data-dismiss]")) dismiss(target.closest(".pb-toast"));
});
document.addEventListener("htmx:afterRequest", ({ detail: { elt, successful } }) => {
  const box = successful && elt.matches("[data-undo]") && elt.closest(".pb-toast, .pb-note");
  if (box) dismiss(box);
});
