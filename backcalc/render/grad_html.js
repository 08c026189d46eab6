// Sets the formulas, walks through the steps, switches views, and tells what a symbol means. Works without a network.
(() => {
  "use strict";
  const symbols = JSON.parse(document.getElementById("symbols").textContent);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // -- formulas: the text of each element is its LaTeX ----------------------------------------------
  const GROUP = String.raw`\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}`;
  const WORD = new RegExp(
    String.raw`\\(?:text|operatorname\*?|begin|end)${GROUP}` +
    String.raw`|(\\(?:mathrm|mathbf|hat|bar|tilde)${GROUP}|\\[A-Za-z]+|[A-Za-z])(?:_(${GROUP}))?(?:\^${GROUP})?`, "g");

  const known = (base, places) => { // W_{q,\,1,2} is an entry of W_{q}, h_{1} one of h
    const parts = places ? places.slice(1, -1).split(",") : [];
    for (let count = parts.length; count > 0; count--) {
      const name = `${base}_{${parts.slice(0, count).join(",")}}`;
      if (name in symbols.places) return symbols.places[name];
    }
    return base in symbols.places ? symbols.places[base] : null;
  };
  const marked = (latex) => latex.replace(WORD, (whole, base, places) => {
    const place = base === undefined ? null : known(base, places);
    return place === null ? whole : String.raw`\htmlData{symbol=${place}}{${whole}}`;
  });
  const options = { strict: false, trust: (context) => context.command === "\\htmlData", maxExpand: 5000 };
  const set = (element) => {
    const latex = element.textContent;
    const displayMode = element.classList.contains("display");
    const text = element.closest("[data-plain]") ? latex : marked(latex);
    try {
      katex.render(text, element, { ...options, displayMode });
    } catch (error) { // the source stays readable
      element.textContent = latex;
      console.error(error.message);
      return;
    }
    for (const note of all("annotation", element)) note.textContent = latex;
    for (const html of all(".katex-html [data-symbol]", element)) html.classList.add("symbol");
  };
  const sheets = all(".view");
  const unfold = (sheet) => { // a view is set when it is seen for the first time
    if (!("set" in sheet.dataset)) all(".tex", sheet).forEach(set);
    sheet.dataset.set = "";
  };
  unfold(sheets.find((sheet) => !sheet.hidden));

  // -- symbols: meaning, shape and value ------------------------------------------------------------
  const tip = document.getElementById("tip");
  const line = (place) => {
    const { name, shape, meaning, value } = symbols.list[place];
    const row = document.createElement("p");
    const math = (latex) => {
      const part = document.createElement("span");
      katex.render(latex, part, options);
      row.append(part);
    };
    math(name);
    row.append(`: ${meaning}, `);
    if (shape) { row.append("shape "); math(shape); } else row.append("a number");
    if (value) { row.append(", "); math(`${name} = ${value}`); }
    return row;
  };
  let told = null; // the element that the tip is about
  const hide = () => {
    tip.hidden = true;
    if (told) told.removeAttribute("aria-describedby");
    told = null;
  };
  const show = (places, element) => {
    hide();
    tip.replaceChildren(...places.map(line));
    tip.hidden = false;
    told = element;
    const below = element.getBoundingClientRect();
    const space = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(below.left, space))}px`;
    const low = below.bottom + 8;
    tip.style.top = `${low + tip.offsetHeight > innerHeight ? Math.max(8, below.top - tip.offsetHeight - 8) : low}px`;
  };
  const focused = (element) => element !== null && element.matches(".display");
  const pointed = (event) => {
    const symbol = event.target.closest("[data-symbol]");
    if (symbol) show([Number(symbol.dataset.symbol)], symbol);
    else if (told && !focused(told) && !tip.matches(":hover")) hide();
  };
  document.addEventListener("mouseover", pointed);
  document.addEventListener("click", pointed);
  const list = (box) => { // what stands in a formula that the keyboard has come to
    const places = [...new Set(all("[data-symbol]", box).map((symbol) => Number(symbol.dataset.symbol)))];
    if (!places.length) return;
    show(places.slice(0, 10), box);
    box.setAttribute("aria-describedby", "tip");
  };
  document.addEventListener("focusin", (event) => {
    if (event.target.matches(".display:focus-visible")) list(event.target);
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("scroll", () => { // the page moves to what the keyboard comes to
    if (focused(told)) list(told); else hide();
  }, { passive: true });

  // -- steps ----------------------------------------------------------------------------------------
  const drawing = document.querySelector("figure");
  const boxes = all("svg .box", drawing).map((box) => box.parentNode);
  const edges = all("svg .edge", drawing);
  const labels = all("svg .gradient", drawing);
  const now = document.getElementById("now");
  const [back, forth] = [document.getElementById("back"), document.getElementById("forth")];
  const smooth = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  let steps = all(".view:not([hidden]) .step");
  let current = -1;

  const numbers = (text) => (text ? text.split(" ").map(Number) : []);
  const look = (element) => { // moves the drawing within its own box, never the page
    const [place, room] = [element.getBoundingClientRect(), drawing.getBoundingClientRect()];
    drawing.scrollBy({
      left: place.left + place.width / 2 - room.left - room.width / 2,
      top: place.top + place.height / 2 - room.top - room.height / 2,
    });
  };
  const mark = (to) => { // the step, and what it works on in the drawing
    current = to;
    all(".now").forEach((element) => element.classList.remove("now"));
    all("[aria-current]").forEach((element) => element.removeAttribute("aria-current"));
    document.body.classList.toggle("walking", to >= 0);
    back.disabled = to < 0;
    forth.disabled = to === steps.length - 1;
    now.textContent = to < 0 ? now.dataset.start : `Step ${to + 1} of ${steps.length}: ${steps[to].ariaLabel}`;
    if (to < 0) return;
    const step = steps[to];
    step.classList.add("now");
    step.setAttribute("aria-current", "step");
    const lit = numbers(step.dataset.boxes).map((place) => boxes[place]);
    lit.push(...numbers(step.dataset.edges).map((place) => edges[place]));
    for (const element of lit) element.classList.add("now");
    for (const label of labels) {
      if (label.dataset.of.split("\n").includes(step.dataset.gradient)) label.classList.add("now");
    }
    if (lit.length) look(lit[0]);
  };
  const walk = (to) => {
    if (to < -1 || to >= steps.length) return;
    mark(to);
    if (to < 0) scrollTo({ top: 0, behavior: smooth });
    else steps[to].scrollIntoView({ block: "start", behavior: smooth });
  };
  back.addEventListener("click", () => walk(current - 1));
  forth.addEventListener("click", () => walk(current + 1));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !tip.hidden) return hide();
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const box = event.target.closest(".display, .table, figure");
    if (box && box.scrollWidth > box.clientWidth + 1) return; // here the arrows scroll
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by) {
      event.preventDefault();
      walk(current + by);
      if (current >= 0) steps[current].focus({ preventScroll: true });
    }
    if (event.key === "Escape") walk(-1);
  });

  // -- views ----------------------------------------------------------------------------------------
  const choices = all("[data-show]");
  const choose = (view) => {
    const place = current < 0 ? "" : steps[current].ariaLabel;
    for (const sheet of sheets) sheet.hidden = sheet.dataset.view !== view;
    for (const choice of choices) {
      if (!choice.disabled) choice.setAttribute("aria-pressed", String(choice.dataset.show === view));
    }
    unfold(sheets.find((sheet) => !sheet.hidden));
    steps = all(".view:not([hidden]) .step");
    const same = steps.findIndex((step) => step.ariaLabel === place);
    if (current >= 0) walk(same); else mark(-1); // the same step where the view has it
  };
  for (const choice of choices) choice.addEventListener("click", () => choose(choice.dataset.show));

  // -- light, dark, paper ---------------------------------------------------------------------------
  const theme = document.getElementById("theme");
  const preference = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (document.documentElement.dataset.theme || (preference.matches ? "dark" : "light")) === "dark";
  const name = () => { theme.textContent = dark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; name(); });
  preference.addEventListener("change", name);
  name();
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all(".view:not([hidden]) details:not([open])");
    for (const lemma of closed) lemma.open = true;
  });
  addEventListener("afterprint", () => { for (const lemma of closed) lemma.open = false; });
  document.body.classList.add("ready");
})();
