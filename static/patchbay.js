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
    const region = document.querySelector("dialog[open] [data-announce]") ?? byId("announce");
    region.textContent = "";
    setTimeout(() => (region.textContent = text), 50);
  };

  // What takes longer than a moment is said to be under way.
  let soon = 0;
  const saySoon = () => (soon = setTimeout(announce, 1000, "Working on it…"));

  // Where nothing else can take the focus: the place itself, so that the next Tab goes on from there.
  const stand = (place) => {
    if (place.tabIndex < 0) place.setAttribute("tabindex", "-1");
    place.focus();
  };

  const toast = (kind, ...told) => {
    if (!told.some(Boolean)) return;
    const known = kind in SIGNS && kind !== "close" ? kind : "ok";
    const box = document.createElement("div");
    box.className = `pb-toast pb-${known}`;
    box.innerHTML = `${SIGNS[known]}<span></span><button type="button" class="pb-toast-close">${SIGNS.close}<span class="visually-hidden">Dismiss</span></button>`;
    box.querySelector("span").append(...told);
    let before = null;
    box.addEventListener("focusin", ({ relatedTarget }) => (before = relatedTarget ?? before));
    box.dismiss = () => {
      const hadFocus = box.contains(document.activeElement);
      box.remove();
      if (hadFocus) stand(before?.isConnected ? before : byId("main"));
    };
    box.querySelector("button").addEventListener("click", box.dismiss);
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

  // Times in the reader's zone: short, and exact on hover, on a tap, or all of them at once

  const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });
  const short = (date, dayOnly) => {
    const now = new Date();
    const sameYear = date.getFullYear() === now.getFullYear();
    const clock = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    if (!dayOnly && date.toDateString() === now.toDateString()) return `today, ${clock}`;
    const day = date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: sameYear ? undefined : "numeric" });
    return dayOnly ? day : `${day}, ${clock}`;
  };
  const show = (time, isExact) => {
    time.classList.toggle("is-exact", isExact);
    time.textContent = isExact ? time.title : time.dataset.short;
  };
  const localize = (root) => {
    for (const time of root.querySelectorAll("time[data-time]:not([title])")) {
      const date = new Date(time.dateTime);
      if (isNaN(date)) continue;
      time.title = exact.format(date);
      time.dataset.short = short(date, time.dataset.time === "day");
      show(time, "exactTimes" in document.documentElement.dataset);
    }
  };
  document.addEventListener("times", ({ detail }) => {
    document.documentElement.toggleAttribute("data-exact-times", detail);
    for (const time of document.querySelectorAll("time[data-short]")) show(time, detail);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (button) copy(button);
    const time = event.target.closest?.("time[data-short]");
    if (time) show(time, !time.classList.contains("is-exact"));
  });

  // Esc leaves what is open round the focus, and then the messages; the other keys are in keys.js

  const leave = (from) => {
    const opened = from.closest("details[open]") ?? (from.closest(".pb-rail") && document.querySelector(".pb-menu[open]"));
    const edit = from.closest("[data-edit-row]");
    const bar = from.closest("[data-do]");
    if (opened) {
      opened.open = false;
      opened.querySelector("summary").focus();
    } else if (edit) edit.querySelector("[data-cancel]").click();
    else if (bar && lastTick) boxOf(bar.closest("form"), lastTick)?.focus();
    else for (const box of document.querySelectorAll(".pb-toast")) box.dismiss();
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && !event.isComposing && !event.target.closest?.("dialog")) leave(event.target);
  });

  // A plain form shows that it is working, and is sent once

  const swapWords = (told) => {
    [told.textContent, told.dataset.whileBusy] = [told.dataset.whileBusy, told.textContent];
  };
  const beDone = () => {
    for (const told of document.querySelectorAll("form.is-busy [data-while-busy]")) swapWords(told);
    for (const busy of document.querySelectorAll(".is-busy")) busy.classList.remove("is-busy");
  };
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const { submitter } = event;
    if (event.defaultPrevented) return;
    if (form.classList.contains("is-busy")) {
      event.preventDefault();
      return;
    }
    if (form.method === "get" || form.matches("[data-stays]")) return;
    form.classList.add("is-busy");
    submitter?.classList.add("is-busy");
    for (const told of form.querySelectorAll("[data-while-busy]")) swapWords(told);
    saySoon();
    if (!isOld()) return;
    event.preventDefault();
    const isIn = await isSignedIn();
    beDone();
    clearTimeout(soon);
    if (isIn) form.requestSubmit(submitter);
  });
  addEventListener("pageshow", () => {
    beDone();
    for (const told of document.querySelectorAll("[data-ticked]")) countTicks(told.closest("form"));
  });

  // On a page that was open for long, a form is sent once its session is known to live: what is typed stays

  const MINUTES = 10;
  let since = performance.now();
  const isOld = () => performance.now() - since > MINUTES * 60_000 && document.querySelector(".pb-rail");
  const isSignedIn = async () => {
    const answer = await fetch("/account").catch(() => null);
    if (!answer?.ok) {
      toast("bad", "Patchbay did not answer, and nothing was sent. What you typed is still here. Try again.");
      return false;
    }
    if (answer.redirected) {
      toast("bad", "You are signed out, and nothing was sent. What you typed is still here. Sign in in another tab, then try again here.");
      return false;
    }
    const token = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("meta[name=csrf-token]").content;
    document.querySelector("meta[name=csrf-token]").content = token;
    for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = token;
    since = performance.now();
    return true;
  };
  document.addEventListener("htmx:confirm", (event) => {
    if (event.detail.verb === "get" || !isOld()) return;
    event.preventDefault();
    isSignedIn().then((isIn) => isIn && event.detail.issueRequest(true));
  });

  // Ticks: how many there are, all of a kind at once, and with Shift all between two

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
  const boxOf = (form, value) => boxesOf(form).find((box) => box.value === value);
  let lastTick = null;
  document.addEventListener("click", ({ target, shiftKey }) => {
    if (!target.matches?.("[data-tick]")) return;
    const boxes = boxesOf(target.form);
    const [from, to] = [boxOf(target.form, shiftKey && lastTick) ?? target, target].map((box) => boxes.indexOf(box)).sort((a, b) => a - b);
    for (const box of boxes.slice(from, to + 1)) box.checked = target.checked;
    lastTick = target.value;
    countTicks(target.form);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches?.("[data-tick], [data-tick-all]")) return;
    if (event.target.matches("button")) return;
    event.preventDefault();
    if (event.target.matches("[data-tick]")) lastTick = event.target.value;
    event.target.form.querySelector("[data-do] :is(button, input, select)")?.focus();
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

  document.addEventListener("htmx:beforeSend", ({ detail }) => {
    if (!detail.elt.matches("[hx-trigger]")) saySoon();
  });
  document.addEventListener("htmx:afterRequest", () => clearTimeout(soon));

  // What is being edited is not replaced by news.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.matches("[data-refresh]") && document.querySelector("[data-edit-row]")) event.preventDefault();
  });

  // What has the focus in a part that is replaced, and where it goes: the same again, or what comes instead.
  const NAMES = ["id", "href", "data-copy", "value"];
  const holding = (part) => {
    const element = document.activeElement;
    if (!part?.contains(element)) return null;
    const name = NAMES.find((each) => element.hasAttribute(each));
    return {
      after: element.closest("[data-focus-after]")?.dataset.focusAfter,
      again: name && `${element.localName}[${name}="${CSS.escape(element.getAttribute(name))}"]`,
      part: part.id,
      round: part.parentElement,
    };
  };
  const putBack = ({ after, again: same, part: id, round }) => {
    const again = after ? (byId(after) ?? document.querySelector("[data-search]")) : same && round.querySelector(same);
    if (again) return again.focus();
    const part = byId(id);
    stand(part && !part.matches("[hx-trigger]") ? part : round);
  };

  // A page is never put inside a part of another, nor a note in the place of what it is about.
  let held = null;
  let ticked = new Set();
  // Who is signed out leaves the page, unless something of theirs is on it that was not sent yet.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const { xhr } = event.detail;
    if (xhr.status !== 401 || (xhr.getResponseHeader("HX-Redirect") && !document.querySelector("[data-edit-row]"))) return;
    event.preventDefault();
    since = -Infinity;
    toast("bad", "You are signed out. What you typed is still here. Sign in in another tab, then try again here.");
  });
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    ticked = new Set([...document.querySelectorAll("[data-tick]:checked")].map((box) => box.value));
    held = holding(detail.target);
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

  // A live region that comes with the part it is in is not heard: what it says is said again, each thing once.
  let told = "";
  const settle = (part) => {
    localize(part.parentNode ?? part);
    const found = part.querySelector("[data-found], .pb-empty h2");
    const isSearched = document.activeElement?.matches("[data-search]");
    const status = [...part.querySelectorAll("[role=status]")].map((each) => each.textContent.trim().replace(/\s+/g, " ")).join(" ");
    const gist = part.matches("[hx-trigger]") ? status.replace(/\d/g, "") : status;
    if (found && isSearched) announce(found.textContent);
    else if (status && gist !== told) announce(status);
    told = gist;
  };
  const focus = (part) => {
    const wanted = part.querySelector("[autofocus]");
    if (wanted) wanted.focus();
    else if (held && document.activeElement === document.body) putBack(held);
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

  // A heading that sorts and a link to another page of a table, pressed by key: the focus is there again.
  const session = () => {
    try {
      return sessionStorage;
    } catch {
      return null;
    }
  };
  const TURNS = "main :is(.pb-sort, .pb-paging a)";
  const PRESSED = "patchbay-pressed";
  document.addEventListener("click", ({ target, detail }) => {
    const link = !detail && target.closest?.(TURNS);
    if (link) session()?.setItem(PRESSED, link.textContent.trim());
  });
  const goOn = () => {
    const pressed = session()?.getItem(PRESSED);
    session()?.removeItem(PRESSED);
    [...document.querySelectorAll(TURNS)].find((link) => link.textContent.trim() === pressed)?.focus();
  };

  // Where nobody is signed in, nothing of what htmx noted down for somebody is kept.
  if (!document.querySelector(".pb-rail")) {
    session()?.clear();
  }

  localize(document);
  // The browser does not do what asks for the focus in a part that the address names.
  const wanted = byId(location.hash.slice(1))?.querySelector("[autofocus]");
  const isFree = document.activeElement === document.body && !document.querySelector("[autofocus]:not(.pb-summary)");
  const news = document.querySelector(".pb-summary") ?? document.querySelector(".pb-flashes, main [role=alert]");
  if (wanted) addEventListener("load", () => wanted.focus());
  else if (news && isFree && !location.hash) stand(news);
  else if (news) announce(news.textContent.trim().replace(/\s+/g, " "));
  else if (isFree) goOn();
})();
