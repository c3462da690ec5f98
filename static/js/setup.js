// The setup link has its key after the #, so that no server, proxy or log gets it.
// Moves the key from the address to its field.
const key = location.hash.slice(1);
const field = document.querySelector("[name=key]");

if (key && !field.value) {
  field.value = key;
  history.replaceState(null, "", location.pathname);
  document.querySelector("[name=organization]").focus();
}
