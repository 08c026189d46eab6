"""Hints: where to look and what to go through again, for every kind of mistake, without the answer.

A hint never holds a value, a formula or a name that the student has not written: each is one fixed sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from backcalc.check.result import Claim, Diagnosis, Expected, Finding, Part, Report, Submission, Verdict

HINTS: Mapping[str, str] = MappingProxyType(
    {
        # derivations
        "sign": "Go through the signs of this step, one factor at a time.",
        "no-path": "Draw the arrows that lead from this quantity to the loss. Is there one?",
        "update-sign": "In which direction does gradient descent step?",
        "rate-missing": "A step is more than the gradient: which factors does the update rule have?",
        "chain-factor": "Write down every factor of the chain rule on the way from the loss to here, and count them.",
        "factor-twice": "Write down every factor of the chain rule on the way from the loss to here, each once.",
        "constant-factor": "Look at the constant factors: those of the loss, and what a power brings down.",
        "slope-elsewhere": "At which point is the slope of the activation taken: before it or after it?",
        "one-minus": "Look at the signs inside the brackets.",
        "absolute": "Does the direction of a difference matter here?",
        "reciprocal": "What stands above the line of the fraction, and what below?",
        "sum-term": "On how many ways does this quantity reach the loss? Each of them adds a term.",
        "gated-by-gradient": "What decides whether a ReLU lets a gradient through?",
        "cross-terms": "Each output of a softmax depends on every input: are all those ways in it?",
        "through-statistics": "In batch normalisation the mean and the variance depend on every sample, too.",
        "updated-weights": "Which weights does a step start from: those before it or those after it?",
        "transposed-weight": "Which index of the matrix is that of the unit that reads, and which of the one read?",
        "sum-for-mean": "Is it a sum here, or a mean?",
        "mean-without-sum": "What is added up before it is divided?",
        "restricted-sum": "Over which of its terms does the sum run?",
        "one-less": "By how many is this divided?",
        "other-name": "Compare every name in this line with the definition.",
        "copied-wrong": "Compare the numbers put in with those where you worked them out.",
        "index": "Compare the indices on both sides.",
        "log-base": "Which base does the logarithm have?",
        "digits": "Compare the digits of this number with those of the line before it.",
        "substituted": "Go through what was put in: does every value stand for the quantity that belongs there?",
        "wrong": "Go through this step once more.",
        "transposed": "Compare the shape of the array with that of the parameter.",
        "shape": "Count the rows and columns: which shape must this have?",
        # counts
        "bias-counted": "Are biases to be counted here?",
        "pooling-weights": "Which numbers does this layer learn?",
        "depth-forgotten": "Through how many input maps does one kernel reach?",
        "bias-a-position": "How many biases does one filter have, over all its positions?",
        "connection-table": "Which input maps does each filter of this network read?",
        "mac-for-flop": "What counts as one operation here?",
        "additions": "How many additions join so many products?",
        "padding-or-stride": "Work out the output size once more: padding, kernel and stride.",
        "layer-left-out": "Go through the layers one by one: is each in the sum, once?",
        "kernel-squared": "How many numbers does one kernel have?",
        "digits-swapped": "Compare the digits of this number with those of your working.",
        "not-floored": "Does the last window fit into the map? Which way is this rounded?",
        "input-as-layer": "Which layers compute something or learn something?",
        "bias-in-some": "Go through the layers one by one: does each have its biases in this sum?",
        "neighbour-width": "Between which two layers does this matrix lie, and how wide are they?",
        "wrong-width": "Compare every width in this line with the layers of the network.",
        # conventions
        "bias": "This fits another convention about biases than the question's.",
        "mac": "This fits another convention of counting operations than the question's.",
        "2mac": "This fits another convention of counting operations than the question's.",
        "padding": "This fits another convention about padding than the question's.",
        "pooling": "This fits another convention about pooling than the question's.",
        "factor": "This fits a loss with another constant factor: read its definition once more.",
        "subgradient": "At a kink there is more than one slope: read which one the course takes.",
        "truncated": "Round the last digit instead of cutting the rest off.",
        "mixed-convention": "Keep to one convention throughout the problem.",
        "convention": "This fits another convention than the question's: read the question once more.",
        # carried forward, rounded, written
        "carried-forward": "This step is sound; it starts from a value that is not. Look further up.",
        "rounded-too-early": "Keep more digits on the way, and round at the end.",
        "wrong-step": "The step that leads here does not give this result. Go through it once more.",
        "right-by-wrong-step": "A result does not follow from the step before it. Go through that step once more.",
        "only-here": "Does this hold for all values, or only for those given?",
        "targets-add-up": "Which property of the targets does this use? Say so.",
        "notation": "The meaning is clear; write it the way the course does.",
        "missing": "Something that is asked for is not answered: read the question once more.",
        "unfinished": "This is not carried through to what is asked for.",
        # not settled, not read
        "definition": "Define your own names where you first use them.",
        "unknown-name": "Use the names of the question, or define your own.",
        "not-followed": "Write this step out in smaller ones.",
        "two-numbers": "Say which quantity this number is.",
        "which-quantity": "Say which quantity this is about.",
        "which-problem": "Begin each problem with its number.",
        "unreadable": "Write this formula so that it can be read: one line, every bracket closed.",
        "open": "This was not settled: write the step out in smaller ones.",
        "time": "This was not reached in time: hand in less at once.",
    }
)
"""A sentence for every code of a diagnosis or a finding."""

BY_VERDICT: Mapping[Verdict, str] = MappingProxyType(
    {
        "right": "Right; look at how it is written.",
        "wrong": HINTS["wrong"],
        "follows": HINTS["carried-forward"],
        "convention": HINTS["convention"],
        "undecided": HINTS["open"],
        "unreadable": HINTS["unreadable"],
    }
)
"""What is said where the code has no sentence of its own."""

RULED = "overridden"
"""A grader's own words are told as they are."""


def hinted(report: Report) -> Report:
    """The report with hints in place of answers: no expected value, formula, witness or reason is left in it."""
    return replace(report, answers=(), submissions=tuple(map(_submission, report.submissions)))


def _submission(submission: Submission) -> Submission:
    parts, claims = map(_part, submission.parts), map(_claim, submission.claims)
    return replace(submission, parts=tuple(parts), claims=tuple(claims))


def _part(part: Part) -> Part:
    findings = dict.fromkeys(_finding(finding) for finding in part.findings)
    return replace(part, findings=tuple(findings))


def _finding(finding: Finding) -> Finding:
    if finding.code in ("missing", RULED):  # what is asked for stands in the question
        return finding
    return Finding(finding.code, HINTS.get(finding.code, BY_VERDICT["wrong"]))


def _claim(claim: Claim) -> Claim:
    diagnosis = claim.diagnosis
    if diagnosis is not None and diagnosis.code != RULED:
        diagnosis = Diagnosis(diagnosis.code, HINTS.get(diagnosis.code, BY_VERDICT[claim.verdict]))
    elif diagnosis is None and claim.verdict != "right":
        diagnosis = Diagnosis(claim.verdict, BY_VERDICT[claim.verdict])
    about = claim.about if claim.verdict not in ("undecided", "unreadable") else None
    return replace(claim, about=about, expected=Expected(), witness=None, diagnosis=diagnosis)
