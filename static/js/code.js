// The code of an authenticator app is sent when its last digit is there: typed, pasted or filled in.
const field = document.querySelector("[autocomplete=one-time-code]");

field.addEventListener("input", () => {
  if (/^\d{6}$/.test(field.value.replaceAll(" ", ""))) field.form.requestSubmit();
});
