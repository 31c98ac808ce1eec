"use strict";

// Shows openapi.json and asyncapi.json as a page. Texts of the documents only ever become text, never markup.

/** An element with attributes and children; a child that is a string becomes text, with `code` between backquotes. */
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  for (const child of children.flat()) made.append(...(typeof child === "string" ? inline(child) : [child]));
  return made;
}

function inline(text) {
  return text.split("`").map((part, number) => {
    if (number % 2 === 0) return document.createTextNode(part);
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  });
}

function code(text, className) {
  const made = document.createElement("code");
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

/** The schema that a reference names, looked up in its document. */
function resolve(schema, whole) {
  if (!schema || !schema.$ref) return schema || {};
  return schema.$ref.slice(2).split("/").reduce((place, name) => place[name], whole);
}

/** A schema's type in a few words. */
function typeOf(schema, whole) {
  const resolved = resolve(schema, whole);
  if ("const" in resolved) return JSON.stringify(resolved.const);
  if (resolved.enum) return resolved.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = resolved.oneOf || resolved.anyOf;
  if (choices) return [...new Set(choices.map((choice) => typeOf(choice, whole)))].join(" | ");
  const types = [resolved.type || "any"].flat();
  return types.map((type) => (type === "array" ? `list of ${typeOf(resolved.items, whole)}` : type)).join(" | ");
}

/** What a schema asks beyond its type. */
function rulesOf(schema, whole) {
  const resolved = resolve(schema, whole);
  const rules = [];
  if (resolved.description) rules.push(resolved.description);
  if (resolved.format) rules.push(`As ${resolved.format}.`);
  if (resolved.maxLength) rules.push(`At most ${resolved.maxLength} characters.`);
  if ("minimum" in resolved && "maximum" in resolved) rules.push(`${resolved.minimum} to ${resolved.maximum}.`);
  if (resolved.maxItems) rules.push(`${resolved.minItems || 0} to ${resolved.maxItems} items.`);
  if ("default" in resolved && resolved.default !== null) rules.push(`By default ${JSON.stringify(resolved.default)}.`);
  return rules.join(" ");
}

/** The fields of an object as rows; those of objects within follow by their dotted path. */
function fieldRows(schema, whole, prefix = "", depth = 0) {
  const resolved = resolve(schema, whole);
  const required = resolved.required || [];
  return Object.entries(resolved.properties || {}).flatMap(([name, field]) => {
    const path = prefix + name;
    const inner = resolve(field, whole);
    const items = inner.type === "array" ? resolve(inner.items, whole) : null;
    const rows = [{ path, must: required.includes(name), type: typeOf(field, whole), rules: rulesOf(field, whole) }];
    if (depth > 2) return rows;
    if (inner.properties) rows.push(...fieldRows(inner, whole, `${path}.`, depth + 1));
    if (items && items.properties) rows.push(...fieldRows(items, whole, `${path}[].`, depth + 1));
    return rows;
  });
}

function fieldTable(rows, caption) {
  if (!rows.length) return [];
  const body = rows.map((row) => element("tr", {},
    element("td", {}, code(row.path, row.must ? "must" : "")),
    element("td", {}, code(row.type)),
    element("td", {}, row.rules)));
  const head = element("tr", {}, ...[caption, "Type", ""].map((text) => element("th", { scope: "col" }, text)));
  return [element("div", { class: "scroll" }, element("table", {}, element("thead", {}, head), element("tbody", {}, body)))];
}

function article(id, title, summary, ...rest) {
  return element("article", { id }, element("h3", {}, title), element("p", {}, summary), ...rest);
}

function actionArticles(api) {
  const schemas = api.components.schemas;
  return schemas.Action.oneOf.map((reference) => {
    const envelope = resolve(reference, api);
    const type = envelope.properties.type.const;
    const [summary, roles] = envelope.description.split(/ For: (?=[^:]*$)/);
    const ifSeq = envelope.properties.if_seq ? "" : " Takes no `if_seq`.";
    return article(`action-${type}`, [code(type)], summary,
      element("p", { class: "quiet" }, `For: ${roles}${ifSeq}`),
      ...fieldTable(fieldRows(envelope.properties.payload, api), "Payload"));
  });
}

function routeArticles(api) {
  return Object.entries(api.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, route]) => {
    const parameters = route.parameters.map((parameter) => ({
      path: parameter.name,
      must: parameter.required,
      type: typeOf(parameter.schema, api),
      rules: [parameter.description, rulesOf(parameter.schema, api)].filter(Boolean).join(" "),
    }));
    const body = route.requestBody ? route.requestBody.content["application/json"].schema : {};
    const isAction = JSON.stringify(body).includes("#/components/schemas/Action");
    const verb = code(method.toUpperCase(), method === "get" ? "method" : "method writes");
    return article(`route-${route.operationId}`, [verb, code(` ${path}`)], `${route.summary}.`,
      element("p", { class: "quiet" }, route.description),
      ...fieldTable(parameters, "Parameter"),
      ...(isAction ? [] : fieldTable(fieldRows(body, api), "Body")));
  }));
}

function eventArticles(api) {
  return Object.entries(api.components.messages).map(([name, message]) => {
    const title = [code(message.name), name.endsWith(".request") ? ", from you" : name.endsWith(".ack") ? ", its ack" : ", from the server"];
    const choices = message.payload.oneOf || [message.payload];
    const isAction = JSON.stringify(message.payload).includes("#/components/schemas/Action\"");
    return article(`event-${name}`, title, message.summary,
      ...(isAction ? [] : fieldTable(fieldRows(choices[0], api), "Data")));
  });
}

function errorArticle(api) {
  const described = api.components.schemas.Error.properties.code.description;
  const rows = [...described.matchAll(/`([a-z_]+)`: (.*?)(?= `[a-z_]+`: |$)/g)].map(([, name, text]) =>
    element("tr", {}, element("td", {}, code(name)), element("td", {}, text)));
  return article("errors", ["Every error"], "Refusals of both doors carry the same object.",
    element("pre", {}, code('{"ok": false, "error": {"code": …, "message": …, "fields"?: …, "current"?: …, "retry_after"?: …}}')),
    element("div", { class: "scroll" }, element("table", {}, element("tbody", {}, rows))));
}

function startArticle() {
  const steps = [
    `curl -s ${location.origin}/api/users/authenticate -H "Content-Type: application/json" \\`,
    "  -d '{\"email\": \"teacher1@s1.demo.test\", \"password\": \"rollcall-demo\"}'",
    "",
    "TOKEN=…  # the access_token of the answer",
    `curl -s ${location.origin}/api/actions -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\`,
    "  -d '{\"type\": \"attendance.mark\", \"op_id\": \"my-first\", \"payload\": {\"class_id\": \"s1-c1\",",
    `       "date": "${new Date().toISOString().slice(0, 10)}", "period": "1", "student_id": "s1-c1-p1", "code": "P"}}'`,
  ];
  return article("start", ["First steps"], "Sign in, then act; the same `op_id` again gets the same answer.",
    element("pre", {}, code(steps.join("\n"))));
}

function section(title, articles) {
  return { title, articles, made: element("section", {}, element("h2", {}, title), articles) };
}

function contents(sections) {
  return sections.flatMap(({ title, articles }) => [
    element("h2", {}, title),
    element("ul", {}, articles.map((one) =>
      element("li", {}, element("a", { href: `#${one.id}` }, one.querySelector("h3").textContent)))),
  ]);
}

/** Shows only what holds every word of the search. */
function filter(sections, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const { articles, made } of sections) {
    for (const one of articles) {
      const hay = one.textContent.toLowerCase();
      one.hidden = !words.every((word) => hay.includes(word));
      document.querySelector(`nav a[href="#${CSS.escape(one.id)}"]`).parentElement.hidden = one.hidden;
    }
    made.hidden = articles.every((one) => one.hidden);
  }
}

async function load(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  return answer.json();
}

async function show() {
  const state = document.getElementById("state");
  try {
    const [http, socket] = await Promise.all([load("/api/openapi.json"), load("/api/asyncapi.json")]);
    document.getElementById("version").textContent = http.info.version;
    const sections = [
      section("Start", [startArticle(), errorArticle(http)]),
      section("Actions", actionArticles(http)),
      section("Routes", routeArticles(http)),
      section("Socket events", eventArticles(socket)),
    ];
    document.getElementById("contents").append(...contents(sections));
    state.replaceWith(...sections.map((one) => one.made));
    const search = document.getElementById("search");
    search.addEventListener("input", () => filter(sections, search.value));
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  } catch (error) {
    state.textContent = `The documents could not be loaded: ${error.message}. Reload the page to try again.`;
  }
}

show();
