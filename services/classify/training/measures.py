"""Accuracy, macro-F1 and calibration error, with nothing but numpy."""

import numpy as np

BINS = 15


def macro_f1(truth: np.ndarray, guess: np.ndarray) -> float:
    """Give the mean F1 over all classes that occur in the truth or the guesses."""
    classes = np.union1d(truth, guess)
    return float(np.mean([_f1((truth == one).astype(int), (guess == one).astype(int)) for one in classes]))


def macro_f1_of_labels(truth: np.ndarray, guess: np.ndarray) -> float:
    """Give the mean F1 over the columns of [texts, labels]; a label that never occurs and is never given counts 0."""
    return float(np.mean([_f1(truth[:, at], guess[:, at]) for at in range(truth.shape[1])]))


def expected_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Give the expected calibration error: the mean gap between confidence and accuracy over equal-width bins."""
    at = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(confidence[at == one].sum() - right[at == one].sum()) for one in range(BINS)]
    return float(sum(gaps) / len(confidence))


def _f1(truth: np.ndarray, guess: np.ndarray) -> float:
    both = float((truth & guess).sum())
    total = float(truth.sum() + guess.sum())
    return 2 * both / total if total else 0.0
