// The palette: the Find page's form and list in a dialog, as a combo box and its list.
const opener = document.querySelector("[data-palette]");
let palette = null;
let isWaiting = false;

const input = () => palette.querySelector("input[type=search]");
const options = () => [...palette.querySelectorAll("[role=option]")];
const chosen = () => palette.querySelector("[aria-selected=true]");

export const openPalette = async () => {
  const here = document.querySelector("main .pb-find-page");
  if (here) return here.querySelector("input[type=search]").focus();
  if (!palette && !(await build())) return location.assign(opener.href);
  if (!palette.open) palette.showModal();
  input().focus();
  input().select();
};

const build = async () => {
  const answer = await fetch(opener.href, { headers: { "X-Requested-With": "palette" } });
  if (!answer.ok || answer.redirected) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  palette ??= dress(page.querySelector(".pb-find-page"));
  return true;
};

const set = (element, attributes) => {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
};

const dress = (found) => {
  palette = document.getElementById("palette");
  palette.prepend(document.adoptNode(found));
  set(input(), { role: "combobox", "aria-expanded": "true", "aria-controls": "found-list" });
  set(input(), { "aria-autocomplete": "list" });
  htmx.process(palette);
  palette.addEventListener("keydown", walk);
  palette.addEventListener("htmx:load", list);
  list();
  return palette;
};

const list = () => {
  set(palette.querySelector("#found-list"), { role: "listbox", "aria-label": "Found" });
  for (const group of palette.querySelectorAll("#found-list ul")) {
    const heading = group.previousElementSibling;
    set(group, { role: "group", "aria-label": heading.textContent });
    set(heading, { "aria-hidden": "true" });
  }
  for (const item of palette.querySelectorAll("#found-list li")) set(item, { role: "none" });
  for (const [place, link] of palette.querySelectorAll("#found-list a").entries()) {
    set(link, { id: `found-${place}`, role: "option", tabindex: "-1" });
  }
  choose(options()[0]);
  if (isWaiting) enter();
};

const choose = (wanted) => {
  for (const option of options()) set(option, { "aria-selected": option === wanted });
  if (wanted) set(input(), { "aria-activedescendant": wanted.id });
  else input().removeAttribute("aria-activedescendant");
  wanted?.scrollIntoView({ block: "nearest" });
};

// What is found for what was typed before is not opened: Enter waits for what is found now.
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
