// Stores a user's choices in the browser. If that is not allowed, a choice lasts as long as the page.
const on = (name, act) => {
  try {
    return act(window[name]);
  } catch {
    return null;
  }
};

export const read = (key) => on("localStorage", (storage) => storage.getItem(`patchbay-${key}`));
export const write = (key, value) => on("localStorage", (storage) => storage.setItem(`patchbay-${key}`, value));

// Passes a value to the next page of this tab, which reads it once.
export const leave = (key, value) => on("sessionStorage", (storage) => storage.setItem(`patchbay-${key}`, value));
export const take = (key) =>
  on("sessionStorage", (storage) => {
    const value = storage.getItem(`patchbay-${key}`);
    storage.removeItem(`patchbay-${key}`);
    return value;
  });
export const clearTab = () => on("sessionStorage", (storage) => storage.clear());
