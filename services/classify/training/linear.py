"""Character n-grams with TF-IDF and logistic regression: the baseline, and one of the teachers."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import SGDClassifier
from training.examples import Example
from training.network import HEADS, LABELLED

from sori_classify.model.onnx import normalise

ABUSE_SETS = ("curse_2runo", "malicious_zizun", "kocohub_hate", "kmhas")
EASED = {"sentiment": 2e-6, "abuse": 1e-5, "kote": 5e-5}  # strength of the penalty


class Grams:
    """Hashed character n-grams of one to five, weighted by TF-IDF."""

    def __init__(self) -> None:
        self._counter = HashingVectorizer(
            analyzer="char", ngram_range=(1, 5), n_features=2**22, alternate_sign=False, norm=None, dtype=np.float32
        )
        self._weights = TfidfTransformer(sublinear_tf=True)

    def fit(self, texts: Sequence[str], report: Callable[[str], None] = lambda _: None) -> sparse.csr_matrix:
        """Learn the weights from texts, and give theirs; takes a minute for 200,000."""
        step = 50_000
        parts = []
        for start in range(0, len(texts), step):
            parts.append(self._counted(texts[start : start + step]))
            report(f"  {min(start + step, len(texts)):,} of {len(texts):,} texts")
        return self._weights.fit_transform(sparse.vstack(parts, format="csr"))  # type: ignore[no-any-return]

    def read(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Give other texts' n-grams, with the weights that were learnt."""
        return self._weights.transform(self._counted(texts))  # type: ignore[no-any-return]

    def _counted(self, texts: Sequence[str]) -> sparse.csr_matrix:
        return self._counter.transform([normalise(text)[:200] for text in texts])  # type: ignore[no-any-return]


class Linear:
    """One head's logistic regression, each class against the rest."""

    def __init__(self, name: str, seed: int) -> None:
        self._name = name
        self._seed = seed
        self._models: list[SGDClassifier | None] = []

    def fit(self, rows: sparse.csr_matrix, target: np.ndarray, weight: np.ndarray) -> "Linear":
        """Learn from targets of 0 and 1, [texts, classes]."""
        for column in target.T:
            model = SGDClassifier(
                loss="log_loss", alpha=EASED[self._name], max_iter=8, tol=None, average=True, random_state=self._seed
            )
            one_sided = np.unique(column).size < 2  # Only in dry runs.
            self._models.append(None if one_sided else model.fit(rows, column > 0.5, sample_weight=weight))
        return self

    def predict(self, rows: sparse.csr_matrix) -> np.ndarray:
        """Give probabilities; those of classes that exclude each other add up to 1."""
        nothing = np.full(rows.shape[0], 1e-3)
        found = np.stack(
            [nothing if model is None else model.predict_proba(rows)[:, 1] for model in self._models], axis=1
        )
        return found / found.sum(axis=1, keepdims=True) if self._name == "sentiment" else found


def known(name: str, examples: list[Example]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the places of the examples whose people gave this target, with targets and weights."""
    places, targets, weights = [], [], []
    width = (HEADS | LABELLED)[name]
    for at, example in enumerate(examples):
        row = np.zeros(width, np.float32)
        weight = 1.0
        if name == "sentiment":
            if example.sentiment is None or max(example.sentiment) < 0.6:
                continue
            row[int(np.argmax(example.sentiment))] = 1
            weight = example.sentiment_weight
        elif name == "abuse":
            if example.source not in ABUSE_SETS or example.abuse is None:
                continue
            row[0] = example.abuse
        else:
            if example.kote is None:
                continue
            row[list(example.kote)] = 1
        places.append(at)
        targets.append(row)
        weights.append(weight)
    return np.asarray(places), np.stack(targets), np.asarray(weights)
