"""Pages that cannot lie: what they show of backcalc is run when they are built.

    ```{command} backcalc grad examples/neuron.yaml
    :format: markdown
    ```

shows the command with its output, and ends the build where the exit status is not the one expected. `python` does the
same for a Python session, `file` shows a file, and saves it first where its text is given; the role `made` links to a
file that a command of the page wrote.
"""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path
from shutil import copyfile, copytree, rmtree
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from running import NotRunnable, Ran, excerpt, fresh, run, session, until
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.typing import ExtensionMetadata, OptionSpec

RUNNING, MADE = "running", "made"
"""Folders beside the doctrees: where the commands of the pages run, and what they wrote that pages link to."""

LANGUAGES = {".yaml": "yaml", ".json": "json", ".py": "python", ".md": "markdown", ".tex": "latex", ".csv": "text"}


class CommandFailed(SphinxError):
    """What a page shows does not happen."""

    category = "A command of the documentation failed"


def page_folder(folder: Path, docname: str) -> Path:
    """The folder of a page in another; `_` takes the place of `/`, so that no page lies inside another."""
    return folder / docname.replace("/", "_")


def code(text: str, language: str, *classes: str) -> nodes.literal_block:
    """A text as it stands, in the colours of its language."""
    return nodes.literal_block(text, text, language=language, classes=list(classes))


class Running(SphinxDirective):
    """A directive that runs something in the folder of its page."""

    @property
    def folder(self) -> Path:
        """The folder of the page."""
        return page_folder(Path(self.env.doctreedir) / RUNNING, self.env.docname)

    def fail(self, reason: str) -> CommandFailed:
        """The error that ends the build, with its place."""
        source, line = self.get_source_info()
        return CommandFailed(f"{source}:{line}: {reason}")

    def rendered(self, markdown: str) -> list[nodes.Node]:
        """Markdown as part of the page; what stands under `##` is a section of the section that the directive is in."""
        parent, page = nodes.section(), self.state.document
        before = len(page)
        lines = re.sub(r"^#(#+ )", r"\1", markdown, flags=re.MULTILINE).splitlines()
        self.state.nested_parse(StringList(lines, self.env.docname), 0, parent, match_titles=True)
        sections = page.children[before:]  # the parser puts them at the end of the page
        del page[before:]
        return [*parent.children, *sections]


class Command(Running):
    """Runs a command of backcalc and shows it with its output."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[OptionSpec] = {
        "format": directives.unchanged,
        "lines": directives.unchanged,
        "until": directives.unchanged,
        "status": directives.nonnegative_int,
    }

    def run(self) -> list[nodes.Node]:
        command, expected = self.arguments[0], self.options.get("status", 0)
        form = self.options.get("format", "text")
        try:
            ran = run(command, self.folder)
        except NotRunnable as error:
            raise self.fail(str(error)) from None
        if ran.status != expected:
            raise self.fail(f"{command}\nended with {ran.status} instead of {expected}:\n{ran.err or ran.out}")
        prompt = code(f"$ {command}", "console", "prompt")
        shown = {"markdown": self._markdown, "svg": self._drawing}.get(form)
        if shown is None:
            return [prompt, *self._text(ran, form)]
        return [prompt, *shown(ran.out)]

    def _text(self, ran: Ran, form: str) -> list[nodes.Node]:
        text = "\n".join(filter(None, (ran.out.rstrip(), ran.err.rstrip())))
        try:
            text = until(text, self.options["until"]) if "until" in self.options else text
            text = excerpt(text, self.options["lines"]) if "lines" in self.options else text
        except ValueError as error:
            raise self.fail(str(error)) from None
        return [code(text, form, "output")] if text else []

    def _markdown(self, text: str) -> list[nodes.Node]:
        """The output without its title: the page has one."""
        return self.rendered(text.partition("\n")[2])

    def _drawing(self, text: str) -> list[nodes.Node]:
        """The drawing as an image of its own, so that its style stays within it."""
        about = re.search(r"<desc[^>]*>(.*?)</desc>", text, re.DOTALL)
        image = b64encode(text.encode()).decode()
        tag = f'<img src="data:image/svg+xml;base64,{image}" alt="{about[1] if about else "drawing"}">'
        return [nodes.raw("", f'<div class="drawing">{tag}</div>', format="html")]


class Python(Running):
    """Runs a Python session; its answers must be those that stand there."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        text = "\n".join(self.content)
        if differences := session(text + "\n", self.folder):
            raise self.fail(differences)
        return [code(text, "pycon")]


class File(Running):
    """Shows a file under its name. Where the directive has a content the file is saved first, for the page to use."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        place = self.folder / name
        if self.content:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("\n".join(self.content) + "\n", encoding="utf-8")
        if not place.is_file():
            raise self.fail(f"there is no file {name}")
        text = place.read_text(encoding="utf-8").rstrip()
        block = code(text, LANGUAGES.get(place.suffix, "text"))
        caption = nodes.caption(name, "", nodes.literal(name, name))
        return [nodes.container("", caption, block, literal_block=True, classes=["literal-block-wrapper"])]


class Made(SphinxRole):
    """A link to a file that a command of the page wrote."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        docname, doctrees = self.env.docname, Path(self.env.doctreedir)
        written, kept = (page_folder(doctrees / name, docname) / self.text for name in (RUNNING, MADE))
        if not written.is_file():
            raise CommandFailed(f"{docname}: no command of the page wrote {self.text}")
        kept.parent.mkdir(parents=True, exist_ok=True)
        copyfile(written, kept)
        address = f"{'../' * docname.count('/')}{page_folder(Path(MADE), docname).as_posix()}/{self.text}"
        return [nodes.reference(self.text, "", nodes.literal(self.text, self.text), refuri=address)], []


def begin_page(app: Sphinx, docname: str, content: list[str]) -> None:
    """Gives every page that is read a folder of its own."""
    fresh(page_folder(Path(app.doctreedir) / RUNNING, docname))
    rmtree(page_folder(Path(app.doctreedir) / MADE, docname), ignore_errors=True)


def keep_made(app: Sphinx, exception: Exception | None) -> None:
    """Puts what the pages link to beside them."""
    made = Path(app.doctreedir) / MADE
    if exception is None and made.is_dir():
        copytree(made, Path(app.outdir) / MADE, dirs_exist_ok=True)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("command", Command)
    app.add_directive("python", Python)
    app.add_directive("file", File)
    app.add_role("made", Made())
    app.connect("source-read", begin_page)
    app.connect("build-finished", keep_made)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
