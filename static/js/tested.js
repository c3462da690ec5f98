// The result of a test lists the problems below the form. Shows each beside its field too, until the next test.
import "./secrets.js";

const mark = (field, text) => {
  const said = Object.assign(document.createElement("div"), { className: "pb-error", id: `${field.id}-problem` });
  said.append(Object.assign(document.createElement("p"), { textContent: text }));
  field.after(said);
  field.setAttribute("aria-invalid", "true");
  field.dataset.described = field.getAttribute("aria-describedby") ?? "";
  field.setAttribute("aria-describedby", `${said.id} ${field.dataset.described}`.trim());
  field.closest(".pb-field").classList.add("pb-has-error");
};

const clear = (form) => {
  for (const field of form.querySelectorAll("[data-described]")) {
    document.getElementById(`${field.id}-problem`)?.remove();
    field.removeAttribute("aria-invalid");
    field.setAttribute("aria-describedby", field.dataset.described);
    delete field.dataset.described;
    field.closest(".pb-field").classList.remove("pb-has-error");
  }
};

document.addEventListener("htmx:load", ({ detail: { elt: part } }) => {
  if (!part.matches?.("[data-test-result]")) return;
  clear(part.closest("form"));
  const problems = [...part.querySelectorAll("[data-problem-of]")];
  for (const problem of problems) {
    mark(document.getElementById(problem.dataset.problemOf), problem.querySelector("span").textContent);
  }
  const first = document.getElementById(problems[0]?.dataset.problemOf);
  (first ?? part.querySelector("[aria-invalid=true]"))?.focus();
});
