// Everything here is a comfort: each page works without it.
(() => {
  const byId = (id) => document.getElementById(id);
  const svg = (path) => `<svg class="pb-icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">${path}</svg>`;
  const SIGNS = {
    ok: svg('<path d="m3.2 8.6 3.1 3.1 6.5-7.4"/>'),
    warn: svg('<path d="M8 2.4 14.2 13.2H1.8Z"/><path d="M8 6.6v3M8 11.3v.01"/>'),
    bad: svg('<path d="M8 2.4 14.2 13.2H1.8Z"/><path d="M8 6.6v3M8 11.3v.01"/>'),
    close: svg('<path d="m4 4 8 8M12 4l-8 8"/>'),
  };

  // Announcements and toasts

  const announce = (text) => {
    const region = byId("announce");
    region.textContent = "";
    setTimeout(() => (region.textContent = text), 50);
  };

  const toast = (kind, ...told) => {
    if (!told.some(Boolean)) return;
    const known = kind in SIGNS && kind !== "close" ? kind : "ok";
    const box = document.createElement("div");
    box.className = `pb-toast pb-${known}`;
    box.innerHTML = `${SIGNS[known]}<span></span><button type="button" class="pb-toast-close">${SIGNS.close}<span class="visually-hidden">Dismiss</span></button>`;
    box.querySelector("span").append(...told);
    box.querySelector("button").addEventListener("click", () => box.remove());
    byId("toasts").append(box);
    if (known !== "ok") return;
    const leave = () => (box.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : box.remove());
    setTimeout(leave, 6000);
  };

  document.addEventListener("toast", ({ detail }) => toast(detail?.kind, detail?.text));

  // Copying

  const copied = async (text) => {
    if (navigator.clipboard && isSecureContext) {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch {
        // Refused: the older way may still do.
      }
    }
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    area.readOnly = true;
    const before = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before?.focus();
    return done;
  };

  const copy = async (button) => {
    const what = button.dataset.what || "text";
    if (!(await copied(button.dataset.copy))) {
      toast("bad", `The browser did not let Patchbay copy the ${what}. Select it and copy it by hand.`);
      return;
    }
    const label = button.querySelector("[data-copy-label]");
    button.dataset.before ??= label?.textContent ?? "";
    if (label) label.textContent = "Copied";
    button.classList.add("is-copied");
    announce(`Copied the ${what}.`);
    clearTimeout(button.copyTimer);
    button.copyTimer = setTimeout(() => {
      if (label) label.textContent = button.dataset.before;
      button.classList.remove("is-copied");
    }, 2000);
  };

  // Times in the reader's zone

  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
  const short = (date, dayOnly) => {
    const now = new Date();
    const sameYear = date.getFullYear() === now.getFullYear();
    const clock = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    if (!dayOnly && date.toDateString() === now.toDateString()) return `today, ${clock}`;
    const day = date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: sameYear ? undefined : "numeric" });
    return dayOnly ? day : `${day}, ${clock}`;
  };
  const localize = (root) => {
    for (const time of root.querySelectorAll("time[data-time]:not([title])")) {
      const date = new Date(time.dateTime);
      if (isNaN(date)) continue;
      time.title = exact.format(date);
      time.textContent = short(date, time.dataset.time === "day");
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (button) copy(button);
  });

  // Esc leaves an edit or the menu; the other keys are in keys.js

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && !event.isComposing) {
      const menu = event.target.closest?.(".pb-menu[open]");
      if (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
        return;
      }
      event.target.closest?.("[data-edit-row]")?.querySelector("[data-cancel]")?.click();
    }
  });

  // A plain form shows that it is working, and is sent once

  const swapWords = (told) => {
    [told.textContent, told.dataset.whileBusy] = [told.dataset.whileBusy, told.textContent];
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented) return;
    if (form.classList.contains("is-busy")) {
      event.preventDefault();
      return;
    }
    if (form.method === "get") return;
    form.classList.add("is-busy");
    event.submitter?.classList.add("is-busy");
    for (const told of form.querySelectorAll("[data-while-busy]")) swapWords(told);
  });
  addEventListener("pageshow", () => {
    for (const told of document.querySelectorAll("form.is-busy [data-while-busy]")) swapWords(told);
    for (const busy of document.querySelectorAll(".is-busy")) busy.classList.remove("is-busy");
    for (const told of document.querySelectorAll("[data-ticked]")) countTicks(told.closest("form"));
  });

  // Ticks: how many there are, and all of a kind at once

  const boxesOf = (form, kind) => [...form.elements].filter((box) => box.matches(kind ? `[data-tick="${kind}"]` : "[data-tick]"));
  const countTicks = (form) => {
    const count = boxesOf(form).filter((box) => box.checked).length;
    form.querySelector("[data-ticked]").textContent = count ? `${count} ticked` : "";
    for (const all of form.elements) {
      if (all.matches("input[data-tick-all]")) {
        const boxes = boxesOf(form, all.dataset.tickAll);
        all.checked = boxes.length > 0 && boxes.every((box) => box.checked);
      }
    }
  };
  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-tick]")) countTicks(target.form);
  });
  document.addEventListener("click", ({ target }) => {
    const all = target.closest?.("[data-tick-all]");
    if (!all) return;
    const boxes = boxesOf(all.form, all.dataset.tickAll);
    const ticked = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = ticked;
    countTicks(all.form);
  });
  const tickAgain = (part, values) => {
    const boxes = [...part.querySelectorAll("[data-tick]")].filter((box) => values.has(box.value));
    for (const box of boxes) box.checked = true;
    if (boxes.length) countTicks(boxes[0].form);
  };

  // htmx

  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.verb !== "get") {
      detail.headers["X-CSRFToken"] = document.querySelector("meta[name=csrf-token]").content;
      return;
    }
    for (const [name, value] of [...detail.formData]) {
      if (value === "") detail.formData.delete(name);
    }
  });

  // What is being edited is not replaced by news.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.matches("[data-refresh]") && document.querySelector("[data-edit-row]")) event.preventDefault();
  });

  // A page is never put inside a part of another, nor a note in the place of what it is about.
  let focusAfter = null;
  let ticked = new Set();
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    ticked = new Set([...document.querySelectorAll("[data-tick]:checked")].map((box) => box.value));
    focusAfter = document.activeElement?.closest("[data-focus-after]")?.dataset.focusAfter;
    if (detail.xhr.status < 400) return;
    if (/^\s*<!doctype/i.test(detail.serverResponse)) {
      detail.shouldSwap = false;
      detail.isError = true;
    } else if (/^\s*<div data-toast/.test(detail.serverResponse)) {
      detail.shouldSwap = false;
      detail.isError = false;
      const note = new DOMParser().parseFromString(detail.serverResponse, "text/html").querySelector("[data-toast]");
      toast(note.dataset.toast, note.textContent.trim());
      const { id } = detail.target;
      if ([404, 409, 412].includes(detail.xhr.status) && id) {
        htmx.ajax("GET", location.pathname + location.search, { target: `#${id}`, swap: "outerHTML" });
      }
    }
  });

  const SENTENCES = {
    401: "You are signed out. Reload the page to sign in again.",
    403: "You may not do this.",
    404: "This is not there any more. Reload the page to see what is.",
    409: "Somebody changed this meanwhile. Reload the page and try again.",
    412: "Somebody changed this meanwhile. Reload the page and try again.",
    413: "That is too large.",
    429: "Too many tries. Wait a moment, then try again.",
    503: "Patchbay cannot reach its database. Try again in a moment.",
  };
  document.addEventListener("htmx:responseError", ({ detail }) => {
    toast("bad", SENTENCES[detail.xhr.status] || "That did not work, and nothing was changed. Try again.");
  });
  document.addEventListener("htmx:sendError", () => {
    toast("bad", "Patchbay did not answer. Check the connection, then try again.");
  });
  document.addEventListener("htmx:timeout", () => {
    toast("bad", "Patchbay took too long to answer. Try again.");
  });

  const settle = (part) => {
    localize(part.parentNode ?? part);
    const found = part.querySelector("[data-found], .pb-empty h2");
    if (found && document.activeElement?.matches("[data-search]")) announce(found.textContent);
  };
  const focus = (part) => {
    const wanted = part.querySelector("[autofocus]");
    if (wanted) wanted.focus();
    else if (document.activeElement === document.body && focusAfter) (byId(focusAfter) ?? document.querySelector("[data-search]"))?.focus();
  };

  document.addEventListener("htmx:load", ({ detail }) => {
    if (detail.elt === document.body) return;
    if (detail.elt.matches("[data-toast]")) {
      toast(detail.elt.dataset.toast, ...detail.elt.childNodes);
      detail.elt.remove();
      return;
    }
    tickAgain(detail.elt, ticked);
    settle(detail.elt);
    focus(detail.elt);
  });

  localize(document);
  const summary = document.querySelector(".pb-summary");
  if (summary && document.activeElement === document.body) summary.focus();
})();
