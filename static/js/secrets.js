// Opens the field that replaces a stored secret, and closes it again if the secret is kept.
document.addEventListener("click", ({ target }) => {
  const kept = target.closest?.("[data-keep]");
  const fold = (kept ?? target.closest?.("[data-secret] > summary"))?.closest("[data-secret]");
  if (!fold) return;
  const [field, summary] = [fold.querySelector(".form-control"), fold.querySelector("summary")];
  if (!kept) return requestAnimationFrame(() => field.focus());
  field.value = "";
  for (const box of fold.querySelectorAll("[type=checkbox]")) box.checked = false;
  fold.open = false;
  summary.focus();
});
