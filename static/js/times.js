// Shows times in the user's zone: short; exact on hover, on a click, or everywhere.
// The page is rendered after this has run (blocking="render"), so that nothing moves.
import { read, write } from "./storage.js";

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const YEAR = 31_536_000;
if (ZONE && document.body.matches(".pb-portal") && !document.cookie.split("; ").includes(`patchbay-zone=${ZONE}`)) {
  document.cookie = `patchbay-zone=${ZONE}; path=/; max-age=${YEAR}; samesite=lax; secure`;
}

const exact = (date, timeZone) =>
  date.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "long", timeZone });
let isExact = read("times") === "exact";

const shorten = (date, isDay) => {
  const now = new Date();
  const clock = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (!isDay && date.toDateString() === now.toDateString()) return `today, ${clock}`;
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  const day = date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year });
  return isDay ? day : `${day}, ${clock}`;
};

const show = (time, exactly) => {
  time.classList.toggle("is-exact", exactly);
  time.textContent = exactly ? time.title : time.dataset.short;
};

export const localize = (root) => {
  for (const time of root.querySelectorAll("time[data-time]:not([title])")) {
    const date = new Date(time.dateTime);
    // A list by day uses the server's zone for it: UTC until the cookie is set.
    time.title = exact(date, time.closest("[data-zone]")?.dataset.zone);
    const { time: kind } = time.dataset;
    const isMade = kind === "age" || kind === "clock";
    time.dataset.short = isMade ? time.textContent : shorten(date, kind === "day");
    show(time, isExact);
  }
};

export const timesAreExact = () => isExact;

export const setExactTimes = (exactly) => {
  isExact = exactly;
  write("times", exactly ? "exact" : "short");
  for (const time of document.querySelectorAll("time[data-short]")) show(time, exactly);
};

document.addEventListener("click", ({ target }) => {
  const time = target.closest?.("time[data-short]");
  if (time) show(time, !time.classList.contains("is-exact"));
});

localize(document);
