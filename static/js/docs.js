// The API reference: search in the contents, the language of the examples, and requests with a pasted token.
import { choose, store } from "./language.js";
import "./try.js";

const nav = document.querySelector(".pb-docs-nav");
const search = nav.querySelector("[data-docs-search]");
const none = nav.querySelector("[data-docs-none]");

// On a narrow screen the contents would fill the window.
if (matchMedia("(max-width: 820px)").matches) nav.querySelector("details").open = false;

const words = (item) => `${item.textContent} ${item.dataset.words ?? ""}`.toLowerCase();

const filter = () => {
  const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  nav.classList.toggle("is-searching", wanted.length > 0);
  for (const item of nav.querySelectorAll("li")) item.hidden = !wanted.every((word) => words(item).includes(word));
  for (const group of nav.querySelectorAll("[data-docs-group]")) {
    group.hidden = !group.querySelector("li:not([hidden])");
  }
  none.textContent = nav.querySelector("li:not([hidden])") ? "" : "No matches.";
};

search.addEventListener("input", filter);
search.addEventListener("keydown", (event) => {
  const first = nav.querySelector("li:not([hidden]) a");
  if (event.key !== "Enter" || !search.value || !first) return;
  event.preventDefault();
  first.click();
});

// Marks the part that is being read in the contents: the first one below the top of the window.
const links = new Map([...nav.querySelectorAll("li:not(.pb-docs-found) a")].map((link) => [link.hash.slice(1), link]));
const seen = new Set();

const mark = (current) => {
  if (!current || current.ariaCurrent) return;
  for (const link of links.values()) link.removeAttribute("aria-current");
  current.setAttribute("aria-current", "location");
};

const reading = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) seen[isIntersecting ? "add" : "delete"](target.id);
  mark(links.get([...links.keys()].find((id) => seen.has(id))));
}, { rootMargin: "-80px 0px -75%" });
for (const id of links.keys()) reading.observe(document.getElementById(id));

// Opens the fold with the target of a link, which older browsers do not.
const open = () => {
  const target = document.getElementById(location.hash.slice(1));
  const fold = target?.closest("details");
  if (!fold || fold.open) return;
  fold.open = true;
  target.scrollIntoView();
};

addEventListener("hashchange", open);
open();

const openAll = (button) => {
  const folds = [...button.closest("[data-folds]").querySelectorAll(".pb-entry")];
  const isClosed = folds.some((fold) => !fold.open);
  for (const fold of folds) fold.open = isClosed;
  button.textContent = isClosed ? "Close all" : "Open all";
};

// Changes all examples to the chosen language, and keeps the scroll position.
const change = (button) => {
  const before = button.getBoundingClientRect().top;
  choose(button.dataset.lang);
  store(button.dataset.lang);
  scrollBy({ top: button.getBoundingClientRect().top - before, behavior: "instant" });
};

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-lang], [data-open-all]");
  if (button) ("lang" in button.dataset ? change : openAll)(button);
});

choose(document.documentElement.dataset.samples);
