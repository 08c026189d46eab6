r"""What LaTeX has to hold wherever it comes from: KaTeX sets it, or at least its structure is sound.

KaTeX is found by node itself: `npm install katex` in a folder, and NODE_PATH set to its `node_modules`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence

_FORMULA = re.compile(
    r"\\begin\{align\*\}.*?\\end\{align\*\}"
    r"|(?<!\\)\$\$(?P<shown>.*?)(?<!\\)\$\$"
    r"|(?<!\\)\$(?P<inline>[^$]*?)(?<!\\)\$",
    re.DOTALL,
)
_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|.", re.DOTALL)

COMMANDS = r"""
\frac \sum \prod \partial \left \right \bigl \bigr \begin \end \text \mathrm \operatorname \operatorname* \sqrt
\hat \bar \tilde \exp \log \sin \cos \tanh \max \min \bmod \lfloor \rfloor \cdot \quad \le \ge \ne \approx
\leftarrow \to \times \Delta \top \mathbf \odot \oslash \lVert \rVert \substack \sigma \Sigma \Pi \dots
\checkmark \boxed \pm \mathbin \textbackslash \textasciitilde \textasciicircum \vert \surd \circ \infty \alpha \beta \gamma
\delta \epsilon \zeta \eta \theta \kappa \lambda \mu \nu \xi \pi \rho \tau \phi \chi \psi \omega \Gamma \Theta
\Lambda \Phi \Psi \Omega
"""
KNOWN = frozenset(COMMANDS.split())

SET = """
const katex = require("katex");
const strict = (code, message) => { throw new Error(code + ": " + message); };
let input = "";
process.stdin.on("data", (part) => { input += part; });
process.stdin.on("end", () => {
  const wrong = [];
  for (const [displayMode, tex] of JSON.parse(input)) {
    try { katex.renderToString(tex, { displayMode, throwOnError: true, strict }); }
    catch (error) { wrong.push([error.message, tex]); }
  }
  console.log(JSON.stringify(wrong));
});
"""


def formulas(text: str) -> Iterator[tuple[bool, str]]:
    """Every formula in a LaTeX or Markdown text, and whether it is displayed."""
    for found in _FORMULA.finditer(text):
        if found["inline"] is not None:
            yield False, found["inline"]
        else:
            yield True, found["shown"] if found["shown"] is not None else found[0]


def katex_is_here() -> bool:
    """Whether node is installed and finds KaTeX."""
    if shutil.which("node") is None:
        return False
    return subprocess.run(["node", "-e", 'require("katex")'], capture_output=True, check=False).returncode == 0


def refused_by_katex(found: Sequence[tuple[bool, str]]) -> list[list[str]]:
    """The formulas that KaTeX does not set, with what it says."""
    answer = subprocess.run(["node", "-e", SET], input=json.dumps(found), capture_output=True, text=True, check=True)
    wrong: list[list[str]] = json.loads(answer.stdout)
    return wrong


def fault(latex: str) -> str | None:
    """What is wrong with the structure of a formula: braces, pairs, scripts, commands; None where nothing is."""
    tokens = [token for token in _TOKEN.findall(latex) if token != " "]
    depth, pairs = 0, 0
    scripts: list[set[str]] = [set()]
    for place, token in enumerate(tokens):
        after = tokens[place + 1] if place + 1 < len(tokens) else ""
        if token == "{":
            depth += 1
            scripts.append(set())
        elif token == "}":
            depth -= 1
            scripts.pop()
            if depth < 0:
                return "a brace too many is closed"
        elif token in ("_", "^"):
            if token in scripts[-1]:
                return f"two {token} at one base"
            scripts[-1].add(token)
            if after != "{":
                return f"a script without braces: {token}{after}"
            continue
        elif token == r"\left":
            pairs += 1
        elif token == r"\right":
            pairs -= 1
        elif token.startswith("\\") and token[1].isalpha() and token not in KNOWN:
            return f"an unknown command {token}"
        if token != "}" or after not in ("_", "^"):
            scripts[-1] = set()
    if depth or pairs:
        return "a brace or a \\left stays open"
    opened, closed = (re.findall(rf"\\{word}\{{(.*?)\}}", latex) for word in ("begin", "end"))
    return None if sorted(opened) == sorted(closed) else "an environment stays open"
