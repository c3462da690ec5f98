// An invitation or a reset link has its token behind the #, so no server, proxy or log sees it.
// It goes into its field, out of the address, and on to the page that says whose link it is.
const token = location.hash.slice(1);
const field = document.querySelector("[name=key]");

if (token && !field.value) {
  field.value = token;
  history.replaceState(null, "", location.pathname);
  field.form.requestSubmit();
}
