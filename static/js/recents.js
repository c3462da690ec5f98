// The recent pages of this browser, newest first. They are deleted when no user is signed in.
import { read, write } from "./storage.js";

const MOST = 30;
const main = document.querySelector("main");
const organization = document.querySelector(".pb-crumbs li")?.textContent.trim();
const slugOf = (href) => href.match(/^\/o\/([^/]+)\//)?.[1];
const page = { organization, href: location.pathname, title: document.title.replace(/^\(\d+\) | · Patchbay$/g, "") };

export const recents = () => {
  try {
    return JSON.parse(read("recents") ?? "[]").filter(({ href }) => href !== page.href);
  } catch {
    return [];
  }
};

// Returns the homes of recent organizations, without the page's own.
export const recentOrganizations = () => {
  const found = new Map();
  for (const { href, organization: title } of recents()) {
    const slug = slugOf(href);
    if (slug && title && slug !== slugOf(page.href)) found.set(slug, { title, href: `/o/${slug}/` });
  }
  return [...found.values()];
};

// A page with a question is not added.
const isPlace = main?.matches("[data-recent]") && !document.querySelector("h1").textContent.trim().endsWith("?");
if (document.body.matches(".pb-plain-page")) write("recents", "[]");
else if (isPlace && page.href !== "/find") {
  const others = recents().filter(({ title }) => title !== page.title);
  write("recents", JSON.stringify([page, ...others].slice(0, MOST)));
}
