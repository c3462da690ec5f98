// Shows questions in a dialog: a fold of the page, or the form of a separate page.
import { isAskedAgain } from "./session.js";

const show = (dialog) => {
  dialog.setAttribute("closedby", "any");
  dialog.showModal();
  // The browser cannot focus an element in a fold that is just being opened.
  dialog.querySelector("[autofocus]")?.focus();
};

// Without JavaScript the dialog is open inside its fold. Closing it restores that state.
export const openFold = (fold) => {
  const dialog = fold.querySelector("dialog");
  dialog.removeAttribute("open");
  fold.open = true;
  show(dialog);
  const restore = () => {
    fold.open = false;
    dialog.setAttribute("open", "");
    fold.querySelector("summary").focus();
  };
  dialog.addEventListener("close", restore, { once: true });
};

const questionOf = async (answer) => {
  if (!answer.ok || answer.redirected) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const main = page.querySelector("main");
  return main?.querySelector(":scope > [data-question]") ? main : null;
};

const dialogOf = (main) => {
  const dialog = document.createElement("dialog");
  dialog.className = "pb-dialog pb-question";
  dialog.setAttribute("aria-labelledby", "question-title");
  const head = Object.assign(document.createElement("div"), { className: "pb-dialog-head" });
  const textContent = main.querySelector("h1").textContent.trim().replace(/\s+/g, " ");
  head.append(Object.assign(document.createElement("h2"), { id: "question-title", textContent }));
  const parts = main.querySelectorAll(":scope > :is([data-question], .pb-note)");
  dialog.append(head, ...[...parts].map((part) => document.adoptNode(part)));
  dialog.addEventListener("close", () => dialog.remove());
  return dialog;
};

const open = (main) => {
  if (document.getElementById("question-title")) return;
  const dialog = dialogOf(main);
  document.querySelector("main").append(dialog);
  htmx.process(dialog);
  show(dialog);
};

export const openPage = async (link) => {
  const main = await fetch(link.href)
    .then(questionOf)
    .catch(() => null);
  if (main) open(main);
  else location.assign(link.href);
};

// Submits a form whose response is a question or a redirect. For any other page, submits it again to open that.
export const openAnswer = async (event) => {
  const { target: form, submitter } = event;
  let isSignedIn = true;
  await isAskedAgain(event, (isIn) => (isSignedIn = isIn));
  if (!isSignedIn) return;
  for (const part of [form, submitter]) part?.classList.add("is-busy");
  const sent = { method: "POST", body: new FormData(form, submitter), redirect: "manual" };
  const answer = await fetch(form.action, sent).catch(() => null);
  const main = answer && (await questionOf(answer).catch(() => null));
  for (const part of [form, submitter]) part?.classList.remove("is-busy");
  if (main) return open(main);
  if (answer?.type === "opaqueredirect") return location.assign(location.pathname + location.search);
  delete form.dataset.dialog;
  form.requestSubmit(submitter);
};
