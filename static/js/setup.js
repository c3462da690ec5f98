// The setup link has its key behind the #, so no server, proxy or log sees it.
// It goes into its field, and out of the address.
const key = location.hash.slice(1);
const field = document.querySelector("[name=key]");

if (key && !field.value) {
  field.value = key;
  history.replaceState(null, "", location.pathname);
  document.querySelector("[name=organization]").focus();
}
