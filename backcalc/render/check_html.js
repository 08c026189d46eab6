// One submission at a time, walked from finding to finding; the right way unfolds where it is asked for.
(() => {
  "use strict";
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const several = document.body.classList.contains("several");
  const sections = all("main > section");

  // -- the right way: copied and set when it is opened ------------------------------------------------
  const set = (within) => {
    for (const element of all(".tex", within)) {
      const latex = element.textContent;
      const displayMode = element.classList.contains("display");
      try {
        katex.render(latex, element, { displayMode, strict: false, trust: false, maxExpand: 5000 });
      } catch (error) { // the source stays readable
        element.textContent = latex;
        console.error(error.message);
      }
    }
    within.classList.add("set");
  };
  for (const details of all("details[data-way]")) {
    details.addEventListener("toggle", () => {
      const room = details.querySelector(".way");
      if (!details.open || room.firstChild) return;
      room.append(document.getElementById(`way-${details.dataset.way}`).content.cloneNode(true));
      set(room);
    });
  }

  // -- findings: those cards that have something to say ------------------------------------------------
  const walk = document.querySelector(".walk");
  const now = document.getElementById("now");
  const back = document.getElementById("back");
  const forth = document.getElementById("forth");
  const smooth = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  let section = sections[0], cards = [], current = -1;
  const say = () => {
    walk.hidden = cards.length === 0;
    back.disabled = current <= 0;
    forth.disabled = current === cards.length - 1;
    const what = (card) => card.querySelector("b").textContent.trim().split(/\s+/).pop();
    now.textContent = current < 0
      ? `${cards.length} ${cards.length === 1 ? "finding" : "findings"}: walk through with ← and →.`
      : `Finding ${current + 1} of ${cards.length}: ${what(cards[current])}`;
  };
  const go = (to, scroll = true) => {
    for (const card of cards) card.classList.remove("now");
    current = Math.max(-1, Math.min(cards.length - 1, to));
    if (current >= 0) {
      cards[current].classList.add("now");
      if (scroll) cards[current].scrollIntoView({ block: "center", behavior: smooth });
    }
    say();
  };
  const open = (next) => {
    section = next;
    if (several) for (const other of sections) other.hidden = other !== section;
    cards = all("article.card", section);
    go(-1);
  };
  const follow = () => { // the address says which submission and which claim
    const target = location.hash ? document.getElementById(location.hash.slice(1)) : null;
    const next = target && target.closest("main > section") || (section ? sections[0] : null);
    if (!next) return;
    if (next !== section || cards.length === 0) open(next);
    if (!target || target === next) { scrollTo(0, 0); return; }
    const place = cards.indexOf(target);
    if (place >= 0) go(place, false);
    target.scrollIntoView({ block: "center" });
    target.focus({ preventScroll: true });
  };
  back.addEventListener("click", () => go(current - 1));
  forth.addEventListener("click", () => go(current + 1));
  addEventListener("hashchange", follow);
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const box = event.target.closest(".display, .table, .way");
    if (box && box.scrollWidth > box.clientWidth + 1) return; // here the arrows scroll
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by && cards.length) { event.preventDefault(); go(by < 0 && current <= 0 ? 0 : current + by); }
    if (event.key === "Escape") go(-1);
  });

  // -- light, dark, paper ------------------------------------------------------------------------------
  const theme = document.getElementById("theme");
  const preference = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (document.documentElement.dataset.theme || (preference.matches ? "dark" : "light")) === "dark";
  const name = () => { theme.textContent = dark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; name(); });
  preference.addEventListener("change", name);
  name();
  addEventListener("beforeprint", () => { for (const each of sections) each.hidden = false; });
  addEventListener("afterprint", () => { if (several) for (const each of sections) each.hidden = each !== section; });
  open(sections[0]);
  follow();
  document.body.classList.add("ready");
})();
