// An invitation or a reset link has its token after the #, so that no server, proxy or log gets it.
// Moves the token from the address to its field, and submits it to the page that shows whose link it is.
const token = location.hash.slice(1);
const field = document.querySelector("[name=key]");

if (token && !field.value) {
  field.value = token;
  history.replaceState(null, "", location.pathname);
  field.form.requestSubmit();
}
