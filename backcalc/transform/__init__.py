"""Transforming and deciding: whether a claim holds, and what an equivalent smaller network is."""

from __future__ import annotations

from backcalc.transform.claim import ClaimError
from backcalc.transform.fold import fold
from backcalc.transform.folding import Fold, FoldError, Folding, Stack
from backcalc.transform.proof import LinkProof, Proof, ProofStep
from backcalc.transform.prove import prove

__all__ = [
    "ClaimError",
    "Fold",
    "FoldError",
    "Folding",
    "LinkProof",
    "Proof",
    "ProofStep",
    "Stack",
    "fold",
    "prove",
]
