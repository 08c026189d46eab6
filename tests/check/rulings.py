"""The rulings on the 203 claims of the five homework sheets, and where each claim stands in our restated submissions.

A row is: the claim, its kind, the ruling, the submission, the line and the link on it (from 1), what the check makes of
it, and the cause where one is named. Rulings are `right`, `wrong`, `reason` (right, for a wrong reason) and `open`: it
depends on a convention, or on what is not known. Where there is no link, `-`, nothing on the line is a claim that a key
could judge: a program, a training run, an opinion. The middle link of one chain has a row of its own, `/link`.

Two rows depart from the ruling by what follows from the numbers of the student: a rounded value put in, and a sum of
rows of which some are wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

COUNTED = ("derivation", "value", "shape", "count")
"""The kinds of claims that a key can judge."""

FIRST_ERRORS = (
    *("000.Q1.c06", "000.Q2.c05", "000.Q3.c01", "001.P1.c02", "002.counts.c02", "002.losses.c05"),
    *("002.losses.c12/link", "003.P1Q2.c06", "003.P1Q3.c12", "003.P1Q4.c04"),
)
"""The claims with which the problems that have an error begin to be wrong."""

RULINGS = """
000.Q1.c01          derivation right  sheet-000       2.1  right
000.Q1.c02          derivation right  sheet-000       4.1  right
000.Q1.c03          value      right  shared          5.1  right
000.Q1.c04          prose      right  said           36.-  none
000.Q1.c05          derivation right  sheet-000       7.2  right
000.Q1.c06          derivation wrong  shared          5.2  wrong      no-path
000.Q1.c07          derivation right  signs           3.1  right
000.Q1.c08          derivation wrong  shared          6.2  wrong      substituted
000.Q1.c09          derivation wrong  signs           3.5  wrong      substituted
000.Q1.c10          derivation wrong  shared          7.4  wrong      gated-by-gradient
000.Q1.c11          prose      reason shared          7.1  right
000.Q2.c01          count      right  shared         12.1  right
000.Q2.c02          count      right  shared         13.1  right
000.Q2.c03          shape      right  shared         16.1  right
000.Q2.c04          shape      right  shared         15.1  right
000.Q2.c05          count      wrong  shared         17.1  wrong      pooling-weights
000.Q2.c06          count      open   shared         18.1  convention pooling
000.Q2.c07          shape      right  shared         20.1  right
000.Q2.c08          count      wrong  shared         21.1  wrong      connection-table
000.Q2.c09          count      wrong  shared         22.1  wrong      connection-table
000.Q2.c10          shape      right  further         4.1  right
000.Q2.c11          count      wrong  sheet-000      21.1  wrong      pooling-weights
000.Q2.c12          count      open   sheet-000      22.1  convention pooling
000.Q2.c13          shape      right  shared         24.1  right
000.Q2.c14          count      right  shared         25.1  right
000.Q2.c15          count      right  sheet-000      24.1  right
000.Q2.c16          count      right  further         6.1  right
000.Q2.c17          count      right  sheet-000      26.1  right
000.Q2.c18          count      right  shared         27.1  right
000.Q2.c19          count      right  shared         28.1  right
000.Q3.c01          derivation wrong  shared         31.1  wrong      index
000.Q3.c02          derivation right  shared         32.1  right
000.Q3.c03          derivation right  shared         33.2  right
000.Q3.c04          derivation open   signs           8.1  right
000.Q3.c05          derivation open   signs           9.1  right      notation
000.Q3.c06          derivation right  signs          10.2  right      notation
000.Q3.c07          derivation right  shared         34.1  right
000.Q3.c08          derivation right  shared         35.1  right
000.Q3.c09          derivation right  signs          11.1  right      notation
000.Q4.c01          experiment reason shared         40.1  right
000.Q5.c01          experiment wrong  said           22.-  none
001.P1.c01          value      right  printed         4.1  right
001.P1.c02          value      wrong  printed         8.1  wrong      transposed
001.P1.c03          value      right  printed        10.1  right
001.P1.c04          value      right  printed        11.1  right
001.P1.c05          value      right  printed        12.1  right
001.P1.c06          value      right  printed        15.1  right
001.P1.c07          value      open   printed        15.2  undecided
001.P2.c01          prose      right  said            3.-  none
001.P2.c02          code       wrong  said            6.-  none
001.P2.c03          shape      right  printed        20.1  right
001.P2.c04          code       wrong  said            7.-  none
001.P2.c05          shape      right  further        11.1  right
001.P2.c06          count      right  printed        27.2  right
001.P2.c07          count      right  printed        28.2  right
001.P2.c08          count      right  further        19.2  right
001.P2.c09          count      right  printed        31.1  right
001.P2.c10          prose      right  said           12.-  none
001.P2.c11          count      right  signs          65.-  none
001.P2.c12          experiment right  said           15.-  none
001.P2.c13          code       wrong  said            8.-  none
001.P2.c14          experiment wrong  said           16.-  none
001.P2.c15          experiment right  said           17.-  none
001.P2.c16          code       wrong  said            9.-  none
002.counts.c01      count      right  sheet-001-002   2.2  right
002.counts.c02      count      wrong  sheet-001-002   4.1  wrong      wrong-width
002.counts.c03      prose      right  said           26.-  none
002.counts.c04      code       right  said           29.-  none
002.losses.c01      derivation right  signs          15.1  right
002.losses.c02      derivation right  signs          24.1  right
002.losses.c03      prose      right  said           34.-  none
002.losses.c04      prose      right  said           35.-  none
002.losses.c05      derivation wrong  signs          17.1  wrong      other-name
002.losses.c06      derivation right  sheet-001-002  22.1  right
002.losses.c07      derivation right  signs          20.1  right
002.losses.c08      derivation right  sheet-001-002  17.1  right
002.losses.c09      derivation right  sheet-001-002  18.2  right
002.losses.c10      derivation right  signs          26.1  right
002.losses.c11      derivation right  signs          30.1  right
002.losses.c12/link derivation wrong  signs          32.1  wrong      restricted-sum
002.losses.c12      derivation reason signs          32.2  right      wrong-step
002.losses.c13      code       open   signs          46.1  right
002.losses.c14      code       open   signs          36.1  right      targets-add-up
002.losses.c15      code       right  signs          38.1  unreadable unreadable
002.losses.c16      code       right  signs          40.1  right
002.losses.c17      derivation right  signs          42.1  right
003.P1Q1.c01        prose      right  said           39.-  none
003.P1Q1.c02        derivation right  signs          50.1  undecided  definition
003.P1Q1.c03        derivation right  signs          52.3  right
003.P1Q1.c04        prose      open   said           39.-  none
003.P1Q2.c01        value      right  table           3.1  right
003.P1Q2.c02        value      right  table           3.2  right
003.P1Q2.c03        value      right  sheet-003       6.2  right
003.P1Q2.c04        value      right  sheet-003       7.2  right
003.P1Q2.c05        value      right  table           3.3  right
003.P1Q2.c06        value      wrong  table           3.4  follows    rounded-too-early
003.P1Q2.c07        derivation reason table           5.1  right      only-here
003.P1Q2.c08        value      right  sheet-003      11.1  right
003.P1Q2.c09        value      right  sheet-003      12.2  right
003.P1Q2.c10        value      right  sheet-003      13.2  right
003.P1Q2.c11        derivation right  sheet-003      14.1  right
003.P1Q2.c12        value      right  sheet-003      15.2  right
003.P1Q2.c13        value      right  sheet-003      16.2  right
003.P1Q2.c14        value      right  sheet-003      17.2  right
003.P1Q2.c15        derivation right  sheet-003      18.1  right
003.P1Q2.c16        derivation reason sheet-003      19.1  right      only-here
003.P1Q2.c17        value      right  sheet-003      19.2  right
003.P1Q3.c01        shape      right  table           9.1  right
003.P1Q3.c02        count      right  table          10.1  right
003.P1Q3.c03        count      right  table          10.3  right
003.P1Q3.c04        shape      right  table          11.1  right
003.P1Q3.c05        count      right  sheet-003      25.1  right
003.P1Q3.c06        count      right  table          11.3  right
003.P1Q3.c07        shape      right  sheet-003      27.1  right
003.P1Q3.c08        count      right  sheet-003      28.1  right
003.P1Q3.c09        count      open   sheet-003      29.1  right
003.P1Q3.c10        count      right  table          12.2  right
003.P1Q3.c11        prose      wrong  said           43.-  none
003.P1Q3.c12        count      wrong  table          13.1  wrong      bias-a-position
003.P1Q3.c13        count      reason table          14.2  right
003.P1Q4.c01        shape      right  table          21.1  right
003.P1Q4.c02        count      right  table          20.2  right
003.P1Q4.c03        count      right  table          23.2  right
003.P1Q4.c04        count      wrong  table          25.1  wrong      mixed-convention
003.P1Q4.c05        count      wrong  table          26.1  wrong      mixed-convention
003.P1Q4.c06        count      wrong  table          27.1  wrong      mixed-convention
003.P1Q4.c07        count      wrong  table          29.1  follows    carried-forward
003.P1Q5.c01        prose      right  said           47.-  none
003.P1Q5.c02        derivation right  sheet-003      40.1  right
003.P1Q5.c03        derivation right  sheet-003      41.2  right
003.P1Q5.c04        prose      right  said           47.-  none
003.P1Q6.c01        prose      right  said           51.-  none
003.P1Q6.c02        prose      right  said           51.-  none
003.P1Q6.c03        derivation right  signs          56.1  right
003.P1Q6.c04        derivation right  signs          57.1  right
003.P1Q6.c05        derivation right  signs          58.1  right
003.P1Q6.c06        derivation right  sheet-003      45.2  right
003.P1Q6.c07        derivation right  signs          61.1  right
003.P1Q6.c08        prose      right  said           52.-  none
003.P1Q6.c09        prose      right  said           52.-  none
003.P1Q6.c10        prose      open   said           53.-  none
003.A2.T1.c01       prose      right  said           57.-  none
003.A2.T1.c02       code       wrong  said           58.-  none
003.A2.T1.c03       prose      right  said           57.-  none
003.A2.T1.c04       prose      right  said           58.-  none
003.A2.T2-5.c01     prose      reason said           65.-  none
003.A2.T2-5.c02     prose      right  said           65.-  none
003.A2.T2-5.c03     code       right  said           61.-  none
003.A2.T2-5.c04     code       wrong  said           62.-  none
003.A2.T2-5.c05     code       wrong  said           66.-  none
003.A2.T2-5.c06     experiment open   said           66.-  none
003.A2.T2-5.c07     experiment open   said           67.-  none
003.A2.T2-5.c08     experiment open   said           68.-  none
003.A2.T2-5.c09     experiment open   said           71.-  none
003.A2.T2-5.c10     experiment open   said           73.-  none
003.A2.T2-5.c11     experiment right  said           69.-  none
003.A2.T2-5.c12     experiment open   said           69.-  none
003.A2.T2-5.c13     experiment right  said           70.-  none
003.A2.T2-5.c14     experiment right  said           70.-  none
003.A2.T2-5.c15     experiment open   said           71.-  none
003.A2.T2-5.c16     experiment right  said           72.-  none
003.A2.T2-5.c17     experiment reason said           72.-  none
004.P1.c01          experiment right  said           78.-  none
004.P1.c02          experiment right  said           79.-  none
004.P1.c03          experiment right  said           80.-  none
004.P1.c04          experiment right  said           81.-  none
004.P1.c05          code       wrong  said           85.-  none
004.P1.c06          experiment open   said           88.-  none
004.P1.c07          prose      wrong  said           88.-  none
004.P1.c08          prose      open   said           89.-  none
004.P2.1.c01        experiment reason said           93.-  none
004.P2.1.c02        experiment wrong  said           94.-  none
004.P2.1.c03        experiment open   said           94.-  none
004.P2.1.c04        experiment reason said           94.-  none
004.P2.2.c01        experiment wrong  said          100.-  none
004.P2.2.c02        code       wrong  said          103.-  none
004.P2.2.c03        code       open   said          104.-  none
004.P2.3.c01        experiment reason said          108.-  none
004.P3.1.c01        prose      right  said          115.-  none
004.P3.1.c02        prose      open   said          115.-  none
004.P3.1.c03        prose      wrong  said          115.-  none
004.P3.2-3.c01      code       open   said          118.-  none
004.P3.2-3.c02      experiment right  said          119.-  none
004.P3.2-3.c03      code       right  said          120.-  none
004.P3.2-3.c04      code       right  said          122.-  none
004.P3.2-3.c05      code       wrong  said          121.-  none
004.P3.2-3.c06      experiment right  said          125.-  none
004.P3.2-3.c07      experiment open   said          125.-  none
004.P3.2-3.c08      experiment reason said          126.-  none
004.P3.4-5.c01      code       wrong  said          129.-  none
004.P3.4-5.c02      experiment wrong  said          132.-  none
004.P3.4-5.c03      experiment wrong  said          132.-  none
004.P3.4-5.c04      experiment open   said          133.-  none
004.P4.c01          code       right  said          138.-  none
004.P4.c02          code       right  said          139.-  none
004.P4.c03          prose      right  said          140.-  none
004.P4.c04          code       wrong  said          141.-  none
004.P4.c05          code       wrong  said          142.-  none
004.P4.c06          experiment open   said          145.-  none
004.P4.c07          experiment right  said          145.-  none
004.P4.c08          experiment wrong  said          146.-  none
004.P4.c09          prose      right  said          146.-  none
004.P4.c10          experiment right  said          147.-  none
004.P4.c11          experiment open   said          147.-  none
"""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a teacher found of one claim, where it stands, and what becomes of it."""

    claim: str
    kind: str
    ruling: str
    submission: str
    line: int
    link: int | None
    verdict: str
    cause: str

    @property
    def counts(self) -> bool:
        """Whether it is of a kind that a key can judge."""
        return self.kind in COUNTED


def rulings() -> tuple[Ruling, ...]:
    """All rulings, in the order of the sheets."""
    found = []
    for row in RULINGS.strip().split("\n"):
        claim, kind, ruling, submission, place, verdict, *cause = row.split()
        line, _, link = place.partition(".")
        at = None if link == "-" else int(link)
        found.append(Ruling(claim, kind, ruling, submission, int(line), at, verdict, "".join(cause)))
    return tuple(found)
