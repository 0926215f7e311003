"""Whether a linear model on weak labels beats the word lists that gave them; run with the folder of labelled texts."""

import itertools
import lzma
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer
from training import topics

from sori_classify.model.lexicon import Lexicon

_SETS = (
    "nsmc/train.tsv.xz",
    "kote/val.tsv.xz",
    "intent_3i4k/train.tsv.xz",
    "en_goemotions/train.tsv.xz",
    "en_banking77/train.tsv.xz",
)
_EACH = 20_000  # texts of each set
_BARE = 0.15  # share of the texts without a topic that is kept


def _texts(data: Path) -> Iterator[str]:
    for name in _SETS:
        with lzma.open(data / name, "rt", encoding="utf-8", newline="\n") as lines:
            at = next(lines).rstrip("\n").split("\t").index("text")
            for line in itertools.islice(lines, _EACH):
                yield line.rstrip("\n").split("\t")[at]


def main(data: Path) -> None:
    """Train on what the word lists find, and print both tables."""
    lexicon = Lexicon.load(topics.LEXICONS)
    labelled = [(text, lexicon.find(text).topics) for text in _texts(data)]
    rng = np.random.default_rng(7)
    labelled = [(text, found) for text, found in labelled if found or rng.random() < _BARE]
    names = MultiLabelBinarizer()
    targets = names.fit_transform([found for _, found in labelled])
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), min_df=3, sublinear_tf=True, max_features=200_000)
    rows = grams.fit_transform([text for text, _ in labelled])
    model = OneVsRestClassifier(SGDClassifier(loss="log_loss", alpha=1e-6, max_iter=8, tol=None, random_state=7))
    model.fit(rows, targets)
    checked = topics.read(topics.TEXTS)
    tuned = [each for each in checked if each.tuning]
    chances = model.predict_proba(grams.transform([each.text for each in tuned]))
    thresholds = {
        at: topics.micro(
            topics.tallies(
                tuned,
                dict(
                    zip((each.text for each in tuned), names.inverse_transform((chances > at).astype(int)), strict=True)
                ).__getitem__,
            )
        )
        for at in (0.05, 0.1, 0.2, 0.3, 0.5)
    }
    best = max(thresholds, key=lambda at: thresholds[at])

    def find(text: str) -> tuple[str, ...]:
        """Give the topics of a text by the linear model."""
        chosen: tuple[str, ...] = names.inverse_transform(
            (model.predict_proba(grams.transform([text])) > best).astype(int)
        )[0]
        return chosen

    print(f"{len(labelled):,} texts, threshold {best}")
    print("linear model alone", *topics.report(checked, find), sep="\n")
    both = topics.report(checked, lambda text: {*find(text), *lexicon.find(text).topics})
    print("word lists or linear model", *both, sep="\n")


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1]))
