// Updates the count of open problems in the bell, the title and the icon of a page that stays open.
const EVERY = 60_000;
const bell = document.getElementById("bell");
const icon = document.querySelector("link[data-alert]");

const show = (open) => {
  const count = bell.querySelector("[data-open]");
  count.textContent = count.dataset.open = open;
  const title = document.title.replace(/^\(\d+\) /, "");
  document.title = open ? `(${open}) ${title}` : title;
  icon.href = open ? icon.dataset.alert : icon.dataset.calm;
};

const look = async () => {
  const answer = await fetch(bell.dataset.count).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  show((await answer.json()).open);
};

if (bell && icon) setInterval(look, EVERY);
