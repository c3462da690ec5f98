// Keys: a palette to find things, and single keys that can be switched off. Each page works without them.
(() => {
  const MAC = /mac|iphone|ipad/i.test(navigator.platform);
  const read = (name) => {
    try {
      return localStorage.getItem(`patchbay-${name}`);
    } catch {
      return null;
    }
  };
  const write = (name, value) => {
    try {
      localStorage.setItem(`patchbay-${name}`, value);
    } catch {
      // Storage is refused: the choice lasts as long as the page.
    }
  };
  let isOff = read("keys") === "off";
  let isExact = false;
  const showTimes = (exact) => {
    isExact = exact;
    document.dispatchEvent(new CustomEvent("times", { detail: exact }));
  };
  if (read("times") === "exact") showTimes(true);

  const opener = document.querySelector("[data-palette]");
  for (const key of document.querySelectorAll("[data-mod-key]")) if (MAC) key.textContent = "⌘K";

  const dialog = (name, title) => {
    const box = document.createElement("dialog");
    box.className = `pb-dialog pb-dialog-${name}`;
    box.setAttribute("aria-label", title);
    box.addEventListener("click", (event) => event.target === box && box.close());
    document.body.append(box);
    return box;
  };

  // The palette: the Find page's form and list in a dialog, as a combo box and its list

  let palette = null;
  let isWaiting = false;
  const input = () => palette.querySelector("input[type=search]");
  const options = () => [...palette.querySelectorAll("[role=option]")];
  const chosen = () => palette.querySelector("[aria-selected=true]");

  const openPalette = async () => {
    const here = document.querySelector(".pb-find-page");
    if (here && !palette) return here.querySelector("input[type=search]").focus();
    if (!palette) {
      const answer = await fetch(opener.href, { headers: { "X-Requested-With": "palette" } });
      if (!answer.ok || answer.redirected) return location.assign(opener.href);
      if (!palette) build(new DOMParser().parseFromString(await answer.text(), "text/html"));
    }
    if (!palette.open) palette.showModal();
    input().focus();
    input().select();
  };

  const build = (page) => {
    palette = dialog("find", "Find");
    palette.append(document.adoptNode(page.querySelector(".pb-find-page")));
    palette.insertAdjacentHTML("beforeend", '<div class="visually-hidden" role="status" data-announce></div>');
    const attributes = { role: "combobox", "aria-expanded": "true", "aria-controls": "found-list", "aria-autocomplete": "list" };
    for (const [name, value] of Object.entries(attributes)) input().setAttribute(name, value);
    htmx.process(palette);
    palette.addEventListener("keydown", walk);
    palette.addEventListener("htmx:load", dress);
    dress();
  };

  const dress = () => {
    palette.querySelector("#found-list").setAttribute("role", "listbox");
    palette.querySelector("#found-list").setAttribute("aria-label", "Found");
    for (const list of palette.querySelectorAll("#found-list ul")) {
      list.setAttribute("role", "group");
      list.setAttribute("aria-label", list.previousElementSibling.textContent);
      list.previousElementSibling.setAttribute("aria-hidden", "true");
    }
    for (const item of palette.querySelectorAll("#found-list li")) item.setAttribute("role", "none");
    for (const [place, link] of palette.querySelectorAll("#found-list a").entries()) {
      link.id = `found-${place}`;
      link.tabIndex = -1;
      link.setAttribute("role", "option");
    }
    choose(options()[0]);
    if (isWaiting) enter();
  };

  const choose = (wanted) => {
    for (const option of options()) option.setAttribute("aria-selected", option === wanted);
    if (wanted) input().setAttribute("aria-activedescendant", wanted.id);
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

  opener?.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    openPalette();
  });

  // Help

  const HELP = [
    [MAC ? "⌘ K" : "Ctrl K", "Find organizations, numbers, people and pages"],
    ["/", "Search on this page"],
    ["n", "Add something on this page"],
    ["t", "Show exact times, or short ones; a click on a time does it for that one"],
    ["?", "Show these keys"],
    ["Space", "Tick a row; with Shift, all from the last ticked one to this"],
    ["Enter", "On a tick box: go to what can be done with what is ticked"],
    ["Esc", "Leave an edit, a menu or a dialog; put messages away"],
  ];
  const SWITCHES = {
    keys: ["Single keys (/, n, t and ?) do something", () => !isOff, (on) => write("keys", (isOff = !on) ? "off" : "on")],
    times: ["Exact times everywhere", () => isExact, (on) => keepTimes(on)],
  };
  const keepTimes = (exact) => {
    write("times", exact ? "exact" : "short");
    showTimes(exact);
  };
  let help = null;
  const openHelp = () => {
    if (!help) {
      help = dialog("help", "Keys");
      const rows = HELP.map(([key, words]) => `<dt><kbd>${key}</kbd></dt><dd>${words}</dd>`).join("");
      const boxes = Object.entries(SWITCHES).map(([name, [words]]) => `<p><label class="pb-many-all"><input type="checkbox" name="${name}"> <span>${words}</span></label></p>`).join("");
      help.innerHTML = `<h2>Keys</h2><dl class="pb-keys">${rows}</dl>${boxes}
        <form method="dialog" class="pb-form-foot"><button class="btn">Close</button></form>`;
      for (const box of help.querySelectorAll("input")) box.addEventListener("change", () => SWITCHES[box.name][2](box.checked));
    }
    for (const box of help.querySelectorAll("input")) box.checked = SWITCHES[box.name][1]();
    help.showModal();
  };
  for (const button of document.querySelectorAll("[data-keys-help]")) button.addEventListener("click", openHelp);

  // Keys

  const isTyping = (element) => element?.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]") || document.querySelector("dialog[open]");
  const SINGLE = {
    "/": () => document.querySelector("main [data-search]"),
    n: () => document.querySelector(".pb-actions a.btn-primary"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!isPlain && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && !event.altKey && !event.shiftKey) {
      if (!opener) return;
      event.preventDefault();
      openPalette();
    } else if (isPlain && !isTyping(event.target) && !isOff) {
      if (event.key === "?") openHelp();
      if (event.key === "t") keepTimes(!isExact);
      const wanted = SINGLE[event.key]?.();
      if (!wanted) return;
      event.preventDefault();
      if (wanted.matches("a")) wanted.click();
      else {
        wanted.focus();
        wanted.select();
      }
    }
  });
})();
