// Theme: light, dark or system. A cookie stores it, so that the server renders the page with it.
const CHOICES = ["system", "light", "dark"];
const YEAR = 31_536_000;

const root = document.documentElement;
const tabs = new BroadcastChannel("patchbay-theme");
tabs.addEventListener("message", ({ data }) => (root.dataset.theme = data));

document.addEventListener("click", ({ target }) => {
  if (!target.closest?.("[data-theme-cycle]")) return;
  const next = CHOICES[(CHOICES.indexOf(root.dataset.theme) + 1) % CHOICES.length];
  root.dataset.theme = next;
  document.cookie = `patchbay-theme=${next}; path=/; max-age=${YEAR}; samesite=lax; secure`;
  tabs.postMessage(next);
});
