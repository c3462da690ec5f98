// Blocking on purpose: the theme stands before the first paint.
(() => {
  const KEY = "patchbay-theme";
  const CHOICES = ["system", "light", "dark"];
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const read = () => {
    try {
      const stored = localStorage.getItem(KEY);
      return CHOICES.includes(stored) ? stored : "system";
    } catch {
      return "system";
    }
  };
  let choice = read();

  const apply = () => {
    root.dataset.themeChoice = choice;
    root.dataset.bsTheme = choice === "system" ? (dark.matches ? "dark" : "light") : choice;
  };

  root.classList.add("js");
  apply();
  dark.addEventListener("change", apply);
  addEventListener("storage", (event) => {
    if (event.key === KEY) {
      choice = read();
      apply();
    }
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-theme-cycle]")) return;
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
    try {
      localStorage.setItem(KEY, choice);
    } catch {
      // Storage is refused: the choice lasts as long as the page.
    }
    apply();
  });
})();
