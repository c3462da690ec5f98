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
