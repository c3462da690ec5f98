// "Try it": a form for an operation, created when it is opened. The token is in this variable only, never stored.
let token = "";

const make = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

const field = (operation, label, input) => {
  input.id = `try-${operation.id}-${label.replace(/\W/g, "-")}`;
  input.classList.add("form-control");
  return make("div", {}, make("label", { htmlFor: input.id, textContent: label }), input);
};

const tokenField = (operation) => {
  const input = make("input", { type: "password", autocomplete: "off", value: token, placeholder: "Paste a token" });
  input.dataset.tryToken = "";
  input.addEventListener("input", () => {
    token = input.value.trim();
    for (const other of document.querySelectorAll("[data-try-token]")) if (other !== input) other.value = token;
  });
  return field(operation, "Token (kept on this page only, never stored)", input);
};

const parameterField = (operation, { dataset: { parameter, in: place, example = "" } }) => {
  const input = make("input", { type: "text", autocomplete: "off", spellcheck: false, value: example });
  Object.assign(input.dataset, { name: parameter, place });
  return field(operation, `${parameter} (${place})`, input);
};

const bodyOf = (operation) => operation.querySelector("[data-body]")?.dataset.body;

const read = (operation, form) => {
  let path = operation.dataset.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const { value, dataset: { name, place } } of form.querySelectorAll("[data-name]")) {
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value && place === "query") query.set(name, value);
    else if (value) headers[name] = value;
  }
  if ("token" in operation.dataset) headers.Authorization = `Bearer ${token}`;
  const body = form.querySelector("textarea")?.value;
  if (body) headers["Content-Type"] = "application/json";
  const address = query.size ? `${path}?${query}` : path;
  return [address, { method: operation.dataset.method, headers, body, credentials: "omit", cache: "no-store" }];
};

const pretty = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};

const SHOWN = ["etag", "link", "location", "retry-after", "x-request-id"];

const describe = async (response, milliseconds) => {
  const headers = SHOWN.filter((name) => response.headers.has(name));
  const lines = headers.map((name) => `${name}: ${response.headers.get(name)}`);
  const body = pretty(await response.text());
  return [`${response.status} ${response.statusText} in ${milliseconds} ms`, [...lines, "", body].join("\n").trim()];
};

const send = async (operation, form, title, result) => {
  title.textContent = "Sending…";
  const [address, options] = read(operation, form);
  const start = performance.now();
  try {
    const response = await fetch(address, options);
    [title.textContent, result.textContent] = await describe(response, Math.round(performance.now() - start));
  } catch {
    title.textContent = "No response";
    result.textContent = "";
  }
};

const build = (operation, place) => {
  const form = make("form");
  if ("token" in operation.dataset) form.append(tokenField(operation));
  for (const parameter of operation.querySelectorAll("[data-parameter]")) {
    form.append(parameterField(operation, parameter));
  }
  const body = bodyOf(operation);
  if (body !== undefined) {
    const rows = Math.min(body.split("\n").length + 1, 20);
    form.append(field(operation, "Body", make("textarea", { value: body, rows, spellcheck: false })));
  }
  const changes = operation.dataset.method !== "GET";
  form.append(make("div", {}, make("button", {
    className: "btn btn-sm", textContent: changes ? "Send (changes data)" : "Send",
  })));
  const title = make("span", { role: "status" });
  const result = make("code");
  const output = make("figure", { className: "pb-code", hidden: true }, make("figcaption", {}, title),
    make("pre", { tabIndex: 0, ariaLabel: "Response", role: "region" }, result));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    output.hidden = false;
    send(operation, form, title, result);
  });
  place.append(form, output);
};

document.addEventListener("toggle", ({ target }) => {
  if (!target.matches?.("[data-try]") || !target.open) return;
  const place = target.querySelector("[data-try-form]");
  if (!place.hasChildNodes()) build(target.closest(".pb-op"), place);
}, true);
