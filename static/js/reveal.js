// "Show" in a password field. On submit it is a password again, so that no browser stores it as form text.
const set = (button, isShown) => {
  button.parentElement.querySelector("input").type = isShown ? "text" : "password";
  button.setAttribute("aria-pressed", isShown);
};

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-reveal]");
  if (button) set(button, button.getAttribute("aria-pressed") === "false");
});
document.addEventListener(
  "submit",
  ({ target }) => {
    for (const button of target.querySelectorAll("[data-reveal]")) set(button, false);
  },
  true,
);

// Shows whether a new password has the required length.
document.addEventListener("input", ({ target }) => {
  const shortest = Number(target.dataset?.shortest);
  const meter = shortest && document.getElementById(`${target.id}-meter`);
  if (!meter) return;
  const length = [...target.value].length;
  const missing = shortest - length;
  meter.hidden = !length;
  meter.querySelector("progress").value = Math.min(length, shortest);
  meter.classList.toggle("is-enough", missing <= 0);
  meter.querySelector("span").textContent = missing > 0 ? `${missing} more` : "Long enough";
});
