"use strict";
// Sets every formula of the page; where that fails the LaTeX stays, in red.
document.addEventListener("DOMContentLoaded", () => {
  for (const element of document.querySelectorAll(".math")) {
    const displayMode = element.tagName === "DIV";
    katex.render(element.textContent, element, { displayMode, throwOnError: false, maxExpand: 5000 });
  }
});
