// A list of tabs with arrow keys, and a button that copies the open one.

import { byId, copyText } from "./dom.js";

export function wireTabs(list, copyButton) {
  const tabs = [...list.querySelectorAll('[role="tab"]')];
  const panel = (tab) => byId(tab.getAttribute("aria-controls"));
  const open = (chosen) => {
    for (const tab of tabs) {
      const isOpen = tab === chosen;
      tab.setAttribute("aria-selected", String(isOpen));
      tab.tabIndex = isOpen ? 0 : -1;
      panel(tab).hidden = !isOpen;
    }
  };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (tab) open(tab);
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
    next.focus();
    open(next);
  });
  copyButton.addEventListener("click", () => {
    const chosen = tabs.find((tab) => tab.getAttribute("aria-selected") === "true");
    copyText(panel(chosen).textContent);
  });
}
