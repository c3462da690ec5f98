// The API reference: search in its contents, one language at a time, and requests with a pasted token.
import "./try.js";

const search = document.querySelector("[data-docs-search]");
const none = document.querySelector("[data-docs-none]");
const menu = document.querySelector(".pb-docs-nav details");

// On a narrow screen the contents would be all that is seen.
if (matchMedia("(max-width: 820px)").matches) menu.open = false;

const words = (item) => `${item.textContent} ${item.dataset.words ?? ""}`.toLowerCase();

const filter = () => {
  const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const group of document.querySelectorAll("[data-docs-group]")) {
    const items = [...group.querySelectorAll("li")];
    for (const item of items) item.hidden = !wanted.every((word) => words(item).includes(word));
    const left = items.filter((item) => !item.hidden).length;
    group.hidden = !left;
    found += left;
  }
  none.textContent = found ? "" : "No matches.";
};

search.addEventListener("input", filter);
search.addEventListener("keydown", (event) => {
  const first = document.querySelector("[data-docs-group]:not([hidden]) li:not([hidden]) a");
  if (event.key !== "Enter" || !search.value || !first) return;
  event.preventDefault();
  first.click();
});

// The contents show what is being read: the first part below the top of the window.
const links = new Map([...document.querySelectorAll(".pb-docs-nav li a")].map((link) => [link.hash.slice(1), link]));
const seen = new Set();
const frame = document.querySelector(".pb-docs-nav");

const mark = (current) => {
  if (!current || current.ariaCurrent) return;
  for (const link of links.values()) link.removeAttribute("aria-current");
  current.setAttribute("aria-current", "location");
  const [line, room] = [current.getBoundingClientRect(), frame.getBoundingClientRect()];
  if (line.top < room.top || line.bottom > room.bottom) frame.scrollTop += line.top - room.top - room.height / 3;
};

const reading = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) seen[isIntersecting ? "add" : "delete"](target.id);
  mark(links.get([...links.keys()].find((id) => seen.has(id))));
}, { rootMargin: "-80px 0px -75%" });
for (const id of links.keys()) reading.observe(document.getElementById(id));

// Every example on the page changes to the language that was chosen.
const choose = (language) => {
  for (const button of document.querySelectorAll("[data-lang]")) {
    button.setAttribute("aria-pressed", String(button.dataset.lang === language));
  }
  for (const sample of document.querySelectorAll("[data-language]")) {
    sample.hidden = sample.dataset.language !== language;
  }
};

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-lang]");
  if (!button) return;
  const before = button.getBoundingClientRect().top;
  choose(button.dataset.lang);
  scrollBy({ top: button.getBoundingClientRect().top - before, behavior: "instant" });
});

choose(document.querySelector("[data-lang]").dataset.lang);
