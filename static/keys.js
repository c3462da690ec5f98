// Keys: a palette to find things, and single keys that can be switched off. Each page works without them.
(() => {
  const MAC = /mac|iphone|ipad/i.test(navigator.platform);
  const isOff = () => localStorage.getItem("patchbay-keys") === "off";

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

  // The palette: the Find page's form and list in a dialog

  let palette = null;
  const openPalette = async () => {
    const here = document.querySelector(".pb-find-page");
    if (here && !palette) return here.querySelector("input[type=search]").focus();
    if (!palette) {
      const answer = await fetch(opener.href, { headers: { "X-Requested-With": "palette" } });
      if (!answer.ok || answer.redirected) return location.assign(opener.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      palette = dialog("find", "Find");
      palette.append(document.adoptNode(page.querySelector(".pb-find-page")));
      htmx.process(palette);
      palette.addEventListener("keydown", walk);
    }
    if (!palette.open) palette.showModal();
    const input = palette.querySelector("input[type=search]");
    input.focus();
    input.select();
  };

  const walk = (event) => {
    const links = [...palette.querySelectorAll("#found a")];
    const input = palette.querySelector("input[type=search]");
    const place = links.indexOf(document.activeElement);
    if (event.key === "ArrowDown") (links[place + 1] ?? links[0])?.focus();
    else if (event.key === "ArrowUp") (place > 0 ? links[place - 1] : input).focus();
    else if (event.key === "Enter" && document.activeElement === input && links[0]) links[0].click();
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
    [MAC ? "⌘ K" : "Ctrl K", "Find organizations, numbers, people and pages", ""],
    ["/", "Search on this page", "single"],
    ["n", "Add something on this page", "single"],
    ["?", "Show these keys", "single"],
    ["Esc", "Leave an edit, a menu or a dialog", ""],
  ];
  let help = null;
  const openHelp = () => {
    if (!help) {
      help = dialog("help", "Keys");
      const rows = HELP.map(([key, words]) => `<dt><kbd>${key}</kbd></dt><dd>${words}</dd>`).join("");
      help.innerHTML = `<h2>Keys</h2><dl class="pb-keys">${rows}</dl>
        <label class="pb-clear"><input type="checkbox" data-keys-on> <span>Single keys (/, n and ?) do something</span></label>
        <form method="dialog" class="pb-form-foot"><button class="btn">Close</button></form>`;
      const box = help.querySelector("[data-keys-on]");
      box.checked = !isOff();
      box.addEventListener("change", () => localStorage.setItem("patchbay-keys", box.checked ? "on" : "off"));
    }
    help.showModal();
  };
  for (const button of document.querySelectorAll("[data-keys-help]")) button.addEventListener("click", openHelp);

  // Keys

  const isTyping = (element) => element?.closest?.("input, textarea, select, [contenteditable], dialog[open]");
  const SINGLE = {
    "/": () => document.querySelector("[data-search]"),
    n: () => document.querySelector(".pb-actions a.btn-primary"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!isPlain && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && !event.altKey && !event.shiftKey) {
      if (!opener) return;
      event.preventDefault();
      openPalette();
    } else if (isPlain && !isTyping(event.target) && !isOff()) {
      if (event.key === "?") openHelp();
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
