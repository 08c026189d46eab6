"""The rulings on the claims of the five homework sheets, and where each claim stands in our restated submissions.

A row is: the claim, the submission, the line and the link on it (from 1), the ruling, and the cause where one is named.
Claims about programs, training runs and opinions are not listed: nothing in a key can judge them.
"""

from __future__ import annotations

from dataclasses import dataclass

RULINGS = """
000.Q1.c01   sheet-000      2.1  right
000.Q1.c02   sheet-000      4.1  right
000.Q1.c03   shared         5.1  right
000.Q1.c05   sheet-000      7.2  right
000.Q1.c06   shared         5.2  wrong       no-path
000.Q1.c07   sheet-000     11.1  right
000.Q1.c08   shared         6.2  wrong       substituted
000.Q1.c09   sheet-000     10.2  wrong       substituted
000.Q1.c10   shared         7.4  wrong       gated-by-gradient
000.Q1.c11   shared         7.1  right
000.Q2.c01   shared        12.1  right
000.Q2.c02   shared        13.1  right
000.Q2.c03   shared        16.1  right
000.Q2.c04   shared        15.1  right
000.Q2.c05   shared        17.1  wrong       pooling-weights
000.Q2.c06   shared        18.1  convention  pooling
000.Q2.c07   shared        20.1  right
000.Q2.c08   shared        21.1  wrong       connection-table
000.Q2.c09   shared        22.1  wrong       connection-table
000.Q2.c10   further        4.1  right
000.Q2.c11   sheet-000     21.1  wrong       pooling-weights
000.Q2.c12   sheet-000     22.1  convention  pooling
000.Q2.c13   shared        24.1  right
000.Q2.c14   shared        25.1  right
000.Q2.c15   sheet-000     24.1  right
000.Q2.c16   further        6.1  right
000.Q2.c17   sheet-000     26.1  right
000.Q2.c18   shared        27.1  right
000.Q2.c19   shared        28.1  right
000.Q3.c01   shared        31.1  wrong       index
000.Q3.c02   shared        32.1  right
000.Q3.c03   shared        33.2  right
000.Q3.c04   sheet-000     32.1  right
000.Q3.c05   sheet-000     33.1  right
000.Q3.c07   shared        34.1  right
000.Q3.c08   shared        35.1  right
000.Q3.c09   sheet-000     35.1  right
000.Q4.c01   shared        40.1  right
001.P1.c01   printed        4.1  right
001.P1.c02   printed        8.1  wrong       transposed
001.P1.c03   printed       10.1  right
001.P1.c04   printed       11.1  right
001.P1.c05   printed       12.1  right
001.P1.c06   printed       15.1  right
001.P1.c07   printed       15.2  undecided
001.P2.c03   printed       20.1  right
001.P2.c05   further       11.1  right
001.P2.c06   printed       27.2  right
001.P2.c07   printed       28.2  right
001.P2.c08   further       19.2  right
001.P2.c09   printed       31.1  right
002.counts.c01 sheet-001-002  2.2 right
002.counts.c02 sheet-001-002  4.1 wrong      wrong-width
002.losses.c01 sheet-001-002 15.1 right
002.losses.c02 sheet-001-002  8.1 right
002.losses.c05 sheet-001-002 16.1 wrong      other-name
002.losses.c06 sheet-001-002 22.1 right
002.losses.c07 sheet-001-002 19.2 right
002.losses.c08 sheet-001-002 17.1 right
002.losses.c09 sheet-001-002 18.2 right
002.losses.c10 sheet-001-002 10.1 right
002.losses.c11 sheet-001-002 12.1 right
002.losses.c12 sheet-001-002 13.1 right      wrong-step
002.losses.c17 sheet-003     20.1 right
003.P1Q1.c03 sheet-003      2.1  right
003.P1Q2.c01 table          3.1  right
003.P1Q2.c02 table          3.2  right
003.P1Q2.c03 sheet-003      6.2  right
003.P1Q2.c04 sheet-003      7.2  right
003.P1Q2.c05 table          3.3  right
003.P1Q2.c06 table          3.4  follows     rounded-too-early
003.P1Q2.c07 table          5.1  right       only-here
003.P1Q2.c08 sheet-003     11.1  right
003.P1Q2.c09 sheet-003     12.2  right
003.P1Q2.c10 sheet-003     13.2  right
003.P1Q2.c11 sheet-003     14.1  right
003.P1Q2.c12 sheet-003     15.2  right
003.P1Q2.c13 sheet-003     16.2  right
003.P1Q2.c14 sheet-003     17.2  right
003.P1Q2.c15 sheet-003     18.1  right
003.P1Q2.c16 sheet-003     19.1  right       only-here
003.P1Q2.c17 sheet-003     19.2  right
003.P1Q3.c01 table          9.1  right
003.P1Q3.c02 table         10.1  right
003.P1Q3.c03 table         10.3  right
003.P1Q3.c04 table         11.1  right
003.P1Q3.c05 sheet-003     25.1  right
003.P1Q3.c06 table         11.3  right
003.P1Q3.c07 sheet-003     27.1  right
003.P1Q3.c08 sheet-003     28.1  right
003.P1Q3.c09 sheet-003     29.1  right
003.P1Q3.c10 table         12.2  right
003.P1Q3.c12 table         13.1  wrong       bias-a-position
003.P1Q3.c13 table         14.2  right
003.P1Q4.c01 table         21.1  right
003.P1Q4.c02 table         20.2  right
003.P1Q4.c03 table         23.2  right
003.P1Q4.c04 table         25.1  wrong       mixed-convention
003.P1Q4.c05 table         26.1  wrong       mixed-convention
003.P1Q4.c06 table         27.1  wrong       mixed-convention
003.P1Q4.c07 table         29.1  follows     carried-forward
003.P1Q5.c02 sheet-003     40.1  right
003.P1Q5.c03 sheet-003     41.2  right
003.P1Q6.c03 sheet-003     43.1  right
003.P1Q6.c04 sheet-003     44.1  right
003.P1Q6.c05 sheet-003     43.1  right
003.P1Q6.c06 sheet-003     45.2  right
003.P1Q6.c07 sheet-003     46.1  right
"""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a teacher found of one claim, and where it stands."""

    claim: str
    submission: str
    line: int
    link: int
    verdict: str
    cause: str


def rulings() -> tuple[Ruling, ...]:
    """All rulings, in the order of the sheets."""
    found = []
    for row in RULINGS.strip().split("\n"):
        claim, submission, place, verdict, *cause = row.split()
        line, _, link = place.partition(".")
        found.append(Ruling(claim, submission, int(line), int(link), verdict, "".join(cause)))
    return tuple(found)
