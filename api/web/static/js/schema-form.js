// A form made from a JSON schema: every field has a label, a hint, and a place for its error.

import { make } from "./dom.js";
import { bounds, capital, classify, inside, listText, parseList, parseSeeds, parseValue, resolved, same, seedsText, setAt, tagOf, valueAt, words } from "./schema.js";

export class SchemaForm {
  /**
   * @param {HTMLElement} root Where to build.
   * @param {any} schema JSON schema of the document.
   * @param {string[]} order Names of the sections, in order.
   * @param {() => void} changed Called after each change.
   */
  constructor(root, schema, order, changed) {
    this.root = root;
    this.schema = schema;
    this.order = order;
    this.changed = changed;
    this.document = {};
    this.defaults = new Map();
  }

  /** Show this document. */
  set(document) {
    this.document = structuredClone(document);
    this.rebuild();
  }

  rebuild() {
    this.defaults.clear();
    const simple = make("div", { className: "fields" });
    const sections = [];
    for (const name of this.order) {
      const part = this.field(name, this.schema.properties[name], [name], this.schema.required?.includes(name));
      if (part.tagName === "FIELDSET") sections.push(part);
      else simple.append(part);
    }
    const general = make("fieldset", { className: "section" }, make("legend", { textContent: "Experiment" }), simple);
    this.root.replaceChildren(general, ...sections);
    // Made last, as it offers the paths of all others; shown second, as it makes the runs.
    general.after(this.sweep());
    this.markSwept();
  }

  /** A swept field has the sweep's values: its own is not used, and cannot be changed. */
  markSwept() {
    const sweep = this.document.sweep ?? {};
    for (const control of this.root.querySelectorAll("[data-path]")) {
      const { path } = control.dataset;
      control.disabled = path in sweep;
      const hint = document.getElementById(`hint-${path}`);
      if (!hint) continue;
      hint.querySelector(".swept")?.remove();
      control.classList.toggle("is-swept", control.disabled);
      if (control.disabled) hint.prepend(make("strong", { className: "swept", textContent: `Swept: ${listText(sweep[path])}. ` }));
    }
  }

  /** All dotted paths that lead to a value and can be swept. */
  paths() {
    const found = [...this.root.querySelectorAll("[data-path]")].map((element) => element.dataset.path);
    return found.filter((path) => path.includes(".") && !path.startsWith("sweep."));
  }

  field(name, raw, path, required) {
    const found = classify(raw, this.schema);
    const makers = {
      object: () => this.object(name, found, path),
      choice: () => this.choice(name, found, path),
      none: () => make("span", { hidden: true }),
      constant: () => make("span", { hidden: true }),
      map: () => make("span", { hidden: true }),
    };
    return (makers[found.kind] ?? (() => this.leaf(name, found, path, required)))();
  }

  object(name, found, path) {
    const box = make("fieldset", { className: "section" }, make("legend", { textContent: words(name) }));
    const value = valueAt(this.document, path);
    const on = value !== undefined ? value !== null : Boolean(found.on) || !found.optional;
    if (found.node.description) box.append(make("p", { className: "hint", textContent: found.node.description }));
    if (found.optional && !found.on) this.defaults.set(path.join("."), null);
    if (found.optional) box.append(this.toggle(name, path, on, found.on ? undefined : constants(found.node), found.on ? null : undefined));
    if (on) box.append(this.children(found.node, path));
    box.append(this.errorPlace(path));
    return box;
  }

  toggle(name, path, on, whenOn, whenOff) {
    const input = make("input", { type: "checkbox", checked: on });
    input.addEventListener("change", () => {
      setAt(this.document, path, input.checked ? structuredClone(whenOn) : whenOff);
      this.restructured(path);
    });
    return make("label", { className: "check", dataset: { toggle: path.join(".") } }, input, `Use ${inside(name)}`);
  }

  children(node, path) {
    const fields = make("div", { className: "fields" });
    for (const [name, raw] of Object.entries(node.properties)) {
      // The service fills it in.
      if (raw.readOnly) continue;
      fields.append(this.field(name, raw, [...path, name], node.required?.includes(name)));
    }
    return fields;
  }

  choice(name, found, path) {
    const box = make("fieldset", { className: "section" }, make("legend", { textContent: words(name) }));
    const [tag] = tagOf(found.options[0]);
    const current = valueAt(this.document, path);
    // A document may leave out the kind that is the default.
    const kind = current?.[tag] ?? (current && found.options.find((option) => "default" in option.properties[tag])?.properties[tag].default);
    const chosen = found.options.find((option) => tagOf(option)[1] === kind);
    const select = make("select", { id: `field-${path.join(".")}`, dataset: { path: path.join(".") } });
    if (found.optional) select.append(make("option", { value: "", textContent: "none" }));
    for (const option of found.options) {
      const value = tagOf(option)[1];
      select.append(make("option", { value, textContent: words(value), selected: option === chosen }));
    }
    if (!chosen && found.optional) select.value = "";
    select.addEventListener("change", () => {
      const next = found.options.find((option) => tagOf(option)[1] === select.value);
      // What the next kind needs, and this one has, is kept: it has no default.
      const needed = (next?.required ?? []).filter((name) => name !== tag && current && name in current);
      const kept = Object.fromEntries(needed.map((name) => [name, current[name]]));
      setAt(this.document, path, next ? { [tag]: select.value, ...kept } : undefined);
      this.restructured(path);
    });
    const label = make("label", { htmlFor: select.id, textContent: words(tag) });
    const hint = make("span", { className: "hint", textContent: chosen?.description ?? found.node.description ?? "" });
    box.append(make("div", { className: "form-field wide" }, label, select, hint, this.errorPlace(path)));
    if (chosen) box.append(this.children(chosen, path));
    return box;
  }

  /** A part appeared or went: build anew, keep the keyboard where it was. */
  restructured(path) {
    this.rebuild();
    const dotted = CSS.escape(path.join("."));
    const again = this.root.querySelector(`[data-toggle="${path.join(".")}"] input, #field-${dotted}`);
    again?.focus();
    this.changed();
  }

  leaf(name, found, path, required) {
    const dotted = path.join(".");
    this.defaults.set(dotted, found.default ?? (found.optional ? null : undefined));
    const value = valueAt(this.document, path);
    if (dotted === "seeds") found = { ...found, isSeeds: true };
    const control = this.control(found, value === undefined ? found.default : value);
    control.id = `field-${dotted}`;
    control.dataset.path = dotted;
    control.setAttribute("aria-describedby", `hint-${dotted} error-${dotted}`);
    if (required) control.required = true;
    control.addEventListener(control.tagName === "SELECT" || control.type === "checkbox" ? "change" : "input", () => {
      const next = this.read(control, found);
      setAt(this.document, path, same(next, found.default) ? undefined : next);
      this.changed();
    });
    const allowed = found.kind === "number" ? bounds(found.node) : "";
    const seeds = found.isSeeds && "A single number is the number of seeds: 5 means 0 to 4. Lists and ranges name them: 0, 1, 7 or 5-9.";
    const hint = [found.node.description, seeds, allowed && `${capital(allowed)}.`].filter(Boolean).join(" ");
    return make(
      "div",
      { className: found.kind === "list" ? "form-field wide" : "form-field" },
      make("label", { htmlFor: control.id, textContent: words(name) + (required ? " *" : "") }),
      control,
      make("span", { className: "hint", id: `hint-${dotted}`, textContent: hint }),
      this.errorPlace(path),
    );
  }

  control(found, value) {
    if (found.kind === "boolean") return make("input", { type: "checkbox", checked: Boolean(value) });
    if (found.kind === "enum") {
      const options = found.node.enum.map((one) => make("option", { value: one, textContent: one, selected: one === value }));
      return make("select", {}, ...options);
    }
    const text = found.isSeeds ? seedsText(value ?? []) : found.kind === "list" ? listText(value) : value ?? "";
    const input = make("input", { type: "text", value: String(text), autocomplete: "off" });
    if (found.kind === "number") input.inputMode = "decimal";
    return input;
  }

  read(control, found) {
    if (found.kind === "boolean") return control.checked;
    if (found.kind === "enum") return control.value;
    const text = control.value.trim();
    if (found.isSeeds) return parseSeeds(text);
    if (text === "" && found.optional) return null;
    if (found.kind === "list") {
      const texts = resolved(found.node.items ?? {}, this.schema).type === "string";
      return texts ? text.split(",").map((one) => one.trim()).filter(Boolean) : parseList(text);
    }
    if (text === "") return undefined;
    return found.kind === "number" ? parseValue(text) : control.value;
  }

  errorPlace(path) {
    return make("span", { className: "wrong", id: `error-${path.join(".")}` });
  }

  sweep() {
    const box = make("fieldset", { className: "section", id: "sweep" }, make("legend", { textContent: "Sweep" }));
    box.append(make("p", { className: "hint", textContent: this.schema.properties.sweep.description }));
    const rows = make("div");
    for (const [path, values] of Object.entries(this.document.sweep ?? {})) rows.append(this.sweepRow(path, listText(values)));
    const add = make("button", { type: "button", className: "small", textContent: "Add a field to sweep" });
    add.addEventListener("click", () => {
      const row = this.sweepRow("regularization.l2", "");
      rows.append(row);
      row.querySelector("select").focus();
    });
    box.append(rows, make("p", {}, add), this.errorPlace(["sweep"]));
    this.sweepRows = rows;
    return box;
  }

  sweepRow(path, text) {
    const select = make("select", { attrs: { "aria-label": "Field to sweep" } });
    const paths = this.paths();
    for (const one of paths.includes(path) ? paths : [path, ...paths]) {
      select.append(make("option", { value: one, textContent: one, selected: one === path }));
    }
    const values = make("input", { type: "text", value: text, autocomplete: "off", placeholder: "0, 0.0025, 0.005", attrs: { "aria-label": "Values, separated by commas" } });
    const remove = make("button", { type: "button", className: "small quiet", textContent: "Remove" });
    const wrong = make("span", { className: "wrong" });
    const row = make("div", {}, make("div", { className: "sweep-row" }, select, values, remove), wrong);
    Object.assign(row, { select, values, wrong });
    remove.addEventListener("click", () => {
      row.remove();
      this.readSweep();
    });
    select.addEventListener("change", () => this.readSweep());
    values.addEventListener("input", () => this.readSweep());
    return row;
  }

  readSweep() {
    const sweep = {};
    for (const row of this.sweepRows.children) sweep[row.select.value] = parseList(row.values.value);
    this.document.sweep = Object.keys(sweep).length ? sweep : undefined;
    if (!this.document.sweep) delete this.document.sweep;
    this.markSwept();
    this.changed();
  }

  clearErrors() {
    for (const place of this.root.querySelectorAll(".wrong")) place.textContent = "";
    for (const control of this.root.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
  }

  /** Put each error beside its field; returns those that have no place. */
  showErrors(errors) {
    this.clearErrors();
    return errors.filter((error) => !this.showError(error));
  }

  showError({ field, detail, remedy }) {
    const text = `${detail} ${remedy}`.trim();
    for (const row of this.sweepRows.children) {
      if (field.startsWith(`sweep.${row.select.value}`)) {
        row.values.setAttribute("aria-invalid", "true");
        row.wrong.textContent = `${field.replace(/^.*(\[\d+\])/, "Value $1: ")} ${text}`.trim();
        return true;
      }
    }
    let path = field.replace(/\[\d+\].*$/, "");
    while (path) {
      const place = document.getElementById(`error-${path}`);
      if (place && this.root.contains(place)) {
        const control = document.getElementById(`field-${path}`);
        control?.setAttribute("aria-invalid", "true");
        place.textContent = path === field ? text : `${field}: ${text}`;
        return true;
      }
      path = path.includes(".") ? path.slice(0, path.lastIndexOf(".")) : "";
    }
    return false;
  }
}

/** A new object: only what it must be. */
const constants = (node) =>
  Object.fromEntries(
    Object.entries(node.properties)
      .filter(([, field]) => field.const !== undefined)
      .map(([name, field]) => [name, field.const]),
  );
