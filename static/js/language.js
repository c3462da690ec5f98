// Sets the language of the examples in the API reference before the page is rendered.
import { read, write } from "./storage.js";

export const choose = (language) => {
  document.documentElement.dataset.samples = language;
  for (const button of document.querySelectorAll("[data-lang]")) {
    button.ariaPressed = String(button.dataset.lang === language);
  }
};

export const store = (language) => write("language", language);

choose(read("language") ?? "curl");
