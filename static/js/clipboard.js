// Copy buttons: copy [data-copy], else the title, else the code of the figure. [data-what], or the last words of the
// button, is the name of what was copied.
import { announce, complain } from "./toasts.js";

// Fallback for insecure contexts and browsers that refuse clipboard access.
const copyOld = (text) => {
  const area = document.createElement("textarea");
  Object.assign(area, { value: text, readOnly: true, className: "visually-hidden" });
  area.style.setProperty("white-space", "pre", "important"); // the class would collapse the indentation
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return isCopied;
};

const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOld(text);
  }
};

const show = (button, isCopied) => {
  const label = button.querySelector("[data-copy-label]");
  button.dataset.label ??= label.textContent;
  label.textContent = isCopied ? "Copied" : button.dataset.label;
  button.classList.toggle("is-copied", isCopied);
};

document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("[data-copy]");
  if (!button) return;
  const { what = button.lastChild.textContent.trim() } = button.dataset;
  if (!(await copy(button.dataset.copy || button.title || button.closest("figure").querySelector("pre").textContent))) {
    complain(`Your browser blocked copying the ${what}. Select and copy it manually.`);
    return;
  }
  show(button, true);
  announce(`Copied the ${what}.`);
  clearTimeout(button.timer);
  button.timer = setTimeout(show, 2000, button, false);
});
