"use strict";
/* Decisions of a reviewer. They stay in this browser until they are exported; nothing is sent. */
document.documentElement.classList.add("js");

const store = (() => {
  const PREFIX = "photoreal-review:";
  let memory = null; // Where localStorage is not allowed: the name of the tab, which survives a reload.
  try {
    localStorage.setItem(PREFIX, "1");
    localStorage.removeItem(PREFIX);
  } catch {
    memory = {};
    try {
      const kept = JSON.parse(window.name);
      if (kept && kept.photorealReview && typeof kept.photorealReview === "object") memory = kept.photorealReview;
    } catch { /* The tab has another name. */ }
  }
  const read = (key) => (memory ? memory[key] ?? null : localStorage.getItem(PREFIX + key));
  const write = (key, text) => {
    if (!memory) {
      if (text === null) localStorage.removeItem(PREFIX + key);
      else localStorage.setItem(PREFIX + key, text);
      return;
    }
    if (text === null) delete memory[key];
    else memory[key] = text;
    window.name = JSON.stringify({ photorealReview: memory });
  };
  return {
    isLasting: memory === null,
    reviewer: () => read("reviewer") ?? "",
    setReviewer: (name) => write("reviewer", name),
    decisions(set) {
      try {
        const found = JSON.parse(read("set:" + set) ?? "{}");
        return found && typeof found === "object" && !Array.isArray(found) ? found : {};
      } catch {
        return {};
      }
    },
    save: (set, decisions) => write("set:" + set, Object.keys(decisions).length ? JSON.stringify(decisions) : null),
  };
})();

const WORDS = { accept: "accepted", reject: "rejected", retry: "to be tried again" };

/* ``items`` are elements with data-set, data-name and data-photo, each with a .decide group. */
function startReview(items, bar) {
  const told = bar.querySelector(".told");
  const reviewer = bar.querySelector(".reviewer");
  reviewer.value = store.reviewer();
  reviewer.addEventListener("input", () => store.setReviewer(reviewer.value.trim()));

  const decisionOn = (item) => {
    const found = store.decisions(item.dataset.set)[item.dataset.name];
    // A decision about another take does not count for the one that is shown now.
    return found && found.photo === item.dataset.photo && Object.hasOwn(WORDS, found.decision) ? found : null;
  };
  const put = (item, decision) => {
    const all = store.decisions(item.dataset.set);
    if (decision) all[item.dataset.name] = decision;
    else delete all[item.dataset.name];
    store.save(item.dataset.set, all);
    draw(item);
    count();
  };
  const decide = (item, word, focusReason) => {
    if (!item || !item.dataset.photo) return;
    const button = item.querySelector(`[data-decision=${word}]`);
    if (!button) return;
    const now = decisionOn(item);
    if (now && now.decision === word && !focusReason) return put(item, null);
    put(item, {
      name: item.dataset.name, photo: item.dataset.photo, decision: word,
      reason: word === "accept" ? "" : now?.reason ?? "", when: new Date().toISOString(),
    });
    if (focusReason && word !== "accept") item.querySelector(".reason").focus();
  };
  const draw = (item) => {
    const found = decisionOn(item);
    for (const button of item.querySelectorAll("[data-decision]"))
      button.setAttribute("aria-pressed", String(found?.decision === button.dataset.decision));
    const reason = item.querySelector(".reason");
    if (reason) {
      reason.hidden = !found || found.decision === "accept";
      if (document.activeElement !== reason) reason.value = found?.reason ?? "";
    }
    item.dispatchEvent(new CustomEvent("decided", { detail: found?.decision ?? "", bubbles: true }));
  };
  const count = () => {
    const counts = { accept: 0, reject: 0, retry: 0 };
    let total = 0;
    for (const item of items) {
      if (!item.dataset.photo) continue;
      total += 1;
      const found = decisionOn(item);
      if (found) counts[found.decision] += 1;
    }
    const parts = Object.keys(WORDS).filter((word) => counts[word]).map((word) => `${counts[word]} ${WORDS[word]}`);
    const decided = counts.accept + counts.reject + counts.retry;
    told.textContent = `${decided} of ${total} decided${parts.length ? ": " + parts.join(", ") : ""}.` +
      (store.isLasting ? "" : " This browser does not keep decisions: export them before you close the tab.");
    bar.querySelector(".export").disabled = decided === 0;
  };
  const exportAll = () => {
    if (!reviewer.value.trim()) {
      told.textContent = "Enter your name first: the set records who decided.";
      return reviewer.focus();
    }
    store.setReviewer(reviewer.value.trim());
    const sets = new Map();
    for (const item of items) {
      const found = decisionOn(item);
      if (!found) continue;
      if (found.decision === "retry" && !found.reason.trim()) {
        told.textContent = `${item.dataset.name === "*" ? item.dataset.product : item.dataset.name}: say why it should be tried again.`;
        item.scrollIntoView({ block: "center" });
        return item.querySelector(".reason")?.focus();
      }
      const { set, product, folder } = item.dataset;
      if (!sets.has(set)) sets.set(set, { set, product, folder: folder ?? "", decisions: [] });
      sets.get(set).decisions.push(found);
    }
    const record = { schema: 1, kind: "photoreal-set-decisions", reviewer: reviewer.value.trim(),
      written: new Date().toISOString(), sets: [...sets.values()] };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(record, null, 2) + "\n"], { type: "application/json" }));
    link.download = "decisions-" + (record.reviewer.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "") || "review") + ".json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    told.textContent = `Exported as ${link.download}. Apply it with: resume DIR --decisions ${link.download}`;
  };
  bar.querySelector(".export").addEventListener("click", exportAll);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-decision]");
    if (button) decide(button.closest("[data-photo]"), button.dataset.decision, false);
  });
  const keepReason = (event) => {
    if (!event.target.matches?.(".reason")) return;
    const item = event.target.closest("[data-photo]");
    const found = decisionOn(item);
    if (found) {
      const all = store.decisions(item.dataset.set);
      all[item.dataset.name] = { ...found, reason: event.target.value, when: new Date().toISOString() };
      store.save(item.dataset.set, all);
    }
  };
  document.addEventListener("input", keepReason);
  for (const item of items) if (item.dataset.photo && decisionOn(item)) draw(item);
  count();
  return { decide, draw, exportAll, undo: (item) => item?.dataset.photo && put(item, null) };
}

/* Letters are shortcuts, except while text is entered. */
function onKey(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const field = event.target.matches?.("input[type=text], input[type=search], select, textarea");
    if (field) {
      if (event.key === "Escape" || event.key === "Enter") event.target.blur();
      return;
    }
    if (event.target.matches?.("input[type=range], video") && event.key.startsWith("Arrow")) return;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (action) {
      event.preventDefault();
      action();
    }
  });
}
