// Scripts of every page. Each page works without them.
import "./bell.js";
import "./clipboard.js";
import "./forms.js";
import "./keys.js";
import "./recents.js";
import "./reveal.js";
import "./theme.js";
import { giveBack, openPage } from "./focus.js";
import { localize } from "./times.js";
import { announce, complain } from "./toasts.js";

// Screen readers ignore a live region that is inserted with its text: its text is announced separately, once.
const wordsOf = (element) => element.textContent.trim().replace(/\s+/g, " ");
let said = "";
const sayAgain = (part) => {
  const found = part.querySelector("[data-found], .pb-empty h2");
  const isSearched = document.activeElement?.matches("[data-search]");
  const status = [...part.querySelectorAll("[role=status]")].map(wordsOf).join(" ");
  const gist = part.matches("[hx-trigger]") ? status.replace(/\d/g, "") : status;
  if (found && isSearched) announce(found.textContent);
  else if (status && gist !== said) announce(status);
  said = gist;
};

document.addEventListener("htmx:load", ({ detail: { elt: part } }) => {
  if (part === document.body || part.closest("#toasts")) return;
  localize(part.parentNode ?? part);
  sayAgain(part);
  giveBack(part);
});

// An error response of Patchbay has HX-Reswap. Without it, the response is a proxy's, or empty.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.xhr.status < 400 || detail.xhr.getResponseHeader("HX-Reswap")) return;
  detail.shouldSwap = false;
  complain("Something went wrong. Reload the page to see the current state.");
});
document.addEventListener("htmx:sendError", () => {
  complain("No response from Patchbay. Check your connection and try again.");
});
document.addEventListener("htmx:timeout", () => complain("Patchbay took too long to respond. Try again."));

// Questions open in a dialog. Its script is loaded with the first one.
document.addEventListener("click", async (event) => {
  const { target, ctrlKey, metaKey, shiftKey, button } = event;
  const asker = target.closest?.("a[data-dialog], [data-dialog] > summary, [data-close]");
  if (!asker || ctrlKey || metaKey || shiftKey || button) return;
  const dialog = asker.matches("[data-close]") && asker.closest("dialog");
  if (asker.matches("[data-close]") && !dialog) return;
  event.preventDefault();
  if (dialog) return dialog.close();
  const dialogs = await import("./dialogs.js");
  if (asker.matches("a")) dialogs.openPage(asker);
  else dialogs.openFold(asker.parentElement);
});

// Runs before `forms.js`, which handles other forms.
document.addEventListener(
  "submit",
  async (event) => {
    if (!event.target.matches("[data-dialog]")) return;
    event.preventDefault();
    if (!event.target.matches(".is-busy")) (await import("./dialogs.js")).openAnswer(event);
  },
  true,
);

openPage(announce);
