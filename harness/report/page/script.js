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
  const status = document.createElement("div");
  status.className = "sr";
  status.setAttribute("role", "status");
  document.body.append(status);
  for (const button of all("button.copy")) {
    const label = button.firstChild;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await copy(button.previousElementSibling.textContent);
      button.focus();
      label.data = done ? "Copied" : "Failed";
      status.textContent = done ? "Copied" : "Copying failed: select the text";
      setTimeout(() => {
        label.data = "Copy";
        status.textContent = "";
      }, 2000);
    });
  }

  // The dark style sheet applies as the system has it, always, or never.
  const dark = document.getElementById("dark-theme");
  const themes = [["as the system", dark.media], ["dark", "screen"], ["light", "not all"]];
  const theme = document.querySelector("button.theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    themes.push(themes.shift());
    [theme.textContent, dark.media] = [`Theme: ${themes[0][0]}`, themes[0][1]];
  });

  // A page of one chapter lists the headings of its first example.
  if (!document.querySelector(".contents")) {
    const headings = all("details.example:first-of-type :is(h4, h5):not(summary *)").slice(0, 20);
    const list = document.createElement("ul");
    headings.forEach((heading, number) => {
      heading.id ||= `contents-${number}`;
      const link = document.createElement("a");
      link.href = `#${heading.id}`;
      link.textContent = heading.firstChild.textContent.trim();
      const entry = document.createElement("li");
      entry.append(link);
      list.append(entry);
    });
    const nav = document.createElement("nav");
    const fold = document.createElement("details");
    const summary = document.createElement("summary");
    nav.className = "contents";
    nav.ariaLabel = "Contents";
    summary.textContent = "Contents";
    fold.append(summary, list);
    nav.append(fold);
    if (headings.length > 1) document.querySelector("main").before(nav);
  }

  // The list of contents is open where it stands beside the text.
  const contents = document.querySelector(".contents details");
  const wide = matchMedia("(min-width: 78rem)");
  const place = () => contents && (contents.open = wide.matches);
  wide.addEventListener("change", place);
  place();

  const boxes = all(".scroll");
  const measure = () => boxes.forEach((box) => box.classList.toggle("wider", box.scrollWidth > box.clientWidth + 1));
  new ResizeObserver(measure).observe(document.body);

  const details = all("main details");
  let before = null;
  addEventListener("beforeprint", () => {
    before = details.filter((each) => !each.open);
    before.forEach((each) => (each.open = true));
  });
  addEventListener("afterprint", () => before && before.forEach((each) => (each.open = false)));

  // A link to what lies in closed details opens them; one to a kernel's part, its first run.
  const show = () => {
    let target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    const first = target && target.matches(".came") && target.querySelector("details.example");
    if (first) first.open = true;
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
  every.hidden = !details.length;
  every.addEventListener("click", () => {
    const open = details.some((each) => !each.open);
    details.forEach((each) => (each.open = open));
    every.textContent = open ? "Close all details" : "Open all details";
  });

  const table = document.querySelector("table.overview");
  const body = table && table.tBodies[0];
  const rows = all("table.overview tbody tr, table.answers tbody tr");
  const matrix = document.querySelector("table.matrix");
  const lines = all("table.matrix tbody tr:not(.kind)");
  const columns = matrix ? [...matrix.tHead.rows[0].cells].slice(1).map((each) => each.textContent.toLowerCase()) : [];
  const count = tools.querySelector(".count");
  const chips = all("button.chip", tools);
  const filter = tools.querySelector("input");
  const texts = new Map([...rows, ...lines].map((row) => [row, row.textContent.toLowerCase()]));
  for (const group of matrix ? matrix.tBodies : []) {
    for (const row of [...group.rows].slice(1)) {
      texts.set(row, `${texts.get(row)} ${group.rows[0].textContent.split(" ")[0].toLowerCase()}`);
    }
  }
  const pressed = () => chips.filter((chip) => chip.ariaPressed === "true").map((chip) => chip.dataset.tag);
  const narrowed = (some, words) => {
    const tags = pressed();
    for (const row of some) {
      const own = (row.dataset.tags || "").split(" ");
      const tagged = !tags.length || tags.some((tag) => own.includes(tag));
      row.hidden = !tagged || !words.every((word) => texts.get(row).includes(word));
    }
    return some.filter((row) => !row.hidden).length;
  };
  // Of the matrix a word that only the kernels' names have chooses columns, and the others rows.
  const narrow = (words) => {
    const chosen = words.filter(
      (word) => columns.some((each) => each.includes(word)) && !lines.some((row) => texts.get(row).includes(word)),
    );
    const hidden = columns.map((each) => !chosen.every((word) => each.includes(word)));
    for (const row of [matrix.tHead.rows[0], ...lines]) {
      hidden.forEach((each, column) => (row.cells[column + 1].hidden = each));
    }
    const shown = narrowed(lines, words.filter((word) => !chosen.includes(word)));
    for (const group of matrix.tBodies) group.rows[0].hidden = [...group.rows].slice(1).every((row) => row.hidden);
    return `${shown} of ${lines.length}, ${hidden.filter((each) => !each).length} of ${columns.length} kernels`;
  };
  const update = () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    const shown = `${narrowed(rows, words)} of ${rows.length}`;
    const both = matrix ? narrow(words) : shown;
    count.textContent = filter.value || pressed().length ? both : "";
  };
  filter.addEventListener("input", update);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.ariaPressed = String(chip.ariaPressed !== "true");
      update();
    });
  }

  // From cell to cell by the arrow keys, as well as by Tab.
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  if (matrix) {
    matrix.addEventListener("keydown", (event) => {
      const cell = event.target.closest("td, th");
      const step = steps[event.key];
      if (!step || !cell || event.ctrlKey || event.altKey || event.metaKey) return;
      let [row, column] = [cell.parentElement.rowIndex, cell.cellIndex];
      for (let link = null; !link; ) {
        [row, column] = [row + step[0], column + step[1]];
        const next = matrix.rows[row] && matrix.rows[row].cells[column];
        if (column < 0 || !matrix.rows[row] || (!next && step[1])) return;
        link = next && !next.hidden && !next.parentElement.hidden && next.querySelector("a");
        if (link) link.focus();
      }
      event.preventDefault();
    });
  }
  if (!table) return;

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
