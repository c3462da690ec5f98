// Marks the groups of a form that have unsaved changes.
const isChanged = (field) => {
  if (field.tagName === "SELECT") return [...field.options].some((one) => one.selected !== one.defaultSelected);
  return field.value !== field.defaultValue;
};

const show = (place, hasChanges) => {
  for (const text of place.querySelectorAll("[data-changed]")) text.hidden = !hasChanges;
  for (const text of place.querySelectorAll("[data-saved]")) text.hidden = hasChanges;
};

const look = (form) => {
  const groups = [...form.querySelectorAll("[data-group]")];
  const changes = groups.map((group) => [...group.querySelectorAll("input, select, textarea")].some(isChanged));
  groups.forEach((group, place) => show(group, changes[place]));
  form.querySelector(":scope > :last-child [data-changed]").hidden = !changes.some(Boolean);
};

for (const form of document.querySelectorAll("[data-unsaved]")) {
  form.addEventListener("input", () => look(form));
  addEventListener("pageshow", () => look(form));
}
