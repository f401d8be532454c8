// Cancel, retry, delete, name and tags of an experiment.

import { byId, confirmed, make, say } from "./dom.js";
import { at, call, pauseReading } from "./http.js";

/** @param changed Called with the experiment after a change of its runs' states. */
export function wireActions(experiment, changed) {
  const path = `/v1/experiments/${experiment.id}`;
  const attempt = async (work) => {
    try {
      await work();
    } catch (error) {
      say(error.message, true);
    }
  };
  byId("cancel").addEventListener("click", () =>
    attempt(async () => {
      const sure = await confirmed("Cancel this experiment?", "Queued runs are cancelled at once, running ones within a second. Curves and the results of finished runs are kept.", "Cancel runs");
      if (sure) changed(await call("POST", `${path}/cancel`));
    }),
  );
  byId("retry").addEventListener("click", () =>
    attempt(async () => {
      const sure = await confirmed("Retry?", "Failed and cancelled runs are queued again. Runs that succeeded keep their results.", "Retry");
      if (sure) changed(await call("POST", `${path}/retry`));
    }),
  );
  byId("delete").addEventListener("click", () =>
    attempt(async () => {
      const sure = await confirmed("Delete this experiment?", `“${byId("name").textContent}” and all its results will be gone for good.`, "Delete");
      if (!sure) return;
      const resumeReading = pauseReading();
      await call("DELETE", path).catch((error) => {
        resumeReading();
        throw error;
      });
      window.location.assign(at("/experiments"));
    }),
  );
  byId("edit").addEventListener("click", () => attempt(() => edit(experiment, path)));
}

/** Show the buttons that fit the state. */
export function fitActions(counts) {
  byId("cancel").hidden = !(counts.queued || counts.running);
  byId("retry").hidden = !(counts.failed || counts.cancelled);
  byId("delete").disabled = Boolean(counts.running);
  byId("delete").title = counts.running ? "Cancel first: runs are running." : "";
}

function edit(experiment, path) {
  const name = make("input", { name: "name", value: experiment.name, maxLength: 200 });
  const tags = make("input", { name: "tags", value: experiment.tags.join(", ") });
  const wrong = make("p", { className: "wrong", attrs: { role: "alert" } });
  const cancel = make("button", { type: "button", textContent: "Close" });
  const form = make(
    "form",
    {},
    make("h2", { id: "edit-title", textContent: "Name and tags" }),
    make("label", { className: "field" }, "Name", name),
    make("label", { className: "field" }, "Tags, separated by commas", tags),
    wrong,
    make("div", { className: "row" }, cancel, make("button", { type: "submit", textContent: "Save", className: "primary" })),
  );
  const dialog = make("dialog", { attrs: { "aria-labelledby": "edit-title" } }, form);
  document.body.append(dialog);
  cancel.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const list = tags.value.split(",").map((tag) => tag.trim()).filter(Boolean);
    try {
      const saved = await call("PATCH", path, { name: name.value.trim(), tags: list });
      Object.assign(experiment, { name: saved.name, tags: saved.tags });
      byId("name").textContent = saved.name || "Unnamed experiment";
      document.title = `${saved.name || "Experiment"} · reglab`;
      byId("tags").replaceChildren(
        ...saved.tags.flatMap((tag) => [make("a", { className: "tag", href: at(`/experiments?tag=${encodeURIComponent(tag)}`), textContent: tag }), " "]),
      );
      dialog.close();
      say("Saved.");
    } catch (error) {
      wrong.textContent = error.message;
    }
  });
  dialog.showModal();
}
