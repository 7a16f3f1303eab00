"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Where the clipboard may not be had (an insecure context), a selection and the old command still do it.
  const oldCopy = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "sr";
    document.body.append(area);
    area.select();
    try {
      return document.execCommand("copy");
    } finally {
      area.remove();
    }
  };
  const copy = async (text) => {
    if (window.isSecureContext && navigator.clipboard) {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch {
        return oldCopy(text);
      }
    }
    return oldCopy(text);
  };
  const said = document.createElement("div");
  said.className = "sr";
  said.setAttribute("role", "status");
  document.body.append(said);
  for (const button of all("button.copy")) {
    const label = button.firstChild;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await copy(button.previousElementSibling.textContent);
      button.focus();
      label.data = done ? "Copied" : "Failed";
      said.textContent = done ? "Copied" : "Copying failed: select the text";
      setTimeout(() => {
        label.data = "Copy";
        said.textContent = "";
      }, 2000);
    });
  }

  const details = all("details");
  let before = null;
  addEventListener("beforeprint", () => {
    before = details.filter((each) => !each.open);
    before.forEach((each) => (each.open = true));
  });
  addEventListener("afterprint", () => before && before.forEach((each) => (each.open = false)));

  // A link to what lies in closed details opens them.
  const show = () => {
    let target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    for (; target; target = target.parentElement) {
      if (target.tagName === "DETAILS") target.open = true;
    }
  };
  addEventListener("hashchange", show);
  show();

  const tools = document.querySelector(".tools");
  if (!tools) return;
  tools.hidden = false;
  const every = tools.querySelector("button.all");
  every.addEventListener("click", () => {
    const open = details.some((each) => !each.open);
    details.forEach((each) => (each.open = open));
    every.textContent = open ? "Close all details" : "Open all details";
  });

  const table = document.querySelector("table.overview");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const told = tools.querySelector(".count");
  const filter = tools.querySelector("input");
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    told.textContent = filter.value ? `${shown} of ${rows.length}` : "";
  });

  const value = (row, column) => {
    const text = row.cells[column].textContent.trim();
    const number = Number(text);
    return text === "–" ? Infinity : Number.isNaN(number) ? text : number;
  };
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      headings.forEach((each) => each.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const sign = down ? -1 : 1;
      const order = (a, b) => {
        const [x, y] = [value(a, column), value(b, column)];
        return sign * (typeof x === "string" || typeof y === "string" ? String(x).localeCompare(String(y)) : x - y || 0);
      };
      body.append(...rows.sort(order));
    });
  });
})();
