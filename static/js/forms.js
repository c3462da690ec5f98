// Forms that load a new page are submitted once and look busy meanwhile. htmx marks its own forms (.htmx-request).
import { isAskedAgain } from "./session.js";
import { announce } from "./toasts.js";

let slow = 0;
const saySoon = () => (slow = setTimeout(announce, 1000, "Working…"));
const saidEnough = () => clearTimeout(slow);

const swapWords = (element) => {
  [element.textContent, element.dataset.whileBusy] = [element.dataset.whileBusy, element.textContent];
};

const setBusy = (form, button, isBusy) => {
  for (const part of [form, button]) part?.classList.toggle("is-busy", isBusy);
  form.querySelectorAll("[data-while-busy]").forEach(swapWords);
};

document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (event.defaultPrevented || form.method !== "post" || form.matches("[data-stays]")) return;
  if (form.classList.contains("is-busy")) {
    event.preventDefault();
    return;
  }
  setBusy(form, submitter, true);
  saySoon();
  await isAskedAgain(event, (isSignedIn) => {
    setBusy(form, submitter, false);
    saidEnough();
    if (isSignedIn) form.requestSubmit(submitter);
  });
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form.is-busy")) setBusy(form, form.querySelector(".is-busy"), false);
});

document.addEventListener("htmx:beforeSend", ({ detail }) => {
  if (!detail.elt.matches("[hx-trigger]")) saySoon();
});
document.addEventListener("htmx:afterRequest", saidEnough);

// Removes empty filters from the address.
document.addEventListener("htmx:configRequest", ({ detail: { verb, formData } }) => {
  if (verb !== "get") return;
  for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
});

// Marks requests by timer, on load or after a change elsewhere, for which no user waits. See `render.py`.
document.addEventListener("htmx:configRequest", ({ detail: { verb, headers, triggeringEvent } }) => {
  const isByItself = !triggeringEvent || triggeringEvent instanceof CustomEvent;
  if (verb === "get" && isByItself) headers["Patchbay-Background"] = "true";
});

// In a conflict, sets a field to the other user's value.
document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-take]");
  if (!button) return;
  const field = document.getElementById(button.dataset.take);
  if (field.type === "checkbox") field.checked = button.value === "yes";
  else field.value = button.value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});
