r"""What LaTeX has to hold wherever it comes from: KaTeX sets it, or at least its structure is sound.

KaTeX is the copy that the pages carry, run by node; where node is not installed, only the structure is looked at.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from backcalc.render import katex_inline

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
\checkmark \mathbin \textbackslash \textasciitilde \textasciicircum \vert \surd \circ \infty \alpha \beta \gamma
\delta \epsilon \zeta \eta \theta \kappa \lambda \mu \nu \xi \pi \rho \tau \phi \chi \psi \omega \Gamma \Theta
\Lambda \Phi \Psi \Omega \boxed \pm \texttt \cdots
"""
KNOWN = frozenset(COMMANDS.split())

SET = """
const katex = require(process.argv[1]);
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
    """Whether node is installed, which runs the KaTeX of the pages."""
    return shutil.which("node") is not None


NO_NODE = "node is not installed, which runs KaTeX"


def refused_by_katex(found: Sequence[tuple[bool, str]]) -> list[list[str]]:
    """The formulas that KaTeX does not set, with what it says; all in one process."""
    command = ["node", "-e", SET, str(Path(katex_inline.__file__).with_name("katex") / "katex.min.js")]
    answer = subprocess.run(command, input=json.dumps(found), capture_output=True, text=True, check=True)
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
