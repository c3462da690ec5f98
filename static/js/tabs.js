// An address from before the tabs may name a part that is on another one: that tab is opened.
const part = decodeURIComponent(location.hash.slice(1));

if (part && !document.getElementById(part)) {
  const tab = document.querySelector(`[data-holds~="${CSS.escape(part)}"]`);
  if (tab && !tab.hasAttribute("aria-current")) location.replace(tab.href + location.hash);
}
