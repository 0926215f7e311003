"""The model's card: where it comes from, what it can do, where it fails."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.calibration import Calibration
from training.corpora import SOURCES
from training.examples import Labels
from training.network import Shape
from training.table import Line
from training.table import page as page_of
from training.trainer import Plan

from sori_classify.domain import EMOTIONS, UTTERANCES, Sentiment

WEAKNESSES = (
    "Trained mostly on movie reviews and online comments: on service texts expect less than on its own test split.",
    "Sarcasm, and praise and blame in one text, are often misread; the answer is for the text as a whole.",
    "Neutral is learnt from five- and six-star reviews, emotion labels and weak labels: the weakest sentiment class.",
    "English abuse and English utterance types are learnt from weak labels (patterns), not from people's labels.",
    "English reviews are learnt from comments' emotions, written texts and two word lists, not from real reviews.",
    "Abuse follows the labels of four Korean sets that do not agree on what abuse is; one score serves them all.",
    "Questions and requests in Korean are learnt from spoken-style sentences, most of them with one clause.",
    "A clause that only context makes a complaint (`one week already`) looks neutral.",
    "Only Korean and English; every other language has to be kept away by the language rule.",
    (
        "The first 112 of the written probes were at hand when the phrases that it was trained on were extended: they "
        "flatter it. Of these sori-small-2+86f1919f reads 0.92 to 0.93 right, of the 732 written after it 0.83 to 0.93."
    ),
    (
        "What it last learnt of shops, employers, banks' apps and English reviews was written for the domains of the "
        "probes, though without sight of them; hardly one of its lines shares more than half of the letter trigrams "
        "of a probe of ten letters or more. Of real texts expect less."
    ),
    (
        "Abuse begins at 0.5 where the three sets are told best together, not where each would be; what kocohub calls "
        "offensive begins lower, and is often missed."
    ),
    "English with spaces inside words or without spaces is read 2 points worse, Korean 1 point.",
    "Some other runs were compared on the same test split, which makes its figures a little better than they are.",
    "On sets of a few hundred texts a figure moves by 0.03 by chance, on probes of a hundred by 0.08.",
    "Not measured: dialect, and any difference between groups of authors.",
    "Reads at most 512 code units of a text: its beginning and its end.",
)


# Made for training out of files that stand in the repository, or of a word list.
WRITTEN = (
    ("phrases", "services/classify/training/phrases.yaml", "this one", "as the project"),
    ("sentences", "services/classify/training/sentences.yaml", "this one", "as the project"),
    ("reviews", "services/classify/training/reviews.yaml", "this one", "as the project"),
    ("corrections", "corrections that people sent", "this platform's", "the company's own"),
    ("vader", "vader_lexicon.txt of vaderSentiment 3.3.2", "cjhutto/vaderSentiment", "MIT"),
    ("textblob", "en-sentiment.xml of TextBlob 0.20.1 (from pattern)", "sloria/TextBlob, clips/pattern", "PDDL"),
)

_ABOUT = (
    "Sentiment, emotion, abuse and utterance type of Korean and English texts, in one ONNX graph that takes UTF-16 "
    "code units. Written by `python -m training train`; the figures below are measured on the exported file."
)
_SPLIT = (
    "The split is by a hash of the text, so that no text of the test split was trained on, in whichever set it stands. "
    "*Majority* always gives the commonest answer. *ECE* is the expected calibration error over 15 bins. "
    "For emotion, an answer is right when it is among the groups that the annotators named."
)


_PROMISES = (
    "*TF-IDF + LR* is character n-grams and logistic regression, trained on the same texts. Sets whose texts nobody "
    "has here (shopping, employer and app reviews, English sentences) are stood for by `probes.tsv`, which was written "
    "for the project and is never trained on, and by comments of many kinds. *must* and *aim* are for kept-back sets."
)


def write(
    folder: Path,
    *,
    plan: Plan,
    shape: Shape,
    checksums: dict[str, str],
    rows: dict[str, int],
    calibration: Calibration,
) -> dict[str, Any]:
    """Write card.json without measured figures; the model cannot be loaded without it."""
    content = (folder / "model.onnx").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    labels = Labels.load()
    card = {
        "name": folder.name,
        "version": f"{folder.name}+{digest[:8]}",
        "sha256": digest,
        "bytes": len(content),
        "input": {
            "units": "uint16 [texts, length], zero-padded",
            "text": "NFC, usual widths, lower case, white space folded, at most two of a character in a row, "
            "one space at each end, UTF-16 code units",
        },
        "labels": {
            "sentiment": list(Sentiment),
            "emotion": list(EMOTIONS),
            "utterance": list(UTTERANCES),
            "kote": [str(row[0]) for row in labels.kote],
        },
        # At which calibrated probability a label is best said to hold; the graph has moved it to 0.5.
        "kote_thresholds": calibration.kote_thresholds,
        "calibration": {"temperatures": calibration.temperatures, "shifts": calibration.shifts},
        "training": {"seed": plan.seed, "plan": asdict(plan), "shape": asdict(shape)},
        "data": [
            asdict(source) | {"sha256": checksums[source.file], "rows_used": rows.get(source.name, 0)}
            for source in SOURCES
        ]
        + [
            {
                "name": name,
                "file": file,
                "repository": repository,
                "licence": licence,
                "rows_used": rows[name],
            }
            for name, file, repository, licence in WRITTEN
            if rows.get(name)
        ],
        "weaknesses": list(WEAKNESSES),
    }
    save(folder, card)
    return card


def save(folder: Path, card: dict[str, Any]) -> None:
    """Write the card as JSON and as a page."""
    (folder / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    if "measured" in card:
        (folder / "MODEL_CARD.md").write_text(_page(card), encoding="utf-8")


def _taught(training: dict[str, Any]) -> str:
    if "teacher" in training:
        return f", taught by another model, `{training['teacher']}`"
    return ", taught by three networks and a linear model" if training["taught"] else ""


def _page(card: dict[str, Any]) -> str:
    measured = card["measured"]
    lines = [
        f"# {card['name']}",
        "",
        _ABOUT,
        "",
        f"- Version `{card['version']}`, SHA-256 `{card['sha256']}`, {card['bytes'] / 1e6:.1f} MB",
        f"- Seed {card['training']['seed']}, {card['training']['plan']['epochs']} epochs" + _taught(card["training"]),
        f"- {card['training']['shape']['rows']:,} n-grams; table and convolution in 8-bit integers",
        f"- About {measured['short_texts_per_second_one_thread']:,} short texts a second on one core, with encoding",
        "- Input: " + card["input"]["text"],
        "",
        "## Measured on its own test split",
        "",
        _SPLIT,
        "",
        "| task | set | texts | accuracy | majority | macro-F1 | ECE |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['task']} | {row['source']} | {row['texts']:,} | {row['accuracy']:.3f} | {row['majority']:.3f} | "
        f"{row['macro_f1']:.3f} | {row['calibration_error']:.3f} |"
        for row in measured["figures"]
    ]
    lines += [
        "",
        (
            f"KOTE's 44 emotions: macro-F1 {measured['kote_44_macro_f1']:.3f}. Each label's probability is moved, "
            "without changing any order, so that 0.5 is the threshold that gave the best F1 on the calibration split "
            "(`kote_thresholds` in card.json has the probabilities from which they were moved)."
        ),
    ]
    if "promises" in card:
        lines += ["", "## What is promised, beside baselines", "", _PROMISES, ""]
        lines += page_of([Line(**line) for line in card["promises"]]).split("\n")
    if "slices" in card:
        lines += ["", "## Kinds of texts", "", "Two sides of sentiment, over all sets of the test split.", ""]
        lines += ["| texts that are | texts | accuracy |", "| --- | --- | --- |"]
        lines += [
            f"| {row['slice']} | {row['texts']:,} | "
            + ("" if row["accuracy"] is None else f"{row['accuracy']:.3f}")
            + " |"
            for row in card["slices"]
        ]
    if "perturbed" in card:
        lines += [
            "",
            "## Typed in other ways",
            "",
            "Two sides of sentiment; *drop* is against the same texts as they are.",
        ]
        lines += ["", "| set | change | accuracy | drop |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {row['set']} | {row['change']} | {row['accuracy']:.3f} | {row['drop']:.3f} |"
            for row in card["perturbed"]
        ]
    if "parity" in card:
        parity = card["parity"]
        lines += ["", "## Parity", ""]
        lines += [
            (
                f"- The file and its reference in PyTorch differ by at most {parity['largest_difference']:.1e} in any "
                f"probability of {parity['texts']:,} texts."
            ),
        ]
        lines += [
            f"- {task}: {row['float']:.4f} right with floats, {row['int8']:.4f} as shipped in 8-bit integers "
            f"({row['texts']:,} texts)."
            for task, row in parity["accuracy"].items()
        ]
        if "batches" in card:
            lines += [
                (
                    "- Alone, in a batch of 256 and among other neighbours a text's probabilities differ by at most "
                    f"{card['batches']['largest_difference']:.1e}."
                )
            ]
    lines += [
        "",
        "## Emotion groups",
        "",
        "Which labels of the two emotion sets fold into a group; the shares of a text's labels are what it learns.",
        "",
        "| group | KOTE | GoEmotions |",
        "| --- | --- | --- |",
    ]
    labels = Labels.load()
    lines += [
        f"| {group} | "
        + " | ".join(
            ", ".join(str(row[0]) for row in names if row[1] == group) for names in (labels.kote, labels.goemotions)
        )
        + " |"
        for group in labels.emotions
    ]
    if "corrections" in card:
        lines += ["", "## What corrections changed", "", *card["corrections"]]
    lines += [
        "",
        "## Data and credits",
        "",
        "None of it is stored in this repository. Labels were mapped as `services/classify/training/labels.yaml` says.",
        "",
        "| set | source | licence | rows used | SHA-256 of the file |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['name']} | {row['repository']} | {row['licence']} | {row['rows_used']:,} | "
        + (f"`{row['sha256'][:16]}`… |" if "sha256" in row else " |")
        for row in card["data"]
    ]
    lines += ["", "## Known weaknesses", ""]
    lines += [f"- {weakness}" for weakness in card["weaknesses"]]
    return "\n".join(lines) + "\n"
