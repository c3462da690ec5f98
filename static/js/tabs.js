// Opens the tab with the part that an earlier address names.
const part = decodeURIComponent(location.hash.slice(1));

if (part && !document.getElementById(part)) {
  const tab = document.querySelector(`[data-holds~="${CSS.escape(part)}"]`);
  if (tab && !tab.hasAttribute("aria-current")) location.replace(tab.href + location.hash);
}
