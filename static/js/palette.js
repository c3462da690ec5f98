// Shows the form and list of a search page in a dialog, as a combo box. Without JavaScript its link opens the page.
import { recentOrganizations, recents } from "./recents.js";

const SHOWN = 5;
const palette = document.getElementById("palette");
let isWaiting = false;
let kind = "";

const input = () => palette.querySelector("input[type=search]");
const options = () => [...palette.querySelectorAll("[role=option]")];
const chosen = () => palette.querySelector("[aria-selected=true]");

// `typed` has the keys since the dialog was requested, see keys.js.
export const openPalette = async (opener, typed) => {
  const here = document.querySelector("main .pb-find-page");
  if (here) return here.querySelector("input[type=search]").focus();
  if (!(await build(opener))) return location.assign(opener.href);
  if (typed.isLeft) return;
  if (!palette.open) palette.showModal();
  input().focus();
  input().select();
  if (!typed.text) return;
  input().value = typed.text;
  input().dispatchEvent(new Event("input", { bubbles: true }));
};

const build = async (opener) => {
  const answer = await fetch(opener.href, { headers: { "X-Requested-With": "palette" } });
  if (!answer.ok || answer.redirected) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  palette.querySelector(".pb-find-page")?.remove();
  palette.prepend(document.adoptNode(page.querySelector(".pb-find-page")));
  kind = opener.dataset.palette;
  palette.setAttribute("aria-label", input().getAttribute("aria-label"));
  set(input(), { role: "combobox", "aria-expanded": "true", "aria-controls": "found-list" });
  set(input(), { "aria-autocomplete": "list" });
  htmx.process(palette);
  list();
  return true;
};

const set = (element, attributes) => {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
};

// Items that the server does not have: recent pages, and the buttons of the present page.

const hasWords = (label) => {
  const words = input().value.toLowerCase().split(/\s+/);
  return words.every((word) => label.toLowerCase().includes(word));
};
const wordsOf = (element) => element.textContent.trim().replace(/\s+/g, " ");

const linksTo = (pages) =>
  pages
    .filter(({ title }) => hasWords(title))
    .slice(0, SHOWN)
    .map(({ href, title }) => Object.assign(document.createElement("a"), { href, textContent: title }));

const pageItems = () => {
  const buttons = [...document.querySelectorAll("main :is(.pb-actions :is(a, button), [data-copy])")];
  const labels = new Map(buttons.map((button) => [wordsOf(button), button]));
  const known = new Set([...palette.querySelectorAll("#found-list :is(a, button)")].map(wordsOf));
  const isNew = ([label]) => input().value.trim() && hasWords(label) && !known.has(label);
  return [...labels].filter(isNew).slice(0, SHOWN).map(([textContent, button]) => {
    const item = Object.assign(document.createElement("button"), { type: "button", textContent });
    item.addEventListener("click", () => {
      palette.close();
      button.click();
    });
    return item;
  });
};

const addGroup = (name, icon, items) => {
  if (!items.length) return;
  const group = document.createElement("ul");
  for (const item of items) {
    item.prepend(document.getElementById(icon).content.cloneNode(true));
    const row = document.createElement("li");
    row.append(item);
    group.append(row);
  }
  palette.querySelector("#found-list").prepend(
    Object.assign(document.createElement("h2"), { textContent: name }),
    group,
  );
};

const list = () => {
  const isEmpty = palette.querySelector("#found-list a, #found-list button") === null;
  for (const extra of palette.querySelectorAll("[data-page-only]")) extra.remove();
  if (kind === "find") addGroup("On this page", "icon-page", pageItems());
  addGroup("Recent", "icon-recent", linksTo(kind === "find" ? recents() : recentOrganizations()));
  set(palette.querySelector("#found-list"), { role: "listbox", "aria-label": "Found" });
  for (const group of palette.querySelectorAll("#found-list ul")) {
    const heading = group.previousElementSibling;
    set(group, { role: "group", "aria-label": heading.textContent });
    set(heading, { "aria-hidden": "true" });
  }
  for (const item of palette.querySelectorAll("#found-list :is(li, form)")) set(item, { role: "none" });
  for (const [place, link] of palette.querySelectorAll("#found-list :is(a, button)").entries()) {
    set(link, { id: `found-${place}`, role: "option", tabindex: "-1" });
  }
  if (isEmpty && options().length) palette.querySelector("#found > p").textContent = `${options().length} found`;
  choose(options()[0]);
  if (isWaiting) enter();
};

const choose = (wanted) => {
  for (const option of options()) set(option, { "aria-selected": option === wanted });
  if (wanted) set(input(), { "aria-activedescendant": wanted.id });
  else input().removeAttribute("aria-activedescendant");
  wanted?.scrollIntoView({ block: "nearest" });
};

// Enter waits for the results of the present text, so that it does not open an earlier result.
const enter = () => {
  isWaiting = palette.querySelector("#found").dataset.text !== input().value.trim();
  if (!isWaiting) chosen()?.click();
};

const walk = (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = options();
  const place = all.indexOf(chosen());
  if (event.key === "ArrowDown") choose(all[place + 1] ?? all[0]);
  else if (event.key === "ArrowUp") choose(all[place - 1] ?? all.at(-1));
  else if (event.key === "Enter") enter();
  else if (event.key === "Escape") palette.close();
  else return;
  event.preventDefault();
};

palette.addEventListener("keydown", walk);
palette.addEventListener("htmx:load", list);
