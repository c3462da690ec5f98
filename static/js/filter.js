// The filter of a list: a menu, and a chip for each part that is set. It also works without JavaScript.

const form = document.getElementById("filter");

// A chip and "Clear" clear fields of the form, which loads the list again.
const clear = (names) => {
  const fields = [...form.elements].filter((field) => field.name && field.name !== "sort");
  const emptied = names ? fields.filter((field) => field.name === names) : fields;
  for (const field of emptied) field.value = "";
  form.querySelector(".pb-pop-panel").dispatchEvent(new Event("change", { bubbles: true }));
  (names ? form.querySelector("summary") : form.elements.q).focus();
};

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-clears]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  clear(link.dataset.clears);
});
document.addEventListener("pointerdown", ({ target }) => {
  for (const pop of document.querySelectorAll("[data-pop][open]")) if (!pop.contains(target)) pop.open = false;
});
