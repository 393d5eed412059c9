// Shows the document of /api-docs. Everything from it goes into the page as text, never as HTML.
"use strict";

const methods = ["get", "put", "post", "delete", "patch", "head", "options"];

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

/** Text in which `words` are code. */
function prose(text) {
  return text.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part)).filter((part) => part !== "");
}

/** What a "$ref" points at, and its last word; members beside "$ref" win. */
function resolved(api, value) {
  if (!value || !value.$ref) return {value, name: ""};
  const steps = value.$ref.slice(2).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const target = resolved(api, steps.reduce((at, step) => at[step], api));
  return {value: {...target.value, ...value, $ref: undefined}, name: target.name || steps.at(-1)};
}

function limits(schema) {
  if (schema.anyOf) return schema.anyOf.map(limits).filter(Boolean).join("; or ");
  const parts = [];
  if (schema.minLength !== undefined || schema.maxLength !== undefined)
    parts.push(`${schema.minLength ?? 0} to ${schema.maxLength ?? "any number of"} bytes`);
  if (schema.minimum !== undefined && schema.maximum !== undefined) parts.push(`${schema.minimum} to ${schema.maximum}`);
  if (schema.minItems !== undefined || schema.maxItems !== undefined)
    parts.push(`${schema.minItems ?? 0} to ${schema.maxItems ?? "any number of"} items`);
  if (schema.items && limits(schema.items)) parts.push(`each ${limits(schema.items)}`);
  if (schema.enum) parts.push(schema.enum.map((word) => JSON.stringify(word)).join(" or "));
  if (schema.const !== undefined) parts.push(`always ${JSON.stringify(schema.const)}`);
  if (schema.additionalProperties === false) parts.push("no other members");
  return parts.join("; ");
}

/** "array of DfspServerCert", "string or null" */
function typeOf(api, given) {
  const {value: schema, name} = resolved(api, given);
  if (schema.anyOf) return schema.anyOf.map((one) => typeOf(api, one)).join(" or ");
  if (schema.type === "array" && schema.items) return `array of ${typeOf(api, schema.items)}`;
  if (name) return name;
  return [schema.type ?? []].flat().join(" or ") || (schema.enum || "const" in schema ? "value" : "anything");
}

/** The objects with members that a schema is, or is made of. */
function objectsIn(api, given) {
  const {value: schema, name} = resolved(api, given);
  if (schema.anyOf) return schema.anyOf.flatMap((one) => objectsIn(api, one));
  if (schema.items) return objectsIn(api, schema.items);
  return schema.properties ? [{schema, name}] : [];
}

function member(api, name, given, wanted) {
  const {value: schema} = resolved(api, given);
  const line = [
    element("span", {className: wanted ? "wanted" : "", title: wanted ? "always there" : ""}, name),
    ` ${typeOf(api, given)} `,
    element("span", {className: "says"}, ...prose([schema.description, limits(schema)].filter(Boolean).join(". "))),
  ];
  const inner = objectsIn(api, given);
  if (inner.length === 0) return element("li", {}, ...line);
  // Opened when somebody looks: schemas nest deeply.
  const details = element("details", {}, element("summary", {}, ...line));
  details.addEventListener("toggle", () => {
    if (details.childElementCount === 1) details.append(...inner.map((one) => members(api, one.schema)));
  });
  return element("li", {}, details);
}

function members(api, schema) {
  const wanted = schema.required ?? [];
  return element("ul", {className: "schema"},
    ...Object.entries(schema.properties).map(([name, given]) => member(api, name, given, wanted.includes(name))));
}

function content(api, types) {
  return Object.entries(types ?? {}).flatMap(([type, {schema}]) => [
    element("p", {}, element("code", {}, type), ` ${typeOf(api, schema)} `,
      element("span", {className: "soft"}, limits(resolved(api, schema).value))),
    ...objectsIn(api, schema).flatMap((one, index, all) =>
      [all.length > 1 ? element("code", {}, one.name) : "", members(api, one.schema)]),
  ]);
}

function row(head, ...cells) {
  return element("tr", {}, element("th", {scope: "row"}, head), ...cells.map((cell) => element("td", {}, cell)));
}

function parameters(api, list) {
  if (!list) return [];
  return [element("h3", {}, "Parameters"), element("table", {}, ...list.map((given) => {
    const {value} = resolved(api, given);
    const says = [value.description, limits(value.schema)].filter(Boolean).join(". ");
    return row(element("code", {className: value.required ? "wanted" : ""}, value.name), value.in, typeOf(api, value.schema), says);
  }))];
}

function answers(api, responses) {
  const groups = new Map(); // the same answer to several statuses is shown once
  for (const [status, given] of Object.entries(responses)) {
    const key = JSON.stringify(given);
    groups.set(key, {given, statuses: [...(groups.get(key)?.statuses ?? []), status === "default" ? "others" : status]});
  }
  return [element("h3", {}, "Answers"), element("table", {}, ...[...groups.values()].map(({given, statuses}) => {
    const {value} = resolved(api, given);
    return row(element("code", {}, statuses.join(", ")), element("div", {}, ...prose(value.description), ...content(api, value.content)));
  }))];
}

function operation(api, server, path, method, given) {
  const details = element("details", {className: "operation", id: given.operationId},
    element("summary", {},
      element("span", {className: `method ${method}`}, method.toUpperCase()),
      element("span", {className: "path"}, server + path),
      element("span", {className: "what"}, given.summary ?? "")));
  details.dataset.words = [method, server + path, given.summary, given.description, ...(given["x-roles"] ?? [])]
    .join(" ").toLowerCase();
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return;
    details.append(element("div", {className: "body"},
      element("p", {}, element("span", {className: "soft"}, "For "), (given["x-roles"] ?? []).join(", ")),
      given.description ? element("p", {}, ...prose(given.description)) : null,
      ...parameters(api, given.parameters),
      ...(given.requestBody ? [element("h3", {}, "Body"), ...content(api, given.requestBody.content)] : []),
      ...answers(api, given.responses)));
  });
  return details;
}

function operationsOf(api) {
  return Object.entries(api.paths).flatMap(([path, item]) => {
    const server = (item.servers ?? api.servers).at(0).url.replace(/\/$/, "");
    return methods.filter((method) => item[method])
      .map((method) => ({tag: item[method].tags?.[0], shown: operation(api, server, path, method, item[method])}));
  });
}

function show(api) {
  document.title = `${api.info.title}: API`;
  document.getElementById("about").append(
    element("h1", {}, api.info.title),
    ...api.info.description.split("\n\n").map((text) => element("p", {}, ...prose(text))),
    element("p", {className: "soft"}, "The document itself: ", element("a", {href: "/api-docs"}, "/api-docs"),
      `, OpenAPI ${api.openapi}, version ${api.info.version}.`));
  const all = operationsOf(api);
  for (const [index, tag] of api.tags.entries()) {
    const id = `topic-${index}`;
    document.getElementById("topics").append(element("li", {}, element("a", {href: `#${id}`}, tag.name)));
    document.getElementById("operations").append(element("section", {id},
      element("h2", {}, tag.name), element("p", {className: "soft"}, tag.description ?? ""),
      ...all.filter((one) => one.tag === tag.name).map((one) => one.shown)));
  }
  document.getElementById("status").textContent = `${all.length} operations`;
  document.getElementById("filter").addEventListener("input", (event) => filter(event.target.value));
  openLinked();
  window.addEventListener("hashchange", openLinked);
}

function filter(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll("section")) {
    for (const one of section.querySelectorAll("details.operation"))
      one.hidden = !words.every((word) => one.dataset.words.includes(word));
    section.hidden = !section.querySelector("details.operation:not([hidden])");
  }
}

function openLinked() {
  const linked = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (linked?.matches("details")) linked.open = true;
  linked?.scrollIntoView();
}

fetch("/api-docs")
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`status ${answer.status}`))))
  .then(show)
  .catch((problem) => {
    document.getElementById("status").textContent = `The document could not be read: ${problem.message}`;
  });
