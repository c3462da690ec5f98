// Submits the code of an authenticator app when its last digit is typed, pasted or filled in.
const field = document.querySelector("[autocomplete=one-time-code]");

field.addEventListener("input", () => {
  if (/^\d{6}$/.test(field.value.replaceAll(" ", ""))) field.form.requestSubmit();
});
