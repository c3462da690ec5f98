// On a page that was open for long, checks the session before a form is sent, so that no input is lost.
import { clearTab } from "./storage.js";
import { complain } from "./toasts.js";

const MINUTES = 10;
const SIGN_IN = "Your changes are still here. Sign in in another tab, then try again.";
const isPortal = document.querySelector(".pb-rail") !== null;
let since = performance.now();

const isOld = () => isPortal && performance.now() - since > MINUTES * 60_000;

// Checks that the session is alive, and refreshes the page's CSRF tokens.
const isSignedIn = async () => {
  const answer = await fetch("/account").catch(() => null);
  if (!answer?.ok) {
    complain("No response from Patchbay. Nothing was sent and your changes are still here. Try again.");
    return false;
  }
  if (answer.redirected) {
    complain(`Your session has expired. Nothing was sent. ${SIGN_IN}`);
    return false;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const headers = page.body.getAttribute("hx-headers");
  document.body.setAttribute("hx-headers", headers);
  const token = JSON.parse(headers)["X-CSRFToken"];
  for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = token;
  since = performance.now();
  return true;
};

// Stops an event of an old page, checks the session, and passes the result to `then`.
export const isAskedAgain = async (event, then) => {
  if (!isOld()) return;
  event.preventDefault();
  then(await isSignedIn());
};

document.addEventListener("htmx:confirm", (event) => {
  const { verb, issueRequest } = event.detail;
  if (verb !== "get") isAskedAgain(event, (isIn) => isIn && issueRequest(true));
});

// After a sign-out, htmx leaves the page, unless it has a row with unsaved input.
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr } = event.detail;
  const leads = xhr.getResponseHeader("HX-Redirect") && !document.querySelector("[data-edit-row]");
  if (xhr.status !== 401 || leads) return;
  event.preventDefault();
  since = -Infinity;
  complain(`Your session has expired. ${SIGN_IN}`);
});

// Without a signed-in user, deletes the data of this tab.
if (!isPortal) clearTab();
