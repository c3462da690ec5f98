// Selects a file that is dropped anywhere on the form.
import { announce } from "./toasts.js";

const form = document.querySelector("[data-drop]");
const field = form?.elements[form.dataset.drop];
const hasFile = (event) => event.dataTransfer?.types.includes("Files");
const mark = (isOver) => form.classList.toggle("is-over", isOver);

if (form) {
  form.addEventListener("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    mark(true);
  });
  form.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!form.contains(relatedTarget)) mark(false);
  });
  form.addEventListener("drop", (event) => {
    mark(false);
    if (!hasFile(event)) return;
    event.preventDefault();
    field.files = event.dataTransfer.files;
    field.focus();
    announce(`${field.files[0].name} chosen.`);
  });
}
