// Sets the formulas, walks through the steps, and tells what a symbol means. Works without a network.
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
  all(".tex").forEach(set);

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
  const hide = () => { tip.hidden = true; };
  const show = (places, below) => {
    tip.replaceChildren(...places.map(line));
    tip.hidden = false;
    const space = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(below.left, space))}px`;
    const low = below.bottom + 8;
    tip.style.top = `${low + tip.offsetHeight > innerHeight ? Math.max(8, below.top - tip.offsetHeight - 8) : low}px`;
  };
  const pointed = (event) => {
    const symbol = event.target.closest("[data-symbol]");
    if (symbol) show([Number(symbol.dataset.symbol)], symbol.getBoundingClientRect());
    else if (!tip.matches(":hover")) hide();
  };
  document.addEventListener("mouseover", pointed);
  document.addEventListener("click", pointed);
  const list = (box) => { // what stands in a formula that the keyboard has come to
    const places = [...new Set(all("[data-symbol]", box).map((symbol) => Number(symbol.dataset.symbol)))];
    if (places.length) show(places.slice(0, 8), box.getBoundingClientRect());
  };
  const reached = () => {
    const element = document.activeElement;
    return element && element.matches(".display:focus-visible") ? element : null;
  };
  document.addEventListener("focusin", () => { if (reached()) list(reached()); });
  document.addEventListener("focusout", hide);
  document.addEventListener("scroll", () => { // the page moves to what the keyboard comes to
    if (reached() && !tip.hidden) list(reached()); else hide();
  }, { passive: true });

  // -- steps ----------------------------------------------------------------------------------------
  const steps = all(".step");
  const drawing = document.querySelector("figure");
  const boxes = all("svg .box", drawing).map((box) => box.parentNode);
  const edges = all("svg .edge", drawing);
  const labels = all("svg .gradient", drawing);
  const now = document.getElementById("now");
  const [back, forth] = [document.getElementById("back"), document.getElementById("forth")];
  const smooth = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  let current = -1;

  const numbers = (text) => (text ? text.split(" ").map(Number) : []);
  const look = (element) => { // moves the drawing within its own box, never the page
    const [place, room] = [element.getBoundingClientRect(), drawing.getBoundingClientRect()];
    drawing.scrollBy({
      left: place.left + place.width / 2 - room.left - room.width / 2,
      top: place.top + place.height / 2 - room.top - room.height / 2,
    });
  };
  const walk = (to) => {
    if (to < -1 || to >= steps.length) return;
    current = to;
    all(".now").forEach((element) => element.classList.remove("now"));
    all("[aria-current]").forEach((element) => element.removeAttribute("aria-current"));
    document.body.classList.toggle("walking", to >= 0);
    back.disabled = to < 0;
    forth.disabled = to === steps.length - 1;
    if (to < 0) {
      now.textContent = now.dataset.start;
      scrollTo({ top: 0, behavior: smooth });
      return;
    }
    const step = steps[to];
    step.classList.add("now");
    step.setAttribute("aria-current", "step");
    const lit = numbers(step.dataset.boxes).map((place) => boxes[place]);
    lit.push(...numbers(step.dataset.edges).map((place) => edges[place]));
    for (const element of lit) element.classList.add("now");
    for (const label of labels) if (label.textContent === step.dataset.gradient) label.classList.add("now");
    if (lit.length) look(lit[0]);
    now.textContent = `Step ${to + 1} of ${steps.length}: ${step.getAttribute("aria-label")}`;
    step.scrollIntoView({ block: "start", behavior: smooth });
  };
  back.addEventListener("click", () => walk(current - 1));
  forth.addEventListener("click", () => walk(current + 1));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !tip.hidden) return hide();
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const box = event.target.closest(".display, .table, figure");
    if (box && box.scrollWidth > box.clientWidth + 1) return; // here the arrows scroll
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by) { event.preventDefault(); walk(current + by); }
    if (event.key === "Escape") walk(-1);
  });

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
    closed = all("details:not([open])");
    for (const lemma of closed) lemma.open = true;
  });
  addEventListener("afterprint", () => { for (const lemma of closed) lemma.open = false; });
  document.body.classList.add("ready");
})();
