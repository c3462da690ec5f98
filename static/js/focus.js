// Focus after a swap removed the focused element. htmx itself restores it to an element with the same id.
import { leave, take } from "./storage.js";

// Focuses an element that is not a control, so that the next Tab continues from there.
export const focusOn = (place) => {
  if (place.tabIndex < 0) place.setAttribute("tabindex", "-1");
  place.focus();
};

// A new part sets the focus with [autofocus], a part that is removed with data-focus-after.
let left = null;
document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
  const element = document.activeElement;
  if (!target?.contains(element)) return;
  const next = element.closest("[data-focus-after]")?.dataset.focusAfter;
  left = { next, id: target.id, around: target.parentElement };
});

export const giveBack = (part) => {
  const wanted = part.querySelector("[autofocus]");
  if (wanted) wanted.focus();
  else if (left && document.activeElement === document.body) {
    const next = left.next && (document.querySelector(left.next) ?? document.querySelector("[data-search]"));
    const same = document.getElementById(left.id);
    if (next) next.focus();
    else focusOn(same && !same.matches("[hx-trigger]") ? same : left.around);
  }
  left = null;
};

// After a sort heading or a paging link was pressed by key, the next page focuses it again.
const TURNS = "main :is(.pb-sort, .pb-paging a)";
const turnOf = (text) => [...document.querySelectorAll(TURNS)].find((link) => link.textContent.trim() === text);
document.addEventListener("click", ({ target, detail: clicks }) => {
  const link = !clicks && target.closest?.(TURNS);
  if (link) leave("pressed", link.textContent.trim());
});

// On a new page, screen readers get its messages first, unless the page sets the focus elsewhere.
export const openPage = (announce) => {
  const pressed = take("pressed");
  const wanted = document.getElementById(location.hash.slice(1))?.querySelector("[autofocus]");
  const isTaken = document.querySelector("main [autofocus]:not(.pb-summary, dialog *)");
  const isFree = document.activeElement === document.body && !isTaken;
  const news = document.querySelector(".pb-summary") ?? document.querySelector(".pb-flashes, main [role=alert]");
  if (wanted) addEventListener("load", () => wanted.focus()); // browsers ignore autofocus if the address has a fragment
  else if (news && isFree && !location.hash) focusOn(news);
  else if (news) announce(news.textContent.trim().replace(/\s+/g, " "));
  else if (isFree && pressed) turnOf(pressed)?.focus();
};
