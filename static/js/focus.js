// Focus after a swap removed the focused element. htmx itself restores it to an element with the same id.
import { leave, take } from "./storage.js";

// The place itself, so that the next Tab goes on from there.
export const focusOn = (place) => {
  if (place.tabIndex < 0) place.setAttribute("tabindex", "-1");
  place.focus();
};

// A part that takes another's place names who gets the focus: with [autofocus], or with data-focus-after when it goes.
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

// A heading that sorts and a link to another page of a table, pressed by key: the focus is there again.
const TURNS = "main :is(.pb-sort, .pb-paging a)";
const turnOf = (text) => [...document.querySelectorAll(TURNS)].find((link) => link.textContent.trim() === text);
document.addEventListener("click", ({ target, detail: clicks }) => {
  const link = !clicks && target.closest?.(TURNS);
  if (link) leave("pressed", link.textContent.trim());
});

// When a page is opened: what is new on it is heard first, unless the page wants the focus elsewhere.
export const openPage = (announce) => {
  const pressed = take("pressed");
  const wanted = document.getElementById(location.hash.slice(1))?.querySelector("[autofocus]");
  const isTaken = document.querySelector("main [autofocus]:not(.pb-summary, dialog *)");
  const isFree = document.activeElement === document.body && !isTaken;
  const news = document.querySelector(".pb-summary") ?? document.querySelector(".pb-flashes, main [role=alert]");
  if (wanted) addEventListener("load", () => wanted.focus()); // browsers ignore it in a part that the address names
  else if (news && isFree && !location.hash) focusOn(news);
  else if (news) announce(news.textContent.trim().replace(/\s+/g, " "));
  else if (isFree && pressed) turnOf(pressed)?.focus();
};
